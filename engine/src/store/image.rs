//! A whole world as bytes, as it was after one frame: what looks back, compares, or carries a world elsewhere has one.
//!
//! Invariant: it is the world of its frame and nobody changes it; it knows names, rows and bytes and no Rust type.
//! A row of a transient type counts where its frame set it; every other one is blank and is left out everywhere.
//! Left out: where the bytes come from (see `recovery`), and what they mean.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::delta::Link;
use super::{Column, MarkedRows, Recovered, RecoveredTable, TypeEntry};
use crate::digest::{ComponentDigest, row_hash, type_seed, world_digest};
use crate::frame::Digest;
use crate::id::Id;

/// A world as bytes, as it was after one frame.
#[derive(Clone, Debug)]
pub struct Image {
    pub(crate) frame: u64,
    pub(crate) dt: f64,
    pub(crate) types: Vec<TypeEntry>,
    pub(crate) facts: BTreeMap<String, String>,
    pub(crate) tables: Vec<RecoveredTable>,
    pub(crate) marks: Vec<MarkedRows>,
    pub(crate) removed: BTreeMap<u16, Vec<u64>>,
    pub(crate) notes: BTreeMap<String, Vec<u8>>,
    pub(crate) serials: BTreeMap<u32, u64>,
    pub(crate) stored_digest: Option<(u64, u128)>,
    /// The end of the chain of records, where it is known.
    pub(crate) link: Option<Link>,
    set: Set,
    components: OnceLock<Vec<Component>>,
    places: OnceLock<Vec<Place>>,
}

/// Which rows of transient types the frame set, by table and key.
type Set = BTreeMap<(u32, u16), Vec<bool>>;

/// What one type, or one note, adds to the digest of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Registered name.
    pub name: String,
    /// Stored version; 0 for a note, whose one row is that of no entity.
    pub version: u32,
    /// Rows; of a transient type those that the frame set.
    pub rows: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Wrapping sum of the hashes of all rows.
    pub sum: u128,
}

/// Where an entity's row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    id: u64,
    table: u32,
    row: u32,
}

impl Image {
    /// The world that was recovered, of a directory made with these facts.
    #[must_use]
    pub fn new(recovered: Recovered, facts: BTreeMap<String, String>) -> Self {
        let transient =
            |key: u16| recovered.stored_types.get(usize::from(key)).is_some_and(|entry| entry.transient);
        let set = recovered.rows_marked(transient);
        let Recovered {
            frame, dt, tables, marks, removed, notes, serials, digest, stored_types, link, ..
        } = recovered;
        Self {
            frame,
            dt,
            types: stored_types,
            facts,
            tables,
            marks,
            removed,
            notes,
            serials,
            stored_digest: digest,
            link,
            set,
            components: OnceLock::new(),
            places: OnceLock::new(),
        }
    }

    /// The frame after which the world was like this.
    #[must_use]
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// The step of the last frame that had a record, in seconds.
    #[must_use]
    pub fn dt(&self) -> f64 {
        self.dt
    }

    /// What the world was made with.
    #[must_use]
    pub fn facts(&self) -> &BTreeMap<String, String> {
        &self.facts
    }

    /// The stored types by key; the first is the column of ids.
    #[must_use]
    pub fn types(&self) -> &[TypeEntry] {
        &self.types
    }

    /// The key of a stored type; `diptych.id` is 0.
    #[must_use]
    pub fn type_key(&self, name: &str) -> Option<u16> {
        (0..).zip(&self.types).find(|(_, entry)| entry.name == name).map(|(key, _)| key)
    }

    /// All tables in the order of their creation, empty ones too.
    #[must_use]
    pub fn tables(&self) -> &[RecoveredTable] {
        &self.tables
    }

    /// What the frame set, at final positions.
    #[must_use]
    pub fn marks(&self) -> &[MarkedRows] {
        &self.marks
    }

    /// Ids that lost a type in the frame, by type key.
    #[must_use]
    pub fn removed(&self) -> &BTreeMap<u16, Vec<u64>> {
        &self.removed
    }

    /// Named bytes of the frame: messages under way, answers of jobs.
    #[must_use]
    pub fn notes(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.notes
    }

    /// Next serial of each id counter.
    #[must_use]
    pub fn serials(&self) -> &BTreeMap<u32, u64> {
        &self.serials
    }

    /// The last digest that the engine stored up to this frame, and its frame.
    #[must_use]
    pub fn stored_digest(&self) -> Option<(u64, Digest)> {
        self.stored_digest.map(|(frame, digest)| (frame, Digest(digest)))
    }

    /// Number of entities.
    #[must_use]
    pub fn entities(&self) -> u64 {
        self.tables.iter().map(|table| u64::from(table.rows)).sum()
    }

    /// All entities in order. Sorts them the first time.
    pub fn ids(&self) -> impl Iterator<Item = Id> + '_ {
        self.places().iter().map(|place| Id::from_bits(place.id))
    }

    /// The digest of this world, from its bytes: that which the engine had of the frame. Computed the first time.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let component = |made: &Component| (made.version, made.sum, made.rows);
        let mut parts: Vec<ComponentDigest<'_>> = self
            .components()
            .iter()
            .map(|made| (made, component(made)))
            .map(|(made, (version, sum, rows))| ComponentDigest { name: &made.name, version, sum, rows })
            .collect();
        Digest(world_digest(&mut parts))
    }

    /// What the digest is made of: each type by key, then each note by name. Computed the first time.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        self.components.get_or_init(|| {
            let types = (0..).zip(&self.types).filter(|(_, entry)| !entry.is_dropped());
            let types = types.map(|(key, entry)| self.component(key, entry));
            let notes = self.notes.iter().map(|(name, bytes)| Component {
                name: name.clone(),
                version: 0,
                rows: 1,
                bytes: bytes.len() as u64,
                sum: row_hash(type_seed(name), 0, bytes),
            });
            types.chain(notes).collect()
        })
    }

    fn component(&self, key: u16, entry: &TypeEntry) -> Component {
        let seed = type_seed(&entry.name);
        let (mut rows, mut bytes, mut sum) = (0, 0, 0_u128);
        for (id, row) in self.rows_of(key) {
            rows += 1;
            bytes += row.len() as u64;
            sum = sum.wrapping_add(row_hash(seed, id.bits(), row));
        }
        Component { name: entry.name.clone(), version: entry.version, rows, bytes, sum }
    }

    /// The bytes of a type's row on an entity; `None` where the type or the entity is not there, the entity lacks
    /// it, or the type is transient and the frame did not set the row.
    #[must_use]
    pub fn value(&self, id: Id, name: &str) -> Option<&[u8]> {
        self.value_of(id, self.type_key(name)?)
    }

    /// The entities of a table, row by row; none where there is no such table.
    pub fn rows_in(&self, table: usize) -> impl Iterator<Item = Id> + '_ {
        let ids = self.tables.get(table).and_then(ids_of).unwrap_or_default();
        ids.iter().map(|id| Id::from_bits(u64::from_le_bytes(*id)))
    }

    /// The end of the chain of records, where it is known.
    #[must_use]
    pub fn link(&self) -> Option<Link> {
        self.link
    }

    /// The same by the type's key.
    #[must_use]
    pub fn value_of(&self, id: Id, key: u16) -> Option<&[u8]> {
        let place = self.place(id)?;
        let table = &self.tables[place.table as usize];
        let index = table.types.iter().position(|other| *other == key)?;
        let counts = self.counts(place.table, key, place.row as usize);
        counts.then(|| table.columns[index].row(place.row as usize))
    }

    /// The keys of the types that an entity has, whether or not the frame set them; `None` where there is no such
    /// entity.
    #[must_use]
    pub fn keys_of(&self, id: Id) -> Option<&[u16]> {
        self.place(id).map(|place| &*self.tables[place.table as usize].types)
    }

    /// All rows of a type, table by table; nothing where there is no such type.
    pub fn rows(&self, name: &str) -> impl Iterator<Item = (Id, &[u8])> {
        self.type_key(name).into_iter().flat_map(|key| self.rows_of(key))
    }

    /// The same by the type's key.
    pub fn rows_of(&self, key: u16) -> impl Iterator<Item = (Id, &[u8])> {
        (0..).zip(&self.tables).flat_map(move |(ordinal, table)| {
            let column = table.types.iter().position(|other| *other == key);
            let ids = column.and_then(|_| ids_of(table));
            let column = column.map(|index| &table.columns[index]);
            ids.into_iter().flatten().enumerate().filter_map(move |(row, id)| {
                let column = column.filter(|_| self.counts(ordinal, key, row))?;
                Some((Id::from_bits(u64::from_le_bytes(*id)), column.row(row)))
            })
        })
    }

    /// Whether a row has a value: of a transient type only where the frame set it.
    fn counts(&self, table: u32, key: u16, row: usize) -> bool {
        let transient = self.types.get(usize::from(key)).is_some_and(|entry| entry.transient);
        !transient || self.set.get(&(table, key)).is_some_and(|rows| rows.get(row) == Some(&true))
    }

    fn place(&self, id: Id) -> Option<Place> {
        let places = self.places();
        let found = places.binary_search_by_key(&id.bits(), |place| place.id);
        found.ok().map(|index| places[index])
    }

    /// Every entity's place, in the order of ids.
    fn places(&self) -> &[Place] {
        self.places.get_or_init(|| {
            let mut places = Vec::with_capacity(usize::try_from(self.entities()).unwrap_or(0));
            for (table, stored) in (0..).zip(&self.tables) {
                let ids = ids_of(stored).unwrap_or_default();
                let place = |(row, id): (u32, &[u8; 8])| Place { id: u64::from_le_bytes(*id), table, row };
                places.extend((0..).zip(ids).map(place));
            }
            places.sort_unstable();
            places
        })
    }

    /// What cannot be in a whole world, as sentences: a table without ids, an id that stands twice, a stored digest
    /// of this frame that its bytes do not give.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (ordinal, table) in self.tables.iter().enumerate() {
            if ids_of(table).is_none() {
                problems.push(format!("table {ordinal} has no column of ids"));
            }
        }
        for twice in self.places().windows(2).filter(|pair| pair[0].id == pair[1].id) {
            problems.push(format!("the id {} stands twice, again in table {}", twice[1].id, twice[1].table));
        }
        if let Some((frame, stored)) = self.stored_digest()
            && frame == self.frame
            && stored != self.digest()
        {
            let digest = self.digest();
            problems
                .push(format!("the digest of frame {frame} was stored as {stored}, the bytes give {digest}"));
        }
        problems
    }
}

/// The ids of a table's rows; `None` where it has no column of them.
fn ids_of(table: &RecoveredTable) -> Option<&[[u8; 8]]> {
    let index = table.types.iter().position(|key| *key == 0)?;
    match &table.columns[index] {
        Column::Fixed { bytes, .. } => Some(bytes.as_chunks::<8>().0),
        Column::Variable { .. } => None,
    }
}
