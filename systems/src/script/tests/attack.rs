//! Claim: no script and no saved bytes lead to a panic, to Rust's stack, or beyond a limit.

use super::host::Memory;
use super::{result, run_with};
use crate::script::{Bindings, Commands, Limits, Machine, Outcome, ParseCache, Waiting};
use diptych_components::slp::{self, Builder, Kind, Object};

/// The text of the ERROR that a script ends with.
fn ends(text: &str, limits: &Limits) -> String {
    match run_with(&mut Memory::default(), text, limits, Bindings::default()) {
        Outcome::Done(object) => object.to_string(),
        Outcome::Suspended(waiting) => format!("waits: {waiting:?}"),
    }
}

#[test]
fn depth() {
    let limits = Limits::default();
    for (open, close) in
        [("[", "]"), ("(core/util/log ", ")"), ("(core/expr/eval ", ")"), ("'", ""), ("@", "")]
    {
        let text = open.repeat(250) + "1" + &close.repeat(250);
        assert!(!ends(&text, &limits).contains("ended"), "{open}");
    }
    // Deeper than any text: made without one.
    for kind in [Kind::Bracket, Kind::Some, Kind::Error, Kind::Paren, Kind::Brace] {
        let mut builder = Builder::new();
        builder.open(Kind::Bracket);
        (0..1_000_000).for_each(|_| {
            builder.open(kind);
        });
        builder.integer(1);
        (0..=1_000_000).for_each(|_| {
            builder.close();
        });
        let mut machine = Machine::new();
        machine.start(&builder.finish(), Bindings::default());
        let (commands, mut cache) = (Commands::new(), ParseCache::new());
        let limits = Limits { steps_a_frame: 10_000_000, ..limits };
        let Outcome::Done(value) = machine.run(&mut Memory::default(), &commands, &limits, &mut cache) else {
            panic!("{kind:?} ends")
        };
        if kind == Kind::Bracket {
            assert!(
                value.to_string().contains("more than 16384 calls and arguments are open at once (stack)")
            );
        }
    }
}

/// 10,000 evals, each in the one before: as the last thing to do they take no room, as arguments they do.
#[test]
fn eval_of_eval() {
    let mut host = Memory::default();
    host.entries.insert(b"n".to_vec(), Object::string("(core/expr/eval (core/kv/get n))"));
    let limits = Limits { steps_in_all: 10_000, stack: 10, bytes: 1000, ..Limits::default() };
    let outcome = run_with(&mut host, "(core/expr/eval (core/kv/get n))", &limits, Bindings::default());
    let Outcome::Done(value) = outcome else { panic!("it ends") };
    assert_eq!(value.to_string(), "@\"the script was ended: it took more than 10000 steps (steps_in_all)\"");
    host.entries.insert(b"n".to_vec(), Object::string("(core/util/log (core/expr/eval (core/kv/get n)))"));
    let outcome =
        run_with(&mut host, "(core/expr/eval (core/kv/get n))", &Limits::default(), Bindings::default());
    let Outcome::Done(value) = outcome else { panic!("it ends") };
    assert!(value.to_string().contains("the script was ended"), "{value}");
    let mut nested = Object::integer(1);
    for _ in 0..10_000 {
        nested = Object::list(
            Kind::Paren,
            [&Object::symbol("core/expr/eval").expect("a symbol"), &Object::some(&nested)],
        );
        if nested.heap_bytes() > 1 << 20 {
            break;
        }
    }
    host.entries.insert(b"n".to_vec(), nested);
    assert_eq!(result(&mut host, "(core/expr/eval (core/kv/get n))"), "1");
}

#[test]
fn steps_and_memory() {
    let mut host = Memory::default();
    (0..2000).for_each(|n| {
        host.entries.insert(format!("k{n}").into_bytes(), Object::string(vec![b'x'; 1000]));
    });
    let nest = "(core/kv/iterate k 0 0 {(core/kv/iterate k 0 0 {(core/kv/exists k)})})";
    let Outcome::Done(value) = run_with(&mut host, nest, &Limits::default(), Bindings::default()) else {
        panic!("it ends")
    };
    assert!(value.to_string().contains("more than 1000000 steps"), "{value}");
    let small = Limits { bytes: 1500, ..Limits::default() };
    for (script, fits) in [
        ("(core/util/log (core/kv/get k1))", true),
        ("(core/util/log (core/kv/get k1) (core/kv/get k2))", false),
        ("(core/util/log (core/kv/get k1)) (core/util/log (core/kv/get k2))", true),
        ("(core/kv/iterate k 0 70 {})", true),
        ("(core/kv/iterate k 0 80 {})", false),
        ("(core/kv/iterate k 0 70 {}) (core/kv/iterate k 0 70 {})", true),
    ] {
        let outcome = run_with(&mut host, script, &small, Bindings::default());
        let Outcome::Done(value) = outcome else { panic!("it ends") };
        assert_eq!(value.to_string() == "true", fits, "{script}: {value}");
    }
    let few = Limits { stack: 100, ..Limits::default() };
    let text = format!("(core/util/log {})", "1 ".repeat(200));
    assert!(ends(&text, &few).contains("(stack)"));
}

/// A text that is run again is not parsed again, and one that is a stored list never is.
#[test]
fn stored_scripts_are_parsed_once_or_never() {
    let (commands, mut cache, mut host) = (Commands::new(), ParseCache::new(), Memory::default());
    host.entries.insert(b"text".to_vec(), Object::string("(core/kv/exists a)"));
    let list = slp::parse_one(b"[(core/kv/exists a)]", &slp::Limits::default()).expect("it parses");
    host.entries.insert(b"list".to_vec(), list);
    for (name, parses) in [("text", 1), ("list", 0)] {
        cache.parsed = 0;
        let script = format!("(core/expr/eval (core/kv/get {name}))").repeat(100);
        let forms = slp::parse(script.as_bytes(), &slp::Limits::default()).expect("it parses");
        let mut machine = Machine::new();
        machine.start(forms.as_object(), Bindings::default());
        let outcome = machine.run(&mut host, &commands, &Limits::default(), &mut cache);
        assert_eq!(outcome, Outcome::Done(Object::boolean(false)));
        assert_eq!(cache.parsed, parses, "{name}");
    }
}

/// Every byte of a saved script, changed in every bit, is refused or runs.
#[test]
fn flipped_bytes_are_refused_or_run() {
    let text = "(core/kv/set s \"(core/util/log 'a (core/expr/await [1 (core/kv/get $key)] B 2))\") \
                (core/kv/set t (core/util/log x (core/kv/iterate \"\" 0 0 {(core/expr/await 1 A $data) \
                (core/expr/eval (core/kv/get s))})))";
    let forms = slp::parse(text.as_bytes(), &slp::Limits::default()).expect("it parses");
    let (commands, mut cache, mut host) = (Commands::new(), ParseCache::new(), Memory::default());
    let limits = Limits { steps_a_frame: 1, ..Limits::default() };
    let mut machine = Machine::new();
    let data = Some(super::super::Value::text_of(Object::integer(3)));
    machine.start(forms.as_object(), Bindings { data });
    let (mut saves, mut loaded, mut refused) = (Vec::new(), 0, 0);
    while let Outcome::Suspended(waiting) = machine.run(&mut host, &commands, &limits, &mut cache) {
        let mut saved = Vec::new();
        machine.save(&mut saved);
        saves.push(saved);
        if waiting == Waiting::Event {
            machine.resume(Object::string("b").into());
        }
    }
    assert!(saves.len() > 10);
    for saved in &saves {
        for at in 0..saved.len() {
            assert!(Machine::load(&saved[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut bytes = saved.clone();
                bytes[at] ^= 1 << bit;
                match Machine::load(&bytes) {
                    Err(error) => {
                        refused += 1;
                        assert!(error.byte() <= bytes.len());
                    }
                    Ok(machine) => {
                        loaded += 1;
                        go_on(machine, &commands, &mut cache);
                    }
                }
            }
        }
    }
    assert!(loaded > 0 && refused > loaded, "{loaded} {refused}");
}

/// Runs it as far as it goes.
fn go_on(mut machine: Machine, commands: &Commands, cache: &mut ParseCache) {
    let limits = Limits { steps_a_frame: 100, steps_in_all: 100_000, ..Limits::default() };
    let mut host = Memory::default();
    for _ in 0..50 {
        let Outcome::Suspended(_) = machine.run(&mut host, commands, &limits, cache) else { return };
        machine.save(&mut Vec::new());
        machine.resume(Object::integer(1).into());
    }
}
