//! The arguments that all scenes share.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use diptych::picture::CANVAS_SIDE_MAX;
use diptych::prelude::Durability;

use super::{THREADS_MAX, durability};

/// The most frames per second that can be asked for.
const HZ_MAX: f64 = 1e6;

/// What all scenes take.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The frame to reach: a world that is stored at frame 700 runs 300 more to reach 1000
    #[arg(long, value_name = "N", required_unless_present = "watch")]
    pub(crate) frames: Option<u64>,
    /// Show the world on the terminal while it runs; without --frames until q is pressed
    #[arg(long, alias = "view")]
    pub(crate) watch: bool,
    /// Record the scene's measures in the world, every N frames, for `diptych plot`: to be said whenever it is run
    ///
    /// A world that records is another than one that does not, with another digest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) record: Option<u64>,
    #[command(flatten)]
    pub(crate) world: WorldArgs,
    #[command(flatten)]
    pub(crate) picture: PictureArgs,
}

/// What is asked of the world that runs.
#[derive(Args, Debug)]
pub(crate) struct WorldArgs {
    /// Threads to run on; all cores if left out
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u64).range(1..=THREADS_MAX))]
    pub(crate) threads: Option<u64>,
    /// Seed of the world's randomness
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Keep the world in this directory, and go on with the one that is there; in memory if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// When a frame counts as kept: memory (only at checkpoints and at the end), buffered (survives the
    /// program), synced (survives a power cut), every:N (synced every N frames) or inputs:N (survives the program by
    /// what came in, the state is synced every N frames)
    #[arg(long, value_name = "MODE", value_parser = durability)]
    pub(crate) durability: Option<Durability>,
    /// Frames of the past to keep in the directory, for `inspect --frame` and `diff`; none beyond the last checkpoint
    /// if left out
    #[arg(long, value_name = "FRAMES")]
    pub(crate) history: Option<u64>,
    /// Frames per second; as fast as possible if left out
    #[arg(long, value_name = "H", value_parser = hz, allow_negative_numbers = true)]
    pub(crate) hz: Option<f64>,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The pictures that are asked for.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("pictures").args(["png", "gif"]).multiple(true))]
pub(crate) struct PictureArgs {
    /// Write a picture of the last frame to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    /// Write a film to this file: a picture of the first frame, and of each whose number is a multiple of --every
    #[arg(long, value_name = "FILE")]
    pub(crate) gif: Option<PathBuf>,
    /// Frames from one picture of a film to the next
    #[arg(long, value_name = "K", default_value_t = 1, requires = "gif", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: u64,
    /// Size of the pictures, in pixels
    #[arg(long, value_name = "WxH", default_value = "512x512", requires = "pictures", value_parser = size)]
    pub(crate) size: Size,
}

/// The size of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

pub(crate) fn size(text: &str) -> Result<Size, String> {
    let side = |text: &str| text.parse().ok().filter(|side| (1..=CANVAS_SIDE_MAX).contains(side));
    let sides = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    let (width, height) = sides
        .ok_or_else(|| format!("a size is WIDTHxHEIGHT, such as 512x512, each 1 to {CANVAS_SIDE_MAX}"))?;
    Ok(Size { width, height })
}

fn hz(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hz) if hz > 0.0 && hz <= HZ_MAX => Ok(hz),
        _ => Err(format!("frames per second must be a number above 0, at most {HZ_MAX}")),
    }
}
