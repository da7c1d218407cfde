//! The arguments of each command.
//!
//! Invariant: a value that got through is in its range; what depends on files or on other values is checked by
//! the commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use diptych::life::Grid;
use diptych::prelude::{Durability, ScopeAccess, TopicAccess};

/// The most threads that can be asked for.
const THREADS_MAX: u64 = 1024;
/// The most frames per second that can be asked for.
const HZ_MAX: f64 = 1e6;

/// What can be run.
#[derive(Subcommand, Debug)]
pub(crate) enum Scene {
    /// Conway's Life and its kin on a torus, from an RLE file
    Life(LifeArgs),
    /// The forms of an SLP file, once, then frames; `diptych run FILE.slp` is short for it
    Script(ScriptArgs),
    /// Bodies under gravity: the Sun and the giant planets, or those of a CSV file
    Nbody(NbodyArgs),
}

/// `run life`
#[derive(Args, Debug)]
pub(crate) struct LifeArgs {
    /// The pattern: a run-length encoded file, as LifeWiki publishes them
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Size of the torus; the pattern is put in its middle
    #[arg(long, value_name = "WxH", default_value_t = Grid::DEFAULT)]
    pub(crate) grid: Grid,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `run script`
#[derive(Args, Debug)]
pub(crate) struct ScriptArgs {
    /// The script; its forms run as session `main` of principal `local` in scope `main`, each by itself
    #[arg(value_name = "FILE.slp")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `run nbody`
#[derive(Args, Debug)]
pub(crate) struct NbodyArgs {
    /// The bodies: name,mass,x,y,z,vx,vy,vz; the Sun and the giant planets if left out
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// World time of one frame, in years for the planets
    #[arg(long, default_value_t = 0.01, value_parser = step, allow_negative_numbers = true)]
    pub(crate) dt: f64,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// What all scenes take.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The frame to reach: a world that is stored at frame 700 runs 300 more to reach 1000 (a script: frames more)
    #[arg(long, value_name = "N")]
    pub(crate) frames: u64,
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

/// `exec`
#[derive(Args, Debug)]
pub(crate) struct ExecArgs {
    /// The script itself, a file that ends in .slp or exists, or - for standard input
    #[arg(value_name = "SCRIPT|FILE.slp", allow_negative_numbers = true)]
    pub(crate) script: String,
    /// Keep the world in this directory, and go on with the one that is there; in memory if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Whose permissions hold; others than `local` must have been made by `principal add` (without --data, all are made)
    ///
    /// `local` if left out. Where it is missing, it is made with READ_WRITE in the scope and PUBSUB on every topic; where
    /// it exists, it keeps what it has, and is granted READ_WRITE in a scope in which it has no permission.
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Where keys live; `main` if left out
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// Print each result as one line of JSON: {"error":false,"result":{"int":5}}
    #[arg(long)]
    pub(crate) json: bool,
}

/// `repl`
#[derive(Args, Debug)]
pub(crate) struct ReplArgs {
    /// Keep the world in this directory, and go on with the one that is there; in memory if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Whose permissions hold; `local` if left out, as with exec
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// Where keys live; `main` if left out
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
}

/// `stdio`
#[derive(Args, Debug)]
pub(crate) struct StdioArgs {
    /// Keep the world in this directory, and go on with the one that is there; in memory if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Steps come only where a request asks for them, not 60 times a second
    #[arg(long)]
    pub(crate) manual: bool,
    /// When a frame counts as kept: memory, buffered, synced (replies wait for the disk) or every:N
    #[arg(long, value_name = "MODE", value_parser = durability)]
    pub(crate) durability: Option<Durability>,
    /// Frames of the past to keep in the directory, for `inspect --frame` and `diff`; none beyond the last checkpoint
    /// if left out
    #[arg(long, value_name = "FRAMES")]
    pub(crate) history: Option<u64>,
    /// Threads to run on; all cores if left out
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u64).range(1..=THREADS_MAX))]
    pub(crate) threads: Option<u64>,
}

/// `commands`
#[derive(Args, Debug)]
pub(crate) struct CommandsArgs {
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A permission as it is given.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    Scope(String, ScopeAccess),
    Topic(u16, TopicAccess),
}

/// `principal`
#[derive(Subcommand, Debug)]
pub(crate) enum PrincipalArgs {
    /// Make a principal
    Add {
        /// Its name
        name: String,
        /// A permission in a scope: READ, WRITE or READ_WRITE
        #[arg(long, value_name = "SCOPE=ACCESS", value_parser = scope_grant)]
        scope: Vec<Grant>,
        /// A permission for a topic, on every channel: PUBLISH, SUBSCRIBE or PUBSUB
        #[arg(long, value_name = "TOPIC=ACCESS", value_parser = topic_grant, allow_hyphen_values = true)]
        topic: Vec<Grant>,
        /// Events a second that all its sessions may publish; 0 for any number
        #[arg(long, value_name = "N", default_value_t = 0)]
        max_rps: u32,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Grant permissions, in place of earlier ones
    #[command(group(clap::ArgGroup::new("granted").args(["scope", "topic"]).required(true).multiple(true)))]
    Grant {
        /// Its name
        name: String,
        /// A permission in a scope: READ, WRITE or READ_WRITE
        #[arg(long, value_name = "SCOPE=ACCESS", value_parser = scope_grant)]
        scope: Vec<Grant>,
        /// A permission for a topic, on every channel: PUBLISH, SUBSCRIBE or PUBSUB
        #[arg(long, value_name = "TOPIC=ACCESS", value_parser = topic_grant, allow_hyphen_values = true)]
        topic: Vec<Grant>,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Take permissions away
    #[command(group(clap::ArgGroup::new("revoked").args(["scope", "topic"]).required(true).multiple(true)))]
    Revoke {
        /// Its name
        name: String,
        /// A scope
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
        /// A topic
        #[arg(long, value_name = "TOPIC", allow_hyphen_values = true)]
        topic: Vec<u16>,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// List all principals and what they may do
    List {
        /// Print one line of JSON
        #[arg(long)]
        json: bool,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Remove a principal; its sessions can do nothing any more
    Remove {
        /// Its name
        name: String,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

fn scope_grant(text: &str) -> Result<Grant, String> {
    let wrong = || "it is SCOPE=ACCESS, such as alice_data=READ_WRITE".to_owned();
    let (scope, access) = text.rsplit_once('=').ok_or_else(wrong)?;
    Ok(Grant::Scope(scope.to_owned(), access.parse().map_err(|error| format!("{error}"))?))
}

fn topic_grant(text: &str) -> Result<Grant, String> {
    let (topic, access) = text.split_once('=').ok_or("it is TOPIC=ACCESS, such as 100=PUBSUB")?;
    let number = topic.parse().map_err(|_| format!("{topic:?} is no topic; topics are 0 to 65535"))?;
    Ok(Grant::Topic(number, access.parse().map_err(|error| format!("{error}"))?))
}

fn step(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(dt) if dt.is_finite() && dt > 0.0 => Ok(dt),
        _ => Err("a step must be a finite number above 0".to_owned()),
    }
}

fn hz(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hz) if hz > 0.0 && hz <= HZ_MAX => Ok(hz),
        _ => Err(format!("frames per second must be a number above 0, at most {HZ_MAX}")),
    }
}

fn durability(text: &str) -> Result<Durability, String> {
    match text {
        "memory" => Ok(Durability::Memory),
        "buffered" => Ok(Durability::Buffered),
        "synced" => Ok(Durability::Synced),
        _ => {
            match text.strip_prefix("every:").map(str::parse::<u32>) {
                Some(Ok(frames)) if frames > 0 => Ok(Durability::Every(frames)),
                _ => match text.strip_prefix("inputs:").map(str::parse::<u32>) {
                    Some(Ok(frames)) if frames > 0 => Ok(Durability::Inputs(frames)),
                    _ => Err("it is one of memory, buffered, synced, every:N, inputs:N with N of 1 or more"
                        .to_owned()),
                },
            }
        }
    }
}
