//! Transient rows and the store: what a directory gives back is what the engine had, and its raw bytes agree.

use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;
use diptych_engine::store::inspect;
use std::error::Error;
use std::path::Path;

type Tried = Result<(), Box<dyn Error>>;

/// Wide, so that records soon outweigh what a checkpoint costs.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Flash([u64; 32]);

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Seen(u64);

/// Never set again: what makes the copy of a checkpoint take several frames.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Ballast([u64; 16]);

/// A transient type that is no plain old data.
#[derive(Clone, Debug, PartialEq)]
struct Word(String);

struct Utf8;

impl Codec<Word> for Utf8 {
    fn encode(value: &Word, out: &mut Vec<u8>) {
        out.extend_from_slice(value.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Word, CodecError> {
        String::from_utf8(bytes.to_vec()).map(Word).map_err(CodecError::new)
    }

    fn blank() -> Option<Word> {
        Some(Word("...".to_owned()))
    }
}

const ROWS: u64 = 8000;

/// Every other row flashes, a few speak; rows come and go in every frame.
fn world(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Seen>("test.seen", 1)
        .state::<Ballast>("test.ballast", 1)
        .setup("test.setup", |structure| {
            for n in 0..ROWS {
                structure.spawn((Flash([n; 32]), Seen(0), Word(n.to_string()), Ballast([n; 16])));
            }
        })
        .system("flash", |mut rows: Query<(Id, Next<Flash>)>, clock: Clock| {
            rows.par_rows(|(id, mut flash)| {
                if id.bits().wrapping_add(clock.frame()) % 2 == 0 {
                    flash.set(Flash([clock.frame(); 32]));
                }
            });
        })
        .system("speak", |mut rows: Query<(Id, Next<Word>, Prev<Flash>)>| {
            for (id, mut word, flash) in &mut rows {
                if (id.bits() ^ flash.0[0]).is_multiple_of(50) {
                    word.set(Word(format!("{id:?} saw {}", flash.0[0])));
                }
            }
        })
        .system("see", |mut rows: Query<(Next<Seen>, Prev<Flash>, Prev<Word>)>| {
            for (mut seen, flash, word) in &mut rows {
                let heard = flash.0[31] + word.0.len() as u64;
                seen.set_if_changed(Seen(seen.prev().0.wrapping_mul(31).wrapping_add(heard)));
            }
        })
        .system("move", |rows: Query<Id, With<Flash>>, mut structure: Structure, clock: Clock| {
            let frame = clock.frame();
            for (n, id) in rows.iter().enumerate() {
                match (n as u64 + frame) % 4000 {
                    0 => structure.despawn(id),
                    1 => structure.remove::<Word>(id),
                    2 => drop(structure.spawn((Flash([frame; 32]), Seen(frame), Word(String::new())))),
                    _ => {}
                }
            }
        })
}

fn first(builder: EngineBuilder) -> EngineBuilder {
    world(builder).transient::<Flash>("test.flash", 1).transient_with::<Word, Utf8>("test.word", 1)
}

/// The digest of the directory's bytes, where nothing is wrong with them.
fn looked(path: &Path) -> Result<Option<Digest>, Box<dyn Error>> {
    let report = inspect(path, None)?;
    assert_eq!(report.problems, Vec::<String>::new());
    Ok(report.digest.map(Digest))
}

#[test]
fn a_checkpoint_copied_beside_the_frames_gives_the_same_world() -> Tried {
    // Goal: the engine's pages, copies and moved rows, reopened at many places of an epoch, keep to the digests
    // of a world without a store, and so does `inspect`. Method: records of 1 MB, so that a checkpoint is due
    // after about 64 of them, and 1 MB that it copies in about five frames.
    let mut whole = first(Engine::in_memory()).build()?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    for frames in [60, 6, 1, 1, 1, 1, 2, 3, 60, 1, 5] {
        let mut engine = first(Engine::open(&path)).build()?;
        assert_eq!(engine.digest(), whole.digest(), "recovered at frame {}", whole.frame());
        for _ in 0..frames {
            engine.step()?;
            whole.step()?;
        }
        let digest = engine.digest();
        assert_eq!(digest, whole.digest(), "frame {}", whole.frame());
        let values = |engine: &mut Engine| -> Vec<(Id, Word)> {
            engine.view().iter::<Word>().map(|(id, word)| (id, word.clone())).collect()
        };
        assert_eq!(values(&mut engine), values(&mut whole), "blank rows too");
        drop(engine);
        assert_eq!(looked(&path)?, Some(digest), "the bytes of frame {}", whole.frame());
    }
    Ok(())
}

#[test]
fn a_new_version_of_a_transient_type_keeps_the_last_frames_values() -> Tried {
    // Goal: the upgrade's checkpoint has the upcast values, also when the world is opened a second time before
    // its next frame; then a frame goes on from them. Method: words get an exclamation mark.
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    let words = |engine: &mut Engine| -> Vec<String> {
        engine.view().iter::<Word>().map(|(_, word)| word.0.clone()).collect()
    };
    let mut engine = first(Engine::open(&path)).build()?;
    (0..3).try_for_each(|_| engine.step())?;
    let before = words(&mut engine);
    drop(engine);
    let expected: Vec<String> =
        before.iter().map(|word| if word == "..." { word.clone() } else { format!("{word}!") }).collect();
    assert_ne!(before, expected, "somebody spoke in the last frame");
    let second = || {
        world(Engine::open(&path))
            .transient::<Flash>("test.flash", 1)
            .transient_with::<Word, Utf8>("test.word", 2)
            .upcast::<Word>(1, |bytes| Ok([bytes, b"!".as_slice()].concat()))
    };
    let mut digests = Vec::new();
    for opened in 0..3 {
        let mut engine = second().build()?;
        assert_eq!(words(&mut engine), expected, "opened {opened} times before");
        digests.push(engine.digest());
        drop(engine);
        assert_eq!(looked(&path)?, digests.last().copied());
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let mut engine = second().build()?;
    engine.step()?;
    let after = words(&mut engine);
    drop(engine);
    assert_eq!(words(&mut second().build()?), after);
    Ok(())
}
