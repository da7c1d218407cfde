//! The writers' end of a message type: sheets of letters, one for each chunk of a parallel loop.
//!
//! Invariant: a sheet is written by one thread at a time, and sheets stay in the order of their chunks. While
//! letters are pushed it is only noted whether senders come in ascending order; nothing is sorted here.

#![expect(unsafe_code, reason = "implements bevy's unsafe parameter trait")]

use super::{MESSAGES_MAX, Post};
use crate::buffer::State;
use crate::error::BuildError;
use crate::id::Id;
use crate::phased::Phased;
use crate::query::split::{Sealed, Split};
use crate::registry::Registry;
use crate::schedule::Phase;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::system::{SystemAccess, SystemMeta, SystemParam, SystemParamValidationError};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::any::type_name;
use std::sync::Arc;

/// Letters for which an emptied sheet keeps its room, however few it held last.
const SPARE_LETTERS_MIN: usize = 1024;

/// Sends messages of type `M` to entities; the one system that names `Inbox<M>` reads them in the next frame.
///
/// Any system but a late one may write, from any loop. A target reads its messages in the order of (name of
/// the sending system, `Id` of the sender, order of issue), where chunks of a parallel loop count in row order.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Gun {
///     target: Id,
/// }
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Health(u64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Damage(u64);
/// fn shoot(mut guns: Query<(Id, Prev<Gun>)>, mut damage: Outbox<Damage>) {
///     guns.par_rows_with(&mut damage, |(id, gun), damage| {
///         damage.from(id).to(gun.target, Damage(3));
///     });
/// }
/// fn suffer(mut healths: Query<Next<Health>>, damage: Inbox<Damage>) {
///     damage.deliver(&mut healths, |mut health, hits| {
///         let sum: u64 = hits.messages().iter().map(|hit| hit.0).sum();
///         health.set(Health(health.prev().0.saturating_sub(sum)));
///     });
/// }
/// let mut engine = Engine::in_memory()
///     .state::<Gun>("combat.gun", 1)
///     .state::<Health>("combat.health", 1)
///     .message::<Damage>("combat.damage", 1)
///     .system("shoot", shoot)
///     .system("suffer", suffer)
///     .setup("duel", |structure| {
///         let target = structure.spawn((Health(100),)).id;
///         (0..4).for_each(|_| {
///             structure.spawn((Gun { target },));
///         });
///     })
///     .build()?;
/// engine.run(Pace::frames(3))?;
/// // Shot at in frames 1, 2 and 3; hit in 2 and 3.
/// assert_eq!(engine.view().single::<Health>().map(|health| health.0), Some(100 - 2 * 4 * 3));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Outbox<'s, M: State> {
    pub(super) sheets: &'s mut Sheets<M>,
}

impl<M: State> Outbox<'_, M> {
    /// Begins messages of this sender, in most systems the row at hand.
    #[inline]
    pub fn from(&mut self, sender: impl Into<Id>) -> Pen<'_, M> {
        self.sheets.open.from(sender.into())
    }
}

/// Takes messages inside a parallel loop; see `Loops::par_rows_with`.
#[derive(Debug)]
pub struct Letters<M: State>(Sheet<M>);

impl<M: State> Letters<M> {
    /// See [`Outbox::from`].
    #[inline]
    pub fn from(&mut self, sender: impl Into<Id>) -> Pen<'_, M> {
        self.0.from(sender.into())
    }
}

/// Writes messages of one sender.
#[derive(Debug)]
pub struct Pen<'a, M: State> {
    letters: &'a mut Vec<Letter<M>>,
    sender: Id,
}

impl<M: State> Pen<'_, M> {
    /// Sends a message to an entity, which may be the sender itself. Where the target is gone when the mail is
    /// read, the reader finds the message in `Inbox::undeliverable`.
    ///
    /// # Panics
    /// When one loop, or one chunk of it, has sent [`MESSAGES_MAX`] messages.
    #[inline]
    pub fn to(&mut self, target: impl Into<Id>, message: M) -> &mut Self {
        if self.letters.len() >= MESSAGES_MAX {
            refuse(type_name::<M>());
        }
        self.letters.push(Letter { target: target.into(), sender: self.sender, message });
        self
    }
}

#[cold]
fn refuse(type_name: &str) -> ! {
    panic!("{MESSAGES_MAX} messages of {type_name} were sent by one loop in one frame, the limit")
}

/// One message under way.
#[derive(Debug, Clone)]
pub(crate) struct Letter<M> {
    pub(crate) target: Id,
    pub(crate) sender: Id,
    pub(crate) message: M,
}

/// Letters in the order in which one thread wrote them.
#[derive(Debug)]
pub(crate) struct Sheet<M> {
    pub(crate) letters: Vec<Letter<M>>,
    /// Whether no sender came after a greater one.
    pub(crate) ascending: bool,
    last: Id,
}

impl<M> Default for Sheet<M> {
    fn default() -> Self {
        Self { letters: Vec::new(), ascending: true, last: Id::default() }
    }
}

impl<M: State> Sheet<M> {
    #[inline]
    fn from(&mut self, sender: Id) -> Pen<'_, M> {
        self.ascending &= sender >= self.last;
        self.last = sender;
        Pen { letters: &mut self.letters, sender }
    }
}

/// The sheets of one parameter of one system.
#[derive(Debug)]
pub(crate) struct Sheets<M> {
    /// What is written outside of parallel loops goes here until the next of them.
    open: Sheet<M>,
    /// In the order of loops and chunks.
    filled: Vec<Sheet<M>>,
    /// Emptied sheets, for their memory; the last is the next to use.
    spare: Vec<Sheet<M>>,
}

impl<M> Default for Sheets<M> {
    fn default() -> Self {
        Self { open: Sheet::default(), filled: Vec::new(), spare: Vec::new() }
    }
}

impl<M> Sheets<M> {
    fn fresh(&mut self) -> Sheet<M> {
        self.spare.pop().unwrap_or_default()
    }

    /// Closes the sheet that is open, so that what follows comes after it.
    fn close(&mut self) {
        if !self.open.letters.is_empty() {
            let next = self.fresh();
            self.filled.push(core::mem::replace(&mut self.open, next));
        }
    }

    /// Hands over what was written, in order.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Sheet<M>> {
        self.close();
        self.filled.drain(..)
    }

    /// Empties sheets and keeps their memory for the next frame, as far as they made use of it.
    pub(crate) fn keep_spare(&mut self, sheets: impl DoubleEndedIterator<Item = Sheet<M>>) {
        // What the last two frames did not need goes.
        self.spare.clear();
        for sheet in sheets.rev() {
            let mut letters = sheet.letters;
            if letters.capacity() <= SPARE_LETTERS_MIN.max(4 * letters.len()) {
                letters.clear();
                self.spare.push(Sheet { letters, ..Sheet::default() });
            }
        }
    }
}

/// Where a parameter's sheets are found by the commit.
pub struct Outlet<M> {
    pub(super) system: String,
    pub(super) sheets: Phased<Sheets<M>>,
}

impl<M> core::fmt::Debug for Outlet<M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Outlet").field("system", &self.system).finish_non_exhaustive()
    }
}

impl<M> Outlet<M> {
    pub(crate) fn system(&self) -> &str {
        &self.system
    }

    /// # Safety
    /// The answer is the only way to the sheets while it lives: the caller is the parameter's own system, or
    /// the commit.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    pub(crate) unsafe fn sheets(&self) -> &mut Sheets<M> {
        // SAFETY: the caller's promise.
        unsafe { self.sheets.get_mut() }
    }
}

impl<M: State> Sealed for &mut Outbox<'_, M> {}

impl<M: State> Split for &mut Outbox<'_, M> {
    type Part = Letters<M>;

    fn split(&mut self, count: usize) -> Vec<Letters<M>> {
        self.sheets.close();
        (0..count).map(|_| Letters(self.sheets.fresh())).collect()
    }

    fn join(&mut self, parts: Vec<Letters<M>>) {
        for Letters(sheet) in parts {
            if sheet.letters.is_empty() {
                // A sender that began and wrote nothing is forgotten.
                self.sheets.spare.push(Sheet { letters: sheet.letters, ..Sheet::default() });
            } else {
                self.sheets.filled.push(sheet);
            }
        }
    }
}

// SAFETY: nothing of the world is accessed. The sheets belong to this parameter alone: its state is borrowed
// as long as they are, and the commit takes them while no system runs.
unsafe impl<M: State> SystemParam for Outbox<'_, M> {
    type State = Arc<Outlet<M>>;
    type Item<'w, 's> = Outbox<'s, M>;

    fn init_state(world: &mut World) -> Arc<Outlet<M>> {
        let (system, post) = Post::<M>::find(world, "Outbox");
        let mut registry = world.resource_mut::<Registry>();
        if registry.phase == Phase::Late {
            registry.refused.push(BuildError::MessagePhase {
                system: system.clone(),
                parameter: "Outbox",
                type_name: type_name::<M>().to_owned(),
                why: "runs late, after the commit that takes the messages",
            });
        }
        let outlet = Arc::new(Outlet { system, sheets: Phased::new(Sheets::default()) });
        post.add_outlet(&outlet);
        outlet
    }

    fn init_access(_: &Arc<Outlet<M>>, _: &mut SystemMeta, _: &mut SystemAccess, _: &mut World) {}

    unsafe fn get_param<'w, 's>(
        outlet: &'s mut Arc<Outlet<M>>,
        _: &SystemMeta,
        _: UnsafeWorldCell<'w>,
        _: Tick,
    ) -> Result<Outbox<'s, M>, SystemParamValidationError> {
        // SAFETY: the state is this parameter's own, and borrowed for `'s`; the commit waits for the wave.
        Ok(Outbox { sheets: unsafe { outlet.sheets() } })
    }
}
