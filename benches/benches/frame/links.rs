//! 100,000 random hops along links, beside what reads the same values by entity.
//!
//! Invariant: every side follows the same hops in the same order and sums what it finds; the peers know the
//! entities, where a link has only an `Id`. Both of our sides are timed inside one system of one world, so
//! that what is compared is the hop and not the frame; bevy's has a world of its own, made in the same order.

use benches::{Suite, Target, scene};
use bevy_ecs::component::Component;
use bevy_ecs::query::QueryState;
use bevy_ecs::world::World;
use diptych_engine::prelude::*;
use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

const ROWS: u64 = 100_000;
const HOPS: usize = 100_000;
/// Times that all hops are followed for one sample.
const PASSES: u32 = 10;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Value(u64);

#[derive(Component)]
struct BevyValue(u64);

pub(crate) fn run(suite: &mut Suite) {
    let name = |peer: &str| format!("links, {HOPS} random hops over {ROWS} rows, beside {peer}");
    let (direct, bevy) = (name("the direct get"), name("bevy's"));
    if !suite.wants(&direct) && !suite.wants(&bevy) {
        return;
    }
    let ours = RefCell::new(Ours::new());
    let mut linked = || ours.borrow_mut().sample(true);
    if suite.wants(&direct) {
        let mut get = || ours.borrow_mut().sample(false);
        let peer: (&str, &mut dyn FnMut() -> f64) = ("Query<Prev<T>>::get, entities known", &mut get);
        suite.compare(&direct, "ns/hop", Target::Ratio(1.5), &mut linked, peer);
    }
    if suite.wants(&bevy) {
        let mut get = in_bevy();
        let peer: (&str, &mut dyn FnMut() -> f64) = ("bevy Query<&T>::get, entities known", &mut get);
        suite.compare(&bevy, "ns/hop", Target::None, &mut linked, peer);
    }
}

/// Which row the n-th hop leads to.
fn aim(n: usize) -> usize {
    let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (((mixed >> 32) * ROWS) >> 32) as usize
}

/// Nanoseconds a hop.
fn time<T: Copy>(hops: &[T], value: impl Fn(T) -> u64) -> f64 {
    let start = Instant::now();
    for _ in 0..PASSES {
        black_box(hops.iter().fold(0_u64, |sum, hop| sum.wrapping_add(value(*hop))));
    }
    start.elapsed().as_nanos() as f64 / f64::from(PASSES) / hops.len() as f64
}

struct Ours {
    engine: Engine,
    linked: Arc<AtomicBool>,
    /// The last sample's bits.
    spent: Arc<AtomicU64>,
}

impl Ours {
    fn new() -> Self {
        let (linked, spent) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let (mode, out) = (linked.clone(), spent.clone());
        let (mut links, mut entities) = (Vec::new(), Vec::new());
        let builder = Engine::in_memory()
            .threads(1)
            .digest(DigestPolicy::OnDemand)
            .state::<Value>("bench.value", 1)
            .setup("bench.rows", |structure| (0..ROWS).for_each(|n| _ = structure.spawn((Value(n),))))
            .system(
                "bench.hop",
                move |rows: Query<(Id, Entity, Prev<Value>)>,
                      direct: Query<Prev<Value>>,
                      values: Linked<Value>| {
                    if links.is_empty() {
                        let all: Vec<_> = rows.iter().map(|(id, entity, _)| (id, entity)).collect();
                        links.extend((0..HOPS).map(|n| Link::<Value>::to(all[aim(n)].0)));
                        entities.extend((0..HOPS).map(|n| all[aim(n)].1));
                    }
                    // Relaxed: the frame is joined before anybody looks.
                    let spent = if mode.load(Ordering::Relaxed) {
                        time(&links, |link| values.get(link).map_or(0, |value| value.0))
                    } else {
                        time(&entities, |entity| direct.get(entity).map_or(0, |value| value.0))
                    };
                    out.store(spent.to_bits(), Ordering::Relaxed);
                },
            );
        Self { engine: scene::warm(builder), linked, spent }
    }

    fn sample(&mut self, linked: bool) -> f64 {
        self.linked.store(linked, Ordering::Relaxed);
        scene::run(&mut self.engine, 1);
        f64::from_bits(self.spent.load(Ordering::Relaxed))
    }
}

fn in_bevy() -> impl FnMut() -> f64 {
    let mut world = World::new();
    let all: Vec<_> = world.spawn_batch((0..ROWS).map(BevyValue)).collect();
    let entities: Vec<_> = (0..HOPS).map(|n| all[aim(n)]).collect();
    let mut query: QueryState<&BevyValue> = world.query();
    move || {
        let query = query.query(&world);
        time(&entities, |entity| query.get(entity).map_or(0, |value| value.0))
    }
}
