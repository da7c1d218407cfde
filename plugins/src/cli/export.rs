//! `diptych export` and `diptych import`: a world as one file, and a world made from one.
//!
//! Invariant: export only reads the directory; import makes a whole one or none.

use std::fs::File;
use std::io::{BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::Path;

use diptych::jsonlines;
use diptych::store::{self, Extras, Image, StoreError};
use serde::Serialize;

use super::args::{ExportArgs, ImportArgs};
use super::report::print;
use super::{Failure, note};

/// The report of either.
#[derive(Serialize, Debug)]
struct MovedReport {
    frame: u64,
    digest: String,
    entities: u64,
    types: usize,
    /// Of the file.
    bytes: u64,
    /// Things of a live engine that the file only names.
    markers: usize,
}

impl MovedReport {
    fn of(image: &Image, extras: &Extras, bytes: u64) -> Self {
        Self {
            frame: image.frame(),
            digest: image.digest().to_string(),
            entities: image.entities(),
            types: image.types().iter().filter(|entry| !entry.is_dropped()).count(),
            bytes,
            markers: extras.markers.len(),
        }
    }

    fn text(&self) -> String {
        let Self { frame, digest, entities, bytes, .. } = self;
        format!(
            "frame          {frame}\ndigest         {digest}\nentities       {entities}\nfile           {bytes} bytes\n"
        )
    }
}

/// Counts what goes through.
struct Counted<T> {
    inner: T,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Writes a world to a file, or to standard output.
pub(crate) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let refused = |error: StoreError| Failure::Refused(format!("{}: {error}", args.directory.display()));
    let past = store::Past::of(&args.directory, None).map_err(refused)?;
    let last = past.retained().map(|kept| *kept.end());
    let last = last.ok_or_else(|| {
        Failure::Refused(format!("{}: the world has no frame yet", args.directory.display()))
    })?;
    let image = past.at(args.frame.unwrap_or(last)).map_err(refused)?;
    let extras = Extras::default();
    if args.file == Path::new("-") {
        // The report would stand behind the world.
        return write(&image, &extras, args.json, std::io::stdout().lock()).map(drop);
    }
    let part = args.file.with_extension("part");
    let named = |error: std::io::Error| Failure::Refused(format!("{}: {error}", args.file.display()));
    let file = File::create(&part).map_err(named)?;
    let written = write(&image, &extras, args.json, &file).and_then(|bytes| {
        file.sync_all().map_err(named)?;
        std::fs::rename(&part, &args.file).map_err(named)?;
        Ok(bytes)
    });
    if written.is_err() {
        // Half a file is worse than none; that it cannot be removed changes nothing.
        let _ = std::fs::remove_file(&part);
    }
    let report = MovedReport::of(&image, &extras, written?);
    print(&report, args.report, || report.text())
}

fn write(image: &Image, extras: &Extras, json: bool, out: impl Write) -> Result<u64, Failure> {
    let mut out = Counted { inner: BufWriter::new(out), bytes: 0 };
    let done = match json {
        true => jsonlines::write(image, extras, &mut out, |_| {}).map(drop),
        false => store::write_snapshot(image, extras, &mut out, |_, _| {}).map(drop),
    };
    done.map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(out.bytes)
}

/// Makes a world from a file, or from standard input.
pub(crate) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let refused = |error: StoreError| Failure::Refused(format!("{}: {error}", args.file.display()));
    store::check_empty(&args.directory).map_err(|error| Failure::Refused(error.to_string()))?;
    let (image, extras, bytes) = if args.file == Path::new("-") {
        if std::io::stdin().is_terminal() {
            note("reading a world from standard input");
        }
        read(std::io::stdin().lock()).map_err(refused)?
    } else {
        let file = File::open(&args.file)
            .map_err(|error| Failure::Refused(format!("{}: {error}", args.file.display())))?;
        read(file).map_err(refused)?
    };
    store::import(&args.directory, &image, |_| {}).map_err(|error| Failure::Failed(error.to_string()))?;
    for marker in &extras.markers {
        note(&format!("not in the file: {}", marker.display));
    }
    let report = MovedReport::of(&image, &extras, bytes);
    print(&report, args.report, || report.text())
}

/// Reads either form: lines of JSON begin with a brace.
fn read(input: impl Read) -> Result<(Image, Extras, u64), StoreError> {
    let mut input = BufReader::new(Counted { inner: input, bytes: 0 });
    let first = std::io::BufRead::fill_buf(&mut input).map_or(None, |bytes| bytes.first().copied());
    let (image, extras) = match first {
        Some(b'{') => jsonlines::read(&mut input, |_| {})?,
        _ => store::read_snapshot(&mut input, |_| {})?,
    };
    Ok((image, extras, input.get_ref().bytes))
}
