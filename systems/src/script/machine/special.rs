//! The commands that run other code: `iterate`, `eval` and `await`.
//!
//! Invariant: each turns its call into a frame of its own, or into an `eval`'s program, so none of them waits on
//! the stack of Rust. An `eval` with nothing to do after it takes the place of what it is in, so a script that
//! goes on by running itself does not grow. Left out: who delivers events and counts the time.

use super::super::call::Call;
use super::super::failure;
use super::super::frame::{Armed, Frame, KEY_BYTES, Loop, UNKNOWN, What};
use super::super::limits::TEXT_BYTES_A_STEP;
use super::super::value::Value;
use super::Waiting;
use super::step::{Step, Stop, Turn};
use diptych_components::slp::Object;
use std::sync::Arc;

/// Where an `await` begins its body.
const BEGINS: u32 = 0;
/// Where its body runs.
const IN_BODY: u32 = 1;
/// Where it waits for its event.
pub(in super::super) const WAITS: u32 = 2;
/// Children of the calls: what `iterate` runs, and what `await` does first.
pub(in super::super) const LOOP_BODY: u32 = 4;
pub(in super::super) const AWAIT_BODY: u32 = 1;

impl Turn<'_> {
    /// `(core/kv/iterate prefix offset limit {..})`
    pub(super) fn begin_loop(&mut self, frame: Frame) -> Step {
        let found = {
            let mut call = self.call(frame);
            keys(&mut call)
        };
        self.leave_call(frame);
        let keys = match found {
            Ok(keys) => keys,
            Err(error) => return Ok(Some(error.into())),
        };
        let weight = keys.iter().map(|key| key.len() as u64 + KEY_BYTES).sum();
        self.weigh(weight)?;
        self.push(Frame { what: What::Loop, command: UNKNOWN, next: 0, ..frame })?;
        self.machine.loops.push(Loop { keys, next: 0, current: None, weight });
        Ok(None)
    }

    /// Runs the body for the next key.
    pub(super) fn advance_loop(&mut self, frame: Frame) -> Step {
        let around = self.machine.loops.last().ok_or_else(|| Stop::End(failure::lost_place()))?;
        if around.next as usize >= around.keys.len() {
            return Ok(Some(self.leave_loop()));
        }
        self.charge(1)?;
        let node = self.child(frame, LOOP_BODY).ok_or_else(|| Stop::End(failure::lost_place()))?;
        let around = self.machine.loops.last_mut().expect("it was there a moment ago");
        around.next += 1;
        around.current = None;
        if !self.program(frame).view_at(node).is_empty() {
            self.push(Frame { what: What::Body, command: UNKNOWN, program: frame.program, node, next: 0 })?;
        }
        Ok(None)
    }

    /// What the body gave for one key: an ERROR is the end, and is logged.
    pub(super) fn take_in_loop(&mut self, value: Value) -> Option<Value> {
        if !value.is_error() {
            return None;
        }
        let around = self.machine.loops.last().filter(|around| around.next > 0);
        let key = around.map_or(&b""[..], |around| &around.keys[around.next as usize - 1]);
        let mut line = format!("core/kv/iterate ended at {}: ", failure::shortened(key)).into_bytes();
        line.extend_from_slice(&value.text());
        self.host.log(&line);
        Some(self.leave_loop())
    }

    fn leave_loop(&mut self) -> Value {
        self.machine.frames.pop();
        if let Some(around) = self.machine.loops.pop() {
            self.machine.unweigh(around.weight);
        }
        Value::boolean(true)
    }

    /// `(core/expr/eval script)`
    pub(super) fn begin_eval(&mut self, frame: Frame) -> Step {
        let value = self.machine.values.last().ok_or_else(|| Stop::End(failure::lost_place()))?;
        let value = value.clone().detached();
        // `text of O` runs O: it is what the text would parse to.
        let text = if value.is_text() { None } else { value.source().view().string() };
        let (what, root) = match text {
            Some(text) => {
                self.charge(1 + text.len() as u64 / TEXT_BYTES_A_STEP)?;
                match self.cache.parse(text, &self.limits.parse) {
                    Ok(forms) => (What::EvalForms, forms),
                    Err(error) => {
                        self.leave_call(frame);
                        return Ok(Some(error.into()));
                    }
                }
            }
            None => (What::EvalOne, value.source().clone()),
        };
        self.leave_call(frame);
        self.leave_what_is_done();
        let node = root.view().index();
        let program = self.push_program(root)?;
        self.push(Frame { what, command: UNKNOWN, program, node, next: 0 })?;
        Ok(None)
    }

    /// Frames that would only hand on what comes.
    fn leave_what_is_done(&mut self) {
        while let Some(frame) = self.machine.frames.last().copied() {
            let done = match frame.what {
                What::Forms | What::Body | What::EvalForms => {
                    frame.next >= self.program(frame).view_at(frame.node).len()
                }
                What::EvalOne => frame.next > 0,
                What::Call | What::Loop | What::Await => false,
            };
            if !done {
                return;
            }
            self.leave_list(Value::none());
        }
        self.drop_programs(0);
    }

    /// `(core/expr/await body channel topic)`
    pub(super) fn begin_await(&mut self, frame: Frame) -> Step {
        let checked = {
            let call = self.call(frame);
            let place = call.channel(1).and_then(|channel| Ok((channel, call.topic(2)?)));
            place
                .and_then(|(channel, topic)| call.host.check_await(channel, topic).map(|()| (channel, topic)))
        };
        self.leave_call(frame);
        let (channel, topic) = match checked {
            Ok(place) => place,
            Err(error) => return Ok(Some(error.into())),
        };
        self.push(Frame { what: What::Await, command: UNKNOWN, next: BEGINS, ..frame })?;
        self.machine.armed.push(Armed { channel, topic, arrived: None });
        Ok(None)
    }

    /// Begins the body, or looks whether the event is there.
    pub(super) fn advance_await(&mut self, frame: Frame) -> Step {
        if frame.next == BEGINS {
            self.charge(1)?;
            self.top().next = IN_BODY;
            let body = self.child(frame, AWAIT_BODY).ok_or_else(|| Stop::End(failure::lost_place()))?;
            return self.visit(frame.program, body);
        }
        if frame.next != WAITS {
            return Err(Stop::End(failure::lost_place()));
        }
        let arrived = self.machine.armed.last_mut().and_then(|armed| armed.arrived.take());
        let Some(value) = arrived else { return Err(Stop::Wait(Waiting::Event)) };
        self.machine.unweigh(value.weight());
        self.machine.armed.pop();
        self.machine.frames.pop();
        Ok(Some(value))
    }

    /// What the body gave: an ERROR is the end.
    pub(super) fn take_in_await(&mut self, value: Value) -> Option<Value> {
        if !value.is_error() {
            self.top().next = WAITS;
            return None;
        }
        if let Some(Some(arrived)) = self.machine.armed.pop().map(|armed| armed.arrived) {
            self.machine.unweigh(arrived.weight());
        }
        self.machine.frames.pop();
        Some(value)
    }

    /// The arguments of a call to a command that is part of the machine.
    fn call(&mut self, frame: Frame) -> Call<'_> {
        let base = self.machine.values.len() - frame.next as usize;
        let arguments = &self.machine.values[base..];
        Call {
            host: &mut *self.host,
            command: self.commands.at(frame.command),
            arguments,
            waiting: false,
            acted: false,
        }
    }
}

/// The keys of an `iterate`.
fn keys(call: &mut Call<'_>) -> Result<Vec<Arc<[u8]>>, Object> {
    let prefix = call.text(0)?;
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    let (offset, limit) = (count(call.integer(1)?), count(call.integer(2)?));
    call.host.keys(&prefix, offset, limit)
}
