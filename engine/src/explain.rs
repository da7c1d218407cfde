//! Says how a world is wired: waves, owners, readers, what is local; for people.
//!
//! Invariant: equal worlds explain themselves in equal words, whatever the order of registration.

use crate::frame::Frame;
use std::collections::BTreeMap;
use std::fmt;

/// How a world is wired; `Display` gives the text, [`Explanation::mermaid`] the graph.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What runs at once, under its title.
    waves: Vec<(String, Vec<SystemLine>)>,
    waits: Vec<(String, String, String)>,
    types: Vec<TypeLine>,
    local: Vec<String>,
    inputs: Vec<String>,
    observers: Vec<String>,
    /// Messages and jobs.
    annexes: Vec<String>,
    facts: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct SystemLine {
    name: String,
    owns: Vec<String>,
    reads: Vec<String>,
    /// Read as this frame has made them.
    reads_now: Vec<String>,
    scratch: Vec<String>,
    /// When it runs, where that is not in every frame.
    turns: Vec<String>,
}

#[derive(Debug, Clone)]
struct TypeLine {
    name: String,
    version: u32,
    type_name: String,
    owner: Option<String>,
    strict: bool,
    transient: bool,
}

impl Explanation {
    pub(crate) fn of(frame: &Frame, local: &[&'static str], facts: &BTreeMap<String, String>) -> Self {
        let schedule = &frame.schedule;
        let name = |index: &usize| frame.columns[*index].name().to_owned();
        let line = |task: &crate::schedule::Task| SystemLine {
            name: task.name.clone(),
            owns: task.owns.iter().map(name).collect(),
            reads: task.reads.clone(),
            reads_now: task.reads_now.iter().map(name).collect(),
            scratch: task.scratch.clone(),
            turns: turns(task),
        };
        let (waves, derive) = schedule.waves.split_at(schedule.derived);
        let phases = [("wave", waves), ("derive", derive), ("late", &schedule.late[..])];
        let titled = phases.into_iter().flat_map(|(phase, waves)| {
            waves.iter().enumerate().map(move |(number, wave)| (format!("{phase} {}", number + 1), wave))
        });
        let waves = titled
            .map(|(title, wave)| (title, schedule.tasks[wave.clone()].iter().map(line).collect()))
            .collect();
        let types = frame.columns.iter().zip(&schedule.owners).map(|(column, owner)| TypeLine {
            name: column.name().to_owned(),
            version: column.version(),
            type_name: column.type_name().to_owned(),
            owner: owner.clone(),
            strict: column.strict(),
            transient: column.transient(),
        });
        let mut local: Vec<String> = local.iter().map(|name| (*name).to_owned()).collect();
        local.sort();
        let mut inputs: Vec<String> =
            frame.inputs.kinds().iter().map(|kind| format!("{} v{}", kind.name, kind.version)).collect();
        inputs.sort();
        Self {
            waves,
            waits: schedule.waits.clone(),
            types: types.collect(),
            local,
            inputs,
            observers: frame.observers.names().map(str::to_owned).collect(),
            annexes: frame.annexes.iter().flat_map(|annex| annex.explain()).collect(),
            facts: facts.clone(),
        }
    }

    /// A Mermaid flowchart: types and systems, thick arrows for ownership.
    pub fn mermaid(&self) -> String {
        let mut graph = String::from("flowchart LR\n");
        let mut line = |text: String| {
            graph.push_str("    ");
            graph.push_str(&text);
            graph.push('\n');
        };
        for system in self.waves.iter().flat_map(|(_, systems)| systems) {
            line(format!("s_{}[\"{}\"]", node(&system.name), system.name));
            for read in &system.reads {
                line(format!("t_{}([\"{read}\"]) --> s_{}", node(read), node(&system.name)));
            }
            for read in &system.reads_now {
                line(format!("t_{}([\"{read}\"]) -. now .-> s_{}", node(read), node(&system.name)));
            }
            for owned in &system.owns {
                line(format!("s_{} ==> t_{}([\"{owned}\"])", node(&system.name), node(owned)));
            }
        }
        for (earlier, later, through) in &self.waits {
            line(format!("s_{} -. \"{through}\" .-> s_{}", node(earlier), node(later)));
        }
        graph
    }
}

/// When a system runs, where that is not in every frame.
fn turns(task: &crate::schedule::Task) -> Vec<String> {
    let mut turns = Vec::new();
    if !task.turns.enabled {
        turns.push("not, it is disabled".to_owned());
    }
    if task.turns.every > 1 {
        turns.push(format!("every {} frames", task.turns.every));
    }
    if task.answering {
        turns.push("in still frames too".to_owned());
    }
    if task.wants.is_some() {
        turns.push("only where its queries can match".to_owned());
    }
    turns
}

/// A name as a Mermaid node id.
fn node(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, wave) in &self.waves {
            writeln!(f, "{title}:")?;
            for system in wave {
                writeln!(f, "  {}", system.name)?;
                for (what, names) in [
                    ("owns", &system.owns),
                    ("reads", &system.reads),
                    ("reads of this frame", &system.reads_now),
                    ("scratch", &system.scratch),
                    ("runs", &system.turns),
                ] {
                    if !names.is_empty() {
                        writeln!(f, "    {what} {}", names.join(", "))?;
                    }
                }
            }
        }
        for (earlier, later, through) in &self.waits {
            writeln!(f, "{later} waits for {earlier}: both use {through}")?;
        }
        writeln!(f, "types:")?;
        for line in &self.types {
            let owner = line.owner.as_deref().unwrap_or("nobody");
            let strict = if line.strict { ", strict" } else { "" };
            let transient = if line.transient { ", for one frame" } else { "" };
            let TypeLine { name, version, type_name, .. } = line;
            writeln!(f, "  {name} v{version} ({type_name}), owned by {owner}{strict}{transient}")?;
        }
        self.annexes.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        for (title, names) in [
            ("local to this process, not in digest or store", &self.local),
            ("inputs", &self.inputs),
            ("observers", &self.observers),
        ] {
            if !names.is_empty() {
                writeln!(f, "{title}: {}", names.join(", "))?;
            }
        }
        self.facts.iter().try_for_each(|(name, value)| writeln!(f, "fact {name} = {value}"))?;
        write!(f, "```mermaid\n{}```", self.mermaid())
    }
}
