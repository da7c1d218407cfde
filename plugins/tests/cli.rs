//! The binary as a user meets it: exit codes, one line for what is wrong, and JSON and nothing else on standard
//! output, for worlds in memory and stored ones.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

#[path = "cli/pictures.rs"]
mod pictures;
#[path = "cli/scenes.rs"]
mod scenes;
#[path = "cli/series.rs"]
mod series;

fn diptych(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_diptych")).args(arguments).output();
    output.unwrap_or_else(|error| panic!("the binary cannot be started: {error}"))
}

fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/data").join(name);
    path.to_string_lossy().into_owned()
}

/// Runs to the end and gives the report, which must be all of standard output.
#[track_caller]
fn report(arguments: &[&str]) -> Value {
    let output = diptych(arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {err}");
    assert_eq!(out.lines().count(), 1, "{arguments:?} printed {out}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?} printed {out}: {error}"))
}

/// Bad input: exit code 2, one line on standard error with `named` in it, nothing on standard output.
#[track_caller]
fn refused(arguments: &[&str], named: &str) {
    let output = diptych(arguments);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
    let is_a_line = err.starts_with("error: ") && err.lines().count() == 1 && err.contains(named);
    assert!(is_a_line, "{arguments:?}: {err}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

/// Claim: the README's command gives the published population, on any number of threads with one digest.
#[test]
fn r_pentomino_is_reported() {
    let file = data("r-pentomino.rle");
    let run = |threads| report(&["run", "life", &file, "--frames", "1103", "--threads", threads, "--json"]);
    let first = run("1");
    assert_eq!((&first["scene"], &first["frame"]), (&Value::from("life"), &Value::from(1103)));
    assert_eq!(first["population"], 116);
    assert_eq!(first["digest"].as_str().map(str::len), Some(32));
    assert!(
        first.get("energy").is_none() && first["seconds"].is_f64() && first["frames_per_second"].is_f64()
    );
    for threads in ["2", "4", "8"] {
        assert_eq!(run(threads)["digest"], first["digest"], "on {threads} threads");
    }
}

/// Claim: the planets have the published energies, built in and from the shipped file alike.
#[test]
fn energies_are_reported() {
    let file = data("planets.csv");
    for (frames, energy) in [("0", -0.169_075_164), ("1000", -0.169_087_605), ("50000", -0.169_078_071)] {
        let built_in = report(&["run", "nbody", "--frames", frames, "--json"]);
        let read = report(&["run", "nbody", &file, "--frames", frames, "--dt", "0.01", "--json"]);
        assert_eq!(built_in["energy"], energy, "at frame {frames}");
        assert_eq!((&read["energy"], &read["digest"]), (&built_in["energy"], &built_in["digest"]));
    }
}

/// Claim: without `--json` the report is for people, and has the measure in it.
#[test]
fn text_is_for_people() {
    let output = diptych(&["run", "life", &data("gosper-gun.rle"), "--frames", "30"]);
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("population     41\n"), "{out}");
}

/// Claim: bad input is one line on standard error that names what is wrong and where, with exit code 2.
#[test]
fn bad_input_is_one_line() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{error}"));
        path.to_string_lossy().into_owned()
    };
    let unknown = write("unknown.rle", "#C c\nx = 3, y = 1\nboq!");
    let wide = write("wide.rle", "x = 3, y = 1\n4o!");
    let missing = write("missing.csv", "name,mass,x,y,z,vx,vy\nA,1,0,0,0,0,0\n");
    let nan = write("nan.csv", "name,mass,x,y,z,vx,vy,vz\nA,1,0,nan,0,0,0,0\n");
    let pentomino = data("r-pentomino.rle");
    let frames = ["--frames", "1"];
    for (arguments, named) in [
        (&["run", "life", &unknown][..], "unknown.rle: line 3, column 3: unknown character 'q'"),
        (&["run", "life", &wide], "wide.rle: line 2, column 1: row 1 has at least 4 cells"),
        (&["run", "life", "no-such.rle"], "no-such.rle"),
        (&["run", "life", &pentomino, "--grid", "0x0"], "--grid"),
        (&["run", "life", &pentomino, "--grid", "2x9"], "3x3 cells does not fit on the grid 2x9"),
        (&["run", "life", &pentomino, "--threads", "0"], "--threads"),
        (&["run", "life", &pentomino, "--durability", "synced"], "--data"),
        (&["run", "nbody", &missing], "missing.csv: line 1, column vz: "),
        (&["run", "nbody", &nan], "nan.csv: line 2, column y: 'nan' is not finite"),
        (&["run", "nbody", "--dt", "0"], "--dt"),
    ] {
        let output = diptych(&[arguments, &frames[..]].concat());
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
        assert!(
            err.starts_with("error: ") && err.lines().count() == 1 && err.contains(named),
            "{arguments:?}: {err}"
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// Claim: a stored world goes on where it was, also after `kill -9`, to the digest of a run in one go; and it is
/// never continued as another one.
#[test]
fn stored_world_goes_on() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let world = directory.path().join("world").to_string_lossy().into_owned();
    let gun = data("gosper-gun.rle");
    let go = ["run", "life", &gun, "--grid", "130x70", "--json", "--frames"];
    let stored = |frames: &str| report(&[&go[..], &[frames, "--data", &world]].concat());
    assert_eq!(stored("70")["frame"], 70);
    for _ in 0..3 {
        let arguments = [&go[..], &["1000000000", "--data", &world]].concat();
        let mut child = Command::new(env!("CARGO_BIN_EXE_diptych")).args(arguments).spawn();
        let child = child.as_mut().unwrap_or_else(|error| panic!("{error}"));
        std::thread::sleep(std::time::Duration::from_millis(150));
        child.kill().unwrap_or_else(|error| panic!("{error}"));
        child.wait().unwrap_or_else(|error| panic!("{error}"));
    }
    // Where it is now is told by the refusal to go back.
    let refusal = diptych(&[&go[..], &["69", "--data", &world]].concat());
    let message = String::from_utf8_lossy(&refusal.stderr).into_owned();
    let at = message.split("at frame ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::parse::<u64>);
    let Some(Ok(at)) = at else { panic!("{message}") };
    assert!(refusal.status.code() == Some(2) && at >= 70, "{message}");
    let goal = (at + 30).to_string();
    let (went_on, in_one_go) = (stored(&goal), report(&[&go[..], &[&goal]].concat()));
    assert_eq!(went_on["digest"], in_one_go["digest"], "at frame {goal}");
    assert_eq!(went_on["durable_frame"], went_on["frame"]);

    let pentomino = data("r-pentomino.rle");
    for (arguments, named) in [
        (&["run", "life", &pentomino, "--grid", "130x70"][..], "life.pattern"),
        (&["run", "life", &gun, "--grid", "131x70"], "life.grid"),
        (&["run", "life", &gun, "--grid", "130x70", "--seed", "3"], "seed"),
        (&["run", "nbody"], "scene"),
    ] {
        let output = diptych(&[arguments, &["--frames", "1", "--data", &world]].concat());
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
        assert!(
            err.lines().count() == 1 && err.contains(named) && err.contains(&world),
            "{arguments:?}: {err}"
        );
    }
    assert_eq!(stored(&goal)["digest"], in_one_go["digest"], "the refusals changed nothing");
}

/// Claim: a world in memory is kept by nothing, and says so; a stored one says how far it is kept.
#[test]
fn worlds_in_memory_are_not_durable() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let world = directory.path().join("world").to_string_lossy().into_owned();
    let go = ["run", "nbody", "--frames", "5"];
    assert_eq!(report(&[&go[..], &["--json"]].concat())["durable_frame"], Value::Null);
    let text = diptych(&go);
    assert!(String::from_utf8_lossy(&text.stdout).contains("durable frame  none\n"));
    assert_eq!(report(&[&go[..], &["--json", "--data", &world]].concat())["durable_frame"], 5);
    let back = diptych(&["run", "nbody", "--frames", "4", "--data", &world]);
    let err = String::from_utf8_lossy(&back.stderr);
    assert!(back.status.code() == Some(2) && err.contains(&world) && err.contains("--frames 4"), "{err}");
}

/// Claim: `DIPTYCH_LOG=debug` prints spans on standard error, and what is no filter is refused.
#[test]
fn log_is_printed_or_refused() {
    let run = |filter: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diptych"));
        let command = command.args(["run", "nbody", "--frames", "2", "--json"]).env("DIPTYCH_LOG", filter);
        command.output().unwrap_or_else(|error| panic!("{error}"))
    };
    let logged = run("debug");
    let err = String::from_utf8_lossy(&logged.stderr);
    assert!(logged.status.success() && err.contains("close"), "{err}");
    assert_eq!(String::from_utf8_lossy(&logged.stdout).lines().count(), 1);
    for filter in ["diptych=loud", "a=b=c"] {
        let refused = run(filter);
        let err = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{filter}: {err}");
        assert!(err.lines().count() == 1 && err.contains("DIPTYCH_LOG"), "{filter}: {err}");
    }
}

/// Claim: bodies whose energy is no number end the run with exit code 1 and one line.
#[test]
fn energy_that_is_no_number_fails() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let file = directory.path().join("twins.csv");
    let twins = "name,mass,x,y,z,vx,vy,vz\nA,1,0,0,0,0,0,0\nB,1,1e-300,0,0,0,0,0\n";
    std::fs::write(&file, twins).unwrap_or_else(|error| panic!("{error}"));
    let output = diptych(&["run", "nbody", &file.to_string_lossy(), "--frames", "3"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.lines().count() == 1 && err.contains("energy") && output.stdout.is_empty(), "{err}");
}

/// Claim: `verify` says one problem a line on standard output, the sum on standard error; a torn slot of the
/// watermark is a note.
#[test]
fn verify_tells_notes_from_problems() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let world = directory.path().join("world").to_string_lossy().into_owned();
    report(&["run", "nbody", "--frames", "5", "--json", "--data", &world]);
    let path = directory.path().join("world/watermark");
    let mut bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{error}"));
    let mut check = |slot: usize| {
        bytes[slot * 4096 + 9] ^= 1;
        std::fs::write(&path, &bytes).unwrap_or_else(|error| panic!("{error}"));
        let output = diptych(&["verify", &world]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, err) = check(0);
    assert!(code == Some(0) && out.starts_with("note: ") && err.is_empty(), "{code:?} {out} {err}");
    let (code, out, err) = check(1);
    assert!(code == Some(1) && out.lines().count() == 1 && out.contains("neither"), "{code:?} {out}");
    assert!(err.lines().count() == 1 && err.contains("1 problem found"), "{err}");
}

/// Claim: each kept frame of a world has the digest that the run reported at it, `diff` names what changed, and a
/// backup is a world at the same frame; what is not kept, or in the way, is refused in one line.
#[test]
fn the_past_of_a_world_can_be_looked_at_compared_and_copied() {
    let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let (world, copy) = (dir.path().join("world"), dir.path().join("copy"));
    let (world, copy) = (world.to_string_lossy().into_owned(), copy.to_string_lossy().into_owned());
    let run = |frames| {
        report(&["run", "nbody", "--frames", frames, "--data", &world, "--history", "1000", "--json"])
    };
    let digests: Vec<Value> = ["20", "50", "90"].map(|frames| run(frames)["digest"].clone()).into();
    for (frame, digest) in ["20", "50", "90"].iter().zip(&digests) {
        let then = report(&["inspect", &world, "--frame", frame, "--json"]);
        assert_eq!((&then["digest"], &then["entities"]), (digest, &Value::from(5)), "at frame {frame}");
        assert_eq!(then["problems"], Value::Array(Vec::new()));
    }
    assert_eq!(report(&["inspect", &world, "--json"])["kept"], serde_json::json!([0, 90]));
    let diff = report(&["diff", &world, "20", "50", "--limit", "2", "--json"]);
    assert_eq!((&diff["from_digest"], &diff["to_digest"]), (&digests[0], &digests[1]));
    assert_eq!((&diff["entities_made"], &diff["entities_gone"]), (&Value::from(0), &Value::from(0)));
    let moved =
        diff["components"].as_array().and_then(|parts| parts.iter().find(|part| part["changed"] == 5));
    assert!(moved.is_some_and(|part| part["rows"].as_array().map(Vec::len) == Some(2)), "{diff}");
    let same = String::from_utf8_lossy(&diptych(&["diff", &world, "50", "50"]).stdout).into_owned();
    assert!(same.contains("nothing differs"), "{same}");
    let made = report(&["backup", &world, &copy, "--json"]);
    assert_eq!((&made["frame"], &made["digest"]), (&Value::from(90), &digests[2]));
    assert!(diptych(&["verify", &copy]).status.success());
    let on = report(&["run", "nbody", "--frames", "120", "--data", &copy, "--json"]);
    assert_eq!(on["digest"], run("120")["digest"], "the copy goes on as the world does");
    for (arguments, named) in [
        (&["inspect", &world, "--frame", "500"][..], "frame 500 is not kept: the frames 0 to 120 are"),
        (&["diff", &world, "1", "500"], "frame 500 is not kept"),
        (&["backup", &world, &copy], "something is there"),
        (&["backup", &copy, "/nowhere/at/all"], "does not exist; make it first"),
        (&["run", "nbody", "--frames", "1", "--history", "5"], "--data"),
    ] {
        let output = diptych(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(named) && told.lines().count() == 1, "{arguments:?}: {told}");
    }
}
