//! The binary as a user meets it: exit codes, one line for what is wrong, and JSON and nothing else on standard
//! output. Worlds here are in memory; stored ones have their own tests.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

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
