//! `diptych diff`: what changed in a world between two frames.
//!
//! Invariant: the directory is only read. Components come in the order of their names, entities in that of their
//! numbers, so a report is the same on every machine.

use diptych::store::{self, ComponentDiff, RowDiff};
use serde::Serialize;

use super::Failure;
use super::args::DiffArgs;
use super::report::print;

/// The component that has a row of each entity.
const IDS: &str = "diptych.id";
/// Bytes of a value that are shown to people; JSON has all of them.
const SHOWN_BYTES_MAX: usize = 64;

/// The report of `diff`.
#[derive(Serialize, Debug)]
struct DiffReport {
    from: u64,
    to: u64,
    from_digest: String,
    to_digest: String,
    entities_made: u64,
    entities_gone: u64,
    /// The first of them.
    made: Vec<String>,
    gone: Vec<String>,
    components: Vec<ComponentReport>,
}

/// How one component differs.
#[derive(Serialize, Debug)]
struct ComponentReport {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_version: Option<u32>,
    added: u64,
    removed: u64,
    changed: u64,
    /// The first of those rows.
    rows: Vec<RowReport>,
}

/// How one row differs: bytes as hexadecimal digits, and as text where they are printable.
#[derive(Serialize, Debug)]
struct RowReport {
    id: String,
    old: Option<String>,
    new: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_text: Option<String>,
}

/// Compares two frames.
pub(crate) fn diff(args: &DiffArgs) -> Result<(), Failure> {
    let refused =
        |error: store::StoreError| Failure::Refused(format!("{}: {error}", args.directory.display()));
    let past = store::Past::of(&args.directory, None).map_err(refused)?;
    let (old, new) = (past.at(args.from).map_err(refused)?, past.at(args.to).map_err(refused)?);
    let mut found = store::diff(&old, &new, args.limit as usize);
    let entities = found.iter().position(|part| part.name == IDS).map(|index| found.remove(index));
    let listed = |of: fn(&RowDiff) -> bool| -> Vec<String> {
        let rows = entities.iter().flat_map(|part| &part.rows);
        rows.filter(|row| of(row)).map(|row| row.id.to_string()).collect()
    };
    let report = DiffReport {
        from: args.from,
        to: args.to,
        from_digest: old.digest().to_string(),
        to_digest: new.digest().to_string(),
        entities_made: entities.as_ref().map_or(0, |part| part.added),
        entities_gone: entities.as_ref().map_or(0, |part| part.removed),
        made: listed(|row| row.old.is_none()),
        gone: listed(|row| row.new.is_none()),
        components: found.into_iter().map(component).collect(),
    };
    print(&report, args.json, || text(&report))
}

fn component(part: ComponentDiff) -> ComponentReport {
    let ComponentDiff { name, versions: (old, new), added, removed, changed, rows } = part;
    // Versions are worth a word only where they differ.
    let (old_version, new_version) = if old == new { (None, None) } else { (old, new) };
    let note = old.or(new) == Some(0);
    let rows = rows.into_iter().map(|found| row(found, note)).collect();
    ComponentReport { name, old_version, new_version, added, removed, changed, rows }
}

fn row(row: RowDiff, note: bool) -> RowReport {
    RowReport {
        // A note belongs to no entity.
        id: if note { "note".to_owned() } else { row.id.to_string() },
        old_text: row.old.as_deref().and_then(printable),
        new_text: row.new.as_deref().and_then(printable),
        old: row.old.as_deref().map(hex),
        new: row.new.as_deref().map(hex),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn printable(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let fits = !text.is_empty() && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// The report for people.
fn text(report: &DiffReport) -> String {
    let DiffReport { from, to, from_digest, to_digest, entities_made, entities_gone, .. } = report;
    let mut text = format!(
        "frame {from:<10} digest {from_digest}\nframe {to:<10} digest {to_digest}\n\
         entities       {entities_made} made, {entities_gone} gone\n"
    );
    for (word, ids) in [("made", &report.made), ("gone", &report.gone)] {
        if !ids.is_empty() {
            text += &format!("  {word}: {}\n", ids.join(" "));
        }
    }
    if report.components.is_empty() {
        text += if from_digest == to_digest { "nothing differs\n" } else { "" };
    }
    for part in &report.components {
        let ComponentReport { name, added, removed, changed, .. } = part;
        text += &format!("\n{name}  {added} added, {removed} removed, {changed} changed");
        match (part.old_version, part.new_version) {
            (None, None) => {}
            (old, new) => {
                let shown =
                    |version: Option<u32>| version.map_or_else(|| "none".to_owned(), |v| v.to_string());
                text += &format!(", version {} to {}", shown(old), shown(new));
            }
        }
        text.push('\n');
        for row in &part.rows {
            let old = shown(row.old.as_deref(), row.old_text.as_deref());
            text +=
                &format!("  {}  {old} -> {}\n", row.id, shown(row.new.as_deref(), row.new_text.as_deref()));
        }
        let more = (added + removed + changed).saturating_sub(part.rows.len() as u64);
        if more > 0 {
            text += &format!("  and {more} more\n");
        }
    }
    text
}

/// A value for people: its text if it has one, else its first bytes.
fn shown(hex: Option<&str>, text: Option<&str>) -> String {
    match (hex, text) {
        (None, _) => "nothing".to_owned(),
        (Some(_), Some(text)) => {
            let cut: String = text.chars().take(SHOWN_BYTES_MAX).collect();
            let dots = if cut.len() < text.len() { ".." } else { "" };
            format!("\"{cut}{dots}\"")
        }
        (Some(""), None) => "no bytes".to_owned(),
        (Some(hex), None) => match hex.get(..2 * SHOWN_BYTES_MAX) {
            Some(cut) if cut.len() < hex.len() => format!("{cut}.."),
            _ => hex.to_owned(),
        },
    }
}
