//! `diptych plot`: a measure of a stored world over its frames, as a drawing.
//!
//! Invariant: the directory is only read. What is drawn was recorded in the world, or is measured in its frames as they
//! are made again; equal worlds give equal drawings.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use diptych::is_interrupted;
use diptych::measure::{Measure, Quantity};
use diptych::prelude::*;
use diptych::series::{PIECE_NAME, Piece, joined};
use diptych::store::{LogReader, Past};
use serde::Serialize;

use svg::Plot;

use super::args::PlotArgs;
use super::file::Draft;
use super::progress::Progress;
use super::report::print;
use super::scene::{FACT_SCENE, Kind};
use super::{Failure, world};

mod svg;

/// The most values of a measure that are made again.
const VALUES_MAX: u64 = 1 << 20;

/// Frames and values of each measure.
type Recorded = BTreeMap<String, Vec<(u64, f64)>>;

/// The report of a plot.
#[derive(Serialize, Debug)]
struct PlotReport {
    name: String,
    scene: String,
    /// Values there are; those that are no numbers are gaps.
    values: u64,
    /// Points of the drawing: fewer than values where there are more than it can show.
    points: u64,
    first_frame: u64,
    last_frame: u64,
    least: Option<f64>,
    greatest: Option<f64>,
}

/// Draws a measure.
pub(crate) fn plot(args: &PlotArgs) -> Result<(), Failure> {
    let to_output = args.out == Path::new("-");
    if to_output && args.json {
        return Err(Failure::refused(
            "--json has nowhere to print the report: with --out - the drawing is on standard output; give --out FILE",
        ));
    }
    // A file that cannot be written is refused before frames are made again.
    let draft = if to_output { None } else { Some(Draft::begin(&args.out)?) };
    let (scene, recorded) = if args.replay { replayed(args)? } else { stored(args)? };
    let Some(values) = recorded.get(&args.name) else {
        let known: Vec<&str> = recorded.keys().map(String::as_str).collect();
        return Err(refused(args, &format!("there is no {}; there are {}", args.name, known.join(", "))));
    };
    let (first, last) = match values[..] {
        [(first, _), .., (last, _)] => (first, last),
        [(only, _)] => (only, only),
        [] => return Err(refused(args, &format!("there is no value of {} yet", args.name))),
    };
    let unit = Kind::of_name(&scene).and_then(|kind| kind.unit(&args.name));
    let plot = Plot {
        title: format!("{} of {scene}, frames {first} to {last}", args.name),
        label: unit.map_or_else(|| args.name.clone(), |unit| format!("{}, {unit}", args.name)),
        values,
        size: args.size,
    };
    let (drawing, points) = plot.draw();
    let Some(draft) = draft else {
        // The report would stand behind the drawing.
        return world::write(drawing.as_bytes()).map(drop);
    };
    let mut out = BufWriter::new(draft.file());
    let written = out.write_all(drawing.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| draft.failed(&error))?;
    drop(out);
    draft.finish()?;
    let numbers = || values.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
    let report = PlotReport {
        name: args.name.clone(),
        scene,
        values: values.len() as u64,
        points,
        first_frame: first,
        last_frame: last,
        least: numbers().reduce(f64::min),
        greatest: numbers().reduce(f64::max),
    };
    print(&report, args.json, || text(&report))
}

fn refused(args: &PlotArgs, reason: &dyn std::fmt::Display) -> Failure {
    Failure::Refused(format!("{}: {reason}", args.directory.display()))
}

/// What the world has recorded, at the last frame that is kept.
fn stored(args: &PlotArgs) -> Result<(String, Recorded), Failure> {
    let past = Past::of(&args.directory, None).map_err(|error| refused(args, &error))?;
    let last = past.retained().map(|kept| *kept.end());
    let last = last.ok_or_else(|| refused(args, &"the world has no frame yet"))?;
    let image = past.at(last).map_err(|error| refused(args, &error))?;
    let pieces: Option<Vec<Piece>> =
        image.rows(PIECE_NAME).map(|(_, bytes)| Piece::from_bytes(bytes)).collect();
    let pieces =
        pieces.ok_or_else(|| refused(args, &"a recorded piece is damaged; diptych verify says more"))?;
    let recorded = joined(pieces);
    if recorded.is_empty() {
        return Err(refused(
            args,
            &format!(
                "nothing is recorded in this world; run it with --record N from its first frame on, or let its frames \
                 be made again: diptych plot {} {} --replay --out FILE.svg",
                args.directory.display(),
                args.name
            ),
        ));
    }
    Ok((image.facts().get(FACT_SCENE).cloned().unwrap_or_default(), recorded))
}

/// What is measured in the frames of the world as they are made again.
fn replayed(args: &PlotArgs) -> Result<(String, Recorded), Failure> {
    let log = LogReader::open(&args.directory).map_err(|error| refused(args, &error))?;
    let facts = log.facts();
    let Some(kind) = Kind::named(facts) else {
        return Err(refused(args, &"it is a world of no scene, so there is nothing to measure"));
    };
    let mut builder = kind.again(Engine::in_memory().settings_of(facts), facts);
    if let Some(threads) = args.threads {
        builder = builder.threads(threads as usize);
    }
    let failed = |error: Error| match error {
        Error::Diverged(_) => Failure::Failed(format!("{}: {error}", args.directory.display())),
        error => refused(args, &error),
    };
    let mut replay = builder.replay_log(log, ReplayFrom::Oldest).map_err(failed)?;
    let (every, last) = (args.every, replay.last_frame());
    let values = (last - replay.frame().min(last)) / every;
    if values >= VALUES_MAX {
        let enough = last.div_ceil(VALUES_MAX) + 1;
        return Err(refused(args, &format!("--every {every} has {values} values; take --every {enough}")));
    }
    // From here on a first Ctrl-C ends the replay, and what was measured is drawn.
    let _ = Pace::fast().until_interrupted();
    let (mut recorded, mut progress) = (Recorded::new(), Progress::new(replay.frame(), last));
    let mut next = replay.frame().next_multiple_of(every);
    while next <= last && !is_interrupted() {
        let made = replay.run_while(next, |_| !is_interrupted());
        if made.map_err(failed)? < next {
            break;
        }
        for Measure { name, value } in (kind.measures)(replay.view()) {
            let value = match value {
                Quantity::Count(count) => count as f64,
                Quantity::Real(real) => real,
            };
            recorded.entry(name.to_owned()).or_default().push((next, value));
        }
        progress.at(next);
        next += every;
    }
    progress.end();
    if recorded.is_empty() {
        return Err(refused(args, &format!("there is no frame whose number is a multiple of {every}")));
    }
    Ok((kind.name.to_owned(), recorded))
}

/// The report for people.
fn text(report: &PlotReport) -> String {
    let PlotReport { name, scene, values, points, first_frame, last_frame, least, greatest } = report;
    let number = |value: &Option<f64>| {
        let quantity = |value: f64| match value.fract() == 0.0 && (0.0..1e15).contains(&value) {
            true => Quantity::Count(value as u64),
            false => Quantity::Real(value),
        };
        value.map_or_else(|| "none".to_owned(), |value| super::report::number(quantity(value)))
    };
    format!(
        "scene          {scene}\nmeasure        {name}\nframes         {first_frame} to {last_frame}\n\
         values         {values}, drawn as {points} points\nleast          {}\ngreatest       {}\n",
        number(least),
        number(greatest)
    )
}
