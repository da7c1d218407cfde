//! The name of the system that a parameter is in, for parameters that keep something for each system.
//!
//! Invariant: it is the registered name, which order, `Id`s and random streams follow; never a type's name.

use super::shared_param;
use crate::registry::Registry;
use std::sync::Arc;

/// Tells a system, or a parameter made of others, the name the system is registered under; `prepare` and
/// `cleanup` are part of their system.
///
/// ```
/// use diptych_engine::prelude::*;
/// fn log(caller: Caller, clock: Clock) {
///     println!("{} makes frame {}", caller.name(), clock.frame());
/// }
/// let mut engine = Engine::in_memory().system("diary.log", log).build()?;
/// engine.step()?;
/// # Ok::<(), diptych_engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Caller<'s>(&'s str);

impl<'s> Caller<'s> {
    /// The system's registered name.
    pub fn name(&self) -> &'s str {
        self.0
    }
}

shared_param!(
    Caller<'_>,
    Caller<'s>,
    Arc<str>,
    |world| Arc::from(world.resource::<Registry>().building().0),
    |state| Caller(state)
);
