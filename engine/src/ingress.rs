//! The ingress: a bounded queue from many producers to the commit, and the answers that go back.
//!
//! Producers get a [`Ticket`] with the number of their arrival; the commit drains what has arrived, in that
//! order, and answers the tickets with the frame that applied them.
//!
//! Invariant: values are handed out once, in the order of their numbers, without gaps; a ticket is answered
//! at most once, and only for a value that was handed out.
//!
//! # Race argument
//! One word holds BLOCKED (some producer sleeps for room) and the count of values that have arrived.
//! 1. The word changes by read-modify-write only, so its changes have one order, and every Release heads a
//!    sequence that all later changes continue.
//! 2. Producers take turns: number, place in the queue and count are given under the `producers` lock. So
//!    numbers are in the queue's order, and the consumer counts them by itself.
//! 3. A producer adds to the count (Release) after its push, the consumer reads the count (Acquire) before it
//!    pops: as many values as it read are there, whole. It never waits for a producer that was interrupted.
//! 4. The consumer takes from the count (Release) after its pop, a producer reads it (Acquire) before its
//!    push: a count below the capacity means that the queue has room.
//! 5. No wake-up is lost. A producer sets BLOCKED by compare-exchange on a word that says full, and goes to
//!    sleep without giving the `producers` lock back in between. By 1 the next pop comes after it and sees
//!    BLOCKED; the drain then takes the lock (the sleeper has given it back by then) and notifies. Closing
//!    happens under that lock.
//! 6. An answer is stored in the ticket's cell (Release) and read there (Acquire): what the commit did is
//!    visible to the answered. It is stored under the `answers` lock, under which a waiter looks at its cell
//!    and goes to sleep, having counted itself: it is seen before the sleep or wakes the sleeper. A failure
//!    is set under the same lock, and no answer is stored after it.
//!
//! Who brings a way back of its own posts a value without a ticket; points 1 to 5 hold for it all the same.
//!
//! Left out: fairness between blocked producers, cancelling, and results beyond the frame.

use std::collections::VecDeque;
use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Condvar, Deadline, Mutex, Queue, SharedStr};

mod error;
#[cfg(all(test, not(diptych_loom)))]
mod tests;
mod ticket;

pub(crate) use error::may_wait;
pub use error::{IngressError, TryPushError, WaitError};
pub use ticket::{Applied, Ticket};

/// Largest capacity of an [`Ingress`], and its default; also how many answers may be outstanding.
pub const INGRESS_MAX: usize = 65_536;
/// How long [`Ingress::push`] waits for room.
pub const PUSH_WAIT_MAX: Duration = Duration::from_secs(60);

const BLOCKED: u64 = 1 << 63;

/// The queue; clones are handles of the same one.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use diptych_engine::ingress::Ingress;
///
/// let ingress = Ingress::new(16);
/// let ticket = ingress.push("birth")?;
/// let drained = ingress.drain(16, |value, number| assert_eq!((value, number), ("birth", 0)));
/// ingress.answer(drained.up_to, 42);
/// assert_eq!(ticket.wait(Duration::from_secs(1)).expect("it was answered").frame, 42);
/// # Ok::<(), diptych_engine::ingress::IngressError>(())
/// ```
#[derive(Debug)]
pub struct Ingress<T> {
    inner: Arc<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    word: AtomicU64,
    capacity: u64,
    queue: Queue<(T, Option<Arc<Cell>>)>,
    producers: Mutex<Producers>,
    /// Producers sleep here, with the lock of `producers`.
    room: Condvar,
    consumer: Mutex<Consumer>,
    answers: Arc<Answers>,
}

#[derive(Debug, Default)]
struct Producers {
    next: u64,
    closed: bool,
}

#[derive(Debug, Default)]
struct Consumer {
    next: u64,
    unanswered: VecDeque<(u64, Arc<Cell>)>,
}

/// What all tickets of one queue share.
#[derive(Debug, Default)]
struct Answers {
    state: Mutex<AnswersState>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct AnswersState {
    sleepers: u32,
    failed: Option<SharedStr>,
}

/// The answer of one ticket: 0, or the frame plus 1.
#[derive(Debug, Default)]
struct Cell(AtomicU64);

impl<T> Ingress<T> {
    /// An empty queue for at most `capacity` values, whose room is set aside at once.
    ///
    /// # Panics
    /// If `capacity` is 0 or above [`INGRESS_MAX`].
    pub fn new(capacity: usize) -> Self {
        assert!(
            (1..=INGRESS_MAX).contains(&capacity),
            "an ingress holds 1 to {INGRESS_MAX} values, not {capacity}"
        );
        let inner = Inner {
            word: AtomicU64::new(0),
            capacity: capacity as u64,
            queue: Queue::new(capacity),
            producers: Mutex::default(),
            room: Condvar::new(),
            consumer: Mutex::default(),
            answers: Arc::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// True if nothing has arrived: one load, for the commit of every frame.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // Relaxed: `drain` reads again with Acquire.
        self.inner.word.load(Ordering::Relaxed) & !BLOCKED == 0
    }

    /// How many values wait to be drained.
    pub fn len(&self) -> usize {
        (self.inner.word.load(Ordering::Relaxed) & !BLOCKED) as usize
    }

    /// Appends `value`, waiting up to [`PUSH_WAIT_MAX`] while the queue is full.
    ///
    /// # Errors
    /// As [`Ingress::push_within`].
    pub fn push(&self, value: T) -> Result<Ticket, IngressError> {
        self.push_within(value, PUSH_WAIT_MAX)
    }

    /// Appends `value`, waiting up to `bound` while the queue is full.
    ///
    /// # Errors
    /// If the queue is closed; if it stays full longer than `bound`; if it is full and the caller is a pool
    /// thread or holds a lease, because the drain that makes room would wait for the caller. The value is
    /// lost then; [`Ingress::try_push`] gives it back.
    pub fn push_within(&self, value: T, bound: Duration) -> Result<Ticket, IngressError> {
        let cell = Arc::new(Cell::default());
        let number = self.admit(value, Some(cell.clone()), bound)?;
        Ok(Ticket { number, cell, answers: self.inner.answers.clone() })
    }

    /// [`Ingress::push`] without a ticket, for values that carry a way back of their own.
    ///
    /// # Errors
    /// As [`Ingress::push_within`].
    pub fn post(&self, value: T) -> Result<(), IngressError> {
        self.admit(value, None, PUSH_WAIT_MAX).map(|_| ())
    }

    /// Waits for room, and appends; answers the number of arrival.
    fn admit(&self, value: T, cell: Option<Arc<Cell>>, bound: Duration) -> Result<u64, IngressError> {
        let mut deadline = None;
        let mut elapsed = false;
        let mut producers = self.inner.producers.lock();
        loop {
            if producers.closed {
                return Err(IngressError::Closed);
            }
            // Acquire: partner is the Release in `drain`, point 4.
            let seen = self.inner.word.load(Ordering::Acquire);
            if seen & !BLOCKED < self.inner.capacity {
                return Ok(self.arrive(&mut producers, value, cell));
            }
            if elapsed {
                return Err(IngressError::Stalled { waited: bound });
            }
            if deadline.is_none() {
                may_wait()?;
            }
            // Relaxed: BLOCKED guards no data, and by point 1 it breaks no sequence.
            let marked =
                self.inner.word.compare_exchange(seen, seen | BLOCKED, Ordering::Relaxed, Ordering::Relaxed);
            if marked.is_err() {
                continue;
            }
            let until = *deadline.get_or_insert_with(|| Deadline::after(bound));
            (producers, elapsed) = self.inner.room.wait_until(&self.inner.producers, producers, until);
        }
    }

    /// Appends `value` if there is room now.
    ///
    /// # Errors
    /// Gives the value back if the queue is full or closed.
    pub fn try_push(&self, value: T) -> Result<Ticket, TryPushError<T>> {
        let cell = Arc::new(Cell::default());
        let number = self.try_admit(value, Some(cell.clone()))?;
        Ok(Ticket { number, cell, answers: self.inner.answers.clone() })
    }

    /// [`Ingress::try_push`] without a ticket.
    ///
    /// # Errors
    /// As [`Ingress::try_push`].
    pub fn try_post(&self, value: T) -> Result<(), TryPushError<T>> {
        self.try_admit(value, None).map(|_| ())
    }

    fn try_admit(&self, value: T, cell: Option<Arc<Cell>>) -> Result<u64, TryPushError<T>> {
        let mut producers = self.inner.producers.lock();
        if producers.closed {
            return Err(TryPushError::Closed(value));
        }
        // Acquire: partner is the Release in `drain`, point 4.
        if self.inner.word.load(Ordering::Acquire) & !BLOCKED >= self.inner.capacity {
            return Err(TryPushError::Busy(value));
        }
        Ok(self.arrive(&mut producers, value, cell))
    }

    fn arrive(&self, producers: &mut Producers, value: T, cell: Option<Arc<Cell>>) -> u64 {
        let pushed = self.inner.queue.push((value, cell));
        assert!(pushed.is_ok(), "the count said that the queue has room");
        let number = producers.next;
        producers.next += 1;
        // Release: partner is the Acquire in `drain`, point 3.
        self.inner.word.fetch_add(1, Ordering::Release);
        number
    }

    /// Hands out, in order of arrival, at most `max` of the values that have arrived by now, each with the
    /// number of its ticket, and makes room for blocked producers. Also drains a closed queue.
    ///
    /// Hands out less while [`INGRESS_MAX`] tickets wait for [`Ingress::answer`].
    ///
    /// # Panics
    /// If called by two at once, or from within `take`: there is one consumer, the commit.
    pub fn drain(&self, max: usize, mut take: impl FnMut(T, u64)) -> Drained {
        let mut consumer = self.inner.consumer.try_lock().expect("one commit drains the ingress");
        // Acquire: partner is the Release in `arrive`, point 3.
        let arrived = self.inner.word.load(Ordering::Acquire) & !BLOCKED;
        let unanswered_room = INGRESS_MAX - consumer.unanswered.len();
        let count = arrived.min(max as u64).min(unanswered_room as u64);
        let mut wake = Wake { inner: &self.inner, blocked: false };
        for _ in 0..count {
            let (value, cell) = self.inner.queue.pop().expect("the count said that it has arrived");
            // Release: partner is the Acquire in `push_within` and `try_push`, point 4.
            let before = self.inner.word.fetch_sub(1, Ordering::Release);
            wake.blocked |= before & BLOCKED != 0;
            let number = consumer.next;
            consumer.next += 1;
            if let Some(cell) = cell {
                consumer.unanswered.push_back((number, cell));
            }
            take(value, number);
        }
        Drained { count, up_to: consumer.next }
    }

    /// Says that `frame` has applied all values that were handed out with numbers below `up_to` and not
    /// answered before, and wakes those who wait for them. Without effect after [`Ingress::fail`].
    ///
    /// # Panics
    /// If called while a drain runs.
    pub fn answer(&self, up_to: u64, frame: u64) {
        let mut consumer = self.inner.consumer.try_lock().expect("one commit answers the ingress");
        let state = self.inner.answers.state.lock();
        if state.failed.is_some() {
            return;
        }
        while let Some((_, cell)) = consumer.unanswered.pop_front_if(|(number, _)| *number < up_to) {
            // Release: partner is the Acquire in `Ticket::applied`.
            cell.0.store(frame + 1, Ordering::Release);
        }
        if state.sleepers > 0 {
            self.inner.answers.answered.notify_all();
        }
    }

    /// Admits no value from now on and wakes blocked producers. What has arrived can still be drained.
    pub fn close(&self) {
        self.inner.producers.lock().closed = true;
        self.inner.room.notify_all();
    }

    /// Closes the queue, and says that nothing later is ever answered. The first message stays.
    pub fn fail(&self, message: &str) {
        self.close();
        let mut state = self.inner.answers.state.lock();
        state.failed.get_or_insert_with(|| message.into());
        self.inner.answers.answered.notify_all();
    }
}

impl<T> Clone for Ingress<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

/// Wakes the blocked producers at the end of a drain, also when the commit panics in it.
struct Wake<'a, T> {
    inner: &'a Inner<T>,
    blocked: bool,
}

impl<T> Drop for Wake<'_, T> {
    fn drop(&mut self) {
        if self.blocked {
            // Point 5: whoever set BLOCKED sleeps when we get the lock.
            let producers = self.inner.producers.lock();
            // Relaxed: BLOCKED guards no data; set again only under the lock we hold.
            self.inner.word.fetch_and(!BLOCKED, Ordering::Relaxed);
            drop(producers);
            self.inner.room.notify_all();
        }
    }
}

/// What a drain handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// How many values.
    pub count: u64,
    /// The number after the last one handed out so far: the argument of [`Ingress::answer`].
    pub up_to: u64,
}
