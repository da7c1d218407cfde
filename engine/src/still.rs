//! Still frames: frames in which world time stands and only answering systems run, so that requests are served
//! between two steps.
//!
//! Invariant: how many still frames a world has had is state of the world, on one entity of the engine's own; so
//! it is stored, in the digest, and holds after a restart. `Time::still` says the same at every moment. A world
//! without answering systems has neither the type nor the entity. Who runs is decided in `schedule/task.rs`.

#![expect(unsafe_code, reason = "has the world to itself between waves")]

use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::id::SystemKey;
use crate::input::Applier;
use crate::view::View;
use bytemuck::{Pod, Zeroable};
use std::path::Path;

/// The stored name of the type.
pub(crate) const STILL_NAME: &str = "diptych.still";
/// The stored version.
pub(crate) const STILL_VERSION: u32 = 1;

/// Still frames that a world has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub(crate) struct Still(u64);

impl Frame {
    /// Writes the count down in the frame being committed: after a still frame, and where something has ended
    /// the entity that holds it.
    pub(crate) fn keep_still(&mut self, frame: u64) -> Result<()> {
        let Some(index) = self.special.still else { return Ok(()) };
        if !self.shared.is_still() && self.columns[index].removed().get().is_empty() {
            return Ok(());
        }
        let still = Still(self.shared.time.get().still);
        let roles = self.shared.frames.roles();
        let mut failure = None;
        // SAFETY: no wave runs, and leases are out.
        let mut editor = unsafe { self.editor(roles.prev(), roles.stamps[roles.prev()]) };
        STILL_NAME.clone_into(&mut editor.acting);
        let key = SystemKey::of(STILL_NAME);
        let mut applier =
            Applier { editor: &mut editor, key, source: STILL_NAME, frame, failure: &mut failure };
        match applier.find::<Still>(|_| true) {
            Some(id) => {
                applier.set(id, still);
            }
            None => {
                applier.spawn((still,));
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Reads the count back from the world that was recovered.
    #[cfg_attr(not(feature = "store"), expect(dead_code, reason = "only worlds on disk are recovered"))]
    pub(crate) fn restore_still(&mut self, path: &Path) -> Result<()> {
        if self.special.still.is_none() {
            return Ok(());
        }
        let still = View::new(self.world(), &self.shared).iter::<Still>().map(|(_, still)| still.0).sum();
        if still > self.committed {
            let problem = format!("it counts {still} still frames among {} frames", self.committed);
            return Err(Error::Mismatch { path: path.to_owned(), problem });
        }
        // SAFETY: the engine is being built.
        unsafe { self.shared.time.get_mut() }.still = still;
        Ok(())
    }
}
