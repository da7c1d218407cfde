//! `diptych exec` and `diptych run FILE.slp`: the forms of a script, one by one.
//!
//! Invariant: every form is read before a world is made or opened; each runs by itself, in order, and its result is printed
//! before the next one's.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use diptych::is_interrupted;
use diptych::prelude::*;
use diptych::runtime::slp::Kind;

use super::args::{ExecArgs, ScriptArgs};
use super::report::{RunReport, print};
use super::world::{LOCAL, Script, World, shown, write};
use super::{Failure, note};

/// The longest script, in bytes; what can be parsed may be less.
const SCRIPT_BYTES_MAX: u64 = 64 << 20;

/// Runs the forms in a session of its own, which ends with the command.
pub(crate) fn exec(args: &ExecArgs) -> Result<(), Failure> {
    let (name, text) = text(&args.script)?;
    let script = Script::parse(name, &text)?;
    let (mut world, session) =
        World::enter(args.data.as_deref(), args.principal.as_deref(), args.scope.as_deref())?;
    let (mut errors, mut heard) = (0_u32, true);
    for index in 0..script.forms.len() {
        let form = script.forms.get(index).expect("an index below the length");
        let ticket = world.send(&session, &form)?;
        let result = world.answer(&ticket)?;
        errors += u32::from(result.kind() == Kind::Error);
        // Where nobody reads the results any more, the forms are run all the same.
        heard = heard && write(&shown(&result, args.json))?;
    }
    if let Ok(closed) = session.close() {
        world.now(&closed)?;
    }
    world.keep()?;
    failures(errors, script.forms.len())
}

fn failures(errors: u32, forms: u32) -> Result<(), Failure> {
    match (errors, forms) {
        (0, _) => Ok(()),
        (_, 1) => Err(Failure::Failed("the form's result is an ERROR".to_owned())),
        _ => Err(Failure::Failed(format!("the results of {errors} of {forms} forms are ERRORs"))),
    }
}

/// Runs the forms in the session `main`, which stays, then frames.
pub(crate) fn run(args: &ScriptArgs) -> Result<(), Failure> {
    let (name, text) = read(&args.file)?;
    let script = Script::parse(name, &text)?;
    let run = &args.world;
    // From here on Ctrl-C ends the run at a commit, with the report: a form that has begun is not cut off, and no
    // other one begins.
    let pace = run.hz.map_or_else(Pace::fast, Pace::hz).until_interrupted();
    let mut world = World::build(super::run::builder(run)?, run.data.as_deref())?;
    let session = world.session(Some(LOCAL.1), None, None)?;
    let (started, first) = (Instant::now(), world.engine.frame());
    let mut tickets = Vec::new();
    for index in 0..script.forms.len() {
        if is_interrupted() {
            let (next, count) = (index + 1, script.forms.len());
            note(&format!("interrupted: forms {next} to {count} of {} were not run", script.name));
            break;
        }
        let form = script.forms.get(index).expect("an index below the length");
        let ticket = world.send(&session, &form)?;
        let _ = world.now(&ticket)?;
        tickets.push(ticket);
    }
    let rest =
        if run.data.is_some() { "the world keeps it" } else { "it ends here: add --data DIR to keep it" };
    let (mut told, mut errors) = (0, 0);
    let mut tell = |until_first_gap: bool| -> Result<(), Failure> {
        for ticket in &tickets[told..] {
            match ticket.get() {
                Some(answer) => {
                    errors += u32::from(answer.is_error());
                    write(&shown(&answer.result, run.json))?;
                }
                None if until_first_gap => break,
                None => note(&format!("form {} of {} is still suspended; {rest}", told + 1, script.name)),
            }
            told += 1;
        }
        Ok(())
    };
    tell(true)?;
    let failed = |error: Error| Failure::Failed(error.to_string());
    world.engine.run(pace.frames_more(args.frames)).map_err(failed)?;
    world.tell_log();
    tell(false)?;
    world.keep()?;
    let (seconds, frames) = (started.elapsed().as_secs_f64(), world.engine.frame() - first);
    let report = RunReport {
        scene: "script",
        frame: world.engine.frame(),
        durable_frame: run.data.as_ref().map(|_| world.engine.durable_frame()),
        digest: world.engine.digest().to_string(),
        measures: Vec::new(),
        seconds,
        frames_per_second: frames as f64 / seconds,
    };
    let told = print(&report, run.json, || report.text());
    if tickets.len() < script.forms.len() as usize {
        return Err(Failure::Failed("interrupted before all forms were run".to_owned()));
    }
    failures(errors, script.forms.len()).and(told)
}

/// What is to be run, and what it is called: standard input, a file, or the argument itself.
fn text(argument: &str) -> Result<(String, Vec<u8>), Failure> {
    if argument == "-" {
        return limited("standard input", std::io::stdin());
    }
    let path = Path::new(argument);
    if path.extension().is_some_and(|extension| extension == "slp") || path.is_file() {
        return read(path);
    }
    let like_a_path = argument.contains(['/', '.']) && argument.parse::<f64>().is_err();
    if like_a_path && !argument.contains(|c: char| c.is_whitespace() || "()[]{}\"';".contains(c)) {
        if path.is_dir() {
            return Err(Failure::Refused(format!(
                "{argument} is a directory; give a script, or a file of one"
            )));
        }
        note(&format!("there is no file {argument}: it is run as a script, and gives itself"));
    }
    Ok(("SCRIPT".to_owned(), argument.as_bytes().to_vec()))
}

fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path);
    limited(
        &name,
        file.map_err(|error| Failure::Refused(format!("{name}: the file cannot be read: {error}")))?,
    )
}

fn limited(name: &str, from: impl Read) -> Result<(String, Vec<u8>), Failure> {
    let mut bytes = Vec::new();
    let read = from.take(SCRIPT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::Refused(format!("{name}: it cannot be read: {error}")))?;
    if bytes.len() as u64 > SCRIPT_BYTES_MAX {
        return Err(Failure::Refused(format!(
            "{name}: it has more than {SCRIPT_BYTES_MAX} bytes, the limit"
        )));
    }
    Ok((name.to_owned(), bytes))
}
