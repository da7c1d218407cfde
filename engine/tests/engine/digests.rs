//! The digest that is kept up to date is the one that is computed anew, whatever happened to the rows since.
//!
//! Invariant: the other side is summed here from what a view shows, row by row, by the public definition; it knows
//! of no pages, marks or slots.

use diptych_engine::digest::{ComponentDigest, row_hash, type_seed, world_digest};
use diptych_engine::prelude::*;
use diptych_engine::{Codec, CodecError, ComponentSum, State};

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Place([f32; 3]);
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Heat(u64);
/// Longer than what is hashed by itself.
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Wide([u64; 20]);
/// On some; never set by a system.
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Badge(u16);
/// For one frame.
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Flash(u32);
#[derive(Clone, Debug, PartialEq)]
struct Name(String);
struct Utf8;
impl Codec<Name> for Utf8 {
    fn encode(value: &Name, out: &mut Vec<u8>) {
        out.extend_from_slice(value.0.as_bytes());
    }
    fn decode(bytes: &[u8]) -> Result<Name, CodecError> {
        String::from_utf8(bytes.to_vec()).map(Name).map_err(CodecError::new)
    }
}

/// Input: set rows that the wave of the same frame may have set as well.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Poke(u64);

const ROWS: u64 = 700;

/// What happens in a frame: most are of one kind, so that each kind is met alone.
fn plan(frame: u64) -> u64 {
    frame.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 61
}

fn drift(mut places: Query<(Id, Next<Place>)>, random: Random, clock: Clock) {
    let few = match plan(clock.frame()) {
        0 => 1,
        1 | 2 => 60,
        3 => 8,
        _ => 250,
    };
    for (id, mut place) in &mut places {
        if random.of(id).below(few) == 0 {
            let [x, y, z] = place.prev().0;
            place.set(Place([x + 1.0, y - 0.5, z * 0.5]));
        }
    }
}

/// In turns every row, none, and rows that are set to what they were.
fn heat(mut heats: Query<Next<Heat>>, clock: Clock) {
    match plan(clock.frame()) {
        4 => heats.par_rows(|mut heat| heat.set(Heat(heat.prev().0 + 1))),
        5 => heats.par_rows(|mut heat| heat.set(*heat.prev())),
        _ => {}
    }
}

fn widen(mut rows: Query<(Id, Next<Wide>)>, random: Random) {
    for (id, mut wide) in &mut rows {
        if random.of(id).below(40) == 0 {
            let mut next = *wide.prev();
            next.0[id.bits() as usize % 20] += 1;
            wide.set(next);
        }
    }
}

fn rename(mut rows: Query<(Id, Next<Name>)>, random: Random) {
    for (id, mut name) in &mut rows {
        if random.of(id).below(30) == 0 {
            let next =
                format!("{}{}", name.prev().0.chars().rev().take(9).collect::<String>(), id.bits() % 7);
            name.set(Name(next));
        }
    }
}

fn flash(mut rows: Query<(Id, Next<Flash>)>, random: Random) {
    for (id, mut flash) in &mut rows {
        if random.of(id).below(20) == 0 {
            flash.set(Flash(id.bits() as u32 | 1));
        }
    }
}

/// Spawns, moves between tables, overwrites and despawns, in some frames.
fn churn(
    places: Query<(Id, Prev<Place>)>,
    narrow: Query<(Id, Prev<Place>), Without<Wide>>,
    mut structure: Structure,
    random: Random,
    clock: Clock,
) {
    if plan(clock.frame()) < 5 {
        return;
    }
    for n in 0..clock.frame() % 90 {
        structure.spawn((Place([n as f32; 3]), Heat(n), Flash(1), Name(n.to_string())));
    }
    for (id, _) in &places {
        match random.of(id).below(60) {
            0 | 1 => structure.despawn(id),
            2 => structure.remove::<Name>(id),
            3 => structure.insert(id, Badge(clock.frame() as u16)),
            4 => structure.remove::<Wide>(id),
            _ => {}
        }
    }
    for (id, _) in &narrow {
        if random.of(id).below(80) == 7 {
            structure.insert(id, Wide([clock.frame(); 20]));
        }
    }
}

fn world(threads: usize, policy: DigestPolicy) -> Engine {
    Engine::in_memory()
        .state::<Place>("place", 1)
        .state::<Heat>("heat", 2)
        .state::<Wide>("wide", 1)
        .state::<Badge>("badge", 1)
        .state_with::<Name, Utf8>("name", 3)
        .transient::<Flash>("flash", 1)
        .input::<Poke>("poke", 1, |world, Poke(frame)| {
            let ids = world.ids::<Place>();
            for n in 0..frame % 5 {
                let id = ids[(frame * 31 + n * 7) as usize % ids.len()];
                world.set(id, Place([frame as f32, n as f32, 1.0]));
                world.set(id, Heat(frame));
            }
        })
        .system("drift", drift)
        .system("heat", heat)
        .system("widen", widen)
        .system("rename", rename)
        .system("flash", flash)
        .system("churn", churn)
        .setup("setup", |structure| {
            for n in 0..ROWS {
                structure.spawn((Place([n as f32, 0.0, 1.0]), Heat(n), Flash(1), Name(String::new())));
                structure.spawn((Place([0.0, n as f32, 1.0]), Wide([n; 20])));
            }
        })
        .digest(policy)
        .threads(threads)
        .seed(5)
        .build()
        .expect("the world is right")
}

/// A component from a view.
fn sum<T: State>(
    engine: &Engine,
    name: &str,
    version: u32,
    bytes: impl Fn(&T) -> Option<Vec<u8>>,
) -> ComponentSum {
    let (view, seed) = (engine.view(), type_seed(name));
    let rows = view
        .iter::<T>()
        .filter_map(|(id, value)| bytes(value).map(|bytes| row_hash(seed, id.bits(), &bytes)));
    let (rows, sum) = rows.fold((0, 0_u128), |(rows, sum), hash| (rows + 1, sum.wrapping_add(hash)));
    ComponentSum { name: name.to_owned(), version, rows, sum }
}

fn pod<T: Pod>(value: &T) -> Option<Vec<u8>> {
    Some(bytemuck::bytes_of(value).to_vec())
}

/// All components by the definition; those of the engine itself, whose rows are not shown, as they were found.
fn anew(engine: &Engine, found: &[ComponentSum]) -> Vec<ComponentSum> {
    let own = found.iter().filter(|component| component.name.starts_with("diptych.")).cloned();
    let mut all: Vec<ComponentSum> = own.collect();
    all.push(sum::<Place>(engine, "place", 1, pod));
    all.push(sum::<Heat>(engine, "heat", 2, pod));
    all.push(sum::<Wide>(engine, "wide", 1, pod));
    all.push(sum::<Badge>(engine, "badge", 1, pod));
    all.push(sum::<Name>(engine, "name", 3, |name| Some(name.0.clone().into_bytes())));
    // Every set value is odd; the others are blank and count for nothing.
    all.push(sum::<Flash>(engine, "flash", 1, |flash| (flash.0 != 0).then(|| pod(flash).expect("pod"))));
    all.sort();
    all
}

fn check(engine: &mut Engine, what: &str) {
    let (frame, digest) = (engine.frame(), engine.digest());
    let found = engine.component_digests();
    let expected = anew(engine, &found);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "frame {frame}, {what}");
    }
    assert_eq!(found.len(), expected.len(), "frame {frame}, {what}");
    let ids = sum::<Place>(engine, "diptych.id", 1, |_| None).name;
    assert!(found.iter().any(|component| component.name == ids && component.rows >= 500), "ids count");
    let mut parts: Vec<ComponentDigest<'_>> = found
        .iter()
        .map(|ComponentSum { name, version, rows, sum }| ComponentDigest {
            name,
            version: *version,
            sum: *sum,
            rows: *rows,
        })
        .collect();
    assert_eq!(Digest(world_digest(&mut parts)), digest, "frame {frame}, {what}: the whole is its parts");
}

fn drive(engine: &mut Engine) {
    if engine.frame().is_multiple_of(2) {
        engine.inputs().send("driver", &Poke(engine.frame())).expect("the queue has room");
    }
    engine.step().expect("the world makes frames");
}

/// In every frame, in every third, and whenever somebody asks; on one thread and more.
#[test]
fn what_is_kept_is_what_is_computed_anew() {
    let most = if cfg!(feature = "threads") { 3 } else { 1 };
    for (policy, asked) in [
        (DigestPolicy::Every(1), 1),
        (DigestPolicy::Every(3), 4),
        (DigestPolicy::OnDemand, 1),
        (DigestPolicy::OnDemand, 5),
    ] {
        for threads in [1, most] {
            let mut engine = world(threads, policy);
            // Beyond a wrap of the stamps.
            for _ in 0..150 {
                drive(&mut engine);
                if engine.frame().is_multiple_of(asked) {
                    check(&mut engine, &format!("{policy:?}, asked every {asked}, {threads} threads"));
                }
            }
        }
    }
}

/// However often a digest is taken, it is the same.
#[test]
fn how_often_it_is_taken_does_not_matter() {
    let mut engines = [DigestPolicy::Every(1), DigestPolicy::Every(7), DigestPolicy::OnDemand]
        .map(|policy| world(1, policy));
    for _ in 0..140 {
        engines.iter_mut().for_each(drive);
    }
    let [every, seventh, asked] = engines.each_mut().map(|engine| engine.component_digests());
    assert_eq!(every, seventh);
    assert_eq!(every, asked);
}

/// Two worlds that differ in one row differ in its component and in no other.
#[test]
fn a_difference_is_found_in_its_component() {
    let mut engines = [world(1, DigestPolicy::Every(1)), world(1, DigestPolicy::Every(1))];
    for _ in 0..20 {
        engines.iter_mut().for_each(drive);
    }
    engines[1].inputs().send("driver", &Poke(3)).expect("the queue has room");
    engines.iter_mut().for_each(|engine| engine.step().expect("the world makes frames"));
    let [one, other] = engines.each_mut().map(|engine| engine.component_digests());
    let differ: Vec<&str> =
        one.iter().zip(&other).filter(|(one, other)| one != other).map(|(one, _)| &*one.name).collect();
    assert_eq!(differ, ["heat", "place"]);
}
