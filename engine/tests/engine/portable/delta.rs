//! Deltas and the views that follow by them.

use super::scene::{engine, scene};
use super::*;
use diptych_engine::Patch;
use diptych_engine::store::{Image, Publisher, Update, ViewWorld, WorldDelta};
use std::collections::BTreeMap;

fn view_of(engine: &mut Engine) -> Tried<ViewWorld> {
    let mut bytes = Vec::new();
    engine.export(&mut bytes)?;
    Ok(ViewWorld::read(bytes.as_slice())?)
}

fn said<T>(result: Result<T, diptych_engine::store::StoreError>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn a_view_follows_by_deltas_of_any_length() -> Tried {
    // Claim: after each delta, of one frame or several, quiet ones among them, the view is the world: digest, rows in
    // their order, messages, marks. The same from a directory.
    let directory = tempfile::tempdir()?;
    let stored = scene(Engine::open(directory.path().join("world"))).deltas(64).build()?;
    for mut engine in [engine()?, stored] {
        let mut view = view_of(&mut engine)?;
        for round in 0..60_u64 {
            // A run ends with a record, for its digest; single steps do not.
            match round % 5 {
                4 => drop(engine.step()?),
                frames => drop(engine.run(Pace::frames(1 + frames))?),
            }
            let delta = engine.delta_since(view.frame())?;
            let delta = WorldDelta::decode(&delta.encode())?;
            view.apply_delta(&delta)?;
            let image = engine.image()?;
            assert_eq!(view.image().digest(), image.digest(), "frame {}", view.frame());
            assert_eq!((view.image().tables(), view.image().notes()), (image.tables(), image.notes()));
            assert_eq!(view.image().removed(), image.removed());
            assert!(view.agrees() == Some(true) || round % 5 == 4);
            assert!(view.image().serials() == image.serials());
        }
    }
    Ok(())
}

#[test]
fn a_delta_of_no_frames_changes_nothing() -> Tried {
    // Claim: marks, removals, messages and transient values of the frame stay as they are.
    let mut engine = engine()?;
    for frame in 0..20 {
        let mut view = view_of(&mut engine)?;
        view.apply_delta(&engine.delta_since(frame)?)?;
        let image = engine.image()?;
        assert_eq!(view.image().digest(), engine.digest(), "frame {frame}");
        assert!(view.image().tables() == image.tables() && view.image().marks() == image.marks());
        assert_eq!((view.image().removed(), view.image().notes()), (image.removed(), image.notes()));
        engine.step()?;
    }
    Ok(())
}

#[test]
fn a_delta_that_does_not_fit_is_refused_and_the_view_is_as_before() -> Tried {
    let mut one = engine()?;
    one.run(Pace::frames(3))?;
    let mut view = view_of(&mut one)?;
    one.run(Pace::frames(2))?;
    let good = one.delta_since(3)?;
    let later = one.delta_since(4)?;
    let mut other = scene(Engine::in_memory()).seed(4).deltas(64).build()?;
    other.run(Pace::frames(5))?;
    let mut wider = scene(Engine::in_memory()).state::<Wide>("scene.wide", 1).deltas(64).build()?;
    wider.run(Pace::frames(5))?;
    let before = view.image().digest();
    let mut refused = |delta: &WorldDelta, words: &[&str]| {
        let said = said(view.apply_delta(delta));
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
        assert_eq!((view.frame(), view.image().digest()), (3, before));
    };
    refused(&later, &["frame 4 to 5", "frame 3"]);
    refused(&other.delta_since(3)?, &["another world"]);
    refused(&wider.delta_since(3)?, &["another world"]);
    view.apply_delta(&good)?;
    assert_eq!(view.image().digest(), one.digest());
    let said = refusal(one.delta_since(99));
    assert!(said.contains("frames 0 to 5"), "{said}");
    assert!(refusal(scene(Engine::in_memory()).build()?.delta_since(0)).contains(".deltas(frames)"));
    Ok(())
}

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Wide([u64; 4]);

#[test]
fn the_bytes_of_a_delta_are_looked_at_before_anything_changes() -> Tried {
    // Claim: no cut and no changed byte is applied; whatever decodes all the same is refused or leads to the digest.
    let mut engine = engine()?;
    engine.run(Pace::frames(2))?;
    let view = view_of(&mut engine)?;
    engine.run(Pace::frames(3))?;
    let bytes = engine.delta_since(2)?.encode();
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(said(WorldDelta::decode(&changed)).contains("checksum"), "byte {at}");
        assert!(WorldDelta::decode(&bytes[..at]).is_err(), "cut at {at}");
    }
    // With a checksum that fits again, the records' own checksums and links still tell.
    for at in (0..bytes.len() - 8).step_by(5) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let end = changed.len() - 8;
        let sum = xxhash_rust::xxh3::xxh3_64(&changed[..end]);
        changed[end..].copy_from_slice(&sum.to_le_bytes());
        let mut tried = view.clone();
        if WorldDelta::decode(&changed).and_then(|delta| tried.apply_delta(&delta)).is_err() {
            assert_eq!(tried.image().digest(), view.image().digest(), "byte {at}");
        } else {
            assert_eq!(tried.image().digest(), engine.digest(), "byte {at}");
        }
    }
    Ok(())
}

#[test]
fn a_stream_carries_a_world_and_says_when_it_breaks() -> Tried {
    let mut engine = engine()?;
    let mut publisher = Publisher::new(Vec::new(), &engine.image()?)?;
    let mut digests = Vec::new();
    for _ in 0..9 {
        engine.run(Pace::frames(2))?;
        publisher.send(&engine.delta_since(publisher.frame())?)?;
        digests.push(engine.digest());
    }
    assert!(said(publisher.send(&engine.delta_since(4)?)).contains("frame 18"));
    let mut bytes = Vec::new();
    {
        // A publisher takes any writer; this one is looked at before its end.
        let mut second = Publisher::new(&mut bytes, &engine.image()?)?;
        engine.run(Pace::frames(2))?;
        second.send(&engine.delta_since(18)?)?;
        second.close()?;
    }
    let mut follower = ViewWorld::follow(bytes.as_slice())?;
    assert_eq!(follower.view().image().digest(), *digests.last().ok_or("none")?);
    assert_eq!(follower.next_update()?, Update::Frame(20));
    assert_eq!(follower.view().image().digest(), engine.digest());
    assert_eq!(follower.next_update()?, Update::Closed);
    // The close alone is 32 bytes; without it, and with the delta cut.
    for (cut, words) in [(32, "without its close"), (33, "cut in"), (60, "cut in")] {
        let mut follower = ViewWorld::follow(&bytes[..bytes.len() - cut])?;
        let mut last = follower.next_update();
        if last.is_ok() {
            last = follower.next_update();
        }
        let said = said(last);
        assert!(said.contains(words) && said.contains("block"), "{cut}: {said}");
    }
    Ok(())
}

/// What each entity holds: types by name, with their values.
type Held = BTreeMap<Id, BTreeMap<String, Option<Vec<u8>>>>;

fn held(image: &Image) -> Held {
    let of = |id: Id| {
        let keys = image.keys_of(id).unwrap_or_default().iter().filter(|key| **key != 0);
        let named = keys.map(|key| {
            let entry = &image.types()[usize::from(*key)];
            // A value that lives for one frame is blank after it, and patches say nothing of that.
            let value = image.value_of(id, *key).filter(|_| !entry.transient);
            (entry.name.clone(), value.map(<[u8]>::to_vec))
        });
        (id, named.collect())
    };
    image.ids().map(of).collect()
}

#[test]
fn a_delta_as_patches_says_what_it_changed() -> Tried {
    // Claim: carried out one after the other on what the entities held before, patches give what they hold after, of
    // every verb, and no patch is without effect; and their bytes come back.
    let mut engine = engine()?;
    engine.run(Pace::frames(3))?;
    let mut before = view_of(&mut engine)?;
    let mut verbs = [0_u32; 4];
    for frames in [1, 1, 2, 5, 10] {
        engine.run(Pace::frames(frames))?;
        let delta = engine.delta_since(before.frame())?;
        let patches = delta.patches(&before)?;
        let mut model = held(before.image());
        for patch in &patches {
            let entity = model.entry(patch.id()).or_default();
            let name = patch.component().unwrap_or_default().to_owned();
            match patch {
                Patch::Destroy { id } => {
                    verbs[0] += 1;
                    assert!(model.remove(id).is_some());
                }
                Patch::Remove { .. } => {
                    verbs[1] += 1;
                    assert!(entity.remove(&name).is_some(), "{patch:?}");
                }
                Patch::Set { value, .. } => {
                    verbs[2] += 1;
                    let old = entity.insert(name, Some(value.clone()));
                    assert!(old.is_some_and(|old| old.as_ref() != Some(value)), "{patch:?}");
                }
                Patch::Add { value, .. } => {
                    verbs[3] += 1;
                    assert_eq!(entity.insert(name, value.clone()), None, "{patch:?}");
                }
            }
        }
        before.apply_delta(&delta)?;
        let mut after = held(before.image());
        for (id, entity) in model.iter_mut().chain(&mut after) {
            // As above.
            entity.entry("scene.flash".to_owned()).and_modify(|value| *value = None);
            assert!(!entity.is_empty(), "{id}");
        }
        assert!(model == after, "after {frames} frames");
        assert_eq!(Patch::decode(&Patch::encode(&patches))?, patches);
    }
    assert!(verbs.iter().all(|count| *count > 0), "destroy, remove, set, add: {verbs:?}");
    Ok(())
}
