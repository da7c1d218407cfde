//! How capabilities are added to a world: a plugin registers types, inputs, systems, setups and facts.
//!
//! Invariant: a plugin sees the registrar, never the world.

use crate::builder::Registrar;
use crate::error::Result;

/// A capability that can be added to an engine.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Age(u64);
/// struct Ageing;
/// impl Plugin for Ageing {
///     fn name(&self) -> &'static str {
///         "ageing"
///     }
///     fn build(self, registrar: &mut Registrar) -> Result<()> {
///         registrar.state::<Age>("ageing.age", 1).system("ageing.age", |mut ages: Query<Next<Age>>| {
///             ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
///         });
///         Ok(())
///     }
/// }
/// let engine = Engine::in_memory().plugin(Ageing).build();
/// assert!(engine.is_ok());
/// ```
pub trait Plugin {
    /// The plugin's unique name; used in errors.
    fn name(&self) -> &'static str;

    /// The version of its behaviour: raise it whenever the same inputs may lead to another world than before. Worlds
    /// that are known by their inputs are opened with the version that wrote them only, and replayed with it.
    fn version(&self) -> u32 {
        1
    }

    /// Registers what the plugin consists of.
    ///
    /// # Errors
    /// When the plugin's own settings are wrong; the build fails with it.
    fn build(self, registrar: &mut Registrar) -> Result<()>;
}
