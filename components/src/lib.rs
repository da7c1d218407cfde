//! Plain data and codecs: what a Diptych world is made of.
//!
//! No behaviour and no engine: each module holds the state of one scene as plain old data, and the parsers
//! that bring it in from the files people publish. What changes that state lives in `diptych-systems`.

pub mod agent;
pub mod ant;
pub mod canonical;
pub mod column;
pub mod eidolon;
pub mod event;
pub mod fields;
pub mod graph;
pub mod gravity;
pub mod grid;
pub mod group;
pub mod kv;
pub mod layout;
pub mod life;
pub mod mind;
pub mod nbody;
pub mod prelude;
pub mod principal;
pub mod rank;
pub mod script;
pub mod series;
pub mod session;
pub mod slp;
pub mod timer;
