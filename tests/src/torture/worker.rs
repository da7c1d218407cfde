//! A process of its own that runs a world, tells what is durable, and is killed, or finds the disk full.
//!
//! Invariant: what it says on its standard output was so when it said it; a pipe keeps it beyond its end. It never ends
//! well: it is killed, or it aborts.

use crate::torture::fault::Left;
use crate::torture::play::{Play, play};
use crate::torture::trial::Trial;
use crate::torture::way::Way;
use diptych_engine::prelude::*;
use diptych_engine::store::FaultPlan;
use diptych_engine::testkit;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The first argument of a worker.
pub const WORKER: &str = "worker";
const OPENED: &str = "opened ";
const DURABLE: &str = "durable ";
const FAILED: &str = "failed ";
/// How long a worker may take to say what it is asked for.
const WORKER_WAIT_MAX: Duration = Duration::from_secs(60);
/// Times that the files of a world are listed anew because one of them was gone.
const LISTINGS_MAX: usize = 100;

/// When a worker ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// So many microseconds after it was started.
    After(u64),
    /// So many microseconds after it has said that it made this frame.
    At(u64, u64),
    /// The disk is full when its journal has grown by so many bytes, from this frame on.
    Full(u64, u64),
}

/// What a worker has said.
#[derive(Debug, Default)]
struct Said {
    opened: Option<u64>,
    durable: u64,
    failed: Option<String>,
}

impl Trial<'_> {
    /// Runs the world in a worker until it ends so; answers what it had said to be durable.
    pub(crate) fn killed(&mut self, end: End, left: &Left, program: &Path) -> Result<Left, String> {
        let way = Way::throw(&mut self.dice);
        let plan = self.faults();
        self.done.push(format!("{way}, in a process of its own"));
        let failed = |error: std::io::Error| format!("{}: {error}", program.display());
        let limit = if let End::Full(frame, bytes) = end { [frame, bytes] } else { [u64::MAX, 0] };
        let mut child = start(program, self.play.seed(), &left.dir, way, &plan, limit).map_err(failed)?;
        let said = listen(&mut child, end);
        child.kill().map_err(failed)?;
        child.wait().map_err(failed)?;
        let said = said.join().map_err(|_| "the worker's words were not read".to_owned())?;
        self.outcome.kills += 1;
        if let Some(error) = said.failed.filter(|error| !is_full(error)) {
            return Err(format!("the worker failed: {error}"));
        }
        if let Some(opened) = said.opened.filter(|opened| *opened < left.floor) {
            return Err(format!(
                "the worker opened frame {opened}; frame {} had been acknowledged",
                left.floor
            ));
        }
        Ok(Left { dir: left.dir.clone(), floor: said.durable.max(left.floor) })
    }
}

/// Whether an error says that the disk is full.
fn is_full(error: &str) -> bool {
    error.contains("File too large") || error.contains("file too large")
}

fn start(
    program: &Path,
    seed: u64,
    dir: &Path,
    way: Way,
    plan: &FaultPlan,
    limit: [u64; 2],
) -> std::io::Result<Child> {
    let numbers = [seed, plan.checkpoint_bytes, plan.copy_bytes, limit[0], limit[1]];
    // A write beyond the limit is an error then, and does not end the process.
    Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(program)
        .arg(WORKER)
        .arg(dir)
        .args(way.words())
        .args(numbers.map(|number| number.to_string()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Reads what the worker says, until it is to be killed; the rest is read on a thread.
fn listen(child: &mut Child, end: End) -> std::thread::JoinHandle<Said> {
    let output = child.stdout.take().expect("it is piped");
    let (reached, wait) = mpsc::channel();
    let wanted = match end {
        End::After(_) => u64::MAX,
        End::At(frame, _) => frame,
        End::Full(..) => u64::MAX,
    };
    let reader = std::thread::spawn(move || {
        let mut said = Said::default();
        let mut made = 0;
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(frame) = line.strip_prefix(OPENED).and_then(|word| word.parse().ok()) {
                said.opened = Some(frame);
                made = frame;
            } else if let Some(frame) = line.strip_prefix(DURABLE).and_then(|word| word.parse().ok()) {
                said.durable = frame;
                made += 1;
            } else if let Some(error) = line.strip_prefix(FAILED) {
                said.failed = Some(error.to_owned());
            }
            if made >= wanted || said.failed.is_some() {
                // Nobody listens for the second time.
                reached.send(()).unwrap_or_default();
            }
        }
        said
    });
    let pause = match end {
        End::After(micros) => micros,
        // An end of its own, by a failure or at the end of the story, shows as a closed channel.
        End::At(_, micros) => {
            wait.recv_timeout(WORKER_WAIT_MAX).unwrap_or_default();
            micros
        }
        End::Full(..) => {
            wait.recv_timeout(WORKER_WAIT_MAX).unwrap_or_default();
            0
        }
    };
    std::thread::sleep(Duration::from_micros(pause));
    reader
}

/// The worker itself: never comes back.
///
/// # Panics
/// When it was not started by a trial.
pub fn work(mut words: impl Iterator<Item = String>) -> ! {
    let dir = words.next().expect("a directory");
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).expect("a number");
    let way = Way::from_words([number(), number(), number(), number(), number()]);
    let play = play(number());
    let plan = FaultPlan { checkpoint_bytes: number(), copy_bytes: number(), ..FaultPlan::default() };
    let (full_at, full_bytes) = (number(), number());
    if let Err(error) = run(&*play, Path::new(&dir), way, plan, full_at, full_bytes) {
        say(FAILED, &error.replace('\n', " "));
    }
    // Without closing anything: the end of the process is one more kill.
    std::process::abort();
}

fn run(
    play: &dyn Play,
    dir: &Path,
    way: Way,
    plan: FaultPlan,
    full_at: u64,
    full_bytes: u64,
) -> Result<(), String> {
    let builder = way.of(play.register(Engine::open(dir))).faults(plan);
    let mut engine = builder.build().map_err(|error| error.to_string())?;
    say(OPENED, &engine.frame().to_string());
    let mut full = false;
    while engine.frame() < play.end() {
        if engine.frame() >= full_at && !full {
            full = true;
            fill(dir, full_bytes)?;
        }
        play.step(&mut engine)?;
        say(DURABLE, &engine.durable_frame().to_string());
    }
    Ok(())
}

/// No file of this process grows beyond the journals' size and so many bytes.
fn fill(dir: &Path, bytes: u64) -> Result<(), String> {
    // A file that the database removes meanwhile ends a listing.
    let gone = |found: &std::io::Result<_>| {
        found.as_ref().is_err_and(|error: &std::io::Error| error.kind() == ErrorKind::NotFound)
    };
    let mut files = testkit::files(dir);
    for _ in 0..LISTINGS_MAX {
        if gone(&files) {
            files = testkit::files(dir);
        }
    }
    let files = files.map_err(|error| error.to_string())?;
    let journals = files.iter().filter(|file| file.path.extension().is_some_and(|name| name == "jnl"));
    let used = journals.map(|file| file.used).max();
    let size = used.unwrap_or(0).saturating_sub(4096) + bytes;
    let limit = rustix::process::Rlimit { current: Some(size), maximum: Some(size) };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).map_err(|error| error.to_string())
}

fn say(what: &str, more: &str) {
    let mut out = std::io::stdout();
    // Whoever listened may be gone; then the worker is too, soon.
    writeln!(out, "{what}{more}").and_then(|()| out.flush()).unwrap_or_default();
}
