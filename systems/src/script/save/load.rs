//! Bytes to a suspended script.
//!
//! Invariant: what is accepted runs without a panic: every node is there and of the kind its frame walks, every
//! count fits. Left out: whether its commands are known, which the run finds out.

use super::super::frame::{Armed, Frame, Loop, Program, UNKNOWN, What};
use super::super::machine::{AWAIT_BODY, LOOP_BODY, Machine};
use super::super::value::Value;
use super::{LoadError, VERSION, what};
use diptych_components::event::Channel;
use diptych_components::slp::{Kind, Object};
use std::sync::Arc;

type Loaded<T> = Result<T, LoadError>;

pub(super) fn load(bytes: &[u8]) -> Loaded<Machine> {
    let mut reader = Reader { rest: bytes, len: bytes.len() };
    if reader.byte()? != VERSION {
        return reader.refuse("their version is unknown");
    }
    let mut machine = Machine { steps: reader.long()?, ..Machine::default() };
    machine.data = reader.optional()?;
    frames(&mut reader, &mut machine)?;
    let count = |machine: &Machine, what| machine.frames.iter().filter(|frame| frame.what == what).count();
    let calls = machine.frames.iter().filter(|frame| frame.what == What::Call);
    let values: u64 = calls.map(|frame| u64::from(frame.next)).sum();
    for _ in 0..values {
        machine.values.push(reader.value()?);
    }
    for _ in 0..count(&machine, What::Loop) {
        machine.loops.push(reader.keys()?);
    }
    for _ in 0..count(&machine, What::Await) {
        machine.armed.push(reader.armed()?);
    }
    if !reader.rest.is_empty() {
        return reader.refuse("there are more than belong to it");
    }
    check_loops(&machine).map_err(|what| LoadError { what, byte: bytes.len() })?;
    let values = machine.values.iter().chain(&machine.data);
    let values =
        values.chain(machine.armed.iter().filter_map(|armed| armed.arrived.as_ref())).map(Value::weight);
    let others = machine.programs.iter().map(|program| program.weight);
    let others = others.chain(machine.loops.iter().map(|around| around.weight));
    machine.bytes = values.chain(others).fold(0, u64::saturating_add);
    Ok(machine)
}

/// The frames, and the programs whose nodes they walk.
fn frames(reader: &mut Reader<'_>, machine: &mut Machine) -> Loaded<()> {
    let count = reader.length()?;
    for _ in 0..count {
        let code = reader.byte()?;
        let Some(what) = what(code) else { return reader.refuse("a frame does what no frame does") };
        machine.frames.push(Frame { what, command: UNKNOWN, program: 0, node: 0, next: reader.int()? });
    }
    let mut below: Option<Frame> = None;
    let last = machine.frames.len().saturating_sub(1);
    for at in 0..machine.frames.len() {
        let mut frame = machine.frames[at];
        if below.is_none() || frame.what.is_eval() {
            let weight = reader.long()?;
            let root = reader.object()?;
            frame.program = machine.programs.len() as u32;
            frame.node = root.view().index();
            machine.programs.push(Program { root, weight });
        } else if let Some(below) = below {
            let root = &machine.programs[below.program as usize].root;
            let Some(node) = node(root, below) else { return reader.refuse("a frame has no node") };
            (frame.program, frame.node) = (below.program, node);
        }
        let root = &machine.programs[frame.program as usize].root;
        if let Err(what) = check(root, frame, below, at == last) {
            return reader.refuse(what);
        }
        machine.frames[at] = frame;
        below = Some(frame);
    }
    Ok(())
}

/// The node that the frame above this one walks.
fn node(root: &Object, below: Frame) -> Option<u32> {
    let index = match below.what {
        What::EvalOne => return Some(below.node),
        What::Forms | What::Body | What::EvalForms => below.next.checked_sub(1)?,
        What::Call => below.next.checked_add(1)?,
        What::Loop => LOOP_BODY,
        What::Await => AWAIT_BODY,
    };
    root.view_at(below.node).get(index).map(|child| child.index())
}

/// Whether a frame fits its node, and its place.
fn check(root: &Object, frame: Frame, below: Option<Frame>, is_last: bool) -> Result<(), &'static str> {
    let view = root.view_at(frame.node);
    let (kind, len) = (view.kind(), view.len());
    let in_loop = below.is_some_and(|below| below.what == What::Loop);
    let is_first = below.is_none();
    let fits = match frame.what {
        What::Forms => is_first && kind == Kind::Bracket,
        What::Body => kind == Kind::Bracket || (kind == Kind::Brace && (is_first || in_loop)),
        What::EvalForms => kind == Kind::Bracket,
        What::EvalOne => true,
        What::Call => kind == Kind::Paren && view.get(0).is_some_and(|head| head.kind() == Kind::Symbol),
        What::Loop => {
            kind == Kind::Paren && view.get(LOOP_BODY).is_some_and(|body| body.kind() == Kind::Brace)
        }
        What::Await => kind == Kind::Paren && len > AWAIT_BODY,
    };
    if !fits || (is_first && matches!(frame.what, What::Call | What::Loop | What::Await)) {
        return Err("a frame does not fit its node");
    }
    if in_loop && frame.what != What::Body && !frame.what.is_eval() {
        return Err("a loop runs something that is no body");
    }
    let counted = match frame.what {
        What::Forms | What::Body | What::EvalForms => frame.next <= len && (is_last || frame.next > 0),
        What::Call => frame.next < len && (is_last || frame.next + 1 < len),
        What::EvalOne => frame.next == u32::from(!is_last),
        What::Loop => frame.next == 0,
        What::Await => {
            if is_last {
                frame.next == 0 || frame.next == 2
            } else {
                frame.next == 1
            }
        }
    };
    if counted { Ok(()) } else { Err("a frame is at a place that its node does not have") }
}

/// A loop whose body runs is within a key.
fn check_loops(machine: &Machine) -> Result<(), &'static str> {
    let frames = machine.frames.iter().enumerate().filter(|(_, frame)| frame.what == What::Loop);
    for ((at, _), around) in frames.zip(&machine.loops) {
        if at + 1 < machine.frames.len() && around.next == 0 {
            return Err("the body of a loop runs without a key");
        }
    }
    Ok(())
}

struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Reader<'a> {
    #[cold]
    fn refuse<T>(&self, what: &'static str) -> Loaded<T> {
        Err(LoadError { what, byte: self.len - self.rest.len() })
    }

    fn take(&mut self, count: usize) -> Loaded<&'a [u8]> {
        let Some((head, rest)) = self.rest.split_at_checked(count) else {
            return self.refuse("they end too early");
        };
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Loaded<[u8; N]> {
        let Some((head, rest)) = self.rest.split_first_chunk() else {
            return self.refuse("they end too early");
        };
        self.rest = rest;
        Ok(*head)
    }

    fn byte(&mut self) -> Loaded<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn int(&mut self) -> Loaded<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Loaded<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Loaded<usize> {
        Ok(self.int()? as usize)
    }

    fn flag(&mut self) -> Loaded<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => self.refuse("a flag is neither 0 nor 1"),
        }
    }

    fn object(&mut self) -> Loaded<Object> {
        let count = self.length()?;
        let bytes = self.take(count)?;
        Object::load(bytes).or_else(|_| self.refuse("a part of it is no object"))
    }

    fn value(&mut self) -> Loaded<Value> {
        let form = self.byte()?;
        let object = self.object()?;
        Value::from_form(form, object).map_or_else(|| self.refuse("a value has a form that there is not"), Ok)
    }

    fn optional(&mut self) -> Loaded<Option<Value>> {
        if self.flag()? { self.value().map(Some) } else { Ok(None) }
    }

    fn keys(&mut self) -> Loaded<Loop> {
        let weight = self.long()?;
        let begun = self.flag()?;
        let count = self.length()?;
        let mut keys: Vec<Arc<[u8]>> = Vec::new();
        for _ in 0..count {
            let len = self.length()?;
            keys.push(self.take(len)?.into());
        }
        if begun && keys.is_empty() {
            return self.refuse("a loop is within a key that is not there");
        }
        Ok(Loop { keys, next: u32::from(begun), current: None, weight })
    }

    fn armed(&mut self) -> Loaded<Armed> {
        let Some(channel) = Channel::from_code(self.byte()?) else {
            return self.refuse("there is no such channel");
        };
        let topic = self.array().map(u16::from_le_bytes)?;
        Ok(Armed { channel, topic, arrived: self.optional()? })
    }
}
