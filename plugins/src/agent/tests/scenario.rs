//! The scenario of the source (004:13001-13130): a transcript is set from outside, and the orchestrator fires, once.

use super::*;
use crate::runtime::{FromObject, Runtime, RuntimeExt, Subscriber};

/// Events that were heard, by topic, as a system of the wave hears them.
#[derive(Clone, Debug, Default)]
struct Log(Arc<std::sync::Mutex<Vec<(u64, u16, Notice)>>>);

impl Log {
    fn listen(&self, builder: EngineBuilder) -> EngineBuilder {
        let log = self.0.clone();
        builder.system("test.listen", move |heard: Subscriber<'_, '_>, clock: Clock| {
            for (topic, events) in heard.all() {
                for event in events {
                    let notice = Notice::from_object(event.object()).expect("only agents publish here");
                    log.lock().expect("no panic").push((clock.frame(), topic.number(), notice));
                }
            }
        })
    }

    fn of(&self, topic: u16) -> Vec<Notice> {
        let log = self.0.lock().expect("no panic");
        log.iter().filter(|(_, number, _)| *number == topic).map(|(_, _, notice)| notice.clone()).collect()
    }
}

/// Claim: a transcript from outside is one request, with turn, prompt, context and the last four images, and one answer,
/// which is said; one without a word asks nothing.
#[test]
fn a_transcript_is_asked_about_once() {
    let log = Log::default();
    let mut engine =
        log.listen(world(quiet(2))(Engine::in_memory())).build().unwrap_or_else(|error| panic!("{error}"));
    let agent = agents(&engine)[0];
    for n in 0..14 {
        let image = Image { kind: ImageKind::Url, reference: format!("http://camera/{n}") };
        send(&engine, Command::See(agent.bits(), image));
    }
    run(&mut engine, 3);
    hear(&engine, agent, "Are you there?");
    run(&mut engine, 3);
    let asked: Vec<(Id, Question)> =
        engine.view().iter::<Question>().map(|(id, q)| (id, q.clone())).collect();
    let [(id, question)] = &*asked else { panic!("{asked:?}") };
    assert_eq!(question.context, [(Role::User, "Are you there?".to_owned())]);
    assert!(question.prompt.starts_with("You are an agent"), "{}", question.prompt);
    let images: Vec<&str> = question.images.iter().map(|image| &*image.reference).collect();
    assert_eq!(images, ["http://camera/10", "http://camera/11", "http://camera/12", "http://camera/13"]);
    assert_eq!(engine.view().iter::<VisionFrame>().count(), VISION_MAX);
    run(&mut engine, 200);
    let [request] = &*log.of(TOPIC_LLM_REQUEST) else { panic!("{:?}", log.of(TOPIC_LLM_REQUEST)) };
    assert_eq!(
        (request.agent, request.number as u64, &*request.words),
        (agent.bits(), id.bits(), "Are you there?")
    );
    let [result] = &*log.of(TOPIC_LLM_RESULT) else { panic!("{:?}", log.of(TOPIC_LLM_RESULT)) };
    assert!(result.is_well && result.words == seeded_answer(question, 1), "{result:?}");
    let playback: Vec<String> = log.of(TOPIC_PLAYBACK).into_iter().map(|notice| notice.words).collect();
    assert_eq!(playback, ["start", "end"]);
    assert_eq!((log.of(TOPIC_TTS_REQUEST).len(), log.of(TOPIC_TTS_RESULT).len()), (1, 1));
    assert_eq!(log.of(TOPIC_TTS_REQUEST)[0].words, result.words);
    for empty in ["", "  \n"] {
        hear(&engine, agent, empty);
        run(&mut engine, 30);
    }
    assert_eq!((log.of(TOPIC_LLM_REQUEST).len(), log.of(TOPIC_TRANSCRIPT).len()), (1, 1));
    let orders = engine.view().get::<Orders>(agent).copied();
    assert_eq!(orders.map(|orders| (orders.taken, orders.asked, orders.empty)), Some((3, 1, 2)));
    hear(&engine, agent, "And now?");
    run(&mut engine, 4);
    let question = engine.view().iter::<Question>().map(|(_, question)| question.clone()).last();
    let context: Vec<Role> = question.expect("asked").context.iter().map(|(role, _)| *role).collect();
    assert_eq!(context, [Role::User, Role::Assistant, Role::User]);
}

/// Claim: any number of transcripts in one frame, to several agents, are each asked about once and in order, whatever
/// stands still in between.
#[test]
fn many_at_once_are_each_asked_about_once() {
    let log = Log::default();
    let plugin = AgentPlugin::new(quiet(3)).unwrap_or_else(|error| panic!("{error}")).beside_runtime();
    let builder = log.listen(Engine::in_memory().plugin(Runtime::default()).plugin(plugin));
    let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
    let client = engine.client().unwrap_or_else(|error| panic!("{error}"));
    let agents = agents(&engine);
    for n in 0..20 {
        for agent in &agents {
            hear(&engine, *agent, &format!("line {n} to {}", agent.bits()));
        }
    }
    for n in 0..600 {
        // A still frame between any two steps: requests are answered, and agents rest.
        client
            .principal(crate::runtime::Principal::new(&format!("p{n}")))
            .unwrap_or_else(|error| panic!("{error}"));
        engine.answer().unwrap_or_else(|error| panic!("{error}"));
        run(&mut engine, 1);
    }
    let mut requests = log.of(TOPIC_LLM_REQUEST);
    assert_eq!(requests.len(), 60);
    requests.sort_by_key(|request| request.agent);
    for (agent, requests) in requests.chunk_by(|a, b| a.agent == b.agent).map(|chunk| (chunk[0].agent, chunk))
    {
        let words: Vec<&str> = requests.iter().map(|request| &*request.words).collect();
        let expected: Vec<String> = (0..20).map(|n| format!("line {n} to {agent}")).collect();
        assert_eq!(words, expected);
    }
    assert_eq!(log.of(TOPIC_LLM_RESULT).len(), 60);
}

/// Claim: the same across a restart after every single frame: one request and one answer for each transcript.
#[cfg(feature = "store")]
#[test]
fn restarts_ask_nothing_twice() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let log = Log::default();
    for n in 0..40_u64 {
        let builder = log.listen(world(quiet(2))(Engine::open(dir.path())));
        let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(engine.frame(), n);
        if n == 2 || n == 5 {
            hear(&engine, agents(&engine)[1], &format!("said at {n}"));
        }
        run(&mut engine, 1);
    }
    let words = |topic| log.of(topic).into_iter().map(|notice| notice.words).collect::<Vec<_>>();
    assert_eq!(words(TOPIC_LLM_REQUEST), ["said at 2", "said at 5"]);
    assert_eq!(words(TOPIC_TRANSCRIPT), ["said at 2", "said at 5"]);
    assert_eq!(log.of(TOPIC_LLM_RESULT).len(), 2);
}

/// Claim: what is said is paused, quiet, cancelled or untouched when somebody speaks into it, as its way of barging in says.
#[test]
fn somebody_speaks_into_it() {
    let outcome = |barge_in: BargeIn| {
        let mut engine = build(quiet(1));
        let agent = agents(&engine)[0];
        let id = {
            let set = move |applier: &mut diptych_engine::Applier<'_, '_>, _: u64| {
                let agent = applier.ids::<Policy>()[0];
                applier.set(agent, Policy { barge_in: barge_in.code() });
            };
            let builder = world(quiet(1))(Engine::in_memory()).input::<u64>("test.policy", 1, set);
            engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
            engine.inputs().send("test", &0_u64).unwrap_or_else(|error| panic!("{error}"));
            hear(&engine, agent, "Talk to me.");
            run(&mut engine, 16);
            engine.view().iter::<Utterance>().next().expect("it speaks").0
        };
        let status = |engine: &Engine| {
            let utterance = engine.view().get::<Utterance>(id).map(|utterance| Status::of(utterance.status));
            let audio = engine.view().get::<AudioRef>(agent).map(|audio| Player::of(audio.player));
            (utterance.expect("it is kept"), audio.expect("it is there"))
        };
        assert_eq!(status(&engine), (Status::Playing, Player::Playing));
        send(&engine, Command::Level(agent.bits(), 0.9));
        run(&mut engine, 6);
        let during = status(&engine);
        send(&engine, Command::Level(agent.bits(), 0.0));
        run(&mut engine, 20);
        let after = status(&engine);
        run(&mut engine, 100);
        let barge = *engine.view().get::<BargeState>(agent).expect("it is there");
        assert_eq!((barge.interruptions, barge.speaking_since), (1, NOT_SPEAKING));
        assert_eq!(engine.view().get::<Turn>(agent).map(|turn| turn.id), Some(1));
        (during, after.0, barge.done, barge.cancelled)
    };
    use {Player as P, Status as S};
    assert_eq!(outcome(BargeIn::None).0, (S::Playing, P::Playing));
    assert_eq!(outcome(BargeIn::Duck).0, (S::Playing, P::Ducked));
    let (during, after, done, cancelled) = outcome(BargeIn::Pause);
    assert_eq!((during, after, done, cancelled), ((S::Playing, P::Paused), S::Playing, 1, 0));
    let (during, _, done, cancelled) = outcome(BargeIn::Stop);
    assert_eq!((during, done, cancelled), ((S::Cancelled, P::Idle), 0, 1));
}

/// Claim: commands that name nobody, are too long or make no sense stop nothing.
#[test]
fn bad_commands_stop_nothing() {
    let mut engine = build(quiet(1));
    let agent = agents(&engine)[0].bits();
    let line = |text: String| Line { text, is_final: true };
    send(&engine, Command::Hear(12345, line("to nobody".to_owned())));
    send(&engine, Command::Hear(agent, line("word ".repeat(5000))));
    send(&engine, Command::Level(agent, f64::NAN));
    send(&engine, Command::See(agent, Image { kind: ImageKind::Url, reference: "x".repeat(9000) }));
    send(&engine, Command::Use(agent, ToolText { name: "no.such".to_owned(), arguments: String::new() }));
    send(&engine, Command::Allow(agent, Grant { scopes: vec!["*".to_owned()], expires: u64::MAX }));
    send(&engine, Command::Cancel(agent));
    let text = TaskText { topic: "memory.write".to_owned(), payload: "((( no expression".to_owned() };
    send(&engine, Command::Do(9, text));
    (0..200).for_each(|n| hear(&engine, agents(&engine)[0], &format!("line {n}")));
    run(&mut engine, 30);
    let results: Vec<String> =
        engine.view().iter::<ToolResult>().map(|(_, result)| result.0.clone()).collect();
    assert!(results.iter().any(|result| result.starts_with("there is no tool no.such")), "{results:?}");
    assert!(results.iter().any(|result| result.contains("is no expression")), "{results:?}");
    assert_eq!(engine.view().iter::<Vad>().map(|(_, vad)| vad.is_active).sum::<u32>(), 0);
    assert_eq!((engine.view().iter::<VisionFrame>().count(), count(&engine, "memories")), (0, 1));
    let ear = engine.view().iter::<Ear>().map(|(_, ear)| ear.dropped).sum::<u64>();
    assert!(ear > 0 && count(&engine, "asked") > 0, "{ear} lines had no room");
    assert!(
        engine.view().iter::<Question>().any(|(_, question)| question.context[0].1.len() == TEXT_BYTES_MAX)
    );
}
