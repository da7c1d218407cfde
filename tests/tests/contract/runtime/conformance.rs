//! What scripts answer and what they leave behind: every command's documented rows, and the rules of evaluation.
//!
//! A row is (setup, script, expected, entries): the answer's text, or `!` and a piece of an ERROR; then the entries of
//! the scope as `key=text`, joined by spaces. Each row has a scope of its own, and all rows of a table one world.

use super::{World, assert_error};
use diptych::prelude::*;

type Row = (&'static str, &'static str, &'static str, &'static str);

/// Every row in a session and scope of its own.
fn table(rows: &[Row]) {
    let mut world = World::memory();
    let mut asked = Vec::new();
    for (number, (setup, script, expected, entries)) in rows.iter().enumerate() {
        let name = format!("row{number}");
        let rights = Principal::new(&name).scope(&name, ScopeAccess::ReadWrite);
        world.principal((0..100).fold(rights, |rights, topic| rights.topic(topic, TopicAccess::PubSub)));
        let session = world.session(&name, &name, &name);
        let prepared = session.run(setup).unwrap_or_else(|error| panic!("{setup}: {error}"));
        let ticket = session.run(script).unwrap_or_else(|error| panic!("{script}: {error}"));
        asked.push((name, prepared, ticket, script, expected, entries));
    }
    for (name, prepared, ticket, script, expected, entries) in asked {
        assert!(!world.answer(&prepared).is_error(), "the setup of {script}: {:?}", prepared.get());
        let given = world.text(&ticket);
        match expected.strip_prefix('!') {
            Some(piece) => assert_error(&given, piece, script),
            None => assert_eq!(given, **expected, "{script}"),
        }
        assert_eq!(world.entries(&name).join(" "), **entries, "after {script}");
    }
}

/// Document 001, command by command.
#[test]
fn commands() {
    table(&[
        ("", r#"(core/kv/set mykey "hello world")"#, "true", "mykey=hello world"),
        ("", "(core/kv/set counter 42)", "true", "counter=42"),
        ("", r#"(core/kv/set user:123 "active")"#, "true", "user:123=active"),
        ("(core/kv/set mykey hello)", "(core/kv/get mykey)", r#""hello""#, "mykey=hello"),
        ("(core/kv/set n 42)", "(core/kv/get n)", r#""42""#, "n=42"),
        ("", "(core/kv/get nope)", "!key not found: nope", ""),
        ("(core/kv/set a 1)", "(core/kv/del a)", "true", ""),
        ("", "(core/kv/del a)", "true", ""),
        ("(core/kv/set a 1)", "(core/kv/exists a)", "true", "a=1"),
        ("", "(core/kv/exists a)", "false", ""),
        ("", r#"(core/kv/snx lock:resource1 "acquired")"#, "true", "lock:resource1=acquired"),
        ("(core/kv/snx counter 0)", "(core/kv/snx counter 1)", "false", "counter=0"),
        ("(core/kv/set counter 5)", r#"(core/kv/cas counter "5" "6")"#, "true", "counter=6"),
        ("(core/kv/set counter 05)", r#"(core/kv/cas counter "05" "6")"#, "false", "counter=5"),
        ("(core/kv/set status done)", r#"(core/kv/cas status "pending" "active")"#, "false", "status=done"),
        ("", r#"(core/kv/cas status "pending" "active")"#, "false", ""),
        (
            "(core/kv/set user:1 a) (core/kv/set user:2 b) (core/kv/set keep 1)",
            r#"(core/kv/iterate "user:" 0 10 {(core/util/log "Found key:" $key) (core/kv/del $key)})"#,
            "true",
            "keep=1",
        ),
        ("", r#"(core/event/pub $CHANNEL_A 1 "notification message")"#, "true", ""),
        ("", "(core/event/pub $CHANNEL_B 2 42)", "true", ""),
        ("", "(core/event/sub $CHANNEL_A 1 {(core/kv/set last_event $data)})", "true", ""),
        ("", r#"(core/expr/eval "42")"#, "42", ""),
        ("(core/kv/set k 7)", r#"(core/expr/eval "(core/kv/get k)")"#, r#""7""#, "k=7"),
        ("", r#"(core/expr/eval "(core/kv/get")"#, "!does not parse: line 1, column 1", ""),
        ("", r#"(core/util/log "Processing started")"#, "true", ""),
        ("", r#"(core/util/log "User" "Alice" "logged in" "at" 12345)"#, "true", ""),
        ("", "(core/util/log)", "!needs 1 argument", ""),
        (
            "(core/event/sub A 1 {(core/event/pub B 50 [(core/kv/set asked $data) (core/kv/get asked)])})",
            r#"(core/expr/await (core/event/pub $CHANNEL_A 1 "request") $CHANNEL_B 50)"#,
            r#""request""#,
            "asked=request",
        ),
    ]);
}

/// Bad calls say what was expected, and do nothing.
#[test]
fn refusals() {
    table(&[
        ("", "(foo)", "!unknown function 'foo'", ""),
        ("", "(core/kv/sett a 1)", "!unknown function 'core/kv/sett'", ""),
        ("", "(core/kv/set)", "!needs 2 arguments, not 0", ""),
        ("", "(core/kv/set a)", "!needs 2 arguments, not 1", ""),
        ("", "(core/kv/get)", "!needs 1 argument, not 0", ""),
        ("", "(core/kv/cas a 1)", "!needs 3 arguments, not 2", ""),
        ("", "(core/kv/iterate a 0 1)", "!needs 4 arguments, not 3", ""),
        ("", "(core/event/pub A 1)", "!needs 3 arguments, not 2", ""),
        ("", "(core/event/sub A 1)", "!needs 3 arguments, not 2", ""),
        ("", "(core/expr/await 1 A)", "!needs 3 arguments, not 2", ""),
        ("", "(core/expr/eval)", "!needs 1 argument, not 0", ""),
        ("", "(core/kv/set a 1 2 3)", "true", "a=1"),
        ("(core/kv/set a 1)", "(core/kv/get a b c)", r#""1""#, "a=1"),
        ("", r#"(core/kv/set "a" 1)"#, "!key must be a symbol", ""),
        ("", "(core/kv/set 5 1)", "!key must be a symbol", ""),
        ("", "(core/kv/get (core/kv/get a))", "!key must be a symbol", ""),
        ("", "(core/kv/del 'a)", "!key must be a symbol", ""),
        ("", "(core/kv/exists [a])", "!key must be a symbol", ""),
        ("", "(core/kv/snx () 1)", "!key must be a symbol", ""),
        ("", "(core/event/pub $CHANNEL_G 1 x)", "!channel", ""),
        ("", "(core/event/pub G 1 x)", "!channel", ""),
        ("", "(core/event/pub A -1 x)", "!from 0 to 65535, not -1", ""),
        ("", "(core/event/pub A 65536 x)", "!from 0 to 65535, not 65536", ""),
        ("", "(core/event/sub A 65536 {})", "!from 0 to 65535", ""),
        ("", "(core/event/pub A 1.0 x)", "!literal integer", ""),
        ("", "(core/event/pub A one x)", "!literal integer", ""),
        ("", "(core/event/sub A 1 (x))", "!body {..}", ""),
        ("", "(core/event/sub A 1 [x])", "!body {..}", ""),
        ("", "(core/expr/await 1 A 70000)", "!from 0 to 65535", ""),
        ("", "(core/event/sub $CHANNEL_EXECUTION 0 {})", "!execution channel", ""),
        ("", "(core/expr/await 1 EXECUTION 0)", "!execution channel", ""),
        (
            "",
            "(core/event/pub A 100 x)",
            "!PERMISSION_DENIED: principal row31 has no PUBLISH on topic 100",
            "",
        ),
        (
            "",
            "(core/event/sub A 100 {})",
            "!PERMISSION_DENIED: principal row32 has no SUBSCRIBE on topic 100",
            "",
        ),
        ("", "(core/expr/await (core/kv/set a 1) A 100)", "!PERMISSION_DENIED", ""),
        ("", "(core/kv/iterate a x 1 {})", "!literal integer", ""),
        ("", "(core/kv/iterate a -1 1 {})", "!0 or more, not -1", ""),
        ("", "(core/kv/iterate a 0 -1 {})", "!0 or more, not -1", ""),
        ("", "(core/kv/iterate 5 0 1 {})", "!symbol or a string, not 5", ""),
        ("", "(core/kv/iterate a 0 1 [])", "!body {..}", ""),
    ]);
}

/// What forms are worth, and where a sequence ends.
#[test]
fn evaluation() {
    table(&[
        ("", "", "()", ""),
        ("", "; nothing", "()", ""),
        ("", "()", "()", ""),
        ("", "42", "42", ""),
        ("", "-7", "-7", ""),
        ("", "1e-7", "1e-7", ""),
        ("", "nope", "nope", ""),
        ("", "$result", "$result", ""),
        ("", "$key", "$key", ""),
        ("", "$CHANNEL_C", "C", ""),
        ("", "$CHANNEL_G", "$CHANNEL_G", ""),
        ("", "'x", "x", ""),
        ("", "''x", "'x", ""),
        ("", "'(core/kv/set a 1)", "(core/kv/set a 1)", ""),
        ("", "@x", "@x", ""),
        ("", "@(core/kv/set a 1)", "@(core/kv/set a 1)", ""),
        ("", "[1 2 (core/kv/set a 3)]", "true", "a=3"),
        ("", "[(core/kv/set a 1) (core/kv/get b) (core/kv/set c 3)]", "!key not found: b", "a=1"),
        ("", "[(core/kv/set a 1) (core/kv/exists b) (core/kv/set c 3)]", "true", "a=1 c=3"),
        ("", "[]", "()", ""),
        ("", "{(core/kv/set a 1)}", "{(core/kv/set a 1)}", ""),
        ("", "(5 6)", "!not with 5", ""),
        ("", r#"("core/kv/get" a)"#, "!not with the string", ""),
        ("", "((core/kv/set a 1))", "!not with a list", ""),
        ("", "('core/kv/get a)", "!not with a quoted object", ""),
        ("", "(core/kv/set a 1) (core/kv/get b) (core/kv/set c 3)", "true", "a=1 c=3"),
        ("", "(core/kv/set a (core/kv/get b))", "!key not found: b", ""),
        ("", "(core/kv/snx a @no)", "@no", ""),
        ("(core/kv/set a 1)", "(core/kv/cas a 1 (nope))", "!unknown function 'nope'", "a=1"),
        ("(core/kv/set a 1)", "(core/kv/cas a @no 2)", "@no", "a=1"),
        ("", "(core/event/pub A 1 @no)", "@no", ""),
        ("", "(core/kv/set a [1 2 x])", "true", "a=x"),
        ("", "(core/kv/set a '(x 1))", "true", "a=(x 1)"),
        ("", "(core/kv/set a ())", "true", "a=()"),
        ("", "(core/kv/set a $CHANNEL_B) (core/kv/set $CHANNEL_B 2)", "true", "B=2 a=B"),
        ("(core/kv/set a x)", "(core/kv/set b a)", "true", "a=x b=a"),
        ("", "(core/kv/set a(core/kv/exists b))", "true", "a=false"),
        ("", "[(core/kv/set c 1)] {(core/kv/set d 1)} '(core/kv/set e 1)", "(core/kv/set e 1)", "c=1"),
        ("", "(core/expr/eval \"(core/kv/set a 1) (core/kv/set b 2)\")", "true", "a=1 b=2"),
        ("", "(core/expr/eval '(core/kv/set a 1))", "true", "a=1"),
        ("", "(core/expr/eval [(core/kv/set a 1) '(core/kv/get a)])", r#""1""#, "a=1"),
        ("", "(core/expr/eval 7)", "7", ""),
        ("", "(core/expr/eval \"\")", "()", ""),
        ("", "(core/expr/eval @no)", "@no", ""),
        ("", "(core/kv/set s a) (core/expr/eval \"(core/kv/set $key 1)\")", "true", "$key=1 s=a"),
        (
            "(core/kv/set k:1 0)",
            "(core/kv/iterate k: 0 9 {(core/expr/eval \"(core/kv/set $key 1)\")})",
            "true",
            "k:1=1",
        ),
    ]);
}

const USERS: &str = "(core/kv/set user:1 a) (core/kv/set user:10 b) (core/kv/set user:2 c) (core/kv/set v d)";

/// Prefixes by bytes, offset and limit, a stable view, and `$key` in every position.
#[test]
fn iteration() {
    table(&[
        (USERS, "(core/kv/iterate user:1 0 9 {(core/kv/del $key)})", "true", "user:2=c v=d"),
        (USERS, "(core/kv/iterate \"user:\" 1 1 {(core/kv/del $key)})", "true", "user:1=a user:2=c v=d"),
        (
            USERS,
            "(core/kv/iterate user: 0 0 {(core/kv/del $key)})",
            "true",
            "user:1=a user:10=b user:2=c v=d",
        ),
        (
            USERS,
            "(core/kv/iterate user: 3 9 {(core/kv/del $key)})",
            "true",
            "user:1=a user:10=b user:2=c v=d",
        ),
        (USERS, "(core/kv/iterate \"\" 0 9223372036854775807 {(core/kv/del $key)})", "true", ""),
        (
            USERS,
            "(core/kv/iterate none 0 9 {(core/kv/set found 1)})",
            "true",
            "user:1=a user:10=b user:2=c v=d",
        ),
        (
            USERS,
            "(core/kv/iterate user: 0 9 {(core/kv/set $key $key)})",
            "true",
            "user:1=user:1 user:10=user:10 user:2=user:2 v=d",
        ),
        (
            USERS,
            "(core/kv/iterate user: 0 9 {(core/kv/cas $key a z)})",
            "true",
            "user:1=z user:10=b user:2=c v=d",
        ),
        (
            USERS,
            "(core/kv/iterate user: 0 9 {(core/kv/set last $key)})",
            "true",
            "last=user:2 user:1=a user:10=b user:2=c v=d",
        ),
    ]);
}

/// What an iteration's body writes does not change what it visits; its ERROR ends it.
#[test]
fn iteration_over_its_own_writes() {
    table(&[
        (
            "(core/kv/set k1 0)",
            "(core/kv/iterate k 0 9 {(core/kv/set k2 0) (core/kv/set k3 0)})",
            "true",
            "k1=0 k2=0 k3=0",
        ),
        (
            "(core/kv/set k1 0) (core/kv/set k2 0)",
            "(core/kv/iterate k 0 9 {(core/kv/del k2) (core/kv/snx n $key)})",
            "true",
            "k1=0 n=k1",
        ),
        // An ERROR ends the loop, not the script.
        (
            USERS,
            "(core/kv/iterate user: 0 9 {(core/kv/get nope) (core/kv/set x 1)}) (core/kv/del v)",
            "true",
            "user:1=a user:10=b user:2=c",
        ),
    ]);
}

/// Loops in loops, and a prefix that is evaluated.
#[test]
fn nested_iteration() {
    table(&[
        // The inner key shadows the outer one.
        (
            "(core/kv/set a1 0) (core/kv/set b1 0)",
            "(core/kv/iterate a 0 9 {(core/kv/iterate b 0 9 {(core/kv/set in $key)}) (core/kv/set out $key)})",
            "true",
            "a1=0 b1=0 in=b1 out=a1",
        ),
        (
            USERS,
            "(core/kv/iterate (core/kv/get v) 0 9 {}) (core/kv/iterate @no 0 9 {})",
            "@no",
            "user:1=a user:10=b user:2=c v=d",
        ),
    ]);
}

/// Whatever bytes a string has, it comes back; reals round-trip.
#[test]
fn values_survive() {
    let mut world = World::memory();
    let session = world.alone(0);
    let strings: &[&[u8]] = &[
        b"",
        b"\"",
        b"\\",
        b"\\\"",
        b"a\"b\\c",
        b"\0",
        b"a\0b",
        b"\n\t\r",
        "h\u{e9}llo \u{4e16}\u{1f600}".as_bytes(),
        b"\xff\xfe",
        b"; no comment",
        b"(a",
        b"'",
        b"@",
        b"end\\",
    ];
    for bytes in strings {
        let mut script = b"(core/kv/set k \"".to_vec();
        for byte in *bytes {
            if matches!(byte, b'"' | b'\\') {
                script.push(b'\\');
            }
            script.push(*byte);
        }
        script.extend_from_slice(
            b"\") (core/kv/set copy (core/kv/get k)) (core/kv/cas copy (core/kv/get k) copied)",
        );
        let forms =
            diptych::runtime::slp::parse(&script, &Default::default()).expect("it parses").into_object();
        let ticket = session.run_object(forms).expect("asked");
        assert_eq!(world.text(&ticket), "true", "{bytes:?}");
        let ticket = session.get("k").expect("asked");
        assert_eq!(world.answer(&ticket).result.view().string(), Some(*bytes));
        session.set("k", *bytes).expect("asked");
        let ticket = session.get("k").expect("asked");
        assert_eq!(world.answer(&ticket).result.view().string(), Some(*bytes), "by an operation");
    }
    for real in ["1e-7", "0.1", "1.7976931348623157e308", "5e-324", "-0.0", "123456789.123456789"] {
        let text = world.run(&session, &format!("(core/kv/set r {real}) (core/kv/get r)"));
        let back: f64 = text.trim_matches('"').parse().expect("a real");
        assert_eq!(back.to_bits(), real.parse::<f64>().expect("a real").to_bits(), "{real} became {text}");
    }
}

/// Document 000: a script in an entry, with escaped quotes and two forms, is run from there.
#[test]
fn stored_scripts() {
    let mut world = World::memory();
    let session = world.alone(0);
    let stored = r#"(core/kv/set script "(core/util/log \"Running deferred task\") (core/kv/set status \"complete\")")"#;
    assert_eq!(world.run(&session, stored), "true");
    assert_eq!(world.run(&session, "(core/expr/eval (core/kv/get script))"), "true");
    assert_eq!(world.entry("p", "status").as_deref(), Some("complete"));
    assert_eq!(world.log(), ["[session:s] Running deferred task"]);
    // As an object, in a list; what runs is what was stored.
    assert_eq!(
        world.run(&session, "(core/kv/set script '[(core/kv/set status again) (core/kv/get status)])"),
        "true"
    );
    assert_eq!(world.run(&session, "(core/expr/eval (core/kv/get script))"), "\"again\"");
}

/// Document 000: task scopes, a function that is paused and resumed, stack frames that are popped.
#[test]
fn stacks_in_entries() {
    table(&[
        (
            "(core/kv/set task:001:counter 5) (core/kv/set task:001:temp processing) (core/kv/set task:002:counter 12)",
            "(core/kv/iterate \"task:001:\" 0 100 {(core/kv/set seen:$key 1) (core/kv/del $key)}) (core/kv/get task:002:counter)",
            r#""12""#,
            "seen:$key=1 task:002:counter=12",
        ),
        (
            "(core/kv/set fn:abc123:pc 5) (core/kv/set fn:abc123:state paused) (core/kv/set fn:abc123:local:sum 30)",
            "[(core/kv/cas fn:abc123:state \"paused\" \"running\") (core/kv/set fn:abc123:pc 6) (core/kv/get fn:abc123:local:sum)]",
            r#""30""#,
            "fn:abc123:local:sum=30 fn:abc123:pc=6 fn:abc123:state=running",
        ),
        (
            "(core/kv/set stack:1:fn process) (core/kv/set stack:2:fn helper) (core/kv/set stack:2:local:temp 42)",
            "(core/kv/iterate \"stack:2:\" 0 100 {(core/kv/del $key)})",
            "true",
            "stack:1:fn=process",
        ),
    ]);
}
