//! The store against a naive world: what was submitted comes back, whatever happens in between.
//!
//! One test binary; the model is in `store/model.rs`, the tests are in one file per subject.

#![cfg(feature = "store")]

#[path = "store/driver.rs"]
mod driver;

#[path = "store/model.rs"]
mod model;

#[path = "store/again.rs"]
mod again;

#[path = "store/backup.rs"]
mod backup;

#[path = "store/damage.rs"]
mod damage;

#[path = "store/failure.rs"]
mod failure;

#[path = "store/fuzz.rs"]
mod fuzz;

#[path = "store/history.rs"]
mod history;

#[path = "store/killed.rs"]
mod killed;

#[path = "store/looking.rs"]
mod looking;

#[path = "store/missing.rs"]
mod missing;

#[path = "store/oneframe.rs"]
mod oneframe;

#[path = "store/reopen.rs"]
mod reopen;

#[path = "store/roundtrip.rs"]
mod roundtrip;

#[path = "store/speed.rs"]
mod speed;
