//! What jobs promise: each answer once, in order, whatever the job does; and equal runs where a latency is set.

mod answers;
mod failures;
#[cfg(feature = "threads")]
mod hanging;
mod limits;
mod regressions;
#[cfg(feature = "store")]
mod restart;

use diptych_engine::prelude::*;

use bevy_ecs::prelude::Resource;
use std::sync::{Arc, Mutex};

/// The answers a test has seen.
#[derive(Clone, Default, Resource)]
pub(crate) struct Seen(Arc<Mutex<Vec<SeenAnswer>>>);

/// (frame, request, what was asked, answer)
pub(crate) type SeenAnswer = (u64, Id, u64, Result<u64, JobError>);

impl Seen {
    pub(crate) fn note(&self, frame: u64, answered: Answered<Double>) {
        let Answered { id, request, answer } = answered;
        self.0.lock().unwrap().push((frame, id, request, answer));
    }

    pub(crate) fn take(&self) -> Vec<SeenAnswer> {
        core::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Asked a number; what it answers is up to the test.
pub(crate) struct Double;

impl Job for Double {
    type Request = u64;
    type Answer = u64;
}

/// Frames until `done`; fails when that never happens.
pub(crate) fn step_until(engine: &mut Engine, done: impl Fn(&Engine) -> bool) {
    const FRAMES_MAX: u32 = 20_000;
    for _ in 0..FRAMES_MAX {
        if done(engine) {
            return;
        }
        engine.step().unwrap();
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
    panic!("not within {FRAMES_MAX} frames: {}", engine.stats());
}
