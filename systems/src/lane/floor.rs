//! The floor that lanes run on: the queue of requests, the committed index, and what goes out after a commit.
//!
//! Invariant: nothing here is stored. The index and the mirror follow from the committed world and are made again when
//! it is opened; requests, ways back of answers and lines of the log end with the process. The index changes at
//! commits only, while nobody reads it.

use super::host::{BYTES_A_FRAME, Terms};
use super::mirror::Mirror;
use super::request::{Answer, Request, To};
use super::write::REST_BYTES_A_FRAME;
use crate::event::{Bus, Event};
use crate::kv::{Index, Update};
use crate::script::{self, Commands};
use diptych_components::kv as data;
use diptych_components::slp::Object;
use diptych_engine::ingress::{INGRESS_MAX, Ingress, IngressError, TryPushError};
use diptych_engine::{Clock, Intake, Observer, View};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, TryLockError};

/// Lines of the log that are kept; older ones are dropped and counted.
pub const LOG_LINES_MAX: usize = 65_536;
/// Bytes of those lines; in a frame shared out evenly to the lanes.
pub const LOG_BYTES_MAX: usize = 64 << 20;

/// Requests that a frame takes at most; the rest wait for the next. As many as stay in a core's cache: with 65,536 a
/// frame each costs twice as much.
pub const REQUESTS_A_FRAME: usize = 4096;

/// What can be set about a runtime.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Of scripts: steps, memory, parsing.
    pub scripts: script::Limits,
    /// Of keys and values.
    pub entries: data::Limits,
    /// Seconds of world time that an await waits at most.
    pub patience: f64,
    /// Processors of the execution channel.
    pub processors: u16,
    /// Events that have a place in a frame.
    pub events: u32,
    /// Requests that wait at most; beyond it senders wait.
    pub requests: usize,
    /// Bytes that scripts write in a frame before they wait for the next, see [`BYTES_A_FRAME`]; with 0 each lane gets
    /// on by one command a frame.
    pub bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scripts: script::Limits::default(),
            entries: data::Limits::default(),
            patience: 5.0,
            processors: 1,
            events: crate::event::EVENTS_A_FRAME,
            requests: INGRESS_MAX,
            bytes: BYTES_A_FRAME,
        }
    }
}

/// Figures of a runtime, for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Requests taken.
    pub requests: u64,
    /// Jobs done by lanes.
    pub jobs: u64,
    /// Lines of the log that were dropped.
    pub lines_dropped: u64,
}

/// What the lanes' system works on, frame after frame.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) mirror: Mirror,
    pub(super) backlog: VecDeque<Request>,
}

/// What waits for the commit.
#[derive(Debug, Default)]
struct After {
    answers: Vec<Due>,
    /// Empty: kept for its memory.
    spare: Vec<Due>,
    /// Answers of who has published, until the events have their place.
    parked: Vec<Due>,
    changes: Vec<(Arc<str>, Vec<Update>)>,
}

/// An answer that is due.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) to: To,
    pub(super) result: Object,
    /// The session, if it has published.
    pub(super) publisher: Option<Arc<str>>,
}

/// The floor; shared by the systems, the observer and whoever sends requests.
#[derive(Debug)]
pub struct Floor {
    pub(super) settings: Settings,
    pub(super) commands: Commands,
    requests: Ingress<Request>,
    bus: OnceLock<Bus>,
    intake: OnceLock<Intake>,
    index: RwLock<Index>,
    ledger: Mutex<Ledger>,
    shown: Shown,
    after: Mutex<After>,
    log: Mutex<Log>,
    figures: Mutex<Figures>,
}

/// What threads outside see of the work, which is locked as long as lanes run; as of the end of the last frame that
/// had any.
#[derive(Debug, Default)]
struct Shown {
    /// Whether requests were left over.
    backlog: AtomicBool,
    /// Whether scripts go on without a step.
    goes_on: AtomicBool,
    /// The highest number of a session with a number for a name.
    numbered: AtomicU64,
}

#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    dropped: u64,
}

/// A panic under these locks stops the engine, so nobody sees what it left.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Floor {
    /// A floor with these settings and commands.
    ///
    /// # Panics
    /// When `settings.requests` is 0 or above [`INGRESS_MAX`].
    pub fn new(settings: Settings, commands: Commands) -> Arc<Self> {
        Arc::new(Self {
            requests: Ingress::new(settings.requests),
            settings,
            commands,
            bus: OnceLock::new(),
            intake: OnceLock::new(),
            index: RwLock::default(),
            ledger: Mutex::default(),
            shown: Shown::default(),
            after: Mutex::default(),
            log: Mutex::default(),
            figures: Mutex::default(),
        })
    }

    /// Sends a request; waits while the queue is full.
    ///
    /// # Errors
    /// As [`Ingress::push`].
    pub fn send(&self, request: Request) -> Result<(), IngressError> {
        self.requests.post(request)
    }

    /// Sends a request if there is room.
    ///
    /// # Errors
    /// Gives the request back when the queue is full or closed.
    pub fn try_send(&self, request: Request) -> Result<(), TryPushError<Request>> {
        self.requests.try_post(request)
    }

    /// Whether requests wait for a frame.
    pub fn is_waiting(&self) -> bool {
        !self.requests.is_empty() || self.shown.backlog.load(Ordering::Acquire)
    }

    /// Whether scripts would go on in a still frame: those that have used up their steps of the last one. Where nobody
    /// makes steps, make still frames as long as this holds.
    pub fn goes_on(&self) -> bool {
        self.shown.goes_on.load(Ordering::Acquire)
    }

    /// A number that no session `<name>_session_<n>` has had in this process, nor any that it found stored.
    pub fn next_number(&self) -> u64 {
        // Relaxed: only the number matters.
        self.shown.numbered.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Tells the threads outside how the work stands.
    pub(super) fn show(&self, ledger: &Ledger) {
        self.shown.backlog.store(!ledger.backlog.is_empty(), Ordering::Release);
        self.shown.goes_on.store(!ledger.mirror.spent.is_empty(), Ordering::Release);
        self.shown.numbered.fetch_max(ledger.mirror.numbered, Ordering::Relaxed);
    }

    /// What can be called.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The committed entries. Hold it under a lease or between frames, and shortly: a commit waits for it.
    pub fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lines that sessions have logged since the last time, in order.
    pub fn take_log(&self) -> Vec<Vec<u8>> {
        let mut log = lock(&self.log);
        log.bytes = 0;
        log.lines.drain(..).collect()
    }

    /// What was done so far.
    pub fn figures(&self) -> Figures {
        Figures { lines_dropped: lock(&self.log).dropped, ..*lock(&self.figures) }
    }

    pub(super) fn count(&self, requests: u64, jobs: u64) {
        let mut figures = lock(&self.figures);
        figures.requests += requests;
        figures.jobs += jobs;
    }

    /// The work, taken for a frame, with what has arrived by now.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        let mut ledger = lock(&self.ledger);
        if let Some(bytes) = self.intake().replayed() {
            let Ledger { backlog, mirror } = &mut *ledger;
            let read = super::record::replay(&bytes, mirror, backlog);
            read.unwrap_or_else(|error| panic!("the requests in the log of inputs cannot be read: {error}"));
            self.count(backlog.len() as u64, 0);
        } else if !self.requests.is_empty() {
            let Ledger { backlog, .. } = &mut *ledger;
            let room = REQUESTS_A_FRAME.saturating_sub(backlog.len());
            let drained = self.requests.drain(room, |request, _| backlog.push_back(request));
            self.count(drained.count, 0);
        }
        ledger
    }

    /// Steps that make so many seconds, at least.
    pub(super) fn steps(clock: Clock, seconds: f64) -> u64 {
        // A world whose time stands still waits for ever; the cast saturates.
        (seconds / clock.tick()).ceil() as u64
    }

    pub(super) fn terms(&self, clock: Clock, in_line: usize) -> Terms {
        // A tiny part of a step for the rounding of the quotient: 60 steps of 1/60 s are a second.
        let second = (1.0 / clock.tick() + 1e-6).floor() as u64;
        Terms {
            limits: self.settings.entries,
            step: clock.step(),
            second,
            processors: self.settings.processors,
            slots: (self.settings.events as usize).saturating_sub(in_line),
            lines: LOG_LINES_MAX,
            line_bytes: LOG_BYTES_MAX,
            rests: REST_BYTES_A_FRAME,
            bytes: self.settings.bytes,
        }
    }

    /// A list for so many answers.
    pub(super) fn spare_answers(&self, count: usize) -> Vec<Due> {
        let mut spare = core::mem::take(&mut lock(&self.after).spare);
        spare.reserve(count);
        spare
    }

    /// What goes out after the commit, and what the index takes at it.
    pub(super) fn later(&self, answers: &mut Vec<Due>, changes: &mut Vec<(Arc<str>, Vec<Update>)>) {
        let mut after = lock(&self.after);
        if after.answers.is_empty() {
            // The memory of the one is that of the other.
            core::mem::swap(&mut after.answers, answers);
        }
        after.answers.append(answers);
        after.changes.append(changes);
    }

    /// Hands what scripts have published to the topics.
    pub(super) fn publish(&self, events: Vec<Event>) {
        self.bus.get().expect("registration brings the bus").hand_over(events);
    }

    /// Says where events go, and where it is noted what frames take; once.
    pub(super) fn connect(&self, bus: Bus, intake: Intake) {
        let connected = self.bus.set(bus).is_ok() && self.intake.set(intake).is_ok();
        assert!(connected, "a floor belongs to one engine");
    }

    /// Where it is noted what frames take.
    pub(super) fn intake(&self) -> &Intake {
        self.intake.get().expect("registration brings the intake")
    }

    pub(super) fn log(&self, lines: &mut Vec<Vec<u8>>, dropped: u64) {
        if lines.is_empty() && dropped == 0 {
            return;
        }
        let mut log = lock(&self.log);
        log.dropped += dropped;
        for line in lines.drain(..) {
            tracing::info!(target: "diptych::session", "{}", String::from_utf8_lossy(&line));
            log.bytes += line.len();
            log.lines.push_back(line);
            while log.lines.len() > LOG_LINES_MAX || log.bytes > LOG_BYTES_MAX {
                let Some(oldest) = log.lines.pop_front() else { break };
                log.bytes -= oldest.len();
                log.dropped += 1;
            }
        }
    }

    /// Gives the answers of a committed frame out; who has events in line, as `waiting` tells, waits on.
    pub(super) fn give_out(&self, frame: u64, waiting: impl FnOnce() -> BTreeSet<Arc<str>>) {
        let mut after = lock(&self.after);
        if after.answers.is_empty() && after.parked.is_empty() {
            return;
        }
        let waiting = waiting();
        let mut due = core::mem::take(&mut after.answers);
        if !after.parked.is_empty() {
            let mut parked = core::mem::take(&mut after.parked);
            parked.append(&mut due);
            due = parked;
        }
        let waits = |one: &mut Due| one.publisher.as_ref().is_some_and(|session| waiting.contains(session));
        after.parked = due.extract_if(.., waits).collect();
        To::answer_all(due.drain(..).map(|one| (one.to, Answer { result: one.result, frame })));
        if due.capacity() <= REQUESTS_A_FRAME {
            after.spare = due;
        }
    }
}

impl Ledger {
    /// Whether there is nothing to do at this step.
    pub(super) fn is_idle(&self, step: u64) -> bool {
        let Self { mirror, backlog } = self;
        backlog.is_empty()
            && mirror.spent.is_empty()
            && mirror.roomless.is_empty()
            && !mirror.deadlines.are_due(step)
    }
}

impl Observer for Floor {
    fn begin(&self, view: View<'_>) {
        let mut ledger = lock(&self.ledger);
        ledger.mirror = Mirror::of(view);
        self.show(&ledger);
        drop(ledger);
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        *index = Index::default();
        for (id, key) in view.iter::<data::Key>() {
            let value = view.get::<data::Value>(id).expect("an entry has a key and a value");
            let entity = view.entity(id).expect("what the view shows is there");
            index.insert(key, value, id, entity);
        }
    }

    fn commit(&self, _: View<'_>) {
        let mut after = lock(&self.after);
        if after.changes.is_empty() {
            return;
        }
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.apply_all(&mut after.changes);
    }

    fn stopped(&self, reason: &str) {
        self.requests.fail(reason);
        // Dropping the promises tells who waits. A failing frame may hold the first lock.
        *lock(&self.after) = After::default();
        match self.ledger.try_lock() {
            Ok(mut ledger) => *ledger = Ledger::default(),
            // The lanes' system panicked under it.
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = Ledger::default(),
            // The frame that fails still holds it, and is told at its end.
            Err(TryLockError::WouldBlock) => {}
        }
        self.shown.backlog.store(false, Ordering::Release);
        self.shown.goes_on.store(false, Ordering::Release);
        self.requests.drain(INGRESS_MAX, |_, _| {});
    }
}
