//! What one lane has written to one scope in the frame being made.
//!
//! Invariant: read through an overlay, a scope looks as if every write had been applied already; the scope itself is
//! not touched. Each key written has one entry, at the place of its first write, whatever came later. The overlay is
//! of one frame and one scope: the places it keeps are those of that frame's committed index.

use super::order::Order;
use super::scope::{Found, Place, Pointer, Scope, Update, saturated};
use super::text::is_text;
use super::{hash, spread};
use bevy_ecs::entity::Entity;
use core::cell::Cell;
use diptych_components::slp::Object;
use diptych_engine::Id;
use hashbrown::HashTable;
use std::sync::Arc;

/// An overlay that had more entries in a frame gives the room for the rest back.
pub const OVERLAY_KEPT_MAX: usize = 1 << 16;
/// With one entry or less for so many places of the table, clearing takes the entries out one by one.
const SPARSE: usize = 8;

/// What became of an entry in a frame.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// An entry that was there has been written.
    Set {
        /// Where it is.
        place: Place,
        /// Its key.
        key: Arc<[u8]>,
        /// Its new value.
        value: Object,
    },
    /// There is a new entry.
    Add {
        /// Its key.
        key: Arc<[u8]>,
        /// Its value.
        value: Object,
    },
    /// An entry that was there is to go.
    Remove {
        /// Where it is.
        place: Place,
        /// Its key.
        key: Arc<[u8]>,
    },
}

impl Change {
    /// The same for the index; `spawn` makes the row of a new entry and is asked for nothing else.
    pub fn placed(self, spawn: impl FnOnce(&Arc<[u8]>, &Object) -> (Id, Entity)) -> Update {
        match self {
            Self::Set { place, value, .. } => Update::Set { place, value },
            Self::Add { key, value } => {
                let (id, entity) = spawn(&key, &value);
                Update::Add { key, value, id, entity }
            }
            Self::Remove { place, .. } => Update::Remove { place },
        }
    }
}

/// The last write of a key.
#[derive(Debug)]
struct Entry {
    key: Arc<[u8]>,
    /// None: deleted.
    value: Option<Object>,
    /// None: not in the scope.
    place: Option<Place>,
    hash: u32,
}

/// See the head of the file.
#[derive(Default, Debug)]
pub struct Overlay {
    table: HashTable<Pointer>,
    entries: Vec<Entry>,
    /// Of the entries that are not in the scope.
    added: Order,
    /// Entries of the scope that are deleted at this moment.
    removed: u32,
}

/// Where a key was found.
enum Sight<'a> {
    /// Written in this frame: the entry's number.
    Written(usize),
    /// Only in the scope.
    Committed(Found<'a>),
    Nowhere,
}

impl Overlay {
    /// The value of `key`.
    #[inline]
    #[must_use]
    pub fn get<'a>(&'a self, scope: &'a Scope, key: &[u8]) -> Option<&'a Object> {
        match self.sight(scope, hash(key), key) {
            Sight::Written(entry) => self.entries[entry].value.as_ref(),
            Sight::Committed(found) => Some(found.value),
            Sight::Nowhere => None,
        }
    }

    /// Whether there is an entry of `key`.
    #[inline]
    #[must_use]
    pub fn exists(&self, scope: &Scope, key: &[u8]) -> bool {
        self.get(scope, key).is_some()
    }

    /// Writes an entry. A value that shares a buffer is copied out of it.
    #[inline]
    pub fn set(&mut self, scope: &Scope, key: &[u8], value: &Object) {
        let hash = hash(key);
        let sight = self.sight(scope, hash, key);
        self.write(sight, hash, key, value);
    }

    /// Writes an entry if there is none, and says whether it did.
    #[inline]
    pub fn set_if_absent(&mut self, scope: &Scope, key: &[u8], value: &Object) -> bool {
        let hash = hash(key);
        let sight = self.sight(scope, hash, key);
        let absent = self.seen(&sight).is_none();
        if absent {
            self.write(sight, hash, key, value);
        }
        absent
    }

    /// Writes an entry if there is one whose text is `expected`, and says whether it did.
    #[inline]
    pub fn compare_and_swap(&mut self, scope: &Scope, key: &[u8], expected: &[u8], value: &Object) -> bool {
        let hash = hash(key);
        let sight = self.sight(scope, hash, key);
        let equal = self.seen(&sight).is_some_and(|value| is_text(value, expected));
        if equal {
            self.write(sight, hash, key, value);
        }
        equal
    }

    /// Deletes an entry, and says whether there was one.
    pub fn delete(&mut self, scope: &Scope, key: &[u8]) -> bool {
        let hash = hash(key);
        match self.sight(scope, hash, key) {
            Sight::Written(entry) => {
                let Entry { value, place, .. } = &mut self.entries[entry];
                let was = value.take().is_some();
                self.removed += u32::from(was && place.is_some());
                was
            }
            Sight::Committed(Found { place, key, .. }) => {
                self.removed += 1;
                self.push(Entry { key: Arc::clone(key), value: None, place: Some(place), hash });
                true
            }
            Sight::Nowhere => false,
        }
    }

    /// At most `limit` keys with this prefix, ascending by bytes, after `offset` of them: what is there at this
    /// moment; and how many were looked at, which is what it costs. The first scan after many new keys sorts those.
    #[must_use]
    pub fn keys(&mut self, scope: &Scope, prefix: &[u8], offset: u64, limit: u64) -> (Vec<Arc<[u8]>>, u64) {
        let (offset, limit) = (saturated(offset), saturated(limit));
        let (mut skipped, mut keys) = (0, Vec::new());
        if limit == 0 {
            return (keys, 0);
        }
        let gone = Cell::new(0);
        let is_there = |there: bool| {
            gone.set(gone.get() + u64::from(!there));
            there
        };
        self.added.settle(|entry| &self.entries[entry as usize].key);
        let live = |(_, entry): &(_, u32)| is_there(self.entries[*entry as usize].value.is_some());
        let mut news = self.added.range(prefix, None).filter(live).map(|(key, _)| key).peekable();
        scope.walk(prefix, None, |committed| {
            let mut old = committed
                .filter(|(hash, key)| is_there(!self.is_removed(*hash, key)))
                .map(|(_, key)| key)
                .peekable();
            while keys.len() < limit {
                let next = match (old.peek(), news.peek()) {
                    (Some(one), Some(two)) if two < one => news.next(),
                    (None, _) => news.next(),
                    _ => old.next(),
                };
                let Some(key) = next else { break };
                if skipped < offset {
                    skipped += 1;
                } else {
                    keys.push(Arc::clone(key));
                }
            }
        });
        let looked = gone.get() + (skipped + keys.len()) as u64;
        (keys, looked)
    }

    /// Entries written so far, deleted ones too.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes what became of each key, in the order of the first writes, and is ready for the next frame. A key that
    /// came and went in this frame is left out; one that was deleted and written again has been set.
    pub fn drain(&mut self) -> impl Iterator<Item = Change> + '_ {
        self.forget();
        self.entries.drain(..).filter_map(|Entry { key, value, place, .. }| match (value, place) {
            (Some(value), Some(place)) => Some(Change::Set { place, key, value }),
            (Some(value), None) => Some(Change::Add { key, value }),
            (None, Some(place)) => Some(Change::Remove { place, key }),
            (None, None) => None,
        })
    }

    /// Forgets every write.
    pub fn clear(&mut self) {
        self.forget();
        self.entries.clear();
    }

    /// Empties all but the entries, and keeps room for no more than [`OVERLAY_KEPT_MAX`] of them.
    fn forget(&mut self) {
        self.removed = 0;
        self.added.clear();
        if self.entries.len() * SPARSE <= self.table.capacity() {
            for (number, entry) in self.entries.iter().enumerate() {
                let found =
                    self.table.find_entry(spread(entry.hash), |pointer| pointer.slot as usize == number);
                found.expect("every entry is in the table").remove();
            }
        } else {
            self.table.clear();
        }
        if self.entries.len() > OVERLAY_KEPT_MAX {
            self.table.shrink_to(OVERLAY_KEPT_MAX, |pointer| spread(pointer.hash));
            self.added.shrink(OVERLAY_KEPT_MAX);
        } else if self.entries.capacity() > OVERLAY_KEPT_MAX {
            // Those of an earlier frame, which were being drained when the rest was made smaller.
            self.entries.shrink_to(OVERLAY_KEPT_MAX);
        }
    }

    /// Bytes on the heap, without those of keys and values.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.table.allocation_size() + self.entries.capacity() * size_of::<Entry>() + self.added.heap_bytes()
    }

    #[inline]
    fn written(&self, hash: u32, key: &[u8]) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        let is = |pointer: &Pointer| pointer.hash == hash && *self.entries[pointer.slot as usize].key == *key;
        self.table.find(spread(hash), is).map(|pointer| pointer.slot as usize)
    }

    #[inline]
    fn sight<'a>(&self, scope: &'a Scope, hash: u32, key: &[u8]) -> Sight<'a> {
        if let Some(entry) = self.written(hash, key) {
            return Sight::Written(entry);
        }
        scope.find(hash, key).map_or(Sight::Nowhere, Sight::Committed)
    }

    #[inline]
    fn seen<'a>(&'a self, sight: &Sight<'a>) -> Option<&'a Object> {
        match sight {
            Sight::Written(entry) => self.entries[*entry].value.as_ref(),
            Sight::Committed(found) => Some(found.value),
            Sight::Nowhere => None,
        }
    }

    #[inline]
    fn is_removed(&self, hash: u32, key: &[u8]) -> bool {
        self.removed > 0 && self.written(hash, key).is_some_and(|entry| self.entries[entry].value.is_none())
    }

    fn write(&mut self, sight: Sight<'_>, hash: u32, key: &[u8], value: &Object) {
        let value = Some(value.compact());
        match sight {
            Sight::Written(entry) => {
                let entry = &mut self.entries[entry];
                self.removed -= u32::from(entry.value.is_none() && entry.place.is_some());
                entry.value = value;
            }
            Sight::Committed(Found { place, key, .. }) => {
                self.push(Entry { key: Arc::clone(key), value, place: Some(place), hash });
            }
            Sight::Nowhere => {
                self.added.put(self.entries.len() as u32);
                self.push(Entry { key: Arc::from(key), value, place: None, hash });
            }
        }
    }

    fn push(&mut self, entry: Entry) {
        let slot =
            u32::try_from(self.entries.len()).expect("fewer writes in a frame than steps of its scripts");
        let hash = entry.hash;
        self.table.insert_unique(spread(hash), Pointer { hash, slot }, |pointer| spread(pointer.hash));
        self.entries.push(entry);
    }
}
