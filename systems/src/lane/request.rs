//! What reaches the lanes from outside, and the way back of its answer.
//!
//! Invariant: requests are taken in the order of their arrival. What changes permissions or ends a session takes
//! effect before the next request: a frame ends its batch there.

use diptych_components::event::Channel;
use diptych_components::principal::{Principal, ScopeAccess, TopicAccess};
use diptych_components::slp::{Kind, Object};
use diptych_engine::reply::Promise;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is asked.
#[derive(Debug, Clone)]
pub enum Ask {
    /// Opens a session, or attaches to the one of this name, principal and scope.
    Open {
        /// Its name.
        session: Arc<str>,
        /// Whose permissions hold in it.
        principal: Arc<str>,
        /// Where its keys live.
        scope: Arc<str>,
        /// Steps after which it ends; `None` for never.
        steps: Option<u64>,
    },
    /// Ends a session, its handlers and its suspended scripts.
    Close(Arc<str>),
    /// Runs all forms of a script in a session; the answer is that of the last form.
    Run(Arc<str>, Object),
    /// Does one thing in a session, without a script.
    Do(Arc<str>, Operation),
    /// Makes a principal, or replaces it.
    Principal(Principal),
    /// Removes a principal.
    Remove(Arc<str>),
    /// Changes a principal.
    Change(Arc<str>, Change),
}

/// One operation of a session.
#[derive(Debug, Clone)]
pub enum Operation {
    /// The text of an entry.
    Get(Arc<[u8]>),
    /// Sets an entry.
    Set(Arc<[u8]>, Object),
    /// Deletes an entry.
    Delete(Arc<[u8]>),
    /// Whether there is an entry.
    Exists(Arc<[u8]>),
    /// Sets an entry that does not exist.
    SetIfAbsent(Arc<[u8]>, Object),
    /// Sets an entry whose text is the expected one.
    CompareAndSwap(Arc<[u8]>, Arc<[u8]>, Object),
    /// Publishes an event.
    Publish(Channel, u16, Object),
    /// Registers a handler, a brace list.
    Subscribe(Channel, u16, Object),
    /// Ends the session's handlers of a topic.
    Unsubscribe(Channel, u16),
}

impl Operation {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Get(key) | Self::Delete(key) | Self::Exists(key) => key.len(),
            Self::Set(key, value) | Self::SetIfAbsent(key, value) => key.len() + value.heap_bytes(),
            Self::CompareAndSwap(key, expected, value) => key.len() + expected.len() + value.heap_bytes(),
            Self::Publish(_, _, value) | Self::Subscribe(_, _, value) => value.heap_bytes(),
            Self::Unsubscribe(..) => 0,
        }
    }

    /// What it would store or publish.
    pub(super) fn value(&self) -> Option<&Object> {
        match self {
            Self::Set(_, value)
            | Self::SetIfAbsent(_, value)
            | Self::CompareAndSwap(_, _, value)
            | Self::Publish(_, _, value) => Some(value),
            Self::Get(_)
            | Self::Delete(_)
            | Self::Exists(_)
            | Self::Subscribe(..)
            | Self::Unsubscribe(..) => None,
        }
    }
}

/// A change of a principal.
#[derive(Debug, Clone)]
pub enum Change {
    /// Grants a scope; replaces an earlier grant.
    GrantScope(Arc<str>, ScopeAccess),
    /// Takes a scope away.
    RevokeScope(Arc<str>),
    /// Grants a topic; replaces an earlier grant.
    GrantTopic(u16, TopicAccess),
    /// Takes a topic away.
    RevokeTopic(u16),
    /// Publications a second; 0 for any number.
    MaxRps(u32),
}

impl Ask {
    /// Bytes of what it brings to be run or stored.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Run(_, program) => program.heap_bytes(),
            Self::Do(_, operation) => operation.heap_bytes(),
            _ => 0,
        }
    }

    /// Whether what comes after it must see its effect.
    pub(super) fn is_barrier(&self) -> bool {
        matches!(self, Self::Close(_) | Self::Principal(_) | Self::Remove(_) | Self::Change(..))
    }
}

/// The answer of a request, in the frame whose commit holds its effects.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The value, or an ERROR.
    pub result: Object,
    /// The frame.
    pub frame: u64,
}

impl Answer {
    /// Whether it is an ERROR.
    pub fn is_error(&self) -> bool {
        self.result.kind() == Kind::Error
    }
}

/// Answers for who asks a lot and looks at them together, each with the number it was asked under.
#[derive(Debug, Default)]
pub struct Answers {
    list: Mutex<Vec<(u64, Answer)>>,
    more: Condvar,
}

impl Answers {
    /// Takes what has come since the last time.
    pub fn take(&self) -> Vec<(u64, Answer)> {
        core::mem::take(&mut *self.lock())
    }

    /// The same; waits while there is none, at most so long. For one thread at a time. An engine that stops wakes nobody
    /// here.
    pub fn wait(&self, timeout: Duration) -> Vec<(u64, Answer)> {
        let waited = self.more.wait_timeout_while(self.lock(), timeout, |list| list.is_empty());
        core::mem::take(&mut *waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    fn put(&self, answers: &mut Vec<(u64, Answer)>) {
        let mut list = self.lock();
        if list.is_empty() {
            core::mem::swap(&mut *list, answers);
        } else {
            list.append(answers);
        }
        drop(list);
        self.more.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, Answer)>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where an answer goes.
#[derive(Debug)]
pub enum To {
    /// To one who waits.
    Promise(Promise<Answer>),
    /// To a list, under a number.
    List(Arc<Answers>, u64),
    /// To nobody: in a replay nobody waits.
    Nobody,
}

impl To {
    /// Gives answers out in order; those that go to one list one after the other go at once.
    pub(super) fn answer_all(answers: impl Iterator<Item = (Self, Answer)>) {
        let mut last: Option<Arc<Answers>> = None;
        let mut together = Vec::new();
        let (mut left, mut lists) = (answers.size_hint().0, 0);
        for (to, answer) in answers {
            match to {
                Self::Promise(promise) => promise.keep(answer),
                Self::Nobody => {}
                Self::List(list, number) => {
                    if !last.as_ref().is_some_and(|last| Arc::ptr_eq(last, &list)) {
                        last.inspect(|last| last.put(&mut together));
                        last = Some(list);
                        lists += 1;
                    }
                    if together.capacity() == 0 {
                        // Mostly there is one list, and it gets all.
                        together.reserve_exact(if lists == 1 { left } else { left.min(64) });
                    }
                    together.push((number, answer));
                }
            }
            left = left.saturating_sub(1);
        }
        last.inspect(|last| last.put(&mut together));
    }
}

/// A question and where its answer goes.
#[derive(Debug)]
pub struct Request {
    /// The question.
    pub ask: Ask,
    /// Where the answer goes.
    pub to: To,
}
