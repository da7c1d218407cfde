//! The Eidolon field as a plugin: particles in eight dimensions, an entity each, beside their field and its layers.
//!
//! Invariant: what a world was made from (options, version of this plugin; the engine keeps dt) is stored with it as
//! facts, so that it is never continued as another. Fields are made by setups; updates change their particles only.

pub use diptych_components::eidolon::*;
use diptych_engine::prelude::*;
use diptych_systems::eidolon::{
    AddressedUpdateCodec, FieldUpdateCodec, apply_update, describe_layers, parts, step_fields,
};
use std::collections::BTreeMap;

mod options;
mod show;

pub use options::{Options, OptionsFault, PARTICLES_DEFAULT};
pub use show::{draw, energy, measures};

/// Version of this plugin's state and behaviour; a world made by another one is refused.
const VERSION: &str = "2";
const FACT_OPTIONS: &str = "eidolon.options";

/// One field of particles that are drawn to the middle of their layer and pushed apart by their charges, stepped by
/// the engine's `dt`.
///
/// Any system may send a [`FieldUpdate`] to the field's entity, and any thread an [`AddressedUpdate`] as an input.
///
/// ```
/// use diptych::eidolon::{AddressedUpdate, EidolonPlugin, FieldSettings, FieldUpdate, LayerState, Options, Particle};
/// use diptych::prelude::*;
///
/// let plugin = EidolonPlugin::new(Options { particles: 64, ..Options::default() }).unwrap();
/// let mut engine = Engine::in_memory().dt(0.01).plugin(plugin).build().unwrap();
/// let field = engine.view().iter::<FieldSettings>().next().unwrap().0.bits();
/// let particle = Particle { mass: 1.0, circuit: 3, ..Particle::default() };
/// let update = FieldUpdate { added: vec![particle], ..FieldUpdate::default() };
/// engine.inputs().send("example", &AddressedUpdate { field, update }).unwrap();
/// engine.run(Pace::frames(10)).unwrap();
/// let layer = engine.view().iter::<LayerState>().find(|(_, layer)| layer.circuit == 3).unwrap().1;
/// assert_eq!((layer.population, layer.step), (9, 10));
/// ```
#[derive(Clone, Debug)]
pub struct EidolonPlugin {
    /// What frame 0 is made of; nothing for a stored world.
    options: Option<Options>,
    /// Which they are.
    fact: String,
}

impl EidolonPlugin {
    /// A field of these options.
    ///
    /// # Errors
    /// When an option is outside of what it may be.
    pub fn new(options: Options) -> Result<EidolonPlugin, OptionsFault> {
        options.check()?;
        Ok(EidolonPlugin { fact: options.to_string(), options: Some(options) })
    }

    /// The plugin of a world that is stored with these facts: for replays, which need no options.
    #[must_use]
    pub fn stored(facts: &BTreeMap<String, String>) -> EidolonPlugin {
        EidolonPlugin { options: None, fact: facts.get(FACT_OPTIONS).cloned().unwrap_or_default() }
    }
}

impl Plugin for EidolonPlugin {
    fn name(&self) -> &'static str {
        "eidolon"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        registrar
            .state::<Position>("eidolon.position", 1)
            .state::<Velocity>("eidolon.velocity", 1)
            .state::<Mass>("eidolon.mass", 1)
            .state::<Charge>("eidolon.charge", 1)
            .state::<Member>("eidolon.member", 1)
            .state::<Push>("eidolon.push", 1)
            .state::<FieldSettings>("eidolon.settings", 1)
            .state_with::<FieldName, NameCodec>("eidolon.name", 1)
            .state::<Ledger>("eidolon.ledger", 1)
            .state::<LayerState>("eidolon.layer", 1)
            .message_with::<FieldUpdate, FieldUpdateCodec>("eidolon.update", 1)
            .input_with::<AddressedUpdate, AddressedUpdateCodec>("eidolon.update", 1, apply_update)
            .system("eidolon.step", step_fields)
            .derive("eidolon.layers", describe_layers)
            .fact("eidolon.version", VERSION)
            .fact(FACT_OPTIONS, self.fact);
        let Some(options) = self.options else { return Ok(()) };
        registrar.setup("eidolon.setup", move |structure: &mut Structure<'_, '_>| {
            let particles: Vec<Particle> = options.particles().collect();
            let charged = particles.iter().filter(|particle| particle.is_charged()).count() as u64;
            let ledger = Ledger { population: particles.len() as u64, charged, ..Ledger::default() };
            let field = structure.spawn((options.settings(), FieldName(options.name.clone()), ledger)).id;
            for circuit in 0..CIRCUITS as u32 {
                structure.spawn((LayerState::empty(field.bits(), circuit),));
            }
            for particle in &particles {
                structure.spawn(parts(particle, field));
            }
        });
        Ok(())
    }
}

/// Names as their UTF-8 bytes.
#[derive(Debug)]
struct NameCodec;

impl Codec<FieldName> for NameCodec {
    fn encode(name: &FieldName, out: &mut Vec<u8>) {
        out.extend_from_slice(name.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<FieldName, CodecError> {
        String::from_utf8(bytes.to_vec()).map(FieldName).map_err(CodecError::new)
    }
}

#[cfg(test)]
mod tests;
