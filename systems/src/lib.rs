//! Behaviour of Diptych worlds: functions from the previous frame to the next.
//!
//! Each module has the systems of one scene and, apart from them, the pure step they apply, so that it can be
//! tested and timed without an engine. What the systems work on is in `diptych-components`.

pub mod agent;
pub mod ant;
pub mod blueprint;
pub mod canonical;
mod codec;
pub mod column;
pub mod deadline;
pub mod eidolon;
pub mod event;
pub mod graph;
pub mod gravity;
pub mod grid;
pub mod group;
pub mod kdtree;
pub mod kv;
pub mod lane;
pub mod layout;
pub mod life;
pub mod mind;
pub mod nbody;
pub mod offload;
pub mod pool;
pub mod prelude;
pub mod script;
pub mod series;
pub mod timer;
mod turn;
pub mod unit;
