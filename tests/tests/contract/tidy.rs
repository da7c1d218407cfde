//! House rules that a test can check, for every Rust file of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lines of a file at most.
const LINES_MAX: usize = 400;
/// Crates of the workspace, by folder.
const CRATES: [&str; 7] = ["components", "engine", "systems", "plugins", "benches", "examples", "tests"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the workspace")
        .to_owned()
}

/// Every Rust file with its text, by its path from the root.
fn sources() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders: Vec<PathBuf> = CRATES.iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the workspace") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                files.insert(name, std::fs::read_to_string(&path).expect("text"));
            }
        }
    }
    assert!(files.len() > 60, "only {} files were found", files.len());
    files
}

#[track_caller]
fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Every file opens by saying what it is.
#[test]
fn files_open_with_their_purpose() {
    let untold = |text: &str| !text.starts_with("//! ") && !text.starts_with("#![doc = include_str!");
    none(sources().into_iter().filter(|(_, text)| untold(text)).map(|(name, _)| name).collect());
}

/// Files stay short enough to be read.
#[test]
fn files_are_short() {
    let long = |(name, text): (String, String)| {
        let lines = text.lines().count();
        (lines > LINES_MAX).then(|| format!("{name} has {lines} lines; the limit is {LINES_MAX}"))
    };
    none(sources().into_iter().filter_map(long).collect());
}

/// Sources are ASCII.
#[test]
fn sources_are_ascii() {
    let mut problems = Vec::new();
    for (name, text) in sources() {
        let strange = text.lines().enumerate().filter(|(_, line)| !line.is_ascii());
        problems.extend(strange.map(|(n, line)| format!("{name}:{}: {line}", n + 1)));
    }
    none(problems);
}

/// Code with `unsafe` in it says so at the top of the file or of the item, with a reason.
#[test]
fn unsafe_is_declared() {
    let code = |line: &&str| {
        let line = line.split("//").next().unwrap_or_default();
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "unsafe")
            && !line.contains('"')
    };
    let declares = |text: &str| {
        ["expect", "allow"].iter().any(|how| text.contains(&format!("{how}(unsafe_code, reason = ")))
            || text.contains("#![expect(\n    unsafe_code")
    };
    let undeclared = |text: &str| text.lines().any(|line| code(&line)) && !declares(text);
    none(sources().into_iter().filter(|(_, text)| undeclared(text)).map(|(name, _)| name).collect());
}

/// Each of these has one door in the engine, so that a build can leave it out or a target can lack it.
#[test]
fn rayon_and_the_clock_have_one_door() {
    let doors = [("rayon::", "engine/src/pool.rs"), ("Instant::now", "engine/src/timer.rs")];
    let mut problems = Vec::new();
    for (name, text) in sources() {
        // The store is a feature of its own and needs a clock; tests wait.
        let free = !name.starts_with("engine/src/") || name.contains("/store") || name.ends_with("tests.rs");
        let shut = doors.iter().filter(|(what, door)| !free && name != *door && text.contains(what));
        problems.extend(shut.map(|(what, door)| format!("{name} names {what}, which only {door} may")));
    }
    none(problems);
    assert!(doors.iter().all(|(what, door)| sources()[*door].contains(what)), "a door has moved");
}

/// Lints are expected, never allowed, but in macros that say why.
#[test]
fn lints_are_expected_not_allowed() {
    let mut problems = Vec::new();
    for (name, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (n, line) in lines.iter().enumerate() {
            let line = line.trim_start();
            let excused = n > 0 && lines[n - 1].contains("expect(clippy::allow_attributes");
            if (line.starts_with("#[allow(") || line.starts_with("#![allow(")) && !excused {
                problems.push(format!("{name}:{}: {line}", n + 1));
            }
        }
    }
    none(problems);
}

/// The crates depend on each other as the diamond says; `components` and `engine` do not know each other.
#[test]
fn the_crates_are_a_diamond() {
    let own = |name: &str| {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).expect("a manifest");
        let names = manifest.lines().filter(|line| !line.trim_start().starts_with('#'));
        let names = names.filter_map(|line| line.split(['.', ' ', '=']).next());
        names.filter(|name| name.starts_with("diptych")).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let is = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(own("components"), is(&[]));
    assert_eq!(own("engine"), is(&[]));
    assert!(own("systems").is_subset(&is(&["diptych-components", "diptych-engine"])));
    assert!(own("plugins").is_subset(&is(&["diptych-components", "diptych-engine", "diptych-systems"])));
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    for name in CRATES {
        assert!(manifest.contains(&format!("\"{name}\"")), "{name} is no member");
        assert!(root().join(name).join("Cargo.toml").exists(), "{name} is no crate");
    }
}

/// Every path that ARCHITECTURE.md names exists; skipped while there is no such file.
#[test]
fn the_map_names_what_is_there() {
    let Ok(map) = std::fs::read_to_string(root().join("ARCHITECTURE.md")) else { return };
    let quoted = map.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| {
        let first = text.split('/').next().unwrap_or_default();
        text.contains('/') && CRATES.contains(&first) && !text.contains(['*', '<', ' ', '{'])
    };
    let missing = quoted.filter(is_path).filter(|path| !root().join(path.trim_end_matches('/')).exists());
    none(missing.map(|path| format!("ARCHITECTURE.md names {path}, which is not there")).collect());
}
