//! Worlds in memory that must go the same way, however they are run.
//!
//! Invariant: every run is given the same frames; only the threads, and where the digest is taken, differ.

use crate::builder::EngineBuilder;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::frame::{Digest, DigestPolicy};
use std::fmt;

/// The first frame in which two runs of one world differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The frame.
    pub frame: u64,
    /// Threads of the run that is compared with the first, and its digest.
    pub found: (usize, Digest),
    /// Threads of the first run, and its digest.
    pub expected: (usize, Digest),
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frame, found: (threads, digest), expected: (first, expected) } = self;
        write!(
            f,
            "frame {frame} has the digest {digest} on {threads} threads and {expected} on {first}: something in the \
             world depends on threads, on time, or on what an earlier run has left"
        )
    }
}

/// Runs a world in memory once for each number of threads, `frames` frames each, and compares the digests of all
/// frames. `send` may send inputs before each frame; it is told which, and must send the same every time.
///
/// Answers the digests by frame, from frame 0 on, or the first difference.
///
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_engine::testkit;
///
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Age(u64);
/// fn grow(mut ages: Query<Next<Age>>) {
///     ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
/// }
/// let world = |builder: EngineBuilder| {
///     builder.state::<Age>("life.age", 1).system("grow", grow).setup("life", |structure| {
///         for n in 0..100 {
///             structure.spawn((Age(n),));
///         }
///     })
/// };
/// let threads = if cfg!(feature = "threads") { [1, 2] } else { [1, 1] };
/// let digests = testkit::runs_alike(world, &threads, 20, |_, _| Ok(()))?;
/// assert_eq!(digests.map(|digests| digests.len()), Ok(21));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// Of the runs themselves: the world is refused, or a frame fails.
pub fn runs_alike(
    world: impl Fn(EngineBuilder) -> EngineBuilder,
    threads: &[usize],
    frames: u64,
    send: impl Fn(&Engine, u64) -> Result<()>,
) -> Result<core::result::Result<Vec<Digest>, Divergence>> {
    let mut first: Option<(usize, Vec<Digest>)> = None;
    for threads in threads.iter().copied() {
        let digests = run(&world, threads, frames, &send)?;
        let Some((others, expected)) = &first else {
            first = Some((threads, digests));
            continue;
        };
        let pairs = digests.iter().zip(expected).enumerate();
        if let Some((frame, (found, expected))) = pairs.into_iter().find(|(_, (a, b))| a != b) {
            let frame = frame as u64;
            return Ok(Err(Divergence { frame, found: (threads, *found), expected: (*others, *expected) }));
        }
    }
    Ok(Ok(first.map_or(Vec::new(), |(_, digests)| digests)))
}

fn run(
    world: impl Fn(EngineBuilder) -> EngineBuilder,
    threads: usize,
    frames: u64,
    send: impl Fn(&Engine, u64) -> Result<()>,
) -> core::result::Result<Vec<Digest>, Error> {
    let mut engine = world(Engine::in_memory()).threads(threads).digest(DigestPolicy::OnDemand).build()?;
    let mut digests = vec![engine.digest()];
    while digests.len() as u64 <= frames {
        send(&engine, engine.frame() + 1)?;
        engine.step()?;
        digests.push(engine.digest());
    }
    Ok(digests)
}
