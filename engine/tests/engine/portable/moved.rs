//! Views and the worlds that they can follow: an import goes on with the history of its original, and no other world
//! is taken for it.

use super::scene::{Health, scene};
use super::*;
use diptych_engine::Patch;
use diptych_engine::store::{StoreError, ViewWorld, import, read_snapshot};
use std::path::{Path, PathBuf};

/// The snapshot of a running world.
fn snapshot(engine: &mut Engine) -> Tried<Vec<u8>> {
    let mut bytes = Vec::new();
    engine.export(&mut bytes)?;
    Ok(bytes)
}

/// The world of a snapshot, as a running one that keeps records.
fn imported(bytes: &[u8], path: PathBuf) -> Tried<Engine> {
    import(&path, &read_snapshot(bytes, |_| {})?.0, |_| {})?;
    open(&path)
}

fn open(path: &Path) -> Tried<Engine> {
    Ok(scene(Engine::open(path)).deltas(64).patches().build()?)
}

fn said(result: Result<(), StoreError>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}

/// Brings a view to where a world is; both must then be the same.
#[track_caller]
fn follow(view: &mut ViewWorld, engine: &mut Engine) -> Tried {
    let delta = engine.delta_since(view.frame())?;
    view.apply_delta(&delta)?;
    let image = engine.image()?;
    assert_eq!((view.frame(), view.image().digest()), (engine.frame(), engine.digest()));
    assert_eq!((view.image().tables(), view.image().notes()), (image.tables(), image.notes()));
    Ok(())
}

#[test]
fn a_view_of_the_original_follows_its_import() -> Tried {
    // Claim: a view from the snapshot that an import was made of follows the import, of a world in memory and in a
    // directory, at a frame with and without a record, over openings; another one follows the original. Where the two
    // worlds have parted, each one's deltas are refused by who follows the other.
    for made in [0, 5, 6, 13] {
        let dir = tempfile::tempdir()?;
        let in_memory = scene(Engine::in_memory()).deltas(64).patches().build()?;
        for mut original in [in_memory, open(&dir.path().join("original"))?] {
            original.run(Pace::frames(made))?;
            let bytes = snapshot(&mut original)?;
            let mut of_original = ViewWorld::read(bytes.as_slice())?;
            let mut of_import = of_original.clone();
            let path = dir.path().join("import");
            let mut moved = imported(&bytes, path.clone())?;
            for _ in 0..3 {
                moved.run(Pace::frames(4))?;
                follow(&mut of_import, &mut moved)?;
            }
            drop(moved);
            let mut moved = open(&path)?;
            let one = moved.view().iter::<Health>().map(|(id, _)| id).next().ok_or("nobody")?;
            moved.inputs().patch("editor", &[Patch::set(one, "scene.health", &Health(999))])?;
            moved.run(Pace::frames(2))?;
            follow(&mut of_import, &mut moved)?;
            original.run(Pace::frames(14))?;
            follow(&mut of_original, &mut original)?;
            let (at, digest) = (of_import.frame(), of_import.image().digest());
            assert_eq!(at, of_original.frame());
            assert_ne!(digest, of_original.image().digest(), "the editor has changed nothing");
            moved.run(Pace::frames(3))?;
            original.run(Pace::frames(3))?;
            for (view, other) in [(&mut of_import, &mut original), (&mut of_original, &mut moved)] {
                let refused = said(view.apply_delta(&other.delta_since(at)?));
                assert!(refused.contains("another history"), "{made}: {refused}");
            }
            assert_eq!(of_import.image().digest(), digest);
            follow(&mut of_import, &mut moved)?;
            follow(&mut of_original, &mut original)?;
            std::fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

#[test]
fn imports_whose_history_is_not_known_are_told_apart() -> Tried {
    // Claim: a snapshot of an engine that keeps no records begins a history of its own in each import of it: a view of
    // the snapshot is told what to do, one of the import follows it and every other import of the same bytes, and none
    // of another world at the same frame, though both take the same change.
    let dir = tempfile::tempdir()?;
    let bytes = |seed: u64| -> Tried<Vec<u8>> {
        let mut engine = scene(Engine::in_memory()).seed(seed).build()?;
        engine.run(Pace::frames(6))?;
        snapshot(&mut engine)
    };
    let (one, other) = (bytes(3)?, bytes(3)?);
    assert!(one == other, "one world, one file");
    let mut first = imported(&one, dir.path().join("first"))?;
    let mut second = imported(&other, dir.path().join("second"))?;
    let mut unknown = ViewWorld::read(one.as_slice())?;
    let view = ViewWorld::read(snapshot(&mut first)?.as_slice())?;
    first.run(Pace::frames(5))?;
    second.run(Pace::frames(9))?;
    let refused = said(unknown.apply_delta(&first.delta_since(6)?));
    assert!(
        refused.contains("does not know its place") && refused.contains("begin with a snapshot"),
        "{refused}"
    );
    for engine in [&mut first, &mut second] {
        follow(&mut view.clone(), engine)?;
    }
    let quiet = |path: &str, value: u64| -> Tried<Engine> {
        let program = |builder: EngineBuilder| {
            let builder = builder.state::<Health>("scene.health", 1).patches();
            builder.setup("two", move |structure| {
                structure.spawn((Health(value),));
                structure.spawn((Health(7),));
            })
        };
        let mut engine = program(Engine::in_memory()).build()?;
        engine.run(Pace::frames(3))?;
        let path = dir.path().join(path);
        import(&path, &read_snapshot(snapshot(&mut engine)?.as_slice(), |_| {})?.0, |_| {})?;
        Ok(program(Engine::open(path)).deltas(64).build()?)
    };
    let (mut poor, mut rich) = (quiet("poor", 1)?, quiet("rich", 1_000_000)?);
    let mut view = ViewWorld::read(snapshot(&mut poor)?.as_slice())?;
    let mut late = Vec::new();
    for engine in [&mut poor, &mut rich] {
        let second = engine.view().iter::<Health>().map(|(id, _)| id).nth(1).ok_or("nobody")?;
        engine.inputs().patch("editor", &[Patch::set(second, "scene.health", &Health(8))])?;
        engine.step()?;
        late.push(ViewWorld::read(snapshot(engine)?.as_slice())?);
        engine.inputs().patch("editor", &[Patch::set(second, "scene.health", &Health(9))])?;
        engine.step()?;
    }
    let refused = said(view.apply_delta(&rich.delta_since(3)?));
    assert!(refused.contains("another world"), "{refused}");
    let refused = said(late[0].apply_delta(&rich.delta_since(4)?));
    assert!(refused.contains("another world"), "after a change that is the same in both: {refused}");
    follow(&mut view, &mut poor)?;
    follow(&mut late[1], &mut rich)
}

/// Two entities of which nothing moves but by patches.
fn calm(path: PathBuf) -> EngineBuilder {
    let builder = Engine::open(path).state::<Health>("scene.health", 1).patches();
    builder.setup("two", |structure| {
        structure.spawn((Health(1),));
        structure.spawn((Health(7),));
    })
}

fn set(engine: &mut Engine, place: usize, value: u64) -> Tried {
    let id = engine.view().iter::<Health>().map(|(id, _)| id).nth(place).ok_or("nobody")?;
    engine.inputs().patch("editor", &[Patch::set(id, "scene.health", &Health(value))])?;
    Ok(())
}

#[test]
fn worlds_known_by_their_inputs_are_told_apart() -> Tried {
    // Claim: two worlds that began alike, are known by their inputs, and were sent other ones are not one history, also
    // after they are known by their state again; each has one that goes on from its directory.
    let dir = tempfile::tempdir()?;
    let mut engines = Vec::new();
    for (name, value) in [("poor", 2_u64), ("rich", 1_000_000)] {
        let path = dir.path().join(name);
        let mut engine = calm(path.clone()).durability(Durability::Inputs(4)).build()?;
        set(&mut engine, 0, value)?;
        engine.run(Pace::frames(9))?;
        drop(engine);
        let problems = diptych_engine::store::verify(&path, None)?;
        assert_eq!(problems, Vec::<String>::new());
        engines.push(calm(path).deltas(64).build()?);
    }
    let [poor, rich] = &mut engines[..] else { return Err("two".into()) };
    let view = ViewWorld::read(snapshot(poor)?.as_slice())?;
    let stored = ViewWorld::new(diptych_engine::store::at(&dir.path().join("poor"), 9)?);
    for engine in [&mut *poor, &mut *rich] {
        set(engine, 1, 8)?;
        engine.step()?;
    }
    for mut view in [view, stored] {
        let refused = said(view.apply_delta(&rich.delta_since(9)?));
        assert!(refused.contains("another world"), "{refused}");
        follow(&mut view, poor)?;
    }
    Ok(())
}

#[test]
fn frames_that_were_made_again_are_no_source_of_deltas() -> Tried {
    // Claim: of a world that was known by its inputs and crashed after its checkpoint, deltas begin at the frame that it
    // was opened at: nobody who has the checkpoint's frame is given less than all that came since.
    let dir = tempfile::tempdir()?;
    let (path, crashed) = (dir.path().join("world"), dir.path().join("crashed"));
    let mut engine = calm(path.clone()).durability(Durability::Inputs(8)).build()?;
    engine.run(Pace::frames(9))?;
    set(&mut engine, 0, 5)?;
    engine.run(Pace::frames(4))?;
    engine.flush()?;
    // What a kill leaves, without the state that a clean end writes down.
    diptych_engine::store::backup(&path, &crashed, &mut |_, _| {})?;
    drop(engine);
    let mut view = ViewWorld::new(diptych_engine::store::at(&crashed, 8)?);
    let mut engine = calm(crashed.clone()).deltas(64).build()?;
    assert_eq!(engine.frame(), 13);
    let mut now = ViewWorld::read(snapshot(&mut engine)?.as_slice())?;
    let stored = diptych_engine::store::at(&crashed, 13)?;
    assert!(stored.link().is_some() && stored.link() == now.image().link());
    set(&mut engine, 1, 6)?;
    engine.run(Pace::frames(2))?;
    match engine.delta_since(8) {
        Err(error) => assert!(error.to_string().contains("frames 13 to 15"), "{error}"),
        Ok(delta) => {
            view.apply_delta(&delta)?;
            assert_eq!(view.image().digest(), engine.digest(), "a view of the checkpoint was misled");
        }
    }
    follow(&mut now, &mut engine)?;
    follow(&mut ViewWorld::new(stored), &mut engine)
}
