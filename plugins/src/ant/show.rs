//! What is to be said and seen of ants.
//!
//! Invariant: measures and pictures follow from the frame that is seen alone.

use crate::measure::Measure;
use crate::picture::Canvas;
use diptych_components::ant::{
    Ant, CARRYING, Food, Ground, Signals, TILE_CELLS, TILE_SIDE, TileCensus, TilePlace, WAITING,
};
use diptych_engine::prelude::*;

/// Ants and what they do, food and where it is, and how many cells' signals are alive.
#[must_use]
pub fn measures(view: View<'_>) -> Vec<Measure> {
    let (mut ants, mut carried, mut waiting, mut delivered, mut wins, mut losses) = (0, 0, 0, 0, 0, 0);
    for (_, ant) in view.iter::<Ant>() {
        ants += 1;
        carried += u64::from(ant.mode == CARRYING);
        waiting += u64::from(ant.mode == WAITING);
        delivered += u64::from(ant.delivered);
        wins += u64::from(ant.wins);
        losses += u64::from(ant.losses);
    }
    let (mut food, mut signals) = (0, 0);
    for (_, census) in view.iter::<TileCensus>() {
        food += u64::from(census.food);
        signals += u64::from(census.signals);
    }
    vec![
        Measure::count("population", ants),
        Measure::count("food", food),
        Measure::count("carried", carried),
        Measure::count("waiting", waiting),
        Measure::count("delivered", delivered),
        Measure::count("wins", wins),
        Measure::count("losses", losses),
        Measure::count("signals", signals),
    ]
}

/// Signals in blue, food in green, ants in white and, where they carry food, in yellow; the nest is a brown disc.
pub fn draw(view: View<'_>, canvas: &mut Canvas) {
    canvas.clear([10, 8, 6]);
    let Some((_, ground)) = view.iter::<Ground>().next() else { return };
    let [width, height] = ground.size().map(f64::from);
    canvas.look_at([0.0; 2], [width, height]);
    let side = (0.5 / canvas.scale()).max(0.5);
    for (id, place) in view.iter::<TilePlace>() {
        let corner = [place.index % ground.columns, place.index / ground.columns.max(1)];
        let corner = corner.map(|tile| f64::from(tile * TILE_SIDE));
        let (signals, food) = (view.get::<Signals>(id), view.get::<Food>(id));
        for cell in 0..TILE_CELLS {
            let at = [cell as u32 % TILE_SIDE, cell as u32 / TILE_SIDE];
            let at = [0, 1].map(|axis| corner[axis] + f64::from(at[axis]) + 0.5);
            let [x, y] = signals.map_or([0.0; 2], |signals| signals.cells[cell]);
            let strength = (x * x + y * y).sqrt();
            if strength > 0.0 {
                // Saturates at full signals; the cast clips.
                let light = (40.0 + 160.0 * strength) as u8;
                canvas.glow(at, [light / 6, light / 4, light.min(200)]);
            }
            if food.is_some_and(|food| food.cells[cell] > 0) {
                canvas.disc(at, side, [60, 190, 70]);
            }
        }
    }
    let nest = ground.nest.map(f64::from);
    canvas.disc(nest, f64::from(ground.nest_radius), [120, 80, 50]);
    for (_, ant) in view.iter::<Ant>() {
        let color = if ant.mode == CARRYING { [255, 220, 60] } else { [235, 235, 235] };
        canvas.dot(ant.position.map(f64::from), color);
    }
}
