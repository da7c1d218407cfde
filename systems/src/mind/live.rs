//! The other systems of minds: bodies that move, needs that grow, items that are eaten, and what has been seen.
//!
//! Invariant: each fact has one owner here; meals are told by messages, so that nobody eats what another has eaten. A
//! body that is nowhere begins anew in the middle.

use diptych_components::mind::{
    Body, CELLS, Consume, FETCHING, Item, Meal, Mind, NOWHERE, Needs, Rules, Seen,
};
use diptych_engine::prelude::*;

use super::think::around;

/// Owns where bodies are: those with a target walk towards it.
pub fn move_bodies(mut bodies: Query<(Next<Body>, Prev<Mind>)>, world: Query<Prev<Rules>>) {
    let Some(&rules) = world.iter().next() else { return };
    bodies.par_rows(|(mut body, mind)| {
        let next = moved(body.prev(), mind, &rules);
        body.set_if_changed(next);
    });
}

fn moved(body: &Body, mind: &Mind, rules: &Rules) -> Body {
    let side = rules.side();
    if !body.position.iter().all(|x| (0.0..=side).contains(x)) {
        return Body { position: [side / 2.0; 2], velocity: [0.0; 2] };
    }
    if mind.target == NOWHERE || mind.deed < FETCHING {
        return Body { velocity: [0.0; 2], ..*body };
    }
    let goal = rules.middle(mind.target % CELLS as u32);
    let way = [0, 1].map(|axis| goal[axis] - body.position[axis]);
    let length = (way[0] * way[0] + way[1] * way[1]).sqrt();
    let share = if length > rules.speed { rules.speed / length } else { 1.0 };
    let velocity = way.map(|x| x * share);
    Body { position: [0, 1].map(|axis| body.position[axis] + velocity[axis]), velocity }
}

/// Owns needs: they grow, rest and meals take from them.
pub fn satisfy_needs(
    mut minds: Query<(Id, Next<Needs>, Prev<Mind>)>,
    world: Query<Prev<Rules>>,
    meals: Inbox<Meal>,
) {
    let Some(&rules) = world.iter().next() else { return };
    minds.par_rows(|(&id, mut needs, mind)| {
        let Needs { hunger, tiredness, meals: eaten } = *needs.prev();
        let portions = meals.of(id).len();
        let tired =
            if mind.is_resting != 0 { tiredness - rules.recovery } else { tiredness + rules.tiredness };
        // What is no number becomes 1: in need.
        let need = |x: f64| if x.is_nan() { 1.0 } else { x.clamp(0.0, 1.0) };
        needs.set_if_changed(Needs {
            hunger: need(need(hunger + rules.hunger) - rules.meal * portions as f64),
            tiredness: need(tired),
            meals: eaten + portions as u64,
        });
    });
}

/// Owns items: who asks gets a portion while there are some, in the order of their `Id`s; an eaten item is whole again
/// after its time.
pub fn serve_items(
    mut items: Query<(Id, Next<Item>)>,
    world: Query<Prev<Rules>>,
    consumes: Inbox<Consume>,
    mut meals: Outbox<Meal>,
    clock: Clock,
) {
    let Some(&rules) = world.iter().next() else { return };
    items.par_rows_with(&mut meals, |(&id, mut item), meals| {
        let mut next = *item.prev();
        for (mind, _) in consumes.of(id).iter() {
            if next.portions == 0 {
                break;
            }
            next.portions -= 1;
            if next.portions == 0 {
                next.ripe = clock.step() + u64::from(rules.regrowth);
            }
            meals.from(id).to(mind, Meal { cell: u64::from(next.cell) });
        }
        if next.portions == 0 && clock.step() >= next.ripe {
            next.portions = rules.portions;
        }
        item.set_if_changed(next);
    });
}

/// Owns what has been seen: the cells around every body of the last frame.
pub fn note_seen(
    bodies: Query<Prev<Body>>,
    mut world: Query<(Prev<Rules>, Next<Seen>)>,
    clock: Clock,
    mut stands: Local<Vec<bool>>,
) {
    for (rules, mut seen) in &mut world {
        stands.clear();
        stands.resize(CELLS, false);
        bodies.iter().for_each(|body| stands[rules.cell_at(body.position) as usize] = true);
        let mut next = *seen.prev();
        let now = (clock.step() as u32).saturating_add(1);
        for (cell, _) in (0..).zip(&*stands).filter(|(_, stands)| **stands) {
            around(cell, rules.sight).for_each(|cell| next.frames[cell as usize] = now);
        }
        seen.set_if_changed(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_components::mind::SEARCHING;

    /// Claim: a body walks its speed towards its target, stops there, stands while it rests, and never leaves.
    #[test]
    fn bodies_walk_to_their_targets() {
        let rules = Rules::default();
        let mind = Mind { target: 5, deed: SEARCHING, ..Mind::default() };
        let mut body = Body { position: [8.0, 8.0], velocity: [0.0; 2] };
        for _ in 0..39 {
            let next = moved(&body, &mind, &rules);
            assert!((next.position[0] - body.position[0] - 2.0).abs() < 1e-9, "{next:?}");
            body = next;
        }
        body = moved(&moved(&body, &mind, &rules), &mind, &rules);
        assert_eq!((body.position, body.velocity), ([88.0, 8.0], [0.0; 2]));
        let rests = Mind { deed: 1, ..mind };
        let stood = Body { position: [8.0, 8.0], velocity: [1.0; 2] };
        assert_eq!(moved(&stood, &rests, &rules).position, [8.0; 2]);
        for lost in [f64::NAN, -1.0, f64::INFINITY] {
            let body = Body { position: [lost, 3.0], velocity: [0.0; 2] };
            assert_eq!(moved(&body, &mind, &rules).position, [512.0; 2]);
        }
    }
}
