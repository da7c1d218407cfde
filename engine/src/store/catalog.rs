//! The stored types: a name gets its key at its first registration and keeps it for ever.
//!
//! Invariant: key 0 is the column of ids; keys are dense. Left out: how an older version is brought up
//! to a newer one (the engine's upcasters do that).

use std::collections::BTreeSet;

use super::codec::{Cursor, Fields, malformed};
use super::{StoreError, TypeChanges};
use crate::digest::ID_TYPE_NAME;

/// This bit of a stored kind says that the type is transient.
const TRANSIENT: u8 = 0x80;

/// How a row of a type is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Each row has this many bytes; 0 for a tag.
    Fixed(u32),
    /// Each row has its own length.
    Variable,
}

/// A type as it is registered or stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeEntry {
    /// Registered name, for example `motion.position`.
    pub name: String,
    /// Registered version.
    pub version: u32,
    /// How a row is stored.
    pub row: RowKind,
    /// Hash of the type's layout: two layouts of one version are an error.
    pub layout: u64,
    /// Values live for one frame: they are in its record and in no page.
    pub transient: bool,
}

impl TypeEntry {
    fn ids() -> Self {
        let name = ID_TYPE_NAME.to_owned();
        Self { name, version: 1, row: RowKind::Fixed(8), layout: 0, transient: false }
    }
}

/// The catalog of a new world: ids, then the given types in their order.
pub(crate) fn created(types: &[TypeEntry]) -> Vec<TypeEntry> {
    let mut entries = vec![TypeEntry::ids()];
    append_new(&mut entries, types);
    entries
}

/// The stored catalog with the given types: entries take the given names and versions, new names the next keys.
pub(crate) fn merged(
    stored: &[TypeEntry],
    types: &[TypeEntry],
    changes: &TypeChanges,
) -> Result<Vec<TypeEntry>, StoreError> {
    let mut entries = stored.to_vec();
    rename(&mut entries, changes)?;
    for entry in entries.iter_mut().skip(1).filter(|entry| !entry.is_dropped()) {
        let Some(given) = types.iter().find(|given| given.name == entry.name) else {
            let mut reason = "it is in the store, but not registered; register it, or say what became of it with .renamed(old, new) or .dropped(name)".to_owned();
            if entry.name.starts_with("diptych.") {
                reason += "; it is the engine's own: register what brings it, as .hierarchy(), a job or an answering system does";
            }
            return Err(refused(&entry.name, reason));
        };
        if given.version < entry.version {
            let reason = format!(
                "the store holds version {}, version {} is registered; use the program that wrote it or a newer one",
                entry.version, given.version
            );
            return Err(refused(&entry.name, reason));
        }
        if given.version == entry.version && (given.row != entry.row || given.layout != entry.layout) {
            let reason = format!(
                "version {} is stored with another layout; raise the version and register an upcaster",
                entry.version
            );
            return Err(refused(&entry.name, reason));
        }
        if given.version == entry.version && given.transient != entry.transient {
            let said = |transient| if transient { "transient" } else { "not transient" };
            let reason = format!(
                "version {} is stored as {}, it is registered as {}; raise the version and register an upcaster",
                entry.version,
                said(entry.transient),
                said(given.transient)
            );
            return Err(refused(&entry.name, reason));
        }
        entry.clone_from(given);
    }
    append_new(&mut entries, types);
    Ok(entries)
}

/// Calls the entries by the names of today; a dropped one keeps its key and nothing else.
fn rename(entries: &mut [TypeEntry], changes: &TypeChanges) -> Result<(), StoreError> {
    for index in 1..entries.len() {
        let stored = entries[index].name.clone();
        match changes.name_now(&stored) {
            Some(now) if now != stored => {
                if entries.iter().any(|other| other.name == now) {
                    let reason =
                        format!("it was renamed to \"{now}\", and the store holds both; drop one of them");
                    return Err(refused(&stored, reason));
                }
                now.clone_into(&mut entries[index].name);
            }
            Some(_) => {}
            None => entries[index] = TypeEntry::dropped(),
        }
    }
    Ok(())
}

/// Whether a stored type changes its version or its name, or goes.
pub(crate) fn upgrades(stored: &[TypeEntry], merged: &[TypeEntry]) -> bool {
    stored.iter().zip(merged).any(|(old, new)| old.version != new.version || old.name != new.name)
}

/// The keys of the types whose values live for one frame.
pub(crate) fn transient_keys(types: &[TypeEntry]) -> BTreeSet<u16> {
    (0..).zip(types).filter(|(_, entry)| entry.transient).map(|(key, _)| key).collect()
}

fn append_new(entries: &mut Vec<TypeEntry>, types: &[TypeEntry]) {
    for given in types {
        if !entries.iter().any(|entry| entry.name == given.name) {
            entries.push(given.clone());
        }
    }
    assert!(entries.len() <= usize::from(u16::MAX), "at most 65535 types can be stored");
}

fn refused(name: &str, reason: String) -> StoreError {
    StoreError::Type { name: name.to_owned(), reason }
}

/// Whether a catalog from elsewhere can be one.
pub(crate) fn check(entries: &[TypeEntry]) -> Result<(), StoreError> {
    if entries.first() != Some(&TypeEntry::ids()) {
        return Err(refused(ID_TYPE_NAME, "the catalog does not begin with it".to_owned()));
    }
    if entries.len() > usize::from(u16::MAX) {
        return Err(refused("", format!("the catalog has {} types, at most 65535 can be", entries.len())));
    }
    let mut names = BTreeSet::new();
    for entry in entries.iter().filter(|entry| !entry.is_dropped()) {
        if !names.insert(&entry.name) {
            return Err(refused(&entry.name, "it stands twice in the catalog".to_owned()));
        }
    }
    Ok(())
}

pub(crate) fn encode(entries: &[TypeEntry]) -> Vec<u8> {
    let mut fields = Fields::default();
    fields.count(entries.len());
    for entry in entries {
        let (kind, size) = match entry.row {
            RowKind::Fixed(size) => (1, size),
            RowKind::Variable => (2, 0),
        };
        let kind = if entry.transient { kind | TRANSIENT } else { kind };
        fields.text(&entry.name).u32(entry.version).u8(kind).u32(size).u64(entry.layout);
    }
    fields.finish()
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<TypeEntry>, StoreError> {
    let mut cursor = Cursor::checked(bytes)?;
    let mut entries = Vec::new();
    for _ in 0..cursor.u64()? {
        let name = cursor.text()?.to_owned();
        let version = cursor.u32()?;
        let at = cursor.at();
        let kind = cursor.u8()?;
        let row = match (kind & !TRANSIENT, cursor.u32()?) {
            (1, size) => RowKind::Fixed(size),
            (2, _) => RowKind::Variable,
            _ => return Err(malformed(at, format!("{kind} is no kind of row"))),
        };
        let transient = kind & TRANSIENT != 0;
        entries.push(TypeEntry { name, version, row, layout: cursor.u64()?, transient });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
