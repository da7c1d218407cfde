//! The arguments of the commands that look at a world's directory, copy it or make one.

use std::path::PathBuf;

use clap::Args;

use super::{Size, THREADS_MAX};

/// `inspect`
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The world's directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The frame to look at, one of those that are kept; the last one if left out
    #[arg(long, value_name = "N")]
    pub(crate) frame: Option<u64>,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `verify`
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The world's directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

/// `plot`
#[derive(Args, Debug)]
pub(crate) struct PlotArgs {
    /// The world's directory; it is only read, and may be running
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// What to draw: a measure's name, as in the report of its run
    #[arg(value_name = "MEASURE")]
    pub(crate) name: String,
    /// The SVG file to write, or - for standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Measure the frames as they are made again from what came into the world, in place of what it has recorded
    #[arg(long)]
    pub(crate) replay: bool,
    /// Frames from one value to the next, with --replay
    #[arg(long, value_name = "N", default_value_t = 60, requires = "replay", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: u64,
    /// Threads to make the frames again on, with --replay; all cores if left out
    #[arg(long, value_name = "T", requires = "replay", value_parser = clap::value_parser!(u64).range(1..=THREADS_MAX))]
    pub(crate) threads: Option<u64>,
    /// Size of the drawing, in pixels, at least 200x150
    #[arg(long, value_name = "WxH", default_value = "960x540", value_parser = drawing)]
    pub(crate) size: Size,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn drawing(text: &str) -> Result<Size, String> {
    let size = super::run::size(text)?;
    if size.width < 200 || size.height < 150 {
        return Err("a drawing needs at least 200x150 pixels".to_owned());
    }
    Ok(size)
}

/// `diff`
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The world's directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The frame to compare with
    #[arg(value_name = "N")]
    pub(crate) from: u64,
    /// The frame to compare
    #[arg(value_name = "M")]
    pub(crate) to: u64,
    /// Rows to show of each component, and entities made and gone
    #[arg(long, value_name = "ROWS", default_value_t = 10)]
    pub(crate) limit: u32,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `backup`
#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    /// The world's directory; it is only read, and may be running
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The directory to make; it must not exist, or be empty
    #[arg(value_name = "TARGET")]
    pub(crate) target: PathBuf,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `export`
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// The world's directory; it is only read, and may be running
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The file to write, or - for standard output
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Write lines of JSON: a line an entity, values in hex
    #[arg(long)]
    pub(crate) json: bool,
    /// The frame; the last one if left out. diptych inspect DIR says which are kept
    #[arg(long, value_name = "N")]
    pub(crate) frame: Option<u64>,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) report: bool,
}

/// `import`
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The file, in either form, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The world's directory to make; it must not exist, or be empty
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Print the report as one line of JSON
    #[arg(long, alias = "json")]
    pub(crate) report: bool,
}

/// `replay`
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// The world's directory; it is only read, and may be running
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The frame to begin with, whose state must be kept; the oldest one if left out
    #[arg(long, value_name = "FRAME")]
    pub(crate) from: Option<u64>,
    /// The frame to stop at; the last one if left out
    #[arg(long, value_name = "FRAME")]
    pub(crate) to: Option<u64>,
    /// Compare every frame whose record is kept, and fail (exit code 1) if there was nothing to compare with
    #[arg(long)]
    pub(crate) verify: bool,
    /// Threads to run on; all cores if left out
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u64).range(1..=THREADS_MAX))]
    pub(crate) threads: Option<u64>,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}
