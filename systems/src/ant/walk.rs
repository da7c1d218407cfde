//! The system that owns all ants and their trails, and the pure step of one ant.
//!
//! Invariant: an ant decides by what it is, the last frame's ground and its own stream of random numbers. It gets food
//! only when the tile that owns it says so, in the second frame after it asked; until then it waits. Headings are turned
//! by vectors, without angles.

use diptych_components::ant::{
    Answer, Ant, Ask, CARRYING, Deposit, Food, Ground, Rules, SEARCHING, SEGMENTS_MAX, Segment, Signals,
    TileCensus, TilePlace, Trail, WAITING,
};
use diptych_engine::prelude::*;

/// A tile as ants see it.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    /// Whom to send to.
    pub tile: Id,
    /// Which way others came and went.
    pub signals: &'a Signals,
    /// What is to be had; nothing on a tile without food, which need not be looked at.
    pub food: Option<&'a Food>,
}

impl Cells<'_> {
    fn has_food(&self, cell: usize) -> bool {
        self.food.is_some_and(|food| food.cells[cell] > 0)
    }
}

/// What all ants see in a frame.
#[derive(Debug)]
pub struct Walk<'a> {
    /// The size of the ground, and the nest.
    pub ground: Ground,
    /// How they behave.
    pub rules: Rules,
    /// In reading order; what is missing is bare.
    pub tiles: Vec<Option<Cells<'a>>>,
    /// The number of this step; still frames are none.
    pub frame: u32,
}

/// How a way turned out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It found food, or came home with it.
    Won,
    /// Its time ran out.
    Lost,
}

/// What an ant does in a frame.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Step {
    /// The ant as it will be.
    pub ant: Ant,
    /// Whether a way came to its end.
    pub outcome: Option<Outcome>,
    /// What it says to a tile, by the tile's place.
    pub ask: Option<(usize, Ask)>,
}

/// A tile and its entity.
type Tile = (Id, Prev<TilePlace>, Prev<Signals>, Prev<Food>, Prev<TileCensus>);

/// Steps all ants: they hear the answers to what they asked, turn, walk, ask for food or deliver it, lay segments, and
/// tell the tiles how their ways turned out.
pub fn walk_ants(
    mut ants: Query<(Id, Next<Ant>, Next<Trail>)>,
    tiles: Query<Tile>,
    grounds: Query<(Prev<Ground>, Prev<Rules>)>,
    answers: Inbox<Answer>,
    outboxes: (Outbox<Deposit>, Outbox<Ask>),
    clock: Clock,
    random: Random,
) {
    let Some((&ground, &rules)) = grounds.iter().next() else { return };
    let mut cells = vec![None; ground.columns as usize * ground.rows as usize];
    for (tile, place, signals, food, census) in &tiles {
        if let Some(place) = cells.get_mut(place.index as usize) {
            *place = Some(Cells { tile, signals, food: (census.food > 0).then_some(food) });
        }
    }
    if cells.is_empty() {
        return;
    }
    // Worlds of more than 2^32 steps begin to count anew; segments of that moment end early.
    let walk = Walk { ground, rules, tiles: cells, frame: clock.step() as u32 };
    let (mut deposits, mut asks) = outboxes;
    ants.par_rows_with((&mut deposits, &mut asks), |(&id, mut ant, mut trail), (deposits, asks)| {
        let mut stream = random.of(id);
        let mut chance = || signed(stream.bits());
        let answer = if ant.prev().mode == WAITING { answers.of(id).messages().first() } else { None };
        let step = walk.step(ant.prev(), answer.copied(), &mut chance);
        let is_due = walk.is_due(id.bits());
        if step.outcome.is_some() || is_due {
            let mut next = *trail.prev();
            if let Some(outcome) = step.outcome {
                let mut pen = deposits.from(id);
                walk.apply(ant.prev(), outcome, &mut next, |tile, deposit| {
                    if let Some(cells) = walk.tiles[tile] {
                        pen.to(cells.tile, deposit);
                    }
                });
            }
            if is_due {
                walk.lay(&step.ant, &mut next);
            }
            trail.set(next);
        }
        if let Some((tile, ask)) = step.ask
            && let Some(cells) = walk.tiles[tile]
        {
            asks.from(id).to(cells.tile, ask);
        }
        // Nearly all of them move, so that comparing costs more than it saves.
        ant.set(step.ant);
    });
}

impl Walk<'_> {
    /// One ant's frame; `chance` gives numbers from -1 to 1.
    #[must_use]
    pub fn step(&self, before: &Ant, answer: Option<Answer>, chance: &mut impl FnMut() -> f32) -> Step {
        let mut step = Step { ant: *before, outcome: None, ask: None };
        let ant = &mut step.ant;
        if !ant.position.iter().chain(&ant.heading).all(|x| x.is_finite()) {
            // Nowhere: it begins anew. What it carried is nowhere too.
            *ant = Ant { wins: ant.wins, losses: ant.losses, delivered: ant.delivered, ..self.start(chance) };
            return step;
        }
        ant.age = ant.age.saturating_add(1);
        if ant.mode == WAITING {
            match answer {
                None => return step,
                Some(Answer { portions: 0 }) => ant.mode = SEARCHING,
                Some(_) => {
                    (ant.mode, ant.age, ant.wins) = (CARRYING, 0, ant.wins.saturating_add(1));
                    ant.heading = ant.heading.map(|x| -x);
                    step.outcome = Some(Outcome::Won);
                    return step;
                }
            }
        }
        if ant.age > self.rules.life {
            let (tile, cell) = self.ground.cell(ant.position);
            if ant.mode == CARRYING {
                step.ask = Some((tile, Ask { cell: cell as u32, is_drop: 1 }));
            }
            let losses = ant.losses.saturating_add(1);
            *ant = Ant { wins: ant.wins, losses, delivered: ant.delivered, ..self.start(chance) };
            step.outcome = Some(Outcome::Lost);
            return step;
        }
        self.turn(ant, chance);
        self.advance(ant);
        let (tile, cell) = self.ground.cell(ant.position);
        if ant.mode == SEARCHING && self.tiles[tile].is_some_and(|cells| cells.has_food(cell)) {
            ant.mode = WAITING;
            step.ask = Some((tile, Ask { cell: cell as u32, is_drop: 0 }));
        } else if ant.mode == CARRYING && self.is_home(ant.position) {
            (ant.mode, ant.age) = (SEARCHING, 0);
            (ant.wins, ant.delivered) = (ant.wins.saturating_add(1), ant.delivered.saturating_add(1));
            ant.heading = ant.heading.map(|x| -x);
            step.outcome = Some(Outcome::Won);
        }
        step
    }

    /// A new ant in the middle of the nest.
    fn start(&self, chance: &mut impl FnMut() -> f32) -> Ant {
        let [x, y] = [chance(), chance()];
        Ant { position: self.ground.nest, heading: unit([x, y]).unwrap_or([1.0, 0.0]), ..Ant::default() }
    }

    fn turn(&self, ant: &mut Ant, chance: &mut impl FnMut() -> f32) {
        let Rules { wander, follow, homing, .. } = self.rules;
        let [mut x, mut y] = ant.heading;
        let aside = chance() * wander;
        (x, y) = (x - y * aside, y + x * aside);
        let (tile, cell) = self.ground.cell(ant.position);
        let [u, v] = self.tiles[tile].map_or([0.0; 2], |cells| cells.signals.cells[cell]);
        let strength = (u * u + v * v).sqrt();
        if strength > 0.0 {
            // A signal of 1 or more is a full one; who carries food goes against it.
            let sign = if ant.mode == CARRYING { -1.0 } else { 1.0 };
            let weight = sign * follow / strength.max(1.0);
            (x, y) = (x + u * weight, y + v * weight);
        }
        if ant.mode == CARRYING {
            let home = [0, 1].map(|axis| self.ground.nest[axis] - ant.position[axis]);
            let [u, v] = unit(home).unwrap_or([0.0; 2]);
            (x, y) = (x + u * homing, y + v * homing);
        }
        ant.heading = unit([x, y]).unwrap_or(ant.heading);
    }

    /// Walks ahead, around the torus.
    fn advance(&self, ant: &mut Ant) {
        let size = self.ground.size();
        ant.position = [0, 1].map(|axis| {
            let at = ant.position[axis] + ant.heading[axis] * self.rules.speed;
            let around = if (0.0..size[axis]).contains(&at) { at } else { at.rem_euclid(size[axis]) };
            // Of a tiny negative number the rest is the size itself.
            if around < size[axis] { around } else { 0.0 }
        });
    }

    fn is_home(&self, [x, y]: [f32; 2]) -> bool {
        let Ground { nest: [u, v], nest_radius, .. } = self.ground;
        (x - u) * (x - u) + (y - v) * (y - v) <= nest_radius * nest_radius
    }

    /// Whether an ant lays a segment in this frame.
    #[must_use]
    pub fn is_due(&self, id: u64) -> bool {
        let resolution = u64::from(self.rules.resolution.max(1));
        id.wrapping_add(u64::from(self.frame)).is_multiple_of(resolution)
    }

    /// Lays a segment in place of the oldest.
    fn lay(&self, ant: &Ant, trail: &mut Trail) {
        let way = if ant.mode == CARRYING { ant.heading.map(|x| -x) } else { ant.heading };
        let ends = self.frame.saturating_add(self.rules.trail_limit).max(1);
        trail.segments[trail.next as usize % SEGMENTS_MAX] = Segment { position: ant.position, way, ends };
        trail.next = (trail.next + 1) % SEGMENTS_MAX as u32;
    }

    /// Tells the cells of a trail how it turned out: forwards if its ant won, backwards if it lost, with the weight
    /// of its life so far. Segments then last longer.
    fn apply(&self, ant: &Ant, outcome: Outcome, trail: &mut Trail, mut deposit: impl FnMut(usize, Deposit)) {
        let life = ant.losses as f32 / (ant.wins as f32 + 1.0);
        let weight = life * if outcome == Outcome::Won { self.rules.influence } else { -self.rules.blame };
        for segment in
            trail.segments.iter_mut().filter(|segment| segment.ends >= self.frame && segment.ends > 0)
        {
            if weight != 0.0 {
                let (tile, cell) = self.ground.cell(segment.position);
                deposit(tile, Deposit { signal: segment.way.map(|x| x * weight), cell: cell as u32 });
            }
            segment.ends = segment.ends.saturating_add(self.rules.trail_result);
        }
    }
}

/// From -1 to 1.
fn signed(bits: u64) -> f32 {
    (bits >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
}

/// The same direction of length 1; nothing for a vector without one.
fn unit([x, y]: [f32; 2]) -> Option<[f32; 2]> {
    let length = (x * x + y * y).sqrt();
    (length > 1e-6 && length.is_finite()).then(|| [x / length, y / length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_components::ant::TILE_SIDE;

    fn walk(rules: Rules) -> Walk<'static> {
        let nest = [TILE_SIDE as f32; 2];
        let ground = Ground { columns: 2, rows: 2, nest, nest_radius: 2.0, reserved: 0 };
        Walk { ground, rules, tiles: vec![None; 4], frame: 1000 }
    }

    fn ant(position: [f32; 2]) -> Ant {
        Ant { position, heading: [1.0, 0.0], ..Ant::default() }
    }

    fn straight() -> impl FnMut() -> f32 {
        || 0.0
    }

    /// Claim: an ant asks once, waits, and carries only what a tile has given; time that runs out costs its load.
    #[test]
    fn food_is_asked_for() {
        let mut food = Food::NONE;
        food.cells.fill(1);
        let mut walk = walk(Rules { speed: 1.0, life: 50, ..Rules::default() });
        let tile = Id::from_bits(1);
        walk.tiles[0] = Some(Cells { tile, signals: &Signals::NONE, food: Some(&food) });
        let asked = walk.step(&ant([3.5, 3.5]), None, &mut straight());
        assert_eq!(asked.ask, Some((0, Ask { cell: 3 * TILE_SIDE + 4, is_drop: 0 })));
        let waits = walk.step(&asked.ant, None, &mut straight());
        assert_eq!((waits.ant.position, waits.ask, waits.ant.mode), (asked.ant.position, None, WAITING));
        let none = walk.step(&waits.ant, Some(Answer { portions: 0 }), &mut straight());
        assert_eq!((none.outcome, none.ask.is_some()), (None, true), "it asks again where it comes to next");
        let got = walk.step(&waits.ant, Some(Answer { portions: 1 }), &mut straight());
        assert_eq!((got.outcome, got.ant.mode, got.ant.wins), (Some(Outcome::Won), CARRYING, 1));
        assert_eq!(got.ant.heading, [-1.0, 0.0]);
        let late = walk.step(&Ant { age: 50, ..got.ant }, None, &mut straight());
        assert_eq!(late.ask, Some((0, Ask { cell: 3 * TILE_SIDE + 4, is_drop: 1 })));
        assert_eq!((late.outcome, late.ant.losses, late.ant.mode), (Some(Outcome::Lost), 1, SEARCHING));
        assert_eq!(late.ant.position, walk.ground.nest);
    }

    /// Claim: who carries food comes home by the signals reversed, and delivers once.
    #[test]
    fn signals_lead_both_ways() {
        let mut signals = Signals::NONE;
        signals.cells.fill([-2.0, -2.0]);
        let mut walk = walk(Rules { homing: 0.0, follow: 5.0, ..Rules::default() });
        walk.tiles[0] = Some(Cells { tile: Id::from_bits(1), signals: &signals, food: None });
        let out = walk.step(&ant([20.5, 20.5]), None, &mut straight()).ant;
        assert!(out.position.iter().all(|x| *x < 20.5), "away from the nest, as the signals say: {out:?}");
        let mut ant = Ant { mode: CARRYING, ..ant([20.5, 20.5]) };
        let mut ways = 0;
        for _ in 0..100 {
            let step = walk.step(&ant, None, &mut straight());
            ways += u32::from(step.outcome == Some(Outcome::Won));
            ant = step.ant;
        }
        assert_eq!((ways, ant.delivered, ant.wins), (1, 1, 1));
    }

    /// Claim: a result adds to the cells of a trail the way times losses / (wins + 1) times influence, takes it away
    /// where the ant lost, leaves out what has ended, and makes the rest last longer.
    #[test]
    fn results_weigh_by_life() {
        let walk =
            walk(Rules { influence: 0.5, blame: 0.25, trail_limit: 10, trail_result: 7, ..Rules::default() });
        let mut trail = Trail::default();
        for x in 0..SEGMENTS_MAX + 2 {
            walk.lay(&ant([x as f32 + 0.5, 0.5]), &mut trail);
        }
        trail.segments[5].ends = 999;
        let life = Ant { wins: 1, losses: 6, ..ant([0.0; 2]) };
        for (outcome, weight, ends) in [(Outcome::Won, 1.5, 1017), (Outcome::Lost, -0.75, 1024)] {
            let mut deposits = Vec::new();
            walk.apply(&life, outcome, &mut trail, |tile, deposit| deposits.push((tile, deposit)));
            assert_eq!(deposits.len(), SEGMENTS_MAX - 1);
            // The oldest two were overwritten.
            assert!(deposits.contains(&(0, Deposit { signal: [weight, 0.0], cell: 17 })), "{deposits:?}");
            assert!(deposits.iter().all(|(_, deposit)| deposit.cell != 1 && deposit.cell != 5));
            assert_eq!((trail.segments[0].ends, trail.segments[5].ends), (ends, 999));
        }
        let mut none = 0;
        walk.apply(&Ant::default(), Outcome::Won, &mut trail, |_, _| none += 1);
        assert_eq!(none, 0, "who never lost has nothing to say");
    }

    /// Claim: an ant stays on the ground however fast and whereto, and one that is nowhere begins anew.
    #[test]
    fn ants_stay_on_the_ground() {
        let walk = walk(Rules { speed: 8.0, ..Rules::default() });
        for heading in [[-1.0, 0.0], [0.0, -1.0], [1.0, 0.0], [-1e-30, 1.0]] {
            let mut ant = Ant { heading, ..ant([0.0, 63.999_996]) };
            for _ in 0..40 {
                ant = walk.step(&ant, None, &mut straight()).ant;
                assert!(ant.position.iter().all(|x| (0.0..64.0).contains(x)), "{ant:?}");
            }
        }
        for position in [[f32::NAN, 0.0], [0.0, f32::INFINITY]] {
            let lost = Ant { losses: 3, ..ant(position) };
            let step = walk.step(&lost, None, &mut straight());
            assert_eq!((step.ant.position, step.ant.losses), (walk.ground.nest, 3));
        }
    }
}
