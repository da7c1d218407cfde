//! The sync test: every frame is undone and made again, and must come out the same.
//!
//! Invariant: what differs between a frame and its second making is named: the first frame, the component, the entity.
//! What it finds are systems that remember beside the world: in a `Local`, a resource, a static, a clock. What such
//! a system makes only later than `distance` frames is not found.

use crate::builder::EngineBuilder;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::frame::{Census, Digest};
use crate::id::Id;
use std::collections::BTreeMap;
use std::fmt;

/// How a sync test goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncTest {
    /// Frames to make for the first time.
    pub frames: u64,
    /// After each of them, how many are undone and made again; from 1 to
    /// [`ROLLBACK_FRAMES_MAX`](crate::ROLLBACK_FRAMES_MAX).
    pub distance: u32,
}

impl Default for SyncTest {
    /// 120 frames, 4 of them undone after each.
    fn default() -> Self {
        Self { frames: 120, distance: 4 }
    }
}

/// What a sync test did that found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncReport {
    /// The last frame.
    pub frame: u64,
    /// Its digest.
    pub digest: Digest,
    /// Frames made again.
    pub again: u64,
}

/// What a sync test met.
#[derive(Debug)]
pub enum SyncFailure {
    /// The world could not be built, or a frame could not be made.
    Engine(Box<Error>),
    /// A frame came out differently when it was made again.
    Diverged {
        /// The first such frame.
        frame: u64,
        /// The frame that was gone back to.
        back: u64,
        /// The stored name of the first component that differs, or of messages or answers under way.
        component: String,
        /// The first entity whose value differs, or that has one only once.
        entity: Option<Id>,
        /// The digest of the frame as it was made first.
        first: Digest,
        /// The digest of the frame as it was made again.
        again: Digest,
    },
}

impl fmt::Display for SyncFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Diverged { frame, back, component, entity, first, again } => {
                write!(
                    f,
                    "frame {frame} came out differently after going back to frame {back}: {component}"
                )?;
                if let Some(entity) = entity {
                    write!(f, " of the entity {entity}")?;
                }
                write!(
                    f,
                    " differs (digest {first}, then {again}); look for a system that remembers something in a Local, a resource or a static, or asks a clock"
                )
            }
        }
    }
}

impl std::error::Error for SyncFailure {}

impl From<Error> for SyncFailure {
    fn from(error: Error) -> Self {
        Self::Engine(Box::new(error))
    }
}

/// One frame as it was made first.
struct Made {
    digest: Digest,
    census: Census,
}

/// Makes frames of the world that `builder` builds, each by `advance`; after each one goes `distance` frames back, makes
/// them again, and compares.
///
/// `advance` makes exactly one frame, the one with the given number, by [`Engine::step`] or [`Engine::answer`], after it
/// has sent the inputs of that frame; for the same number it does the same each time. The world is in memory and needs
/// no [`rollback`](EngineBuilder::rollback) of its own.
///
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_engine::testkit::{SyncTest, sync_test};
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Age(u64);
/// fn world(grow: impl FnMut(Query<Next<Age>>) + Send + Sync + 'static) -> EngineBuilder {
///     Engine::in_memory().state::<Age>("life.age", 1).system("grow", grow).setup("life", |structure| {
///         structure.spawn((Age(0),));
///     })
/// }
/// // The next value follows from the last one.
/// let pure = |mut ages: Query<Next<Age>>| ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
/// sync_test(world(pure), SyncTest::default(), |engine, _| engine.step())?;
///
/// // Here it follows from something that no rollback undoes.
/// let mut hidden = 0;
/// let counts = move |mut ages: Query<Next<Age>>| {
///     hidden += 1;
///     ages.par_rows(|mut age| age.set(Age(hidden)));
/// };
/// let failure = sync_test(world(counts), SyncTest::default(), |engine, _| engine.step()).unwrap_err();
/// assert!(failure.to_string().contains("life.age of the entity"), "{failure}");
/// # Ok::<(), diptych_engine::testkit::SyncFailure>(())
/// ```
///
/// # Errors
/// When a frame came out differently, when the world cannot be built or run, and where
/// [`rollback_bytes`](EngineBuilder::rollback_bytes) allow nothing but the last frame.
///
/// # Panics
/// When `advance` makes another number of frames than one.
pub fn sync_test(
    mut builder: EngineBuilder,
    test: SyncTest,
    mut advance: impl FnMut(&mut Engine, u64) -> Result<()>,
) -> Result<SyncReport, SyncFailure> {
    let distance = u64::from(test.distance);
    if distance == 0 {
        let reason = "nothing is made again then; it must be 1 or more";
        return Err(Error::Setting { setting: "distance", value: "0".to_owned(), reason }.into());
    }
    builder.rollback = builder.rollback.max(test.distance);
    let bytes = builder.rollback_bytes.to_string();
    let mut engine = builder.build()?;
    let mut one = |engine: &mut Engine, frame: u64| {
        advance(engine, frame)?;
        assert_eq!(engine.frame(), frame, "`advance` makes the one frame that it is asked for");
        Ok::<_, Error>(Made { digest: engine.digest(), census: engine.census() })
    };
    let mut made: BTreeMap<u64, Made> = BTreeMap::new();
    let mut report = SyncReport { frame: engine.frame(), digest: engine.digest(), again: 0 };
    for _ in 0..test.frames {
        let frame = engine.frame() + 1;
        let first = one(&mut engine, frame)?;
        (report.frame, report.digest) = (frame, first.digest);
        made.insert(frame, first);
        let oldest = engine.rollback_oldest().unwrap_or(frame);
        let back = frame.saturating_sub(distance).max(oldest);
        if back == frame {
            let reason = "nothing but the last frame fits into them, so nothing is made again; allow more";
            return Err(Error::Setting { setting: "rollback_bytes", value: bytes, reason }.into());
        }
        engine.rollback_to(back)?;
        made.retain(|frame, _| *frame > back);
        for again in back + 1..=frame {
            compare(again, back, &made[&again], &one(&mut engine, again)?)?;
            report.again += 1;
        }
    }
    Ok(report)
}

fn compare(frame: u64, back: u64, first: &Made, again: &Made) -> Result<(), SyncFailure> {
    if first.digest == again.digest && first.census == again.census {
        return Ok(());
    }
    let (component, entity) = first.census.difference(&again.census);
    let (first, again) = (first.digest, again.digest);
    Err(SyncFailure::Diverged { frame, back, component, entity, first, again })
}
