//! Timers: entities whose event is sent once, when their time is over, over the index of deadlines that scripts use too.
//!
//! A timer's time begins in the frame after it was spawned, and goes by steps of world time. It fires in the first frame in
//! which its system runs and its time is over; what it sends, [`Firing`], is read in the next. Timers that came due while
//! the system was switched off, or while nobody made frames, fire once each, the earliest first.
//!
//! Invariant: what fires follows from the timers' rows. The index may hold more than they say, never less; each entry is
//! compared with its row. Left out: timers that repeat; who hears one says [`TimerOrder::again`].

use crate::canonical::CanonicalCodec;
use crate::deadline::Deadlines;
use diptych_components::timer::steps_of;
pub use diptych_components::timer::{
    Firing, TIMER_MS_DEFAULT, TIMER_MS_MAX, Timer, TimerError, TimerEvent, TimerOrder, TimerPlan, TimerStage,
};
use diptych_engine::prelude::*;
use diptych_engine::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Entries that the index may hold beyond twice the rows before it is made again.
pub const TIMER_ENTRIES_SPARE_MAX: usize = 1024;

/// Registers timers that send an event: the state `NAME.timer`, the messages `NAME` (they have fired) and `NAME.order` (what
/// is asked of them), the system `NAME.fire` that owns them, and their index, `NAME.due`.
///
/// Somebody must read `Inbox<Firing<E>>`: a world in which nobody does is refused when it is built.
///
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::timer::{self, Firing, Timer};
/// /// The event: so many eggs are done.
/// #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
/// #[repr(C)]
/// struct Eggs(u64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Eaten(u64);
/// fn eat(mut plates: Query<Next<Eaten>>, done: Inbox<Firing<Eggs>>) {
///     done.deliver(&mut plates, |mut plate, mail| {
///         let eggs: u64 = mail.messages().iter().map(|firing| firing.event.0).sum();
///         plate.set(Eaten(plate.prev().0 + eggs));
///     });
/// }
/// # struct Kitchen;
/// # impl Plugin for Kitchen {
/// #     fn name(&self) -> &'static str { "kitchen" }
/// #     fn build(self, registrar: &mut Registrar) -> Result<()> {
/// timer::register::<Eggs>(registrar, "kitchen.eggs");
/// registrar.state::<Eaten>("kitchen.eaten", 1).system("kitchen.eat", eat);
/// registrar.setup("kitchen", |world: &mut Structure<'_, '_>| {
///     let plate = world.spawn((Eaten(0),)).id;
///     let timer = Timer::plan().after_ms(240.0).sends(Eggs(2)).to(plate.bits()).build();
///     world.spawn((timer.expect("240 ms is a time"),));
/// });
/// #         Ok(())
/// #     }
/// # }
/// # let mut engine = Engine::in_memory().dt(0.01).plugin(Kitchen).build()?;
/// # engine.run(Pace::frames(24))?;
/// # assert_eq!(engine.view().single::<Eaten>().map(|eaten| eaten.0), Some(0));
/// # engine.step()?; // fired in step 24, eaten in 25
/// # assert_eq!(engine.view().single::<Eaten>().map(|eaten| eaten.0), Some(2));
/// # Ok::<(), Error>(())
/// ```
pub fn register<E: TimerEvent>(registrar: &mut Registrar, name: &str) {
    register_with(registrar, name, Arc::new(TimerIndex::<E>::default()));
}

fn register_with<E: TimerEvent>(registrar: &mut Registrar, name: &str, index: Arc<TimerIndex<E>>) {
    let (own, seen) = (index.clone(), index.clone());
    let fire = move |mut timers: Query<'_, '_, Next<Timer<E>>>,
                     orders: Inbox<'_, TimerOrder<E>>,
                     mut out: Outbox<'_, Firing<E>>,
                     ids: Ids<'_>,
                     clock: Clock| {
        let frame = Frame { ids: &ids, step: clock.step(), tick: clock.tick() };
        fire(&mut own.0.lock(), &frame, &mut timers, &orders, &mut out);
    };
    registrar
        .state_with::<Timer<E>, CanonicalCodec>(&format!("{name}.timer"), 1)
        .message_with::<Firing<E>, CanonicalCodec>(name, 1)
        .message_with::<TimerOrder<E>, CanonicalCodec>(&format!("{name}.order"), 1)
        .system(&format!("{name}.fire"), fire)
        .on_change::<Timer<E>>(move |id, timer| seen.0.lock().note(id, timer.stage()))
        .observer(&format!("{name}.due"), index);
}

/// When which timer is due. Not stored: it follows from the timers.
struct TimerIndex<E>(Mutex<Entries<E>>);

impl<E> Default for TimerIndex<E> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

struct Entries<E> {
    due: Deadlines<Id>,
    /// Timers whose time is to begin.
    new: Vec<Id>,
    /// Timers that run and are not in the index yet.
    armed: Vec<(u64, Id)>,
    /// Room for those that are due in a frame, and for what their rows say.
    firing: Vec<(u64, Id, Option<Entity>)>,
    seen: Vec<Option<Timer<E>>>,
}

impl<E> Default for Entries<E> {
    fn default() -> Self {
        let (new, armed, firing, seen) = Default::default();
        Self { due: Deadlines::default(), new, armed, firing, seen }
    }
}

impl<E: TimerEvent> Entries<E> {
    fn note(&mut self, id: Id, stage: TimerStage) {
        match stage {
            TimerStage::New => self.new.push(id),
            TimerStage::Armed { due, .. } => self.armed.push((due, id)),
            TimerStage::Fired { .. } | TimerStage::Stopped => {}
        }
    }

    fn len(&self) -> usize {
        self.due.len() + self.new.len() + self.armed.len()
    }

    fn rebuild(&mut self, view: View<'_>) {
        *self = Self::default();
        for (id, timer) in view.iter::<Timer<E>>() {
            self.note(id, timer.stage());
        }
        self.due = core::mem::take(&mut self.armed).into_iter().collect();
    }
}

impl<E: TimerEvent> Observer for TimerIndex<E> {
    fn begin(&self, view: View<'_>) {
        self.0.lock().rebuild(view);
    }

    fn commit(&self, view: View<'_>) {
        // Whoever resets timers by inputs, or despawns them, leaves entries behind.
        let rows: usize = view.tables::<Timer<E>>().map(|(ids, _)| ids.len()).sum();
        let mut entries = self.0.lock();
        if entries.len() > 2 * rows + TIMER_ENTRIES_SPARE_MAX {
            entries.rebuild(view);
        }
    }
}

/// What a frame says to all its timers.
struct Frame<'a> {
    ids: &'a Ids<'a>,
    step: u64,
    tick: f64,
}

fn fire<E: TimerEvent>(
    entries: &mut Entries<E>,
    frame: &Frame<'_>,
    timers: &mut Query<'_, '_, Next<Timer<E>>>,
    orders: &Inbox<'_, TimerOrder<E>>,
    out: &mut Outbox<'_, Firing<E>>,
) {
    for (due, id) in entries.armed.drain(..) {
        entries.due.insert(due, id);
    }
    // What orders and beginnings make of timers; each is written once, at the end.
    let mut changed: BTreeMap<Id, Timer<E>> = BTreeMap::new();
    for mail in orders.mails() {
        let id = mail.target();
        let Some(before) = look(frame, timers, id) else { continue };
        if let TimerStage::Armed { due, .. } = before.stage() {
            entries.due.remove(due, id);
        }
        changed.insert(id, mail.messages().iter().fold(before, |timer, order| order.apply(timer)));
    }
    for id in core::mem::take(&mut entries.new) {
        if !changed.contains_key(&id)
            && let Some(timer) = look(frame, timers, id)
        {
            changed.insert(id, timer);
        }
    }
    let since = frame.step - 1;
    for (id, timer) in &mut changed {
        if timer.stage() == TimerStage::New {
            let due = since.saturating_add(steps_of(timer.duration_ms(), frame.tick));
            *timer = timer.at_stage(TimerStage::Armed { since, due });
            // Also one that its row will not bring in, because it was armed for the same moment.
            entries.due.insert(due, *id);
        }
    }
    // Timers that are due together may lie anywhere: pass after pass, so that what is far away is fetched side by side.
    let mut firing = core::mem::take(&mut entries.firing);
    while let Some((due, id)) = entries.due.pop(frame.step) {
        firing.push((due, id, None));
    }
    for (_, id, entity) in &mut firing {
        *entity = frame.ids.entity(*id);
    }
    let seen = |entity: &Option<Entity>| timers.get((*entity)?).ok().copied();
    entries.seen.extend(firing.iter().map(|(.., entity)| seen(entity)));
    for ((due, id, entity), seen) in firing.drain(..).zip(entries.seen.drain(..)) {
        let (Some(entity), Some(seen)) = (entity, seen) else { continue };
        let overlaid = if changed.is_empty() { None } else { changed.get_mut(&id) };
        let timer = overlaid.as_deref().copied().unwrap_or(seen);
        let TimerStage::Armed { since, due: said } = timer.stage() else { continue };
        if said != due {
            continue;
        }
        // From the target to itself, so that its mail is in the order of what was due, not of who sent it.
        let target = timer.target().map_or(id, Id::from_bits);
        out.from(target).to(target, Firing { timer: id.bits(), due, event: timer.event() });
        let fired = timer.at_stage(TimerStage::Fired { since, at: frame.step });
        match overlaid {
            Some(place) => *place = fired,
            None => {
                if let Ok(mut row) = timers.get_mut(entity) {
                    row.set(fired);
                }
            }
        }
    }
    entries.firing = firing;
    for (id, timer) in changed {
        if let Some(entity) = frame.ids.entity(id)
            && let Ok(mut row) = timers.get_mut(entity)
        {
            row.set_if_changed(timer);
        }
    }
}

/// A timer as it was committed.
fn look<E: TimerEvent>(
    frame: &Frame<'_>,
    timers: &Query<'_, '_, Next<Timer<E>>>,
    id: Id,
) -> Option<Timer<E>> {
    timers.get(frame.ids.entity(id)?).ok().copied()
}

#[cfg(test)]
mod tests;
