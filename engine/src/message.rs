//! Messages: what any system says to an entity, and the owner of a fact reads in the next frame.
//!
//! A message type has any number of writers (`Outbox`) and one reader (`Inbox`). Invariant: the order of
//! messages follows from system names, senders' `Id`s and the order of issue, never from threads or tables;
//! and a message is there until its reader has looked. Sheets of letters change hands at the commit without a
//! copy; sorting them by target is the reader's, in its own time.

#![expect(unsafe_code, reason = "hands letters from systems to the commit and to the reader")]

mod inbox;
mod mail;
mod merge;
mod outbox;
#[cfg(all(test, not(diptych_loom)))]
mod tests;

pub use inbox::Inbox;
pub use mail::Mail;
pub use outbox::{Letters, Outbox, Pen};

use crate::annex::Annex;
use crate::buffer::raw::{AtomicBool, AtomicU64, Ordering};
use crate::buffer::{Codec, CodecError, State};
use crate::editor::Editor;
use crate::error::{BuildError, Error, Result};
use crate::phased::Phased;
use crate::registry::Registry;
use crate::sabotage;
use crate::shared::Shared;
use crate::stats::Stats;
use bevy_ecs::world::World;
use bytemuck::Pod;
use core::any::{Any, type_name};
use mail::{Waiting, Wire};
use outbox::Outlet;
use std::sync::Arc;

/// Messages of one type that may wait for their reader; beyond, the commit fails.
pub const MESSAGES_MAX: usize = 1 << 26;

/// All messages of one type that are under way, and who writes and reads them.
pub(crate) struct Post<M: State> {
    /// `message` and the registered name.
    name: String,
    label: String,
    version: u32,
    wire: Wire<M>,
    shared: Arc<Shared>,
    /// [`MESSAGES_MAX`], but in tests.
    limit: usize,
    /// The writers' ends, by system name, then by the order of its parameters.
    outlets: Phased<Vec<Arc<Outlet<M>>>>,
    /// The readers' ends: those of one system, or the build fails.
    desks: Phased<Vec<Arc<Desk>>>,
    waiting: Phased<Waiting<M>>,
    sent: Phased<u64>,
    undeliverable: Phased<u64>,
}

/// What a reader tells the commit.
#[derive(Debug)]
pub(crate) struct Desk {
    system: String,
    /// Whether the reader has looked at the mail in this frame.
    looked: AtomicBool,
    /// Messages whose targets are gone, among those it looked at.
    dead: AtomicU64,
}

impl<M: State> core::fmt::Debug for Post<M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Post").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<M: State> Post<M> {
    fn new(world: &World, name: &str, version: u32, wire: Wire<M>) -> Self {
        Self {
            name: format!("message {name}"),
            label: name.to_owned(),
            version,
            wire,
            shared: world.resource::<Registry>().shared.clone(),
            limit: MESSAGES_MAX,
            outlets: Phased::default(),
            desks: Phased::default(),
            waiting: Phased::new(Waiting::default()),
            sent: Phased::default(),
            undeliverable: Phased::default(),
        }
    }

    pub(crate) fn pod(world: &World, name: &str, version: u32) -> Self
    where
        M: Pod,
    {
        Self::new(world, name, version, Wire::pod())
    }

    pub(crate) fn coded<C: Codec<M>>(world: &World, name: &str, version: u32) -> Self {
        Self::new(world, name, version, Wire::coded::<C>())
    }

    /// The post of a type; when it is not registered, one that leads nowhere, and a note for the build.
    fn find(world: &mut World, parameter: &'static str) -> (String, Arc<Self>) {
        let mut registry =
            world.get_resource_mut::<Registry>().expect("diptych's parameters need a diptych world");
        let (system, _) = registry.building();
        let found = registry.annex::<Self>();
        if found.is_none() {
            registry.refused.push(BuildError::UnregisteredMessage {
                system: system.clone(),
                parameter,
                type_name: type_name::<M>().to_owned(),
            });
        }
        let post = found.unwrap_or_else(|| Arc::new(Self::new(world, "", 0, Wire::none())));
        (system, post)
    }

    /// The systems that write, each once, in the order of their names.
    fn writers(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.outlets.get().iter().map(|outlet| outlet.system().to_owned()).collect();
        names.dedup();
        names
    }

    /// The systems that read, each once, in the order of their names.
    fn readers(&self) -> Vec<String> {
        let mut names: Vec<String> = self.desks.get().iter().map(|desk| desk.system.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn add_outlet(&self, outlet: &Arc<Outlet<M>>) {
        // SAFETY: systems are made while the engine is built, one after the other; nothing runs.
        let outlets = unsafe { self.outlets.get_mut() };
        outlets.push(outlet.clone());
        // Stable: the parameters of one system stay in their order.
        outlets.sort_by(|a, b| a.system().cmp(b.system()));
    }

    fn add_desk(&self, system: String) -> Arc<Desk> {
        let desk = Arc::new(Desk { system, looked: AtomicBool::new(false), dead: AtomicU64::new(0) });
        // SAFETY: as in `add_outlet`.
        unsafe { self.desks.get_mut() }.push(desk.clone());
        desk
    }

    /// What was written becomes what waits, and what was read goes.
    ///
    /// # Safety
    /// No system runs, and the record of the last frame is made.
    unsafe fn turn(&self) -> Result<()> {
        // Relaxed: the systems were joined before the commit.
        let mut looked = false;
        let mut dead = 0;
        for desk in self.desks.get() {
            looked |= desk.looked.load(Ordering::Relaxed);
            dead = dead.max(desk.dead.load(Ordering::Relaxed));
            desk.looked.store(false, Ordering::Relaxed);
        }
        // SAFETY: the caller's promise.
        let waiting = unsafe { self.waiting.get_mut() };
        if looked && !sabotage::is_redelivered() {
            // SAFETY: as above.
            unsafe { *self.undeliverable.get_mut() += dead };
            waiting.discard(|place, sheets| {
                // SAFETY: as above.
                unsafe { self.outlets.get()[place].sheets() }.keep_spare(sheets);
            });
        } else {
            waiting.settle();
        }
        // SAFETY: as above.
        let sent = unsafe { self.collect(waiting) };
        // SAFETY: as above.
        unsafe { *self.sent.get_mut() += sent as u64 };
        if waiting.len() > self.limit {
            return Err(Error::Messages {
                type_name: type_name::<M>().to_owned(),
                reader: self.readers().join(", "),
                writers: self.writers().join(", "),
                waiting: waiting.len() as u64,
                limit: self.limit as u64,
            });
        }
        Ok(())
    }

    /// Takes what the outboxes hold; answers how many messages that is.
    ///
    /// # Safety
    /// No system runs.
    unsafe fn collect(&self, waiting: &mut Waiting<M>) -> usize {
        let outlets = self.outlets.get();
        let (mut sent, mut eldest) = (0, 0);
        for (place, outlet) in outlets.iter().enumerate() {
            if outlets[eldest].system() != outlet.system() {
                eldest = place;
            }
            // SAFETY: the caller's promise.
            sent += waiting.take(unsafe { outlet.sheets() }, place, eldest);
        }
        sent
    }
}

impl<M: State> Annex for Post<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    unsafe fn exchange(&self, _: &mut Editor<'_>, _: u64) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.turn() }
    }

    fn is_quiet(&self) -> bool {
        self.waiting.get().len() == 0
    }

    fn size(&self) -> usize {
        self.waiting.get().size(&self.wire)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.waiting.get().write(self.version, &self.wire, out);
    }

    unsafe fn restore(&self, bytes: &[u8]) -> Result<(), CodecError> {
        sabotage::note_recovered_mail();
        let restored = Waiting::read(self.version, &self.wire, self.limit, bytes)?;
        // SAFETY: the caller's promise.
        unsafe { *self.waiting.get_mut() = restored };
        Ok(())
    }

    fn explain(&self) -> Vec<String> {
        let list = |names: Vec<String>| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        let (from, to) = (list(self.writers()), list(self.readers()));
        vec![format!("message {} v{} ({}): from {from} to {to}", self.label, self.version, type_name::<M>())]
    }

    fn fill(&self, stats: &mut Stats) {
        stats.messages_sent += self.sent.get();
        stats.messages_waiting += self.waiting.get().len() as u64;
        stats.messages_undeliverable += self.undeliverable.get();
    }

    fn check(&self) -> Vec<BuildError> {
        let type_name = type_name::<M>().to_owned();
        let (writers, readers) = (self.writers(), self.readers());
        let mut errors = Vec::new();
        if self.label.is_empty() {
            let (type_name, name) = (type_name.clone(), String::new());
            errors.push(BuildError::BadName { type_name, name, why: "empty" });
        }
        if readers.len() > 1 {
            let readers = readers.join(", ");
            errors.push(BuildError::MessageReaders { type_name, readers });
        } else if readers.is_empty() && !writers.is_empty() {
            let writers = writers.join(", ");
            errors.push(BuildError::NoMessageReader { type_name, writers });
        }
        errors
    }
}
