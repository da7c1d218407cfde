//! Claim: a script that is stopped, saved and loaded after every step does what it would have done in one go, and
//! saves as the same bytes as one that was only stopped.

use super::host::Memory;
use crate::script::{Bindings, Commands, Limits, Machine, Outcome, ParseCache, Value, Waiting, timed_out};
use diptych_components::event::Channel;
use diptych_components::slp::{self, Object};
use proptest::prelude::*;

/// Frames after which a script has ended.
const FRAMES_MAX: u32 = 200_000;

#[derive(Clone, Copy, PartialEq)]
enum Way {
    AtOnce,
    Stepwise,
    Saved,
}

/// What it gave, what it did, and what it saved as after each step.
fn run(text: &str, way: Way, limits: &Limits) -> (Object, Memory, Vec<Vec<u8>>) {
    let forms = slp::parse(text.as_bytes(), &slp::Limits::default()).expect("a test's script parses");
    let mut host = Memory { full_every: 3, crowded: way != Way::AtOnce, ..Memory::default() };
    let (commands, mut cache) = (Commands::new(), ParseCache::new());
    let steps_a_frame = if way == Way::AtOnce { u64::MAX } else { 1 };
    let limits = Limits { steps_a_frame, ..*limits };
    let mut machine = Machine::new();
    machine.start(forms.as_object(), Bindings { data: Some(Value::text_of(Object::integer(3))) });
    let (mut saves, mut events) = (Vec::new(), 0);
    for _ in 0..FRAMES_MAX {
        let waiting = match machine.run(&mut host, &commands, &limits, &mut cache) {
            Outcome::Done(value) => return (value, host, saves),
            Outcome::Suspended(waiting) => waiting,
        };
        let mut saved = Vec::new();
        machine.save(&mut saved);
        if way == Way::Saved {
            machine = Machine::load(&saved).expect("what was saved loads");
            let mut again = Vec::new();
            machine.save(&mut again);
            assert_eq!(saved, again, "{text}");
            cache = ParseCache::new();
        }
        saves.push(saved);
        if waiting == Waiting::Event {
            events += 1;
            let first = &machine.armed()[0];
            let (channel, topic) = (first.channel(), first.topic());
            match events % 3 {
                0 => assert!(machine.resume(Object::error("late").into())),
                1 => assert!(machine.resume(timed_out(5.0, channel, topic).into())),
                // To the outermost too, which has to keep it.
                _ => {
                    machine.deliver(0, Object::list(slp::Kind::Paren, [&Object::integer(events)]));
                    assert!(machine.deliver(machine.armed().len() - 1, Object::integer(events)));
                }
            }
        }
    }
    panic!("{text} does not end");
}

pub(super) fn check(text: &str, limits: &Limits) {
    let (at_once, first, _) = run(text, Way::AtOnce, limits);
    let (stepwise, second, stopped) = run(text, Way::Stepwise, limits);
    let (saved, third, loaded) = run(text, Way::Saved, limits);
    assert_eq!((&at_once, &first.calls), (&stepwise, &second.calls), "{text}");
    assert_eq!((&at_once, &first.calls), (&saved, &third.calls), "{text}");
    assert_eq!(first.entries, third.entries, "{text}");
    assert!(stopped == loaded, "{text} saves differently once it was loaded");
}

#[test]
fn scripts_go_on_where_they_stopped() {
    let limits = Limits::default();
    for text in [
        "1 2 3",
        "(core/kv/set a [1 2 (core/kv/set b [x y])]) (core/kv/get a)",
        "(core/expr/await (core/event/pub A 1 [x y]) B 100)",
        "(core/kv/set r (core/expr/await [(core/kv/set a 1) (core/expr/await 1 C 2)] B 1)) (core/kv/get r)",
        "(core/kv/set k:1 '(a b)) (core/kv/set k:2 2) (core/kv/iterate k: 0 0 {(core/kv/cas $key (core/kv/get $key) [$key $data]) \
         (core/event/pub A $data $key)}) (core/util/log (core/kv/get k:1) (core/kv/get k:2))",
        "(core/util/log 'x \"y\" (core/expr/eval \"(core/util/log 'a [(core/expr/await 1 B 2)]) '(q r)\") z)",
        "(core/kv/set s '[(core/util/log $key) (core/expr/await 1 A 1)]) (core/kv/iterate s 0 0 {(core/expr/eval (core/kv/get s))})",
        "(core/event/pub A 1 1) (core/event/pub A 1 2) (core/event/pub A 1 3) (core/event/pub A 1 4)",
    ] {
        check(text, &limits);
    }
}

/// An event that comes while the body is suspended is kept, and the first one counts.
#[test]
fn an_event_during_the_body_is_kept() {
    let (commands, mut cache, mut host) = (Commands::new(), ParseCache::new(), Memory::default());
    let limits = Limits { steps_a_frame: 1, ..Limits::default() };
    let forms =
        slp::parse(b"(core/expr/await [1 2 3 4 5 6] B 7)", &slp::Limits::default()).expect("it parses");
    let mut machine = Machine::new();
    machine.start(forms.as_object(), Bindings::default());
    while machine.armed().is_empty() {
        assert_eq!(
            machine.run(&mut host, &commands, &limits, &mut cache),
            Outcome::Suspended(Waiting::Budget)
        );
    }
    assert_eq!((machine.armed()[0].channel(), machine.armed()[0].topic()), (Channel::B, 7));
    assert!(!machine.deliver(0, Object::integer(1)), "its body still runs");
    assert!(!machine.resume(Value::none()), "it is not waiting yet");
    assert!(!machine.deliver(0, Object::integer(2)));
    let outcome = loop {
        match machine.run(&mut host, &commands, &limits, &mut cache) {
            Outcome::Suspended(Waiting::Budget) => {}
            other => break other,
        }
    };
    assert_eq!(outcome, Outcome::Done(Object::string("1")));
    assert!(machine.armed().is_empty() && machine.has_ended());
}

/// What a usual waiting script takes in the store.
#[test]
fn a_waiting_script_is_small() {
    let (commands, mut cache, mut host) = (Commands::new(), ParseCache::new(), Memory::default());
    let long =
        "(core/kv/set before \"a long text that nobody needs any more once it has been run\")".repeat(50);
    let text = format!(
        "{long} (core/kv/set answer (core/expr/await (core/event/pub $CHANNEL_A 50 \"question\") $CHANNEL_B 51)) \
         (core/util/log \"got\" (core/kv/get answer))"
    );
    let forms = slp::parse(text.as_bytes(), &slp::Limits::default()).expect("it parses");
    let mut machine = Machine::new();
    machine.start(forms.as_object(), Bindings::default());
    let outcome = machine.run(&mut host, &commands, &Limits::default(), &mut cache);
    assert_eq!(outcome, Outcome::Suspended(Waiting::Event));
    let mut saved = Vec::new();
    machine.save(&mut saved);
    println!("{} bytes", saved.len());
    assert!(saved.len() <= 1500, "{} bytes", saved.len());
    let short =
        "(core/kv/set answer (core/expr/await (core/event/pub $CHANNEL_A 50 \"question\") $CHANNEL_B 51))";
    let forms = slp::parse(short.as_bytes(), &slp::Limits::default()).expect("it parses");
    machine.start(forms.as_object(), Bindings::default());
    machine.run(&mut host, &commands, &Limits::default(), &mut cache);
    saved.clear();
    machine.save(&mut saved);
    println!("{} bytes", saved.len());
    assert!(saved.len() <= 500, "{} bytes", saved.len());
}

/// An expression of the language, rather often a right one.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("-2.5".to_owned()),
        Just("\"text\"".to_owned()),
        Just("a".to_owned()),
        Just("$key".to_owned()),
        Just("$data".to_owned()),
        Just("$CHANNEL_C".to_owned()),
        Just("()".to_owned()),
        Just("@no".to_owned()),
        Just("'(core/kv/set q 1)".to_owned()),
        Just("{}".to_owned()),
        Just("(core/kv/get a)".to_owned()),
        Just("(core/kv/exists b)".to_owned()),
        Just("(core/kv/del a)".to_owned()),
        Just("(nope 1)".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 0..4).prop_map(|forms| forms.join(" "));
        let key = prop_oneof![Just("a"), Just("b"), Just("$key"), Just("$data")];
        prop_oneof![
            some.clone().prop_map(|forms| format!("[{forms}]")),
            (key.clone(), inner.clone()).prop_map(|(key, value)| format!("(core/kv/set {key} {value})")),
            (key.clone(), inner.clone()).prop_map(|(key, value)| format!("(core/kv/snx {key} {value})")),
            (key.clone(), inner.clone(), inner.clone())
                .prop_map(|(key, old, new)| format!("(core/kv/cas {key} {old} {new})")),
            some.clone().prop_map(|body| format!("(core/kv/iterate \"\" 0 3 {{{body}}})")),
            inner.clone().prop_map(|data| format!("(core/event/pub A $data {data})")),
            some.clone().prop_map(|body| format!("(core/event/sub B 2 {{{body}}})")),
            inner.clone().prop_map(|body| format!("(core/expr/await {body} B 1)")),
            inner.clone().prop_map(|script| format!("(core/expr/eval {script})")),
            inner.clone().prop_map(|script| format!("(core/expr/eval '{script})")),
            some.clone().prop_map(|script| format!("(core/expr/eval {})", Object::string(&script))),
            some.prop_map(|messages| format!("(core/util/log {messages})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_scripts_go_on_where_they_stopped(forms in prop::collection::vec(expression(), 1..5)) {
        check(&forms.join("\n"), &Limits { steps_in_all: 2_000, ..Limits::default() });
    }

    /// Small limits are met at the same place, stopped or not.
    #[test]
    fn limits_do_not_depend_on_stops(
        forms in prop::collection::vec(expression(), 1..5), stack in 1..12_u32, bytes in 0..400_u64, steps in 1..60_u64,
    ) {
        check(&forms.join("\n"), &Limits { steps_in_all: steps, stack, bytes, ..Limits::default() });
    }
}
