//! `diptych inspect` and `diptych verify`: what a world directory holds, and whether it is whole.
//!
//! Invariant: neither writes to the directory. What is damaged is told as far as it can be read.

use std::collections::BTreeMap;

use diptych::store;
use serde::Serialize;

use super::Failure;
use super::args::{InspectArgs, VerifyArgs};
use super::report::print;

/// The report of `inspect`.
#[derive(Serialize, Debug)]
struct InspectReport {
    frame: Option<u64>,
    durable_frame: Option<u64>,
    /// The first and the last frame that can be looked at.
    kept: Option<(u64, u64)>,
    digest: Option<String>,
    entities: u64,
    types: Vec<TypeReport>,
    store_bytes: u64,
    running: bool,
    /// The named bytes of the last frame, and how many they are.
    frame_notes: BTreeMap<String, u64>,
    problems: Vec<String>,
    /// What is unusual and harmless.
    notes: Vec<String>,
    /// What opening would cut from the unsynced end.
    repairable: Option<String>,
    /// Each stored file, with what is wrong with it.
    files: Vec<FileReport>,
}

/// One stored file.
#[derive(Serialize, Debug)]
struct FileReport {
    path: String,
    problem: Option<String>,
}

/// One stored type.
#[derive(Serialize, Debug)]
struct TypeReport {
    name: String,
    version: u32,
    rows: u64,
    bytes: u64,
}

/// The report of `inspect --frame`.
#[derive(Serialize, Debug)]
struct FrameReport {
    frame: u64,
    digest: String,
    /// The first and the last frame that can be looked at.
    kept: Option<(u64, u64)>,
    entities: u64,
    types: Vec<TypeReport>,
    frame_notes: BTreeMap<String, u64>,
    problems: Vec<String>,
}

/// Says what a world held after an earlier frame.
fn inspect_frame(args: &InspectArgs, frame: u64) -> Result<(), Failure> {
    let refused =
        |error: store::StoreError| Failure::Refused(format!("{}: {error}", args.directory.display()));
    let past = store::Past::of(&args.directory, None).map_err(refused)?;
    let image = past.at(frame).map_err(refused)?;
    // Behind the types come the notes; those of dropped types are not there.
    let types = image.types().iter().filter(|entry| !entry.is_dropped()).count();
    let types = image.components().iter().take(types).map(|part| TypeReport {
        name: part.name.clone(),
        version: part.version,
        rows: part.rows,
        bytes: part.bytes,
    });
    let report = FrameReport {
        frame: image.frame(),
        digest: image.digest().to_string(),
        kept: past.retained().map(|kept| (*kept.start(), *kept.end())),
        entities: image.entities(),
        types: types.collect(),
        frame_notes: image.notes().iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect(),
        problems: image.problems(),
    };
    print(&report, args.json, || {
        let mut text = format!(
            "frame          {}\ndigest         {}\nkept frames    {}\nentities       {}\n",
            report.frame,
            report.digest,
            kept_text(report.kept),
            report.entities
        );
        text += &table(&report.types, &report.frame_notes, "notes of the frame");
        text + &report.problems.iter().map(|problem| format!("\nproblem: {problem}\n")).collect::<String>()
    })
}

fn kept_text(kept: Option<(u64, u64)>) -> String {
    kept.map_or_else(|| "none".to_owned(), |(first, last)| format!("{first} to {last}"))
}

/// The types and notes of a frame, for people.
fn table(types: &[TypeReport], notes: &BTreeMap<String, u64>, heading: &str) -> String {
    let width = types.iter().map(|stored| stored.name.len()).max().unwrap_or(0).max(4);
    let mut text = format!("\n{:width$}  version        rows         bytes\n", "type");
    for TypeReport { name, version, rows, bytes } in types {
        text += &format!("{name:width$}  {version:7}  {rows:10}  {bytes:12}\n");
    }
    if !notes.is_empty() {
        text += &format!("\n{heading}\n");
    }
    for (name, bytes) in notes {
        text += &format!("{name}  {bytes} bytes\n");
    }
    text
}

/// Says what a world holds.
pub(crate) fn inspect(args: &InspectArgs) -> Result<(), Failure> {
    if let Some(frame) = args.frame {
        return inspect_frame(args, frame);
    }
    let found = store::inspect(&args.directory, None).map_err(|error| Failure::Refused(error.to_string()))?;
    let types = found.types.iter().map(|stored| TypeReport {
        name: stored.name.clone(),
        version: stored.version,
        rows: stored.rows,
        bytes: stored.bytes,
    });
    let report = InspectReport {
        frame: found.frame,
        durable_frame: found.durable_frame,
        kept: found.kept.clone().map(|kept| (*kept.start(), *kept.end())),
        digest: found.digest.map(|digest| format!("{digest:032x}")),
        entities: found.entities,
        types: types.collect(),
        store_bytes: found.store_bytes,
        running: found.running,
        frame_notes: found.frame_notes.clone(),
        problems: found.problems.clone(),
        notes: found.notes.clone(),
        repairable: found.repairable.clone(),
        files: found
            .files
            .iter()
            .map(|file| FileReport { path: file.path.display().to_string(), problem: file.problem.clone() })
            .collect(),
    };
    print(&report, args.json, || text(&report))
}

/// Says whether a world is whole.
pub(crate) fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let found = store::inspect(&args.directory, None).map_err(|error| Failure::Refused(error.to_string()))?;
    let report = found.problems;
    let notes: String = found.notes.iter().map(|note| format!("note: {note}\n")).collect();
    let told = print(&report, false, || match report.as_slice() {
        [] => notes + "every page, checksum and reference is whole\n",
        lines => notes + &lines.join("\n") + "\n",
    });
    // What was found counts, whether somebody reads all of it or not.
    match report.len() {
        0 => told,
        count => Err(Failure::Failed(format!(
            "{}: {count} {} found",
            args.directory.display(),
            if count == 1 { "problem" } else { "problems" }
        ))),
    }
}

fn number(frame: Option<u64>) -> String {
    frame.map_or_else(|| "none".to_owned(), |frame| frame.to_string())
}

/// The report for people.
fn text(report: &InspectReport) -> String {
    let mut text = format!(
        "frame          {}{}\ndurable frame  {}\nkept frames    {}\ndigest         {}\nentities       {}\nstore          {} bytes\n",
        number(report.frame),
        if report.running { " (the world is running)" } else { "" },
        number(report.durable_frame),
        kept_text(report.kept),
        report.digest.as_deref().unwrap_or("none"),
        report.entities,
        report.store_bytes,
    );
    text += &table(&report.types, &report.frame_notes, "notes of the last frame");
    if let Some(repairable) = &report.repairable {
        text += &format!("\nrepairable: {repairable}\n");
    }
    for note in &report.notes {
        text += &format!("\nnote: {note}\n");
    }
    for problem in &report.problems {
        text += &format!("\nproblem: {problem}");
    }
    if !report.problems.is_empty() {
        for file in &report.files {
            let state = file.problem.as_deref().unwrap_or("whole");
            text += &format!("\nfile {}: {state}", file.path);
        }
    }
    if report.problems.is_empty() { text } else { text + "\n" }
}
