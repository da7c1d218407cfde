//! What is to be said and seen of a field.
//!
//! Invariant: measures and pictures follow from the frame that is seen alone. A picture shows the first two axes.

use crate::measure::Measure;
use crate::picture::{Canvas, Color};
use diptych_components::eidolon::{
    CIRCUITS, Charge, FieldSettings, LayerState, Ledger, Mass, Member, PINNED, Particle, Position, Vec8,
    Velocity,
};
use diptych_engine::prelude::*;

/// A colour a circuit.
const COLORS: [Color; CIRCUITS] = [
    [255, 90, 90],
    [255, 170, 60],
    [240, 230, 80],
    [110, 220, 100],
    [80, 210, 220],
    [100, 140, 255],
    [190, 110, 255],
    [255, 120, 210],
];

/// The particles of a field that have no fault, in the order of their rows.
fn particles(view: View<'_>, field: Id) -> Vec<Particle> {
    let parts = view.iter::<Member>().filter(|(_, member)| member.field == field.bits());
    let particle = |(id, member): (Id, &Member)| {
        let particle = Particle {
            position: view.get::<Position>(id)?.0,
            velocity: view.get::<Velocity>(id)?.0,
            charge: view.get::<Charge>(id)?.0,
            mass: view.get::<Mass>(id)?.0,
            circuit: member.circuit,
            flags: member.flags,
        };
        particle.fault().is_none().then_some(particle)
    };
    parts.filter_map(particle).collect()
}

/// Energy of all fields: of motion, of the pull to the barycentres, and of charges. Costs the square of the charged
/// particles.
#[must_use]
pub fn energy(view: View<'_>) -> f64 {
    let fields = view.iter::<FieldSettings>();
    fields.map(|(id, settings)| diptych_systems::eidolon::energy(settings, &particles(view, id))).sum()
}

/// Particles and faults, energy, momentum, and what updates did, of all fields together.
#[must_use]
pub fn measures(view: View<'_>) -> Vec<Measure> {
    let ledgers: Vec<Ledger> = view.iter::<Ledger>().map(|(_, ledger)| *ledger).collect();
    let count = |name, of: fn(&Ledger) -> u64| Measure::count(name, ledgers.iter().map(of).sum());
    let (mut momentum, mut layers) = (Vec8::ZERO, 0.0);
    for (id, _) in view.iter::<FieldSettings>() {
        let moving = particles(view, id).into_iter().filter(|particle| particle.flags & PINNED == 0);
        moving.for_each(|particle| momentum += particle.velocity * particle.mass);
    }
    for (_, layer) in view.iter::<LayerState>() {
        layers += layer.energy;
    }
    vec![
        count("population", |ledger| ledger.population),
        count("charged", |ledger| ledger.charged),
        count("faulty", |ledger| ledger.faulty),
        Measure::real("energy", energy(view)),
        Measure::real("layer_energy", layers),
        Measure::real("momentum", momentum.length_squared().sqrt()),
        count("added", |ledger| ledger.added),
        count("removed", |ledger| ledger.removed),
        count("pushed", |ledger| ledger.pushed),
        count("refused", |ledger| ledger.refused),
    ]
}

/// Particles by the first two axes, in the colour of their circuit, and each layer's barycentre as a disc.
pub fn draw(view: View<'_>, canvas: &mut Canvas) {
    canvas.clear([8, 8, 16]);
    let bound = view.iter::<FieldSettings>().map(|(_, settings)| settings.bound).fold(0.0, f64::max);
    let side = if bound > 0.0 { bound } else { 2.0 };
    canvas.look_at([-side; 2], [side; 2]);
    let radius = 2.0 / canvas.scale();
    for (_, layer) in view.iter::<LayerState>().filter(|(_, layer)| layer.population > 0) {
        let [x, y, ..] = layer.barycenter.0;
        canvas.disc([x, y], radius, COLORS[layer.circuit as usize % CIRCUITS]);
    }
    for (id, Position(Vec8([x, y, ..]))) in view.iter::<Position>() {
        let circuit = view.get::<Member>(id).map_or(0, |member| member.circuit as usize % CIRCUITS);
        canvas.glow([*x, *y], COLORS[circuit].map(|channel| channel / 2));
    }
}
