//! The time of each frame, wave and commit, from the engine's own `frame` spans.
//!
//! Invariant: works at any pace, since the wait for the next frame is outside the span. One engine makes frames
//! at a time. All other spans and events are refused at their call sites, so they cost what they cost anybody
//! who listens to nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static EPOCH: OnceLock<Instant> = OnceLock::new();
static ENTERED: AtomicU64 = AtomicU64::new(0);
static FRAMES: Mutex<Vec<f64>> = Mutex::new(Vec::new());

/// Begins to listen; to be called once, before the first engine is built.
///
/// # Panics
/// When the process listens to spans already.
pub fn listen() {
    tracing::subscriber::set_global_default(Frames).expect("nobody else listens");
}

/// Nanoseconds of each frame that was made since the last call.
pub fn take() -> Vec<f64> {
    core::mem::take(&mut *FRAMES.lock().unwrap_or_else(PoisonError::into_inner))
}

fn now() -> u64 {
    EPOCH.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

#[derive(Debug)]
struct Frames;

impl Subscriber for Frames {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "frame"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    // Relaxed: a frame is entered and left by one thread.
    fn enter(&self, _: &Id) {
        ENTERED.store(now(), Ordering::Relaxed);
    }

    fn exit(&self, _: &Id) {
        let nanos = (now() - ENTERED.load(Ordering::Relaxed)) as f64;
        FRAMES.lock().unwrap_or_else(PoisonError::into_inner).push(nanos);
    }
}
