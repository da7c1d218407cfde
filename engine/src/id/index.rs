//! From [`Id`] to `Entity`, and to where its row is: a few loads a lookup, whatever the number of entities.
//!
//! Layout: an open table of system keys, each with a directory of chunks of 512 pages of 512 consecutive
//! serials. Invariant: a page, and a chunk of pages, exists while an entity of it lives, so old serials cost
//! nothing. Keys are bits of a hash already and are never 0, which marks a free place; nothing here depends
//! on a seed, and nothing iterates. Which `Id`s are given out is `structure`'s.

use super::{Id, SERIAL_BITS, SERIAL_MAX};
use bevy_ecs::entity::Entity;
use bevy_ecs::storage::TableId;

const PAGE_SHIFT: u32 = 9;
const PAGE: usize = 1 << PAGE_SHIFT;
const CHUNK_SHIFT: u32 = 9;
const CHUNK: usize = 1 << CHUNK_SHIFT;
/// Places of the key table at the beginning; it doubles when half full.
const KEYS_MIN: usize = 16;
/// Empty index pages kept: 2 MiB.
const SPARE_PAGES_MAX: usize = 256;

/// See the module.
///
/// Cost: 16 bytes per live `Id` in a full page; a lookup reads a key, a chunk, a page and an entry.
#[derive(Debug, Default)]
pub(crate) struct IdIndex {
    /// Open addressing by the key's low bits, the next place if taken; a power of two, at most half full.
    keys: Vec<Directory>,
    used: usize,
    /// Empty pages, kept for their memory.
    spare: Vec<Box<Page>>,
    len: u64,
}

/// The chunks of one system key.
#[derive(Debug, Default)]
struct Directory {
    /// 0: a free place.
    key: u32,
    /// The number of the first chunk in `chunks`.
    first: u64,
    chunks: Vec<Option<Box<Chunk>>>,
}

#[derive(Debug)]
struct Chunk {
    live: u32,
    pages: [Option<Box<Page>>; CHUNK],
}

#[derive(Debug)]
struct Page {
    live: u32,
    entries: [Entry; PAGE],
}

/// A living entity and where its row is. With the row beside the handle a hop along a link need not ask bevy
/// for it: one cache miss less.
#[derive(Debug, Clone, Copy)]
struct Entry {
    entity: Option<Entity>,
    table: u32,
    row: u32,
}

impl Entry {
    const NONE: Self = Self { entity: None, table: 0, row: 0 };
}

/// Where an `Id` stands.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    key: u32,
    chunk: u64,
    page: usize,
    entry: usize,
}

impl Place {
    #[inline]
    fn of(id: Id) -> Self {
        let serial = id.bits() & SERIAL_MAX;
        Self {
            key: (id.bits() >> SERIAL_BITS) as u32,
            chunk: serial >> (PAGE_SHIFT + CHUNK_SHIFT),
            page: (serial >> PAGE_SHIFT) as usize & (CHUNK - 1),
            entry: serial as usize & (PAGE - 1),
        }
    }

    /// Whether both are on one page.
    fn shares_page(self, other: Self) -> bool {
        Self { entry: 0, ..self } == Self { entry: 0, ..other }
    }
}

impl IdIndex {
    /// The handle of a live entity.
    #[inline]
    pub(crate) fn get(&self, id: Id) -> Option<Entity> {
        self.entry(id)?.entity
    }

    /// The table and row of a live entity.
    #[inline]
    pub(crate) fn location(&self, id: Id) -> Option<(TableId, u32)> {
        let entry = self.entry(id)?;
        entry.entity.map(|_| (TableId::from_u32(entry.table), entry.row))
    }

    #[inline]
    fn entry(&self, id: Id) -> Option<&Entry> {
        let place = Place::of(id);
        let directory = &self.keys[self.find(place.key)?];
        let chunk = directory.chunks.get(place.chunk.wrapping_sub(directory.first) as usize)?.as_ref()?;
        Some(&chunk.pages[place.page].as_ref()?.entries[place.entry])
    }

    /// Says where the row of a live entity is now.
    pub(crate) fn move_to(&mut self, id: Id, table: TableId, row: u32) {
        let place = Place::of(id);
        let page = self.find(place.key).map(|found| &mut self.keys[found]).and_then(|directory| {
            let number = place.chunk.wrapping_sub(directory.first) as usize;
            directory.chunks.get_mut(number)?.as_mut()?.pages[place.page].as_mut()
        });
        let entry = &mut page.expect("a row that moves has a living Id").entries[place.entry];
        (entry.table, entry.row) = (table.as_u32(), row);
    }

    /// Number of live entities.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Enters a run of new entities, in order, whose rows begin at `row` of `table`; consecutive `Id`s share one
    /// page lookup.
    pub(crate) fn insert_many(
        &mut self,
        entries: impl IntoIterator<Item = (Id, Entity)>,
        table: TableId,
        mut row: u32,
    ) {
        let mut entries = entries.into_iter().peekable();
        while let Some(&(first, _)) = entries.peek() {
            let here = Place::of(first);
            let page = self.page_mut(here);
            let mut added = 0;
            while let Some((id, entity)) = entries.next_if(|(id, _)| Place::of(*id).shares_page(here)) {
                let entry = &mut page.entries[Place::of(id).entry];
                assert!(entry.entity.is_none(), "{id} was given out twice");
                *entry = Entry { entity: Some(entity), table: table.as_u32(), row };
                row += 1;
                added += 1;
            }
            page.live += added;
            self.len += u64::from(added);
        }
    }

    /// Takes `id` out; its page goes when it was the last in it, and the chunk with its last page.
    pub(crate) fn remove(&mut self, id: Id) -> Option<Entity> {
        let place = Place::of(id);
        let found = self.find(place.key)?;
        let directory = &mut self.keys[found];
        let number = place.chunk.wrapping_sub(directory.first) as usize;
        let chunk = directory.chunks.get_mut(number)?.as_mut()?;
        let page = chunk.pages[place.page].as_mut()?;
        let entity = page.entries[place.entry].entity.take()?;
        page.live -= 1;
        self.len -= 1;
        if page.live > 0 {
            return Some(entity);
        }
        chunk.live -= 1;
        let empty = chunk.live == 0;
        let page = chunk.pages[place.page].take();
        if self.spare.len() < SPARE_PAGES_MAX {
            self.spare.extend(page);
        }
        if empty {
            directory.free(number);
        }
        Some(entity)
    }

    /// The place of a key that is in the table, or of nothing.
    #[inline]
    fn find(&self, key: u32) -> Option<usize> {
        let mask = self.keys.len().wrapping_sub(1);
        let mut place = key as usize & mask;
        // Half of the places are free, so this ends.
        loop {
            let found = self.keys.get(place)?.key;
            if found == key {
                // Key 0 finds a free place, whose directory is empty.
                return Some(place);
            }
            if found == 0 {
                return None;
            }
            place = (place + 1) & mask;
        }
    }

    fn page_mut(&mut self, place: Place) -> &mut Page {
        assert!(place.key != 0, "an Id of system key 0 is never an entity");
        let found = self.find(place.key).unwrap_or_else(|| self.enter(place.key));
        let Self { keys, spare, .. } = self;
        let chunk = keys[found].chunk_mut(place.chunk);
        let slot = &mut chunk.pages[place.page];
        if slot.is_none() {
            chunk.live += 1;
        }
        let fresh = || Box::new(Page { live: 0, entries: [Entry::NONE; PAGE] });
        slot.get_or_insert_with(|| spare.pop().unwrap_or_else(fresh))
    }

    /// Enters a key that is not there.
    fn enter(&mut self, key: u32) -> usize {
        if (self.used + 1) * 2 > self.keys.len() {
            let larger = (self.keys.len() * 2).max(KEYS_MIN);
            let old = core::mem::take(&mut self.keys);
            self.keys.resize_with(larger, Directory::default);
            for directory in old.into_iter().filter(|directory| directory.key != 0) {
                let place = self.free_place(directory.key);
                self.keys[place] = directory;
            }
        }
        self.used += 1;
        let place = self.free_place(key);
        self.keys[place].key = key;
        place
    }

    fn free_place(&self, key: u32) -> usize {
        let mask = self.keys.len() - 1;
        let places = (0..self.keys.len()).map(|n| (key as usize + n) & mask);
        places.into_iter().find(|place| self.keys[*place].key == 0).expect("half of the places are free")
    }
}

impl Directory {
    fn chunk_mut(&mut self, number: u64) -> &mut Chunk {
        if self.chunks.is_empty() {
            self.first = number;
        }
        if number < self.first {
            let missing = (self.first - number) as usize;
            self.chunks.splice(0..0, (0..missing).map(|_| None));
            self.first = number;
        }
        let place = (number - self.first) as usize;
        if place >= self.chunks.len() {
            self.chunks.resize_with(place + 1, || None);
        }
        self.chunks[place].get_or_insert_with(|| Box::new(Chunk { live: 0, pages: [const { None }; CHUNK] }))
    }

    /// Frees a chunk, and the directory's ends that are free by now.
    fn free(&mut self, place: usize) {
        self.chunks[place] = None;
        while self.chunks.last().is_some_and(Option::is_none) {
            self.chunks.pop();
        }
        let ended = self.chunks.iter().take_while(|chunk| chunk.is_none()).count();
        // Only where it is worth the move, so that old chunks going one by one cost one move each in all.
        if ended * 2 > self.chunks.len() {
            self.chunks.drain(..ended);
            self.first += ended as u64;
        }
    }
}

#[cfg(all(test, not(diptych_loom)))]
mod tests {
    use super::*;
    use crate::id::SystemKey;

    fn entity(n: u64) -> Entity {
        Entity::from_raw_u32(n as u32).expect("small")
    }

    fn chunks(index: &IdIndex) -> usize {
        index.keys.iter().map(|directory| directory.chunks.len()).sum()
    }

    fn pages(index: &IdIndex) -> usize {
        let chunks = index.keys.iter().flat_map(|directory| directory.chunks.iter().flatten());
        chunks.map(|chunk| chunk.pages.iter().flatten().count()).sum()
    }

    /// Pages appear with their first `Id` and go with their last.
    #[test]
    fn index_pages_are_freed_when_empty() {
        let mut index = IdIndex::default();
        let ids: Vec<Id> = (0..1500).map(|n| Id::new(SystemKey(7), n)).collect();
        index.insert_many(ids.iter().copied().zip((0..).map(entity)), TableId::empty(), 0);
        assert_eq!((index.len(), pages(&index)), (1500, 3));
        assert_eq!(index.get(ids[700]), Some(entity(700)));
        for id in &ids {
            assert!(index.remove(*id).is_some());
            assert_eq!(index.get(*id), None);
        }
        assert_eq!((index.len(), pages(&index), chunks(&index)), (0, 0, 0));
        assert_eq!(index.remove(ids[0]), None);
    }

    /// Serials far apart, many keys that share their low bits, and a stream of births and deaths: every
    /// living `Id` is found, no other one is, and what is dead holds no memory.
    #[test]
    fn lookups_agree_with_a_map_and_old_serials_cost_nothing() {
        let mut index = IdIndex::default();
        let mut naive = std::collections::BTreeMap::new();
        let keys: Vec<u32> = (0..40).map(|n| n * 4096 + 5).collect();
        let serials = [0, 511, 512, 1 << 18, (1 << 18) - 1, 1 << 30, SERIAL_MAX >> 10];
        for (n, (key, serial)) in keys.iter().flat_map(|key| serials.map(|serial| (*key, serial))).enumerate()
        {
            let id = Id::new(SystemKey(key), serial);
            index.insert_many([(id, entity(n as u64))], TableId::from_u32(3), n as u32);
            assert_eq!(index.location(id), Some((TableId::from_u32(3), n as u32)));
            index.move_to(id, TableId::from_u32(4), 7);
            assert_eq!(index.location(id), Some((TableId::from_u32(4), 7)));
            naive.insert(id, entity(n as u64));
        }
        for key in keys.iter().flat_map(|key| [*key, key + 1]) {
            for serial in serials.iter().flat_map(|serial| [*serial, serial + 1]) {
                let id = Id::new(SystemKey(key), serial);
                assert_eq!(index.get(id), naive.get(&id).copied(), "{id}");
            }
        }
        assert_eq!(index.get(Id::default()), None);
        for id in naive.keys() {
            assert!(index.remove(*id).is_some());
        }
        assert_eq!((index.len(), chunks(&index)), (0, 0));
        for serial in 0..1 << 20 {
            let id = |serial| Id::new(SystemKey(9), serial);
            index.insert_many([(id(serial), entity(serial))], TableId::empty(), 0);
            if let Some(old) = serial.checked_sub(100) {
                assert_eq!(index.remove(id(old)), Some(entity(old)));
            }
        }
        assert!(pages(&index) <= 2 && chunks(&index) <= 2, "{} pages", pages(&index));
    }
}
