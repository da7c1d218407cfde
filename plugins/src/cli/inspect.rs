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

/// Says what a world holds.
pub(crate) fn inspect(args: &InspectArgs) -> Result<(), Failure> {
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
    print(&report, false, || match report.as_slice() {
        [] => notes + "every page, checksum and reference is whole\n",
        lines => notes + &lines.join("\n") + "\n",
    })?;
    match report.len() {
        0 => Ok(()),
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
        "frame          {}{}\ndurable frame  {}\ndigest         {}\nentities       {}\nstore          {} bytes\n",
        number(report.frame),
        if report.running { " (the world is running)" } else { "" },
        number(report.durable_frame),
        report.digest.as_deref().unwrap_or("none"),
        report.entities,
        report.store_bytes,
    );
    let width = report.types.iter().map(|stored| stored.name.len()).max().unwrap_or(0).max(4);
    text += &format!("\n{:width$}  version        rows         bytes\n", "type");
    for TypeReport { name, version, rows, bytes } in &report.types {
        text += &format!("{name:width$}  {version:7}  {rows:10}  {bytes:12}\n");
    }
    if !report.frame_notes.is_empty() {
        text += "\nnotes of the last frame\n";
    }
    for (name, bytes) in &report.frame_notes {
        text += &format!("{name}  {bytes} bytes\n");
    }
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
