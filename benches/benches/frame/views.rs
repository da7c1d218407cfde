//! A million bodies moved through entity views, beside the same loops over tuples.
//!
//! Invariant: both sides are whole frames of this engine on one thread, and differ in nothing but how a row's
//! parts are named; a view may not cost more than its tuple.

use benches::scene::{self, Position, Velocity, Way, moved};
use benches::{Probe, Suite, Target};
use diptych_engine::prelude::*;

const ROWS: u32 = 1_000_000;
const FRAMES: u64 = 40;

entity_view! {
    struct Body { position: Next<Position>, velocity: Prev<Velocity> }
}

fn step(body: &mut Body) {
    body.position.set(Position(moved(body.position.prev().0, body.velocity.0)));
}

fn views(builder: EngineBuilder, way: Way, probe: Probe) -> EngineBuilder {
    type Bodies<'w, 's> = Query<'w, 's, Named<Body<'static, 'static>>>;
    let builder = scene::bodies(builder, ROWS);
    match way {
        Way::Packed | Way::PackedParallel => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            bodies.blocks(|block| {
                let Body { mut position, velocity } = block.named();
                let (prev, next) = position.split();
                scene::integrate(next, prev, velocity);
            });
        }),
        Way::ForEach => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            bodies.iter_mut().for_each(|mut body| step(&mut body));
        }),
        Way::For => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            for mut body in &mut bodies {
                step(&mut body);
            }
        }),
        Way::RowsParallel => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            bodies.par_rows(|mut body| step(&mut body));
        }),
    }
}

pub(crate) fn run(suite: &mut Suite) {
    let cases = [
        ("packed", Way::Packed),
        ("for_each", Way::ForEach),
        ("for", Way::For),
        ("par_rows", Way::RowsParallel),
    ];
    for (name, way) in cases {
        let name = format!("entity views, {ROWS} rows, {name}, 1 thread");
        if !suite.wants(&name) {
            continue;
        }
        let nanos = |probe: Probe, mut engine: Engine| {
            move || probe.time(FRAMES, |frames| scene::run(&mut engine, frames)) / f64::from(ROWS)
        };
        let base = || Engine::in_memory().threads(1);
        let probe = Probe::default();
        let mut ours = nanos(probe.clone(), scene::warm(views(base(), way, probe)));
        let probe = Probe::default();
        let mut tuples = nanos(probe.clone(), scene::warm(scene::dense(base(), ROWS, way, &probe)));
        suite.compare(&name, "ns/row", Target::Ratio(1.05), &mut ours, ("tuples", &mut tuples));
    }
}
