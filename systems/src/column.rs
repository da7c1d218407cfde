//! Columns that go out for a frame: both buffers move to a thread of their own, which stands for any device, and come back
//! before the commit with the marks of what was set. Nothing is copied, and nobody waits but who sent them.
//!
//! Invariant: what comes back in time is set, in the order of the rows; a column that does not, or whose work panics, keeps
//! its value, and that is an error with the courier's name. What comes late is nobody's: it owns its memory.
//! Left out: what a device does; and sharing, since every row of the state [`Column`] can have a courier of its own.

use bevy_ecs::query::QueryFilter;
use core::time::Duration;
pub use diptych_components::column::{COLUMN_BYTES_MAX, Column, ColumnError, ColumnPair};
use diptych_engine::prelude::*;
use diptych_engine::sync::{Deadline, Mutex};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

/// Columns that may be out at once with one courier.
pub const COURIER_OUT_MAX: usize = 64;
/// How long a frame waits for the columns that are out at a time to come back.
pub const COURIER_WAIT_MAX: Duration = Duration::from_secs(10);

/// Why a column did not come back.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the courier {courier} did not bring a column back: {reason}; the column keeps its value")]
pub struct CourierError {
    /// Its name.
    pub courier: String,
    /// Why.
    pub reason: String,
}

/// What a column takes along.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Errand {
    /// The frame that is being made.
    pub frame: u64,
    /// Seconds by which it moves world time.
    pub dt: f64,
    /// The place of the column among those that the system sees.
    pub place: usize,
}

/// A pair of buffers on its way.
struct Parcel<T> {
    errand: Errand,
    ticket: u64,
    /// What came of it, on the way back.
    pair: Result<ColumnPair<T>, String>,
}

/// Moves columns to a thread of its own and back.
///
/// # Examples
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::canonical::CanonicalCodec;
/// use diptych_systems::column::{Column, Courier};
/// let courier = Courier::start("heat", |pair, errand| {
///     let (prev, next) = pair.split();
///     next.iter_mut().zip(prev).for_each(|(next, prev)| *next = prev + errand.dt);
/// })?;
/// let mut engine = Engine::in_memory()
///     .dt(0.5)
///     .state_with::<Column<f64>, CanonicalCodec>("heat.column", 1)
///     .system("heat", move |mut columns: Query<Next<Column<f64>>>, clock: Clock| {
///         courier.carry(&mut columns, &clock).expect("the thread is well");
///     })
///     .setup("heat", |world| {
///         world.spawn((Column::new(vec![1.0_f64; 1000]).expect("it is small"),));
///     })
///     .build()?;
/// engine.run(Pace::frames(4))?;
/// assert!(engine.view().single::<Column<f64>>().unwrap().rows().iter().all(|heat| *heat == 3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Courier<T> {
    name: String,
    wait_max: Duration,
    ends: Mutex<Ends<T>>,
}

struct Ends<T> {
    out: SyncSender<Parcel<T>>,
    back: Receiver<Parcel<T>>,
    ticket: u64,
}

impl<T> core::fmt::Debug for Courier<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Courier").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<T: bytemuck::Pod + Send + Sync> Courier<T> {
    /// Starts the thread, on which `work` is done for each column. It ends with the courier.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        name: &str,
        mut work: impl FnMut(&mut ColumnPair<T>, Errand) + Send + 'static,
    ) -> Result<Self, CourierError> {
        let (out, inbound) = sync_channel::<Parcel<T>>(COURIER_OUT_MAX);
        let (outbound, back) = sync_channel(COURIER_OUT_MAX);
        let thread = std::thread::Builder::new().name(format!("courier-{name}"));
        let started = thread.spawn(move || {
            for mut parcel in inbound {
                parcel.pair = parcel.pair.and_then(|mut pair| {
                    let done = catch_unwind(AssertUnwindSafe(|| work(&mut pair, parcel.errand)));
                    done.map(|()| pair).map_err(|panic| {
                        format!("its work panicked: {}", diptych_engine::panic_text(&*panic))
                    })
                });
                if outbound.send(parcel).is_err() {
                    return;
                }
            }
        });
        let failed =
            |error: std::io::Error| CourierError { courier: name.to_owned(), reason: error.to_string() };
        started.map_err(failed)?;
        let ends = Mutex::new(Ends { out, back, ticket: 0 });
        Ok(Self { name: name.to_owned(), wait_max: COURIER_WAIT_MAX, ends })
    }

    /// The same, waiting at most so long for a column.
    #[must_use]
    pub fn waiting(self, wait_max: Duration) -> Self {
        Self { wait_max, ..self }
    }

    /// Sends every column out, and sets what comes back; waits for all of them.
    ///
    /// # Errors
    /// A column did not come back in time, or its work panicked: it keeps its value, and the others are set. What is too
    /// late is decided by the clock: who goes on after that has a world that no replay makes again, and should end it.
    pub fn carry<F: QueryFilter>(
        &self,
        columns: &mut Query<'_, '_, Next<Column<T>>, F>,
        clock: &Clock,
    ) -> Result<(), CourierError> {
        self.carry_while(columns, clock, || {})
    }

    /// The same, and does something else meanwhile.
    ///
    /// # Errors
    /// As [`carry`](Self::carry).
    pub fn carry_while<F: QueryFilter>(
        &self,
        columns: &mut Query<'_, '_, Next<Column<T>>, F>,
        clock: &Clock,
        meanwhile: impl FnOnce(),
    ) -> Result<(), CourierError> {
        let mut ends = self.ends.lock();
        let mut rows = columns.iter_mut();
        let (mut place, mut first, mut meanwhile) = (0, Ok(()), Some(meanwhile));
        loop {
            // As many as may be out at once; on the stack, since a frame allocates nothing.
            let mut out: [_; COURIER_OUT_MAX] = core::array::from_fn(|_| None);
            for (slot, mut row) in out.iter_mut().zip(&mut rows) {
                // Blank while its memory is away.
                let spare = row.exchange(Column::default());
                let errand = Errand { frame: clock.frame(), dt: clock.dt(), place };
                let sent = ends.send(errand, ColumnPair::new(row.prev(), spare));
                *slot = Some((row, sent));
                place += 1;
            }
            if let Some(meanwhile) = meanwhile.take() {
                meanwhile();
            }
            let full = out[COURIER_OUT_MAX - 1].is_some();
            let deadline = Deadline::after(self.wait_max);
            for (mut row, sent) in out.into_iter().flatten() {
                let came = sent.and_then(|ticket| ends.receive(ticket, self.wait_max, deadline));
                match came.map(ColumnPair::finish) {
                    Ok(Some(column)) => drop(row.exchange(column)),
                    Ok(None) => row.carry(),
                    Err(reason) => {
                        row.carry();
                        first = first.and(Err(CourierError { courier: self.name.clone(), reason }));
                    }
                }
            }
            if !full {
                return first;
            }
        }
    }
}

impl<T> Ends<T> {
    fn send(&mut self, errand: Errand, pair: ColumnPair<T>) -> Result<u64, String> {
        self.ticket += 1;
        let parcel = Parcel { errand, ticket: self.ticket, pair: Ok(pair) };
        // A thread that hangs takes nothing out any more.
        let sent = self.out.try_send(parcel);
        sent.map(|()| self.ticket).map_err(|error| format!("it does not take it ({error})"))
    }

    /// What was sent with this ticket; what comes late from before is let go.
    fn receive(&self, ticket: u64, wait_max: Duration, deadline: Deadline) -> Result<ColumnPair<T>, String> {
        loop {
            match self.back.recv_timeout(deadline.left().unwrap_or(Duration::MAX)) {
                Ok(parcel) if parcel.ticket == ticket => return parcel.pair,
                Ok(parcel) if parcel.ticket < ticket => {}
                Ok(_) => return Err("it was passed over".to_owned()),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("it was away for more than {} ms", wait_max.as_millis()));
                }
                Err(RecvTimeoutError::Disconnected) => return Err("its thread has ended".to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
