//! Requests from outside: principals, sessions, and tickets for what was asked.

use super::{Session, SharedFloor};
use bevy_ecs::prelude::Resource;
use diptych_components::kv::check_scope;
use diptych_components::principal::{NotAName, Principal, ScopeAccess, TopicAccess, check_name};
use diptych_components::slp::ParseError;
use diptych_engine::ingress::{IngressError, TryPushError, WaitError};
use diptych_engine::reply::{self, Reply};
use diptych_systems::kv::Index;
use diptych_systems::lane::{Answer, Answers, Ask, Change, Figures, Request, Settings, To};
use diptych_systems::script::Commands;
use std::sync::Arc;
use std::time::Duration;

/// The engine was built without [`Runtime`](super::Runtime).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine has no runtime: add .plugin(Runtime::default()) before .build()")]
pub struct NoRuntime;

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no runtime.
    #[error(transparent)]
    NoRuntime(#[from] NoRuntime),
    /// A name cannot be one.
    #[error(transparent)]
    Name(#[from] NotAName),
    /// The script is none.
    #[error("the script cannot be read: {0}")]
    Script(#[from] ParseError),
    /// The queue took nothing.
    #[error(transparent)]
    Queue(#[from] IngressError),
    /// The queue is full at this moment.
    #[error("the queue of requests is full: try again after the next commit")]
    Busy,
}

/// The answer that will come.
#[derive(Debug, Clone)]
pub struct Ticket(Reply<Answer>);

impl Ticket {
    /// The answer, if the frame that made it is committed.
    pub fn get(&self) -> Option<Answer> {
        self.0.get()
    }

    /// Whether nothing more will come: it was answered, or the engine stopped before.
    pub fn is_settled(&self) -> bool {
        self.0.is_settled()
    }

    /// Waits for the commit of the frame that answers.
    ///
    /// # Errors
    /// After `timeout`; when the engine has stopped; on a thread of the engine's pool or under a lease, where the
    /// commit would wait for this thread.
    pub fn wait(&self, timeout: Duration) -> Result<Answer, WaitError> {
        self.0.wait(timeout)
    }

    /// Waits until the answer's frame is on disk as well; `durable` is the engine's.
    ///
    /// # Errors
    /// As [`Ticket::wait`], and when the store fails before.
    #[cfg(feature = "store")]
    pub fn wait_durable(
        &self,
        durable: &diptych_engine::store::DurableFrames,
        timeout: Duration,
    ) -> Result<Answer, WaitError> {
        let start = std::time::Instant::now();
        let answer = self.0.wait(timeout)?;
        let left = timeout.saturating_sub(start.elapsed());
        let reached = durable.wait(answer.frame, left);
        if !reached.map_err(|error| WaitError::Failed(error.to_string().into()))? {
            return Err(WaitError::TimedOut);
        }
        Ok(answer)
    }
}

/// Sends requests to a runtime, from any thread; cheap to clone.
#[derive(Debug, Clone, Resource)]
pub struct Client {
    pub(crate) floor: SharedFloor,
}

impl Client {
    pub(super) fn new(floor: SharedFloor) -> Self {
        Self { floor }
    }

    /// Asks; waits while the queue of requests is full.
    ///
    /// # Errors
    /// When the queue stays full, or the engine has stopped.
    pub fn ask(&self, ask: Ask) -> Result<Ticket, RequestError> {
        let (promise, reply) = reply::pair();
        self.floor.send(Request { ask, to: To::Promise(promise) })?;
        Ok(Ticket(reply))
    }

    /// Asks if the queue has room.
    ///
    /// # Errors
    /// [`RequestError::Busy`] when it has none.
    pub fn try_ask(&self, ask: Ask) -> Result<Ticket, RequestError> {
        let (promise, reply) = reply::pair();
        match self.floor.try_send(Request { ask, to: To::Promise(promise) }) {
            Ok(()) => Ok(Ticket(reply)),
            Err(TryPushError::Busy(_)) => Err(RequestError::Busy),
            Err(TryPushError::Closed(_)) => Err(IngressError::Closed.into()),
        }
    }

    /// Asks, and has the answer put into a list under a number: for who asks much and looks at all answers together.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn ask_into(&self, ask: Ask, answers: &Arc<Answers>, number: u64) -> Result<(), RequestError> {
        Ok(self.floor.send(Request { ask, to: To::List(answers.clone(), number) })?)
    }

    /// Makes a principal, or replaces one.
    ///
    /// # Errors
    /// When a name cannot be one, and as [`Client::ask`].
    pub fn principal(&self, principal: Principal) -> Result<Ticket, RequestError> {
        principal.check()?;
        self.ask(Ask::Principal(principal))
    }

    /// Removes a principal; its sessions can do nothing any more.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn remove_principal(&self, name: &str) -> Result<Ticket, RequestError> {
        self.ask(Ask::Remove(name.into()))
    }

    /// Grants a scope, in place of an earlier grant; it holds for every request after this one.
    ///
    /// # Errors
    /// When the scope's name cannot be one, and as [`Client::ask`].
    pub fn grant_scope(
        &self,
        principal: &str,
        scope: &str,
        access: ScopeAccess,
    ) -> Result<Ticket, RequestError> {
        check_scope(scope).map_err(NotAName::from)?;
        self.change(principal, Change::GrantScope(scope.into(), access))
    }

    /// Takes a scope away, also from sessions that are open.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn revoke_scope(&self, principal: &str, scope: &str) -> Result<Ticket, RequestError> {
        self.change(principal, Change::RevokeScope(scope.into()))
    }

    /// Grants a topic on every channel, in place of an earlier grant.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn grant_topic(
        &self,
        principal: &str,
        topic: u16,
        access: TopicAccess,
    ) -> Result<Ticket, RequestError> {
        self.change(principal, Change::GrantTopic(topic, access))
    }

    /// Takes a topic away, also from handlers that are registered.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn revoke_topic(&self, principal: &str, topic: u16) -> Result<Ticket, RequestError> {
        self.change(principal, Change::RevokeTopic(topic))
    }

    /// Limits the publications of all sessions of a principal in a second of world time; 0 for any number.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn set_max_rps(&self, principal: &str, max_rps: u32) -> Result<Ticket, RequestError> {
        self.change(principal, Change::MaxRps(max_rps))
    }

    fn change(&self, principal: &str, change: Change) -> Result<Ticket, RequestError> {
        self.ask(Ask::Change(principal.into(), change))
    }

    /// A new session, named `<principal>_session_<n>`.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn session(&self, principal: &str, scope: &str) -> Result<Session, RequestError> {
        let number = self.floor.next_number();
        self.open(&format!("{principal}_session_{number}"), principal, scope)
    }

    /// Opens a session under a name, or attaches to the one of that name, principal and scope. What the world says
    /// of it is in [`Session::opened`].
    ///
    /// # Errors
    /// When a name cannot be one, and as [`Client::ask`].
    pub fn open(&self, session: &str, principal: &str, scope: &str) -> Result<Session, RequestError> {
        self.open_for(session, principal, scope, None)
    }

    /// The same, for so many steps of world time; then it ends with everything it holds.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn open_for(
        &self,
        session: &str,
        principal: &str,
        scope: &str,
        steps: Option<u64>,
    ) -> Result<Session, RequestError> {
        check_name("session", session)?;
        check_name("principal", principal)?;
        check_scope(scope).map_err(NotAName::from)?;
        let id: Arc<str> = session.into();
        let ask = Ask::Open { session: id.clone(), principal: principal.into(), scope: scope.into(), steps };
        let opened = self.ask(ask)?;
        Ok(Session::new(self.clone(), id, opened))
    }

    /// Whether requests wait for a frame.
    pub fn is_waiting(&self) -> bool {
        self.floor.is_waiting()
    }

    /// Whether scripts would go on in a still frame, without a step: those that have used up their steps of the last.
    pub fn goes_on(&self) -> bool {
        self.floor.goes_on()
    }

    /// What scripts can call.
    pub fn commands(&self) -> &Commands {
        self.floor.commands()
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        self.floor.settings()
    }

    /// Takes the lines that sessions have logged since the last time, in order.
    pub fn take_log(&self) -> Vec<Vec<u8>> {
        self.floor.take_log()
    }

    /// What was done so far.
    pub fn figures(&self) -> Figures {
        self.floor.figures()
    }

    /// Looks at the committed entries: between frames, or under a lease of the engine's
    /// [`Reader`](diptych_engine::Reader). A commit waits for it, so look and go.
    pub fn look<R>(&self, look: impl FnOnce(&Index) -> R) -> R {
        look(&self.floor.index())
    }
}
