//! The reader's end of a message type: the mail, sorted by target.
//!
//! Invariant: what a reader sees is the mail of the last commit, and nothing of it changes during the wave.
//! Mail is taken by looking at it: a reader that is skipped, disabled or returns before it looks loses none.

#![expect(unsafe_code, reason = "implements bevy's unsafe parameter trait")]

use super::merge::Tray;
use super::{Desk, Mail, Post};
use crate::buffer::State;
use crate::buffer::raw::Ordering;
use crate::error::BuildError;
use crate::id::Id;
use crate::registry::Registry;
use crate::schedule::Phase;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::query::{QueryFilter, SingleEntityQueryData};
use bevy_ecs::system::{Query, SystemAccess, SystemMeta, SystemParam, SystemParamValidationError};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::any::type_name;
use std::sync::Arc;

/// The messages of type `M` that wait: those of the last frame, after older ones that were not read yet.
///
/// One system names it, as a rule the owner of the fact that messages change. All mail is gone after a frame
/// in which that system has looked at some of it; until then it waits, also through a restart.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Health(u64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Damage(u64);
/// fn suffer(mut healths: Query<Next<Health>>, damage: Inbox<Damage>) {
///     let unmatched = damage.deliver(&mut healths, |mut health, hits| {
///         for (_attacker, hit) in hits.iter() {
///             let left = health.prev().0.saturating_sub(hit.0);
///             health.set(Health(left));
///         }
///     });
///     // Sent to something without health, or to something that is gone.
///     assert_eq!((unmatched, damage.undeliverable().count()), (0, 0));
/// }
/// fn poison(healths: Query<(Id, Prev<Health>)>, mut damage: Outbox<Damage>) {
///     for (id, _) in &healths {
///         damage.from(id).to(id, Damage(1));
///     }
/// }
/// let mut engine = Engine::in_memory()
///     .state::<Health>("combat.health", 1)
///     .message::<Damage>("combat.damage", 1)
///     .system("suffer", suffer)
///     .system("poison", poison)
///     .setup("patient", |structure| {
///         structure.spawn((Health(10),));
///     })
///     .build()?;
/// engine.run(Pace::frames(5))?;
/// assert_eq!(engine.view().single::<Health>().map(|health| health.0), Some(6));
/// assert!(engine.explain().to_string().contains("from poison to suffer"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Inbox<'s, M: State> {
    pub(super) post: &'s Post<M>,
    pub(super) desk: &'s Desk,
    pub(super) tray: &'s Tray<M>,
}

impl<'s, M: State> Inbox<'s, M> {
    /// Calls `visit` with the row and the mail of every target that `query` matches, in the order of the
    /// targets' `Id`s. Answers how many messages went to living targets that `query` does not match: these are
    /// read, and gone, with the others; see [`Inbox::deliver_or`].
    ///
    /// Cost: a lookup a target with mail; what exists beside does not matter.
    pub fn deliver<'q, D: SingleEntityQueryData, F: QueryFilter>(
        &self,
        query: &mut Query<'_, 'q, D, F>,
        visit: impl FnMut(D::Item<'_, 'q>, Mail<'s, M>),
    ) -> u64 {
        let mut unmatched = 0;
        self.deliver_or(query, visit, |mail| unmatched += mail.len() as u64);
        unmatched
    }

    /// The same, and calls `otherwise` with the mail of a living target that `query` does not match.
    pub fn deliver_or<'q, D: SingleEntityQueryData, F: QueryFilter>(
        &self,
        query: &mut Query<'_, 'q, D, F>,
        mut visit: impl FnMut(D::Item<'_, 'q>, Mail<'s, M>),
        mut otherwise: impl FnMut(Mail<'s, M>),
    ) {
        self.look();
        for (entity, mail) in self.tray.mails() {
            match query.get_mut(entity) {
                Ok(row) => visit(row, mail),
                Err(_) => otherwise(mail),
            }
        }
    }

    /// The mail of one target; empty where there is none. Free to call from parallel loops.
    ///
    /// Cost: a binary search among the targets with mail.
    pub fn of(&self, target: impl Into<Id>) -> Mail<'s, M> {
        self.look();
        self.tray.of(target.into())
    }

    /// The mail of each target, in the order of their `Id`s.
    pub fn mails(&self) -> impl Iterator<Item = Mail<'s, M>> + use<'s, M> {
        self.look();
        self.tray.mails().map(|(_, mail)| mail)
    }

    /// Target, sender and message of all, by target, and a target's in the order of its mail.
    pub fn iter(&self) -> impl Iterator<Item = (Id, Id, &'s M)> + use<'s, M> {
        self.mails()
            .flat_map(|mail| mail.iter().map(move |(sender, message)| (mail.target(), sender, message)))
    }

    /// Target, sender and message of those whose target is gone, in the order of (age, system name, sender,
    /// issue). They are counted in `Stats::messages_undeliverable`, looked at or not.
    pub fn undeliverable(&self) -> impl Iterator<Item = (Id, Id, &'s M)> + use<'s, M> {
        self.look();
        let waiting = self.post.waiting.get();
        self.tray.dead().iter().map(|place| {
            let letter = waiting.letter(*place);
            (letter.target, letter.sender, &letter.message)
        })
    }

    /// Messages to living targets; asking does not count as looking at them. A reader that returns early where
    /// there is nothing asks [`Inbox::is_empty`], or undeliverable mail would wait for ever.
    pub fn len(&self) -> usize {
        self.tray.len()
    }

    /// Whether there is nothing to read, undeliverable or not; asking does not count as looking.
    pub fn is_empty(&self) -> bool {
        self.tray.len() == 0 && self.tray.dead().is_empty()
    }

    /// From here on the mail counts as read.
    fn look(&self) {
        // Relaxed: the commit comes after the system has been joined.
        if !self.desk.looked.load(Ordering::Relaxed) {
            self.desk.looked.store(true, Ordering::Relaxed);
        }
    }
}

/// The state of the parameter.
pub struct InboxState<M: State> {
    post: Arc<Post<M>>,
    desk: Arc<Desk>,
    tray: Tray<M>,
}

impl<M: State> core::fmt::Debug for InboxState<M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InboxState").field("post", &self.post).finish_non_exhaustive()
    }
}

// SAFETY: nothing of the world is accessed; the mail and the index of `Id`s change at commits only.
unsafe impl<M: State> SystemParam for Inbox<'_, M> {
    type State = InboxState<M>;
    type Item<'w, 's> = Inbox<'s, M>;

    fn init_state(world: &mut World) -> InboxState<M> {
        let (system, post) = Post::<M>::find(world, "Inbox");
        let mut registry = world.resource_mut::<Registry>();
        let why = match registry.phase {
            Phase::Late => Some("runs late, where systems own nothing that messages could change"),
            Phase::Startup => Some("runs in the first frame only, before there is any mail"),
            Phase::Wave | Phase::Derive => None,
        };
        if let Some(why) = why {
            registry.refused.push(BuildError::MessagePhase {
                system: system.clone(),
                parameter: "Inbox",
                type_name: type_name::<M>().to_owned(),
                why,
            });
        }
        let desk = post.add_desk(system);
        InboxState { post, desk, tray: Tray::default() }
    }

    fn init_access(_: &InboxState<M>, _: &mut SystemMeta, _: &mut SystemAccess, _: &mut World) {}

    unsafe fn get_param<'w, 's>(
        state: &'s mut InboxState<M>,
        _: &SystemMeta,
        _: UnsafeWorldCell<'w>,
        _: Tick,
    ) -> Result<Inbox<'s, M>, SystemParamValidationError> {
        let InboxState { post, desk, tray } = state;
        tray.fill(post.waiting.get(), post.shared.ids.get());
        desk.dead.store(tray.dead().len() as u64, Ordering::Relaxed);
        Ok(Inbox { post, desk, tray })
    }
}
