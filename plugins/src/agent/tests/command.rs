//! Commands from outside: templates of prompts, tasks and their limit, and utterances that are cancelled.

use super::*;
use diptych_engine::Applier;

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn guide(style: Option<&str>) -> PromptTemplate {
    PromptTemplate {
        name: "guide".to_owned(),
        macros: values(&[("manner", "(prompt \" Be \" style \".\")")]),
        slots: ["place", "style"].map(str::to_owned).into(),
        default_ctx: style.map(|style| values(&[("style", style)])).unwrap_or_default(),
        ..PromptTemplate::default()
    }
}

const CODE: &str = "(prompt \"You show \" place \".\" manner)";

/// The prompt of the last question, and what became of it.
fn asked(engine: &mut Engine, agent: Id) -> (String, Answer) {
    hear(engine, agent, "Well?");
    run(engine, 20);
    let last = engine.view().iter::<Errand>().max_by_key(|(_, errand)| errand.serial).map(|(id, _)| id);
    let question = last.and_then(|id| engine.view().get::<Question>(id).cloned()).expect("asked");
    let answer = last.and_then(|id| engine.view().get::<Answer>(id).cloned()).expect("asked");
    (question.prompt, answer)
}

/// Claim: an agent's questions are made with the template that was chosen for it, with its values, then its defaults; a
/// slot without either is the failure of the question, which names slot and template and asks no model; a template is
/// replaced by its name, also while it is used.
#[test]
fn questions_are_made_with_templates() {
    let mut engine = build(quiet(2));
    let [agent, other] = agents(&engine)[..] else { panic!("two agents") };
    send(&engine, Command::Template(guide(Some("brief")), CODE.to_owned()));
    send(&engine, Command::Prompt(agent.bits(), "guide".to_owned(), values(&[("place", "the tower")])));
    let (prompt, answer) = asked(&mut engine, agent);
    assert_eq!(prompt, "You show the tower. Be brief.");
    assert!(matches!(answer, Answer::Text(_)), "{answer:?}");
    assert!(asked(&mut engine, other).0.starts_with("You are an agent"), "only who was told to");
    let node = {
        let template = engine.view().single::<PromptTemplate>().expect("one template");
        engine.view().get::<MemoryNode>(Id::from_bits(template.code_ref)).cloned().expect("its code")
    };
    assert_eq!((node.kind, &*node.text, node.version), (NodeKind::Prompt, CODE, 1));
    send(&engine, Command::Template(guide(None), format!("{CODE} ")));
    let (prompt, answer) = asked(&mut engine, agent);
    let why = "the prompt template guide has no value for its slot style, and no default";
    assert_eq!((&*prompt, answer), ("", Answer::Failed(why.to_owned())));
    assert_eq!((count(&engine, "failed"), engine.view().iter::<PromptTemplate>().count()), (1, 1));
    let again = engine.view().iter::<MemoryNode>().find(|(_, node)| node.kind == NodeKind::Prompt);
    let again = again.map(|(_, node)| (node.version, node.sha256));
    assert_eq!(again, Some((2, node.sha256)), "the same expression");
    send(&engine, Command::Prompt(agent.bits(), String::new(), Values::new()));
    assert!(asked(&mut engine, agent).0.starts_with("You are an agent"), "its own again");
}

/// Claim: templates that cannot be read, that nobody knows or that have no such slot change nothing, and one more than the
/// limit is refused, while one of a known name has room.
#[test]
fn bad_templates_change_nothing() {
    let mut engine = build(quiet(1));
    let agent = agents(&engine)[0];
    let with = |name: &str| PromptTemplate { name: name.to_owned(), ..guide(None) };
    send(&engine, Command::Template(with(""), CODE.to_owned()));
    send(&engine, Command::Template(with("bad"), "(prompt nobody)".to_owned()));
    send(&engine, Command::Template(with("worse"), "((".to_owned()));
    send(&engine, Command::Prompt(agent.bits(), "guide".to_owned(), Values::new()));
    run(&mut engine, 2);
    assert_eq!(engine.view().iter::<PromptTemplate>().count(), 0);
    (0..=TEMPLATES_MAX).for_each(|n| send(&engine, Command::Template(with(&n.to_string()), CODE.to_owned())));
    send(&engine, Command::Template(with("0"), "\"anew\"".to_owned()));
    send(&engine, Command::Prompt(agent.bits(), "0".to_owned(), values(&[("colour", "red")])));
    run(&mut engine, 2);
    assert_eq!(engine.view().iter::<PromptTemplate>().count(), TEMPLATES_MAX);
    assert_eq!(count(&engine, "memories"), TEMPLATES_MAX as u64 + 1);
    assert!(engine.view().iter::<PromptTemplate>().all(|(_, one)| one.name != TEMPLATES_MAX.to_string()));
    assert_eq!(engine.view().get::<PromptUse>(agent), Some(&PromptUse::default()));
    let anew = engine.view().iter::<MemoryNode>().filter(|(_, node)| node.text == "\"anew\"").count();
    assert_eq!(anew, 1);
}

fn task() -> TaskText {
    TaskText { topic: "clock.read".to_owned(), payload: String::new() }
}

/// A quiet or staged world whose tally can be said to be anything.
fn counted(options: Options) -> Engine {
    let set = |applier: &mut Applier<'_, '_>, tasks: u64| {
        let world = applier.ids::<TaskTally>()[0];
        let tally = *applier.get::<TaskTally>(world).expect("it is there");
        applier.set(world, TaskTally { tasks, ..tally });
    };
    let set_calls = |applier: &mut Applier<'_, '_>, calls: u32| {
        let world = applier.ids::<TaskTally>()[0];
        let tally = *applier.get::<TaskTally>(world).expect("it is there");
        applier.set(world, TaskTally { calls: calls.into(), ..tally });
    };
    // As many tasks as this, which nobody can do.
    let add = |applier: &mut Applier<'_, '_>, tasks: i64| {
        for _ in 0..tasks {
            applier.spawn((Task::new(0, 0), TaskText::default()));
        }
    };
    let builder = world(options)(Engine::in_memory()).input::<u64>("test.tally", 1, set);
    let builder = builder.input::<u32>("test.calls", 1, set_calls).input::<i64>("test.tasks", 1, add);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// Claim: there is room for as many tasks as the limit says, for fewer where the world makes up its own; one more is refused
/// and counted. How many there are is counted anew in each frame.
#[test]
fn tasks_have_a_limit() {
    for (options, limit) in
        [(quiet(1), TASKS_MAX), (Options { agents: 0, ..Options::default() }, TASKS_MAX - TASKS_STAGED_MAX)]
    {
        let mut engine = counted(options);
        run(&mut engine, 1);
        engine.inputs().send("test", &(limit - 2)).unwrap_or_else(|error| panic!("{error}"));
        (0..5).for_each(|_| send(&engine, Command::Do(1, task())));
        run(&mut engine, 1);
        let tally = *engine.view().single::<TaskTally>().expect("it is there");
        assert_eq!((tally.tasks, tally.crowded_out), (limit, 3));
        assert_eq!(engine.view().iter::<Task>().count(), 2);
        run(&mut engine, 1);
        send(&engine, Command::Do(1, task()));
        run(&mut engine, 1);
        let tally = *engine.view().single::<TaskTally>().expect("it is there");
        assert_eq!((tally.tasks, tally.crowded_out, engine.view().iter::<Task>().count()), (3, 3, 3));
    }
}

/// Claim: calls of tools from outside have room as the limit says; one more is refused and counted, and those there are are
/// counted anew in each frame.
#[test]
fn calls_have_a_limit() {
    let mut engine = counted(quiet(1));
    let agent = agents(&engine)[0];
    let call = || {
        let tool = ToolText { name: "clock.read".to_owned(), arguments: String::new() };
        Command::Use(agent.bits(), tool)
    };
    engine.inputs().send("test", &(CALLS_MAX as u32 - 2)).unwrap_or_else(|error| panic!("{error}"));
    (0..5).for_each(|_| send(&engine, call()));
    run(&mut engine, 1);
    let tally = |engine: &Engine| *engine.view().single::<TaskTally>().expect("it is there");
    assert_eq!((tally(&engine).calls, tally(&engine).crowded_out), (CALLS_MAX, 3));
    run(&mut engine, 1);
    send(&engine, call());
    run(&mut engine, 1);
    let calls = engine.view().iter::<ToolCall>().count();
    assert_eq!((tally(&engine).calls, tally(&engine).crowded_out, calls), (3, 3, 3));
}

/// Claim: what passes a limit where it is sent is refused by a sentence and changes nothing: it is not cut.
#[test]
fn what_is_too_much_is_not_cut() {
    let mut engine = build(quiet(1));
    let agent = agents(&engine)[0];
    send(&engine, Command::Template(guide(Some("brief")), CODE.to_owned()));
    send(&engine, Command::Prompt(agent.bits(), "guide".to_owned(), values(&[("place", "the tower")])));
    run(&mut engine, 1);
    let before = engine.view().get::<PromptUse>(agent).cloned().expect("it is there");
    let (long, longer) = ("p".repeat(SLOT_BYTES_MAX), "p".repeat(SLOT_BYTES_MAX + 1));
    let many: Vec<String> = (0..=SLOTS_MAX).map(|n| format!("slot-{n}")).collect();
    let prompts =
        |value: &str| Command::Prompt(agent.bits(), "guide".to_owned(), values(&[("place", value)]));
    send(&engine, prompts(&longer));
    let with_name = |name: String| Command::Template(PromptTemplate { name, ..guide(None) }, CODE.to_owned());
    send(&engine, with_name("n".repeat(129)));
    let bad = [
        PromptTemplate { slots: many.iter().cloned().collect(), ..guide(None) },
        PromptTemplate {
            macros: many.iter().map(|name| (name.clone(), "1".to_owned())).collect(),
            ..guide(None)
        },
        PromptTemplate { default_ctx: values(&[("place", &longer)]), ..guide(None) },
    ];
    for template in bad {
        send(
            &engine,
            Command::Template(PromptTemplate { name: "bad".to_owned(), ..template }, CODE.to_owned()),
        );
    }
    run(&mut engine, 1);
    assert_eq!(engine.view().get::<PromptUse>(agent), Some(&before));
    assert_eq!(engine.view().iter::<PromptTemplate>().count(), 1);
    send(&engine, prompts(&long));
    send(&engine, with_name("n".repeat(128)));
    run(&mut engine, 1);
    let chosen = engine.view().get::<PromptUse>(agent).cloned().expect("it is there");
    assert_eq!(
        (chosen.values.get("place"), engine.view().iter::<PromptTemplate>().count()),
        (Some(&long), 2)
    );
}

/// Claim: a staged world makes up no task where it might pass the limit.
#[test]
fn a_full_stage_makes_no_tasks() {
    let mut engine = counted(Options { agents: 200, ..Options::default() });
    run(&mut engine, 10);
    let made = |engine: &Engine| engine.view().iter::<Task>().map(|(_, task)| task.created).max();
    let before = engine.frame();
    assert_eq!(made(&engine), Some(before));
    let there = engine.view().iter::<Task>().count() as u64;
    let full = (TASKS_MAX - TASKS_STAGED_MAX + 1 - there) as i64;
    engine.inputs().send("test", &full).unwrap_or_else(|error| panic!("{error}"));
    run(&mut engine, 4);
    assert_eq!(made(&engine), Some(before + 1), "the frame in which they come makes some");
}

/// Claim: an utterance that is cancelled while it plays, from outside or by somebody who speaks into it, is cancelled for
/// good: its sound stops, its token is another one than the player's, it is counted once, and the next one is said.
#[test]
fn what_plays_can_be_cancelled() {
    for by_voice in [false, true] {
        let set = move |applier: &mut Applier<'_, '_>, _: u64| {
            let agent = applier.ids::<Policy>()[0];
            applier.set(agent, Policy { barge_in: BargeIn::Stop.code() });
        };
        let builder = world(quiet(1))(Engine::in_memory()).input::<u64>("test.policy", 1, set);
        let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
        let agent = agents(&engine)[0];
        engine.inputs().send("test", &0_u64).unwrap_or_else(|error| panic!("{error}"));
        hear(&engine, agent, "Talk to me.");
        run(&mut engine, 16);
        let audio = |engine: &Engine| *engine.view().get::<AudioRef>(agent).expect("it has a player");
        let playing = audio(&engine);
        let id = Id::from_bits(playing.utterance);
        let said = |engine: &Engine| *engine.view().get::<Utterance>(id).expect("it is kept");
        assert_eq!((Status::of(said(&engine).status), said(&engine).token), (Status::Playing, playing.token));
        assert!(playing.left_ms > 0 && Player::of(playing.player) == Player::Playing);
        match by_voice {
            false => send(&engine, Command::Cancel(id.bits())),
            true => send(&engine, Command::Level(agent.bits(), 0.9)),
        }
        run(&mut engine, 6);
        assert_eq!(Status::of(said(&engine).status), Status::Cancelled);
        assert_eq!(said(&engine).token, playing.token + 1, "what plays the old one has been overtaken");
        assert_eq!(audio(&engine), AudioRef::default(), "nothing sounds");
        let cancelled = said(&engine);
        // Once more changes nothing.
        send(&engine, Command::Cancel(id.bits()));
        send(&engine, Command::Level(agent.bits(), 0.0));
        hear(&engine, agent, "Go on.");
        run(&mut engine, 45);
        assert_eq!(said(&engine), cancelled);
        let barge = *engine.view().get::<BargeState>(agent).expect("it is there");
        assert_eq!((barge.cancelled, barge.interruptions), (1, u32::from(by_voice)));
        assert!(audio(&engine).utterance != NOBODY || barge.done == 1, "the next one is said");
    }
}

/// Claim: what an agent sees gets into its ring, also what came while the system that takes it in did not run, and what it
/// saw goes with it.
#[test]
fn sights_are_taken_in_after_a_gap() {
    let end = |applier: &mut Applier<'_, '_>, agent: u64| {
        applier.despawn(Id::from_bits(agent));
    };
    let builder = world(quiet(2))(Engine::in_memory()).input::<u64>("test.end", 1, end);
    let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
    let agent = agents(&engine)[0];
    let mut number = 0;
    let mut see = |engine: &Engine| {
        let image = Image { kind: ImageKind::Url, reference: format!("http://camera/{number}") };
        send(engine, Command::See(agent.bits(), image));
        number += 1;
    };
    let control = |engine: &Engine, control: Control| {
        engine.inputs().control("test", &control).unwrap_or_else(|error| panic!("{error}"));
    };
    see(&engine);
    run(&mut engine, 3);
    control(&engine, Control::disable("agent.see"));
    for _ in 0..3 {
        see(&engine);
        run(&mut engine, 1);
    }
    control(&engine, Control::enable("agent.see"));
    run(&mut engine, 2);
    see(&engine);
    run(&mut engine, 2);
    let held = engine.view().get::<VisionRing>(agent).expect("it is there").held().to_vec();
    let seen: Vec<String> = held
        .iter()
        .filter_map(|id| engine.view().get::<VisionFrame>(Id::from_bits(*id)))
        .map(|sight| sight.image.reference.clone())
        .collect();
    assert_eq!(seen, [0, 1, 2, 3, 4].map(|n| format!("http://camera/{n}")));
    engine.inputs().send("test", &agent.bits()).unwrap_or_else(|error| panic!("{error}"));
    run(&mut engine, 3);
    assert_eq!(engine.view().iter::<VisionFrame>().count(), 0);
}
