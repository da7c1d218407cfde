//! What a frame can see beside its columns: messages under way, answers of jobs.
//!
//! Invariant: an annex changes at commits only, from what systems gathered during the wave; its bytes are in
//! the record of a frame, and are all that is needed to make it again. Equal annexes give equal bytes. How it
//! gathers is its own affair; it must not depend on threads.

#![expect(unsafe_code, reason = "declares operations of the commit")]

use crate::buffer::CodecError;
use crate::editor::Editor;
use crate::error::Result;
use crate::intake::Intake;
use core::any::Any;
use std::sync::Arc;

/// A part of the world's visible state that is no column.
pub(crate) trait Annex: Send + Sync {
    /// The stored name, unique among annexes.
    fn name(&self) -> &str;

    /// Itself, to be found by type while systems are being built.
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// At a commit, after structure and inputs: what was gathered becomes what the next frame sees.
    ///
    /// # Errors
    /// What must stop the engine.
    ///
    /// # Safety
    /// No system runs, and no lease is held.
    unsafe fn exchange(&self, editor: &mut Editor<'_>, frame: u64) -> Result<()>;

    /// Whether the next frame sees nothing of it; then it writes nothing and adds nothing to the digest.
    fn is_quiet(&self) -> bool;

    /// Bytes that [`Annex::write`] will append, about.
    fn size(&self) -> usize;

    /// Appends what the next frame can see.
    fn write(&self, out: &mut Vec<u8>);

    /// Makes it again from what [`Annex::write`] wrote, also where that was nothing to see.
    ///
    /// # Errors
    /// When the bytes are none of its own. Must not panic on any bytes.
    ///
    /// # Safety
    /// No system runs, and no lease is held.
    unsafe fn restore(&self, bytes: &[u8]) -> Result<(), CodecError>;

    /// What it takes from outside at commits, if anything.
    fn intake(&self) -> Option<Intake> {
        None
    }

    /// Called when the world is there: made, or recovered, or made again up to its last frame. `editor` sees the
    /// committed frame.
    ///
    /// # Safety
    /// No system runs, and no lease is held.
    unsafe fn begin(&self, _editor: &mut Editor<'_>) {}

    /// Called after a rollback, when [`Annex::restore`] has been. `editor` sees the frame that was gone back to.
    ///
    /// # Safety
    /// No system runs, and no lease is held.
    unsafe fn go_back(&self, _editor: &mut Editor<'_>) {}

    /// Called once when the engine is dropped; what runs beside the frames ends.
    fn end(&self) {}

    /// Lines for `explain()`.
    fn explain(&self) -> Vec<String>;

    /// Adds its figures.
    fn fill(&self, stats: &mut crate::stats::Stats);

    /// Something wrong with how systems use it, found when all of them are built.
    fn check(&self) -> Vec<crate::error::BuildError>;
}

/// What an annex adds to the world's digest: a hash of its bytes, keyed by its name.
pub(crate) fn digest(annex: &dyn Annex) -> u128 {
    let mut bytes = Vec::with_capacity(annex.size());
    annex.write(&mut bytes);
    crate::digest::row_hash(crate::digest::type_seed(annex.name()), 0, &bytes)
}
