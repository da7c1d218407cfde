//! n-body as a plugin: bodies that pull each other, one entity each.
//!
//! Invariant: what a world was made from (bodies, version of this plugin; the engine keeps dt) is stored with it
//! as facts, so that it is never continued as another. Bodies keep the order in which they were given.

pub use diptych_components::nbody::*;
use diptych_engine::prelude::*;
use diptych_systems::nbody::{PointMass, step_bodies};
use std::collections::BTreeMap;

use crate::measure::Measure;
use crate::picture::{Canvas, Color};
use xxhash_rust::xxh3::xxh3_64;

/// Version of this plugin's state and behaviour; a world made by another one is refused.
const VERSION: &str = "1";
const FACT_BODIES: &str = "nbody.bodies";
const SPACE: Color = [6, 8, 16];
/// Of the bodies, in turn: sunlight, sand, straw, ice, the sea.
const COLORS: [Color; 5] =
    [[255, 214, 90], [226, 160, 110], [232, 206, 150], [150, 220, 226], [92, 130, 240]];

/// Bodies under gravity, by symplectic Euler at the engine's `dt`.
///
/// ```
/// use diptych::nbody::{NbodyPlugin, energy};
/// use diptych::prelude::*;
///
/// let mut engine = Engine::in_memory().dt(0.01).plugin(NbodyPlugin::planets()).build().unwrap();
/// assert_eq!(format!("{:.9}", energy(engine.view())), "-0.169075164");
/// engine.run(Pace::frames(1000)).unwrap();
/// assert_eq!(format!("{:.9}", energy(engine.view())), "-0.169087605");
/// ```
#[derive(Clone, Debug)]
pub struct NbodyPlugin {
    /// What frame 0 is made of; nothing for a stored world.
    bodies: Option<Bodies>,
    /// Which bodies they are.
    fact: String,
}

impl NbodyPlugin {
    /// These bodies, as they are: their momentum is not offset.
    #[must_use]
    pub fn new(bodies: Bodies) -> NbodyPlugin {
        let hash = xxh3_64(&bodies.canonical_bytes());
        let fact = format!("{} bodies, {hash:016x}", bodies.as_slice().len());
        NbodyPlugin { bodies: Some(bodies), fact }
    }

    /// The plugin of a world that is stored with these facts: for replays, which need no bodies.
    #[must_use]
    pub fn stored(facts: &BTreeMap<String, String>) -> NbodyPlugin {
        NbodyPlugin { bodies: None, fact: facts.get(FACT_BODIES).cloned().unwrap_or_default() }
    }

    /// The Sun and the four giant planets.
    #[must_use]
    pub fn planets() -> NbodyPlugin {
        NbodyPlugin::new(Bodies::planets())
    }
}

impl Plugin for NbodyPlugin {
    fn name(&self) -> &'static str {
        "nbody"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        registrar
            .state::<Position>("nbody.position", 1)
            .state::<Velocity>("nbody.velocity", 1)
            .state::<Mass>("nbody.mass", 1)
            .state_with::<BodyName, NameCodec>("nbody.name", 1)
            .system("nbody.step", step_bodies)
            .fact("nbody.version", VERSION)
            .fact(FACT_BODIES, self.fact);
        let Some(bodies) = self.bodies else { return Ok(()) };
        registrar.setup("nbody.setup", move |structure: &mut Structure<'_, '_>| {
            for Body { name, mass, position, velocity } in bodies.as_slice() {
                structure.spawn((*position, *velocity, *mass, name.clone()));
            }
        });
        Ok(())
    }
}

/// Kinetic and potential energy in the frame that is seen, in time proportional to the square of the bodies.
#[must_use]
pub fn energy(view: View<'_>) -> f64 {
    let bodies = view.iter::<Position>().filter_map(|(id, &position)| {
        Some((PointMass { position, mass: *view.get::<Mass>(id)? }, *view.get::<Velocity>(id)?))
    });
    diptych_systems::nbody::energy(&bodies.collect::<Vec<_>>())
}

/// `energy`: kinetic and potential energy.
#[must_use]
pub fn measures(view: View<'_>) -> Vec<Measure> {
    vec![Measure::real("energy", energy(view))]
}

/// The first two axes, seen from above, around the origin; a body's disc grows with the cube root of its mass.
pub fn draw(view: View<'_>, canvas: &mut Canvas) {
    canvas.clear(SPACE);
    let bodies = || view.iter::<Position>().map(|(id, position)| (id, position.0.to_array()));
    let masses = || bodies().filter_map(|(id, _)| view.get::<Mass>(id)).map(|mass| mass.0);
    let far = bodies().flat_map(|(_, [x, y, _])| [x.abs(), y.abs()]).filter(|far| far.is_finite());
    // In steps, so that a film does not tremble: the next of 1, 1.5, 2, 3, 4, 6 and so on.
    let far = far.fold(1e-9, f64::max) * 1.05;
    let mut half = 1e-9;
    while half < far && half < f64::MAX / 4.0 {
        half *= if half * 1.5 >= far { 1.5 } else { 2.0 };
    }
    canvas.look_at([-half; 2], [half; 2]);
    let heaviest = masses().fold(f64::MIN_POSITIVE, f64::max);
    let pixel = 1.0 / canvas.scale();
    let largest = f64::from(canvas.width().min(canvas.height())) / 30.0;
    for ((id, [x, y, _]), color) in bodies().zip(COLORS.iter().cycle()) {
        let share = view.get::<Mass>(id).map_or(0.0, |mass| libm::cbrt(mass.0 / heaviest));
        canvas.disc([x, y], pixel * (largest * share).max(largest / 3.0).max(1.5), *color);
    }
}

/// Names as their UTF-8 bytes.
#[derive(Debug)]
struct NameCodec;

impl Codec<BodyName> for NameCodec {
    fn encode(name: &BodyName, out: &mut Vec<u8>) {
        out.extend_from_slice(name.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<BodyName, CodecError> {
        String::from_utf8(bytes.to_vec()).map(BodyName).map_err(CodecError::new)
    }
}

#[cfg(test)]
mod tests {
    use diptych_engine::prelude::*;

    use super::{Bodies, NbodyPlugin, Position, energy};

    fn planets(threads: usize) -> Engine {
        let engine = Engine::in_memory().dt(0.01).threads(threads).plugin(NbodyPlugin::planets()).build();
        engine.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Claim: the published energies, with one digest on any number of threads.
    #[test]
    fn energies_are_the_published_ones() {
        let mut digests = Vec::new();
        for threads in [1, 2, 4, 8].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1) {
            let mut engine = planets(threads);
            for (frame, expected) in [(0, "-0.169075164"), (1000, "-0.169087605"), (50_000, "-0.169078071")] {
                engine.run(Pace::frames(frame - engine.frame())).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(format!("{:.9}", energy(engine.view())), expected, "at frame {frame}");
            }
            digests.push(engine.digest());
        }
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    }

    /// Claim: bodies from a file are taken as they are, and a body alone flies straight on.
    #[test]
    fn a_lone_body_flies_straight() {
        let bodies = Bodies::parse("one.csv", b"name,mass,x,y,z,vx,vy,vz\nA,1,0,0,0,2,0,-4\n");
        let plugin = NbodyPlugin::new(bodies.unwrap_or_else(|error| panic!("{error}")));
        let engine = Engine::in_memory().dt(0.25).plugin(plugin).build();
        let mut engine = engine.unwrap_or_else(|error| panic!("{error}"));
        engine.run(Pace::frames(4)).unwrap_or_else(|error| panic!("{error}"));
        let position = engine.view().single::<Position>().map(|position| position.0.to_array());
        assert_eq!(position, Some([2.0, 0.0, -4.0]));
    }
}
