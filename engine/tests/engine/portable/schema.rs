//! Types that get fields, another name, or go.

use super::*;
use std::path::Path;

/// How a position was stored at first: without its height.
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Place {
    x: f64,
    height: f64,
}

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Note(u64);

/// Moves what has a velocity; somebody hears of each third frame.
fn old(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Position>("old.position", 1)
        .state::<Velocity>("old.velocity", 1)
        .state_with::<Word, Utf8>("old.word", 1)
        .message::<Note>("old.note", 1)
        .setup("all", |structure| {
            for n in 0..6_u32 {
                let n = f64::from(n);
                structure.spawn((Position(n), Velocity(1.0)));
                structure.spawn((Position(-n), Velocity(2.0), Word(format!("word {n}"))));
                structure.spawn((Word(format!("alone {n}")),));
            }
        })
        .system("move", |mut bodies: Query<(Next<Position>, Prev<Velocity>)>| {
            bodies
                .par_rows(|(mut position, velocity)| position.set(Position(position.prev().0 + velocity.0)));
        })
        .system("say", |words: Query<(Id, Prev<Word>)>, clock: Clock, mut notes: Outbox<Note>| {
            for (id, _) in words.iter().take(2) {
                notes.from(id).to(id, Note(clock.frame()));
            }
        })
        .system("hear", |_: Inbox<Note>| {})
}

/// The same program later: names changed, a field more, words gone.
fn new(path: &Path) -> EngineBuilder {
    Engine::open(path)
        .state::<Place>("motion.place", 2)
        .state::<Velocity>("motion.velocity", 1)
        .message::<Note>("motion.note", 1)
        .renamed("old.position", "motion.position")
        .renamed("motion.position", "motion.place")
        .renamed("old.velocity", "motion.velocity")
        .renamed("old.note", "motion.note")
        .dropped("old.word")
        .upcast::<Place>(1, |bytes| Ok([bytes, &7.5_f64.to_le_bytes()].concat()))
        .system("move", |mut bodies: Query<(Next<Place>, Prev<Velocity>)>| {
            bodies.par_rows(|(mut place, velocity)| {
                let Place { x, height } = *place.prev();
                place.set(Place { x: x + velocity.0, height });
            });
        })
        .system("say", |bodies: Query<(Id, Prev<Place>)>, mut notes: Outbox<Note>| {
            for (id, _) in bodies.iter().take(1) {
                notes.from(id).to(id, Note(0));
            }
        })
        .system("hear", |_: Inbox<Note>| {})
}

fn inspected(path: &Path) -> Tried<u128> {
    let report = diptych_engine::store::inspect(path, None)?;
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    Ok(report.digest.ok_or("no digest")?)
}

#[test]
fn a_world_is_opened_by_a_program_that_renamed_dropped_and_widened_its_types() -> Tried {
    // Goal: values, marks and messages go with their new names; what is dropped is gone; the bytes on disk are the
    // engine's, before and after its next frames. Method: three openings, the second before any frame.
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    let mut engine = old(Engine::open(&path)).build()?;
    engine.run(Pace::frames(5))?;
    let before: Vec<(Id, f64)> = engine.view().iter::<Position>().map(|(id, value)| (id, value.0)).collect();
    drop(engine);
    let mut digests = Vec::new();
    for _ in 0..3 {
        let mut engine = new(&path).build()?;
        let now: Vec<(Id, f64)> = engine.view().iter::<Place>().map(|(id, place)| (id, place.x)).collect();
        assert_eq!(now, before, "in the order of their rows");
        assert!(engine.view().iter::<Place>().all(|(_, place)| place.height == 7.5));
        assert_eq!((engine.stats().entities, engine.stats().messages_waiting), (18, 10));
        digests.push(engine.digest().0);
        drop(engine);
        assert_eq!(inspected(&path)?, digests[0]);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
    let mut engine = new(&path).build()?;
    engine.run(Pace::frames(10))?;
    let digest = engine.digest();
    drop(engine);
    assert_eq!(inspected(&path)?, digest.0);
    let mut engine = new(&path).build()?;
    assert_eq!((engine.frame(), engine.digest()), (15, digest));
    let types: Vec<String> =
        diptych_engine::store::inspect(&path, None)?.types.into_iter().map(|entry| entry.name).collect();
    assert_eq!(types, ["diptych.id", "diptych.control", "motion.place", "motion.velocity"]);
    Ok(())
}

#[test]
fn tables_that_become_equal_go_on_as_one() -> Tried {
    // Goal: frames after the merge are stored and come back. Method: bodies with a word and without one.
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    drop(old(Engine::open(&path)).build()?);
    let mut engine = new(&path)
        .system("end", |bodies: Query<(Id, Prev<Place>)>, clock: Clock, mut structure: Structure| {
            for (id, place) in &bodies {
                if place.x == 0.0 || clock.frame() == 4 && place.x > 4.0 {
                    structure.despawn(id);
                }
            }
        })
        .build()?;
    engine.run(Pace::frames(9))?;
    let digest = engine.digest();
    let places: Vec<(Id, Place)> = engine.view().iter::<Place>().map(|(id, place)| (id, *place)).collect();
    assert!(places.len() < 12 && !places.is_empty());
    drop(engine);
    let mut engine = new(&path).build()?;
    assert_eq!(engine.digest(), digest);
    assert_eq!(engine.view().iter::<Place>().map(|(id, place)| (id, *place)).collect::<Vec<_>>(), places);
    Ok(())
}

#[test]
fn a_stored_type_without_a_place_is_refused_with_what_to_add() -> Tried {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    drop(old(Engine::open(&path)).build()?);
    let some = || Engine::open(&path).state::<Velocity>("old.velocity", 1).message::<Note>("old.note", 1);
    let said = refusal(some().state::<Position>("old.position", 1).build());
    for word in ["old.word", "renamed", "dropped"] {
        assert!(said.contains(word), "{said}");
    }
    let said = refusal(
        some().state::<Place>("place", 2).renamed("old.position", "place").dropped("old.word").build(),
    );
    for word in ["place", "version 1", "registered at 2", "upcast"] {
        assert!(said.contains(word), "{said}");
    }
    // A message under way is no type of state, but stored as well.
    let mut engine = old(Engine::open(&path)).build()?;
    engine.step()?;
    drop(engine);
    let without = |builder: EngineBuilder| {
        builder.state::<Velocity>("old.velocity", 1).state::<Position>("old.position", 1).dropped("old.word")
    };
    assert!(refusal(without(Engine::open(&path)).build()).contains("message old.note"));
    without(Engine::open(&path)).dropped("old.note").build()?;
    Ok(())
}

#[test]
fn changes_that_make_no_sense_are_refused_by_the_build() {
    let base = || Engine::in_memory().state::<Velocity>("velocity", 1).state::<Position>("position", 1);
    /// Renames, drops, and words of the refusal.
    type Case = (&'static [(&'static str, &'static str)], &'static [&'static str], &'static [&'static str]);
    let cases: [Case; 8] = [
        (&[("old", "nowhere")], &[], &["\"old\"", "\"nowhere\"", "not registered"]),
        (&[], &["velocity"], &["\"velocity\"", "dropped and registered"]),
        (&[("a", "velocity"), ("b", "velocity")], &[], &["\"a\"", "\"b\"", "both renamed"]),
        (&[("a", "velocity"), ("a", "position")], &[], &["\"a\"", "one new name"]),
        (&[("a", "b"), ("b", "a")], &[], &["\"a\"", "circle"]),
        (&[("velocity", "position")], &[], &["\"velocity\"", "renamed to \"position\" and registered"]),
        (&[("a", "velocity")], &["a"], &["\"a\"", "and dropped"]),
        (&[("diptych.id", "velocity")], &["diptych.id"], &["diptych.id", "engine's own"]),
    ];
    for (renamed, dropped, words) in cases {
        let builder = renamed.iter().fold(base(), |builder, (old, new)| builder.renamed(old, new));
        let said = refusal(dropped.iter().fold(builder, |builder, name| builder.dropped(name)).build());
        for word in words {
            assert!(said.contains(word), "{renamed:?} {dropped:?}: {said}");
        }
    }
    // Names that no world has any more do no harm, and chains may end in a type that went later.
    let builder =
        base().renamed("a", "b").renamed("b", "velocity").renamed("c", "d").dropped("d").dropped("e");
    assert_eq!(refusal(builder.build()), "");
}
