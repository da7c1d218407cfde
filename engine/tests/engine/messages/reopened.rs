//! Mail under way is in the record of its frame: a world that is closed and opened goes on as if it had not been.

use super::Health;
use diptych_engine::prelude::*;
use std::path::Path;

/// A message that is no plain old data.
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
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Push(u64);

/// Two systems send to the next row in each frame; one reader looks every three frames, the other in each. What
/// they make of it depends on the order of the messages.
fn world(builder: EngineBuilder, version: u32) -> EngineBuilder {
    let send = |weight: u64| {
        move |mut rows: Query<(Id, Prev<Health>)>, mut pushes: Outbox<Push>, mut words: Outbox<Word>| {
            let ids: Vec<Id> = rows.iter().map(|(id, _)| id).collect();
            let next = |id: Id| ids[(ids.iter().position(|other| *other == id).unwrap_or(0) + 1) % ids.len()];
            rows.par_rows_with((&mut pushes, &mut words), |(id, health), (pushes, words)| {
                pushes.from(id).to(next(*id), Push(health.0 % 7 + weight));
                words
                    .from(id)
                    .to(next(*id), Word(format!("{weight}-{}", health.0)))
                    .to(id, Word(String::new()));
            });
        }
    };
    let push = |mut rows: Query<Next<Health>>, pushes: Inbox<Push>| {
        pushes.deliver(&mut rows, |mut row, mail| {
            row.set(Health(
                mail.messages().iter().fold(row.prev().0, |sum, push| (sum * 31 + push.0) % 1_000_003),
            ));
        });
    };
    let listen = |mut heard: Query<Next<Heard>>, words: Inbox<Word>| {
        let sum = words.iter().flat_map(|(_, _, word)| word.0.bytes());
        let sum = sum.fold(words.len() as u64, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_003);
        heard.par_rows(|mut row| row.set(Heard(row.prev().0 * 3 % 1_000_003 + sum)));
    };
    builder
        .state::<Health>("test.health", 1)
        .state::<Heard>("test.heard", 1)
        .message::<Push>("test.push", version)
        .message_with::<Word, Utf8>("test.word", 1)
        .setup("test.setup", |structure| {
            structure.spawn((Heard(0),));
            (0..5).for_each(|n| {
                structure.spawn((Health(n),));
            });
        })
        .system("send.a", send(1))
        .system("send.b", send(10))
        .system("push", push)
        .system("listen", listen.every(3))
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Heard(u64);

fn open(path: &Path, version: u32) -> Result<Engine> {
    world(Engine::open(path), version).build()
}

/// In one go, in pieces of one frame and in pieces of four: the same digest and the same mail under way.
#[test]
fn in_pieces_as_in_one_go() {
    let mut whole = world(Engine::in_memory(), 1).build().expect("a sound world");
    whole.run(Pace::frames(16)).expect("frames");
    let expected = (whole.digest(), whole.stats().messages_waiting);
    // Frame 16's pushes; words of frames 15, in which there was a reader, and 16.
    assert_eq!(expected.1, 10 + 2 * 20);
    for piece in [1, 4] {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("world");
        for _ in 0..16 / piece {
            open(&path, 1).expect("it opens").run(Pace::frames(piece)).expect("frames");
        }
        let mut engine = open(&path, 1).expect("it opens");
        assert_eq!((engine.digest(), engine.stats().messages_waiting), expected, "in pieces of {piece}");
    }
}

/// Messages under way of a version that is not registered any more are refused, by name.
#[test]
fn another_version_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("world");
    open(&path, 1).expect("it opens").run(Pace::frames(2)).expect("frames");
    let text = open(&path, 2).expect_err("pushes of version 1 are under way").to_string();
    assert!(text.contains("test.push") && text.contains("version 1 are under way"), "{text}");
}
