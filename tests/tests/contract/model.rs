//! Random frames against a naive world of two maps: values, marks and removals in every frame, in memory and
//! on disk, and all of it again after reopening.

use diptych_engine::prelude::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

#[path = "model/engine.rs"]
mod engine;
#[path = "model/naive.rs"]
mod naive;

use engine::world;
use naive::Naive;

/// Plain old data; a NaN now and then.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Number(pub(crate) f64);

/// Not plain old data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text(pub(crate) String);

/// A type that no system owns.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Flag(pub(crate) u32);

/// What a type's owner does with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Set,
    Carry,
    SetIfChanged,
}

/// Which type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Number,
    Text,
    Flag,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Number, Kind::Text, Kind::Flag];

/// A command or an input; targets count through the entities alive at the beginning of the frame, by `Id`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Spawn([bool; 3], u8),
    Despawn(u8),
    Insert(u8, Kind, u8),
    Remove(u8, Kind),
}

/// One frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Whether the world is dropped and opened again before it.
    reopen: bool,
    /// For each touched entity: what the owners of `Number` and `Text` do, and the value.
    acts: Vec<(u8, Kind, Act, u8)>,
    structure: Vec<Op>,
    /// `Insert` sets where the entity holds the type.
    inputs: Vec<Op>,
}

/// The value that a byte stands for: few, so that equal ones meet often.
pub(crate) fn number(value: u8) -> f64 {
    [0.0, -0.0, f64::NAN, 1.0, 2.5, -7.0][usize::from(value) % 6]
}

pub(crate) fn text(value: u8) -> String {
    ["", "a", "b", "a longer text than that"][usize::from(value) % 4].to_owned()
}

pub(crate) fn flag(value: u8) -> u32 {
    u32::from(value % 3)
}

/// What a frame sees of the last commit: per type the changed, the added and the removed entities.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) changed: [BTreeSet<Id>; 3],
    pub(crate) added: [BTreeSet<Id>; 3],
    pub(crate) removed: [Vec<Id>; 3],
}

/// What the test and its systems tell each other.
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) plan: Plan,
    /// Entities alive at the beginning of the frame, by `Id`.
    pub(crate) alive: Vec<Id>,
    /// `Id`s of the frame's spawns, by commands and by inputs, in order.
    pub(crate) spawned: Vec<Id>,
    pub(crate) spawned_by_inputs: Vec<Id>,
    pub(crate) seen: Seen,
}

impl Board {
    pub(crate) fn target(&self, place: u8) -> Option<Id> {
        (!self.alive.is_empty()).then(|| self.alive[usize::from(place) % self.alive.len()])
    }
}

pub(crate) type Shared = Arc<Mutex<Board>>;

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Number), Just(Kind::Text), Just(Kind::Flag)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (any::<[bool; 3]>(), any::<u8>()).prop_map(|(types, value)| Op::Spawn(types, value)),
        1 => any::<u8>().prop_map(Op::Despawn),
        2 => (any::<u8>(), kind(), any::<u8>()).prop_map(|(target, kind, value)| Op::Insert(target, kind, value)),
        2 => (any::<u8>(), kind()).prop_map(|(target, kind)| Op::Remove(target, kind)),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let act = prop_oneof![Just(Act::Set), Just(Act::Carry), Just(Act::SetIfChanged)];
    let acts = prop::collection::vec((any::<u8>(), kind(), act, any::<u8>()), 0..8);
    let some = || prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(op(), 0..6)];
    // A third of the frames are empty: they share a head record on disk.
    let full = (prop::bool::weighted(0.1), acts, some(), some());
    prop_oneof![
        1 => prop::bool::weighted(0.2).prop_map(|reopen| Plan { reopen, ..Plan::default() }),
        2 => full.prop_map(|(reopen, acts, structure, inputs)| Plan { reopen, acts, structure, inputs }),
    ]
}

/// Steps the engine and the naive world by one frame and compares everything.
fn compare(engine: &mut Engine, naive: &mut Naive, board: &Shared, mut plan: Plan) {
    naive.allow(&mut plan);
    {
        let mut board = board.lock().unwrap();
        *board = Board { alive: naive.prev.keys().copied().collect(), plan, ..Board::default() };
        engine::send(engine, &board);
    }
    engine.step().expect("every plan is allowed");
    let board = board.lock().unwrap();
    assert_eq!(board.seen, naive.seen, "marks of frame {}", engine.frame() - 1);
    naive.step(&board);
    check(engine, naive);
}

/// The committed values.
fn check(engine: &Engine, naive: &Naive) {
    let view = engine.view();
    let numbers: BTreeMap<Id, u64> = view.iter::<Number>().map(|(id, n)| (id, n.0.to_bits())).collect();
    let texts: BTreeMap<Id, String> = view.iter::<Text>().map(|(id, text)| (id, text.0.clone())).collect();
    let flags: BTreeMap<Id, u32> = view.iter::<Flag>().map(|(id, flag)| (id, flag.0)).collect();
    let rows = naive.prev.iter();
    assert_eq!(numbers, rows.clone().filter_map(|(id, row)| Some((*id, row.number?))).collect(), "numbers");
    assert_eq!(texts, rows.clone().filter_map(|(id, row)| Some((*id, row.text.clone()?))).collect(), "texts");
    assert_eq!(flags, rows.filter_map(|(id, row)| Some((*id, row.flag?))).collect(), "flags");
    assert_eq!(view.entities(), naive.prev.len() as u64);
    for (id, row) in &naive.prev {
        assert_eq!(view.get::<Text>(*id).map(|text| &text.0), row.text.as_ref());
    }
}

fn play(plans: &[Plan], threads: usize) {
    let dir = tempfile::tempdir().unwrap();
    let board = Shared::default();
    let mut engine = world(Engine::open(dir.path()), &board).threads(threads).build().unwrap();
    let mut naive = Naive::default();
    // Frame 1 sees that frame 0 added its entities; `Naive` begins with the same.
    naive.set_up(&engine.view().iter::<Number>().map(|(id, number)| (id, number.0)).collect::<Vec<_>>());
    for plan in plans {
        if plan.reopen {
            drop(engine);
            engine = world(Engine::open(dir.path()), &board).threads(threads).build().unwrap();
            check(&engine, &naive);
        }
        compare(&mut engine, &mut naive, &board, plan.clone());
    }
    let digest = engine.digest();
    drop(engine);
    let mut engine = world(Engine::open(dir.path()), &board).threads(threads).build().unwrap();
    assert_eq!(engine.digest(), digest);
    check(&engine, &naive);
    compare(&mut engine, &mut naive, &board, Plan::default());
    compare(&mut engine, &mut naive, &board, Plan::default());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, values, changed, added and removed are those of the naive world.
    #[test]
    fn the_engine_is_the_naive_world(plans in prop::collection::vec(plan(), 1..40), threads in 1..3_usize) {
        play(&plans, threads);
    }
}
