//! The machine that runs a script.
//!
//! Invariant: between two steps the stacks say everything, so a machine can be left, saved and gone on with; `run`
//! with a smaller budget only stops more often. Left out: when it goes on, which is its owner's.

mod argument;
mod special;
mod step;

use super::cache::ParseCache;
use super::frame::{Armed, Frame, Loop, Program, UNKNOWN, What};
use super::host::Host;
use super::limits::Limits;
use super::registry::Commands;
use super::value::Value;
use diptych_components::slp::{Kind, Object};
use std::fmt;
use step::{Stop, Turn};

pub(super) use special::{AWAIT_BODY, LOOP_BODY, WAITS as AWAIT_WAITS};

/// A script that runs, waits or has ended.
///
/// A machine that ended can be started again, and keeps its memory.
///
/// # Examples
/// See `systems/src/script/tests.rs` for a host in memory; with one:
/// ```
/// # use diptych_components::{event::Channel, slp::{self, Object}};
/// # use diptych_systems::script::{Bindings, Commands, Host, Limits, Machine, Outcome, ParseCache, Permission, Published};
/// # use std::{collections::BTreeMap, sync::Arc};
/// # #[derive(Default)] struct Memory(BTreeMap<Vec<u8>, Object>);
/// # impl Host for Memory {
/// #     fn get(&mut self, key: &[u8]) -> Result<Option<Object>, Object> { Ok(self.0.get(key).cloned()) }
/// #     fn set(&mut self, key: &[u8], value: Object) -> Result<(), Object> { self.0.insert(key.to_vec(), value); Ok(()) }
/// #     fn delete(&mut self, key: &[u8]) -> Result<bool, Object> { Ok(self.0.remove(key).is_some()) }
/// #     fn exists(&mut self, key: &[u8]) -> Result<bool, Object> { Ok(self.0.contains_key(key)) }
/// #     fn set_if_absent(&mut self, _: &[u8], _: Object) -> Result<bool, Object> { Ok(false) }
/// #     fn compare_and_swap(&mut self, _: &[u8], _: &[u8], _: Object) -> Result<bool, Object> { Ok(false) }
/// #     fn keys(&mut self, _: &[u8], _: u64, _: u64) -> Result<Vec<Arc<[u8]>>, Object> { Ok(vec![]) }
/// #     fn publish(&mut self, _: Channel, _: u16, _: Object, _: bool) -> Result<Published, Object> { Ok(Published::Taken) }
/// #     fn subscribe(&mut self, _: Channel, _: u16, _: Object) -> Result<(), Object> { Ok(()) }
/// #     fn check_await(&mut self, _: Channel, _: u16) -> Result<(), Object> { Ok(()) }
/// #     fn check_publish(&mut self, _: Channel, _: u16) -> Result<(), Object> { Ok(()) }
/// #     fn log(&mut self, _: &[u8]) {}
/// #     fn permit(&mut self, _: Permission) -> Result<(), Object> { Ok(()) }
/// # }
/// let script = slp::parse(b"(core/kv/set score 42) (core/kv/get score)", &slp::Limits::default())?;
/// let (mut machine, commands) = (Machine::new(), Commands::new());
/// machine.start(script.as_object(), Bindings::default());
/// let outcome = machine.run(&mut Memory::default(), &commands, &Limits::default(), &mut ParseCache::new());
/// assert_eq!(outcome, Outcome::Done(Object::string("42")));
/// # Ok::<(), slp::ParseError>(())
/// ```
#[derive(Default)]
pub struct Machine {
    pub(super) frames: Vec<Frame>,
    /// Arguments of the calls that are open, from the outermost on.
    pub(super) values: Vec<Value>,
    /// The script, then one for each `eval` that is open.
    pub(super) programs: Vec<Program>,
    pub(super) loops: Vec<Loop>,
    pub(super) armed: Vec<Armed>,
    pub(super) data: Option<Value>,
    /// Since the start.
    pub(super) steps: u64,
    /// What values, keys and programs weigh.
    pub(super) bytes: u64,
}

/// What a script knows from outside.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Bindings {
    /// `$data`: the text of an event, [`Value::text_of`].
    pub data: Option<Value>,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The script ended with this value, perhaps an ERROR.
    Done(Object),
    /// It goes on at the next [`Machine::run`] when there is what it waits for.
    Suspended(Waiting),
}

/// What a suspended script waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Waiting {
    /// The event of the last of [`Machine::armed`], or [`Machine::resume`].
    Event,
    /// Room for the event it publishes.
    Room,
    /// The steps of another frame.
    Budget,
}

impl Machine {
    /// One that has ended.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the forms of a script: a `[..]` as [`slp::Forms`](diptych_components::slp::Forms) has it. Whatever
    /// it was doing is forgotten.
    ///
    /// # Panics
    /// When `forms` is no `[..]`.
    pub fn start(&mut self, forms: &Object, bindings: Bindings) {
        assert!(forms.kind() == Kind::Bracket, "a script is the [..] of its forms, not {:?}", forms.kind());
        self.begin(What::Forms, forms, bindings);
    }

    /// Begins the body of a handler: a `{..}`, which runs up to the first ERROR. Whatever it was doing is
    /// forgotten.
    ///
    /// # Panics
    /// When `body` is no `{..}`.
    pub fn start_body(&mut self, body: &Object, bindings: Bindings) {
        assert!(body.kind() == Kind::Brace, "a handler is a {{..}}, not {:?}", body.kind());
        self.begin(What::Body, body, bindings);
    }

    /// Begins what `eval` would run for this value: the forms of a string, and any other object as a form.
    /// Whatever it was doing is forgotten.
    ///
    /// # Errors
    /// An ERROR with line and column, when it is a text that does not parse; the machine has ended.
    pub fn start_value(
        &mut self,
        value: &Value,
        bindings: Bindings,
        limits: &Limits,
        cache: &mut ParseCache,
    ) -> Result<(), Object> {
        self.clear();
        let object = value.source();
        match object.view().string() {
            Some(text) => {
                let forms = cache.parse(text, &limits.parse)?;
                self.begin(What::Forms, &forms, bindings);
            }
            None => self.begin(What::EvalOne, object, bindings),
        }
        Ok(())
    }

    fn begin(&mut self, what: What, root: &Object, bindings: Bindings) {
        self.clear();
        self.bytes = bindings.data.as_ref().map_or(0, Value::weight);
        self.data = bindings.data;
        let node = root.view().index();
        self.programs.push(Program { root: root.clone(), weight: 0 });
        self.frames.push(Frame { what, command: UNKNOWN, program: 0, node, next: 0 });
    }

    /// Runs until the script ends or waits.
    ///
    /// A machine that has ended is done again, with NONE.
    pub fn run(
        &mut self,
        host: &mut dyn Host,
        commands: &Commands,
        limits: &Limits,
        cache: &mut ParseCache,
    ) -> Outcome {
        let left = limits.steps_a_frame.max(1);
        match (Turn { machine: self, host, commands, limits, cache, left }).go() {
            Ok(value) => {
                self.clear();
                Outcome::Done(value.into_object())
            }
            Err(Stop::End(error)) => {
                self.clear();
                Outcome::Done(error)
            }
            Err(Stop::Wait(waiting)) => Outcome::Suspended(waiting),
        }
    }

    /// Gives the innermost await, which must be waiting, its value: the text of an event, or an ERROR such as
    /// [`timed_out`](super::timed_out). An event that is there already stays. Whether it was waiting.
    pub fn resume(&mut self, with: Value) -> bool {
        let waiting = self.is_waiting_for_event();
        if waiting {
            let last = self.armed.len() - 1;
            self.arrive(last, with);
        }
        waiting
    }

    /// An event for one of [`Machine::armed`]; the first one counts. Whether the script can go on: its innermost
    /// await waits for this.
    pub fn deliver(&mut self, armed: usize, data: Object) -> bool {
        if armed < self.armed.len() {
            self.arrive(armed, Value::text_of(data.compact()));
        }
        armed + 1 == self.armed.len() && self.is_waiting_for_event()
    }

    fn arrive(&mut self, armed: usize, value: Value) {
        let place = &mut self.armed[armed].arrived;
        if place.is_none() {
            self.bytes = self.bytes.saturating_add(value.weight());
            *place = Some(value);
        }
    }

    /// The awaits that want an event, the innermost last; those whose body still runs are among them.
    #[must_use]
    pub fn armed(&self) -> &[Armed] {
        &self.armed
    }

    /// Whether it can only go on with an event, or with [`Machine::resume`]; still so when that came.
    #[must_use]
    pub fn is_waiting_for_event(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.what == What::Await && frame.next == special::WAITS)
    }

    /// Whether there is nothing to run.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.frames.is_empty()
    }

    /// Steps since the start.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Gives memory back.
    #[inline]
    fn unweigh(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Forgets what it was doing and keeps the memory.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.values.clear();
        self.programs.clear();
        self.loops.clear();
        self.armed.clear();
        self.data = None;
        (self.steps, self.bytes) = (0, 0);
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (frames, values) = (self.frames.len(), self.values.len());
        f.debug_struct("Machine")
            .field("frames", &frames)
            .field("values", &values)
            .field("armed", &self.armed)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}
