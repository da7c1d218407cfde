//! Stored names that were changed: what of it makes sense, checked before a directory is opened.
//!
//! Invariant: every old name leads to one registered name, or to nothing, whatever the order of the calls.
//! Left out: what is stored; a name that no world has does no harm.

use super::Registrar;
use crate::annex::Annex;
use crate::digest::ID_TYPE_NAME;
use crate::error::BuildError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Registrar {
    /// Notes what is wrong with the renamed and dropped names; types and annexes must be entered.
    pub(crate) fn check_changes(&self, annexes: &[Arc<dyn Annex>], errors: &mut Vec<BuildError>) {
        let mut refuse =
            |name: &str, why: String| errors.push(BuildError::BadChange { name: name.to_owned(), why });
        let messages = annexes.iter().filter_map(|annex| annex.name().strip_prefix("message "));
        let registered: BTreeSet<&str> =
            self.types.iter().map(|spec| spec.name.as_str()).chain(messages).collect();
        let dropped: BTreeSet<&str> = self.dropped.iter().map(String::as_str).collect();
        let mut pairs: Vec<(&str, &str)> =
            self.renamed.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
        pairs.sort_unstable();
        pairs.dedup();
        for name in &dropped {
            if registered.contains(name) {
                refuse(name, "it is dropped and registered; take one of them out".to_owned());
            }
            if *name == ID_TYPE_NAME {
                refuse(name, "it is the engine's own, and cannot be dropped".to_owned());
            }
        }
        let (mut next, mut before) = (BTreeMap::new(), BTreeMap::new());
        for (old, new) in &pairs {
            if registered.contains(old) {
                refuse(old, format!("it is renamed to \"{new}\" and registered; take one of them out"));
            }
            if dropped.contains(old) {
                refuse(old, format!("it is renamed to \"{new}\" and dropped; take one of them out"));
            }
            if *old == ID_TYPE_NAME {
                refuse(old, "it is the engine's own, and cannot be renamed".to_owned());
            }
            if let Some(first) = next.insert(*old, *new) {
                refuse(
                    old,
                    format!("it is renamed to \"{first}\" and to \"{new}\"; a type has one new name"),
                );
            }
            if let Some(first) = before.insert(*new, *old) {
                refuse(new, format!("\"{first}\" and \"{old}\" are both renamed to it; drop one of them"));
            }
        }
        for (old, _) in &pairs {
            let mut name = *old;
            let mut steps = 0;
            while let Some(new) = next.get(name).filter(|_| steps <= next.len()) {
                (name, steps) = (*new, steps + 1);
            }
            if steps > next.len() || steps > crate::builder::RENAMES_MAX {
                refuse(old, "its new names run in a circle, or through more than 64 names".to_owned());
            } else if !registered.contains(name) && !dropped.contains(name) {
                refuse(old, format!("it is renamed to \"{name}\", which is not registered"));
            }
        }
    }

    /// The changes, for the store.
    #[cfg(feature = "store")]
    pub(crate) fn changes(&self) -> crate::store::TypeChanges {
        crate::store::TypeChanges {
            renamed: self.renamed.iter().cloned().collect(),
            dropped: self.dropped.iter().cloned().collect(),
        }
    }
}
