//! The thread that ticks: frames for who waits, steps of world time, replies in order.
//!
//! Invariant: replies go out in the order of their requests, but for scripts that were suspended: theirs come in the
//! order of the frames in which they end. What is done between frames sees everything before it and nothing behind.

use super::outlet::Outlet;
use super::reader::Reader;
use super::reply;
use super::request::Local;
use super::shared::{Batch, Entry, News, Shared, Unsent};
use super::{CATCH_UP, Options, STEP_TIME, ServeError};
use crate::runtime::{Client, RuntimeExt};
use diptych_engine::{Engine, Pace};
use diptych_systems::lane::{Answer, Answers};
use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Steps between two looks at what has been answered, while frames are asked for.
const FRAMES_AT_ONCE: u64 = 1000;
/// How long a frame is waited for to be on disk before the world is looked at again.
const DURABLE_WAIT: Duration = Duration::from_millis(5);

/// What is told of a script that is suspended when there is nothing more to read.
const LEFT_SUSPENDED: &str = "the input ended before the script did; where the world is kept in a directory, so is the \
    script, and it goes on when the world is opened again";

/// Serves requests of `input` until it ends, and what is suspended after it; see [`super::serve`].
pub(super) fn serve(
    engine: &mut Engine,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    options: &Options,
) -> Result<(), ServeError> {
    let client = engine.client()?;
    let (shared, answers) = (Arc::<Shared>::default(), Arc::<Answers>::default());
    let outlet = Outlet::new(output).map_err(|error| ServeError::Thread(error.kind()))?;
    let reader = Reader::new(client.clone(), answers.clone(), shared.clone(), options.dt);
    let spawn = std::thread::Builder::new().name("requests".to_owned()).spawn(move || reader.run(input));
    spawn.map_err(|error| ServeError::Thread(error.kind()))?;
    let mut server = Server {
        engine,
        client,
        shared,
        answers,
        outlet,
        options,
        queue: VecDeque::new(),
        next: 0,
        suspended: BTreeMap::new(),
        out: Vec::new(),
        held: VecDeque::new(),
    };
    let outcome = server.run();
    if let Err(ServeError::Engine(error)) = &outcome {
        let message = format!("the world has stopped: {error}");
        server.refuse_all(&message);
    }
    server.shared.go();
    let Server { outlet, .. } = server;
    match (outcome, outlet.finish()) {
        (Ok(()) | Err(ServeError::Output(ErrorKind::BrokenPipe)), Err(ErrorKind::BrokenPipe)) => Ok(()),
        (Err(error), _) => Err(error),
        (Ok(()), written) => written.map_err(ServeError::Output),
    }
}

struct Server<'e> {
    engine: &'e mut Engine,
    client: Client,
    shared: Arc<Shared>,
    answers: Arc<Answers>,
    outlet: Outlet,
    options: &'e Options,
    /// What was announced and was in no frame.
    queue: VecDeque<Batch>,
    /// The number of the first of them.
    next: u64,
    /// The ids of runs that were in a frame and have no answer, by number.
    suspended: BTreeMap<u64, (Box<[u8]>, bool)>,
    out: Vec<u8>,
    /// Replies that wait until their frame is on disk.
    held: VecDeque<(u64, Vec<u8>)>,
}

impl Server<'_> {
    fn run(&mut self) -> Result<(), ServeError> {
        let mut due = Instant::now() + STEP_TIME;
        let (mut sent, mut wait) = (0, Duration::ZERO);
        loop {
            let ended = self.hear(&mut sent, wait);
            let mut worked = false;
            if !self.options.manual && Instant::now() >= due {
                self.steps(&mut due)?;
                worked = true;
            } else if self.client.is_waiting() || self.client.goes_on() {
                // Also for a script that has used up the steps of its frame: it goes on in any frame.
                self.engine.answer()?;
                worked = true;
            }
            self.harvest();
            if !self.client.is_waiting() {
                worked |= self.walk(sent)?;
            }
            self.shared.seen(self.next);
            self.release()?;
            let goes_on = self.client.is_waiting() || self.client.goes_on();
            if ended && self.next == sent && self.queue.is_empty() && !goes_on {
                return self.end();
            }
            wait = match (worked, self.held.is_empty(), self.options.manual) {
                (true, ..) => Duration::ZERO,
                (_, false, _) => {
                    self.wait_durable()?;
                    Duration::ZERO
                }
                (_, _, true) => super::shared::LOOK_AGAIN,
                (_, _, false) => due.saturating_duration_since(Instant::now()).max(Duration::from_micros(1)),
            };
        }
    }

    /// Takes what the reader has done since it was at `sent`; whether it is at its end.
    fn hear(&mut self, sent: &mut u64, wait: Duration) -> bool {
        let News { batches, unsent, sent: now, ended } = self.shared.news(*sent, wait);
        *sent = now;
        self.queue.extend(batches);
        for Unsent { numbers, message } in unsent {
            let mut body = Vec::new();
            reply::refused(&mut body, &message);
            self.queue.iter_mut().for_each(|batch| batch.refuse(&numbers, &body));
        }
        ended
    }

    /// Steps that are due by the wall clock; those that are too late are skipped.
    fn steps(&mut self, due: &mut Instant) -> Result<(), ServeError> {
        for _ in 0..CATCH_UP {
            self.engine.step()?;
            *due += STEP_TIME;
            if *due > Instant::now() {
                return Ok(());
            }
        }
        *due = Instant::now() + STEP_TIME;
        Ok(())
    }

    /// What has been answered since the last time.
    fn harvest(&mut self) {
        let mut answers = self.answers.take();
        // A request is announced before it is sent, and a frame may have taken some that were sent just now.
        self.hear(&mut 0, Duration::ZERO);
        if !answers.is_sorted_by_key(|(number, _)| *number) {
            answers.sort_by_key(|(number, _)| *number);
        }
        for (number, answer) in answers {
            if number < self.next {
                if let Some((id, run)) = self.suspended.remove(&number) {
                    put(&mut self.out, &id, run, &answer);
                }
                continue;
            }
            // Whoever was before it was in this frame or in an earlier one.
            self.pass(number);
            let Some(batch) = self.queue.front_mut() else { continue };
            let (id, entry) = batch.at(number);
            put(&mut self.out, id, matches!(entry, Entry::Run), &answer);
            self.advance();
        }
    }

    /// Goes on to `number`: what is known is told, what has no answer is suspended. Stops at what is done between
    /// frames.
    fn pass(&mut self, number: u64) {
        while self.next < number {
            let Some(batch) = self.queue.front_mut() else { return };
            let (id, entry) = batch.at(self.next);
            match entry {
                Entry::Local(_) => return,
                Entry::Ready(body) => {
                    reply::begin(&mut self.out, id);
                    self.out.extend_from_slice(body);
                }
                Entry::Run => {
                    self.suspended.insert(self.next, (id.into(), true));
                }
                Entry::Done => {
                    self.suspended.insert(self.next, (id.into(), false));
                }
            }
            self.advance();
        }
    }

    fn advance(&mut self) {
        self.next += 1;
        if self.queue.front().is_some_and(|batch| batch.numbers().end <= self.next) {
            self.queue.pop_front();
        }
    }

    /// Goes on to `sent`, when all of it was in a frame; whether there was anything.
    fn walk(&mut self, sent: u64) -> Result<bool, ServeError> {
        let from = self.next;
        loop {
            self.pass(sent);
            if self.next >= sent {
                return Ok(self.next > from);
            }
            let Some(batch) = self.queue.front_mut() else { return Ok(self.next > from) };
            let (id, entry) = batch.at(self.next);
            let Entry::Local(local) = entry else { return Ok(self.next > from) };
            let (id, local) = (id.to_vec(), std::mem::replace(local, Local::Log));
            self.local(&id, &local)?;
            self.advance();
        }
    }

    fn local(&mut self, id: &[u8], local: &Local) -> Result<(), ServeError> {
        if let Local::Frames(count) = local {
            let mut left = *count;
            while left > 0 {
                let now = left.min(FRAMES_AT_ONCE);
                self.engine.run(Pace::frames(now))?;
                self.harvest();
                self.release()?;
                left -= now;
            }
        }
        let Self { engine, client, out, .. } = self;
        reply::begin(out, id);
        match local {
            Local::Store(key) => client.look(|index| match index.get_raw(key) {
                Ok(value) => reply::stored(out, value.map(|value| value.text()).as_deref()),
                Err(error) => reply::refused(out, &error.to_string()),
            }),
            Local::Log => reply::log(out, &client.take_log()),
            Local::Frames(_) => {
                out.extend_from_slice(format!("\"error\":false,\"frame\":{}}}\n", engine.frame()).as_bytes())
            }
            Local::Status => {
                let (frame, durable, digest) = (engine.frame(), engine.durable_frame(), engine.digest());
                let body =
                    format!("\"frame\":{frame},\"durable_frame\":{durable},\"digest\":\"{digest}\"}}\n");
                out.extend_from_slice(body.as_bytes());
            }
        }
        Ok(())
    }

    /// Replies whose frame is far enough go out.
    fn release(&mut self) -> Result<(), ServeError> {
        if self.options.synced && !(self.out.is_empty() && self.held.is_empty()) {
            let (frame, durable) = (self.engine.frame(), self.engine.durable_frame());
            if !self.out.is_empty() {
                self.held.push_back((frame, std::mem::take(&mut self.out)));
            }
            while let Some((_, mut bytes)) = self.held.pop_front_if(|(frame, _)| *frame <= durable) {
                self.outlet.put(&mut bytes).map_err(ServeError::Output)?;
            }
            return Ok(());
        }
        self.outlet.put(&mut self.out).map_err(ServeError::Output)
    }

    fn wait_durable(&mut self) -> Result<(), ServeError> {
        let Some((frame, _)) = self.held.front() else { return Ok(()) };
        let started = Instant::now();
        match self.engine.wait_durable(*frame, DURABLE_WAIT) {
            // A store that has failed says so at once.
            Err(error) if started.elapsed() < DURABLE_WAIT => Err(error.into()),
            // Not yet: the world goes on meanwhile.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// After the last line: what is suspended ends or gives up, in world time, then everything is kept and written. Who
    /// is suspended still is told.
    fn end(&mut self) -> Result<(), ServeError> {
        if !self.options.manual {
            let mut left = (self.client.settings().patience / self.options.dt).ceil() as u64 + 2;
            while left > 0 && !self.suspended.is_empty() {
                self.engine.step()?;
                self.harvest();
                left -= 1;
            }
        }
        self.engine.flush()?;
        for (id, _) in std::mem::take(&mut self.suspended).into_values() {
            reply::begin(&mut self.out, &id);
            reply::refused(&mut self.out, LEFT_SUSPENDED);
        }
        self.release()
    }

    /// The world has stopped: who waits is told.
    fn refuse_all(&mut self, message: &str) {
        self.hear(&mut 0, Duration::ZERO);
        let end = self.queue.back().map_or(self.next, |batch| batch.numbers().end);
        let suspended = std::mem::take(&mut self.suspended);
        let ids = suspended.into_values().map(|(id, _)| id.into_vec());
        let mut all: Vec<Vec<u8>> = ids.collect();
        while self.next < end {
            let Some(batch) = self.queue.front_mut() else { break };
            all.push(batch.at(self.next).0.to_vec());
            self.advance();
        }
        // What was answered before is told, but where it would have to be on disk first.
        let mut out = if self.options.synced { Vec::new() } else { std::mem::take(&mut self.out) };
        for id in all {
            reply::begin(&mut out, &id);
            reply::refused(&mut out, message);
        }
        // Where the output has failed too, nobody is there to be told.
        let _ = self.outlet.put(&mut out);
    }
}

fn put(out: &mut Vec<u8>, id: &[u8], run: bool, answer: &Answer) {
    reply::begin(out, id);
    if run { reply::run(out, &answer.result) } else { reply::done(out, &answer.result) }
}
