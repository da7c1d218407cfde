//! Timers as state: an event that happens once, so and so long after its timer was seen first.
//!
//! Invariant: a duration is a finite number of milliseconds, not negative; what is due is a step of world time, never the
//! wall clock. Left out: who counts, which is `diptych-systems`.

use crate::canonical::Canonical;
use crate::fields::{FieldError, Fields};
use bytemuck::Pod;
use core::marker::PhantomData;

/// How long a timer runs that says [`TimerPlan::after_default`].
pub const TIMER_MS_DEFAULT: f64 = 5000.0;
/// The longest duration: some 31 thousand years.
pub const TIMER_MS_MAX: f64 = 1e15;

/// What can be sent when a timer fires: plain old data.
pub trait TimerEvent: Pod + PartialEq + Send + Sync + core::fmt::Debug {}

impl<E: Pod + PartialEq + Send + Sync + core::fmt::Debug> TimerEvent for E {}

/// Why there is no such timer.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum TimerError {
    /// Nobody said how long.
    #[error(
        "a timer was given no duration; say .after_ms(..), or .after_default() for {TIMER_MS_DEFAULT} ms"
    )]
    NoDuration,
    /// Nobody said what happens then.
    #[error("a timer was given no event to send when it fires; say .sends(event)")]
    NoEvent,
    /// The moment would be none.
    #[error("a timer cannot fire {0} ms from now; a duration is a number from 0 to {TIMER_MS_MAX}")]
    NotATime(f64),
}

/// Where a timer stands; steps of world time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimerStage {
    /// It was not seen yet; its time begins when it is.
    New,
    /// It runs.
    Armed {
        /// The step it was seen after.
        since: u64,
        /// The step in which it fires.
        due: u64,
    },
    /// It has fired.
    Fired {
        /// The step it was seen after.
        since: u64,
        /// The step in which it fired.
        at: u64,
    },
    /// Somebody stopped it, or nobody has started it.
    Stopped,
}

/// A timer, as an entity's state: it sends its event once.
///
/// # Examples
/// ```
/// use diptych_components::timer::{Timer, TimerError};
/// let timer = Timer::plan().after_default().sends(7_u32).build()?;
/// assert_eq!((timer.duration_ms(), timer.event()), (5000.0, 7));
/// assert_eq!(Timer::<u32>::plan().sends(7).build(), Err(TimerError::NoDuration));
/// assert_eq!(Timer::<u32>::plan().after_ms(10.0).build(), Err(TimerError::NoEvent));
/// assert!(matches!(Timer::plan().after_ms(f64::NAN).sends(7_u32).build(), Err(TimerError::NotATime(_))));
/// # Ok::<(), TimerError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Timer<E> {
    duration_ms: f64,
    /// The bits of an `Id`; 0 is the timer's own entity.
    target: u64,
    event: E,
    stage: TimerStage,
}

impl<E: TimerEvent> Timer<E> {
    /// Begins to say what a timer does.
    pub fn plan() -> TimerPlan<E> {
        TimerPlan { duration_ms: None, event: None, target: 0 }
    }

    /// How long it runs.
    #[must_use]
    pub fn duration_ms(&self) -> f64 {
        self.duration_ms
    }

    /// What is sent.
    #[must_use]
    pub fn event(&self) -> E {
        self.event
    }

    /// To whom, the bits of an `Id`; `None` is the timer's own entity.
    #[must_use]
    pub fn target(&self) -> Option<u64> {
        (self.target != 0).then_some(self.target)
    }

    /// Where it stands.
    #[must_use]
    pub fn stage(&self) -> TimerStage {
        self.stage
    }

    /// The same timer at another stage.
    #[must_use]
    pub fn at_stage(self, stage: TimerStage) -> Self {
        Self { stage, ..self }
    }

    /// The same timer with another duration.
    ///
    /// # Errors
    /// When it is none.
    pub fn lasting(self, duration_ms: f64) -> Result<Self, TimerError> {
        Ok(Self { duration_ms: check(duration_ms)?, ..self })
    }

    /// Milliseconds since it was seen, at this step of so many seconds; 0 for one that does not run and has not fired.
    #[must_use]
    pub fn elapsed_ms(&self, step: u64, tick: f64) -> f64 {
        match self.stage {
            TimerStage::Armed { since, .. } | TimerStage::Fired { since, .. } => {
                step.saturating_sub(since) as f64 * tick * 1000.0
            }
            TimerStage::New | TimerStage::Stopped => 0.0,
        }
    }

    /// Milliseconds until it fires, 0 when that is over.
    #[must_use]
    pub fn remaining_ms(&self, step: u64, tick: f64) -> f64 {
        (self.duration_ms - self.elapsed_ms(step, tick)).max(0.0)
    }

    /// Whether its time is over at this step.
    #[must_use]
    pub fn is_expired(&self, step: u64) -> bool {
        match self.stage {
            TimerStage::Armed { due, .. } => due <= step,
            TimerStage::Fired { .. } => true,
            TimerStage::New | TimerStage::Stopped => false,
        }
    }
}

impl<E: TimerEvent> Default for Timer<E> {
    /// A stopped one.
    fn default() -> Self {
        Self { duration_ms: TIMER_MS_DEFAULT, target: 0, event: E::zeroed(), stage: TimerStage::Stopped }
    }
}

/// What a timer is to do, as far as it was said.
#[derive(Clone, Copy, PartialEq, Debug)]
#[must_use]
pub struct TimerPlan<E> {
    duration_ms: Option<f64>,
    event: Option<E>,
    target: u64,
}

impl<E: TimerEvent> TimerPlan<E> {
    /// It fires after so many milliseconds of world time, in the first step by which they are over.
    pub fn after_ms(self, duration_ms: f64) -> Self {
        Self { duration_ms: Some(duration_ms), ..self }
    }

    /// It fires after [`TIMER_MS_DEFAULT`].
    pub fn after_default(self) -> Self {
        self.after_ms(TIMER_MS_DEFAULT)
    }

    /// What it sends.
    pub fn sends(self, event: E) -> Self {
        Self { event: Some(event), ..self }
    }

    /// To whom, the bits of an `Id`; else to its own entity.
    pub fn to(self, target: u64) -> Self {
        Self { target, ..self }
    }

    /// The timer.
    ///
    /// # Errors
    /// When something is missing, or the duration is none.
    pub fn build(self) -> Result<Timer<E>, TimerError> {
        let duration_ms = check(self.duration_ms.ok_or(TimerError::NoDuration)?)?;
        let event = self.event.ok_or(TimerError::NoEvent)?;
        Ok(Timer { duration_ms, target: self.target, event, stage: TimerStage::New })
    }
}

fn check(duration_ms: f64) -> Result<f64, TimerError> {
    let sound = (0.0..=TIMER_MS_MAX).contains(&duration_ms);
    // 0.0, so that equal durations have equal bytes.
    if sound { Ok(duration_ms + 0.0) } else { Err(TimerError::NotATime(duration_ms)) }
}

/// Steps of `tick` seconds until a duration is over, `u64::MAX` where time stands.
///
/// A duration that is a whole number of steps but for the last bits of either counts as that.
#[must_use]
pub fn steps_of(duration_ms: f64, tick: f64) -> u64 {
    if duration_ms == 0.0 {
        return 0;
    }
    let steps = duration_ms / 1000.0 / tick;
    let near = steps.round();
    let whole = if (steps - near).abs() <= 1e-9 * near.max(1.0) { near } else { steps.ceil() };
    // A tick of 0 gives infinity, and the cast the greatest number.
    (whole as u64).max(1)
}

/// Something is asked of a timer.
pub struct TimerOrder<E> {
    act: Act,
    kind: PhantomData<fn() -> E>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Act {
    Stop,
    Again(Option<f64>),
}

impl<E: TimerEvent> TimerOrder<E> {
    /// It shall begin anew and run so long.
    ///
    /// # Errors
    /// When the duration is none.
    pub fn reset(duration_ms: f64) -> Result<Self, TimerError> {
        Ok(Self { act: Act::Again(Some(check(duration_ms)?)), kind: PhantomData })
    }

    /// It shall begin anew and run as long as before.
    #[must_use]
    pub fn again() -> Self {
        Self { act: Act::Again(None), kind: PhantomData }
    }

    /// It shall not fire.
    #[must_use]
    pub fn stop() -> Self {
        Self { act: Act::Stop, kind: PhantomData }
    }

    /// What becomes of a timer by this.
    #[must_use]
    pub fn apply(&self, timer: Timer<E>) -> Timer<E> {
        match self.act {
            Act::Stop => timer.at_stage(TimerStage::Stopped),
            Act::Again(duration) => {
                Timer { duration_ms: duration.unwrap_or(timer.duration_ms), stage: TimerStage::New, ..timer }
            }
        }
    }
}

impl<E> Clone for TimerOrder<E> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<E> PartialEq for TimerOrder<E> {
    fn eq(&self, other: &Self) -> bool {
        self.act == other.act
    }
}

impl<E> core::fmt::Debug for TimerOrder<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.act.fmt(f)
    }
}

impl<E: TimerEvent> Default for TimerOrder<E> {
    fn default() -> Self {
        Self::stop()
    }
}

/// A timer has fired: what its target is told in the next frame.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Firing<E> {
    /// The bits of the timer's `Id`.
    pub timer: u64,
    /// The step in which it should have fired; later ones come after earlier ones.
    pub due: u64,
    /// What it was to send.
    pub event: E,
}

impl<E: TimerEvent> Default for Firing<E> {
    fn default() -> Self {
        Self { timer: 0, due: 0, event: E::zeroed() }
    }
}

fn put_event<E: TimerEvent>(event: &E, out: &mut Vec<u8>) {
    out.extend_from_slice(bytemuck::bytes_of(event));
}

fn read_event<E: TimerEvent>(fields: &mut Fields<'_>) -> Result<E, FieldError> {
    Ok(bytemuck::pod_read_unaligned(fields.take(size_of::<E>())?))
}

fn read_duration(fields: &mut Fields<'_>) -> Result<f64, FieldError> {
    let duration = f64::from_bits(fields.u64()?);
    match check(duration) {
        Ok(same) if same.to_bits() == duration.to_bits() => Ok(same),
        _ => Err(FieldError(format!("{duration} is no duration of a timer"))),
    }
}

impl<E: TimerEvent> Canonical for Timer<E> {
    fn put(&self, out: &mut Vec<u8>) {
        self.duration_ms.to_bits().put(out);
        self.target.put(out);
        let (tag, since, at) = match self.stage {
            TimerStage::New => (0_u8, 0, 0),
            TimerStage::Armed { since, due } => (1, since, due),
            TimerStage::Fired { since, at } => (2, since, at),
            TimerStage::Stopped => (3, 0, 0),
        };
        tag.put(out);
        (since, at).put(out);
        put_event(&self.event, out);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let (duration_ms, target) = (read_duration(fields)?, fields.u64()?);
        let stage = match (fields.u8()?, fields.u64()?, fields.u64()?) {
            (0, 0, 0) => TimerStage::New,
            (1, since, due) => TimerStage::Armed { since, due },
            (2, since, at) => TimerStage::Fired { since, at },
            (3, 0, 0) => TimerStage::Stopped,
            (tag, ..) => {
                return Err(FieldError(format!("{tag} is no stage of a timer, or not at this time")));
            }
        };
        Ok(Self { duration_ms, target, event: read_event(fields)?, stage })
    }
}

impl<E: TimerEvent> Canonical for TimerOrder<E> {
    fn put(&self, out: &mut Vec<u8>) {
        match self.act {
            Act::Stop => 0_u8.put(out),
            Act::Again(None) => 1_u8.put(out),
            Act::Again(Some(duration)) => {
                2_u8.put(out);
                duration.to_bits().put(out);
            }
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let act = match fields.u8()? {
            0 => Act::Stop,
            1 => Act::Again(None),
            2 => Act::Again(Some(read_duration(fields)?)),
            other => return Err(FieldError(format!("{other} is no order to a timer"))),
        };
        Ok(Self { act, kind: PhantomData })
    }
}

impl<E: TimerEvent> Canonical for Firing<E> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.timer, self.due).put(out);
        put_event(&self.event, out);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { timer: fields.u64()?, due: fields.u64()?, event: read_event(fields)? })
    }
}

#[cfg(test)]
mod tests;
