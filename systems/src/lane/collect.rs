//! From what has arrived and what is due to the lanes of a frame.
//!
//! Invariant: jobs of a lane come in one order: scripts that go on by their `Id`, then events in the order of their
//! topics and slots, each to its handlers by their `Id`, then requests as they arrived. Scopes that a limited
//! principal joins are one lane, so that its window is counted by one.

use super::job::Lane;
use super::memo::Memo;
use super::mirror::{Due, Mirror, Place, Resting, Seat};
use super::record::Recorder;
use super::request::{Ask, Request, To};
use super::work::{Hearer, Job, Round, Roused, Wake, Who, Work};
use crate::event::Heard;
use diptych_components::event::{Channel, Origin};
use diptych_components::kv::check_scope;
use diptych_components::principal::{Principal, check_name};
use diptych_components::session::Session;
use diptych_components::slp::Object;
use diptych_engine::Id;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Bytes of scripts and values that a frame takes in requests; the first goes in whatever its size, and who finds no
/// room waits for the next frame.
pub const REQUEST_BYTES_A_FRAME: usize = 64 << 20;
/// Lanes of a frame: scopes beyond share them, so that what each may write is no smaller.
const LANES_MAX: usize = 256;
/// Requests from which on it pays to keep what was found.
const MEMO_FROM: usize = 64;

/// Sessions' seats with the records of their principals.
type Seats = Memo<(Arc<Seat>, Option<Arc<Principal>>)>;

/// What a frame has to do beside its lanes.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Scripts that go on, and those for processors.
    pub(super) early: Vec<Job>,
    /// Events and who hears them.
    pub(super) rounds: Vec<Round>,
    /// What was asked for.
    pub(super) jobs: Vec<Job>,
    /// Answers that need no lane.
    pub(super) answers: Vec<(To, Object)>,
    /// What changes permissions or ends sessions, done after the lanes.
    pub(super) after: Vec<Request>,
    /// Sessions whose time is over.
    pub(super) over: Vec<Arc<str>>,
    /// Sessions that may have ceased to hold something.
    pub(super) touched: BTreeSet<Arc<str>>,
}

/// What scripts at rest are told apart by.
pub(super) type Machines<'a> = dyn Fn(bevy_ecs::entity::Entity) -> Option<Arc<[u8]>> + 'a;

impl Agenda {
    /// Scripts whose await is over, or whose event has come, or who may go on; and what handlers are to hear.
    pub(super) fn wake(
        &mut self,
        mirror: &mut Mirror,
        mail: &[(Place, Heard<'_>)],
        machines: &Machines<'_>,
        seconds: f64,
        step: u64,
        may_publish: impl Fn(&str) -> bool,
    ) {
        let mut woken: BTreeMap<Id, Wake> = BTreeMap::new();
        while let Some((_, due)) = mirror.deadlines.pop(step) {
            match due {
                Due::Session(session) => self.over.push(session),
                Due::Script(id) => {
                    if let Some(place) = mirror.resting.get(&id).and_then(|resting| resting.awaits.last()) {
                        woken.insert(id, Wake::TimedOut(seconds, *place));
                    }
                }
            }
        }
        for (place, events) in mail {
            let Some(scripts) = mirror.awaiting.get(place) else { continue };
            let Some(first) = events.iter().next() else { continue };
            for id in scripts {
                let Some(resting) = mirror.resting.get(id) else { continue };
                // Awaits are handlers in this: a revocation silences those that were there before it.
                if !mirror.may_hear(&resting.session, place.1) {
                    continue;
                }
                let armed = resting.awaits.iter().enumerate().filter(|(_, at)| *at == place);
                let heard = armed.map(|(index, _)| (index, first.object().clone()));
                match woken.entry(*id).or_insert_with(|| Wake::Events(Vec::new())) {
                    Wake::Events(list) => list.extend(heard),
                    // The event came in the frame in which the await gives up: it came.
                    late => *late = Wake::Events(heard.collect()),
                }
            }
        }
        let with_room =
            |id: &&Id| mirror.resting.get(*id).is_some_and(|resting| may_publish(&resting.session));
        for id in mirror.spent.iter().chain(mirror.roomless.iter().filter(with_room)) {
            // An event for an outer await is kept by the machine; then it goes on.
            woken.entry(*id).or_insert(Wake::Ready);
        }
        for (id, wake) in woken {
            self.rouse(mirror, id, wake, machines);
        }
        for (place, events) in mail {
            self.hear(mirror, *place, *events);
        }
    }

    fn rouse(&mut self, mirror: &mut Mirror, id: Id, wake: Wake, machines: &Machines<'_>) {
        let Some(resting) = mirror.rouse(id) else { return };
        let seat = mirror.sessions.get(&resting.session).map(|open| open.seat.clone());
        let (Some(seat), Some(machine)) = (seat, machines(resting.entity)) else { return };
        let Resting { entity, deadline, rest, awaits, to, .. } = resting;
        let roused = Roused { id, entity, machine, deadline, rest, awaits };
        self.early.push(Job { who: who(mirror, seat), work: Work::GoOn(Box::new((roused, wake))), to });
    }

    /// Each event to every handler of its topic; what is on the execution channel to its processor.
    fn hear(&mut self, mirror: &mut Mirror, place: Place, events: Heard<'_>) {
        if place.0 == Channel::Execution.code() {
            for event in events {
                let Origin::Session { session, .. } = event.publisher() else { continue };
                mirror.execution_came(session);
                self.touched.insert(session.clone());
                match mirror.sessions.get(session) {
                    Some(open) => {
                        let work = Work::Execute(place.1, event.object().clone());
                        self.early.push(Job { who: who(mirror, open.seat.clone()), work, to: None });
                    }
                    None => tracing::warn!(
                        session = &**session,
                        "a script for a processor is dropped: its session has ended"
                    ),
                }
            }
            return;
        }
        let Some(handlers) = mirror.handlers.get(&place) else { return };
        let handlers = handlers
            .iter()
            .map(|handler| Hearer { who: who(mirror, handler.seat.clone()), body: handler.body.clone() });
        let events = events.into_iter().map(|event| event.object().clone()).collect();
        self.rounds.push(Round { topic: place.1, handlers: handlers.collect(), events });
    }

    /// Takes requests up to, and with, those that change what later ones may do.
    pub(super) fn take(
        &mut self,
        backlog: &mut VecDeque<Request>,
        mirror: &mut Mirror,
        step: u64,
        mut recorder: Option<Recorder<'_>>,
    ) {
        let (mut barred, mut bytes) = (false, 0);
        // Neither sessions nor principals change for others before the lanes have run.
        let mut seats = (backlog.len() >= MEMO_FROM).then(Memo::new);
        let fits = |bytes: &mut usize, ask: &Ask| {
            let first = *bytes == 0;
            *bytes += 1 + ask.heap_bytes();
            first || *bytes <= REQUEST_BYTES_A_FRAME
        };
        while let Some(request) = backlog
            .pop_front_if(|request| (!barred || request.ask.is_barrier()) && fits(&mut bytes, &request.ask))
        {
            barred |= request.ask.is_barrier();
            recorder.iter_mut().for_each(|recorder| recorder.ask(&request.ask, mirror));
            let Request { ask, to } = request;
            match ask {
                Ask::Run(session, program) => {
                    self.request(mirror, &mut seats, &session, Work::Run(program), to)
                }
                Ask::Do(session, operation) => {
                    self.request(mirror, &mut seats, &session, Work::Do(operation), to);
                }
                Ask::Open { session, principal, scope, steps } => {
                    let ends = steps.map_or(u64::MAX, |steps| step.saturating_add(steps));
                    let answer = open(mirror, step, Session { id: session, principal, scope, ends });
                    self.answers.push((to, answer));
                }
                ask => self.after.push(Request { ask, to }),
            }
        }
    }

    fn request(
        &mut self,
        mirror: &Mirror,
        seats: &mut Option<Seats>,
        session: &Arc<str>,
        work: Work,
        to: To,
    ) {
        let find = || {
            let seat = mirror.sessions.get(session)?.seat.clone();
            let principal = principal_of(mirror, &seat);
            Some((seat, principal))
        };
        let found = match seats {
            Some(seats) => {
                seats.get(session.as_ptr().addr(), |(seat, _)| seat.session.id == *session, find).cloned()
            }
            None => find(),
        };
        match found {
            Some((seat, principal)) => {
                let who = Who { seat, principal, held: false };
                self.jobs.push(Job { who, work, to: Some(to) });
            }
            None => {
                let text = format!(
                    "there is no session {session}; open it first, or again: it was closed or has ended"
                );
                self.answers.push((to, Object::error(&text)));
            }
        }
    }

    /// Deals the jobs out; answers how many lanes there are, in the order of their first scopes' names.
    pub(super) fn deal(
        &mut self,
        mirror: &Mirror,
        lanes: &mut Vec<Lane>,
        held: &BTreeSet<Arc<str>>,
    ) -> usize {
        let groups = self.groups();
        let count = groups.values().copied().max().map_or(0, |last| last + 1);
        if lanes.len() < count {
            lanes.resize_with(count, Lane::default);
        }
        let mut places = Memo::new();
        let mut enter = |lanes: &mut [Lane], who: &mut Who| {
            let seat = Arc::as_ptr(&who.seat).addr();
            let find = || Some((seat, groups[&who.seat.session.scope]));
            let place = places.get(seat, |(kept, _)| *kept == seat, find).map_or(0, |(_, place)| *place);
            who.held = !held.is_empty() && held.contains(&who.seat.session.id);
            lanes[place].admit(who, mirror);
            place
        };
        for mut job in self.early.drain(..) {
            let place = enter(lanes, &mut job.who);
            lanes[place].early.push(job);
        }
        for Round { topic, handlers, events } in self.rounds.drain(..) {
            for mut handler in handlers {
                let place = enter(lanes, &mut handler.who);
                lanes[place].hearer(topic, &events, handler);
            }
        }
        for mut job in self.jobs.drain(..) {
            let place = enter(lanes, &mut job.who);
            lanes[place].jobs.push(job);
        }
        count
    }

    /// The lane of each scope.
    fn groups(&self) -> BTreeMap<Arc<str>, usize> {
        let mut first: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        let mut joined: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
        let mut seen = Memo::new();
        let hearers = self.rounds.iter().flat_map(|round| &round.handlers).map(|hearer| &hearer.who);
        for who in self.early.iter().chain(&self.jobs).map(|job| &job.who).chain(hearers) {
            // Many are of few sessions; their seats are kept, so an address is of one.
            let (seat, mut is_new) = (Arc::as_ptr(&who.seat).addr(), false);
            seen.get(
                seat,
                |kept| *kept == seat,
                || {
                    is_new = true;
                    Some(seat)
                },
            );
            if !is_new {
                continue;
            }
            let scope = &who.seat.session.scope;
            first.entry(scope.clone()).or_insert_with(|| scope.clone());
            if who.principal.as_ref().is_some_and(|principal| principal.max_rps > 0) {
                let other =
                    joined.entry(who.seat.session.principal.clone()).or_insert_with(|| scope.clone()).clone();
                join(&mut first, scope, &other);
            }
        }
        let mut groups = BTreeMap::new();
        let mut numbers: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for scope in first.keys() {
            let root = root(&first, scope);
            let next = numbers.len();
            groups.insert(scope.clone(), *numbers.entry(root).or_insert(next) % LANES_MAX);
        }
        groups
    }
}

fn who(mirror: &Mirror, seat: Arc<Seat>) -> Who {
    let principal = principal_of(mirror, &seat);
    Who { seat, principal, held: false }
}

fn principal_of(mirror: &Mirror, seat: &Seat) -> Option<Arc<Principal>> {
    mirror.principals.get(&seat.session.principal).map(|known| known.record.clone())
}

/// The first scope, by name, of those joined with this one.
fn root(parents: &BTreeMap<Arc<str>, Arc<str>>, scope: &Arc<str>) -> Arc<str> {
    let mut at = scope;
    while let Some(parent) = parents.get(at).filter(|parent| *parent != at) {
        at = parent;
    }
    at.clone()
}

fn join(parents: &mut BTreeMap<Arc<str>, Arc<str>>, a: &Arc<str>, b: &Arc<str>) {
    let (a, b) = (root(parents, a), root(parents, b));
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    parents.insert(high, low);
}

/// Opens a session or attaches to it.
fn open(mirror: &mut Mirror, step: u64, session: Session) -> Object {
    let names = check_name("session", &session.id).and_then(|()| check_name("principal", &session.principal));
    if let Err(error) = names.and_then(|()| Ok(check_scope(&session.scope)?)) {
        return Object::error(&error.to_string());
    }
    if !mirror.principals.contains_key(&session.principal) {
        return Object::error(&format!(
            "NO_ENTITY: there is no principal {}; make it first",
            session.principal
        ));
    }
    if let Some(open) = mirror.sessions.get(&session.id) {
        if open.seat.session.ends <= step {
            let id = &session.id;
            return Object::error(&format!("the time of session {id} is over in this frame; open it again"));
        }
        let Session { id, principal, scope, .. } = &open.seat.session;
        if (principal, scope) == (&session.principal, &session.scope) {
            return Object::boolean(true);
        }
        return Object::error(&format!(
            "session {id} is open already, of principal {principal} in scope {scope}"
        ));
    }
    if mirror.executions.contains_key(&session.id) {
        // They would run in the new session, perhaps with another's rights.
        return Object::error(&format!(
            "session {} was closed, and scripts that it has published are still on their way to their processor; open it again when they have come",
            session.id
        ));
    }
    mirror.open(session);
    Object::boolean(true)
}
