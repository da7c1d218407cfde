//! Ants that look for food by chance and by signals, bring it home, and tell the ground how their ways turned out.
//!
//! Invariant: every cell of the ground has one owner, its tile; ants send what they have to say, and tiles add it up in
//! the order of the ants' `Id`s. Enemies and obstacles are left out.

mod ground;
mod space;
mod walk;

pub use ground::step_ground;
pub use space::{Space, fade};
pub use walk::{Cells, Outcome, Step, Walk, walk_ants};
