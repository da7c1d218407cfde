//! Ants through the engine: alike on any threads, stored, replayed; food is neither made nor lost.

use super::*;
use crate::measure::Quantity;
use crate::picture::Canvas;
use diptych_engine::testkit;

/// Little ground and food, so that everything happens soon.
fn options() -> Options {
    let rules = Rules { life: 60, resolution: 4, trail_limit: 80, ..Rules::default() };
    // More ants than a block of a loop, so that loops are really split.
    Options { ants: 700, width: 64, height: 96, piles: 6, portions: 6, rules, ..Options::default() }
}

fn world(options: Options) -> impl Fn(EngineBuilder) -> EngineBuilder {
    let plugin = AntPlugin::new(options).unwrap_or_else(|error| panic!("{error}"));
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

/// Claim: one digest a frame on any number of threads.
#[test]
fn threads_do_not_matter() {
    let threads: Vec<usize> =
        [1, 2, 4, 8].into_iter().filter(|n| cfg!(feature = "threads") || *n == 1).collect();
    let digests = testkit::runs_alike(world(options()), &threads, 80, |_, _| Ok(()));
    let digests = digests.unwrap_or_else(|error| panic!("{error}"));
    let digests = digests.unwrap_or_else(|divergence| panic!("{divergence}"));
    let mut other = build(Options { seed: 2, ..options() });
    other.run(Pace::frames(80)).unwrap_or_else(|error| panic!("{error}"));
    assert_ne!(other.digest(), digests[80], "another seed");
}

/// Claim: of all portions each is in a pile, carried, at home, or granted to an ant that waits; when nobody walks any
/// more the count is exact. Ants find food, come home, and leave signals.
#[test]
fn food_is_neither_made_nor_lost() {
    let mut engine = build(options());
    let all = count(&engine, "food");
    for _ in 0..4 {
        engine.run(Pace::frames(100)).unwrap_or_else(|error| panic!("{error}"));
        let found = count(&engine, "food") + count(&engine, "carried") + count(&engine, "delivered");
        assert!(found <= all && all <= found + count(&engine, "waiting") + engine.stats().messages_waiting);
        let sum: u64 = engine.view().iter::<Food>().flat_map(|(_, food)| food.cells).map(u64::from).sum();
        assert_eq!(sum, count(&engine, "food"), "the census is right");
    }
    for name in ["delivered", "carried", "wins", "losses", "signals"] {
        assert!(count(&engine, name) > 0, "no {name}");
    }
    // Nobody asks any more once all is eaten; wait until then.
    for _ in 0..100 {
        engine.run(Pace::frames(100)).unwrap_or_else(|error| panic!("{error}"));
        if count(&engine, "delivered") == all {
            break;
        }
    }
    assert_eq!(count(&engine, "delivered"), all, "all of it comes home");
}

/// Claim: ants that find food by the trails of others bring home more than ants who leave none.
#[test]
fn trails_help() {
    let rules = Rules { homing: 0.2, ..Rules::default() };
    let delivered = |influence: f32| {
        let rules = Rules { influence, blame: rules.blame * influence, ..rules };
        let mut engine = build(Options {
            ants: 600,
            width: 128,
            height: 128,
            piles: 2,
            portions: 500,
            rules,
            ..Options::default()
        });
        engine.run(Pace::frames(3000)).unwrap_or_else(|error| panic!("{error}"));
        count(&engine, "delivered")
    };
    let (with, without) = (delivered(Rules::default().influence), delivered(0.0));
    println!("delivered with trails {with}, without {without}");
    assert!(with > without + without / 4, "{with} with trails, {without} without");
}

/// Claim: options that make no world are refused with a sentence; a world without ants or food runs.
#[test]
fn bad_options_are_refused() {
    let refusal = |options: Options| AntPlugin::new(options).expect_err("refused").to_string();
    let base = Options::default;
    assert_eq!(
        refusal(Options { width: 100, ..base() }),
        "the ground 100x256 is refused: either side needs a multiple of 32 from 32 to 8192 cells"
    );
    assert!(refusal(Options { height: 0, ..base() }).contains("256x0"));
    assert!(refusal(Options { ants: u32::MAX, ..base() }).contains("4294967295 ants are too many"));
    assert!(refusal(Options { pile_radius: 200, ..base() }).contains("radius 200"));
    let rules = Rules { speed: f32::NAN, ..Rules::default() };
    assert!(refusal(Options { rules, ..base() }).contains("speed is NaN"));
    let mut engine = build(Options { ants: 0, piles: 0, width: 32, height: 32, ..base() });
    engine.run(Pace::frames(3)).unwrap_or_else(|error| panic!("{error}"));
    let mut canvas = Canvas::new(32, 32);
    draw(engine.view(), &mut canvas);
    assert_eq!((count(&engine, "population"), count(&engine, "food")), (0, 0));
}

/// Claim: a stored world goes on as if it had never stopped, and is made again from its log without its options; another
/// one is refused.
#[cfg(feature = "store")]
#[test]
fn stored_worlds_are_the_same() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let small = || Options { ants: 500, ..options() };
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
    assert!(error.contains("ant.options"), "{error}");
    let facts = BTreeMap::from([(FACT_OPTIONS.to_owned(), small().to_string())]);
    let again = Engine::in_memory().plugin(AntPlugin::stored(&facts)).compare_frames();
    let mut replay = again.replay(dir.path(), ReplayFrom::Oldest).unwrap_or_else(|error| panic!("{error}"));
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.frame(), replay.digest()), (60, whole[60]));
}

/// Claim: still frames change nothing: ants wait, walk and lay as without them.
#[test]
fn still_frames_change_nothing() {
    crate::still::assert_still_frames_change_nothing(world(options()), 40, |_, _| {});
}
