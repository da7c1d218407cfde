//! Worlds on their way, through the binary: export and import, files that are not whole, pipes that nobody reads.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What a shell says of a program that a broken pipe has ended.
const UNREAD: Option<i32> = Some(141);
/// What a pipe holds that nobody reads.
const PIPE_BYTES: u64 = 64 << 10;

fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diptych"));
    command.args(arguments);
    command
}

#[track_caller]
fn diptych(arguments: &[&str]) -> Output {
    binary(arguments).output().unwrap_or_else(|error| panic!("the binary cannot be started: {error}"))
}

/// Runs to the end and gives the report, which must be all of standard output.
#[track_caller]
fn report(arguments: &[&str]) -> Value {
    let output = diptych(arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {err}");
    assert_eq!(out.lines().count(), 1, "{arguments:?} printed {out}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?} printed {out}: {error}"))
}

fn pattern() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/r-pentomino.rle");
    path.to_string_lossy().into_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A directory with a world in it that has run life for some frames.
struct Place {
    dir: tempfile::TempDir,
    world: String,
}

impl Place {
    fn new(frames: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let world = dir.path().join("world").to_string_lossy().into_owned();
        let place = Self { dir, world };
        place.run(&place.world, frames);
        place
    }

    /// A second world, whose exports are larger than what a pipe holds.
    fn large(&self) -> String {
        let world = self.path("large");
        report(&[
            "run",
            "life",
            &pattern(),
            "--grid",
            "2048x2048",
            "--frames",
            "1",
            "--data",
            &world,
            "--json",
        ]);
        let (file, form) = (self.path("large.file"), [&[][..], &["--json"]]);
        for form in form {
            let out = report(&[&["export", &world, &file, "--report"], form].concat());
            assert!(out["bytes"].as_u64() > Some(4 * PIPE_BYTES), "{form:?} is too small: {out}");
        }
        world
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().into_owned()
    }

    /// Goes on to a frame; the report.
    #[track_caller]
    fn run(&self, world: &str, frames: &str) -> Value {
        report(&["run", "life", &pattern(), "--grid", "90x70", "--frames", frames, "--data", world, "--json"])
    }

    fn names(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path()).expect("it is there");
        let mut names: Vec<PathBuf> = entries.map(|entry| entry.expect("it is there").path()).collect();
        names.sort();
        names
    }
}

/// Claim: a world that went through a file, in either form, or through a pipe, has the same digest, and the same one
/// after a thousand more frames; the file of an import is the file that it came from.
#[test]
fn a_world_comes_back_from_a_file_and_from_a_pipe() {
    let place = Place::new("700");
    let digest = report(&["inspect", &place.world, "--json"])["digest"].clone();
    let mut imports = Vec::new();
    for (name, form) in [("binary", &[][..]), ("lines", &["--json"])] {
        let (file, world) = (place.path(&format!("{name}.file")), place.path(name));
        let out = report(&[&["export", &place.world, &file, "--report"], form].concat());
        let bytes = std::fs::metadata(&file).expect("it was written").len();
        assert_eq!((&out["frame"], &out["digest"], &out["bytes"]), (&700.into(), &digest, &bytes.into()));
        let back = report(&["import", &file, &world, "--report"]);
        assert_eq!((&back["digest"], &back["bytes"]), (&digest, &bytes.into()), "{name}");
        assert!(diptych(&["verify", &world]).status.success(), "{name}");
        let again = place.path("again.file");
        report(&[&["export", &world, &again, "--report"], form].concat());
        assert!(std::fs::read(&again).expect("a file") == std::fs::read(&file).expect("a file"), "{name}");
        imports.push(world);
    }
    for (name, form) in [("pipe", &[][..]), ("piped-lines", &["--json"])] {
        let world = place.path(name);
        let mut export = binary(&[&["export", &place.world, "-"], form].concat());
        let mut export = export.stdout(Stdio::piped()).spawn().expect("the binary");
        let import = binary(&["import", "-", &world, "--report"])
            .stdin(export.stdout.take().expect("it is piped"))
            .output()
            .expect("the binary");
        assert!(export.wait().expect("it ends").success() && import.status.success(), "{name}");
        let back: Value = serde_json::from_slice(&import.stdout).expect("a report");
        assert_eq!(back["digest"], digest, "{name}");
        imports.push(world);
    }
    let original = place.run(&place.world, "1700");
    assert_ne!(original["digest"], digest, "nothing happens in a thousand frames");
    for world in &imports {
        assert_eq!(place.run(world, "1700")["digest"], original["digest"], "{world}");
    }
}

/// Claim: a file that is not whole, of an unknown type, or none at all, and a directory that is taken are refused with
/// exit code 2 and one line that names file and fault; nothing is left behind, and what was there is as before.
#[test]
fn what_is_not_whole_is_refused_and_leaves_nothing_behind() {
    let place = Place::new("60");
    let (good, lines) = (place.path("good.world"), place.path("good.jsonl"));
    report(&["export", &place.world, &good, "--report"]);
    report(&["export", &place.world, &lines, "--json", "--report"]);
    let (bytes, told) =
        (std::fs::read(&good).expect("it is there"), std::fs::read(&lines).expect("it is there"));
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(place.path(name), bytes).expect("it can be written");
    };
    let flipped = |bytes: &[u8], at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        changed
    };
    // A digit of a cell: still JSON, still a value, and another world.
    let told_text = text(&told);
    let digit = told_text.rfind("\"values\":{").expect("entities have values");
    let digit = digit + told_text[digit..].find(":\"").expect("a value") + 2;
    write("cut.world", &bytes[..bytes.len() / 2]);
    write("cut.jsonl", &told[..told.len() / 2]);
    write(
        "lost.jsonl",
        told_text.lines().take(9).map(|line| format!("{line}\n")).collect::<String>().as_bytes(),
    );
    write("flipped.world", &flipped(&bytes, bytes.len() / 2));
    write("flipped.jsonl", &flipped(&told, digit));
    write("unknown.jsonl", told_text.replace("\"values\":{\"life.", "\"values\":{\"life.un").as_bytes());
    write("tomorrow.jsonl", told_text.replacen("\"format\":1", "\"format\":2", 1).as_bytes());
    write("none", b"this is no world");
    write("empty", b"");
    std::fs::create_dir(place.path("taken")).expect("it can be made");
    write("taken/letter", b"mine");
    let before = place.names();
    let new = place.path("new");
    let taken = place.path("taken");
    for (file, into, words) in [
        ("cut.world", &new, &["cut in", "byte"][..]),
        ("cut.jsonl", &new, &["line "]),
        ("lost.jsonl", &new, &["line 10", "the file is cut"]),
        ("flipped.world", &new, &["block", "a byte was changed"]),
        ("flipped.jsonl", &new, &["digest"]),
        ("unknown.jsonl", &new, &["line ", "life.", "has no value"]),
        ("tomorrow.jsonl", &new, &["line 1", "format is 2", "newer"]),
        ("none", &new, &["no snapshot"]),
        ("empty", &new, &["ends before"]),
        ("missing", &new, &["No such file"]),
        ("good.world", &taken, &["not empty"]),
        ("good.world", &place.path("no/where"), &["make it first"]),
        ("good.world", &good, &["no directory"]),
    ] {
        let path = place.path(file);
        let output = diptych(&["import", &path, into]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{file}: {said}");
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{file}: {said}");
        let named = if words[0] == "not empty" || file == "good.world" { into } else { &path };
        assert!(said.contains(named.as_str()), "{file}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{file}: {said}");
        assert!(output.stdout.is_empty() && place.names() == before, "{file}: {:?}", place.names());
    }
    // The same through a pipe is named as what it is.
    let cut = std::fs::File::open(place.path("cut.world")).expect("it is there");
    let output = binary(&["import", "-", &new]).stdin(cut).output().expect("the binary");
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("standard input: "), "{said}");
    assert_eq!(place.names(), before);
    assert_eq!(std::fs::read(place.path("taken/letter")).expect("it is there"), b"mine");
}

/// Claim: an export that cannot be written leaves nothing and says which file; a device is written to, not replaced.
#[test]
fn an_export_that_cannot_be_written_leaves_nothing() {
    let place = Place::new("20");
    let before = place.names();
    for (world, file, code, words) in [
        (&place.world, place.path("no/where"), 2, "no/where: the file cannot be written: No such file"),
        (&place.world, place.path("world"), 2, "is a directory"),
        (&place.path("nobody"), place.path("file"), 2, "nobody"),
        #[cfg(target_os = "linux")]
        (&place.world, "/dev/full".to_owned(), 1, "/dev/full: writing"),
    ] {
        for form in [&[][..], &["--json"]] {
            let output = diptych(&[&["export", world, &file], form].concat());
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{file}: {said}");
            assert!(said.lines().count() == 1 && said.contains(words), "{file}: {said}");
            assert_eq!(place.names(), before, "{file}");
        }
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::FileTypeExt;
        let full = std::fs::metadata("/dev/full").expect("it is there").file_type();
        assert!(full.is_char_device() && !Path::new("/dev/full.partial").exists());
    }
    let output = diptych(&["export", &place.world, &place.path("file"), "--frame", "500"]);
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("frame 500 is not kept"));
    assert_eq!(place.names(), before);
}

/// Claim: `| head -1` gets its line, and the program ends as others do, without a word.
#[test]
fn whoever_reads_no_more_hears_nothing_more() {
    let place = Place::new("30");
    let world = place.large();
    for form in [&[][..], &["--json"]] {
        let mut child = binary(&[&["export", &world, "-"], form].concat());
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
        let mut first = Vec::new();
        let mut reader = BufReader::with_capacity(64, child.stdout.take().expect("it is piped"));
        reader.read_until(b'\n', &mut first).expect("it can be read");
        drop(reader);
        let output = child.wait_with_output().expect("it ends");
        assert!(!first.is_empty() && first.ends_with(b"\n"), "{}", text(&first));
        assert_eq!((output.status.code(), text(&output.stderr)), (UNREAD, String::new()), "{form:?}");
    }
}

/// Claim: so does every command that prints, where nobody has read anything at all; what it was to do is done.
#[test]
fn commands_that_print_to_nobody_end_without_a_word() {
    let place = Place::new("30");
    let (world, copy, new, file) = (&*place.world, place.path("copy"), place.path("new"), place.path("file"));
    report(&["export", world, &file, "--report"]);
    report(&["exec", "--data", &place.path("scripts"), "--json", "(core/kv/set a 1)"]);
    for arguments in [
        &["inspect", world][..],
        &["inspect", world, "--json"],
        &["inspect", world, "--frame", "30"],
        &["diff", world, "30", "30"],
        &["verify", world],
        &["replay", world, "--verify", "--json"],
        &["backup", world, &copy],
        &["import", &file, &new, "--report"],
        &["export", world, &file],
        &["export", world, "-"],
        &["export", world, "-", "--json"],
        &["principal", "list", "--data", &place.path("scripts")],
        &["commands", "--json"],
        &["run", "nbody", "--frames", "2"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child = binary(arguments).stdout(writer).stderr(Stdio::piped()).spawn().expect("the binary");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!((output.status.code(), text(&output.stderr)), (UNREAD, String::new()), "{arguments:?}");
    }
    for made in [&copy, &new] {
        assert!(diptych(&["verify", made]).status.success(), "{made}");
    }
    // What a check found counts, whether somebody reads it or not.
    let watermark = place.dir.path().join("world/watermark");
    let mut bytes = std::fs::read(&watermark).expect("it is there");
    [9, 4096 + 9].iter().for_each(|at: &usize| bytes[*at] ^= 1);
    std::fs::write(&watermark, bytes).expect("it can be written");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output =
        binary(&["verify", world]).stdout(writer).stderr(Stdio::piped()).spawn().expect("the binary");
    let output = output.wait_with_output().expect("it ends");
    let said = text(&output.stderr);
    assert!(
        output.status.code() == Some(1) && said.contains("problem") && said.lines().count() == 1,
        "{said}"
    );
}
