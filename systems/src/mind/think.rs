//! What a mind decides: by its needs, what it sees and what it remembers.
//!
//! Invariant: the order of needs is fixed: a tired mind that is not hungry rests, a starving one wakes, a hungry one
//! eats here, goes where it knows food, or explores, and all others explore. A mind asks for one portion at a time.

use diptych_components::mind::{
    Body, CELLS_SIDE, Consume, EATING, EXPLORE_STEP, EXPLORE_TRIES, EXPLORING, FETCHING, IDLE, Item, Mind,
    NOISE_FORCE, NOWHERE, Needs, RESTING, Rules, SEARCHING, Seen,
};
use diptych_engine::prelude::*;

use super::noise::move_noise;

/// Frames from asking for a portion until it shows in the needs that a mind decides by.
const ANSWER_FRAMES: u64 = 3;

/// What all minds see in a frame.
#[derive(Debug)]
pub struct Sight<'a> {
    /// How they behave.
    pub rules: Rules,
    /// The number of this step; still frames are none.
    pub frame: u64,
    /// The item in each cell and what is left of it.
    pub items: &'a [Option<(Id, u32)>],
    /// What was explored.
    pub seen: &'a Seen,
}

/// A mind as its owner has it.
type Thinking = (Id, Next<Mind>, Prev<Body>, Prev<Needs>);

/// Owns what minds intend and remember; sends to items who wants to eat.
pub fn think_all(
    mut minds: Query<Thinking>,
    items: Query<(Id, Prev<Item>)>,
    world: Query<(Prev<Rules>, Prev<Seen>)>,
    mut consumes: Outbox<Consume>,
    clock: Clock,
    mut cells: Local<Vec<Option<(Id, u32)>>>,
) {
    let Some((&rules, seen)) = world.iter().next() else { return };
    cells.clear();
    cells.resize(seen.frames.len(), None);
    for (id, item) in &items {
        if let Some(cell) = cells.get_mut(item.cell as usize) {
            *cell = Some((id, item.portions));
        }
    }
    let sight = Sight { rules, frame: clock.step(), items: &cells, seen };
    minds.par_rows_with(&mut consumes, |(&id, mut mind, body, needs), consumes| {
        let (next, item) = sight.think(mind.prev(), body, needs);
        if let Some(item) = item {
            consumes.from(id).to(item, Consume { frame: sight.frame });
        }
        mind.set_if_changed(next);
    });
}

impl Sight<'_> {
    /// One mind's decision, and the item of which it asks a portion.
    #[must_use]
    pub fn think(&self, before: &Mind, body: &Body, needs: &Needs) -> (Mind, Option<Id>) {
        let (mut mind, rules) = (*before, &self.rules);
        if !body.position.iter().all(|x| x.is_finite()) {
            return (mind, None);
        }
        let here = rules.cell_at(body.position);
        self.learn_visible(&mut mind, here);
        if mind.target == here {
            mind.target = NOWHERE;
        }
        let (is_hungry, is_tired) = (needs.hunger >= rules.hungry, needs.tiredness >= rules.tired);
        let is_resting = mind.is_resting != 0;
        let mut item = None;
        if is_tired && !is_hungry && !is_resting {
            (mind.is_resting, mind.target, mind.deed) = (1, NOWHERE, RESTING);
        } else if is_resting && (needs.hunger >= rules.starving || needs.tiredness < rules.tired / 2.0) {
            (mind.is_resting, mind.deed) = (0, IDLE);
        } else if is_hungry && !is_resting {
            item = self.feed(&mut mind, body, here);
        } else if !is_resting {
            mind.deed = EXPLORING;
            self.explore(&mut mind, body);
        }
        (mind, item)
    }

    /// Remembers all food in sight.
    fn learn_visible(&self, mind: &mut Mind, here: u32) {
        for cell in around(here, self.rules.sight) {
            if self.items[cell as usize].is_some_and(|(_, portions)| portions > 0) {
                mind.learn(cell);
            }
        }
    }

    fn feed(&self, mind: &mut Mind, body: &Body, here: u32) -> Option<Id> {
        if let Some((item, portions)) = self.items[here as usize]
            && portions > 0
        {
            mind.deed = EATING;
            let is_free = self.frame >= mind.asked + ANSWER_FRAMES;
            return is_free.then(|| {
                mind.asked = self.frame;
                item
            });
        }
        mind.forget(here);
        if mind.target != NOWHERE {
            // It was on its way when it ate; it goes on.
            mind.deed = mind.deed.max(FETCHING);
            return None;
        }
        let distance = |cell: u32| {
            let [x, y] = self.rules.middle(cell);
            let (u, v) = (x - body.position[0], y - body.position[1]);
            u * u + v * v
        };
        let known = mind.known.into_iter().filter(|cell| *cell != NOWHERE);
        // Of two as far away the lower.
        match known.min_by(|a, b| distance(*a).total_cmp(&distance(*b)).then(a.cmp(b))) {
            Some(cell) => {
                (mind.target, mind.deed) = (cell, FETCHING);
                mind.forget(cell);
            }
            None => {
                mind.deed = SEARCHING;
                self.explore(mind, body);
            }
        }
        None
    }

    /// Finds a cell that nobody has seen lately, from one noise to the next.
    fn explore(&self, mind: &mut Mind, body: &Body) {
        let (here, mut place) = (self.rules.cell_at(body.position), body.position);
        for _ in 0..EXPLORE_TRIES {
            if mind.target != NOWHERE {
                return;
            }
            let way = move_noise(place, self.frame, self.rules.zoom, NOISE_FORCE);
            place = [0, 1].map(|axis| place[axis] + way[axis] * EXPLORE_STEP);
            let cell = self.rules.cell_at(place);
            if cell != here && !self.is_explored(cell) {
                mind.target = cell;
            }
        }
    }

    fn is_explored(&self, cell: u32) -> bool {
        let seen = u64::from(self.seen.frames[cell as usize]);
        seen > 0 && self.frame < seen + u64::from(self.rules.forget)
    }
}

/// The cells at most `sight` away on either axis, in reading order.
pub(super) fn around(cell: u32, sight: u32) -> impl Iterator<Item = u32> {
    let range = move |at: u32| at.saturating_sub(sight)..=(at + sight).min(CELLS_SIDE - 1);
    let (column, row) = (cell % CELLS_SIDE, cell / CELLS_SIDE);
    range(row).flat_map(move |row| range(column).map(move |column| row * CELLS_SIDE + column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_components::mind::CELLS;

    const HERE: Body = Body { position: [8.0, 8.0], velocity: [0.0; 2] };

    fn needs(hunger: f64, tiredness: f64) -> Needs {
        Needs { hunger, tiredness, meals: 0 }
    }

    fn think(items: &[(u32, u32)], mind: &Mind, needs: Needs) -> (Mind, Option<Id>) {
        let mut cells = vec![None; CELLS];
        items.iter().for_each(|(cell, portions)| cells[*cell as usize] = Some((Id::from_bits(7), *portions)));
        let sight = Sight { rules: Rules::default(), frame: 100, items: &cells, seen: &Seen::NOTHING };
        sight.think(mind, &HERE, &needs)
    }

    /// Claim: needs come before each other in the order that is written above.
    #[test]
    fn needs_have_an_order() {
        let awake = Mind::default();
        let resting = Mind { is_resting: 1, deed: RESTING, ..awake };
        let deed = |mind: &Mind, hunger, tiredness| {
            let next = think(&[], mind, needs(hunger, tiredness)).0;
            (next.deed, next.is_resting)
        };
        assert_eq!(deed(&awake, 0.1, 0.8), (RESTING, 1), "tired");
        assert_eq!(deed(&awake, 0.6, 0.8), (SEARCHING, 0), "tired and hungry");
        assert_eq!(deed(&resting, 0.6, 0.8), (RESTING, 1), "hungry, and not starving");
        assert_eq!(deed(&resting, 0.95, 0.8), (IDLE, 0), "starving");
        assert_eq!(deed(&resting, 0.1, 0.2), (IDLE, 0), "rested");
        assert_eq!(deed(&awake, 0.1, 0.1), (EXPLORING, 0), "content");
        let rested = think(&[], &Mind { target: 9, ..awake }, needs(0.1, 0.8)).0;
        assert_eq!(rested.target, NOWHERE, "it stands still");
    }

    /// Claim: a hungry mind asks for what lies here, once until it can know the answer; else it goes to the nearest food
    /// that it knows, which it then forgets.
    #[test]
    fn hungry_minds_find_food() {
        let (asked, item) = think(&[(0, 2)], &Mind::default(), needs(0.6, 0.0));
        assert_eq!((item, asked.deed, asked.asked), (Some(Id::from_bits(7)), EATING, 100));
        for (asked, expected) in [(98, None), (97, Some(Id::from_bits(7)))] {
            let again = think(&[(0, 2)], &Mind { asked, ..Mind::default() }, needs(0.6, 0.0));
            assert_eq!(again.1, expected);
        }
        let mut knows = Mind::default();
        knows.learn(40);
        let fetching = think(&[(0, 0), (2, 1), (130, 1), (131, 1)], &knows, needs(0.6, 0.0)).0;
        assert_eq!((fetching.target, fetching.deed), (2, FETCHING), "131 is out of sight, 0 is eaten");
        assert!(
            !fetching.known.contains(&2) && fetching.known.contains(&130) && fetching.known.contains(&40)
        );
        assert!(!fetching.known.contains(&131));
        let went_on =
            think(&[(0, 0)], &Mind { target: 9, deed: EATING, ..Mind::default() }, needs(0.6, 0.0)).0;
        assert_eq!((went_on.target, went_on.deed), (9, FETCHING), "nothing is left here");
        let arrived = think(&[], &Mind { target: 0, ..Mind::default() }, needs(0.1, 0.0)).0;
        assert_ne!(arrived.target, 0);
    }

    /// Claim: exploring looks for a place that was not seen lately, and gives up after its tries.
    #[test]
    fn exploring_finds_the_unseen() {
        let items = vec![None; CELLS];
        let explore = |frames: [u32; CELLS]| {
            let seen = Seen { frames };
            let sight = Sight { rules: Rules::default(), frame: 1000, items: &items, seen: &seen };
            let body = Body { position: [510.0, 470.0], velocity: [0.0; 2] };
            sight.think(&Mind::default(), &body, &needs(0.0, 0.0)).0.target
        };
        assert_ne!(explore([0; CELLS]), NOWHERE);
        assert_eq!(explore([1000; CELLS]), NOWHERE);
        assert_ne!(explore([100; CELLS]), NOWHERE, "seen 901 frames ago");
    }

    /// Claim: what memory holds is bounded, and the oldest goes first.
    #[test]
    fn memory_is_bounded() {
        let mut mind = Mind::default();
        (0..12).for_each(|cell| mind.learn(cell));
        (0..12).for_each(|cell| mind.learn(if cell < 4 { 11 } else { cell }));
        let mut known = mind.known;
        known.sort_unstable();
        assert_eq!(known, [4, 5, 6, 7, 8, 9, 10, 11]);
    }
}
