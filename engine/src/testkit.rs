//! For tests of worlds.
//!
//! Invariant: plain library code, without a test framework.

mod sync;

pub use sync::{SyncFailure, SyncReport, SyncTest, sync_test};
