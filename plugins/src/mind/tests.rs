//! Minds through the engine: alike on any threads, stored, replayed; portions are eaten once.

use super::*;
use crate::measure::Quantity;
use crate::picture::Canvas;
use diptych_engine::testkit;

fn world(options: Options) -> impl Fn(EngineBuilder) -> EngineBuilder {
    let plugin = MindPlugin::new(options).unwrap_or_else(|error| panic!("{error}"));
    move |builder| builder.plugin(plugin.clone())
}

fn build(options: Options) -> Engine {
    world(options)(Engine::in_memory()).build().unwrap_or_else(|error| panic!("{error}"))
}

fn count(engine: &Engine, name: &str) -> u64 {
    let measures = measures(engine.view());
    match measures.iter().find(|measure| measure.name == name).map(|measure| measure.value) {
        Some(Quantity::Count(count)) => count,
        other => panic!("{name}: {other:?}"),
    }
}

/// Hungry from the start, more than a block of a loop.
fn options() -> Options {
    let rules = Rules { hunger: 0.01, tiredness: 0.004, hungry: 0.3, tired: 0.4, ..Rules::default() };
    Options { minds: 3000, items: 200, rules, ..Options::default() }
}

/// Claim: one digest a frame on any number of threads, and another for another seed.
#[test]
fn threads_do_not_matter() {
    let threads: Vec<usize> =
        [1, 2, 4, 8].into_iter().filter(|n| cfg!(feature = "threads") || *n == 1).collect();
    let digests = testkit::runs_alike(world(options()), &threads, 60, |_, _| Ok(()));
    let digests = digests.unwrap_or_else(|error| panic!("{error}"));
    let digests = digests.unwrap_or_else(|divergence| panic!("{divergence}"));
    let mut other = build(Options { seed: 2, ..options() });
    other.run(Pace::frames(60)).unwrap_or_else(|error| panic!("{error}"));
    assert_ne!(other.digest(), digests[60], "another seed");
}

/// Claim: minds do all that there is to do, and with enough food nobody starves for long.
#[test]
fn minds_live() {
    let mut engine = build(Options { items: 400, ..Options::default() });
    let mut seen = [0_u64; 5];
    for _ in 0..60 {
        engine.run(Pace::frames(50)).unwrap_or_else(|error| panic!("{error}"));
        for (n, deed) in ["resting", "eating", "fetching", "searching", "exploring"].into_iter().enumerate() {
            seen[n] += count(&engine, deed);
        }
    }
    assert!(seen.iter().all(|times| *times > 0), "{seen:?}");
    assert!(count(&engine, "meals") > 300 * 5, "{} meals", count(&engine, "meals"));
    assert!(count(&engine, "starving") < 30, "{} of 300 starve", count(&engine, "starving"));
}

/// Claim: however many ask at once, what is eaten is what items have lost.
#[test]
fn portions_are_eaten_once() {
    let rules = Rules { portions: 5, regrowth: 1_000_000, hungry: 0.0, hunger: 0.01, ..options().rules };
    let mut engine = build(Options { minds: 2000, items: 300, rules, ..Options::default() });
    let mut before = 0;
    for _ in 0..10 {
        engine.run(Pace::frames(20)).unwrap_or_else(|error| panic!("{error}"));
        let (meals, food) = (count(&engine, "meals"), count(&engine, "food"));
        // What was eaten in the last frame is still under way.
        assert!(
            meals + food <= 1500 && meals + food + engine.stats().messages_waiting >= 1500,
            "{meals}, {food}"
        );
        assert!(meals >= before);
        before = meals;
    }
    assert!(before > 700, "{before} of 1500 portions are eaten");
}

/// Claim: options that make no world are refused with a sentence; a world without minds or items runs.
#[test]
fn bad_options_are_refused() {
    let refusal = |options: Options| MindPlugin::new(options).expect_err("refused").to_string();
    let base = Options::default;
    assert_eq!(refusal(Options { items: 4097, ..base() }), "4097 items are too many: ask for at most 4096");
    assert!(refusal(Options { minds: u32::MAX, ..base() }).contains("minds are too many"));
    let rules = Rules { cell: f64::NAN, ..Rules::default() };
    assert!(
        refusal(Options { rules, ..base() }).contains("cell is NaN, and must be a finite number above 0")
    );
    let rules = Rules { hunger: -0.5, ..Rules::default() };
    assert!(refusal(Options { rules, ..base() }).contains("hunger is -0.5"));
    let mut engine = build(Options { minds: 0, items: 0, ..base() });
    engine.run(Pace::frames(3)).unwrap_or_else(|error| panic!("{error}"));
    let mut canvas = Canvas::new(64, 64);
    draw(engine.view(), &mut canvas);
    assert_eq!((count(&engine, "population"), count(&engine, "food")), (0, 0));
}

/// Claim: a body that is nowhere begins anew, and nobody else is touched by it.
#[test]
fn lost_bodies_begin_anew() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Lose(u64);
    let lose = |applier: &mut diptych_engine::Applier<'_, '_>, _: Lose| {
        let ids = applier.ids::<Body>();
        applier.set(ids[0], Body { position: [f64::NAN, 1.0], velocity: [f64::INFINITY; 2] });
        applier.set(ids[1], Needs { hunger: f64::NAN, tiredness: f64::NAN, meals: 0 });
    };
    let builder = world(options())(Engine::in_memory()).input::<Lose>("test.lose", 1, lose);
    let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
    engine.inputs().send("test", &Lose(0)).unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(5)).unwrap_or_else(|error| panic!("{error}"));
    let view = engine.view();
    assert!(
        view.iter::<Body>().all(|(_, body)| body
            .position
            .iter()
            .chain(&body.velocity)
            .all(|x| x.is_finite()))
    );
    assert!(view.iter::<Needs>().all(|(_, needs)| needs.hunger.is_finite() && needs.tiredness.is_finite()));
}

/// Claim: a stored world goes on as if it had never stopped, and is made again from its log without its options; another
/// one is refused.
#[cfg(feature = "store")]
#[test]
fn stored_worlds_are_the_same() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let small = || Options { minds: 400, ..options() };
    let whole = testkit::runs_alike(world(small()), &[1], 60, |_, _| Ok(()));
    let whole = whole.unwrap_or_else(|error| panic!("{error}")).unwrap_or_else(|error| panic!("{error}"));
    let open = |options: Options| world(options)(Engine::open(dir.path())).build();
    for frames in [20, 21, 45, 60] {
        let mut engine = open(small()).unwrap_or_else(|error| panic!("{error}"));
        while engine.frame() < frames {
            engine.step().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(engine.digest(), whole[engine.frame() as usize], "frame {}", engine.frame());
        }
    }
    let error = open(Options { seed: 9, ..small() }).expect_err("another world").to_string();
    assert!(error.contains("mind.options"), "{error}");
    let facts = BTreeMap::from([(FACT_OPTIONS.to_owned(), small().to_string())]);
    let again = Engine::in_memory().plugin(MindPlugin::stored(&facts)).compare_frames();
    let mut replay = again.replay(dir.path(), ReplayFrom::Oldest).unwrap_or_else(|error| panic!("{error}"));
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.frame(), replay.digest()), (60, whole[60]));
}

/// Claim: still frames change nothing: minds ask once, and items ripen by steps.
#[test]
fn still_frames_change_nothing() {
    let rules = Rules { hungry: 0.05, portions: 1, regrowth: 9, ..options().rules };
    let options = Options { minds: 500, items: 600, rules, ..options() };
    crate::still::assert_still_frames_change_nothing(world(options), 60, |_, _| {});
}

/// Claim: scenes go together into one world, and each is there as if it were alone.
#[test]
fn scenes_share_a_world() {
    use crate::ant;
    let ants = || {
        let options = ant::Options { ants: 50, width: 64, height: 64, ..ant::Options::default() };
        ant::AntPlugin::new(options).unwrap_or_else(|error| panic!("{error}"))
    };
    let minds = || {
        let plugin = MindPlugin::new(Options { minds: 40, ..options() });
        plugin.unwrap_or_else(|error| panic!("{error}"))
    };
    let run = |builder: EngineBuilder| {
        let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
        engine.run(Pace::frames(30)).unwrap_or_else(|error| panic!("{error}"));
        engine
    };
    let both = run(Engine::in_memory().plugin(ants()).plugin(minds()));
    let alone = run(Engine::in_memory().plugin(ants()));
    assert_eq!(ant::measures(both.view()), ant::measures(alone.view()));
    assert_eq!(measures(both.view()), measures(run(Engine::in_memory().plugin(minds())).view()));
}
