//! Diptych.

pub mod life;
pub mod nbody;
pub use diptych_engine::store;
pub use diptych_engine::{Error, Result};

/// What most programs name.
pub mod prelude {
    pub use diptych_engine::prelude::*;
}
