//! What the lanes' system knows of the committed world beside the entries: principals, sessions, handlers, scripts
//! at rest, and one index of deadlines.
//!
//! Invariant: everything here follows from stored components, but for sessions that hold nothing and the ways back
//! of answers, which end with the process. It is made again from the world when that is opened.

use super::request::To;
use crate::deadline::Deadlines;
use bevy_ecs::entity::Entity;
use diptych_components::event::{Channel, Event, Held, Origin, TopicMail};
use diptych_components::principal::{Principal, Window};
use diptych_components::script::{Handler, Rest, Suspended};
use diptych_components::session::Session;
use diptych_components::slp::Object;
use diptych_engine::{Id, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A channel's code and a topic.
pub(super) type Place = (u8, u16);

/// A principal and where it is stored.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: Id,
    pub(super) entity: Entity,
    pub(super) record: Arc<Principal>,
    pub(super) window: Window,
}

/// A session, and how its events are signed.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) session: Session,
    pub(super) origin: Arc<Origin>,
    /// Handlers and suspended scripts that the session holds; it changes between the runs of lanes only.
    holds: AtomicU32,
}

impl Seat {
    pub(super) fn new(session: Session) -> Self {
        let origin = Origin::Session { scope: session.scope.clone(), session: session.id.clone() };
        Self { session, origin: Arc::new(origin), holds: AtomicU32::new(0) }
    }

    /// Handlers and suspended scripts that the session holds.
    pub(super) fn holds(&self) -> u32 {
        // Relaxed: whoever writes it is not beside whoever reads it, see its field.
        self.holds.load(Ordering::Relaxed)
    }
}

/// A session that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) seat: Arc<Seat>,
    /// Where it is stored, if it is.
    pub(super) stored: Option<Id>,
    /// Its scripts at rest.
    pub(super) scripts: u32,
}

/// A handler of a topic.
#[derive(Debug, Clone)]
pub(super) struct Listening {
    pub(super) id: Id,
    pub(super) seat: Arc<Seat>,
    pub(super) body: Object,
}

/// A script at rest; its machine is in the world.
#[derive(Debug)]
pub(super) struct Resting {
    pub(super) entity: Entity,
    pub(super) session: Arc<str>,
    pub(super) rest: Rest,
    pub(super) deadline: u64,
    pub(super) awaits: Arc<[Place]>,
    pub(super) to: Option<To>,
}

/// What is due at a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A script's await gives up.
    Script(Id),
    /// A session ends.
    Session(Arc<str>),
}

#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) principals: BTreeMap<Arc<str>, Known>,
    pub(super) sessions: BTreeMap<Arc<str>, Open>,
    pub(super) handlers: BTreeMap<Place, Vec<Listening>>,
    pub(super) resting: BTreeMap<Id, Resting>,
    /// Scripts by what they await.
    pub(super) awaiting: BTreeMap<Place, BTreeSet<Id>>,
    /// Scripts that have used up their steps of a frame.
    pub(super) spent: BTreeSet<Id>,
    /// Scripts that wait for room for their events.
    pub(super) roomless: BTreeSet<Id>,
    /// By step.
    pub(super) deadlines: Deadlines<Due>,
    /// How many scripts that a session has published are on their way to processors.
    pub(super) executions: BTreeMap<Arc<str>, u32>,
    /// The highest number among names of the form `<name>_session_<n>` that this process has seen.
    pub(super) numbered: u64,
}

impl Mirror {
    /// Everything from the committed world.
    pub(super) fn of(view: View<'_>) -> Self {
        let mut mirror = Self::default();
        let entity = |id| view.entity(id).expect("what the view shows is there");
        for (id, record) in view.iter::<Principal>() {
            let window = view.get::<Window>(id).cloned().unwrap_or_default();
            let known = Known { id, entity: entity(id), record: Arc::new(record.clone()), window };
            mirror.principals.insert(record.name.as_str().into(), known);
        }
        for (id, session) in view.iter::<Session>() {
            mirror.open(session.clone()).stored = Some(id);
        }
        let mut handlers: Vec<(Id, &Handler)> = view.iter::<Handler>().collect();
        handlers.sort_by_key(|(id, _)| *id);
        for (id, handler) in handlers {
            mirror.listen(id, handler);
        }
        let mut scripts: Vec<(Id, &Suspended)> = view.iter::<Suspended>().collect();
        scripts.sort_by_key(|(id, _)| *id);
        for (id, script) in scripts {
            mirror.rest(id, entity(id), script, None);
        }
        let delivered = view.iter::<TopicMail>().flat_map(|(_, mail)| mail.0.iter());
        for event in delivered.chain(view.iter::<Held>().flat_map(|(_, held)| held.events().iter())) {
            Self::executes(event).into_iter().for_each(|session| mirror.expect_execution(session));
        }
        mirror
    }

    /// The session of a script that is on its way to a processor.
    pub(super) fn executes(event: &Event) -> Option<&Arc<str>> {
        match event.publisher() {
            Origin::Session { session, .. } if event.topic().channel() == Some(Channel::Execution) => {
                Some(session)
            }
            _ => None,
        }
    }

    pub(super) fn expect_execution(&mut self, session: &Arc<str>) {
        *self.executions.entry(session.clone()).or_default() += 1;
    }

    /// A script has reached its processor.
    pub(super) fn execution_came(&mut self, session: &str) {
        if let Some(count) = self.executions.get_mut(session) {
            *count -= 1;
            if *count == 0 {
                self.executions.remove(session);
            }
        }
    }

    /// Whether a session's principal may hear a topic now.
    pub(super) fn may_hear(&self, session: &str, topic: u16) -> bool {
        let principal =
            self.sessions.get(session).and_then(|open| self.principals.get(&open.seat.session.principal));
        let access = principal.and_then(|known| known.record.topics.get(&topic));
        access.is_some_and(|access| access.subscribes())
    }

    /// Notes an open session.
    pub(super) fn open(&mut self, session: Session) -> &mut Open {
        self.deadlines.insert(session.ends, Due::Session(session.id.clone()));
        self.numbered = self.numbered.max(number(&session));
        let id = session.id.clone();
        let new = || Open { seat: Arc::new(Seat::new(session)), stored: None, scripts: 0 };
        self.sessions.entry(id).or_insert_with(new)
    }

    /// Forgets a session; its handlers and scripts were forgotten before.
    pub(super) fn close(&mut self, session: &str) -> Option<Open> {
        let open = self.sessions.remove(session)?;
        self.deadlines.remove(open.seat.session.ends, Due::Session(session.into()));
        Some(open)
    }

    fn hold(&mut self, session: &str, more: bool) {
        if let Some(open) = self.sessions.get(session) {
            let holds = open.seat.holds();
            let holds = if more { holds + 1 } else { holds.saturating_sub(1) };
            // Relaxed: as in `holds`.
            open.seat.holds.store(holds, Ordering::Relaxed);
        }
    }

    /// A script that went on rests again, which counts anew, or has ended.
    pub(super) fn release(&mut self, session: &str) {
        self.hold(session, false);
    }

    /// Notes a handler; later ones come later.
    pub(super) fn listen(&mut self, id: Id, handler: &Handler) {
        self.hold(&handler.session, true);
        // It was registered in a session, which is stored as long as it holds one.
        let Some(open) = self.sessions.get(&handler.session) else { return };
        let listening = Listening { id, seat: open.seat.clone(), body: handler.body.clone() };
        self.handlers.entry((handler.channel, handler.topic)).or_default().push(listening);
    }

    /// Forgets the handlers that are not to be kept; answers them.
    pub(super) fn forget_handlers(&mut self, session: &str, place: Option<Place>) -> Vec<Id> {
        let mut gone = Vec::new();
        let mut take = |list: &mut Vec<Listening>| {
            gone.extend(list.extract_if(.., |one| &*one.seat.session.id == session).map(|one| one.id));
            !list.is_empty()
        };
        match place {
            Some(place) => {
                if self.handlers.get_mut(&place).is_some_and(|list| !take(list)) {
                    self.handlers.remove(&place);
                }
            }
            None => self.handlers.retain(|_, list| take(list)),
        }
        gone.iter().for_each(|_| self.hold(session, false));
        gone
    }

    /// Notes a script that has stopped.
    pub(super) fn rest(&mut self, id: Id, entity: Entity, script: &Suspended, to: Option<To>) {
        self.hold(&script.session, true);
        for place in &*script.awaits {
            self.awaiting.entry(*place).or_default().insert(id);
        }
        match script.rest {
            Rest::Budget => self.spent.insert(id),
            Rest::Room => self.roomless.insert(id),
            Rest::Event => false,
        };
        if let Some(open) = self.sessions.get_mut(&script.session) {
            open.scripts += 1;
        }
        self.deadlines.insert(script.deadline, Due::Script(id));
        let resting = Resting {
            entity,
            session: script.session.clone(),
            rest: script.rest,
            deadline: script.deadline,
            awaits: script.awaits.clone(),
            to,
        };
        self.resting.insert(id, resting);
    }

    /// Forgets a script that goes on, or has ended; it counts among what its session holds until it is released.
    pub(super) fn rouse(&mut self, id: Id) -> Option<Resting> {
        let resting = self.resting.remove(&id)?;
        for place in &*resting.awaits {
            if let Some(scripts) = self.awaiting.get_mut(place) {
                scripts.remove(&id);
                if scripts.is_empty() {
                    self.awaiting.remove(place);
                }
            }
        }
        match resting.rest {
            Rest::Budget => self.spent.remove(&id),
            Rest::Room => self.roomless.remove(&id),
            Rest::Event => false,
        };
        if let Some(open) = self.sessions.get_mut(&resting.session) {
            open.scripts = open.scripts.saturating_sub(1);
        }
        self.deadlines.remove(resting.deadline, Due::Script(id));
        Some(resting)
    }
}

/// The number of a session that has one for a name; 0 for others.
fn number(session: &Session) -> u64 {
    // Whoever has it: names are unique among all principals.
    let number = session.id.rsplit_once("_session_").map(|(_, number)| number);
    // Numbers that no process counts to are somebody's invention.
    number.and_then(|number| number.parse().ok()).filter(|number| *number < 1 << 48).unwrap_or(0)
}
