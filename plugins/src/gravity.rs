//! Gravity with elastic collisions in the plane as a plugin: bodies in groups of neighbours, one entity each.
//!
//! Invariant: what a world was made from (bodies, law, rules, version of this plugin; the engine keeps dt) is stored with
//! it as facts, so that it is never continued as another. The law is state of an entity, so systems need nothing else.

mod options;
mod scene;

#[cfg(test)]
mod tests;

pub use diptych_components::gravity::*;
pub use options::{Options, OptionsError, Rules};
pub use scene::{draw, energy, measures};

use diptych_engine::Applier;
use diptych_engine::prelude::*;
use diptych_systems::gravity as systems;
use glam::DVec2;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Version of this plugin's state and behaviour; a world made by another one is refused.
const VERSION: &str = "2";
const FACT_RULES: &str = "gravity.rules";
const FACT_BODIES: &str = "gravity.bodies";
const FACT_LAW: &str = "gravity.law";

/// Bodies that pull each other and bounce.
///
/// ```
/// use diptych::gravity::{GravityPlugin, Options, measures};
/// use diptych::prelude::*;
///
/// let options = Options { bodies: 200, ..Options::default() };
/// let mut engine = Engine::in_memory().plugin(GravityPlugin::new(options).unwrap()).build().unwrap();
/// engine.run(Pace::frames(50)).unwrap();
/// let measures = measures(engine.view());
/// assert_eq!(measures[0].name, "bodies");
/// ```
#[derive(Clone, Debug)]
pub struct GravityPlugin {
    rules: Rules,
    /// What frame 0 is made of; nothing for a stored world.
    setup: Option<(Law, Vec<Particle>)>,
    facts: BTreeMap<String, String>,
}

impl GravityPlugin {
    /// A rotating disc of bodies, as the options say.
    ///
    /// # Errors
    /// If an option is out of its range.
    pub fn new(options: Options) -> Result<GravityPlugin, OptionsError> {
        options.check()?;
        GravityPlugin::of(options.particles(), options)
    }

    /// These bodies, as they are, in place of the disc.
    ///
    /// # Errors
    /// If there are none or too many, if one is not sound, if one has a lifetime under the rules of the seed, or if an
    /// option is out of its range.
    pub fn of(particles: Vec<Particle>, options: Options) -> Result<GravityPlugin, OptionsError> {
        let options = Options { bodies: particles.len(), ..options };
        options.check()?;
        for (index, particle) in particles.iter().enumerate() {
            particle.check().map_err(|fault| OptionsError::Particle { index, fault })?;
        }
        if options.rules == Rules::Seed && particles.iter().any(|body| body.lifetime.is_finite()) {
            return Err(OptionsError::Lifetime);
        }
        let (law, hash) = (options.law(), xxh3_64(bytemuck::cast_slice(&particles)));
        let facts = [
            (FACT_RULES, options.rules.to_string()),
            (FACT_BODIES, format!("{} bodies, {hash:016x}", particles.len())),
            (FACT_LAW, options.law_fact()),
        ];
        let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(GravityPlugin { rules: options.rules, setup: Some((law, particles)), facts })
    }

    /// The plugin of a world that is stored with these facts: for replays, which need no bodies. Rules that this program
    /// does not know are taken for the conserving ones, and the world is refused for its facts.
    #[must_use]
    pub fn stored(facts: &BTreeMap<String, String>) -> GravityPlugin {
        let rules = facts.get(FACT_RULES).and_then(|rules| rules.parse().ok()).unwrap_or_default();
        let own = |name: &&str| facts.contains_key(*name);
        let own = [FACT_RULES, FACT_BODIES, FACT_LAW].into_iter().filter(own);
        GravityPlugin {
            rules,
            setup: None,
            facts: own.map(|name| (name.to_owned(), facts[name].clone())).collect(),
        }
    }
}

impl Plugin for GravityPlugin {
    fn name(&self) -> &'static str {
        "gravity"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        registrar
            .state::<Position>("gravity.position", 1)
            .state::<Velocity>("gravity.velocity", 1)
            .state::<Correction>("gravity.correction", 1)
            .state::<Deflection>("gravity.deflection", 1)
            .state::<NearGravity>("gravity.near", 1)
            .state::<FarGravity>("gravity.far", 1)
            .state::<Body>("gravity.body", 1)
            .state::<Group>("gravity.group", 1)
            .state::<Lifetime>("gravity.lifetime", 1)
            .state::<Law>("gravity.law", 1)
            .state::<Origin>("gravity.origin", 1)
            .state::<Departed>("gravity.departed", 1)
            .fact("gravity.version", VERSION);
        for (name, value) in &self.facts {
            registrar.fact(name, value);
        }
        match self.rules {
            Rules::Conserving => conserving(registrar),
            Rules::Seed => seed(registrar),
        }
        let (rules, Some((law, particles))) = (self.rules, self.setup) else { return Ok(()) };
        registrar.setup("gravity.setup", move |structure: &mut Structure<'_, '_>| {
            let momentum = particles.iter().map(|body| body.velocity * body.mass).sum();
            let bodies = particles.len() as u64;
            let origin = Origin { momentum, bodies, is_known: Origin::UNKNOWN, ..Origin::zeroed() };
            structure.spawn((law, origin, Departed::zeroed()));
            for particle in &particles {
                structure.spawn(components(particle));
            }
            if rules == Rules::Seed {
                let nodes = systems::seed::nodes_for(particles.len());
                for _ in 0..nodes {
                    structure.spawn((TreeNode::EMPTY,));
                }
                for _ in 0..=nodes / law.bucket as usize {
                    structure.spawn((Barycentre::zeroed(),));
                }
            }
        });
        Ok(())
    }
}

/// The systems of the conserving rules. That of the tree comes first by its name, and so in a wave before its readers.
fn conserving(registrar: &mut Registrar) {
    registrar
        .input::<Particle>("gravity.particle", 1, throw)
        .resource(systems::Clusters::default())
        .system("gravity.acceleration", systems::accelerate)
        .system("gravity.clusters", systems::build_clusters)
        .system("gravity.decay", systems::decay)
        .system("gravity.deflection", systems::deflect)
        .system("gravity.far", systems::pull_by_far)
        .system("gravity.group", systems::name_groups)
        .system("gravity.near", systems::pull_by_near)
        .system("gravity.origin", systems::keep_origin)
        .system("gravity.velocity", systems::move_bodies);
}

/// The systems of the rules of the seed, which need no order. Tree and groups are state of their own: each is read a frame
/// after it was made.
fn seed(registrar: &mut Registrar) {
    // These rules know no end.
    let throw = |applier: &mut Applier<'_, '_>, particle: Particle| {
        if particle.lifetime == f64::INFINITY {
            throw(applier, particle);
        }
    };
    registrar
        .input::<Particle>("gravity.particle", 1, throw)
        .state::<TreeNode>("gravity.node", 1)
        .state::<Barycentre>("gravity.barycentre", 1)
        .system("gravity.acceleration", systems::seed::accelerate)
        .system("gravity.deflection", systems::seed::deflect)
        .system("gravity.far", systems::seed::pull_by_far)
        .system("gravity.group", systems::seed::name_groups)
        .system("gravity.near", systems::seed::pull_by_near)
        .system("gravity.origin", systems::seed::keep_origin)
        .system("gravity.tree", systems::seed::build_tree)
        .system("gravity.velocity", systems::seed::move_bodies);
}

/// All that a body holds.
type Components =
    (Position, Velocity, Correction, Deflection, NearGravity, FarGravity, Body, Group, Lifetime);

fn components(particle: &Particle) -> Components {
    (
        Position(particle.position),
        Velocity(particle.velocity),
        Correction(DVec2::ZERO),
        Deflection { velocity: DVec2::ZERO, mass: 0.0 },
        NearGravity(DVec2::ZERO),
        FarGravity(DVec2::ZERO),
        Body::of(particle.mass),
        Group(0),
        Lifetime(particle.lifetime),
    )
}

/// The input `gravity.particle`: a body more. One that is not sound, or one too many, is left out, and under the rules of
/// the seed one with a lifetime; whoever sends one can ask [`Particle::check`] before.
fn throw(applier: &mut Applier<'_, '_>, particle: Particle) {
    let Some(law) = applier.ids::<Origin>().first().copied() else { return };
    let Some(origin) = applier.get::<Origin>(law).copied() else { return };
    let gone = applier.get::<Departed>(law).map_or(0, |departed| departed.bodies);
    if particle.check().is_err() || origin.bodies.saturating_sub(gone) >= BODIES_MAX as u64 {
        return;
    }
    applier.spawn(components(&particle));
    let momentum = origin.momentum + particle.velocity * particle.mass;
    // Energies are measured against what there is with it.
    applier.set(law, Origin { momentum, bodies: origin.bodies + 1, is_known: Origin::UNKNOWN, ..origin });
}
