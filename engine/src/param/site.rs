//! What a parameter that is made of others may ask about the system it is being made for.
//!
//! Invariant: it is there while the build makes a system's parameters, and nowhere else; so a `Local` that begins
//! as a `Site` knows its system before the first frame.

use crate::registry::Registry;
use crate::schedule::Phase;
use bevy_ecs::world::{FromWorld, World};
use std::sync::Arc;

/// The system whose parameters are being made. Ask for it in the `FromWorld` of a `Local`.
///
/// ```
/// use bevy_ecs::world::FromWorld;
/// use diptych_engine::{Site, prelude::*};
/// struct Desk(Site);
/// impl FromWorld for Desk {
///     fn from_world(world: &mut bevy_ecs::world::World) -> Self {
///         Desk(Site::from_world(world))
///     }
/// }
/// fn log(desk: Local<Desk>) {
///     assert_eq!(&**desk.0.name(), "diary.log");
/// }
/// let mut engine = Engine::in_memory().system("diary.log", log).build()?;
/// engine.step()?;
/// # Ok::<(), diptych_engine::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Site {
    name: Arc<str>,
    phase: Phase,
    answering: bool,
}

impl Site {
    /// The registered name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// When in a frame the system runs.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the system runs in still frames too.
    #[must_use]
    pub fn is_answering(&self) -> bool {
        self.answering
    }
}

impl FromWorld for Site {
    /// # Panics
    /// In a world that is not an engine's.
    fn from_world(world: &mut World) -> Self {
        let registry = world.get_resource::<Registry>().expect("a system's site is in a diptych world");
        Self { name: registry.building().0.into(), phase: registry.phase, answering: registry.answering }
    }
}
