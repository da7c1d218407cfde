//! The arguments of the commands that run scripts or serve sessions.

use std::path::PathBuf;

use clap::Args;
use diptych::prelude::Durability;

use super::{THREADS_MAX, WorldArgs, durability};

/// `run script`
#[derive(Args, Debug)]
pub(crate) struct ScriptArgs {
    /// The script; its forms run as session `main` of principal `local` in scope `main`, each by itself
    #[arg(value_name = "FILE.slp")]
    pub(crate) file: PathBuf,
    /// Frames to make after the forms
    #[arg(long, value_name = "N")]
    pub(crate) frames: u64,
    #[command(flatten)]
    pub(crate) world: WorldArgs,
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
