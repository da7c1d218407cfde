//! Everything a scene's author names: `use diptych_components::prelude::*`.

pub use crate::life::{Grid, GridError, Pattern, PatternError, PatternFault, Rule, RuleError, Tile};
pub use crate::nbody::{Bodies, BodiesError, Body, BodyName, Mass, Position, Velocity};
pub use crate::slp::{Kind, Object};
