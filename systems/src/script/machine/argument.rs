//! The arguments of a call, one by one.
//!
//! Invariant: every argument that is there is one value, checked against its parameter; the first that does not fit,
//! or is an ERROR, is the end of the call. Left out: what the command does with them.

use super::super::call::{BODY, CHANNEL};
use super::super::command::{Command, ParameterKind};
use super::super::failure;
use super::super::frame::{Frame, UNKNOWN};
use super::super::value::Value;
use super::step::{Step, Stop, Turn, variable};
use diptych_components::event::Channel;
use diptych_components::slp::{Kind, Object};

impl Turn<'_> {
    /// Goes on with a call: the arguments that are missing, then the command.
    pub(super) fn advance_call(&mut self, frame: Frame) -> Step {
        let mut frame = frame;
        if frame.command == UNKNOWN {
            match self.look_up(frame) {
                Ok(number) => frame.command = number,
                Err(error) => return Ok(Some(self.refuse(frame, error))),
            }
            self.top().command = frame.command;
        }
        let commands = self.commands;
        let command = commands.at(frame.command);
        let given = self.program(frame).view_at(frame.node).len() - 1;
        let Ok(count) = command.takes(given) else { return Err(Stop::End(failure::lost_place())) };
        while frame.next < count {
            self.charge(1)?;
            let node = self.child(frame, frame.next + 1).ok_or_else(|| Stop::End(failure::lost_place()))?;
            let value = match command.at(frame.next).kind() {
                ParameterKind::Key | ParameterKind::Topic | ParameterKind::Count | ParameterKind::Body => {
                    match self.literal(frame, command, node) {
                        Ok(value) => value,
                        Err(error) => return Ok(Some(self.refuse(frame, error))),
                    }
                }
                ParameterKind::Expression => Value::none(),
                ParameterKind::Evaluated
                | ParameterKind::Any
                | ParameterKind::Prefix
                | ParameterKind::Channel => {
                    let Some(value) = self.visit(frame.program, node)? else { return Ok(None) };
                    if let Some(end) = self.accept(frame, command, value)? {
                        return Ok(Some(end));
                    }
                    frame.next += 1;
                    continue;
                }
            };
            self.push_value(value)?;
            frame.next += 1;
            self.top().next = frame.next;
        }
        self.execute(frame, command)
    }

    /// Takes an evaluated argument; a value where that is the end of the call.
    #[inline]
    pub(super) fn accept(&mut self, frame: Frame, command: &Command, value: Value) -> Step {
        let kind = command.at(frame.next).kind();
        if value.is_error() && kind != ParameterKind::Any {
            self.leave_call(frame);
            return Ok(Some(value));
        }
        let expected = match kind {
            ParameterKind::Channel if Channel::from_symbol(&value.text()).is_none() => CHANNEL,
            ParameterKind::Prefix if !matches!(value.kind(), Kind::Symbol | Kind::String) => {
                "a symbol or a string"
            }
            _ => {
                self.push_value(value)?;
                self.top().next += 1;
                return Ok(None);
            }
        };
        let error = failure::argument(command, frame.next, expected, value.source().view());
        Ok(Some(self.refuse(frame, error)))
    }

    /// Ends a call with an ERROR.
    #[cold]
    fn refuse(&mut self, frame: Frame, error: Object) -> Value {
        self.leave_call(frame);
        error.into()
    }

    /// As `accept`, in a call that was loaded in the middle of an argument.
    #[cold]
    pub(super) fn take_in_loaded_call(&mut self, frame: Frame, value: Value) -> Step {
        let number = match self.look_up(frame) {
            Ok(number) => number,
            Err(error) => return Ok(Some(self.refuse(frame, error))),
        };
        self.top().command = number;
        let command = self.commands.at(number);
        if command.parameters().is_empty() {
            return Err(Stop::End(failure::lost_place()));
        }
        self.accept(frame, command, value)
    }

    /// An argument that is not evaluated.
    fn literal(&mut self, frame: Frame, command: &Command, node: u32) -> Result<Value, Object> {
        let machine = &mut *self.machine;
        let root = &machine.programs[frame.program as usize].root;
        let view = root.view_at(node);
        let kind = command.at(frame.next).kind();
        let refused = |expected| Err(failure::argument(command, frame.next, expected, view));
        let bound = match view.symbol() {
            Some(name) if name[0] == b'$' => variable(name, &machine.data, &mut machine.loops, self.cache),
            _ => None,
        };
        match kind {
            ParameterKind::Key => match bound {
                // The text itself, for a key is bytes.
                Some(value) => Ok(Value::from(value.to_stored())),
                None if view.kind() == Kind::Symbol => Ok(Value::literal(view.to_object(root))),
                None => refused("a symbol"),
            },
            ParameterKind::Body if view.kind() == Kind::Brace => Ok(Value::literal(view.to_object(root))),
            ParameterKind::Body => refused(BODY),
            _ => {
                let number = bound.as_ref().map_or(view.integer(), Value::as_integer);
                let Some(number) = number else {
                    return match bound {
                        Some(value) => {
                            let given = value.source().view();
                            Err(failure::argument(command, frame.next, "an integer", given))
                        }
                        None => refused("a literal integer"),
                    };
                };
                if kind == ParameterKind::Topic && u16::try_from(number).is_err() {
                    return Err(failure::no_topic(command, frame.next, number));
                }
                if number < 0 {
                    return Err(failure::negative(command, frame.next, number));
                }
                Ok(Value::integer(number))
            }
        }
    }

    /// The command of a call that was loaded.
    #[cold]
    fn look_up(&self, frame: Frame) -> Result<u16, Object> {
        let view = self.program(frame).view_at(frame.node);
        let name = view.get(0).and_then(|head| head.symbol()).ok_or_else(failure::lost_place)?;
        let number = self.commands.find(name).ok_or_else(|| failure::unknown_function(name))?;
        let count = self.commands.at(number).takes(view.len() - 1).map_err(|_| failure::lost_place())?;
        if frame.next > count { Err(failure::lost_place()) } else { Ok(number) }
    }
}
