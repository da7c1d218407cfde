//! Who can spawn and despawn: setups and systems, chunks of their parallel loops, and inputs.
//!
//! Invariant: adds nothing to what each of them does.

use diptych_engine::{Applier, Bundle, Chunk, Id, Spawned, Structure};

/// Whoever can spawn entities and despawn them.
pub trait Spawns {
    /// Spawns one entity with these values.
    fn spawn_parts<B: Bundle>(&mut self, bundle: B) -> Spawned;

    /// Despawns one, with everybody below it.
    fn despawn_entity(&mut self, id: Id);
}

impl Spawns for Structure<'_, '_> {
    fn spawn_parts<B: Bundle>(&mut self, bundle: B) -> Spawned {
        self.spawn(bundle)
    }

    fn despawn_entity(&mut self, id: Id) {
        self.despawn(id);
    }
}

impl Spawns for Chunk<'_> {
    fn spawn_parts<B: Bundle>(&mut self, bundle: B) -> Spawned {
        self.spawn(bundle)
    }

    fn despawn_entity(&mut self, id: Id) {
        self.despawn(id);
    }
}

impl Spawns for Applier<'_, '_> {
    fn spawn_parts<B: Bundle>(&mut self, bundle: B) -> Spawned {
        self.spawn(bundle)
    }

    fn despawn_entity(&mut self, id: Id) {
        self.despawn(id);
    }
}
