//! Conversations: lines in, lines out, in worlds in memory.

use super::reader::Reader;
use super::shared::{Entry, Shared, Unsent};
use super::{AHEAD_BYTES_MAX, Options, replies};
use crate::runtime::{Runtime, RuntimeExt};
use diptych_engine::Engine;
use diptych_systems::lane::Answers;
use serde_json::Value;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn talk_raw(input: impl Read + Send + 'static, manual: bool) -> Vec<Value> {
    let mut engine = Engine::in_memory().plugin(Runtime::default()).build().expect("a world");
    let options = Options { manual, ..Options::default() };
    let bytes = replies(&mut engine, input, &options).expect("it serves");
    let text = String::from_utf8(bytes).expect("replies are UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn talk(lines: &[&str], manual: bool) -> Vec<Value> {
    talk_raw(std::io::Cursor::new(lines.join("\n").into_bytes()), manual)
}

const ALICE: &str =
    r#"{"op":"principal","entity":"alice","scopes":{"a":"READ_WRITE"},"topics":{"7":"PUBSUB"}}"#;
const OPEN: &str = r#"{"op":"session","session":"s","entity":"alice","scope":"a"}"#;

/// Claim: a conversation's replies come in order, with their ids, and each sees what was before.
#[test]
fn a_conversation() {
    let replies = talk(
        &[
            ALICE,
            OPEN,
            r#"{"op":"run","session":"s","script":"(core/kv/set k 5)","id":1}"#,
            r#"{"op":"store","key":"a/k","id":[2]}"#,
            r#"{"op":"run","session":"s","script":"(core/kv/set k 6) (core/kv/get k)","id":3}"#,
            "nonsense",
            r#"{"op":"run","session":"s","script":"(","id":4}"#,
            r#"{"op":"run","session":"none","script":"1","id":5}"#,
            r#"{"op":"run","session":"s","script":"(core/util/log \"hi\")","id":6}"#,
            r#"{"op":"log"}"#,
            r#"{"op":"parse","text":"a"}"#,
            r#"{"op":"store","key":"a/none"}"#,
            r#"{"op":"close","session":"s"}"#,
            r#"{"op":"run","session":"s","script":"1"}"#,
            r#"{"op":"frames","count":3}"#,
            r#"{"op":"status"}"#,
        ],
        true,
    );
    let said: Vec<String> = replies.iter().map(Value::to_string).collect();
    assert_eq!(said.len(), 16, "{said:#?}");
    let at = |index: usize, member: &str| replies[index][member].clone();
    assert_eq!((said[0].as_str(), said[1].as_str()), (r#"{"error":false}"#, r#"{"error":false}"#));
    assert_eq!(said[2], r#"{"error":false,"id":1,"result":"true"}"#);
    assert_eq!(said[3], r#"{"id":[2],"value":"5"}"#);
    assert_eq!(said[4], r#"{"error":false,"id":3,"result":"\"6\""}"#);
    assert!(at(5, "error") == true && at(5, "message").is_string());
    assert_eq!((at(6, "kind"), at(6, "column"), at(6, "id")), ("unclosed_paren".into(), 1.into(), 4.into()));
    assert!(at(7, "error") == true && at(7, "result").is_string());
    assert_eq!(at(9, "lines"), serde_json::json!(["[session:s] hi"]));
    assert_eq!(at(10, "trees"), serde_json::json!([{"sym": "a"}]));
    assert_eq!(said[11], r#"{"value":null}"#);
    assert!(at(13, "error") == true);
    assert!(at(15, "frame").as_u64() >= Some(3) && at(15, "digest").as_str().map(str::len) == Some(32));
}

/// Claim: a suspended script's reply comes when it ends, others are answered meanwhile; the end of the input leaves it
/// the time of an await to give up.
#[test]
fn suspended_scripts_answer_later() {
    let wait = r#"{"op":"run","session":"s","script":"(core/expr/await 1 A 7)","id":"w"}"#;
    let after = r#"{"op":"run","session":"s","script":"2","id":"x"}"#;
    let publish = r#"{"op":"run","session":"s","script":"(core/event/pub A 7 \"now\")","id":"p"}"#;
    let frames = r#"{"op":"frames","count":2,"id":"f"}"#;
    let ids = |replies: &[Value]| replies[2..].iter().map(|reply| reply["id"].clone()).collect::<Vec<_>>();
    let replies = talk(&[ALICE, OPEN, wait, after, publish, frames], true);
    assert_eq!(ids(&replies), ["x", "p", "w", "f"], "{replies:?}");
    assert_eq!(replies[4]["result"], "\"now\"");
    let gives_up = talk(&[ALICE, OPEN, wait, after], false);
    assert_eq!(ids(&gives_up), ["x", "w"]);
    assert_eq!(gives_up[3]["error"], true);
}

/// Claim: what is still suspended at the end of the input is told so, once each: awaits in a row, and all where no
/// world time passes.
#[test]
fn the_end_answers_who_is_suspended() {
    let run = |id: &str, script: &str| {
        format!("{{\"op\":\"run\",\"session\":\"s\",\"script\":\"{script}\",\"id\":{id:?}}}")
    };
    let twice = run("twice", "(core/expr/await 1 A 7) (core/expr/await 2 A 7)");
    let (once, after) = (run("once", "(core/expr/await 1 A 7)"), run("after", "2"));
    for (lines, manual) in [([&twice, &after], false), ([&twice, &after], true), ([&once, &after], true)] {
        let replies = talk(&[ALICE, OPEN, lines[0], lines[1]], manual);
        assert_eq!(replies.len(), 4, "{replies:?}");
        assert_eq!((&replies[2]["id"], &replies[2]["result"]), (&"after".into(), &"2".into()));
        assert!(replies[3]["id"] != Value::Null && replies[3]["error"] == true, "{replies:?}");
        let message = replies[3]["message"].as_str().unwrap_or_default();
        assert!(message.contains("the input ended"), "{replies:?}");
    }
}

/// Claim: lines ahead of the world are bounded in bytes; one line alone always passes, and all go on when a frame has
/// seen those before.
#[test]
fn bytes_ahead_are_bounded() {
    const LINE: usize = 3 << 20;
    const LINES: u64 = 40;
    struct Lines(Arc<AtomicU64>, std::io::Cursor<Vec<u8>>);
    impl Read for Lines {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.1.position() as usize == self.1.get_ref().len() {
                if self.0.fetch_add(1, Ordering::Relaxed) >= LINES {
                    return Ok(0);
                }
                self.1.set_position(0);
            }
            self.1.read(into)
        }
    }
    let engine = Engine::in_memory().plugin(Runtime::default()).build().expect("a world");
    let (answers, shared) = (Arc::<Answers>::default(), Arc::<Shared>::default());
    let reader = Reader::new(engine.client().expect("it has a runtime"), answers, shared.clone(), 1.0);
    let text = "a".repeat(LINE);
    let line = format!("{{\"op\":\"run\",\"session\":\"s\",\"script\":\"\\\"{text}\\\"\"}}\n").into_bytes();
    let begun = Arc::new(AtomicU64::new(1));
    let lines = Lines(begun.clone(), std::io::Cursor::new(line));
    let reading = std::thread::spawn(move || reader.run(lines));
    let (mut seen, mut ended) = (0, false);
    while !ended {
        let mut before = 0;
        while begun.load(Ordering::Relaxed) != before {
            before = begun.load(Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(500));
        }
        let ahead = (before - seen) * LINE as u64;
        assert!(ahead <= AHEAD_BYTES_MAX + 3 * LINE as u64, "{ahead} bytes are ahead of {seen} requests");
        let news = shared.news(u64::MAX, Duration::ZERO);
        (seen, ended) = (news.sent, news.ended);
        shared.seen(seen);
    }
    assert_eq!(seen, LINES);
    reading.join().expect("no panic");
}

/// Claim: what cannot be sent is refused, each request by itself, and reading goes on: the other side never waits for
/// what does not come.
#[test]
fn what_cannot_be_sent_is_refused() {
    let engine = Engine::in_memory().plugin(Runtime::default()).build().expect("a world");
    let (answers, shared) = (Arc::<Answers>::default(), Arc::<Shared>::default());
    let reader = Reader::new(engine.client().expect("it has a runtime"), answers, shared.clone(), 1.0);
    drop(engine);
    reader
        .run(std::io::Cursor::new([ALICE, r#"{"op":"parse","text":"1"}"#, OPEN, ""].join("\n").into_bytes()));
    let mut news = shared.news(u64::MAX, Duration::ZERO);
    assert_eq!((news.sent, news.ended, news.batches.len(), news.unsent.len()), (3, true, 1, 1));
    for Unsent { numbers, message } in news.unsent {
        news.batches[0].refuse(&numbers, message.as_bytes());
    }
    for number in 0..3 {
        let Entry::Ready(body) = news.batches[0].at(number).1 else { panic!("{number} is waited for") };
        assert_eq!(String::from_utf8_lossy(body).contains("stopped"), number != 1, "{number}");
    }
}

/// Claim: a line that is too long is refused, the next is served; ends of lines are of either kind, the last may have
/// none.
#[test]
fn lines_of_any_kind() {
    let long = vec![b'('; 9 << 20];
    let input =
        [&long[..], b"\r\n{\"op\":\"parse\",\"text\":\"1\"}\r\n\n{\"op\":\"parse\",\"text\":\"2\"}"].concat();
    let replies = talk_raw(std::io::Cursor::new(input), true);
    assert_eq!(replies.len(), 4, "{replies:?}");
    assert!(replies[0]["message"].as_str().is_some_and(|message| message.contains("4194304")));
    assert_eq!(replies[1]["trees"][0]["int"], 1);
    assert!(replies[2]["error"] == true && replies[3]["trees"][0]["int"] == 2);
}

/// Claim: many requests at once, more than are read ahead, are answered each, in order, whatever pieces they come in.
#[test]
fn many_at_once() {
    struct Pieces(Vec<u8>, usize);
    impl Read for Pieces {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = into.len().min(self.0.len() - self.1).min(7919);
            into[..count].copy_from_slice(&self.0[self.1..self.1 + count]);
            self.1 += count;
            Ok(count)
        }
    }
    let mut input = format!("{ALICE}\n{OPEN}\n");
    for n in 0..40_000 {
        input += &format!(
            "{{\"op\":\"run\",\"session\":\"s\",\"script\":\"(core/kv/set k{} {n})\",\"id\":{n}}}\n",
            n % 100
        );
    }
    input += r#"{"op":"store","key":"a/k99"}"#;
    let replies = talk_raw(Pieces(input.into_bytes(), 0), false);
    assert_eq!(replies.len(), 40_003);
    for (n, reply) in replies[2..40_002].iter().enumerate() {
        assert_eq!((&reply["id"], &reply["error"]), (&n.into(), &false.into()), "{reply}");
    }
    assert_eq!(replies[40_002]["value"], "39999");
}

/// Claim: the seeds of the fuzz target get a reply a line.
#[test]
fn seeds_are_answered() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds/stdio");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the seeds are in the repository") {
        let path = entry.expect("an entry of a folder").path();
        let text = std::fs::read_to_string(&path).expect("seeds are text");
        let replies = talk_raw(std::io::Cursor::new(format!("{ALICE}\n{OPEN}\n{text}").into_bytes()), false);
        assert_eq!(replies.len(), text.lines().count() + 2, "{}: {replies:?}", path.display());
        count += 1;
    }
    assert!(count >= 6, "{count} seeds in {}", folder.display());
}
