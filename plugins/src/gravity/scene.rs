//! What there is to see of a world of gravity: numbers, and a picture.
//!
//! Invariant: both follow from the frame that is seen alone.

use super::{
    Body, Correction, Deflection, Departed, FarGravity, Law, Lifetime, NearGravity, Origin, Position,
    Velocity,
};
use crate::measure::Measure;
use crate::picture::Canvas;
use diptych_engine::prelude::*;
use diptych_systems::gravity::{Committed, Energy, energy as energy_of};
use glam::DVec2;

/// What is committed of each body.
fn committed(view: View<'_>) -> Vec<Committed> {
    let body = |(id, &position): (Id, &Position)| {
        Some(Committed {
            position,
            velocity: *view.get::<Velocity>(id)?,
            correction: *view.get::<Correction>(id)?,
            deflection: *view.get::<Deflection>(id)?,
            near: *view.get::<NearGravity>(id)?,
            far: *view.get::<FarGravity>(id)?,
            body: *view.get::<Body>(id)?,
            lifetime: *view.get::<Lifetime>(id)?,
        })
    };
    view.iter::<Position>().filter_map(body).collect()
}

/// Kinetic and potential energy in the middle of the step to which the frame's forces belong; `None` for another world.
///
/// Cost: that of some frames, on one thread: a logarithm a pair of neighbours.
#[must_use]
pub fn energy(view: View<'_>) -> Option<Energy> {
    let (law, tick) = (*view.single::<Law>()?, view.single::<Origin>()?.tick);
    let movers: Vec<_> = committed(view).iter().map(|body| Some(body.in_step(tick))).collect();
    Some(energy_of(law, &movers))
}

/// `bodies`, `momentum_error`, `energy_drift`, `energy` of the frame that is seen.
///
/// The error of momentum is its change since the beginning, without what left with bodies that ended, divided by the sum of
/// all masses times speeds. The drift of energy is its change since the first frame with forces, divided by
/// [`Origin::unit`]; 0 before that frame. Cost: that of [`energy`].
#[must_use]
pub fn measures(view: View<'_>) -> Vec<Measure> {
    let origin = view.single::<Origin>().copied().unwrap_or(Origin::zeroed());
    let departed = view.single::<Departed>().copied().unwrap_or(Departed::zeroed());
    let (mut count, mut momentum, mut size) = (0, departed.momentum - origin.momentum, 0.0);
    for body in committed(view) {
        count += 1;
        momentum += body.velocity.0 * body.body.mass;
        size += body.velocity.0.length() * body.body.mass;
    }
    let total = energy(view).map_or(0.0, |energy| energy.total());
    let is_known = origin.is_known == Origin::KNOWN && origin.unit > 0.0;
    let drift = if is_known { (total - origin.energy) / origin.unit } else { 0.0 };
    vec![
        Measure::count("bodies", count),
        Measure::real("momentum_error", if size > 0.0 { momentum.length() / size } else { 0.0 }),
        Measure::real("energy_drift", drift),
        Measure::real("energy", total),
    ]
}

/// Bodies as discs by their scale, bright where they are fast; the window is the square around all but the farthest
/// twentieth of them, and half as much again.
pub fn draw(view: View<'_>, canvas: &mut Canvas) {
    canvas.clear([4, 6, 14]);
    let bodies: Vec<(DVec2, f64, f64)> = view
        .iter::<Position>()
        .filter_map(|(id, position)| {
            let (velocity, body) = (view.get::<Velocity>(id)?, view.get::<Body>(id)?);
            Some((position.0, velocity.0.length(), body.scale))
        })
        .collect();
    let mut reaches: Vec<f64> = bodies.iter().map(|(at, ..)| at.x.abs().max(at.y.abs())).collect();
    reaches.sort_unstable_by(f64::total_cmp);
    let mut speeds: Vec<f64> = bodies.iter().map(|(_, speed, _)| *speed).collect();
    speeds.sort_unstable_by(f64::total_cmp);
    let most = |sorted: &[f64]| sorted.get(sorted.len() * 19 / 20).copied().unwrap_or(1.0).max(1e-12);
    let (reach, fast) = (1.5 * most(&reaches), most(&speeds));
    canvas.look_at([-reach; 2], [reach; 2]);
    for (at, speed, scale) in bodies {
        let heat = (speed / fast).min(1.0);
        let color =
            [80.0 + 175.0 * heat, 90.0 + 130.0 * heat * heat, 190.0 - 90.0 * heat].map(|part| part as u8);
        canvas.disc(at.to_array(), 0.5 * scale, color);
    }
}
