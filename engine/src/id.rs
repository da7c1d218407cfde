//! Stable names of entities, and the index that leads from them to this process's handles.
//!
//! Invariant: an [`Id`] is never reused, and it follows from the spawning system's name and how many
//! entities that system has spawned, never from a thread, an address or a registration order. bevy's
//! `Entity` is a handle of this process only and is left out of everything stored, hashed or sent.

use bevy_ecs::component::Component;
use bevy_ecs::entity::Entity;
use std::collections::BTreeMap;
use std::fmt;

/// Bits of an [`Id`] that count the spawns of one system: 2^44 spawns, then the engine refuses.
pub const SERIAL_BITS: u32 = 44;
/// The highest serial number one system can give out.
pub const SERIAL_MAX: u64 = (1 << SERIAL_BITS) - 1;
/// Bits of an [`Id`] that name the spawning system: 20 bits of the hash of its name. Two names that
/// share them are refused at build.
pub const SYSTEM_KEY_BITS: u32 = 64 - SERIAL_BITS;

/// The stable name of an entity: 64 bits, given once, never reused, equal on every machine and thread count.
///
/// Layout: `system key (20 bits) | serial (44 bits)`. An `Id` is plain old data: state that refers to another
/// entity stores its `Id`. In a query, `Id` is read like bevy's `Entity`: `Query<(Id, Prev<Position>)>`.
///
/// ```
/// use diptych_engine::Id;
/// let id = Id::from_bits(42);
/// assert_eq!(id.bits(), 42);
/// ```
///
/// Nobody can write it:
/// ```compile_fail,E0271
/// use diptych_engine::prelude::*;
/// fn rename(mut ids: Query<Plain<&mut Id>>) {}
/// let _ = Engine::in_memory().system("rename", rename);
/// ```
#[derive(
    Component, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, bytemuck::Pod, bytemuck::Zeroable,
)]
#[component(immutable)]
#[repr(transparent)]
pub struct Id(u64);

impl Id {
    /// The `Id` with these bits; for values read back from stored or sent data.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits of this `Id`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The `Id` of the `serial`-th spawn under `key`.
    ///
    /// # Panics
    /// When the key or the serial number exceeds its bits.
    pub(crate) fn new(key: SystemKey, serial: u64) -> Self {
        assert!(
            serial <= SERIAL_MAX,
            "system key {:05x} has spawned 2^{SERIAL_BITS} entities, its limit",
            key.0
        );
        Self((u64::from(key.0) << SERIAL_BITS) | serial)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:05x}.{})", self.0 >> SERIAL_BITS, self.0 & SERIAL_MAX)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05x}.{}", self.0 >> SERIAL_BITS, self.0 & SERIAL_MAX)
    }
}

// Loops by rows and blocks hand out `&Id`.
impl From<&Id> for Id {
    fn from(id: &Id) -> Self {
        *id
    }
}

/// What a system's unique name contributes to `Id`s and random streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SystemKey(pub(crate) u32);

impl SystemKey {
    /// The key of a registered name: the top 20 bits of its xxh3 hash.
    pub(crate) fn of(name: &str) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
        Self((hash >> SERIAL_BITS) as u32)
    }
}

const INDEX_PAGE_SHIFT: u32 = 9;
const INDEX_PAGE: usize = 1 << INDEX_PAGE_SHIFT;

/// From [`Id`] to `Entity`: pages of 512 consecutive `Id`s, freed when empty.
///
/// Cost: 8 bytes per live `Id` in a full page, one ordered lookup per page change.
#[derive(Debug, Default)]
pub(crate) struct IdIndex {
    pages: BTreeMap<u64, Box<IndexPage>>,
    /// Empty pages, kept for their memory.
    spare: Vec<Box<IndexPage>>,
    len: u64,
}

/// Empty index pages kept: 1 MiB.
const SPARE_PAGES_MAX: usize = 256;

#[derive(Debug)]
struct IndexPage {
    live: u32,
    entities: [Option<Entity>; INDEX_PAGE],
}

impl IdIndex {
    /// The handle of a live entity.
    pub(crate) fn get(&self, id: Id) -> Option<Entity> {
        let page = self.pages.get(&(id.0 >> INDEX_PAGE_SHIFT))?;
        page.entities[id.0 as usize & (INDEX_PAGE - 1)]
    }

    /// Number of live entities.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Enters a run of new entities, in order; consecutive `Id`s share one page lookup.
    pub(crate) fn insert_many(&mut self, entries: impl IntoIterator<Item = (Id, Entity)>) {
        let mut entries = entries.into_iter().peekable();
        while let Some(&(first, _)) = entries.peek() {
            let number = first.0 >> INDEX_PAGE_SHIFT;
            let page = self.page_mut(first);
            let mut added = 0;
            while let Some((id, entity)) = entries.next_if(|(id, _)| id.0 >> INDEX_PAGE_SHIFT == number) {
                let slot = &mut page.entities[id.0 as usize & (INDEX_PAGE - 1)];
                assert!(slot.is_none(), "{id} was given out twice");
                *slot = Some(entity);
                added += 1;
            }
            page.live += added;
            self.len += u64::from(added);
        }
    }

    /// Takes `id` out; its page goes when it was the last in it.
    pub(crate) fn remove(&mut self, id: Id) -> Option<Entity> {
        let number = id.0 >> INDEX_PAGE_SHIFT;
        let page = self.pages.get_mut(&number)?;
        let entity = page.entities[id.0 as usize & (INDEX_PAGE - 1)].take()?;
        page.live -= 1;
        if page.live == 0
            && let Some(page) = self.pages.remove(&number)
            && self.spare.len() < SPARE_PAGES_MAX
        {
            self.spare.push(page);
        }
        self.len -= 1;
        Some(entity)
    }

    fn page_mut(&mut self, id: Id) -> &mut IndexPage {
        let Self { pages, spare, .. } = self;
        let fresh = || Box::new(IndexPage { live: 0, entities: [None; INDEX_PAGE] });
        pages.entry(id.0 >> INDEX_PAGE_SHIFT).or_insert_with(|| spare.pop().unwrap_or_else(fresh))
    }
}

#[cfg(all(test, not(diptych_loom)))]
mod tests {
    use super::*;

    /// Pages appear with their first `Id` and go with their last.
    #[test]
    fn index_pages_are_freed_when_empty() {
        let mut index = IdIndex::default();
        let ids: Vec<Id> = (0..1500).map(|n| Id::new(SystemKey(7), n)).collect();
        let entity = |n: usize| Entity::from_raw_u32(n as u32).expect("small");
        index.insert_many(ids.iter().copied().enumerate().map(|(n, id)| (id, entity(n))));
        assert_eq!((index.len(), index.pages.len()), (1500, 3));
        assert_eq!(index.get(ids[700]), Some(entity(700)));
        for id in &ids {
            assert!(index.remove(*id).is_some());
            assert_eq!(index.get(*id), None);
        }
        assert_eq!((index.len(), index.pages.len()), (0, 0));
        assert_eq!(index.remove(ids[0]), None);
    }
}
