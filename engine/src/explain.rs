//! Says how a world is wired: waves, owners, readers, what is local; for people.
//!
//! Invariant: equal worlds explain themselves in equal words, whatever the order of registration.

use crate::frame::Frame;
use std::collections::BTreeMap;
use std::fmt;

/// How a world is wired; `Display` gives the text, [`Explanation::mermaid`] the graph.
#[derive(Debug, Clone)]
pub struct Explanation {
    waves: Vec<Vec<SystemLine>>,
    waits: Vec<(String, String, String)>,
    types: Vec<TypeLine>,
    local: Vec<String>,
    inputs: Vec<String>,
    facts: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct SystemLine {
    name: String,
    owns: Vec<String>,
    reads: Vec<String>,
    scratch: Vec<String>,
}

#[derive(Debug, Clone)]
struct TypeLine {
    name: String,
    version: u32,
    type_name: String,
    owner: Option<String>,
    strict: bool,
}

impl Explanation {
    pub(crate) fn of(frame: &Frame, local: &[&'static str], facts: &BTreeMap<String, String>) -> Self {
        let schedule = &frame.schedule;
        let name = |index: &usize| frame.columns[*index].name().to_owned();
        let line = |task: &crate::schedule::Task| SystemLine {
            name: task.name.clone(),
            owns: task.owns.iter().map(name).collect(),
            reads: task.reads.clone(),
            scratch: task.scratch.clone(),
        };
        let waves = schedule
            .waves
            .iter()
            .map(|wave| schedule.tasks[wave.clone()].iter().map(line).collect())
            .collect();
        let types = frame.columns.iter().zip(&schedule.owners).map(|(column, owner)| TypeLine {
            name: column.name().to_owned(),
            version: column.version(),
            type_name: column.type_name().to_owned(),
            owner: owner.clone(),
            strict: column.strict(),
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
        for system in self.waves.iter().flatten() {
            line(format!("s_{}[\"{}\"]", node(&system.name), system.name));
            for read in &system.reads {
                line(format!("t_{}([\"{read}\"]) --> s_{}", node(read), node(&system.name)));
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

/// A name as a Mermaid node id.
fn node(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, wave) in self.waves.iter().enumerate() {
            writeln!(f, "wave {}:", number + 1)?;
            for system in wave {
                writeln!(f, "  {}", system.name)?;
                for (what, names) in
                    [("owns", &system.owns), ("reads", &system.reads), ("scratch", &system.scratch)]
                {
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
            writeln!(f, "  {} v{} ({}), owned by {owner}{strict}", line.name, line.version, line.type_name)?;
        }
        for (title, names) in
            [("local to this process, not in digest or store", &self.local), ("inputs", &self.inputs)]
        {
            if !names.is_empty() {
                writeln!(f, "{title}: {}", names.join(", "))?;
            }
        }
        self.facts.iter().try_for_each(|(name, value)| writeln!(f, "fact {name} = {value}"))?;
        write!(f, "```mermaid\n{}```", self.mermaid())
    }
}
