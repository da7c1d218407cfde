//! `diptych export` and `diptych import`: a world as one file, and a world made from one.
//!
//! Invariant: export only reads the directory, and makes a whole file or none; import makes a whole directory or none.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, IsTerminal, Read, Write};
use std::path::Path;

use diptych::jsonlines;
use diptych::store::{self, Extras, Image, StoreError};
use serde::Serialize;

use super::args::{ExportArgs, ImportArgs};
use super::file::Draft;
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
    /// Whoever read it has gone.
    unread: bool,
}

impl<T> Counted<T> {
    fn new(inner: T) -> Self {
        Self { inner, bytes: 0, unread: false }
    }

    /// Remembers why something could not be written.
    fn look<V>(&mut self, tried: std::io::Result<V>) -> std::io::Result<V> {
        self.unread |= tried.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        tried
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes);
        let written = self.look(written)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.inner.flush();
        self.look(flushed)
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
    if let Some(behind) = past.made_again().filter(|_| args.frame.is_none()) {
        note(&format!(
            "frames {} to {} are known by what came in alone and are not exported: open the world once, as \
             `diptych run` does, and export it then",
            behind.start(),
            behind.end()
        ));
    }
    let image = past.at(args.frame.unwrap_or(last)).map_err(refused)?;
    let extras = Extras::default();
    if args.file == Path::new("-") {
        // The report would stand behind the world.
        return write(&image, &extras, args.json, std::io::stdout().lock(), "standard output").map(drop);
    }
    let written = to_file(&args.file, |file, name| write(&image, &extras, args.json, file, name))?;
    let report = MovedReport::of(&image, &extras, written);
    print(&report, args.report, || report.text())
}

/// Makes a whole file or none; a device or a named pipe is written to as it is.
fn to_file(path: &Path, write: impl FnOnce(&File, &str) -> Result<u64, Failure>) -> Result<u64, Failure> {
    let name = path.display().to_string();
    let refused = |error: std::io::Error| Failure::Refused(format!("{name}: {error}"));
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let reason = "is a directory; name a file, or - for standard output";
            return Err(Failure::Refused(format!("{name} {reason}")));
        }
        Ok(found) if !found.is_file() => {
            return write(&File::options().write(true).open(path).map_err(refused)?, &name);
        }
        _ => {}
    }
    let draft = Draft::begin(path)?;
    let written = write(draft.file(), &name)?;
    draft.finish()?;
    Ok(written)
}

fn write(image: &Image, extras: &Extras, json: bool, out: impl Write, name: &str) -> Result<u64, Failure> {
    let mut out = Counted::new(BufWriter::new(out));
    let done = match json {
        true => jsonlines::write(image, extras, &mut out, |_| {}).map(drop),
        false => store::write_snapshot(image, extras, &mut out, |_, _| {}).map(drop),
    };
    match done {
        Ok(()) => Ok(out.bytes),
        Err(_) if out.unread => Err(Failure::Unread),
        Err(error) => Err(Failure::Failed(format!("{name}: {error}"))),
    }
}

/// Makes a world from a file, or from standard input.
pub(crate) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let name = match args.file == Path::new("-") {
        true => "standard input".to_owned(),
        false => args.file.display().to_string(),
    };
    let refused = |error: StoreError| Failure::Refused(format!("{name}: {error}"));
    store::check_empty(&args.directory).map_err(|error| Failure::Refused(error.to_string()))?;
    let (image, extras, bytes) = if args.file == Path::new("-") {
        if std::io::stdin().is_terminal() {
            note("reading a world from standard input");
        }
        let (image, extras, bytes, _) = read(std::io::stdin().lock()).map_err(refused)?;
        (image, extras, bytes)
    } else {
        let file = File::open(&args.file).map_err(|error| Failure::Refused(format!("{name}: {error}")))?;
        let (image, extras, bytes, mut rest) = read(file).map_err(refused)?;
        // Of a stream the rest is somebody else's; a file is one world and nothing else.
        if !std::io::BufRead::fill_buf(&mut rest).is_ok_and(<[u8]>::is_empty) {
            let reason =
                "something stands behind the end of the world; the file was changed, export it again";
            return Err(Failure::Refused(format!("{name}: {reason}")));
        }
        (image, extras, bytes)
    };
    store::import(&args.directory, &image, |_| {}).map_err(|error| match error {
        refused @ StoreError::Target { .. } => Failure::Refused(refused.to_string()),
        failed => Failure::Failed(failed.to_string()),
    })?;
    for marker in &extras.markers {
        note(&format!("not in the file: {}", marker.display));
    }
    let report = MovedReport::of(&image, &extras, bytes);
    print(&report, args.report, || report.text())
}

/// A world that was read, the bytes of it that came, and what follows.
type Came<R> = (Image, Extras, u64, BufReader<Counted<R>>);

/// Reads either form: lines of JSON begin with a brace.
fn read<R: Read>(input: R) -> Result<Came<R>, StoreError> {
    let mut input = BufReader::new(Counted::new(input));
    let first = std::io::BufRead::fill_buf(&mut input).map_or(None, |bytes| bytes.first().copied());
    let (image, extras) = match first {
        Some(b'{') => jsonlines::read(&mut input, |_| {})?,
        _ => store::read_snapshot(&mut input, |_| {})?,
    };
    let bytes = input.get_ref().bytes;
    Ok((image, extras, bytes, input))
}
