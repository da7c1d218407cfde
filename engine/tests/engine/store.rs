//! The store against a naive world: what was submitted comes back, whatever happens in between.
//!
//! The model is in `store/model.rs`, the tests are in one file per subject.

mod again;
mod backup;
mod damage;
mod driver;
mod failure;
mod fuzz;
mod history;
mod killed;
mod looking;
mod missing;
mod model;
mod oneframe;
mod refused;
mod reopen;
mod roundtrip;
mod speed;
