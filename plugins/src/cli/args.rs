//! The arguments of each command; those of a scene are with the scene.
//!
//! Invariant: a value that got through is in its range; what depends on files or on other values is checked by
//! the commands.

use diptych::prelude::Durability;

mod directory;
mod principal;
mod run;
mod session;

pub(crate) use directory::{
    BackupArgs, DiffArgs, ExportArgs, ImportArgs, InspectArgs, PlotArgs, ReplayArgs, VerifyArgs,
};
pub(crate) use principal::{Grant, PrincipalArgs};
pub(crate) use run::{PictureArgs, RunArgs, Size, WorldArgs};
pub(crate) use session::{CommandsArgs, ExecArgs, ReplArgs, ScriptArgs, StdioArgs};

/// The most threads that can be asked for.
const THREADS_MAX: u64 = 1024;

/// World time of a frame.
pub(crate) fn step(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(dt) if dt.is_finite() && dt > 0.0 => Ok(dt),
        _ => Err("a step must be a finite number above 0".to_owned()),
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
