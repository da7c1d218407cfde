//! A lane: scopes that are worked on in order, by one thread, in one frame.
//!
//! Invariant: what a lane leaves behind follows from the committed world and its jobs alone; so lanes run beside each
//! other, and how they fall on threads changes nothing.

use super::floor::REQUESTS_A_FRAME;
use super::host::{Desk, HOLDS_MAX, Hearing, Terms, Traces, holds_too_much, is_error};
use super::mirror::{Listening, Mirror, Place};
use super::request::{Operation, To};
use super::work::{End, Ended, Hearer, Job, Round, Roused, Wake, Who, Work};
use crate::kv::{Index, Overlay, Scope};
use crate::script::{
    Bindings, Commands, Host, Limits, Machine, Outcome, ParseCache, Published, Value, Waiting, timed_out,
};
use diptych_components::event::Channel;
use diptych_components::principal::Window;
use diptych_components::script::{Rest, Suspended};
use diptych_components::session::Session;
use diptych_components::slp::{Builder, Kind, Object};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The work of some scopes in a frame, and what came of it. Kept from frame to frame for its memory.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// By name; one, unless a limited principal joins scopes or there are more scopes than lanes.
    pub(super) overlays: BTreeMap<Arc<str>, Overlay>,
    /// What comes first.
    pub(super) early: Vec<Job>,
    rounds: Vec<Round>,
    pub(super) jobs: Vec<Job>,
    pub(super) windows: BTreeMap<Arc<str>, Window>,
    pub(super) traces: Traces,
    /// Events of this frame, by session.
    given: BTreeMap<Arc<str>, usize>,
    /// Ends that somebody waits for, or that change what is stored.
    pub(super) ends: Vec<End>,
    /// Jobs done.
    pub(super) done: u64,
    machine: Machine,
    cache: ParseCache,
}

/// What all lanes share.
pub(super) struct Hall<'a> {
    pub(super) terms: Terms,
    pub(super) index: &'a Index,
    /// What a scope without entries is.
    pub(super) empty: Scope,
    pub(super) commands: &'a Commands,
    pub(super) limits: Limits,
    /// Steps that an await waits at most.
    pub(super) patience: u64,
    /// Who hears what is published.
    pub(super) handlers: &'a BTreeMap<Place, Vec<Listening>>,
}

impl Lane {
    /// How much there is to do.
    pub(super) fn weight(&self) -> u64 {
        let rounds = self.rounds.iter().map(|round| (round.handlers.len() * round.events.len()) as u64);
        (self.early.len() + self.jobs.len()) as u64 + rounds.sum::<u64>()
    }

    /// Takes note of somebody who works here in this frame.
    pub(super) fn admit(&mut self, who: &Who, mirror: &Mirror) {
        if let Some(principal) = who.principal.as_ref().filter(|principal| principal.max_rps > 0)
            && !self.windows.contains_key(principal.name.as_str())
            && let Some(known) = mirror.principals.get(principal.name.as_str())
        {
            self.windows.insert(who.seat.session.principal.clone(), known.window.clone());
        }
    }

    /// One more handler that hears these events; those of one topic come together.
    pub(super) fn hearer(&mut self, topic: u16, events: &Arc<[Object]>, hearer: Hearer) {
        match self.rounds.last_mut().filter(|round| Arc::ptr_eq(&round.events, events)) {
            Some(round) => round.handlers.push(hearer),
            None => self.rounds.push(Round { topic, handlers: vec![hearer], events: events.clone() }),
        }
    }

    /// Does everything in order.
    pub(super) fn run(&mut self, hall: &Hall<'_>) {
        let mut near = Near::default();
        let mut jobs = core::mem::take(&mut self.early);
        for Job { who, work, to } in jobs.drain(..) {
            self.job(&who, work, to, hall, &mut near);
        }
        self.early = jobs;
        let mut rounds = core::mem::take(&mut self.rounds);
        for Round { topic, handlers, events } in rounds.drain(..) {
            for data in &*events {
                for Hearer { who, body } in &handlers {
                    self.job(who, Work::Hear(body.clone(), topic, data.clone()), None, hall, &mut near);
                }
            }
        }
        self.rounds = rounds;
        let mut jobs = core::mem::take(&mut self.jobs);
        for Job { who, work, to } in jobs.drain(..) {
            self.job(&who, work, to, hall, &mut near);
        }
        self.jobs = jobs;
        self.given.clear();
        (self.traces.bytes, self.traces.rests) = (0, 0);
        self.early.shrink_to(REQUESTS_A_FRAME);
        self.jobs.shrink_to(REQUESTS_A_FRAME);
    }

    fn job<'a>(&mut self, who: &Who, work: Work, to: Option<To>, hall: &'a Hall<'_>, near: &mut Near<'a>) {
        self.done += 1;
        let Who { seat, held, .. } = who;
        let held = *held;
        let session = &seat.session;
        let scope = near.find(&session.scope, hall);
        let principal = who.principal.as_deref();
        let before = self.traces.events.len();
        let overlay = match self.overlays.get_mut(&session.scope) {
            Some(overlay) => overlay,
            None => self.overlays.entry(session.scope.clone()).or_default(),
        };
        let mut desk = Desk {
            terms: &hall.terms,
            session,
            origin: &seat.origin,
            principal,
            access: principal.and_then(|principal| principal.scopes.get(&session.scope)).copied(),
            scope,
            overlay,
            window: if self.windows.is_empty() { None } else { self.windows.get_mut(&session.principal) },
            held,
            full: seat.holds() >= HOLDS_MAX,
            traces: &mut self.traces,
            given: &mut self.given,
            handlers: hall.handlers,
            spent: 0,
        };
        let mut script = None;
        if let Work::GoOn(goes_on) = &work {
            let (roused, wake) = &**goes_on;
            script = Some((roused.id, roused.entity));
            if matches!(wake, Wake::Ready) && !desk.has_room() {
                let ended = Ended::Stays(roused.as_stored(&session.id));
                return self.ends.push(End { seat: seat.clone(), script, to, ended, published: false });
            }
        }
        let begun = begin(&mut self.machine, &mut self.cache, &mut desk, work, hall);
        let Some((outcome, deadline)) = begun else { return };
        let ended = match outcome {
            Outcome::Done(result) => Ended::Done(result),
            Outcome::Suspended(_) if script.is_none() && desk.full => Ended::Done(holds_too_much(session)),
            Outcome::Suspended(waiting) => {
                let deadline = deadline.unwrap_or_else(|| hall.terms.step.saturating_add(hall.patience));
                let rests = rest(&self.machine, session, waiting, deadline);
                // What it holds would stay as long as the lane.
                self.machine.clear();
                desk.rests(rests.machine.len()).map_or_else(Ended::Done, |()| Ended::Rests(rests))
            }
        };
        if let Ended::Done(result) = &ended
            && to.is_none()
            && is_error(result)
        {
            // Nobody asked; it would be lost.
            desk.log(&result.text());
        }
        // A script that went on has perhaps published before, and its events are still in line.
        let published = self.traces.events.len() > before || (held && script.is_some());
        if to.is_some() || script.is_some() || !matches!(ended, Ended::Done(_)) {
            self.ends.push(End { seat: seat.clone(), script, to, ended, published });
        }
    }
}

/// The scope of the last job: mostly that of the next.
#[derive(Default)]
struct Near<'a>(Option<(Arc<str>, &'a Scope)>);

impl<'a> Near<'a> {
    fn find(&mut self, name: &Arc<str>, hall: &'a Hall<'_>) -> &'a Scope {
        match &self.0 {
            Some((last, scope)) if last == name => scope,
            _ => {
                let scope = hall.index.scope(name).unwrap_or(&hall.empty);
                self.0 = Some((name.clone(), scope));
                scope
            }
        }
    }
}

/// Does a piece of work as far as it goes now; nothing where the session may not. With a deadline where that is as it
/// was: an event for an outer await leaves the inner one.
fn begin(
    machine: &mut Machine,
    cache: &mut ParseCache,
    desk: &mut Desk<'_>,
    work: Work,
    hall: &Hall<'_>,
) -> Option<(Outcome, Option<u64>)> {
    match work {
        Work::Do(operation) => match operate(desk, operation) {
            Ok(result) => return Some((Outcome::Done(result), None)),
            Err(program) => machine.start(&program, Bindings::default()),
        },
        Work::Hear(_, topic, _) if !desk.may_hear(topic) => return None,
        work => {
            if let Work::Execute(topic, _) = work
                && let Err(denied) = desk.may_publish(Channel::Execution, topic)
            {
                // Revoked since it was published, or there are fewer processors now.
                desk.log(&denied.text());
                return None;
            }
            match prepare(machine, work, hall, cache) {
                Err(error) => return Some((Outcome::Done(error), None)),
                Ok(Some(still)) => return Some((Outcome::Suspended(Waiting::Event), Some(still))),
                Ok(None) => {}
            }
        }
    }
    Some((machine.run(desk, hall.commands, &hall.limits, cache), None))
}

/// Sets the machine up for what is to be done; the deadline of what still waits, where nothing is to be done.
fn prepare(
    machine: &mut Machine,
    work: Work,
    hall: &Hall<'_>,
    cache: &mut ParseCache,
) -> Result<Option<u64>, Object> {
    match work {
        Work::Run(program) if program.kind() != Kind::Bracket => {
            return Err(Object::error("a script is the list [..] of its forms"));
        }
        Work::Run(program) => machine.start(&program, Bindings::default()),
        Work::Hear(body, _, data) => {
            machine.start_body(&body, Bindings { data: Some(Value::text_of(data)) });
        }
        Work::Execute(_, data) => {
            machine.start_value(&Value::text_of(data), Bindings::default(), &hall.limits, cache)?;
        }
        Work::GoOn(goes_on) => {
            let (Roused { machine: bytes, deadline, rest, .. }, wake) = *goes_on;
            *machine = Machine::load(&bytes).map_err(|error| Object::error(&error.to_string()))?;
            match wake {
                Wake::Events(events) => {
                    let mut goes_on = false;
                    for (armed, data) in events {
                        goes_on |= machine.deliver(armed, data);
                    }
                    if !goes_on && rest == Rest::Event {
                        return Ok(Some(deadline));
                    }
                }
                Wake::TimedOut(seconds, (channel, topic)) => {
                    let channel = Channel::from_code(channel).unwrap_or(Channel::Execution);
                    machine.resume(Value::from(timed_out(seconds, channel, topic)));
                }
                Wake::Ready => {}
            }
        }
        Work::Do(_) => {}
    }
    Ok(None)
}

/// A script at rest, as it is stored.
fn rest(machine: &Machine, session: &Session, waiting: Waiting, deadline: u64) -> Suspended {
    let mut bytes = Vec::new();
    machine.save(&mut bytes);
    let awaits = machine.armed().iter().map(|armed| (armed.channel().code(), armed.topic())).collect();
    let rest = match waiting {
        Waiting::Event => Rest::Event,
        Waiting::Room => Rest::Room,
        Waiting::Budget => Rest::Budget,
    };
    let deadline = if rest == Rest::Event { deadline } else { u64::MAX };
    Suspended { session: session.id.clone(), rest, deadline, awaits, machine: bytes.into() }
}

/// Does one operation; what must wait for room comes back as a script that does the same.
fn operate(desk: &mut Desk<'_>, operation: Operation) -> Result<Object, Object> {
    let yes = |done: Result<(), Object>| done.map(|()| Object::boolean(true));
    let whether = |done: Result<bool, Object>| done.map(Object::boolean);
    // As in a script: what has failed is not stored, nor published.
    if let Some(failed) = operation.value().filter(|value| is_error(value)) {
        return Ok(failed.clone());
    }
    let result = match operation {
        Operation::Get(key) => desk.get(&key).and_then(|found| match found {
            Some(value) => Ok(Object::string(value.text())),
            None => Err(Object::error(&format!("key not found: {}", String::from_utf8_lossy(&key)))),
        }),
        Operation::Set(key, value) => yes(desk.set(&key, value)),
        Operation::Delete(key) => desk.delete(&key).map(|_| Object::boolean(true)),
        Operation::Exists(key) => whether(desk.exists(&key)),
        Operation::SetIfAbsent(key, value) => whether(desk.set_if_absent(&key, value)),
        Operation::CompareAndSwap(key, expected, value) => {
            whether(desk.compare_and_swap(&key, &expected, value))
        }
        Operation::Publish(channel, topic, data) => match desk.publish(channel, topic, data.clone(), true) {
            Ok(Published::Full) => return Err(publication(channel, topic, &data)),
            Ok(Published::Taken) => Ok(Object::boolean(true)),
            Err(error) => Err(error),
        },
        Operation::Subscribe(channel, topic, body) => yes(desk.subscribe(channel, topic, body)),
        Operation::Unsubscribe(channel, topic) => {
            let session = desk.session.id.clone();
            desk.traces.hearing.push(Hearing::Off(session, channel.code(), topic));
            Ok(Object::boolean(true))
        }
    };
    Ok(result.unwrap_or_else(|error| error))
}

/// A script that publishes.
fn publication(channel: Channel, topic: u16, data: &Object) -> Object {
    let mut script = Builder::new();
    script.open(Kind::Bracket).open(Kind::Paren);
    for symbol in ["core/event/pub", channel.symbol()] {
        script.symbol(symbol).expect("these are symbols");
    }
    // What is quoted is itself.
    script.integer(i64::from(topic)).open(Kind::Some).copy(data.view()).close();
    script.close().close();
    script.finish()
}
