//! The committed entries of one scope.
//!
//! Invariant: an entry has one slot from its making to its removal; a slot that is vacant is in `vacant`, and every
//! other one is in the table and in the order. The table finds slots by hash, with the hash beside the slot, so that
//! growing touches no entry. Left out: writes of the frame being made (`Overlay`).

use super::order::Order;
use super::{hash, spread};
use bevy_ecs::entity::Entity;
use diptych_components::slp::Object;
use diptych_engine::Id;
use hashbrown::{HashTable, hash_table};
use std::sync::{Arc, Mutex, PoisonError};

/// Entries of one scope at most.
pub const SCOPE_ENTRIES_MAX: u32 = u32::MAX - 1;

/// Where a committed entry is: of use until the next commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// In its scope.
    pub slot: u32,
    /// Of the entry's row.
    pub id: Id,
    /// Of the entry's row, in this process.
    pub entity: Entity,
}

/// A committed entry.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Where it is.
    pub place: Place,
    /// Its key, to share.
    pub key: &'a Arc<[u8]>,
    /// Its value.
    pub value: &'a Object,
}

/// What a commit did to one scope's entries.
#[derive(Clone, PartialEq, Debug)]
pub enum Update {
    /// A new entry.
    Add {
        /// Its key.
        key: Arc<[u8]>,
        /// Its value.
        value: Object,
        /// Of its row.
        id: Id,
        /// Of its row.
        entity: Entity,
    },
    /// Another value.
    Set {
        /// Of the entry.
        place: Place,
        /// The new value.
        value: Object,
    },
    /// An entry is no more.
    Remove {
        /// Of the entry.
        place: Place,
    },
}

/// One cache line, but for the key and the value.
#[derive(Debug)]
#[repr(align(64))]
struct Slot {
    key: Arc<[u8]>,
    value: Object,
    id: Id,
    entity: Entity,
    hash: u32,
}

const _: () = assert!(size_of::<Option<Slot>>() == 64);

/// What the table holds for each entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointer {
    pub(super) hash: u32,
    pub(super) slot: u32,
}

/// See the head of the file.
#[derive(Default, Debug)]
pub struct Scope {
    table: HashTable<Pointer>,
    slots: Vec<Option<Slot>>,
    vacant: Vec<u32>,
    /// Behind a lock because readers bring it up to date; nobody holds that for longer than a scan.
    order: Mutex<Order>,
    /// Bytes of keys and values on the heap.
    held: usize,
}

impl Scope {
    /// The entry of `key`.
    #[inline]
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Found<'_>> {
        self.find(hash(key), key)
    }

    /// The same by a hash that is known.
    #[inline]
    pub(super) fn find(&self, hash: u32, key: &[u8]) -> Option<Found<'_>> {
        let is = |pointer: &Pointer| pointer.hash == hash && *self.slot(pointer.slot).key == *key;
        let slot = self.table.find(spread(hash), is)?.slot;
        let Slot { key, value, id, entity, .. } = self.slot(slot);
        Some(Found { place: Place { slot, id: *id, entity: *entity }, key, value })
    }

    #[inline]
    fn slot(&self, slot: u32) -> &Slot {
        self.slots[slot as usize].as_ref().expect("the table points to no vacant slot")
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.table.len() as u32
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// At most `limit` keys with this prefix, ascending by bytes, behind `after` where there is one and after
    /// `offset` of them. The first scan after many new keys sorts them.
    #[must_use]
    pub fn scan(&self, prefix: &[u8], after: Option<&[u8]>, offset: u64, limit: u64) -> Vec<Arc<[u8]>> {
        let mut keys = Vec::new();
        self.walk(prefix, after, |rest| {
            let (offset, limit) = (saturated(offset), saturated(limit));
            keys.extend(rest.skip(offset).take(limit).map(|(_, key)| Arc::clone(key)));
        });
        keys
    }

    /// Shows `visit` the keys with this prefix, each with its hash, under the lock of the order.
    pub(super) fn walk(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        visit: impl FnOnce(&mut dyn Iterator<Item = (u32, &Arc<[u8]>)>),
    ) {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.settle(|slot| &self.slot(slot).key);
        visit(&mut order.range(prefix, after).map(|(key, slot)| (self.slot(slot).hash, key)));
    }

    /// Applies what a commit did, in its order.
    ///
    /// # Panics
    /// When an update is of another entry than the one at its place, or adds a key that is there.
    pub fn apply(&mut self, updates: impl IntoIterator<Item = Update>) {
        for update in updates {
            match update {
                Update::Add { key, value, id, entity } => self.add(key, value, id, entity),
                Update::Set { place, value } => self.set(place, value),
                Update::Remove { place } => self.remove(place),
            }
        }
    }

    /// Adds an entry, or gives the one with this key another value and another row.
    pub fn insert(&mut self, key: &Arc<[u8]>, value: Object, id: Id, entity: Entity) {
        let Some(found) = self.get(key) else { return self.add(Arc::clone(key), value, id, entity) };
        let slot = found.place.slot;
        self.set(found.place, value);
        let slot = self.slots[slot as usize].as_mut().expect("it was found");
        (slot.id, slot.entity) = (id, entity);
    }

    /// Room for so many more entries.
    pub fn reserve(&mut self, more: usize) {
        self.slots.reserve(more.saturating_sub(self.vacant.len()));
        self.table.reserve(more, |pointer| spread(pointer.hash));
    }

    fn add(&mut self, key: Arc<[u8]>, value: Object, id: Id, entity: Entity) {
        let hash = hash(&key);
        let slots = &mut self.slots;
        let is = |pointer: &Pointer| {
            pointer.hash == hash && slots[pointer.slot as usize].as_ref().is_some_and(|slot| slot.key == key)
        };
        let hash_table::Entry::Vacant(vacant) =
            self.table.entry(spread(hash), is, |pointer| spread(pointer.hash))
        else {
            panic!("the key {} is there already: it was added twice", key.escape_ascii());
        };
        self.held += key_bytes(&key) + value.heap_bytes();
        let entry = Some(Slot { key, value, id, entity, hash });
        let slot = if let Some(slot) = self.vacant.pop() {
            slots[slot as usize] = entry;
            slot
        } else {
            let slot = slots.len() as u32;
            assert!(slot < SCOPE_ENTRIES_MAX, "a scope holds at most {SCOPE_ENTRIES_MAX} entries");
            slots.push(entry);
            slot
        };
        vacant.insert(Pointer { hash, slot });
        self.order_mut().put(slot);
    }

    fn set(&mut self, place: Place, value: Object) {
        let slot = self.slots.get_mut(place.slot as usize).and_then(Option::as_mut);
        let slot = slot.filter(|slot| slot.id == place.id);
        let slot = slot.unwrap_or_else(|| panic!("slot {} is not of {} any more", place.slot, place.id));
        self.held = self.held + value.heap_bytes() - slot.value.heap_bytes();
        slot.value = value;
    }

    /// Forgets an entry.
    ///
    /// # Panics
    /// When another entry is at its place.
    pub fn remove(&mut self, place: Place) {
        let slot =
            self.slots.get_mut(place.slot as usize).and_then(|slot| slot.take_if(|slot| slot.id == place.id));
        let slot = slot.unwrap_or_else(|| panic!("slot {} is not of {} any more", place.slot, place.id));
        self.held -= key_bytes(&slot.key) + slot.value.heap_bytes();
        let entry = self.table.find_entry(spread(slot.hash), |pointer| pointer.slot == place.slot);
        entry.expect("every entry is in the table").remove();
        self.order_mut().take(place.slot, &slot.key);
        self.vacant.push(place.slot);
    }

    /// No lock is taken: nobody else looks while the scope is changed.
    fn order_mut(&mut self) -> &mut Order {
        self.order.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes on the heap: keys, values, table and order.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.held
            + self.table.allocation_size()
            + self.slots.capacity() * size_of::<Option<Slot>>()
            + self.vacant.capacity() * size_of::<u32>()
            + self.order.lock().unwrap_or_else(PoisonError::into_inner).heap_bytes()
    }
}

/// Bytes of a shared key: two counters and the bytes.
fn key_bytes(key: &[u8]) -> usize {
    (2 * size_of::<usize>() + key.len()).next_multiple_of(size_of::<usize>())
}

/// A count as far as this machine can count.
pub(super) fn saturated(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
