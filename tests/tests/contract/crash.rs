//! `kill -9` at any moment: what `durable_frame` had said is there, marks and inputs included.
//!
//! The victim is this test binary again, with the world's directory in an environment variable. It prints its
//! durable frame as it goes; what the pipe holds when it is dead is what it had said.

use crate::soup::{drive, soup};
use diptych_engine::prelude::*;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where the victim's world is; without it the victim's test does nothing.
const DIRECTORY: &str = "DIPTYCH_CONTRACT_VICTIM";
/// `rows frames durability`.
const SCENE: &str = "DIPTYCH_CONTRACT_SCENE";
/// What precedes a number on the victim's standard output.
const SAYS: &str = "durable frame: ";
const OPENED: &str = "opened at frame: ";

/// Frames that a victim makes beyond its last: what it made just before its end may never reach the disk, again
/// and again.
const MORE: u64 = 20;

#[derive(Clone, Copy)]
struct Scene {
    rows: u32,
    frames: u64,
    durability: &'static str,
}

impl Scene {
    fn build(self, directory: &Path) -> Engine {
        let durability = match self.durability {
            "synced" => Durability::Synced,
            "every" => Durability::Every(8),
            _ => Durability::Buffered,
        };
        let builder = soup(Engine::open(directory), self.rows).durability(durability).threads(2);
        builder.build().expect("the world opens")
    }
}

/// Not a test by itself: the victim of the others.
#[test]
fn victim() {
    let (Ok(directory), Ok(scene)) = (std::env::var(DIRECTORY), std::env::var(SCENE)) else { return };
    let mut words = scene.split(' ');
    let mut word = || words.next().expect("three words");
    let (rows, frames) = (word().parse().expect("rows"), word().parse().expect("frames"));
    let last = word();
    let durability = ["synced", "every"].into_iter().find(|name| *name == last).unwrap_or("buffered");
    let mut engine = Scene { rows, frames, durability }.build(Path::new(&directory));
    let mut out = std::io::stdout();
    writeln!(out, "\n{OPENED}{}", engine.frame()).expect("the pipe is open");
    out.flush().expect("the pipe is open");
    while engine.frame() < frames + MORE {
        let next = engine.frame() + 1;
        drive(&mut engine, next);
        writeln!(out, "\n{SAYS}{}", engine.durable_frame()).expect("the pipe is open");
        out.flush().expect("the pipe is open");
    }
    // Without a flush: the end of the process is one more kill.
    std::process::abort();
}

fn start(directory: &Path, scene: Scene) -> Child {
    Command::new(std::env::current_exe().expect("this binary"))
        .args(["crash::victim", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(SCENE, format!("{} {} {}", scene.rows, scene.frames, scene.durability))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this binary runs")
}

/// Starts a victim, kills it some time after it has said that frame `at` is durable (or at once after that
/// time, for `None`), and answers the last durable frame that it had said. What it finds at its opening must
/// hold what the victim before it had said.
fn kill(directory: &Path, scene: Scene, at: Option<u64>, after: Duration, promised: u64) -> Option<u64> {
    let mut victim = start(directory, scene);
    let said = victim.stdout.take().expect("piped");
    let (reached, wait) = std::sync::mpsc::channel();
    let listener = std::thread::spawn(move || {
        let lines = BufReader::new(said).lines().map_while(Result::ok);
        let mut last = None;
        for line in lines {
            if let Some(opened) = line.strip_prefix(OPENED).and_then(|frame| frame.parse::<u64>().ok()) {
                assert!(opened >= promised, "opened at frame {opened}; frame {promised} had been durable");
            }
            let Some(frame) = line.strip_prefix(SAYS).and_then(|frame| frame.parse::<u64>().ok()) else {
                continue;
            };
            last = Some(frame);
            if at.is_some_and(|at| frame >= at) {
                // Nobody listens for the second time: the first was enough.
                reached.send(()).unwrap_or_default();
            }
        }
        last
    });
    if at.is_some() {
        // An error says that the victim has come to its end.
        wait.recv().unwrap_or_default();
    }
    std::thread::sleep(after);
    victim.kill().expect("it is ours to kill");
    victim.wait().expect("it is dead");
    listener.join().expect("the pipe was read to its end")
}

/// Kills until the world has reached its last frame; answers how often, and how many kills met a frame.
fn kill_to_the_end(directory: &Path, scene: Scene, mut seed: u64, longest: Duration) -> (u32, u32) {
    let (mut kills, mut met) = (0, 0);
    let mut last = 0;
    loop {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let part = (seed >> 11) as f64 / (1_u64 << 53) as f64;
        // Every third kill at any time, also while the world is made; the others by how far it has come, so
        // that a fast machine is hit as often as a slow one.
        let said = match kills % 3 {
            0 => kill(directory, scene, None, longest.mul_f64(part), last),
            _ => {
                let step = (scene.frames as f64 / 6.0 * part) as u64 + 1;
                kill(directory, scene, Some(last + step), Duration::from_micros(seed >> 54), last)
            }
        };
        last = said.unwrap_or(last).max(last);
        kills += 1;
        met += u32::from(said.is_some());
        assert!(kills < 150, "the world does not get on");
        // Looking at it is one more way of stopping at that frame: now and then only.
        if kills % 3 == 0 || said.is_some_and(|said| said + 1 >= scene.frames) {
            let engine = scene.build(directory);
            let frame = engine.frame();
            assert!(
                said.is_none_or(|said| frame >= said),
                "frame {frame}, but {said:?} was said to be durable"
            );
            assert_eq!(engine.durable_frame(), frame);
            if frame >= scene.frames {
                return (kills, met);
            }
        }
    }
}

fn survives(scene: Scene, seed: u64, longest: Duration, met_min: u32) {
    let mut whole = soup(Engine::in_memory(), scene.rows).build().expect("the world can be built");
    drive(&mut whole, scene.frames + MORE + 2);
    let dir = tempfile::tempdir().expect("a directory");
    let (kills, met) = kill_to_the_end(dir.path(), scene, seed, longest);
    let mut engine = scene.build(dir.path());
    drive(&mut engine, scene.frames + MORE + 2);
    assert_eq!(engine.digest(), whole.digest(), "after {kills} kills");
    assert!(met >= met_min, "only {met} of {kills} kills met a frame: kill later");
}

/// A small world, many frames: kills meet the creation of the world, single commits and pending marks.
#[test]
fn a_small_world_survives_kills() {
    let scene = Scene { rows: 50, frames: 2_000, durability: "buffered" };
    survives(scene, 1, Duration::from_millis(250), 3);
}

/// The same with a sync of every frame, and of every eighth.
#[test]
fn synced_worlds_survive_kills() {
    survives(Scene { rows: 50, frames: 400, durability: "synced" }, 2, Duration::from_millis(120), 3);
    survives(Scene { rows: 50, frames: 1_500, durability: "every" }, 3, Duration::from_millis(120), 3);
}

/// A world that writes a checkpoint every hundred frames or so: kills meet checkpoints too.
#[test]
fn a_dense_world_survives_kills() {
    let scene = Scene { rows: 12_000, frames: 500, durability: "buffered" };
    survives(scene, 4, Duration::from_millis(2_000), 1);
}
