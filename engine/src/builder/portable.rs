//! Settings of worlds on their way: names that changed, records that are kept, patches from outside.

use super::EngineBuilder;

impl EngineBuilder {
    /// What was stored as `old` is `new` now: a type of state or a message, registered as `new`, or renamed or dropped
    /// in its turn by a later version of the program. So all renames stay in the code, as upcasters do. A world
    /// that has the old name gets a whole checkpoint when it is opened; versions and upcasters stay as they are.
    #[must_use]
    pub fn renamed(mut self, old: &str, new: &str) -> Self {
        self.registrar.renamed(old, new);
        self
    }

    /// The type or message that was stored as `name` is gone: its values go when a world that has them is opened,
    /// its entities stay. Tables that become equal become one, rows in stored order.
    #[must_use]
    pub fn dropped(mut self, name: &str) -> Self {
        self.registrar.dropped(name);
        self
    }

    /// Takes [`Patch`](crate::Patch)es from outside, by [`Inputs::patch`](crate::Inputs::patch): whoever has the
    /// inputs can then set, add and remove any type that is not reserved, and end entities. It is a registered input
    /// (`diptych.patch`) and changes no digest.
    #[must_use]
    pub fn patches(mut self) -> Self {
        self.registrar.patches();
        self
    }

    /// Keeps the records of the last `frames` frames in memory, in a world with or without a directory, so that
    /// [`Engine::delta_since`](crate::Engine::delta_since) can say what they changed. Costs a copy of each record; at
    /// most [`DELTA_FRAMES_MAX`](crate::store::DELTA_FRAMES_MAX) frames and
    /// [`DELTA_BYTES_MAX`](crate::store::DELTA_BYTES_MAX) bytes. None unless said otherwise. After a rollback there
    /// are none of frames before it: whoever follows takes a new snapshot.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn deltas(mut self, frames: u64) -> Self {
        self.deltas = frames;
        self
    }
}
