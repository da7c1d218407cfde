//! One step after the other.
//!
//! Invariant: a step is paid for before it changes anything, so whoever cannot pay stops where it can begin again.
//! Left out: arguments (`argument`), and the commands that run other code (`special`).

use super::super::cache::ParseCache;
use super::super::call::Call;
use super::super::command::{Command, Run};
use super::super::failure;
use super::super::frame::{Frame, Program, UNKNOWN, What};
use super::super::host::{Host, Permission};
use super::super::limits::Limits;
use super::super::registry::Commands;
use super::super::value::{Value, weight};
use super::{Machine, Waiting};
use diptych_components::event::Channel;
use diptych_components::slp::{Kind, Object};

/// Why nothing more is done now.
pub(super) enum Stop {
    /// Until there is something.
    Wait(Waiting),
    /// For good, with this ERROR.
    End(Object),
}

/// A value on its way to the frame that wants it; none where something was begun instead.
pub(super) type Step = Result<Option<Value>, Stop>;

/// One run of a machine.
pub(super) struct Turn<'a> {
    pub(super) machine: &'a mut Machine,
    pub(super) host: &'a mut dyn Host,
    pub(super) commands: &'a Commands,
    pub(super) limits: &'a Limits,
    pub(super) cache: &'a mut ParseCache,
    /// Steps that are left.
    pub(super) left: u64,
}

impl Turn<'_> {
    /// Runs to the end of the script or of what can be done now.
    pub(super) fn go(&mut self) -> Result<Value, Stop> {
        let mut coming = None;
        while let Some(frame) = self.machine.frames.last().copied() {
            coming = match coming {
                None => self.advance(frame)?,
                Some(value) => self.take(frame, value)?,
            };
        }
        Ok(coming.unwrap_or(const { Value::none() }))
    }

    /// Goes on with the topmost frame.
    #[inline]
    fn advance(&mut self, frame: Frame) -> Step {
        match frame.what {
            What::Call => self.advance_call(frame),
            What::Forms | What::Body | What::EvalForms => {
                let child = self.child(frame, frame.next);
                let Some(child) = child else { return Ok(Some(self.leave_list(Value::none()))) };
                self.charge(1)?;
                self.top().next += 1;
                self.visit(frame.program, child)
            }
            What::EvalOne if frame.next == 0 => {
                self.charge(1)?;
                self.top().next = 1;
                self.visit(frame.program, frame.node)
            }
            What::EvalOne => Err(Stop::End(failure::lost_place())),
            What::Loop => self.advance_loop(frame),
            What::Await => self.advance_await(frame),
        }
    }

    /// Hands a value to the topmost frame.
    #[inline]
    fn take(&mut self, frame: Frame, value: Value) -> Step {
        match frame.what {
            What::Call => {
                let commands = self.commands;
                if frame.command == UNKNOWN {
                    return self.take_in_loaded_call(frame, value);
                }
                self.accept(frame, commands.at(frame.command), value)
            }
            What::Forms | What::Body | What::EvalForms => {
                let ends = frame.what == What::Body && value.is_error();
                if ends || frame.next >= self.length(frame) {
                    return Ok(Some(self.leave_list(value)));
                }
                Ok(None)
            }
            What::EvalOne => Ok(Some(self.leave_list(value))),
            What::Loop => Ok(self.take_in_loop(value)),
            What::Await => Ok(self.take_in_await(value)),
        }
    }

    /// Pays for steps.
    #[inline]
    pub(super) fn charge(&mut self, steps: u64) -> Result<(), Stop> {
        if self.left == 0 {
            return Err(Stop::Wait(Waiting::Budget));
        }
        self.left = self.left.saturating_sub(steps);
        self.machine.steps = self.machine.steps.saturating_add(steps);
        if self.machine.steps > self.limits.steps_in_all {
            return Err(Stop::End(failure::too_many_steps(self.limits.steps_in_all)));
        }
        Ok(())
    }

    #[inline]
    pub(super) fn top(&mut self) -> &mut Frame {
        self.machine.frames.last_mut().expect("whoever asks has seen the topmost frame")
    }

    /// The program of a frame.
    #[inline]
    pub(super) fn program(&self, frame: Frame) -> &Object {
        &self.machine.programs[frame.program as usize].root
    }

    /// The node of a child of a frame's node.
    #[inline]
    pub(super) fn child(&self, frame: Frame, index: u32) -> Option<u32> {
        self.program(frame).view_at(frame.node).get(index).map(|child| child.index())
    }

    #[inline]
    fn length(&self, frame: Frame) -> u32 {
        self.program(frame).view_at(frame.node).len()
    }

    /// The value of a node, where it is there at once; else the node is begun.
    pub(super) fn visit(&mut self, program: u32, node: u32) -> Step {
        let root = &self.machine.programs[program as usize].root;
        let view = root.view_at(node);
        let value = match view.kind() {
            Kind::Integer | Kind::Real | Kind::None | Kind::Rune => Value::from(view.to_object(root)),
            Kind::String | Kind::Brace | Kind::Error => Value::literal(view.to_object(root)),
            Kind::Symbol => {
                let name = view.symbol().unwrap_or_default();
                let literal = || Value::literal(view.to_object(root));
                if name[0] != b'$' {
                    literal()
                } else {
                    variable(name, &self.machine.data, &mut self.machine.loops, self.cache)
                        .unwrap_or_else(literal)
                }
            }
            Kind::Some => view.inner().map_or(Value::none(), |inner| Value::literal(inner.to_object(root))),
            Kind::Bracket | Kind::Paren if view.is_empty() => Value::none(),
            Kind::Bracket => {
                self.push(Frame { what: What::Body, command: UNKNOWN, program, node, next: 0 })?;
                return Ok(None);
            }
            Kind::Paren => {
                let (Some(head), given) = (view.get(0), view.len() - 1) else { return Ok(None) };
                let Some(name) = head.symbol() else { return Ok(Some(failure::no_function(head).into())) };
                let Some(number) = self.commands.find(name) else {
                    return Ok(Some(failure::unknown_function(name).into()));
                };
                let command = self.commands.at(number);
                if let Err(least) = command.takes(given) {
                    return Ok(Some(failure::too_few(command, least, given).into()));
                }
                self.push(Frame { what: What::Call, command: number, program, node, next: 0 })?;
                return Ok(None);
            }
        };
        Ok(Some(value))
    }

    /// Begins something.
    #[inline]
    pub(super) fn push(&mut self, frame: Frame) -> Result<(), Stop> {
        self.check_stack()?;
        self.machine.frames.push(frame);
        Ok(())
    }

    #[inline]
    fn check_stack(&self) -> Result<(), Stop> {
        if self.machine.frames.len() + self.machine.values.len() >= self.limits.stack as usize {
            return Err(Stop::End(failure::stack_full(self.limits.stack)));
        }
        Ok(())
    }

    /// Keeps an argument.
    #[inline]
    pub(super) fn push_value(&mut self, value: Value) -> Result<(), Stop> {
        self.check_stack()?;
        self.weigh(value.weight())?;
        self.machine.values.push(value);
        Ok(())
    }

    /// Takes memory.
    #[inline]
    pub(super) fn weigh(&mut self, bytes: u64) -> Result<(), Stop> {
        self.machine.bytes = self.machine.bytes.saturating_add(bytes);
        if self.machine.bytes > self.limits.bytes {
            return Err(Stop::End(failure::memory_full(self.limits.bytes)));
        }
        Ok(())
    }

    /// Ends a list, and the program of an `eval`, which nothing may keep alive.
    #[inline]
    pub(super) fn leave_list(&mut self, value: Value) -> Value {
        let frame = self.machine.frames.pop().expect("whoever leaves has seen the topmost frame");
        if !frame.what.is_eval() {
            return value;
        }
        self.drop_programs(frame.program);
        value.detached()
    }

    /// Lets the programs from this number on go.
    pub(super) fn drop_programs(&mut self, from: u32) {
        while self.machine.programs.len() > from as usize {
            let program = self.machine.programs.pop();
            self.machine.unweigh(program.map_or(0, |program| program.weight));
        }
    }

    /// Ends a call; its value is the one that is given.
    #[inline]
    pub(super) fn leave_call(&mut self, frame: Frame) {
        let machine = &mut *self.machine;
        let base = machine.values.len() - frame.next as usize;
        while machine.values.len() > base {
            let weight = machine.values.pop().map_or(0, |value| value.weight());
            machine.unweigh(weight);
        }
        machine.frames.pop();
    }

    /// Runs a command whose arguments are all there, and pays for what it did.
    #[inline]
    pub(super) fn execute(&mut self, frame: Frame, command: &Command) -> Step {
        if !self.host.has_room() {
            return Err(Stop::Wait(Waiting::Budget));
        }
        let step = self.carry_out(frame, command);
        // What was done is done: it is the next step that is not made where nothing is left.
        let spent = self.host.take_spent();
        self.left = self.left.saturating_sub(spent);
        self.machine.steps = self.machine.steps.saturating_add(spent);
        step
    }

    #[inline]
    fn carry_out(&mut self, frame: Frame, command: &Command) -> Step {
        if matches!(command.run(), Run::Plugin(_)) && self.host.is_behind() {
            return Err(Stop::Wait(Waiting::Room));
        }
        let base = self.machine.values.len() - frame.next as usize;
        let arguments = &self.machine.values[base..];
        let mut call = Call { host: &mut *self.host, command, arguments, waiting: false, acted: false };
        let result = match command.run() {
            Run::Builtin(run) => run(&mut call),
            Run::Plugin(action) => {
                let permitted = match command.needs() {
                    Permission::None => Ok(()),
                    needed => call.host.permit(needed),
                };
                permitted.and_then(|()| action(&mut call)).map(Value::compacted).map_err(as_error)
            }
            Run::Iterate => return self.begin_loop(frame),
            Run::Eval => return self.begin_eval(frame),
            Run::Await => return self.begin_await(frame),
        };
        if call.waiting {
            return Err(Stop::Wait(Waiting::Room));
        }
        self.leave_call(frame);
        Ok(Some(result.unwrap_or_else(Value::from)))
    }

    /// One more program, for an `eval`.
    pub(super) fn push_program(&mut self, root: Object) -> Result<u32, Stop> {
        let weight = weight(&root);
        self.weigh(weight)?;
        self.machine.programs.push(Program { root, weight });
        Ok(self.machine.programs.len() as u32 - 1)
    }
}

/// What a command failed with is an ERROR, whatever it says.
fn as_error(object: Object) -> Object {
    if object.kind() == Kind::Error { object.compact() } else { Object::wrap_error(&object) }
}

/// The value of a name with `$`, where it has one.
pub(super) fn variable(
    name: &[u8],
    data: &Option<Value>,
    loops: &mut [super::super::frame::Loop],
    cache: &mut ParseCache,
) -> Option<Value> {
    match name {
        b"$key" => {
            let around = loops.last_mut()?;
            let key = &around.keys[around.next.checked_sub(1)? as usize];
            Some(around.current.get_or_insert_with(|| Object::string(key)).clone().into())
        }
        b"$data" => data.clone(),
        _ => {
            let channel = Channel::from_symbol(name.strip_prefix(b"$CHANNEL_")?)?;
            Some(cache.channel(channel).into())
        }
    }
}
