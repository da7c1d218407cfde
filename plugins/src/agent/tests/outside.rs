//! Models outside: their answers are inputs, their failures are answers, and frames do not wait for them.

use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// Answers with how often it was asked, after a while.
#[derive(Debug, Default)]
struct Counting {
    asked: AtomicU32,
    takes: Duration,
    fails: bool,
    patience: Option<Duration>,
    /// Where there is one, it hangs until something comes through, or nothing can any more.
    gate: Option<Mutex<Receiver<()>>>,
}

/// One that hangs until the sender goes.
fn hanging(patience: Option<Duration>) -> (Sender<()>, Arc<Counting>) {
    let (release, gate) = channel();
    (release, Arc::new(Counting { patience, gate: Some(Mutex::new(gate)), ..Counting::default() }))
}

impl Provider for Counting {
    fn name(&self) -> String {
        "counting".to_owned()
    }

    fn patience(&self) -> Duration {
        self.patience.unwrap_or(Duration::from_secs(90))
    }

    fn answer(&self, question: &Question) -> Result<String, String> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        std::thread::sleep(self.takes);
        if let Some(gate) = &self.gate {
            // That nothing can come any more lets go as well.
            let _ = gate.lock().expect("nobody has panicked").recv();
        }
        match self.fails {
            true => Err("it is out of order".to_owned()),
            false => Ok(format!("answer {asked} to {}", question.context.last().expect("asked").1)),
        }
    }
}

/// What is over stays, however many frames a test makes.
fn outside() -> Options {
    let quiet = quiet(3);
    Options { model: Model::Outside, rules: Rules { keep: 1 << 20, ..quiet.rules }, ..quiet }
}

fn plugin(provider: &Arc<Counting>) -> AgentPlugin {
    let plugin = AgentPlugin::new(outside()).unwrap_or_else(|error| panic!("{error}"));
    plugin.providers([provider.clone() as Arc<dyn Provider>])
}

/// Steps until so many questions are closed, and fails after half a minute.
pub(in crate::agent) fn run_until_closed(engine: &mut Engine, wanted: u64) {
    let began = Instant::now();
    while count(engine, "answered") + count(engine, "failed") < wanted {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", measures(engine.view()));
        run(engine, 1);
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(in crate::agent) fn answers(engine: &Engine) -> Vec<Answer> {
    let mut answers: Vec<(Id, Answer)> =
        engine.view().iter::<Answer>().map(|(id, answer)| (id, answer.clone())).collect();
    answers.sort_by_key(|(id, _)| *id);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Claim: what a model outside answers is in the log: a replay without any model makes the same frames, and asks nobody.
#[cfg(feature = "store")]
#[test]
fn a_replay_needs_no_model() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let provider = Arc::new(Counting { takes: Duration::from_millis(15), ..Counting::default() });
    let builder = Engine::open(dir.path()).plugin(plugin(&provider));
    let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
    let agents = agents(&engine);
    for n in 0..3 {
        agents.iter().for_each(|agent| hear(&engine, *agent, &format!("question {n}")));
    }
    run_until_closed(&mut engine, 9);
    run(&mut engine, 30);
    let (frame, digest) = (engine.frame(), engine.digest());
    let answered = answers(&engine);
    assert_eq!(answered.len(), 9);
    assert!(answered.iter().all(|one| matches!(one, Answer::Text(text) if text.contains("question"))));
    engine.flush().unwrap_or_else(|error| panic!("{error}"));
    drop(engine);
    assert_eq!(provider.asked.load(Ordering::SeqCst), 9);
    let facts = BTreeMap::from([
        (FACT_OPTIONS.to_owned(), outside().to_string()),
        (FACT_MODEL.to_owned(), "outside".to_owned()),
    ]);
    for threads in [1, 2, 4, 8] {
        let again = Engine::in_memory().threads(threads).plugin(AgentPlugin::stored(&facts)).compare_frames();
        let mut replay =
            again.replay(dir.path(), ReplayFrom::Oldest).unwrap_or_else(|error| panic!("{error}"));
        replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((replay.frame(), replay.digest()), (frame, digest), "{threads} threads");
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 9, "a replay asks nobody");
}

/// Claim: a provider that fails or is not there is a failure of the question, which is told of; nothing is said, and the
/// next question is asked.
#[test]
fn failures_are_answers() {
    let provider = Arc::new(Counting { fails: true, ..Counting::default() });
    let mut engine =
        Engine::in_memory().plugin(plugin(&provider)).build().unwrap_or_else(|error| panic!("{error}"));
    let agent = agents(&engine)[0];
    hear(&engine, agent, "one");
    hear(&engine, agent, "two");
    run_until_closed(&mut engine, 2);
    let failed = Answer::Failed("No providers responded: counting: it is out of order".to_owned());
    assert_eq!(answers(&engine), [failed.clone(), failed]);
    assert_eq!((count(&engine, "failed"), engine.view().iter::<Utterance>().count()), (2, 0));
    let none = AgentPlugin::new(outside()).unwrap_or_else(|error| panic!("{error}"));
    let mut engine = Engine::in_memory().plugin(none).build().unwrap_or_else(|error| panic!("{error}"));
    hear(&engine, agent, "three");
    run_until_closed(&mut engine, 1);
    assert_eq!(answers(&engine), [Answer::Failed("No providers responded: there is none".to_owned())]);
}

/// Claim: frames go on while a model hangs, and its answer is one when it comes.
#[test]
fn frames_do_not_wait() {
    let (release, provider) = hanging(None);
    let mut engine =
        Engine::in_memory().plugin(plugin(&provider)).build().unwrap_or_else(|error| panic!("{error}"));
    hear(&engine, agents(&engine)[0], "are you there?");
    run(&mut engine, 60);
    assert_eq!((count(&engine, "answered"), count(&engine, "failed")), (0, 0));
    drop(release);
    run_until_closed(&mut engine, 1);
    assert!(matches!(&*answers(&engine), [Answer::Text(_)]), "{:?}", answers(&engine));
}

/// Claim: a question to a model that hangs has failed when its time is over.
#[test]
fn hanging_models_are_given_up() {
    let (release, provider) = hanging(Some(Duration::from_millis(200)));
    let mut engine =
        Engine::in_memory().plugin(plugin(&provider)).build().unwrap_or_else(|error| panic!("{error}"));
    hear(&engine, agents(&engine)[0], "are you there?");
    run_until_closed(&mut engine, 1);
    let [Answer::Failed(why)] = &*answers(&engine) else { panic!("{:?}", answers(&engine)) };
    assert!(why.starts_with("No providers responded: the job was not done after "), "{why}");
    drop(release);
}
