//! The same world in the engine: its systems do what the board says and write down what they see.

use super::{Act, Board, Flag, Kind, Number, Op, Seen, Shared, Text, flag, number, text};
use diptych_engine::Applier;
use diptych_engine::prelude::*;

struct TextCodec;

impl Codec<Text> for TextCodec {
    fn encode(text: &Text, out: &mut Vec<u8>) {
        out.extend_from_slice(text.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Text, CodecError> {
        String::from_utf8(bytes.to_vec()).map(Text).map_err(CodecError::new)
    }
}

/// An operation as an input: what, target, type, value.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Order([u64; 4]);

pub(crate) fn world(builder: EngineBuilder, board: &Shared) -> EngineBuilder {
    let (numbers, texts, shape, watch, order) =
        (board.clone(), board.clone(), board.clone(), board.clone(), board.clone());
    builder
        .state::<Number>("number", 1)
        .state_with::<Text, TextCodec>("text", 1)
        .state::<Flag>("flag", 1)
        .system("numbers", move |rows: Query<Next<Number>>, ids: Ids| own_numbers(&numbers, rows, &ids))
        .system("texts", move |rows: Query<Next<Text>>, ids: Ids| own_texts(&texts, rows, &ids))
        .system("shape", move |structure: Structure| apply_structure(&shape, structure))
        .system("watch", watcher(watch))
        .input::<Order>("order", 1, move |world, input| obey(&order, world, input))
        .setup("setup", |structure| {
            for n in 0..5_u8 {
                structure.spawn((Number(number(n)),));
            }
        })
}

fn own_numbers(board: &Shared, mut rows: Query<Next<Number>>, ids: &Ids<'_>) {
    let board = board.lock().unwrap();
    for (target, _, act, value) in board.plan.acts.iter().filter(|act| act.1 == Kind::Number) {
        let entity = board.target(*target).and_then(|id| ids.entity(id));
        let Some(mut row) = entity.and_then(|entity| rows.get_mut(entity).ok()) else { continue };
        match act {
            Act::Set => row.set(Number(number(*value))),
            Act::Carry => row.carry(),
            Act::SetIfChanged => {
                row.set_if_changed(Number(number(*value)));
            }
        }
    }
}

fn own_texts(board: &Shared, mut rows: Query<Next<Text>>, ids: &Ids<'_>) {
    let board = board.lock().unwrap();
    for (target, _, act, value) in board.plan.acts.iter().filter(|act| act.1 == Kind::Text) {
        let entity = board.target(*target).and_then(|id| ids.entity(id));
        let Some(mut row) = entity.and_then(|entity| rows.get_mut(entity).ok()) else { continue };
        match act {
            Act::Set => row.set(Text(text(*value))),
            Act::Carry => row.carry(),
            Act::SetIfChanged => {
                row.set_if_changed(Text(text(*value)));
            }
        }
    }
}

fn apply_structure(board: &Shared, mut structure: Structure<'_, '_>) {
    let mut board = board.lock().unwrap();
    for op in board.plan.structure.clone() {
        match op {
            Op::Spawn(types, value) => {
                let spawned = spawn(types, value, &mut structure);
                board.spawned.push(spawned);
            }
            Op::Despawn(target) => board.target(target).into_iter().for_each(|id| structure.despawn(id)),
            Op::Insert(target, kind, value) => {
                let Some(id) = board.target(target) else { continue };
                match kind {
                    Kind::Flag => structure.insert(id, Flag(flag(value))),
                    Kind::Number => structure.insert(id, Number(number(value))),
                    Kind::Text => structure.insert(id, Text(text(value))),
                }
            }
            Op::Remove(target, kind) => {
                let Some(id) = board.target(target) else { continue };
                match kind {
                    Kind::Number => structure.remove::<Number>(id),
                    Kind::Text => structure.remove::<Text>(id),
                    Kind::Flag => structure.remove::<Flag>(id),
                }
            }
        }
    }
}

fn spawn(types: [bool; 3], value: u8, structure: &mut Structure<'_, '_>) -> Id {
    let (number, text, flag) = (Number(number(value)), Text(text(value)), Flag(flag(value)));
    let spawned = match types {
        [false, false, false] => structure.spawn(()),
        [true, false, false] => structure.spawn((number,)),
        [false, true, false] => structure.spawn((text,)),
        [false, false, true] => structure.spawn((flag,)),
        [true, true, false] => structure.spawn((number, text)),
        [true, false, true] => structure.spawn((flag, number)),
        [false, true, true] => structure.spawn((text, flag)),
        [true, true, true] => structure.spawn((number, text, flag)),
    };
    spawned.id
}

/// Sends the frame's inputs.
pub(crate) fn send(engine: &Engine, board: &Board) {
    let bits = |target: u8| board.target(target).map_or(0, Id::bits);
    for op in &board.plan.inputs {
        let order = match *op {
            Op::Spawn([number, text, flag], value) => {
                [0, u64::from(number) | u64::from(text) << 1 | u64::from(flag) << 2, 0, u64::from(value)]
            }
            Op::Despawn(target) => [1, bits(target), 0, 0],
            Op::Insert(target, kind, value) => [2, bits(target), kind as u64, u64::from(value)],
            Op::Remove(target, kind) => [3, bits(target), kind as u64, 0],
        };
        engine.inputs().send("model", &Order(order)).expect("the queue has room");
    }
}

fn obey(board: &Shared, world: &mut Applier<'_, '_>, Order([what, bits, kind, value]): Order) {
    let (id, value) = (Id::from_bits(bits), value as u8);
    match (what, kind) {
        (0, _) => {
            let spawned = world.spawn(()).id;
            if bits & 1 != 0 {
                world.insert(spawned, Number(number(value)));
            }
            if bits & 2 != 0 {
                world.insert(spawned, Text(text(value)));
            }
            if bits & 4 != 0 {
                world.insert(spawned, Flag(flag(value)));
            }
            board.lock().unwrap().spawned_by_inputs.push(spawned);
        }
        (1, _) => {
            world.despawn(id);
        }
        (2, 0) => {
            world.insert(id, Number(number(value)));
        }
        (2, 1) => {
            world.insert(id, Text(text(value)));
        }
        (2, _) => {
            world.insert(id, Flag(flag(value)));
        }
        (_, 0) => {
            world.remove::<Number>(id);
        }
        (_, 1) => {
            world.remove::<Text>(id);
        }
        (..) => {
            world.remove::<Flag>(id);
        }
    }
}

/// Writes down what the frame sees of the last commit, by both ways of asking for it.
fn watcher(
    board: Shared,
) -> impl FnMut(
    (Changes<Number>, Changes<Text>, Changes<Flag>),
    (Removed<Number>, Removed<Text>, Removed<Flag>),
    (Query<Id, Changed<Number>>, Query<Id, Changed<Text>>, Query<Id, Changed<Flag>>),
    (Query<Id, Added<Number>>, Query<Id, Added<Text>>, Query<Id, Added<Flag>>),
    Query<Id>,
) {
    move |changes, removed, changed, added, ids| {
        let named =
            |entities: Vec<Entity>| entities.into_iter().map(|entity| ids.get(entity).unwrap()).collect();
        let seen = Seen {
            changed: [named(changes.0.entities()), named(changes.1.entities()), named(changes.2.entities())],
            added: [named(changes.0.added()), named(changes.1.added()), named(changes.2.added())],
            removed: [removed.0.ids().to_vec(), removed.1.ids().to_vec(), removed.2.ids().to_vec()],
        };
        let filtered = Seen {
            changed: [changed.0.iter().collect(), changed.1.iter().collect(), changed.2.iter().collect()],
            added: [added.0.iter().collect(), added.1.iter().collect(), added.2.iter().collect()],
            removed: seen.removed.clone(),
        };
        assert_eq!(seen, filtered, "the filters and the lists agree");
        board.lock().unwrap().seen = seen;
    }
}
