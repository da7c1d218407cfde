//! What is to be said and seen of minds.
//!
//! Invariant: measures and pictures follow from the frame that is seen alone.

use crate::measure::Measure;
use crate::picture::{Canvas, Color};
use diptych_components::mind::{
    Body, CELLS, EATING, EXPLORING, FETCHING, Item, Mind, Needs, RESTING, Rules, SEARCHING, Seen,
};
use diptych_engine::prelude::*;

/// A colour for each deed: idle, resting, eating, fetching, searching, exploring.
const COLORS: [Color; 6] =
    [[150, 150, 150], [90, 110, 255], [255, 255, 255], [255, 210, 60], [255, 90, 70], [120, 220, 230]];

/// Minds and what they are about, their needs, and food.
#[must_use]
pub fn measures(view: View<'_>) -> Vec<Measure> {
    let rules = view.single::<Rules>().copied().unwrap_or_default();
    let deed = |deed: u32| view.iter::<Mind>().filter(|(_, mind)| mind.deed == deed).count() as u64;
    let needs = |is: fn(&Rules, &Needs) -> bool| {
        view.iter::<Needs>().filter(|(_, needs)| is(&rules, needs)).count() as u64
    };
    let explored = view.iter::<Seen>().flat_map(|(_, seen)| seen.frames.iter()).filter(|frame| **frame > 0);
    vec![
        Measure::count("population", view.iter::<Mind>().count() as u64),
        Measure::count("hungry", needs(|rules, needs| needs.hunger >= rules.hungry)),
        Measure::count("starving", needs(|rules, needs| needs.hunger >= rules.starving)),
        Measure::count("tired", needs(|rules, needs| needs.tiredness >= rules.tired)),
        Measure::count("resting", deed(RESTING)),
        Measure::count("eating", deed(EATING)),
        Measure::count("fetching", deed(FETCHING)),
        Measure::count("searching", deed(SEARCHING)),
        Measure::count("exploring", deed(EXPLORING)),
        Measure::count("meals", view.iter::<Needs>().map(|(_, needs)| needs.meals).sum()),
        Measure::count("food", view.iter::<Item>().map(|(_, item)| u64::from(item.portions)).sum()),
        Measure::real("explored", explored.count() as f64 / CELLS as f64),
    ]
}

/// Cells that were seen in grey, food in green, minds in the colour of what they are about.
pub fn draw(view: View<'_>, canvas: &mut Canvas) {
    canvas.clear([0; 3]);
    let Some(rules) = view.single::<Rules>() else { return };
    canvas.look_at([0.0; 2], [rules.side(); 2]);
    for (_, seen) in view.iter::<Seen>() {
        for (cell, frame) in (0..).zip(&seen.frames) {
            let age = view.frame().saturating_add(1).saturating_sub(u64::from(*frame));
            if *frame > 0 && age < u64::from(rules.forget) {
                let light = 18 + (30 * (u64::from(rules.forget) - age) / u64::from(rules.forget)) as u8;
                square(canvas, rules.middle(cell), rules.cell, [light; 3]);
            }
        }
    }
    for (_, item) in view.iter::<Item>().filter(|(_, item)| item.portions > 0) {
        canvas.disc(rules.middle(item.cell), rules.cell / 4.0, [70, 200, 80]);
    }
    for (id, body) in view.iter::<Body>() {
        let deed = view.get::<Mind>(id).map_or(0, |mind| mind.deed as usize % COLORS.len());
        canvas.disc(body.position, rules.cell / 6.0, COLORS[deed]);
    }
}

/// Paints the pixels of a square around a place.
fn square(canvas: &mut Canvas, [x, y]: [f64; 2], side: f64, color: Color) {
    let corner = |by: f64| canvas.place([x + by, y - by]);
    let half = side / 2.0 - 1e-9;
    if let (Some((left, top)), Some((right, bottom))) = (canvas.place([x - half, y + half]), corner(half)) {
        for (column, row) in (left..=right).flat_map(|column| (top..=bottom).map(move |row| (column, row))) {
            canvas.set(column, row, color);
        }
    }
}
