//! The system that owns all tiles of the ground: their signals and their food.
//!
//! Invariant: of several ants that ask for the last portion the one with the lowest `Id` gets it, and each that asked
//! has an answer in the next frame. A tile without signals, among such and without mail, is left alone and costs
//! nothing.

use diptych_components::ant::{
    Answer, Ask, Deposit, Food, Ground, Rules, Signals, TILE_CELLS, TileCensus, TilePlace,
};
use diptych_engine::prelude::*;

use super::space::{Space, fade};

/// A tile as its owner has it.
type Tile = (Id, Next<Signals>, Next<Food>, Next<TileCensus>, Prev<TilePlace>);

/// Fades all signals, adds what ants deposit, and hands out food.
pub fn step_ground(
    mut tiles: Query<Tile>,
    others: Query<(Prev<TilePlace>, Prev<Signals>, Prev<TileCensus>)>,
    grounds: Query<(Prev<Ground>, Prev<Rules>)>,
    deposits: Inbox<Deposit>,
    asks: Inbox<Ask>,
    mut answers: Outbox<Answer>,
) {
    let Some((ground, rules)) = grounds.iter().next() else { return };
    let mut around: Vec<Option<(&Signals, u32)>> = vec![None; ground.columns as usize * ground.rows as usize];
    for (place, signals, census) in &others {
        if let Some(tile) = around.get_mut(place.index as usize) {
            *tile = Some((signals, census.signals));
        }
    }
    tiles.par_rows_with(&mut answers, |(id, mut signals, mut food, mut census, place), answers| {
        if place.index as usize >= around.len() {
            return;
        }
        let (deposits, asks) = (deposits.of(id), asks.of(id));
        let near =
            ground.around(place.index).map(|tile| around[tile as usize].unwrap_or((&Signals::NONE, 0)));
        let mut next = *census.prev();
        if next.signals > 0 || !deposits.is_empty() || near.iter().any(|(_, signals)| *signals > 0) {
            let mut transition = Signals::NONE;
            fade(rules, signals.prev(), near.map(|(signals, _)| signals), &mut transition);
            let mut space = Space::new(signals.prev(), &mut transition);
            for deposit in deposits.messages() {
                let cell = deposit.cell as usize % TILE_CELLS;
                let [x, y] = space.get_transition(cell);
                space.set(cell, [x + deposit.signal[0], y + deposit.signal[1]]);
            }
            next.signals = space.count();
            signals.set(transition);
        }
        if !asks.is_empty() {
            let mut cells = *food.prev();
            for (ant, ask) in asks.iter() {
                let left = &mut cells.cells[ask.cell as usize % TILE_CELLS];
                if ask.is_drop != 0 {
                    // Nobody drops what was not taken: there is room for it.
                    *left = left.saturating_add(1);
                    next.food = next.food.saturating_add(1);
                    continue;
                }
                let portions = u32::from(*left > 0);
                *left -= portions;
                next.food -= portions;
                answers.from(id).to(ant, Answer { portions });
            }
            food.set(cells);
        }
        census.set_if_changed(next);
    });
}
