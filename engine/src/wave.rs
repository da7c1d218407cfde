//! Runs the systems of a frame, all at once on the pool.
//!
//! Invariant: the result does not depend on how tasks fall on threads: each owns its columns, reads the
//! previous slot, and settles its columns when its loops are over. A panic is caught and becomes the frame's
//! failure. Whether a short wave runs on one thread is decided by a clock, and changes no result.

#![expect(unsafe_code, reason = "runs systems beside each other on one world")]

use crate::buffer::Column;
use crate::panics::panic_text;
use crate::pool;
use crate::schedule::{Moment, Task};
use crate::timer::Stopwatch;
use bevy_ecs::system::RunSystemError;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Tasks that take less than this together are one job: handing half of it to another thread costs as much. It
/// also decides that a short wave runs where it is.
const JOB_MIN_NANOS: u64 = 2_000;
/// Systems are timed in one frame of this many; reading a clock twice a system would cost more than a short
/// system does.
const TIMED_EVERY: u64 = 64;

thread_local! {
    /// Whether this thread is inside a wave, where asking for a tick is an error.
    static IN_WAVE: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
}

/// Whether this thread is running a system.
pub(crate) fn in_wave() -> bool {
    IN_WAVE.get()
}

/// The data of all tasks of a frame.
#[derive(Clone, Copy)]
struct Scene<'w, 'c> {
    world: UnsafeWorldCell<'w>,
    columns: &'c [Arc<dyn Column>],
    moment: Moment,
    timed: bool,
}

/// Whether the `count`-th frame of its kind since the build is timed: the first is.
pub(crate) fn is_timed(count: u64) -> bool {
    count % TIMED_EVERY == 1
}

/// Runs these waves of `tasks` in order. Answers the first failure, by wave and by the order of names.
pub(crate) fn run(
    all: &mut [Task],
    waves: &[Range<usize>],
    world: UnsafeWorldCell<'_>,
    columns: &[Arc<dyn Column>],
    moment: Moment,
    timed: bool,
) -> Result<(), (String, String)> {
    let scene = Scene { world, columns, moment, timed };
    for wave in waves {
        let tasks = &mut all[wave.clone()];
        if pool::current_threads() > 1 {
            fork(tasks, scene);
        } else {
            run_tasks(tasks, scene);
        }
        if let Some(task) = tasks.iter_mut().find(|task| task.failure.is_some()) {
            return Err((task.name.clone(), task.failure.take().unwrap_or_default()));
        }
    }
    Ok(())
}

/// A tree of joins: unlike a scope, it allocates nothing.
fn fork(tasks: &mut [Task], scene: Scene<'_, '_>) {
    // Most tasks rest in a still frame.
    let expected = |task: &Task| if !scene.moment.still || task.answering { task.nanos } else { 0 };
    if tasks.len() < 2 || tasks.iter().map(expected).sum::<u64>() < JOB_MIN_NANOS {
        return run_tasks(tasks, scene);
    }
    let (first, rest) = tasks.split_at_mut(tasks.len() / 2);
    pool::join(|| fork(first, scene), || fork(rest, scene));
}

/// Runs tasks one after the other; a failure is noted with its task and ends the run.
fn run_tasks(tasks: &mut [Task], scene: Scene<'_, '_>) {
    let outer = IN_WAVE.replace(true);
    let mut current = 0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        for (place, task) in tasks.iter_mut().enumerate() {
            current = place;
            run_task(task, scene)?;
        }
        Ok::<(), RunSystemError>(())
    }));
    IN_WAVE.set(outer);
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tasks[current].failure = Some(error.to_string()),
        Err(panic) => tasks[current].failure = Some(panic_text(&*panic).to_owned()),
    }
}

fn run_task(task: &mut Task, scene: Scene<'_, '_>) -> Result<(), RunSystemError> {
    let _span = tracing::debug_span!("system", name = task.name.as_str()).entered();
    // What rests in a still frame keeps the time of its steps.
    let timed = scene.timed && (!scene.moment.still || task.answering);
    let start = timed.then(Stopwatch::start);
    run_parts(task, scene)?;
    if let Some(start) = start {
        task.nanos = start.nanos();
    }
    Ok(())
}

fn run_parts(task: &mut Task, scene: Scene<'_, '_>) -> Result<(), RunSystemError> {
    // SAFETY: only the tables are taken; their lists and other tasks' columns are not changed.
    let tables = unsafe { &scene.world.storages().tables };
    task.ran = task.is_due(scene.moment, tables);
    let mut ran = task.ran;
    let parts = if task.ran { &mut task.parts[..] } else { &mut [] };
    for part in parts {
        // SAFETY: the build has checked that no two tasks of a wave have conflicting accesses, and that none
        // is exclusive; the world is the one the system was initialized with.
        match unsafe { part.run_unsafe((), scene.world) } {
            // A parameter such as `Single` found nothing: bevy skips the system, and so do we.
            Ok(()) => {}
            Err(RunSystemError::Skipped(_)) => ran = false,
            Err(failed) => return Err(failed),
        }
    }
    task.ran = ran;
    for index in &task.owns {
        // SAFETY: this is the owner's task, after its loops.
        unsafe { scene.columns[*index].settle(tables) };
    }
    Ok(())
}
