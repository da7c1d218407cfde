//! Measures that are recorded in a world, and drawings of them.

use super::{data, refused, report};

/// The points of all curves of a drawing, which must be balanced.
fn points(drawing: &str) -> Vec<(f64, f64)> {
    let mut open: Vec<&str> = Vec::new();
    for tag in drawing.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("a tag has no end: {tag}"));
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "in {drawing}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
    }
    assert!(open.is_empty() && drawing.starts_with("<svg "), "{open:?}");
    let curves = drawing.split("<polyline ").skip(1).filter_map(|rest| rest.split("points=\"").nth(1));
    let places = curves.filter_map(|rest| rest.split('"').next()).flat_map(|list| list.split(' '));
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|error| panic!("{text}: {error}"));
    places.filter_map(|place| place.split_once(',')).map(|(x, y)| (number(x), number(y))).collect()
}

/// Claim: a world that records is drawn with one point a value, also when it went on; a world that does not keeps its
/// digest, and its frames made again give the same drawing.
#[test]
fn what_is_recorded_is_drawn() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let pentomino = data("r-pentomino.rle");
    let run = |world: &str, frames: &str, more: &[&str]| {
        let go = ["run", "life", &pentomino, "--grid", "128x128", "--json", "--frames", frames];
        report(&[&go[..], &["--data", &path(world)], more].concat())
    };
    let plain = run("plain", "200", &[]);
    run("recording", "97", &["--record", "10"]);
    let recording = run("recording", "200", &["--record", "10"]);
    let in_one_go = run("again", "200", &["--record", "10", "--threads", "1"]);
    assert_eq!(recording["digest"], in_one_go["digest"]);
    assert_ne!(recording["digest"], plain["digest"]);
    assert_eq!(recording["population"], plain["population"]);

    let drawn = report(&["plot", &path("recording"), "population", "--out", &path("a.svg"), "--json"]);
    // The value of frame 200 is recorded when the world goes on.
    assert_eq!((&drawn["values"], &drawn["points"]), (&20.into(), &20.into()), "{drawn}");
    assert_eq!((&drawn["first_frame"], &drawn["last_frame"]), (&0.into(), &190.into()));
    assert_eq!(drawn["least"], 5.0);
    let drawing = std::fs::read_to_string(path("a.svg")).unwrap_or_else(|error| panic!("{error}"));
    let places = points(&drawing);
    assert_eq!(places.len(), 20);
    assert!(places.windows(2).all(|pair| pair[0].0 < pair[1].0), "frames go to the right: {places:?}");
    // R-pentomino has 5 cells at frame 0: the lowest point.
    assert!(places.iter().all(|place| place.1 <= places[0].1), "{places:?}");
    assert!(drawing.contains(">population, cells<") && drawing.contains(">frame<"));

    let svg = |world: &str, more: &[&str]| {
        let output = super::diptych(&[&["plot", &path(world), "population", "--out", "-"], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(svg("recording", &[]), drawing);
    let again = ["--replay", "--every", "10", "--threads"];
    let replayed = svg("plain", &[&again[..], &["2"]].concat());
    assert_eq!(points(&replayed).len(), 21, "a replay measures the last frame too");
    assert_eq!(svg("plain", &[&again[..], &["1"]].concat()), replayed);
    assert_eq!(report(&["replay", &path("recording"), "--verify", "--json"])["digest"], recording["digest"]);
}

/// Claim: what was not recorded, no world, and files that cannot be written are refused in one line that says what to do.
#[test]
fn bad_plots_are_refused() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (world, plain, out) = (path("world"), path("plain"), path("a.svg"));
    let go = ["run", "nbody", "--frames", "20", "--json", "--data"];
    report(&[&go[..], &[&world, "--record", "5"]].concat());
    report(&[&go[..], &[&plain]].concat());
    for (arguments, named) in [
        (&["plot", &world, "mood", "--out", &out][..], "there is no mood; there are energy"),
        (
            &["plot", &plain, "energy", "--out", &out],
            "nothing is recorded in this world; run it with --record N",
        ),
        (&["plot", &plain, "mood", "--out", &out, "--replay"], "there is no mood; there are energy"),
        (&["plot", &plain, "energy", "--out", &path("")], "it is a directory"),
        (&["plot", &plain, "energy", "--out", "/no/such/folder/a.svg"], "/no/such/folder/a.svg"),
        (&["plot", &path("nothing"), "energy", "--out", &out], "nothing"),
        (&["plot", &world, "energy", "--out", &out, "--every", "5"], "--replay"),
        (&["plot", &world, "energy", "--out", &out, "--threads", "2"], "--replay"),
        (&["plot", &world, "energy", "--out", "-", "--json"], "--json has nowhere to print the report"),
        (&["run", "nbody", "--frames", "30", "--data", &world, "--record", "6"], "series.every"),
        (&["run", "nbody", "--frames", "30", "--data", &world], "series"),
        (&["run", "nbody", "--frames", "30", "--data", &plain, "--record", "5"], "series.every"),
    ] {
        refused(arguments, named);
    }
    assert!(!directory.path().join("a.svg").exists());
}
