//! The commands of the runtime as a user meets them: scripts, principals and lines of JSON, with bad input too.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs the binary with this on standard input.
fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diptych"));
    let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("the binary cannot be started: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    std::thread::scope(|scope| {
        // The program may end before it has read everything.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap_or_else(|error| panic!("{error}"))
    })
}

/// Exit code, standard output, standard error.
fn said(arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let output = fed(arguments, input);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn refused(arguments: &[&str], input: &[u8], code: i32, named: &str) {
    let (exit, out, err) = said(arguments, input);
    assert_eq!(exit, Some(code), "{arguments:?}: {out} {err}");
    let line = err.lines().count() == 1 && err.starts_with("error: ") && err.contains(named);
    assert!(line && err.len() < 500, "{arguments:?}: {err}");
}

fn world() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = directory.path().join("world").to_string_lossy().into_owned();
    (directory, path)
}

/// Claim: `exec` prints a result a form, in order, and its exit code says whether one is an ERROR.
#[test]
fn exec_prints_results() {
    let (code, out, err) = said(&["exec", "(core/kv/set k 5) (core/kv/get k) [1 2] (core/util/log hi)"], b"");
    assert_eq!((code, out.as_str()), (Some(0), "true\n\"5\"\n2\ntrue\n"), "{err}");
    assert!(err.contains("hi") && err.lines().count() == 1, "the log goes to standard error: {err}");
    let (code, out, err) = said(&["exec", "--json", "-"], b"(core/kv/get none) 7 ; note\n");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!((code, lines.len(), &lines[0]["error"]), (Some(1), 2, &Value::from(true)), "{out} {err}");
    assert_eq!(lines[1], serde_json::json!({"error": false, "result": {"int": 7}}));
    assert!(err.contains("1 of 2"), "{err}");
}

/// Claim: an await gives up in world time, not by the wall clock, and an event wakes it.
#[test]
fn exec_waits_in_world_time() {
    let (code, out, _) = said(&["exec", "(core/expr/await 1 A 3) 9"], b"");
    assert!(code == Some(1) && out.lines().count() == 2 && out.starts_with('@'), "{out}");
    let (code, out, err) = said(&["exec", "(core/expr/await (core/event/pub A 3 \"x\") A 3)"], b"");
    assert_eq!((code, out.as_str()), (Some(0), "\"x\"\n"), "{err}");
}

/// Claim: scripts that cannot be run are refused in one line that says where; 10 MB of `(` and a symbol of 1 MB too.
#[test]
fn bad_scripts_are_refused() {
    refused(&["exec", "(a\n  ]"], b"", 2, "SCRIPT: line 2, column 3");
    refused(&["exec", "no-such.slp"], b"", 2, "no-such.slp: the file cannot be read");
    refused(&["exec", "; nothing"], b"", 2, "no form");
    refused(&["exec", "-"], &vec![b'('; 10 << 20], 2, "line 1, column 257");
    refused(&["exec", "-"], &vec![b'a'; 1 << 20], 2, "use a string");
    for (form, named) in [
        ("(core/event/pub A -1 1)", "65535"),
        ("(core/event/pub G 1 1)", "A"),
        ("(core/none 1)", "core/none"),
        ("(core/kv/set k)", "2"),
    ] {
        let (code, out, err) = said(&["exec", form], b"");
        assert!(code == Some(1) && out.starts_with('@') && out.contains(named), "{form}: {out} {err}");
    }
}

/// Claim: principals are made, changed, listed and removed, and hold for who runs a script; who is not there is told
/// how to be made.
#[test]
fn principals_hold() {
    let (_directory, world) = world();
    let data = ["--data", &world];
    let principal = |rest: &[&str]| said(&[&["principal"], rest, &data].concat(), b"");
    let as_alice = ["exec", "--principal", "alice", "--scope", "a", "(core/kv/set k 1)"];
    refused(&[&as_alice[..], &data].concat(), b"", 2, "principal add alice --scope a=READ_WRITE");
    let added =
        principal(&["add", "alice", "--scope", "a=READ_WRITE", "--topic", "100=PUBSUB", "--max-rps", "5"]);
    assert_eq!(added.0, Some(0), "{added:?}");
    assert_eq!(principal(&["add", "alice"]).0, Some(2), "there is one");
    assert_eq!(said(&[&as_alice[..], &data].concat(), b"").1, "true\n");
    let list = principal(&["list", "--json"]).1;
    let list: Value = serde_json::from_str(&list).expect(&list);
    let expected = serde_json::json!([{"name": "alice", "scopes": {"a": "READ_WRITE"}, "topics": {"100": "PUBSUB"}, "max_rps": 5}]);
    assert_eq!(list, expected);
    assert_eq!(principal(&["grant", "alice", "--scope", "a=READ"]).0, Some(0));
    let (code, out, _) = said(&[&as_alice[..], &data].concat(), b"");
    assert!(code == Some(1) && out.contains("PERMISSION_DENIED"), "{out}");
    assert_eq!(principal(&["revoke", "alice", "--scope", "a", "--topic", "100"]).0, Some(0));
    assert_eq!(principal(&["list"]).1, "alice  5 events a second\n");
    for (rest, named) in [
        (&["grant", "alice", "--scope", "a=ALL"][..], "READ_WRITE"),
        (&["grant", "alice", "--scope", "a/b=READ"], "'/'"),
        (&["grant", "alice", "--topic", "-1=PUBSUB"], "65535"),
        (&["grant", "bob", "--scope", "a=READ"], "bob"),
        (&["remove", "bob"], "bob"),
    ] {
        refused(&[&["principal"], rest, &data].concat(), b"", 2, named);
    }
    assert_eq!(principal(&["remove", "alice"]).0, Some(0));
    assert_eq!(principal(&["list"]).1, "");
}

/// Claim: what only looks at a world or changes it makes none, nor does what is refused: one line names the directory
/// and says what to do, and the directory is as it was.
#[test]
fn nothing_makes_a_world_by_mistake() {
    let (directory, absent) = world();
    let empty = directory.path().join("empty").to_string_lossy().into_owned();
    std::fs::create_dir(&empty).unwrap_or_else(|error| panic!("{error}"));
    let script = directory.path().join("wrong.slp").to_string_lossy().into_owned();
    std::fs::write(&script, "(core/kv/set k").unwrap_or_else(|error| panic!("{error}"));
    for world in [&absent, &empty] {
        for (arguments, named) in [
            (&["principal", "list"][..], "principal add"),
            (&["principal", "grant", "a", "--scope", "a=READ"], "principal add"),
            (&["principal", "revoke", "a", "--scope", "a"], "principal add"),
            (&["principal", "remove", "a"], "principal add"),
            (&["exec", "--principal", "a", "1"], "principal add a --scope main=READ_WRITE"),
            (&["repl", "--principal", "a"], "principal add a --scope main=READ_WRITE"),
        ] {
            refused(&[arguments, &["--data", world]].concat(), b"", 2, named);
            refused(&[arguments, &["--data", world]].concat(), b"", 2, world);
        }
        for (arguments, named) in [
            (&["principal", "add", "a", "--scope", "a/b=READ"][..], "'/'"),
            (&["exec", "(1"], "column 1"),
            (&["exec", &script], "wrong.slp: line 1"),
            (&["exec", "; nothing"], "no form"),
            (&["exec", "--scope", "a/b", "1"], "'/'"),
            (&["run", &script, "--frames", "1"], "wrong.slp: line 1"),
        ] {
            refused(&[arguments, &["--data", world]].concat(), b"", 2, named);
        }
    }
    let left: Vec<_> = std::fs::read_dir(&empty).unwrap_or_else(|error| panic!("{error}")).collect();
    assert!(left.is_empty() && !std::path::Path::new(&absent).exists(), "{left:?}");
    assert_eq!(said(&["principal", "add", "a", "--data", &empty], b"").0, Some(0));
    assert_eq!(said(&["principal", "list", "--data", &empty], b"").1, "a\n");
}

/// Claim: every command is listed with what it takes.
#[test]
fn commands_are_listed() {
    let (code, out, _) = said(&["commands"], b"");
    assert!(code == Some(0) && out.contains("(core/kv/set key value)"), "{out}");
    let list: Value = serde_json::from_str(&said(&["commands", "--json"], b"").1).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(12));
    assert!(list[0]["help"].is_string() && list[0]["permission"].is_string());
}

/// Claim: `run FILE.slp` runs the forms and then frames; what a handler of its session hears is stored.
#[test]
fn scripts_are_run() {
    let (directory, world) = world();
    let file = directory.path().join("s.slp").to_string_lossy().into_owned();
    std::fs::write(&file, "(core/event/sub A 1 {(core/kv/set heard $data)})\n(core/event/pub A 1 \"x\")\n")
        .unwrap_or_else(|error| panic!("{error}"));
    let (code, out, err) = said(&["run", &file, "--frames", "5", "--data", &world, "--json"], b"");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!((code, lines.len()), (Some(0), 3), "{out} {err}");
    assert!(lines[2]["scene"] == "script" && lines[2]["durable_frame"] == lines[2]["frame"], "{out}");
    assert_eq!(said(&["exec", "(core/kv/get heard)", "--data", &world], b"").1, "\"x\"\n");
}

/// Claim: Ctrl-C ends `run FILE.slp` at a commit, with the report and exit code 0; the world is stored up to there.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_script_run() {
    let (directory, world) = world();
    let file = directory.path().join("s.slp").to_string_lossy().into_owned();
    std::fs::write(&file, "(core/kv/set k 5)").unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_diptych"));
    let command = command.args(["run", &file, "--frames", "1000000000", "--json", "--data", &world]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{error}"));
    let mut lines =
        std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("it is piped")));
    let mut line = || lines.next().map(|line| line.unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(line().as_deref(), Some(r#"{"error":false,"result":{"sym":"true"}}"#));
    let interrupt = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(interrupt.is_ok_and(|status| status.success()));
    let report: Value = serde_json::from_str(&line().unwrap_or_default()).unwrap_or_default();
    let status = child.wait().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(status.code(), Some(0), "{report}");
    assert!(report["frame"].as_u64().is_some_and(|frame| frame < 1_000_000_000), "{report}");
    assert_eq!(report["durable_frame"], report["frame"]);
    assert_eq!(said(&["exec", "(core/kv/get k)", "--data", &world], b"").1, "\"5\"\n");
}

/// Claim: without a terminal, `repl` reads forms over lines and goes on after what is wrong.
#[test]
fn repl_reads_forms() {
    let (code, out, err) = said(&["repl"], b"(core/kv/set\n k 1)\n)\n(core/kv/get k) 2\n:help\n:quit\n3\n");
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("true\n\"1\"\n2\nType a form") && !out.ends_with("3\n"), "{out}");
    assert_eq!(err.lines().count(), 1, "{err}");
    refused(&["repl"], b"(1\n", 2, "within a form");
}

/// Claim: what no more lines could mend is told at once, and the next form is read.
#[test]
fn repl_tells_at_once() {
    let (code, out, err) = said(&["repl"], b"(')\n1\n(]\n2\n'\n; more\n(3\n\"[\")\n");
    assert_eq!((code, out.as_str()), (Some(0), "1\n2\n(3 \"[\")\n"), "{err}");
    assert_eq!(err.lines().count(), 2, "{err}");
    assert!(err.contains("needs an object") && err.contains("another kind"), "{err}");
}

/// Claim: a form over many lines is read once, not once a line.
#[test]
fn repl_reads_long_forms() {
    const LINES: usize = 20_000;
    const TIME_MAX: std::time::Duration = std::time::Duration::from_secs(20);
    let form = format!("{{\n{}}}\n", "(core/kv/set \"key\" [1 2])\n".repeat(LINES));
    let started = std::time::Instant::now();
    let (code, out, err) = said(&["repl"], form.as_bytes());
    let took = started.elapsed();
    assert_eq!((code, out.matches("core/kv/set").count()), (Some(0), LINES), "{err}");
    assert!(took < TIME_MAX, "{LINES} lines took {took:?}");
}

/// Claim: a world is served by lines; a session of a removed principal can do nothing; the world is there afterwards;
/// a second program on the directory is refused in one line.
#[test]
fn stdio_serves() {
    let (_directory, world) = world();
    let mut command = Command::new(env!("CARGO_BIN_EXE_diptych"));
    let command = command.args(["stdio", "--manual", "--durability", "synced", "--data", &world]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("it is piped"));
    let mut ask = |line: &str| {
        writeln!(stdin, "{line}").expect("it reads");
        let mut reply = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut reply).expect("it answers");
        serde_json::from_str::<Value>(&reply).unwrap_or_else(|error| panic!("{reply}: {error}"))
    };
    let fine = serde_json::json!({"error": false});
    assert_eq!(ask(r#"{"op":"principal","entity":"a","scopes":{"a":"READ_WRITE"}}"#), fine);
    assert_eq!(ask(r#"{"op":"session","session":"s","entity":"a","scope":"a"}"#), fine);
    assert_eq!(ask(r#"{"op":"run","session":"s","script":"(core/kv/set k \"\u0000\")"}"#)["error"], false);
    assert_eq!(ask(r#"{"op":"store","key":"a/k"}"#)["value"], "\0");
    let status = ask(r#"{"op":"status"}"#);
    assert_eq!(status["frame"], status["durable_frame"]);
    refused(&["exec", "1", "--data", &world], b"", 2, &world);
    assert_eq!(ask(r#"{"op":"remove_principal","entity":"a"}"#), fine);
    let denied = ask(r#"{"op":"run","session":"s","script":"(core/kv/get k)","id":null}"#);
    assert!(
        denied["error"] == true && denied["result"].as_str().is_some_and(|text| text.starts_with('@')),
        "{denied}"
    );
    assert_eq!(ask("{")["error"], true);
    let nothing = ask(r#"{"op":"run","session":"s","script":"; nothing"}"#);
    assert_eq!(nothing["kind"], "nothing");
    drop(stdin);
    assert!(child.wait().is_ok_and(|status| status.success()));
    let list = said(&["inspect", &world], b"");
    assert!(list.0 == Some(0) && list.1.contains("kv.value"), "{list:?}");
}
