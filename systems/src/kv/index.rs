//! The committed entries of all scopes.
//!
//! Invariant: a scope that has no entry is not there, so that the index follows from the entries alone. It changes at
//! the end of a commit only; lanes and readers share it in between. Left out: the lock around it, and who may look.

use super::scope::{Scope, Update};
use bevy_ecs::entity::Entity;
use diptych_components::kv::{Key, KvError, Value, split_raw};
use diptych_components::slp::Object;
use diptych_engine::{Id, par_each_weighted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Fewer updates than this are applied by one thread.
const ALONE: usize = 512;

/// See the head of the file.
#[derive(Default, Debug)]
pub struct Index {
    scopes: BTreeMap<Arc<str>, Box<Scope>>,
}

impl Index {
    /// The scope of this name, if it has an entry.
    #[must_use]
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.scopes.get(name).map(|scope| &**scope)
    }

    /// Every scope that has an entry, by name.
    pub fn scopes(&self) -> impl Iterator<Item = (&Arc<str>, &Scope)> {
        self.scopes.iter().map(|(name, scope)| (name, &**scope))
    }

    /// The value of an entry.
    #[inline]
    #[must_use]
    pub fn get(&self, scope: &str, key: &[u8]) -> Option<&Object> {
        Some(self.scope(scope)?.get(key)?.value)
    }

    /// The value of the entry with this raw key, `scope/key`.
    ///
    /// # Errors
    /// When `raw` is no raw key.
    pub fn get_raw(&self, raw: &[u8]) -> Result<Option<&Object>, KvError> {
        let (scope, key) = split_raw(raw)?;
        Ok(self.get(scope, key))
    }

    /// Entries of all scopes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.scopes.values().map(|scope| u64::from(scope.len())).sum()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let scopes = self.scopes.iter();
        scopes.map(|(name, scope)| name.len() + size_of::<Scope>() + scope.heap_bytes()).sum()
    }

    /// Adds an entry from its row, or gives the entry of this key that row's value: how the index is built when a
    /// world is opened.
    pub fn insert(&mut self, key: &Key, value: &Value, id: Id, entity: Entity) {
        self.ensure(&key.scope).insert(&key.key, value.object().clone(), id, entity);
    }

    /// Forgets the entry of this key, and says whether there was one.
    pub fn remove(&mut self, scope: &str, key: &[u8]) -> bool {
        let Some(entries) = self.scopes.get_mut(scope) else { return false };
        let Some(place) = entries.get(key).map(|found| found.place) else { return false };
        entries.remove(place);
        self.drop_if_empty(scope);
        true
    }

    /// Applies what a commit did to the entries of one scope, in its order.
    ///
    /// # Panics
    /// As [`Scope::apply`].
    pub fn apply(&mut self, scope: &Arc<str>, updates: impl IntoIterator<Item = Update>) {
        self.ensure(scope).apply(updates);
        self.drop_if_empty(scope);
    }

    /// The same for many scopes, each of which comes once, on all threads where that pays.
    ///
    /// # Panics
    /// As [`Scope::apply`].
    pub fn apply_all(&mut self, changes: &mut Vec<(Arc<str>, Vec<Update>)>) {
        let updates: usize = changes.iter().map(|(_, updates)| updates.len()).sum();
        if changes.len() < 2 || updates < ALONE {
            for (scope, updates) in changes.drain(..) {
                self.apply(&scope, updates);
            }
            return;
        }
        // Out of the map and back, so that each is somebody's own in between.
        let mut taken: Vec<_> = changes
            .drain(..)
            .map(|(name, updates)| (core::mem::take(self.ensure(&name)), name, updates))
            .collect();
        let weight = |(_, _, updates): &(Scope, Arc<str>, Vec<Update>)| updates.len() as u64;
        par_each_weighted(&mut taken, weight, |_, (scope, _, updates)| scope.apply(updates.drain(..)));
        for (scope, name, _) in taken {
            *self.ensure(&name) = scope;
            self.drop_if_empty(&name);
        }
    }

    /// The scope of this name, made where it is not there. It must have an entry when it is let go.
    fn ensure(&mut self, name: &Arc<str>) -> &mut Scope {
        if !self.scopes.contains_key(name) {
            self.scopes.insert(Arc::clone(name), Box::default());
        }
        self.scopes.get_mut(name).expect("it is there by now")
    }

    fn drop_if_empty(&mut self, name: &str) {
        if self.scopes.get(name).is_some_and(|scope| scope.is_empty()) {
            self.scopes.remove(name);
        }
    }
}
