//! The systems of all scenes by name: `use diptych_systems::prelude::*`.
