//! The program of a world: everything that makes its frames, a line each.
//!
//! Invariant: two programs with the same lines are taken for one that makes the same frames of the same inputs; the lines
//! come in their own order, so that nothing else has a part in them. Left out: what a system or an `apply` does, which no
//! line can say: a plugin's version stands for it.

use super::registrar::Registrar;
use crate::buffer::Column;
use crate::input::Inputs;
use crate::intake::Intake;
use crate::schedule::{Phase, Schedule, Task};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The version of the engine's own behaviour: what the same inputs make of a world.
const ENGINE_VERSION: u32 = 1;
/// How lines say settings; programs of earlier builds say none, and lack this one. See [`crate::store`]'s `difference`.
const SETTINGS_VERSION: u32 = 1;

/// Everything that makes the frames, a line each: what must be the same wherever they are made again.
pub(super) fn program(
    registrar: &Registrar,
    schedule: &Schedule,
    startup: &Schedule,
    columns: &[Arc<dyn Column>],
    inputs: &Inputs,
    intakes: &[Intake],
) -> String {
    let systems = || schedule.tasks.iter().chain(&startup.tasks);
    let mut lines = BTreeSet::from([
        format!("engine {ENGINE_VERSION}\n"),
        format!("settings are said, version {SETTINGS_VERSION}\n"),
    ]);
    lines.extend(registrar.plugins.iter().map(|(name, version)| format!("plugin {name} {version}\n")));
    lines.extend(systems().map(|task| format!("system {}\n", task.name)));
    lines.extend(columns.iter().map(|column| format!("type {} {}\n", column.name(), column.version())));
    lines.extend(inputs.kinds().iter().map(|kind| format!("input {} {}\n", kind.name, kind.version)));
    lines.extend(intakes.iter().map(|intake| format!("intake {} {}\n", intake.name(), intake.version())));
    lines.extend(systems().flat_map(settings));
    lines.extend(registrar.settings.iter().map(|(name, value)| {
        // A line is a line, whatever a plugin says.
        format!("setting {name} {value}").replace(['\n', '\r'], " ") + "\n"
    }));
    lines.into_iter().collect()
}

/// How a system runs, as far as it is not said by its name.
fn settings(task: &Task) -> impl Iterator<Item = String> {
    let phase = match task.phase {
        Phase::Wave => None,
        Phase::Startup => Some("at startup".to_owned()),
        Phase::Derive => Some("after the wave".to_owned()),
        Phase::Late => Some("after the commit".to_owned()),
    };
    let every = (task.every != 1).then(|| format!("every {}", task.every));
    let answering = task.answering.then(|| "in still frames too".to_owned());
    let skipped = task.wants.is_some().then(|| "not without rows".to_owned());
    let name = task.name.clone();
    [phase, every, answering, skipped]
        .into_iter()
        .flatten()
        .map(move |said| format!("setting system {name}: {said}\n"))
}
