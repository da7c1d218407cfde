//! Every scene of the command line: one table, the same promises.

use serde_json::Value;

use super::{refused, report};

/// Arguments of a scene, small enough for a test, and the keys of its measures.
const SCENES: [(&[&str], &[&str]); 6] = [
    (&["nbody"], &["energy"]),
    (
        &["gravity", "--bodies", "80", "--seed", "7", "--no-exchange"],
        &["bodies", "momentum_error", "energy_drift", "energy"],
    ),
    (&["ants", "--agents", "60", "--grid", "64x128", "--seed", "7"], &["population", "food", "delivered"]),
    (&["minds", "--agents", "30", "--seed", "7"], &["population", "hungry", "explored"]),
    (&["agents", "--agents", "30", "--seed", "7"], &["population", "asked", "tasks_queued", "memories"]),
    (&["eidolon", "--bodies", "40", "--seed", "7"], &["population", "energy", "momentum"]),
];

/// Claim: each scene reports its measures, draws something, records what it reports, and is the same world on one and on
/// two threads, stored or not, and when it is made again.
#[test]
fn every_scene_keeps_the_promises() {
    for (scene, keys) in SCENES {
        let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        let run = |threads: &str, frames: &str, picture: &str, more: &[&str]| {
            let go =
                ["--threads", threads, "--frames", frames, "--json", "--png", picture, "--size", "80x60"];
            report(&[&["run"][..], scene, &go, more].concat())
        };
        let one = run("1", "24", &path("one.png"), &[]);
        let two = run("2", "24", &path("two.png"), &[]);
        assert_eq!(one["scene"], scene[0]);
        assert_eq!(one["digest"], two["digest"], "{scene:?}");
        for key in keys {
            assert!(one[*key].is_number() && one[*key] == two[*key], "{scene:?}: {key} is {}", one[*key]);
        }
        let picture =
            |name: &str| std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(picture("one.png") == picture("two.png"), "{scene:?}");
        assert!(picture("one.png").len() > 200, "{scene:?}: an empty picture");

        let stored = ["--data", &path("world"), "--record", "6"];
        run("2", "10", &path("ten.png"), &stored);
        let world = run("1", "24", &path("world.png"), &stored);
        assert!(picture("world.png") == picture("one.png"), "{scene:?}: recording changes no picture");
        let again = report(&["replay", &path("world"), "--verify", "--json"]);
        assert_eq!(
            (&again["digest"], &again["verified"]),
            (&world["digest"], &Value::Bool(true)),
            "{scene:?}"
        );
        for key in keys {
            let drawn = report(&["plot", &path("world"), key, "--out", &path("a.svg"), "--json"]);
            assert_eq!(drawn["values"], 4, "{scene:?}: {key} at frames 0, 6, 12, 18");
        }
    }
}

/// Claim: each option of a scene makes another world.
#[test]
fn options_reach_the_world() {
    let base = ["gravity", "--bodies", "50"];
    let mut digests = Vec::new();
    for more in [&[][..], &["--seed", "9"], &["--no-exchange"], &["--rules", "seed"], &["--dt", "0.5"]] {
        digests.push(
            report(&[&["run"], &base[..], more, &["--frames", "40", "--json"]].concat())["digest"].clone(),
        );
    }
    for more in [&[][..], &["--seed", "9"], &["--rk4"], &["--dt", "0.5"], &["--bodies", "51"]] {
        let field = report(&[&["run", "eidolon", "--frames", "40", "--json"], more].concat());
        digests.push(field["digest"].clone());
    }
    for (at, digest) in digests.iter().enumerate() {
        assert!(!digests[..at].contains(digest), "world {at} is an earlier one: {digests:?}");
    }
}

/// Claim: options of scenes that cannot be are refused in one line that names them.
#[test]
fn bad_options_are_refused() {
    for (arguments, named) in [
        (&["gravity", "--bodies", "0"][..], "0 bodies"),
        (&["gravity", "--rules", "fair"], "conserving or seed"),
        (&["gravity", "--rules", "seed", "--no-exchange"], "--no-exchange"),
        (&["gravity", "--rules", "seed", "--dt", "0.1"], "--dt"),
        (&["ants", "--size", "90x70"], "--png"),
        (&["ants", "--every", "5"], "--gif"),
        (&["ants", "--png", "/no/such/folder/a.png", "--every", "5"], "--gif"),
        (&["eidolon", "--bodies", "99999999"], "99999999 particles are too many"),
        (&["eidolon", "--dt", "0"], "--dt"),
        (&["ants", "--grid", "65x64"], "65x64"),
        (&["ants", "--agents", "4000000000"], "4000000000 ants are too many"),
        (&["minds", "--items", "4000000000"], "4000000000 items are too many"),
        (&["agents", "--agents", "4000000000"], "4000000000 agents are too many"),
        (&["agents", "--llm", "telepathy"], "telepathy"),
        (&["agents", "--llm", "ollama", "--url", "https://x"], "https://x cannot be asked"),
        (&["agents", "--llm", "openai", "--model", ""], "a model has a name"),
        (&["agents", "--url", "http://127.0.0.1:1"], "--llm"),
    ] {
        refused(&[&["run"][..], arguments, &["--frames", "1"]].concat(), named);
    }
}

/// Claim: a model that is not there is a failure of every question, and frames go on; such a world is another than one with
/// a model of its own, and is replayed without any.
#[test]
fn a_model_that_is_not_there_stops_nothing() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let data = directory.path().join("world").to_string_lossy().into_owned();
    // A port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}", port.unwrap_or_else(|error| panic!("{error}")));
    let base = ["run", "agents", "--agents", "6", "--frames", "300", "--data", &data, "--json"];
    let world = report(&[&base[..], &["--llm", "ollama", "--url", &url, "--hz", "300"]].concat());
    assert_eq!(world["frame"], 300);
    assert!(world["asked"].as_u64() >= Some(6) && world["answered"] == 0, "{world}");
    assert!(world["failed"].as_u64() >= Some(4), "{world}");
    refused(&base, "agent.model");
    let again = report(&["replay", &data, "--verify", "--json"]);
    assert_eq!((&again["digest"], &again["verified"]), (&world["digest"], &Value::Bool(true)));
}
