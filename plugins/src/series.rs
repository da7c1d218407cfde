//! Measures of a world, recorded in it: every so manyth frame, as state that is stored, digested and replayed.
//!
//! Invariant: a world that records is another than one that does not, and says so by a fact. What is recorded follows from
//! the frames alone. The measures of frame n are in the world from frame n + 1 on; frames are counted without still ones.
//! Left out: pictures of them, which `diptych plot` draws.

pub use diptych_components::series::*;
use diptych_engine::prelude::*;
use diptych_systems::series::{Latest, Sample, record};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::measure::{Measure, Quantity};

/// The fact that says how often.
const FACT_EVERY: &str = "series.every";

/// What a scene has to say of a frame.
pub type Measures = fn(View<'_>) -> Vec<Measure>;

/// Records a scene's measures every so manyth frame, those of frame 0 too.
///
/// ```
/// use diptych::life::{LifePlugin, Pattern, measures};
/// use diptych::prelude::*;
/// use diptych::series::{SeriesPlugin, recorded};
///
/// let blinker = Pattern::parse("blinker.rle", b"x = 3, y = 1\n3o!").unwrap();
/// let life = LifePlugin::new(blinker, "20x30".parse().unwrap()).unwrap();
/// let mut engine = Engine::in_memory().plugin(life).plugin(SeriesPlugin::new(measures, 10)).build().unwrap();
/// engine.run(Pace::frames(21)).unwrap();
/// assert_eq!(recorded(engine.view())["population"], [(0, 3.0), (10, 3.0), (20, 3.0)]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SeriesPlugin {
    measures: Measures,
    every: u64,
}

impl SeriesPlugin {
    /// These measures, every `every` frames.
    ///
    /// # Panics
    /// When `every` is 0.
    #[must_use]
    pub fn new(measures: Measures, every: u64) -> SeriesPlugin {
        assert!(every > 0, "measures are recorded every 1 or more frames");
        SeriesPlugin { measures, every }
    }

    /// The plugin of a world that is stored with these facts, if it records.
    #[must_use]
    pub fn stored(facts: &BTreeMap<String, String>, measures: Measures) -> Option<SeriesPlugin> {
        let every = facts.get(FACT_EVERY)?.parse().ok().filter(|every| *every > 0)?;
        Some(SeriesPlugin { measures, every })
    }
}

impl Plugin for SeriesPlugin {
    fn name(&self) -> &'static str {
        "series"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        let latest = Latest::default();
        let meter = Meter { plugin: self, latest: latest.clone() };
        registrar
            .state_with::<Piece, PieceCodec>(PIECE_NAME, 1)
            .resource(latest)
            .observer("series.meter", Arc::new(meter))
            .system("series.record", record)
            .fact(FACT_EVERY, self.every);
        Ok(())
    }
}

/// Measures committed frames when it is time.
#[derive(Debug)]
struct Meter {
    plugin: SeriesPlugin,
    latest: Latest,
}

impl Meter {
    fn look(&self, view: View<'_>) {
        let SeriesPlugin { measures, every } = self.plugin;
        let step = view.step();
        // After a still frame again, of the same step: what is recorded must follow from what is committed, and inputs
        // reach a world in still frames too.
        let sample = step.is_multiple_of(every).then(|| {
            let values = measures(view).into_iter().map(|Measure { name, value }| match value {
                // Above 2^53 to the next number that can be shown.
                Quantity::Count(count) => (name, count as f64),
                Quantity::Real(real) => (name, real),
            });
            Sample { step, every, values: values.collect() }
        });
        self.latest.put(sample);
    }
}

impl Observer for Meter {
    fn begin(&self, view: View<'_>) {
        self.look(view);
    }

    fn commit(&self, view: View<'_>) {
        self.look(view);
    }
}

/// What a world has recorded so far: frames and values of each measure, in order.
///
/// # Panics
/// When the world has no [`SeriesPlugin`].
#[must_use]
pub fn recorded(view: View<'_>) -> BTreeMap<String, Vec<(u64, f64)>> {
    joined(view.iter::<Piece>().map(|(_, piece)| piece.clone()))
}

/// Pieces in any order, put together.
#[must_use]
pub fn joined(pieces: impl IntoIterator<Item = Piece>) -> BTreeMap<String, Vec<(u64, f64)>> {
    let mut series: BTreeMap<String, Vec<(u64, f64)>> = BTreeMap::new();
    for piece in pieces {
        series.entry(piece.name().to_owned()).or_default().extend(piece.iter());
    }
    series.values_mut().for_each(|values| values.sort_by_key(|(frame, _)| *frame));
    series
}

/// Pieces as their own bytes.
#[derive(Debug)]
struct PieceCodec;

impl Codec<Piece> for PieceCodec {
    fn encode(piece: &Piece, out: &mut Vec<u8>) {
        out.extend(piece.to_bytes());
    }

    fn decode(bytes: &[u8]) -> core::result::Result<Piece, CodecError> {
        Piece::from_bytes(bytes).ok_or_else(|| CodecError::new("these bytes are no piece of a series"))
    }

    fn blank() -> Option<Piece> {
        Some(Piece::new("", 1, 0))
    }
}

#[cfg(test)]
mod tests {
    use diptych_engine::prelude::*;

    use super::{PIECES_MAX, Piece, SeriesPlugin, VALUES_MAX, recorded};
    use crate::nbody::{NbodyPlugin, energy, measures};

    fn planets(builder: EngineBuilder) -> Engine {
        let series = SeriesPlugin::new(measures, 3);
        let engine = builder.dt(0.01).plugin(NbodyPlugin::planets()).plugin(series).build();
        engine.unwrap_or_else(|error| panic!("{error}"))
    }

    fn run(engine: &mut Engine, frames: u64) {
        engine.run(Pace::frames(frames)).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Claim: each value is that of its frame, over several pieces, with one digest on any number of threads.
    #[test]
    fn values_are_those_of_their_frames() {
        let frames = 3 * VALUES_MAX as u64 * 2 + 8;
        let mut digests = Vec::new();
        for threads in [1, 2, 4, 8].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1) {
            let mut engine = planets(Engine::in_memory().threads(threads));
            let mut seen = vec![(0, energy(engine.view()))];
            while engine.frame() < frames {
                run(&mut engine, 1);
                if engine.frame().is_multiple_of(3) {
                    seen.push((engine.frame(), energy(engine.view())));
                }
            }
            seen.retain(|(frame, _)| *frame < frames);
            assert_eq!(recorded(engine.view())["energy"], seen);
            digests.push(engine.digest());
        }
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    }

    /// Claim: still frames move no series: each step is measured once, and none is lost.
    #[test]
    fn still_frames_change_nothing() {
        let world = |builder: EngineBuilder| {
            builder.dt(0.01).plugin(NbodyPlugin::planets()).plugin(SeriesPlugin::new(measures, 3))
        };
        crate::still::assert_still_frames_change_nothing(world, 20, |engine, step| {
            let samples = recorded(engine.view()).get("energy").map_or(0, Vec::len) as u64;
            assert_eq!(samples, step.div_ceil(3), "after {step} steps");
        });
    }

    /// Claim: where a measure has as many pieces as it may, the oldest goes for the next one.
    #[test]
    fn the_oldest_piece_goes() {
        let old = |structure: &mut Structure<'_, '_>| {
            for first in 10..10 + PIECES_MAX as u64 {
                let mut piece = Piece::new("energy", 2, first);
                piece.push(0.0);
                structure.spawn((piece,));
            }
        };
        let mut engine = planets(Engine::in_memory().setup("old pieces", old));
        run(&mut engine, 1);
        let mut firsts: Vec<u64> = engine.view().iter::<Piece>().map(|(_, piece)| piece.first()).collect();
        firsts.sort_unstable();
        assert_eq!((firsts.len(), &firsts[..2]), (PIECES_MAX, &[0, 11][..]));
    }

    /// Claim: a world that is stored and opened again, wherever it was cut, records as one that ran in one go, and a
    /// replay has the same digests.
    #[cfg(feature = "store")]
    #[test]
    fn stored_worlds_go_on_recording() {
        let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let open = || planets(Engine::open(directory.path().join("world")));
        let mut whole = planets(Engine::in_memory());
        run(&mut whole, 20);
        for goal in [2, 3, 4, 9, 20] {
            let mut engine = open();
            let missing = goal - engine.frame();
            run(&mut engine, missing);
        }
        let mut engine = open();
        assert_eq!(engine.digest(), whole.digest());
        assert_eq!(recorded(engine.view()), recorded(whole.view()));
        drop(engine);
        let replay = Engine::in_memory().dt(0.01).plugin(NbodyPlugin::planets());
        let replay = replay.plugin(SeriesPlugin::new(measures, 3));
        let replay = replay.replay(directory.path().join("world"), ReplayFrom::Oldest);
        let mut replay = replay.unwrap_or_else(|error| panic!("{error}"));
        replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((replay.frame(), replay.digest()), (20, whole.digest()));
    }
}
