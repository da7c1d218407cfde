//! Claim: every form and every command gives what the language says, and does to its host what it says.

use super::host::Memory;
use super::{result, run, run_with};
use crate::script::{Bindings, Limits, Outcome, Value, Waiting};
use diptych_components::slp::Object;

/// Runs each row on a host of its own.
fn table(rows: &[(&str, &str)]) {
    for (script, expected) in rows {
        assert_eq!(result(&mut Memory::default(), script), *expected, "{script}");
    }
}

/// The value is an ERROR that says this.
fn errors(rows: &[(&str, &str)]) {
    for (script, expected) in rows {
        let mut host = Memory::default();
        let given = result(&mut host, script);
        assert!(given.starts_with("@\"") && given.contains(expected), "{script}: {given} lacks {expected}");
    }
}

#[test]
fn forms() {
    table(&[
        ("", "()"),
        ("; nothing", "()"),
        ("42", "42"),
        ("-7", "-7"),
        ("1.5", "1.5"),
        (r#""a\"b\\c""#, r#""a\"b\\c""#),
        ("foo", "foo"),
        ("$unknown", "$unknown"),
        ("$key", "$key"),
        ("$data", "$data"),
        ("$CHANNEL_A", "A"),
        ("$CHANNEL_F", "F"),
        ("$CHANNEL_G", "$CHANNEL_G"),
        ("$CHANNEL_EXECUTION", "EXECUTION"),
        ("()", "()"),
        ("'x", "x"),
        ("''x", "'x"),
        ("'(core/kv/set a 1)", "(core/kv/set a 1)"),
        ("@x", "@x"),
        (r#"@"why""#, r#"@"why""#),
        ("@(core/kv/set a 1)", "@(core/kv/set a 1)"),
        ("[]", "()"),
        ("[1 2 3]", "3"),
        ("[1 @no 3]", "@no"),
        ("[1 [2 @no] 3]", "@no"),
        ("{}", "{}"),
        ("{(core/kv/set a 1)}", "{(core/kv/set a 1)}"),
        ("1 2 3", "3"),
        ("@no 3", "3"),
        ("3 @no", "@no"),
    ]);
    errors(&[
        ("(foo)", "unknown function 'foo'; `diptych commands` lists what there is"),
        ("(foo 1 2)", "unknown function 'foo'"),
        ("(5 1)", "not with 5"),
        ("(\"a\" 1)", "not with the string"),
        ("((core/kv/get a))", "not with a list (..)"),
        ("([core/kv/get] a)", "not with a list [..]"),
        ("('core/kv/get a)", "not with a quoted object"),
        ("($key)", "unknown function '$key'"),
    ]);
}

#[test]
fn every_top_level_form_runs_and_a_bracket_ends_at_the_first_error() {
    let mut host = Memory::default();
    assert_eq!(result(&mut host, "(core/kv/set a 1) (nope) (core/kv/set b 2) (core/kv/get b)"), "\"2\"");
    assert_eq!(host.calls, ["set a 1", "set b 2", "get b"]);
    let mut host = Memory::default();
    result(&mut host, "[(core/kv/set a 1) (core/kv/get nope) (core/kv/set b 2)]");
    assert_eq!(host.calls, ["set a 1", "get nope"]);
}

#[test]
fn entries() {
    table(&[
        ("(core/kv/set a \"hello world\")", "true"),
        ("(core/kv/set a 42) (core/kv/get a)", "\"42\""),
        ("(core/kv/set a 1e-7) (core/kv/get a)", "\"1e-7\""),
        ("(core/kv/set a foo) (core/kv/get a)", "\"foo\""),
        ("(core/kv/set a \"q\\\"b\\\\s\") (core/kv/get a)", "\"q\\\"b\\\\s\""),
        ("(core/kv/set a '(x \"y\" 1.5)) (core/kv/get a)", "\"(x \\\"y\\\" 1.5)\""),
        ("(core/kv/set a {(x)}) (core/kv/get a)", "\"{(x)}\""),
        ("(core/kv/set a ()) (core/kv/get a)", "\"()\""),
        ("(core/kv/set a (core/kv/set b 1)) (core/kv/get a)", "\"true\""),
        ("(core/kv/set a $CHANNEL_B) (core/kv/get a)", "\"B\""),
        ("(core/kv/set a [1 2 x]) (core/kv/get a)", "\"x\""),
        ("(core/kv/set user:123 \"active\") (core/kv/get user:123)", "\"active\""),
        ("(core/kv/set a 1 2 3)", "true"),
        ("(core/kv/del a)", "true"),
        ("(core/kv/set a 1) (core/kv/del a) (core/kv/exists a)", "false"),
        ("(core/kv/exists a)", "false"),
        ("(core/kv/set a 1) (core/kv/exists a)", "true"),
        ("(core/kv/snx a 1)", "true"),
        ("(core/kv/snx a 1) (core/kv/snx a 2)", "false"),
        ("(core/kv/snx a 1) (core/kv/snx a 2) (core/kv/get a)", "\"1\""),
        ("(core/kv/cas a \"5\" \"6\")", "false"),
        ("(core/kv/set a 5) (core/kv/cas a \"5\" \"6\")", "true"),
        ("(core/kv/set a \"5\") (core/kv/cas a 5 6) (core/kv/get a)", "\"6\""),
        ("(core/kv/set a 5) (core/kv/cas a \"05\" 6)", "false"),
        (
            "(core/kv/set a 5) (core/kv/set b 5) (core/kv/cas a (core/kv/get b) done) (core/kv/get a)",
            "\"done\"",
        ),
        ("(core/kv/set $CHANNEL_A 1) (core/kv/get A)", "\"1\""),
        ("(core/kv/set $key 1) (core/kv/get $key)", "\"1\""),
    ]);
    errors(&[
        ("(core/kv/get nope)", "key not found: nope"),
        ("(core/kv/set a (core/kv/get nope))", "key not found: nope"),
        ("(core/kv/set 5 1)", "key must be a symbol, not 5"),
        ("(core/kv/get \"a\")", "key must be a symbol, not the string"),
        ("(core/kv/del (core/kv/get a))", "key must be a symbol"),
        ("(core/kv/exists 'a)", "key must be a symbol"),
        ("(core/kv/get)", "core/kv/get needs 1 argument, not 0: (core/kv/get key)"),
        ("(core/kv/set a)", "core/kv/set needs 2 arguments, not 1: (core/kv/set key value)"),
        ("(core/kv/cas a 1)", "(core/kv/cas key expected value)"),
    ]);
}

/// An ERROR as an argument is the value of the call, and nothing is done.
#[test]
fn a_failed_value_is_not_stored() {
    for script in [
        "(core/kv/set a (core/kv/get nope))",
        "(core/kv/snx a @no)",
        "(core/kv/cas a 1 [@no 2])",
        "(core/event/pub $CHANNEL_A 1 (nope))",
        "(core/kv/iterate @no 0 0 {})",
        "(core/expr/eval @no)",
    ] {
        let mut host = Memory::default();
        let Outcome::Done(value) = run(&mut host, script) else { panic!("{script} ends") };
        assert_eq!(value.kind(), diptych_components::slp::Kind::Error, "{script}");
        assert!(host.entries.is_empty(), "{script}");
        assert!(host.calls.iter().all(|call| call == "get nope"), "{script}: {:?}", host.calls);
    }
}

#[test]
fn iterate() {
    let mut host = Memory::default();
    for (n, key) in ["user:1", "user:10", "user:2", "v"].into_iter().enumerate() {
        host.entries.insert(key.into(), Object::integer(n as i64));
    }
    let rows: &[(&str, &[&str])] = &[
        ("(core/kv/iterate \"user:\" 0 10 {(core/util/log $key)})", &["user:1", "user:10", "user:2"]),
        ("(core/kv/iterate user: 1 0 {(core/util/log $key)})", &["user:10", "user:2"]),
        ("(core/kv/iterate user: 0 1 {(core/util/log $key (core/kv/get $key))})", &["user:1 0"]),
        ("(core/kv/iterate \"\" 3 1 {(core/util/log $key)})", &["v"]),
        ("(core/kv/iterate none 0 0 {(core/util/log $key)})", &[]),
        ("(core/kv/iterate user: 9 0 {(core/util/log $key)})", &[]),
        ("(core/kv/iterate user: 0 0 {})", &[]),
        (
            "(core/kv/iterate user: 0 1 {(core/kv/iterate v 0 0 {(core/util/log in $key)}) (core/util/log out $key)})",
            &["in v", "out user:1"],
        ),
        (
            "(core/kv/iterate user: 0 0 {(core/util/log $key) (core/kv/get nope) (core/util/log never)})",
            &["user:1", "core/kv/iterate ended at user:1: @\"key not found: nope\""],
        ),
        ("(core/kv/iterate user: 1 $key {(core/util/log $key)})", &[]),
        (
            "(core/kv/iterate user: 0 2 {(core/kv/iterate $key 0 1 {(core/util/log $key)})})",
            &["user:1", "user:10"],
        ),
    ];
    for (script, log) in rows {
        host.log.clear();
        let value = result(&mut host, script);
        assert_eq!(host.log, *log, "{script}");
        assert_eq!(value == "true", !script.contains("1 $key {"), "{script}: {value}");
    }
    assert_eq!(result(&mut host, "(core/kv/iterate \"user:\" 0 10 {(core/kv/del $key)})"), "true");
    assert_eq!(host.entries.len(), 1, "the keys were those of the entries");
    errors(&[
        ("(core/kv/iterate 5 0 0 {})", "prefix must be a symbol or a string, not 5"),
        ("(core/kv/iterate a -1 0 {})", "offset must be 0 or more, not -1"),
        ("(core/kv/iterate a 0 -1 {})", "limit must be 0 or more, not -1"),
        ("(core/kv/iterate a x 0 {})", "offset must be a literal integer, not the symbol x"),
        ("(core/kv/iterate a 0 1.0 {})", "limit must be a literal integer, not 1.0"),
        ("(core/kv/iterate a 0 0 [])", "handler must be a body {..}, not a list [..]"),
        ("(core/kv/iterate a 0 0 x)", "handler must be a body {..}"),
        (
            "(core/kv/iterate a 0 0)",
            "needs 4 arguments, not 3: (core/kv/iterate prefix offset limit handler)",
        ),
    ]);
}

#[test]
fn events() {
    let rows: &[(&str, &[&str])] = &[
        ("(core/event/pub $CHANNEL_A 100 \"note\")", &["pub A 100 \"note\""]),
        ("(core/event/pub F 65535 42)", &["pub F 65535 42"]),
        ("(core/event/pub $CHANNEL_EXECUTION 0 '(core/kv/get a))", &["pub EXECUTION 0 (core/kv/get a)"]),
        ("(core/event/pub [x B] 1 (core/kv/exists a))", &["exists a", "pub B 1 false"]),
        ("(core/event/sub $CHANNEL_A 7 {(core/kv/set last $data)})", &["sub A 7 {(core/kv/set last $data)}"]),
        ("(core/event/sub C 0 {} extra)", &["sub C 0 {}"]),
    ];
    for (script, calls) in rows {
        let mut host = Memory::default();
        assert_eq!(result(&mut host, script), "true", "{script}");
        assert_eq!(host.calls, *calls, "{script}");
    }
    errors(&[
        ("(core/event/pub G 1 2)", "channel must be a channel"),
        ("(core/event/pub $CHANNEL_G 1 2)", "not the symbol $CHANNEL_G"),
        ("(core/event/pub 5 1 2)", "not 5"),
        ("(core/event/pub A -1 2)", "topic must be from 0 to 65535, not -1"),
        ("(core/event/pub A 65536 2)", "topic must be from 0 to 65535, not 65536"),
        ("(core/event/pub A x 2)", "topic must be a literal integer"),
        ("(core/event/pub A 1)", "(core/event/pub channel topic data)"),
        ("(core/event/sub A 1 (x))", "handler must be a body {..}"),
        ("(core/event/sub A -1 {})", "from 0 to 65535"),
        ("(core/event/sub A 1)", "(core/event/sub channel topic handler)"),
    ]);
    let mut host = Memory { full_every: 1, ..Memory::default() };
    assert_eq!(run(&mut host, "(core/event/pub A 1 2)"), Outcome::Suspended(Waiting::Room));
}

#[test]
fn eval() {
    table(&[
        ("(core/expr/eval \"42\")", "42"),
        ("(core/expr/eval \"\")", "()"),
        ("(core/expr/eval \"1 @no 3\")", "3"),
        ("(core/expr/eval 42)", "42"),
        ("(core/expr/eval foo)", "foo"),
        ("(core/expr/eval '(core/kv/exists a))", "false"),
        ("(core/expr/eval '[1 2])", "2"),
        ("(core/expr/eval {1 2})", "{1 2}"),
        ("(core/expr/eval \"(core/expr/eval \\\"7\\\")\")", "7"),
        ("(core/kv/set a 5) (core/expr/eval \"(core/kv/get a)\")", "\"5\""),
        ("(core/kv/set s \"(core/kv/set x 1) (core/kv/get x)\") (core/expr/eval (core/kv/get s))", "\"1\""),
        ("(core/kv/set s '[(core/kv/set x 1) (core/kv/get x)]) (core/expr/eval (core/kv/get s))", "\"1\""),
        ("(core/kv/set s ''q) (core/expr/eval (core/kv/get s))", "q"),
        ("(core/kv/set s 5) (core/expr/eval (core/kv/get s))", "5"),
        ("(core/kv/set s ()) (core/expr/eval (core/kv/get s))", "()"),
        ("(core/kv/set s true) (core/expr/eval (core/kv/get s))", "true"),
    ]);
    errors(&[
        ("(core/expr/eval \"(a\")", "the text does not parse: line 1, column 1"),
        ("(core/expr/eval \"1\n )\")", "line 2, column 2"),
        ("(core/expr/eval)", "core/expr/eval needs 1 argument, not 0"),
        ("(core/expr/eval \"(nope)\")", "unknown function 'nope'"),
        ("(core/expr/eval \"@no\" 1) (core/kv/set a (core/expr/eval '(nope)))", "unknown function 'nope'"),
    ]);
    let mut host = Memory::default();
    host.entries.insert(b"k".to_vec(), Object::none());
    result(&mut host, "(core/kv/iterate k 0 0 {(core/expr/eval \"(core/util/log $key)\")})");
    assert_eq!(host.log, ["k"], "the bindings are inherited");
}

#[test]
fn waiting() {
    let mut host = Memory::default();
    assert_eq!(
        run(&mut host, "(core/expr/await (core/event/pub A 1 \"ask\") B 100)"),
        Outcome::Suspended(Waiting::Event)
    );
    assert_eq!(host.calls, ["await B 100", "pub A 1 \"ask\""], "it listens before its body runs");
    errors(&[
        ("(core/expr/await (core/kv/get nope) B 1)", "key not found: nope"),
        ("(core/expr/await 1 G 1)", "channel must be a channel"),
        ("(core/expr/await 1 B x)", "topic must be a literal integer"),
        ("(core/expr/await 1 B 65536)", "from 0 to 65535"),
        ("(core/expr/await 1 B)", "(core/expr/await body channel topic)"),
    ]);
    let mut host = Memory::default();
    result(&mut host, "(core/expr/await (core/kv/set a 1) B -1)");
    assert!(host.calls.is_empty(), "the arguments are checked before the body runs");
}

#[test]
fn log() {
    let mut host = Memory::default();
    assert_eq!(result(&mut host, "(core/util/log \"User\" Alice 12345 1.5 '(a \"b\") @no (nope))"), "true");
    let line = "User Alice 12345 1.5 (a \"b\") @no @\"unknown function 'nope'; `diptych commands` lists what there is\"";
    assert_eq!(host.log, [line]);
    errors(&[("(core/util/log)", "core/util/log needs 1 argument, not 0: (core/util/log message...)")]);
}

#[test]
fn variables_resolve_in_every_position() {
    let bound = |data: Object| Bindings { data: Some(Value::text_of(data)) };
    let rows: &[(Object, &str, &[&str])] = &[
        (Object::string("k"), "(core/kv/set $data 1)", &["set k 1"]),
        (Object::integer(7), "(core/kv/set $data $data)", &["set 7 \"7\""]),
        (Object::integer(7), "(core/event/pub A $data x)", &["pub A 7 x"]),
        (Object::string("7"), "(core/event/pub A $data x)", &["pub A 7 x"]),
        (Object::string("B"), "(core/event/pub $data 1 x)", &["pub B 1 x"]),
        (Object::integer(2), "(core/kv/iterate \"\" $data $data {})", &["keys  2 2"]),
        (Object::string("p"), "(core/kv/iterate $data 0 0 {})", &["keys p 0 0"]),
        (Object::string("8"), "(core/event/sub A $data {$data})", &["sub A 8 {$data}"]),
        (Object::string("(core/kv/get z)"), "(core/expr/eval $data)", &["get z"]),
        (Object::integer(65536), "(core/event/pub A $data x)", &[]),
        (Object::string("x"), "(core/event/pub A $data x)", &[]),
    ];
    for (data, script, calls) in rows {
        let mut host = Memory::default();
        run_with(&mut host, script, &Limits::default(), bound(data.clone()));
        assert_eq!(host.calls, *calls, "{script} with {data}");
    }
}

#[test]
fn a_denial_is_an_error_the_script_sees() {
    for script in [
        "(core/kv/set a 1)",
        "(core/kv/get a)",
        "(core/kv/del a)",
        "(core/kv/exists a)",
        "(core/kv/snx a 1)",
        "(core/kv/cas a 1 2)",
        "(core/kv/iterate a 0 0 {})",
        "(core/event/pub A 1 2)",
        "(core/event/sub A 1 {})",
        "(core/expr/await 1 A 1)",
    ] {
        let mut host = Memory { denies: true, ..Memory::default() };
        assert_eq!(result(&mut host, script), "@\"PERMISSION_DENIED\"", "{script}");
        assert_eq!(host.calls.len(), 1, "{script}");
    }
}
