//! A naive world (rows as maps of blobs) that writes itself into deltas; its random driver is in `driver.rs`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use diptych_engine::store::{
    Base, Column, Delta, DeltaWriter, Durability, Image, Mark, Recovered, RowKind, Store, StoreError,
    StoreOptions, TableShape, TypeEntry,
};

pub(crate) use super::driver::Driver;

pub(crate) const FIXED: u16 = 1;
pub(crate) const TAG: u16 = 2;
pub(crate) const TEXT: u16 = 3;
/// Transient, eight bytes.
pub(crate) const FLASH: u16 = 4;
/// Transient, of any length.
pub(crate) const WORD: u16 = 5;

pub(crate) fn is_transient(key: u16) -> bool {
    key >= FLASH
}

/// What a transient row has that the last frame did not set.
pub(crate) fn blank(key: u16) -> Vec<u8> {
    if key == FLASH { vec![0; 8] } else { Vec::new() }
}

pub(crate) fn types() -> Vec<TypeEntry> {
    let entry =
        |name: &str, row| TypeEntry { name: name.to_owned(), version: 1, row, layout: 7, transient: false };
    vec![
        entry("test.fixed", RowKind::Fixed(12)),
        entry("test.tag", RowKind::Fixed(0)),
        entry("test.text", RowKind::Variable),
        TypeEntry { transient: true, ..entry("test.flash", RowKind::Fixed(8)) },
        TypeEntry { transient: true, ..entry("test.word", RowKind::Variable) },
    ]
}

pub(crate) fn facts() -> BTreeMap<String, String> {
    BTreeMap::from([("test.rule".to_owned(), "B3/S23".to_owned())])
}

pub(crate) fn options(durability: Durability) -> StoreOptions {
    let mut options = StoreOptions::default();
    options.durability = durability;
    options
}

pub(crate) fn open(dir: &Path, durability: Durability) -> Result<(Store, Option<Recovered>), StoreError> {
    Store::open(dir, &types(), &facts(), &options(durability))
}

/// xorshift: small, seeded, the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound.max(1)
    }
}

pub(crate) type Row = BTreeMap<u16, Vec<u8>>;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) types: Vec<u16>,
    pub(crate) rows: Vec<Row>,
}

/// The naive world and what its last frame marked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) frame: Option<u64>,
    pub(crate) tables: Vec<Table>,
    pub(crate) serials: BTreeMap<u32, u64>,
    /// (key, id) -> mark of the last frame.
    pub(crate) marks: BTreeMap<(u16, u64), Mark>,
    pub(crate) removed: BTreeMap<u16, Vec<u64>>,
    pub(crate) notes: BTreeMap<String, Vec<u8>>,
    pub(crate) next_id: u64,
    /// Texts have fewer bytes than this; 0 stands for 40.
    pub(crate) text_bytes: u64,
}

impl Model {
    fn id(row: &Row) -> u64 {
        u64::from_le_bytes(row[&0].as_slice().try_into().expect("the id column has 8 bytes"))
    }

    fn value(&self, random: &mut Random, key: u16) -> Vec<u8> {
        let length = match key {
            FIXED => 12,
            TAG => 0,
            FLASH => 8,
            _ => random.below(if self.text_bytes == 0 { 40 } else { self.text_bytes }),
        };
        (0..length).map(|_| random.next() as u8).collect()
    }

    /// A frame is over: what belonged to it alone is gone.
    pub(crate) fn forget(&mut self) {
        self.marks.clear();
        self.removed.clear();
        self.notes.clear();
        for row in self.tables.iter_mut().flat_map(|table| &mut table.rows) {
            for (key, value) in row.iter_mut().filter(|(key, _)| is_transient(**key)) {
                *value = blank(*key);
            }
        }
    }

    /// Makes one random frame and returns its record. With `moved`, moved rows bring all their values.
    pub(crate) fn step(
        &mut self,
        random: &mut Random,
        moved: bool,
        writer: &mut DeltaWriter,
        buffer: Vec<u8>,
    ) -> Delta {
        let frame = self.frame.map_or(0, |frame| frame + 1);
        self.frame = Some(frame);
        self.forget();
        writer.begin(buffer, frame, 0.5);
        if self.tables.len() < 4 && (frame == 0 || random.below(4) == 0) {
            let types: [&[u16]; 4] =
                [&[0, FIXED, FLASH], &[0, FIXED, TAG, TEXT, FLASH, WORD], &[0, TEXT, WORD], &[0]];
            let types = types[self.tables.len()];
            writer.table(self.tables.len() as u32, types);
            self.tables.push(Table { types: types.to_vec(), rows: Vec::new() });
        }
        let mut shifted: Vec<u64> = Vec::new();
        for _ in 0..random.below(12) {
            self.structure(random, writer, &mut shifted);
        }
        for _ in 0..random.below(8) {
            let (_, table) = self.pick(random);
            if let Some(row) = self.some_row(table, random) {
                for key in self.tables[table].types.clone().into_iter().skip(1) {
                    let value = self.value(random, key);
                    let row = &mut self.tables[table].rows[row];
                    row.insert(key, value);
                    self.marks.entry((key, Self::id(row))).or_insert(Mark::Changed);
                }
            }
        }
        self.values(writer, if moved { &shifted } else { &[] });
        for (key, ids) in &self.removed {
            writer.removed(*key, ids);
        }
        for name in ["outbox", "jobs", "empty"].into_iter().take(random.below(4) as usize) {
            let bytes = if name == "empty" { Vec::new() } else { self.value(random, TEXT) };
            writer.note(name, |out| out.extend_from_slice(&bytes));
            self.notes.insert(name.to_owned(), bytes);
        }
        let system = random.below(3) as u32;
        self.serials.insert(system, frame);
        writer.serial(system, frame);
        if frame.is_multiple_of(7) {
            writer.input("keyboard", "test.fixed", 1, b"pressed");
        }
        writer.finish()
    }

    fn pick(&self, random: &mut Random) -> (u32, usize) {
        let table = random.below(self.tables.len() as u64) as usize;
        (table as u32, table)
    }

    fn some_row(&self, table: usize, random: &mut Random) -> Option<usize> {
        let rows = self.tables[table].rows.len() as u64;
        (rows > 0).then(|| random.below(rows) as usize)
    }

    fn structure(&mut self, random: &mut Random, writer: &mut DeltaWriter, shifted: &mut Vec<u64>) {
        let (ordinal, table) = self.pick(random);
        match (random.below(6), self.some_row(table, random)) {
            (0..=2, _) | (_, None) => {
                self.next_id += 1;
                let types = self.tables[table].types.clone();
                let mut row: Row = types.iter().skip(1).map(|key| (*key, self.value(random, *key))).collect();
                row.insert(0, self.next_id.to_le_bytes().to_vec());
                self.tables[table].rows.push(row);
                self.marks.extend(types.iter().map(|key| ((*key, self.next_id), Mark::Added)));
                writer.push(ordinal, 1);
            }
            (3, Some(row)) => {
                let gone = self.tables[table].rows.swap_remove(row);
                for key in gone.keys() {
                    self.lost(*key, Self::id(&gone));
                }
                writer.swap_remove(ordinal, row as u32);
                shifted.extend(self.tables[table].rows.get(row).map(Self::id));
            }
            (_, Some(row)) => {
                let (to, target) = self.pick(random);
                if target == table {
                    return;
                }
                let mut moving = self.tables[table].rows.swap_remove(row);
                let id = Self::id(&moving);
                let types = self.tables[target].types.clone();
                for key in moving.keys().copied().filter(|key| !types.contains(key)).collect::<Vec<_>>() {
                    moving.remove(&key);
                    self.lost(key, id);
                }
                for key in types {
                    if let Entry::Vacant(gained) = moving.entry(key) {
                        self.marks.insert((key, id), Mark::Added);
                        gained.insert(self.value(random, key));
                    }
                }
                self.tables[target].rows.push(moving);
                writer.move_row(ordinal, row as u32, to);
                shifted.push(id);
                shifted.extend(self.tables[table].rows.get(row).map(Self::id));
            }
        }
    }

    fn lost(&mut self, key: u16, id: u64) {
        self.marks.remove(&(key, id));
        self.removed.entry(key).or_default().push(id);
    }

    fn values(&self, writer: &mut DeltaWriter, shifted: &[u64]) {
        for (ordinal, table) in (0..).zip(&self.tables) {
            for (index, row) in (0..).zip(&table.rows) {
                let id = Self::id(row);
                for (key, value) in row {
                    let mark = self.marks.get(&(*key, id)).copied();
                    let moved = shifted.contains(&id) && !is_transient(*key);
                    let Some(mark) = mark.or_else(|| moved.then_some(Mark::Moved)) else {
                        continue;
                    };
                    Self::run(writer, *key, ordinal, index, mark, value);
                }
            }
        }
    }

    fn run(writer: &mut DeltaWriter, key: u16, table: u32, row: u32, mark: Mark, value: &[u8]) {
        if key == TEXT || key == WORD {
            writer.rows_variable(key, table, row, 1, mark, |_, out| out.extend_from_slice(value));
        } else {
            writer.rows_fixed(key, table, row, 1, mark, value);
        }
    }

    pub(crate) fn base(&self) -> Base {
        Base {
            frame: self.frame.expect("a checkpoint follows a frame"),
            dt: 0.5,
            tables: self
                .tables
                .iter()
                .map(|table| TableShape { types: table.types.clone(), rows: table.rows.len() as u32 })
                .collect(),
            serials: self.serials.clone(),
            digest: None,
            by_inputs: false,
        }
    }

    /// The page with rows `from..from + count` of a table, as they are now.
    pub(crate) fn page(
        &self,
        table: usize,
        from: usize,
        count: usize,
        writer: &mut DeltaWriter,
        buffer: Vec<u8>,
    ) -> Delta {
        writer.begin_page(buffer, self.frame.expect("a page follows a frame"));
        for (index, row) in self.tables[table].rows.iter().enumerate().skip(from).take(count) {
            for (key, value) in row.iter().filter(|(key, _)| !is_transient(**key)) {
                Self::run(writer, *key, table as u32, index as u32, Mark::Moved, value);
            }
        }
        writer.finish()
    }

    /// Compares with an image; `Err` says what differs.
    pub(crate) fn compare_image(&self, image: &Image) -> Result<(), String> {
        self.compare(&Recovered {
            frame: image.frame(),
            dt: image.dt(),
            tables: image.tables().to_vec(),
            marks: image.marks().to_vec(),
            removed: image.removed().clone(),
            notes: image.notes().clone(),
            serials: image.serials().clone(),
            digest: None,
            digest_former: None,
            stored_types: image.types().to_vec(),
            repaired: None,
            tail: None,
            link: None,
        })
    }

    /// Compares with what came back; `Err` says what differs.
    pub(crate) fn compare(&self, recovered: &Recovered) -> Result<(), String> {
        if Some(recovered.frame) != self.frame {
            return Err(format!("frame {} came back, {:?} was the last", recovered.frame, self.frame));
        }
        if recovered.tables.len() != self.tables.len() {
            return Err(format!("{} tables came back of {}", recovered.tables.len(), self.tables.len()));
        }
        for (ordinal, (table, back)) in self.tables.iter().zip(&recovered.tables).enumerate() {
            if table.types != back.types || table.rows.len() != back.rows as usize {
                return Err(format!("table {ordinal}: {} rows came back of {}", back.rows, table.rows.len()));
            }
            for (key, column) in back.types.iter().zip(&back.columns) {
                for (index, row) in table.rows.iter().enumerate() {
                    let value = match column {
                        Column::Fixed { size, bytes } => {
                            let size = *size as usize;
                            &bytes[index * size..(index + 1) * size]
                        }
                        Column::Variable { blobs } => &blobs[index],
                    };
                    if value != row[key].as_slice() {
                        return Err(format!(
                            "table {ordinal} row {index} type {key}: {value:?} came back of {:?}",
                            row[key]
                        ));
                    }
                }
            }
        }
        if recovered.serials != self.serials {
            return Err(format!("serials {:?} came back of {:?}", recovered.serials, self.serials));
        }
        self.compare_marks(recovered)
    }

    fn compare_marks(&self, recovered: &Recovered) -> Result<(), String> {
        let mut marks = BTreeMap::new();
        for run in &recovered.marks {
            for row in run.first_row..run.first_row + run.count {
                let id = Self::id(&self.tables[run.table as usize].rows[row as usize]);
                marks.insert((run.key, id), run.mark);
            }
        }
        if marks != self.marks {
            return Err(format!("marks {marks:?} came back of {:?}", self.marks));
        }
        if recovered.removed != self.removed {
            return Err(format!("removed {:?} came back of {:?}", recovered.removed, self.removed));
        }
        if recovered.notes != self.notes {
            return Err(format!("notes {:?} came back of {:?}", recovered.notes, self.notes));
        }
        Ok(())
    }
}
