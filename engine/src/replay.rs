//! Replay: a stored world made again in memory, frame by frame, from what came into it.
//!
//! Invariant: nothing but the log reaches a replayed frame, and every digest that was written down is compared. The
//! directory is only read.
//! Left out: which program to replay with; whoever replays registers what the world was made with.

use crate::builder::{EngineBuilder, FACT_DT, FACT_SEED};
use crate::engine::Engine;
use crate::error::{Diverged, Error, Result};
use crate::frame::{Frame, since};
use crate::store::{Entry, Image, LogReader, Records, Recovered, StoreError, types_of};
use crate::view::View;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

/// What a replay begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplayFrom {
    /// The first stored state from which the log goes on: that of frame 0 as long as the log keeps it, then the oldest
    /// one that is kept.
    #[default]
    Oldest,
    /// The stored state at this frame, which must be kept.
    Frame(u64),
    /// Nothing: this program's own setups make frame 0.
    Nothing,
}

/// A stored world that is being made again; see [`EngineBuilder::replay`].
pub struct Replay {
    engine: Engine,
    log: LogReader,
    /// The stored records of the frames to come, where they are compared.
    records: Option<Records>,
    /// Entries that were read and are of later frames, two at most.
    pending: VecDeque<Entry>,
    last: u64,
    compared: u64,
    records_compared: u64,
    agreed: u64,
    /// The frame from which on another program made them, and what that had and this one has not, and the other way.
    other: Option<(u64, String, String)>,
}

impl core::fmt::Debug for Replay {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (engine, last) = (&self.engine, self.last);
        f.debug_struct("Replay").field("engine", engine).field("last", &last).finish_non_exhaustive()
    }
}

/// What the build of a replay begins with.
pub(crate) struct Beginning {
    /// The stored world, or nothing where setups make it.
    pub(crate) recovered: Option<Recovered>,
    /// The entry of frame 0.
    pub(crate) zero: Option<Entry>,
    /// Whether the record of each frame is compared.
    pub(crate) compared: bool,
    /// The types that the world had then.
    pub(crate) known: Option<BTreeSet<String>>,
    /// What came into frame 1, in case startup systems make it.
    pub(crate) first: Option<Entry>,
    pub(crate) log: LogReader,
}

impl EngineBuilder {
    /// In a replay, compares every frame whose record is kept, so that the first one that differs is named exactly;
    /// costs the making of records.
    #[must_use]
    pub fn compare_frames(mut self) -> Self {
        self.compares_frames = true;
        self
    }

    /// In place of [`build`](Self::build): makes the stored world in `dir` again, in memory, from what came into it.
    /// Register what the world was made with. It may run meanwhile; the replay then ends where it was when it was read.
    ///
    /// ```
    /// use diptych_engine::prelude::*;
    /// #[derive(Clone, Copy, Pod, Zeroable)]
    /// #[repr(C)]
    /// struct Age(u64);
    /// fn world(builder: EngineBuilder) -> EngineBuilder {
    ///     let age = |mut ages: Query<Next<Age>>| ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
    ///     builder.state::<Age>("age", 1).system("age", age).setup("one", |structure| {
    ///         structure.spawn((Age(0),));
    ///     })
    /// }
    /// # let dir = std::env::temp_dir().join(format!("diptych-replay-{}", std::process::id()));
    /// let mut engine = world(Engine::open(&dir)).build()?;
    /// engine.run(Pace::frames(100))?;
    /// let digest = engine.digest();
    /// drop(engine);
    /// let mut replay = world(Engine::in_memory()).replay(&dir, ReplayFrom::Oldest)?;
    /// replay.run_to(u64::MAX)?;
    /// assert_eq!((replay.frame(), replay.digest()), (100, digest));
    /// # std::fs::remove_dir_all(&dir).unwrap();
    /// # Ok::<(), diptych_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`build`](Self::build); the world has no log that goes back far enough, or was made with other settings or
    /// types, or is damaged.
    pub fn replay(self, dir: impl AsRef<Path>, from: ReplayFrom) -> Result<Replay> {
        let log = LogReader::open(dir.as_ref()).map_err(|error| Error::Store(error.to_string()))?;
        self.replay_log(log, from)
    }

    /// The seed and the step that a world was made with, from its facts as [`LogReader::facts`] has them.
    #[must_use]
    pub fn settings_of(mut self, facts: &BTreeMap<String, String>) -> Self {
        let fact = |name: &str| facts.get(name);
        self.seed = fact(FACT_SEED).and_then(|seed| seed.parse().ok()).unwrap_or(self.seed);
        self.dt = fact(FACT_DT).and_then(|dt| dt.parse().ok()).unwrap_or(self.dt);
        self
    }

    /// [`replay`](Self::replay) of a log that is open: for who looks at its facts first, to know what to register.
    ///
    /// # Errors
    /// As [`replay`](Self::replay).
    pub fn replay_log(self, mut log: LogReader, from: ReplayFrom) -> Result<Replay> {
        let failed = |error: crate::store::StoreError| Error::Store(error.to_string());
        let last = log.last_frame().ok_or_else(|| failed(log.refusal("it has no frame yet")))?;
        let oldest = log.oldest().map_err(failed)?;
        let first = match from {
            ReplayFrom::Oldest => oldest,
            ReplayFrom::Frame(frame) if frame >= oldest => frame,
            ReplayFrom::Nothing if log.first_logged().map_err(failed)? == 0 => 0,
            ReplayFrom::Frame(_) | ReplayFrom::Nothing => {
                let reason =
                    format!("it can be replayed from frame {oldest} on; its log keeps nothing before");
                return Err(failed(log.refusal(&reason)));
            }
        };
        let recovered = match (from, first) {
            (ReplayFrom::Nothing, _) => None,
            (_, 0) => match log.origin().map_err(failed)? {
                Some(origin) => Some(origin),
                None => Some(log.at(0).map_err(failed)?),
            },
            (_, first) => Some(log.at(first).map_err(failed)?),
        };
        // Entries up to the frame after the one that is stored.
        let mut pending = VecDeque::new();
        while let Some(entry) = log.next_entry().map_err(failed)? {
            let is_later = entry.frame > first;
            pending.retain(|entry: &Entry| entry.frame >= first);
            pending.push_back(entry);
            if is_later {
                break;
            }
        }
        let zero = pending.pop_front_if(|entry| entry.frame == first);
        let next = pending.pop_front_if(|entry| entry.frame == 1 && first == 0);
        let has_digest = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.digest.is_some());
        let opened = [&next, &zero].into_iter().flatten().find_map(|entry| entry.opened.clone());
        let compared = self.compares_frames;
        let (start_has, next_has) = (has_digest(&zero), has_digest(&next));
        let known = zero.as_ref().and_then(|entry| entry.opened.as_deref()).map(types_of);
        let stored =
            |recovered: &Recovered| recovered.stored_types.iter().map(|entry| entry.name.clone()).collect();
        let known = known.or_else(|| recovered.as_ref().map(stored));
        let beginning = Beginning { recovered, zero, compared, known, first: next, log };
        let (engine, Beginning { first: next, log, .. }) = crate::builder::begin_again(self, beginning)?;
        let agreed = engine.frame();
        // A startup system may have made frame 1 with it already.
        let made = agreed > first;
        pending.extend(next.filter(|_| !made));
        pending.make_contiguous().sort_by_key(|entry| entry.frame);
        let records = compared.then(|| log.records(agreed));
        let compared = u64::from(start_has) + u64::from(made && next_has);
        let opened = opened.and_then(|stored| crate::store::difference(&stored, engine.program()));
        let other = opened.map(|(stored, given)| (first + 1, stored, given));
        Ok(Replay { engine, log, records, pending, last, compared, records_compared: 0, agreed, other })
    }
}

impl Replay {
    /// Makes the next frame again; `false` when there is none.
    ///
    /// # Errors
    /// [`Error::Diverged`] where its digest is another than then; a failed frame; a damaged log.
    pub fn step(&mut self) -> Result<bool> {
        let frame = self.frame() + 1;
        Ok(self.run_to(frame)? == frame)
    }

    /// Makes frames again up to `frame`, or to the last one; answers at which it stands.
    ///
    /// # Errors
    /// As [`Replay::step`].
    pub fn run_to(&mut self, frame: u64) -> Result<u64> {
        self.run_while(frame, |_| true)
    }

    /// The same, as long as `on` says so, asked before each frame with the last one's number.
    ///
    /// # Errors
    /// As [`Replay::step`].
    pub fn run_while(&mut self, frame: u64, mut on: impl FnMut(u64) -> bool + Send) -> Result<u64> {
        let Self { engine, log, records, pending, last, compared, records_compared, agreed, other } = self;
        let goal = frame.min(*last);
        let made = engine.make_again_while(|frame| {
            if frame.committed >= goal || !on(frame.committed) {
                return Ok(false);
            }
            if pending.is_empty() {
                pending.extend(log.next_entry().map_err(|error| Error::Store(error.to_string()))?);
            }
            let next = frame.committed + 1;
            let entry = pending.pop_front_if(|entry| entry.frame == next);
            if let Some(stored) = entry.as_ref().and_then(|entry| entry.opened.as_ref()) {
                let difference = crate::store::difference(stored, &frame.program);
                *other = difference.map(|(stored, given)| (next, stored, given));
            }
            frame.make_again(entry.as_ref())?;
            if entry.is_some_and(|entry| entry.digest.is_some()) {
                *compared += 1;
                *agreed = next;
            }
            if let Some(records) = records {
                frame.hand_over()?;
                match records.compare(next, frame.last_record())? {
                    Some(true) => (*records_compared, *agreed) = (*records_compared + 1, next),
                    Some(false) => return Err(frame.differs_in_record(log, next)),
                    None => {}
                }
            }
            Ok(true)
        });
        made.map_err(|error| self.placed(error))?;
        Ok(self.engine.frame())
    }

    /// The frame that was made last.
    pub fn frame(&self) -> u64 {
        self.engine.frame()
    }

    /// The last frame of the stored world.
    pub fn last_frame(&self) -> u64 {
        self.last
    }

    /// How many digests were compared so far.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// How many frames were compared record by record: values, marks, structure, messages under way. Those whose
    /// records are kept are, where the builder said [`compare_frames`](EngineBuilder::compare_frames).
    pub fn records_compared(&self) -> u64 {
        self.records_compared
    }

    /// The digest of the frame that was made last.
    pub fn digest(&mut self) -> crate::Digest {
        self.engine.digest()
    }

    /// The world at the frame that was made last.
    pub fn view(&self) -> View<'_> {
        self.engine.view()
    }

    /// Compares the frame that was made last with the stored state, where that is kept; answers whether it is.
    ///
    /// # Errors
    /// [`Error::Diverged`] where they differ; what is stored is damaged.
    pub fn compare_state(&mut self) -> Result<bool> {
        let frame = self.frame();
        let image = match self.log.image(frame) {
            Ok(image) => image,
            Err(StoreError::NotKept { .. } | StoreError::ByInputs { .. }) => return Ok(false),
            Err(error) => return Err(Error::Store(error.to_string())),
        };
        let (stored, made) = (image.digest(), self.engine.digest_then());
        if stored != made {
            return Err(self.placed(Error::Diverged(Box::new(Diverged {
                frame,
                stored,
                made,
                place: String::new(),
            }))));
        }
        self.agreed = frame;
        Ok(true)
    }

    /// Says what differs, as far as the state of the frame is kept, and since when.
    fn placed(&self, error: Error) -> Error {
        match error {
            Error::Diverged(mut diverged) if diverged.place.is_empty() => {
                let frame = diverged.frame;
                let image = self.log.image(frame).ok().filter(|_| self.frame() == frame);
                let what = image.and_then(|image| self.engine.differs_from(&image));
                let what = what.map_or_else(String::new, |what| what + "; ");
                let since = since(frame, self.agreed);
                let other = self.other.as_ref().map_or_else(String::new, |(first, stored, given)| {
                    format!(
                        "; frame {first} and those after it were made by another program: it had {stored}, this one \
                         has {given} instead"
                    )
                });
                diverged.place = what + &since + &other;
                Error::Diverged(diverged)
            }
            other => other,
        }
    }
}

impl Engine {
    /// Makes frames again as long as `next` does one.
    fn make_again_while(&mut self, mut next: impl FnMut(&mut Frame) -> Result<bool> + Send) -> Result<()> {
        self.check_caller()?;
        let Self { frame, pool, .. } = self;
        pool.install(|| {
            while next(frame)? {}
            Ok(())
        })
    }

    /// Everything that makes the frames, a line each.
    fn program(&self) -> &str {
        &self.frame.program
    }

    /// The digest as the program had it that made the frame first.
    fn digest_then(&mut self) -> crate::Digest {
        let Self { frame, pool, .. } = self;
        pool.install(|| frame.take_digest_then())
    }

    /// Where the committed frame differs from a stored one.
    fn differs_from(&self, image: &Image) -> Option<String> {
        self.frame.differs_from(image)
    }
}
