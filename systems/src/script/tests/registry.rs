//! Claim: a plugin's command is called as the built-in ones are, and two cannot have one name.

use super::host::Memory;
use crate::script::{
    Bindings, Command, CommandError, Commands, Limits, Machine, Outcome, ParameterKind as Kind, ParseCache,
    Permission, Value,
};
use diptych_components::slp::{self, Object};

fn transfer() -> Command {
    Command::new("bank/transfer", |call| {
        let amount = call.integer(2)?;
        let (from, to) = (call.key(0)?, call.key(1)?);
        let (have, has) = (call.get_integer(from)?.unwrap_or(0), call.get_integer(to)?.unwrap_or(0));
        if have < amount {
            return Err(call.error("there is not enough"));
        }
        call.set_integer(from, have - amount)?;
        call.set_integer(to, has + amount)?;
        Ok(Value::boolean(true))
    })
    .parameter("from", Kind::Key)
    .parameter("to", Kind::Key)
    .parameter("amount", Kind::Evaluated)
    .permission(Permission::Write)
    .help("Moves an amount.")
}

fn run(host: &mut Memory, commands: &Commands, text: &str) -> String {
    let forms = slp::parse(text.as_bytes(), &slp::Limits::default()).expect("a test's script parses");
    let mut machine = Machine::new();
    machine.start(forms.as_object(), Bindings::default());
    match machine.run(host, commands, &Limits::default(), &mut ParseCache::new()) {
        Outcome::Done(object) => object.to_string(),
        Outcome::Suspended(waiting) => format!("waits: {waiting:?}"),
    }
}

#[test]
fn a_plugins_command_runs() {
    let mut commands = Commands::new();
    commands.register(transfer()).expect("the name is free");
    let mut host = Memory::default();
    let script = "(core/kv/set a 10) (core/kv/set b \"1\") (bank/transfer a b 4) (core/kv/get b)";
    assert_eq!(run(&mut host, &commands, script), "\"5\"");
    assert!(host.calls.contains(&"permit Write".to_owned()));
    assert_eq!(run(&mut host, &commands, "(bank/transfer a b 7)"), "@\"bank/transfer: there is not enough\"");
    assert_eq!(
        run(&mut host, &commands, "(bank/transfer a b (core/kv/get a))"),
        "true",
        "a text that is an integer"
    );
    let wrong = run(&mut host, &commands, "(bank/transfer a b x)");
    assert!(
        wrong.contains("amount must be an integer, not the symbol x: (bank/transfer from to amount)"),
        "{wrong}"
    );
    host.denies = true;
    assert_eq!(run(&mut host, &commands, "(bank/transfer a b 1)"), "@\"PERMISSION_DENIED\"");
}

#[test]
fn optional_and_repeated_arguments() {
    let mut commands = Commands::new();
    let count = |call: &mut crate::script::Call<'_>| Ok(Value::integer(call.len() as i64));
    let optional =
        Command::new("n/optional", count).parameter("a", Kind::Evaluated).optional("b", Kind::Evaluated);
    let repeated = Command::new("n/repeated", count).parameter("a", Kind::Evaluated).repeated("b", Kind::Any);
    let none = Command::new("n/none", count);
    let wrong = Command::new("n/wrong", |_| Err(Object::integer(5)));
    for command in [optional, repeated, none, wrong] {
        commands.register(command).expect("the name is free");
    }
    let rows = [
        ("(n/optional 1)", "1"),
        ("(n/optional 1 2)", "2"),
        ("(n/optional 1 2 3)", "2"),
        ("(n/repeated 1 2 3 @no)", "4"),
        ("(n/repeated @no 2)", "@no"),
        ("(n/none)", "0"),
        ("(n/none 1 2)", "0"),
        ("(n/wrong)", "@5"),
    ];
    for (script, expected) in rows {
        assert_eq!(run(&mut Memory::default(), &commands, script), expected, "{script}");
    }
    assert!(run(&mut Memory::default(), &commands, "(n/optional)").contains("(n/optional a [b])"));
    assert!(run(&mut Memory::default(), &commands, "(n/repeated 1)").contains("(n/repeated a b...)"));
}

#[test]
fn names_are_unique_and_can_be_called() {
    let mut commands = Commands::new();
    commands.register(transfer()).expect("the name is free");
    let taken =
        commands.register(Command::new("bank/transfer", |_| Ok(Value::none()))).expect_err("it is taken");
    assert_eq!(
        taken.to_string(),
        "the command (bank/transfer) cannot be registered: the name is taken by (bank/transfer from to amount); give \
         it another name"
    );
    for name in ["", "a b", "5", "'x", "a(b", "$x", "\"x\"", "a;b"] {
        let refused = commands.register(Command::new(name, |_| Ok(Value::none())));
        assert!(matches!(refused, Err(CommandError::Malformed { .. })), "{name}: {refused:?}");
    }
    let late = Command::new("x", |_| Ok(Value::none())).optional("a", Kind::Any).parameter("b", Kind::Any);
    assert!(commands.register(late).is_err());
    let body = Command::new("x", |_| Ok(Value::none())).parameter("a", Kind::Expression);
    assert!(commands.register(body).is_err());
}

#[test]
fn all_are_listed_by_name_and_found() {
    let mut commands = Commands::new();
    let names: Vec<_> = commands.iter().map(|command| command.name().to_owned()).collect();
    let expected = "core/event/pub core/event/sub core/expr/await core/expr/eval core/kv/cas core/kv/del \
                    core/kv/exists core/kv/get core/kv/iterate core/kv/set core/kv/snx core/util/log";
    assert_eq!(names.join(" "), expected);
    assert!(commands.iter().all(|command| !command.help_text().is_empty()));
    for n in 0..300 {
        commands.register(Command::new(format!("p{n}"), |_| Ok(Value::none()))).expect("the name is free");
    }
    assert_eq!(commands.iter().len(), 312);
    assert!(commands.iter().map(Command::name).is_sorted());
    assert!((0..300).all(|n| commands.get(&format!("p{n}")).is_some()) && commands.get("p300").is_none());
}
