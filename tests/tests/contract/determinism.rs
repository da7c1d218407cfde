//! One digest for every way of getting to a frame: threads, store, pieces, registration order, bystanders.

use crate::bustle::{Flash, Spot};
use crate::soup::{Echo, Heat, Label, LabelCodec, drive, parts, soup};
use diptych_engine::prelude::*;
use std::path::Path;

/// More rows than a parallel block, so that loops and sums are really split.
const ROWS: u32 = 9_000;
const FRAMES: u64 = 60;

fn run(builder: EngineBuilder) -> Digest {
    let mut engine = builder.build().expect("the world can be built");
    drive(&mut engine, FRAMES);
    engine.digest()
}

fn reference() -> Digest {
    run(soup(Engine::in_memory(), ROWS).threads(1))
}

/// The digest says enough: another seed, and one frame less, give another one. Threads change nothing.
#[test]
fn threads_do_not_matter_and_seeds_do() {
    let one = reference();
    for threads in [2, 4, 8] {
        assert_eq!(run(soup(Engine::in_memory(), ROWS).threads(threads)), one, "{threads} threads");
    }
    assert_ne!(run(soup(Engine::in_memory(), ROWS).seed(12)), one, "another seed");
    let mut engine = soup(Engine::in_memory(), ROWS).build().unwrap();
    drive(&mut engine, FRAMES - 1);
    assert_ne!(engine.digest(), one, "a frame less");
}

/// A store changes nothing, nor does dropping and reopening the world at any frame, with any threads.
#[test]
fn stored_worlds_in_pieces_are_the_same() {
    let one = reference();
    for durability in [Durability::Buffered, Durability::Synced, Durability::Every(5)] {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(run(soup(Engine::open(dir.path()), ROWS).durability(durability)), one, "{durability:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    // Frames at which spawns, despawns, inputs, removals and nothing at all are pending as marks.
    for (n, frame) in [1, 2, 3, 4, 5, 6, 9, 12, 13, 24, 36, 37, 59, FRAMES].into_iter().enumerate() {
        let mut engine = soup(Engine::open(dir.path()), ROWS).threads(1 + n % 3).build().unwrap();
        drive(&mut engine, frame);
        assert_eq!(engine.frame(), frame);
    }
    let mut engine = soup(Engine::open(dir.path()), ROWS).build().unwrap();
    assert_eq!(engine.frame(), FRAMES, "a dropped engine has stored all it committed");
    assert_eq!(engine.digest(), one);
}

/// The order of registrations does not matter, to the digest nor to `explain`.
#[test]
fn shuffled_registration_is_the_same() {
    let one = reference();
    let told = soup(Engine::in_memory(), ROWS).build().unwrap().explain().to_string();
    for seed in 1..=4_u64 {
        let shuffled = || {
            let mut shuffled = parts(ROWS);
            let mut state = seed;
            for n in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                shuffled.swap(n, (state >> 33) as usize % (n + 1));
            }
            shuffled.iter().fold(Engine::in_memory(), |builder, part| part(builder))
        };
        assert_eq!(run(shuffled()), one, "shuffle {seed}");
        assert_eq!(shuffled().build().unwrap().explain().to_string(), told, "shuffle {seed}");
    }
}

/// One unrelated system more, first or last by name, changes nothing: not by reading, not by running first,
/// not by taking handles for entities that are gone at once.
#[test]
fn an_unrelated_system_changes_nothing() {
    fn bystander(heats: Query<(Id, Prev<Heat>)>, random: Random, mut seen: Local<f64>) {
        *seen += heats.iter().map(|(id, heat)| heat.0 * random.of(id).unit()).sum::<f64>();
    }
    fn churner(mut structure: Structure, clock: Clock) {
        for _ in 0..clock.frame() % 3 {
            let gone = structure.spawn(());
            structure.despawn(gone);
        }
    }
    let one = reference();
    for name in ["a.bystander", "soup.drift.more", "zz.bystander"] {
        assert_eq!(run(soup(Engine::in_memory(), ROWS).system(name, bystander)), one, "{name}");
        assert_eq!(run(soup(Engine::in_memory(), ROWS).system(name, churner)), one, "{name}");
    }
}

macro_rules! tags {
    ($($name:ident),+) => {
        $(#[derive(Clone, Copy, Pod, Zeroable)]
        #[repr(C)]
        struct $name(u32);)+

        fn tags(builder: EngineBuilder) -> EngineBuilder {
            builder$(.state::<$name>(concat!("tag.", stringify!($name)), 1))+
        }

        /// Gives each of the first entities a tag of its own, so that each is alone in its archetype.
        fn tag(structure: &mut Structure<'_, '_>, ids: &[Id]) {
            let mut ids = ids.iter();
            $(if let Some(id) = ids.next() {
                structure.insert(*id, $name(1));
            })+
        }

        fn untag(structure: &mut Structure<'_, '_>, ids: &[Id]) {
            let mut ids = ids.iter();
            $(if let Some(id) = ids.next() {
                structure.remove::<$name>(*id);
            })+
        }
    };
}

tags!(A, B, C, D, E, F, G, H, I, J, K, L);

/// A plain sum, and one in which each row weighs by its place.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Sums([f64; 2]);

fn sum(mut sums: Query<Next<Sums>>, mut heats: Query<Prev<Heat>>) {
    let add = |[sum, folded]: [f64; 2], [more, next]: [f64; 2]| [sum + more, folded * 0.75 + next];
    let heat =
        heats.reduce_blocks(|block| block.iter().fold([0.0; 2], |sums, heat| add(sums, [heat.0; 2])), add);
    sums.single_mut().expect("one row of sums").set(Sums(heat.unwrap_or_default()));
}

/// Fills twelve archetypes one after the other, empties some, and fills them again in another order.
fn wander(heats: Query<Id, With<Heat>>, mut structure: Structure, clock: Clock) {
    let mut ids: Vec<Id> = heats.iter().collect();
    ids.sort();
    match clock.frame() {
        3 => tag(&mut structure, &ids),
        5 => untag(&mut structure, &ids[3..9]),
        7 => ids[..3].iter().for_each(|id| structure.despawn(*id)),
        11 => {
            ids.reverse();
            tag(&mut structure, &ids);
        }
        13 => ids.iter().step_by(2).for_each(|id| structure.remove::<Label>(*id)),
        15 => ids.iter().step_by(2).for_each(|id| structure.insert(*id, Label(format!("again {id}")))),
        _ => {}
    }
}

fn twelve(builder: EngineBuilder) -> EngineBuilder {
    tags(builder)
        .state::<Heat>("heat", 1)
        .state::<Sums>("sums", 1)
        .state_with::<Label, LabelCodec>("label", 1)
        .system("sum", sum)
        .system("wander", wander)
        .setup("setup", |structure| {
            structure.spawn((Sums([0.0; 2]),));
            for n in 0..15_u32 {
                // Magnitudes so far apart that every order of addition has a sum of its own.
                let scale = [1e-3, 0.1, 1.0, 7.3, 919.0][n as usize % 5];
                let heat = Heat(scale * (1.0 + f64::from(n) / 7.0));
                structure.spawn((heat, Label(format!("body {n}"))));
            }
        })
}

/// A float sum across twelve archetypes has the same bits in every frame after reopening, also when some of
/// them (with plain and with encoded columns) were empty at the time.
#[test]
fn twelve_archetypes_sum_to_the_same_bits() {
    let sums = |dir: Option<&Path>, reopen_at: u64| {
        let begin = || dir.map_or_else(Engine::in_memory, Engine::open);
        let mut engine = twelve(begin()).build().unwrap();
        let mut sums = Vec::new();
        for _ in 0..20 {
            if dir.is_some() && engine.frame() == reopen_at {
                drop(engine);
                engine = twelve(begin()).build().unwrap();
            }
            engine.step().unwrap();
            sums.push(engine.view().single::<Sums>().unwrap().0.map(f64::to_bits));
        }
        sums
    };
    let whole = sums(None, 0);
    for reopen_at in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(sums(Some(dir.path()), reopen_at), whole, "reopened at frame {reopen_at}");
    }
    let distinct: std::collections::BTreeSet<[u64; 2]> = whole.iter().copied().collect();
    assert!(distinct.len() > 5, "the order of addition shows in the sums: {distinct:?}");
}

/// `Echo` is what makes lost marks visible; it changes in frames in which something is marked.
#[test]
fn the_soup_reacts_to_marks() {
    let mut engine = soup(Engine::in_memory(), 10).build().unwrap();
    let mut seen = [false; 4];
    let mut before = *engine.view().single::<Echo>().unwrap();
    for frame in 1..40 {
        drive(&mut engine, frame);
        let after = *engine.view().single::<Echo>().unwrap();
        (0..4).for_each(|n| seen[n] |= before.0[n] != after.0[n]);
        before = after;
    }
    assert_eq!(seen, [true; 4]);
}

/// All of it is in play: nothing of what the digests are compared for stands still.
#[test]
fn the_soup_has_everything_under_way() {
    let mut engine = soup(Engine::in_memory(), 500).build().unwrap();
    drive(&mut engine, FRAMES);
    let stats = engine.stats();
    for (what, number) in [
        ("messages", stats.messages_sent),
        ("messages to who is gone", stats.messages_undeliverable),
        ("refused attachments", stats.attachments_refused),
        ("answers", stats.jobs_answered),
        ("errors as answers", stats.jobs_failed),
        ("open requests", stats.jobs_open),
        ("dropped commands", stats.commands_dropped),
    ] {
        assert!(number > 0, "no {what}: {stats}");
    }
    let view = engine.view();
    assert!(view.iter::<Flash>().any(|(_, flash)| flash.0 != [0; 2]), "nothing flashes");
    assert!(view.iter::<Spot>().any(|(id, _)| view.children(id).count() > 1), "nobody has two children");
    let text = engine.explain().to_string();
    for line in
        ["derive 1:", "derive 2:", "late 1:", "bustle.flash v1", "for one frame", "message bustle.gift v1"]
    {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
}
