//! Agents through the engine: the scenario of the source, alike on any threads, stored, replayed, and with a model outside.

use super::*;
use crate::measure::Quantity;
use diptych_engine::testkit;

mod command;
mod outside;
mod scenario;

pub(super) fn world(options: Options) -> impl Fn(EngineBuilder) -> EngineBuilder {
    let plugin = AgentPlugin::new(options).unwrap_or_else(|error| panic!("{error}"));
    move |builder| builder.plugin(plugin.clone())
}

pub(super) fn build(options: Options) -> Engine {
    world(options)(Engine::in_memory()).build().unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn run(engine: &mut Engine, frames: u64) {
    for _ in 0..frames {
        engine.step().unwrap_or_else(|error| panic!("{error}"));
    }
}

pub(super) fn count(engine: &Engine, name: &str) -> u64 {
    let measures = measures(engine.view());
    match measures.iter().find(|measure| measure.name == name).map(|measure| measure.value) {
        Some(Quantity::Count(count)) => count,
        other => panic!("{name}: {other:?}"),
    }
}

/// A world in which nothing happens that does not come from outside.
pub(super) fn quiet(agents: u32) -> Options {
    let rules = Rules { is_staged: 0, patience: 1 << 20, beat: 1 << 19, ..Rules::default() };
    Options { agents, rules, ..Options::default() }
}

pub(super) fn agents(engine: &Engine) -> Vec<Id> {
    let mut agents: Vec<(u32, Id)> =
        engine.view().iter::<AgentInfo>().map(|(id, info)| (info.number, id)).collect();
    agents.sort_unstable();
    agents.into_iter().map(|(_, id)| id).collect()
}

pub(super) fn send(engine: &Engine, command: Command) {
    engine.inputs().send("test", &command).unwrap_or_else(|error| panic!("{error}"));
}

pub(super) fn hear(engine: &Engine, agent: Id, text: &str) {
    send(engine, Command::Hear(agent.bits(), Line { text: text.to_owned(), is_final: true }));
}

/// Lively, and more than a block of a loop.
fn lively(agents: u32) -> Options {
    let rules = Rules { hang_permille: 120, ..Rules::default() };
    Options { agents, rules, ..Options::default() }
}

/// Claim: one digest a frame on any number of threads, and another for another seed.
#[test]
fn threads_do_not_matter() {
    let threads: Vec<usize> =
        [1, 2, 4, 8].into_iter().filter(|n| cfg!(feature = "threads") || *n == 1).collect();
    let digests = testkit::runs_alike(world(lively(300)), &threads, 200, |_, _| Ok(()));
    let digests = digests.unwrap_or_else(|error| panic!("{error}"));
    let digests = digests.unwrap_or_else(|divergence| panic!("{divergence}"));
    let rules = Rules { seed: 2, ..lively(300).rules };
    let mut other = build(Options { rules, ..lively(300) });
    run(&mut other, 200);
    assert_ne!(other.digest(), digests[200], "another seed");
}

/// Claim: agents to whom nothing happens change nothing, and cost no writes.
#[test]
fn resting_agents_change_nothing() {
    type Heard<'w, 's> = (
        Changes<'w, 's, Vad>,
        Changes<'w, 's, RawVad>,
        Changes<'w, 's, Turn>,
        Changes<'w, 's, Ear>,
        Changes<'w, 's, TranscriptFinal>,
        Changes<'w, 's, TranscriptPartial>,
    );
    type Done<'w, 's> = (
        Changes<'w, 's, Told>,
        Changes<'w, 's, Orders>,
        Changes<'w, 's, Stream>,
        Changes<'w, 's, AgentState>,
        Changes<'w, 's, AudioRef>,
        Changes<'w, 's, BargeState>,
        Changes<'w, 's, PlaybackQueue>,
        Changes<'w, 's, VisionRing>,
        Changes<'w, 's, MemoryNode>,
        Changes<'w, 's, TaskTally>,
    );
    let changed = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = changed.clone();
    let watch = move |heard: Heard<'_, '_>, done: Done<'_, '_>, clock: Clock| {
        let count = |entities: Vec<_>| entities.len();
        let heard = [
            count(heard.0.entities()),
            count(heard.1.entities()),
            count(heard.2.entities()),
            count(heard.3.entities()),
            count(heard.4.entities()),
            count(heard.5.entities()),
        ];
        let done = [
            count(done.0.entities()),
            count(done.1.entities()),
            count(done.2.entities()),
            count(done.3.entities()),
            count(done.4.entities()),
            count(done.5.entities()),
            count(done.6.entities()),
            count(done.7.entities()),
            count(done.8.entities()),
            count(done.9.entities()),
        ];
        let sum = heard.iter().chain(&done).sum::<usize>();
        log.lock().expect("no panic").push((clock.frame(), sum, heard, done));
    };
    let builder = world(quiet(70))(Engine::in_memory()).system("test.watch", watch);
    let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
    run(&mut engine, 30);
    hear(&engine, agents(&engine)[7], "Are you there?");
    run(&mut engine, 300);
    let log = changed.lock().expect("no panic");
    let of = |frames: core::ops::Range<u64>| log.iter().filter(move |(frame, ..)| frames.contains(frame));
    // What the setup has made is new in the first frame.
    assert!(of(1..2).all(|(_, sum, ..)| *sum > 70));
    for (frame, sum, heard, done) in of(2..30).chain(of(250..330)) {
        assert_eq!(*sum, 0, "frame {frame}: {heard:?}, {done:?}");
    }
    let spoken_to = of(30..250).map(|(_, sum, ..)| *sum);
    assert!(spoken_to.clone().sum::<usize>() > 10 && spoken_to.max() < Some(10), "one agent alone");
}

/// Claim: everything that agents can do is done, every transcript is asked about, leases lapse and agents go and come back.
#[test]
fn agents_live() {
    let mut engine = build(lively(60));
    let mut seen = BTreeMap::new();
    for _ in 0..120 {
        run(&mut engine, 10);
        for measure in measures(engine.view()) {
            if let Quantity::Count(count) = measure.value {
                *seen.entry(measure.name).or_insert(0) += count;
            }
        }
    }
    let never: Vec<&str> = seen.iter().filter(|(_, sum)| **sum == 0).map(|(name, _)| *name).collect();
    assert_eq!(never, ["failed"], "{seen:?}");
    let orders =
        |of: fn(&Orders) -> u64| engine.view().iter::<Orders>().map(|(_, orders)| of(orders)).sum::<u64>();
    let heard: u64 = engine.view().iter::<TranscriptFinal>().map(|(_, last)| last.serial).sum();
    assert!(heard >= 60 * 7 && orders(|orders| orders.asked) + 60 >= heard, "{heard} transcripts");
    assert!(engine.view().iter::<Ear>().all(|(_, ear)| ear.dropped == 0));
    assert!(count(&engine, "tasks_done") > 500, "{} tasks", count(&engine, "tasks_done"));
    assert!(count(&engine, "tasks_queued") < 60, "{} wait", count(&engine, "tasks_queued"));
    // What is over goes: nothing grows for ever.
    let entities = engine.view().entities();
    run(&mut engine, 400);
    assert!(
        engine.view().entities() < entities + entities / 5,
        "{entities} became {}",
        engine.view().entities()
    );
}

/// Claim: the longest work that rules allow is done within its lease, and a frame more is refused.
#[test]
fn the_longest_work_is_done() {
    let rules = Rules { work: 23, lease: 25, keep: 23, hang_permille: 0, ..Rules::default() };
    let mut engine = build(Options { agents: 20, rules, ..Options::default() });
    run(&mut engine, 400);
    let told = |name| count(&engine, name);
    assert!(told("tasks_done") > 50, "{} tasks", told("tasks_done"));
    assert_eq!((told("tasks_dead"), told("leases_lapsed")), (0, 0));
    for rules in [Rules { work: 24, ..rules }, Rules { keep: 22, ..rules }, Rules { lease: 2, ..rules }] {
        let refusal = AgentPlugin::new(Options { rules, ..Options::default() }).expect_err("refused");
        assert!(refusal.to_string().contains("agents' work is"), "{refusal}");
    }
}

/// Claim: options that make no world are refused with a sentence; a world without agents runs.
#[test]
fn bad_options_are_refused() {
    let refusal = |options: Options| AgentPlugin::new(options).expect_err("refused").to_string();
    let base = Options::default;
    assert_eq!(
        refusal(Options { agents: u32::MAX, ..base() }),
        "4294967295 agents are too many: ask for at most 1048576"
    );
    let rules = Rules { attempts: 0, ..Rules::default() };
    assert_eq!(
        refusal(Options { rules, ..base() }),
        "the agents' number of attempts is 0, and must be 1 to 1000"
    );
    let mut engine = build(Options { agents: 0, ..base() });
    run(&mut engine, 3);
    let mut canvas = crate::picture::Canvas::new(64, 64);
    draw(engine.view(), &mut canvas);
    assert_eq!(count(&engine, "population"), 0);
}

/// Claim: a stored world goes on as if it had never stopped, and is made again from its log without its options; another
/// one is refused, by its options and by its kind of model.
#[cfg(feature = "store")]
#[test]
fn stored_worlds_are_the_same() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let whole = testkit::runs_alike(world(lively(40)), &[1], 260, |_, _| Ok(()));
    let whole = whole.unwrap_or_else(|error| panic!("{error}")).unwrap_or_else(|error| panic!("{error}"));
    let open = |options: Options| world(options)(Engine::open(dir.path())).build();
    for frames in [90, 91, 92, 93, 94, 95, 170, 260] {
        let mut engine = open(lively(40)).unwrap_or_else(|error| panic!("{error}"));
        while engine.frame() < frames {
            engine.step().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(engine.digest(), whole[engine.frame() as usize], "frame {}", engine.frame());
        }
    }
    let error = open(lively(41)).expect_err("another world").to_string();
    assert!(error.contains("agent.options"), "{error}");
    let error = open(Options { model: Model::Outside, ..lively(40) }).expect_err("another model").to_string();
    assert!(error.contains("agent.model"), "{error}");
    let facts = BTreeMap::from([
        (FACT_OPTIONS.to_owned(), lively(40).to_string()),
        (FACT_MODEL.to_owned(), "seeded".to_owned()),
    ]);
    let again = Engine::in_memory().plugin(AgentPlugin::stored(&facts)).compare_frames();
    let mut replay = again.replay(dir.path(), ReplayFrom::Oldest).unwrap_or_else(|error| panic!("{error}"));
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.frame(), replay.digest()), (260, whole[260]));
}

/// Claim: a world of an earlier version, whose agents were stored otherwise, is refused by that.
#[cfg(feature = "store")]
#[test]
fn worlds_of_an_earlier_version_are_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let facts = |builder: EngineBuilder| {
        let builder = builder.fact("agent.version", "1").fact(FACT_MODEL, "seeded");
        builder.fact(FACT_OPTIONS, lively(4).to_string())
    };
    let old = facts(Engine::open(dir.path())).build().unwrap_or_else(|error| panic!("{error}"));
    drop(old);
    let error = world(lively(4))(Engine::open(dir.path())).build().expect_err("another version").to_string();
    assert!(error.contains("agent.version"), "{error}");
}

/// Shows an agent these, asks a model outside, one question after the other, and gives the answers.
#[cfg(feature = "llm")]
pub(super) fn outside_world(model: Http, seen: &[Image], questions: &[&str]) -> Vec<Answer> {
    let quiet = quiet(1);
    let rules = Rules { keep: 1 << 20, ..quiet.rules };
    let options = Options { model: Model::Outside, rules, ..quiet };
    let plugin = AgentPlugin::new(options).unwrap_or_else(|error| panic!("{error}"));
    let plugin = plugin.providers([Arc::new(model) as Arc<dyn Provider>]);
    let mut engine = Engine::in_memory().plugin(plugin).build().unwrap_or_else(|error| panic!("{error}"));
    let agent = agents(&engine)[0];
    seen.iter().for_each(|image| send(&engine, Command::See(agent.bits(), image.clone())));
    run(&mut engine, 3);
    let mut answers = Vec::new();
    for (n, question) in (1..).zip(questions) {
        let before = engine.frame();
        hear(&engine, agent, question);
        outside::run_until_closed(&mut engine, n);
        assert!(engine.frame() > before + 2, "frames go on");
        let last = engine.view().iter::<Errand>().max_by_key(|(_, errand)| errand.serial).map(|(id, _)| id);
        answers.extend(last.and_then(|id| engine.view().get::<Answer>(id).cloned()));
    }
    answers
}
