//! What is different between two images: rows that came, went and changed, by component and entity.
//!
//! Invariant: components come in the order of their names and rows in the order of their `Id`s, so the first
//! difference is the same on every machine. Two images are equal where there is none, but for what no digest covers:
//! marks, removals, serials and the order of rows. Left out: what the bytes mean.

use std::collections::{BTreeMap, BTreeSet};

use super::{Component, Image};
use crate::id::Id;

/// How one component differs between two images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentDiff {
    /// Registered name of a type, or the name of a note.
    pub name: String,
    /// Its version before and after; `None` where the image does not know the type. A note has version 0.
    pub versions: (Option<u32>, Option<u32>),
    /// Rows that only the new image has.
    pub added: u64,
    /// Rows that only the old image has.
    pub removed: u64,
    /// Rows whose bytes differ.
    pub changed: u64,
    /// The first of those rows, by `Id`; as many as were asked for.
    pub rows: Vec<RowDiff>,
}

/// How one row differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDiff {
    /// The entity; 0 for a note.
    pub id: Id,
    /// Its bytes in the old image; `None` where it has no such row.
    pub old: Option<Vec<u8>>,
    /// The same of the new image.
    pub new: Option<Vec<u8>>,
}

/// What differs between two images, with at most `limit` rows of each component; nothing where they are equal.
///
/// A component with equal digests is not looked at row by row. `diptych.id` has a row of each entity: those added
/// were made, those removed are gone.
#[must_use]
pub fn diff(old: &Image, new: &Image, limit: usize) -> Vec<ComponentDiff> {
    let (before, after) = (by_name(old), by_name(new));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let differs = |name: &&str| before.get(name) != after.get(name);
    let compare = |name: &str| {
        let version = |image: &BTreeMap<&str, &Component>| image.get(name).map(|part| part.version);
        let mut found = ComponentDiff {
            name: name.to_owned(),
            versions: (version(&before), version(&after)),
            added: 0,
            removed: 0,
            changed: 0,
            rows: Vec::new(),
        };
        found.compare(&rows(old, name), &rows(new, name), limit);
        found
    };
    names.into_iter().filter(differs).map(compare).collect()
}

impl ComponentDiff {
    /// Walks over both, which are in the order of their ids.
    fn compare(&mut self, old: &[(Id, &[u8])], new: &[(Id, &[u8])], limit: usize) {
        let (mut olds, mut news) = (old.iter().peekable(), new.iter().peekable());
        loop {
            let order = match (olds.peek(), news.peek()) {
                (None, None) => return,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((old, _)), Some((new, _))) => old.cmp(new),
            };
            let before = if order.is_le() { olds.next() } else { None };
            let after = if order.is_ge() { news.next() } else { None };
            let count = match (before, after) {
                (Some((_, old)), Some((_, new))) if old == new => continue,
                (Some(_), Some(_)) => &mut self.changed,
                (Some(_), None) => &mut self.removed,
                _ => &mut self.added,
            };
            *count += 1;
            if self.rows.len() < limit
                && let Some((id, _)) = before.or(after)
            {
                let bytes = |row: Option<&(Id, &[u8])>| row.map(|(_, bytes)| bytes.to_vec());
                self.rows.push(RowDiff { id: *id, old: bytes(before), new: bytes(after) });
            }
        }
    }
}

fn by_name(image: &Image) -> BTreeMap<&str, &Component> {
    image.components().iter().map(|part| (part.name.as_str(), part)).collect()
}

/// A component's rows in the order of their ids; of a note its one.
fn rows<'a>(image: &'a Image, name: &str) -> Vec<(Id, &'a [u8])> {
    if let Some(bytes) = image.notes().get(name) {
        return vec![(Id::from_bits(0), bytes)];
    }
    let mut rows: Vec<(Id, &[u8])> = image.rows(name).collect();
    rows.sort_unstable_by_key(|(id, _)| *id);
    rows
}
