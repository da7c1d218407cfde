//! `kill -9` in the middle of a mixed load: what was answered and durable is there, no event comes twice, and scripts
//! that were suspended go on.
//!
//! The victim is this test binary again. It prints the keys that must be there, once the frame that answered for them
//! is durable; some of them come of events and scripts that are under way then. Every handler and every script of the
//! execution channel counts: a key is 1 after the first time, and 2 after a second.

use super::{Dice, World};
use diptych::prelude::*;
use diptych::runtime::{Session, Settings, Ticket};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where the victim's world is; without it the victim's test does nothing.
const DIRECTORY: &str = "DIPTYCH_RUNTIME_VICTIM";
/// `run durability`: names of one run are those of no other.
const SCENE: &str = "DIPTYCH_RUNTIME_SCENE";
/// Seconds of the long test.
const SECONDS: &str = "DIPTYCH_CRASH_SECONDS";
const KEPT: &str = "kept: ";
const OPENED: &str = "opened";
/// Events a frame: so few that publishers have to wait.
const EVENTS: u32 = 20;
/// Publications of one script.
const BURST: u64 = 5;

fn world(directory: &Path, synced: bool) -> World {
    let builder =
        Engine::open(directory).durability(if synced { Durability::Synced } else { Durability::Buffered });
    // Awaits end by events only.
    let mut world = World::of(builder, Settings { events: EVENTS, patience: 1e9, ..Settings::default() }, 2);
    let mut rights = Principal::new("p").scope("ear", ScopeAccess::ReadWrite);
    for number in 0..6 {
        rights =
            rights.scope(&format!("s{number}"), ScopeAccess::ReadWrite).topic(number, TopicAccess::PubSub);
    }
    world.principal(rights);
    world
}

/// A script for number `n` of a run; the scope and the key that must be there when it is answered.
pub(super) fn work(dice: &mut Dice, scope: u64, name: &str) -> (String, Option<String>) {
    let kept = |scope: &str, key: String| Some(format!("{scope}/{key}"));
    let own = format!("s{scope}");
    match dice.roll(6) {
        0 | 1 => (format!("(core/kv/set set:{name} 1)"), kept(&own, format!("set:{name}"))),
        2 => (format!("(core/event/pub A 1 ev:{name})"), kept("ear", format!("ev:{name}"))),
        3 => {
            let pubs: String = (0..BURST).map(|n| format!("(core/event/pub A 1 ev:{name}:{n}) ")).collect();
            (
                format!("(core/kv/set burst:{name} 1) {pubs} (core/kv/set done:{name} 1)"),
                kept(&own, format!("done:{name}")),
            )
        }
        4 => {
            let script = format!("[(core/kv/cas ex:{name} 1 2) (core/kv/snx ex:{name} 1)]");
            (format!("(core/event/pub EXECUTION 0 \"{script}\")"), kept(&own, format!("ex:{name}")))
        }
        _ => {
            (format!("[(core/kv/set begun:{name} 1) (core/kv/set got:{name} (core/expr/await 1 C 3))]"), None)
        }
    }
}

/// Not a test by itself: the victim of the others.
#[test]
fn victim() {
    let (Ok(directory), Ok(scene)) = (std::env::var(DIRECTORY), std::env::var(SCENE)) else { return };
    let (run, durability) = scene.split_once(' ').expect("two words");
    let mut world = world(Path::new(&directory), durability == "synced");
    let ear = world.session("ear", "p", "ear");
    if world.entry("ear", "listens").is_none() {
        let handler =
            "(core/event/sub A 1 {(core/kv/cas $data 1 2) (core/kv/snx $data 1)}) (core/kv/set listens 1)";
        assert_eq!(world.run(&ear, handler), "true");
    }
    let sessions: Vec<Session> =
        (0..24).map(|n| world.session(&format!("c{run}:{n}"), "p", &format!("s{}", n % 6))).collect();
    let mut out = std::io::stdout();
    writeln!(out, "\n{OPENED}").expect("the pipe is open");
    let mut dice = Dice(run.parse().expect("a number"));
    let mut asked: Vec<(Ticket, String)> = Vec::new();
    for frame in 0..100_000_u64 {
        for n in 0..4 {
            let at = dice.roll(sessions.len() as u64);
            let (script, kept) = work(&mut dice, at % 6, &format!("{run}:{frame}:{n}"));
            let ticket = sessions[at as usize].run(&script).expect("asked");
            asked.extend(kept.map(|kept| (ticket, kept)));
        }
        // Now and then what they await.
        if frame % 40 == 39 {
            sessions[0].publish(Channel::C, 3, "go").expect("asked");
        }
        if frame % 5 == 0 {
            world.steps(1)
        } else {
            world.still(1)
        }
        let durable = world.engine.durable_frame();
        let mut said = String::new();
        asked.retain(|(ticket, kept)| {
            let Some(answer) = ticket.get().filter(|answer| answer.frame <= durable) else { return true };
            assert_eq!(answer.result.to_string(), "true", "{kept}");
            said += &format!("{KEPT}{kept}\n");
            false
        });
        out.write_all(said.as_bytes()).expect("the pipe is open");
        out.flush().expect("the pipe is open");
    }
    std::process::abort();
}

/// Runs a victim, kills it so long after it has opened its world (or been started), and gives what it had said.
fn kill(directory: &Path, run: u64, synced: bool, after: Duration, at_start: bool) -> Vec<String> {
    let mut victim = Command::new(std::env::current_exe().expect("this binary"))
        .args(["runtime::crash::victim", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(SCENE, format!("{run} {}", if synced { "synced" } else { "buffered" }))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this binary runs");
    let said = victim.stdout.take().expect("piped");
    let (opened, wait) = std::sync::mpsc::channel();
    let listener = std::thread::spawn(move || {
        let mut kept = Vec::new();
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            if line == OPENED {
                opened.send(()).unwrap_or_default();
            }
            kept.extend(line.strip_prefix(KEPT).map(str::to_owned));
        }
        kept
    });
    if !at_start {
        // An error says that the victim has come to its end.
        wait.recv().unwrap_or_default();
    }
    std::thread::sleep(after);
    let ended = victim.try_wait().expect("it can be asked");
    victim.kill().expect("it is ours to kill");
    let output = victim.wait_with_output().expect("it is dead");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(ended.is_none(), "the victim has ended by itself: {error}");
    listener.join().expect("the pipe was read to its end")
}

/// Looks at a world after a kill: everything under way goes on to its end, then all that was said must be there.
fn check(directory: &Path, promised: &BTreeSet<String>, run: u64) -> usize {
    let mut world = world(directory, false);
    for _ in 0..FRAMES {
        world.still(1);
    }
    if world.entry("ear", "listens").is_some() {
        let session = world.session(&format!("check{run}"), "p", "ear");
        let ticket = session.publish(Channel::C, 3, "go").expect("asked");
        assert_eq!(world.text(&ticket), "true");
    }
    for _ in 0..FRAMES {
        world.still(1);
    }
    let mut all = BTreeSet::new();
    for scope in ["ear", "s0", "s1", "s2", "s3", "s4", "s5"] {
        for entry in world.entries(scope) {
            let (key, value) = entry.split_once('=').expect("key=value");
            let counted = key.starts_with("ev:") || key.starts_with("ex:");
            assert!(!counted || value == "1", "run {run}: {key} came {value} times");
            all.insert(format!("{scope}/{key}"));
        }
    }
    for key in promised {
        assert!(all.contains(key), "run {run}: {key} was answered and durable, and is not there");
    }
    for entry in &all {
        let (scope, key) = entry.split_once('/').expect("scope/key");
        if let Some(name) = key.strip_prefix("begun:") {
            assert!(
                all.contains(&format!("{scope}/got:{name}")),
                "run {run}: the script of {key} did not go on"
            );
        }
        if let Some(name) = key.strip_prefix("burst:") {
            assert!(
                all.contains(&format!("{scope}/done:{name}")),
                "run {run}: the publisher of {key} did not go on"
            );
            let lost = (0..BURST).find(|n| !all.contains(&format!("ear/ev:{name}:{n}")));
            assert_eq!(lost, None, "run {run}: an event of {key} is lost");
        }
    }
    all.len()
}

/// Still frames in which all that is under way comes to its end: more events wait in line than a frame takes.
const FRAMES: u32 = 60;

fn survives(seed: u64, long_enough: impl Fn(u64) -> bool) {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut dice, mut promised, mut run, mut met) = (Dice(seed), BTreeSet::new(), 0, 0);
    while long_enough(run) {
        run += 1;
        let (at_start, after) = (dice.roll(5) == 0, Duration::from_micros(dice.roll(250_000)));
        let said = kill(dir.path(), run, run % 3 == 0, after, at_start);
        met += u64::from(!said.is_empty());
        promised.extend(said);
        // Not always: what is under way must also survive two kills.
        if dice.roll(3) > 0 || !long_enough(run) {
            check(dir.path(), &promised, run);
        }
    }
    let found = check(dir.path(), &promised, run);
    println!("{run} kills, {met} of which met a load; {} promises, {found} entries", promised.len());
    assert!(met * 2 > run && promised.len() as u64 > 20 * run, "{met} of {run} kills met a load");
}

#[test]
fn a_load_survives_kills() {
    survives(1, |run| run < 8);
}

/// For as many seconds as the environment says, or 300.
#[test]
#[ignore = "takes minutes"]
fn a_load_survives_many_kills() {
    let seconds = std::env::var(SECONDS).ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(300);
    let (start, seconds) = (Instant::now(), Duration::from_secs(seconds));
    let mut seed = 100;
    while start.elapsed() < seconds {
        seed += 1;
        survives(seed, |run| run < 40 && start.elapsed() < seconds);
    }
}
