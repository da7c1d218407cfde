//! Makes the world again from what the store gave back.
//!
//! Invariant: tables come in their stored order, empty ones too, and rows in theirs, so that queries match
//! and sums run as if nothing had happened. Marks and removals of the last frame are there again. Older
//! versions are brought up row by row by the registered upcasters. A transient row that the last frame did
//! not set is blank.

#![expect(unsafe_code, reason = "fills tables by component id")]

use super::{Digest, Encoder, Frame};
use crate::buffer::{Column, Kind, RowStage};
use crate::builder::Upcast;
use crate::error::{Error, Result};
use crate::id::{Id, SystemKey};
use crate::store::{Column as Raw, Mark, Recovered, RecoveredTable};
use bevy_ecs::entity::Entity;
use bevy_ecs::world::World;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The upcasters, by (index of the column, version they start from).
pub(crate) type Upcasts = BTreeMap<(usize, u32), Upcast>;

impl Frame {
    /// Fills an empty world.
    pub(crate) fn recover(
        &mut self,
        recovered: Recovered,
        keys: &[u16],
        upcasts: &Upcasts,
        path: &Path,
    ) -> Result<()> {
        let mut upgraded = false;
        self.shared.frames.begin(recovered.frame + 1);
        // SAFETY: the engine is being built.
        unsafe { self.shared.time.get_mut() }.frame = recovered.frame + 1;
        self.committed = recovered.frame;
        let by_key: BTreeMap<u16, usize> =
            keys.iter().enumerate().map(|(index, key)| (*key, index)).collect();
        let transient = |key: u16| {
            recovered.stored_types[usize::from(key)].transient || self.columns[by_key[&key]].transient()
        };
        let mut marked = recovered.rows_marked(transient);
        for (number, table) in recovered.tables.iter().enumerate() {
            let mut loaders = Vec::new();
            for (key, raw) in table.types.iter().zip(&table.columns) {
                let index = by_key[key];
                let stored = recovered.stored_types[usize::from(*key)].version;
                let chain = chain(&*self.columns[index], index, stored, upcasts, path)?;
                upgraded |= !chain.is_empty();
                let column = self.columns[index].clone();
                let marked = (column.transient() || recovered.stored_types[usize::from(*key)].transient)
                    .then(|| marked.remove(&(number as u32, *key)).unwrap_or_default());
                loaders.push(Loader { column, stage: None, raw, chain, marked });
            }
            self.load_table(table, &mut loaders, number, path)?;
        }
        // SAFETY: the engine is being built.
        let serials = unsafe { self.shared.serials.get_mut() };
        serials.extend(recovered.serials.iter().map(|(key, next)| (SystemKey(*key), *next)));
        let roles = self.shared.frames.roles();
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        for marked in &recovered.marks {
            let info = &self.tables.list[marked.table as usize];
            let marks = self.columns[by_key[&marked.key]].by_table().get(info.id);
            let kind = if marked.mark == Mark::Added { Kind::Added } else { Kind::Changed };
            let marks = marks.expect("a marked row's table was loaded");
            (0..marked.count)
                .for_each(|n| marks.set_kind(slot, (marked.first_row + n) as usize, kind, stamp));
        }
        // A stage fills both slots; the one that is written next has no values of transient types.
        self.expire_other();
        for (key, ids) in &recovered.removed {
            // SAFETY: the engine is being built.
            let removed = unsafe { self.columns[by_key[key]].removed().get_mut() };
            removed.extend(ids.iter().map(|id| Id::from_bits(*id)));
            self.journal.lost = true;
        }
        self.restore_still(path)?;
        self.rebuild_tree(path)?;
        self.restore_annexes(&recovered.notes, path)?;
        let upgraded = upgraded || self.encoder.as_ref().is_some_and(Encoder::upgrade_pending);
        self.check_digest(&recovered, upgraded, path)
    }

    /// What the last frame had under way; a note that nobody reads would be lost, and is refused.
    fn restore_annexes(&self, notes: &BTreeMap<String, Vec<u8>>, path: &Path) -> Result<()> {
        let mismatch = |problem| Error::Mismatch { path: path.to_owned(), problem };
        for (name, bytes) in notes {
            let annex = self.annexes.iter().find(|annex| annex.name() == name).ok_or_else(|| {
                mismatch(format!(
                    "its last frame holds the {name} ({} bytes), which is not registered",
                    bytes.len()
                ))
            })?;
            // SAFETY: the engine is being built.
            let restored = unsafe { annex.restore(bytes) };
            restored.map_err(|error| mismatch(format!("the {name} of its last frame: {error}")))?;
        }
        Ok(())
    }

    /// A stored digest of the last frame must be that of the loaded world.
    fn check_digest(&mut self, recovered: &Recovered, upgraded: bool, path: &Path) -> Result<()> {
        let Some((frame, stored)) = recovered.digest else { return Ok(()) };
        if upgraded || frame != recovered.frame {
            return Ok(());
        }
        // Types that are new to the world are not in its digest yet; they have no rows.
        let known =
            |column: &dyn Column| recovered.stored_types.iter().any(|entry| entry.name == column.name());
        let made = self.digest_of(known);
        if made == Digest(stored) {
            return Ok(());
        }
        let problem = format!("frame {frame} was stored with digest {} and gives {made}", Digest(stored));
        Err(Error::Mismatch { path: path.to_owned(), problem })
    }

    fn load_table(
        &mut self,
        table: &RecoveredTable,
        loaders: &mut [Loader<'_>],
        number: usize,
        path: &Path,
    ) -> Result<()> {
        // SAFETY: the engine is being built.
        let world = unsafe { self.cell.get_mut() };
        let mut spawned: Vec<Entity> = Vec::with_capacity(table.rows as usize);
        for loader in loaders.iter_mut() {
            loader.stage = Some(loader.column.stage());
        }
        for row in 0..table.rows as usize {
            let entity = spawn_row(world, loaders, row).map_err(|problem| Error::Mismatch {
                path: path.to_owned(),
                problem: format!("table {number}, row {row}: {problem}"),
            })?;
            spawned.push(entity);
        }
        if table.rows == 0 {
            let blank = spawn_blank(world, loaders);
            world.despawn(blank);
        }
        self.tables.enter_new(world, &self.columns);
        if self.tables.list.len() != number + 1 {
            let problem = format!("table {number} has the same types as an earlier one");
            return Err(Error::Mismatch { path: path.to_owned(), problem });
        }
        let info = &self.tables.list[number];
        let roles = self.shared.frames.roles();
        for index in &info.columns {
            // SAFETY: the engine is being built.
            let marks = unsafe { self.columns[usize::from(*index)].by_table().get_mut(info.id) };
            marks.expect("the table was entered").push_many(
                roles.prev(),
                table.rows as usize,
                Kind::Untouched,
                roles.stamps[roles.prev()],
            );
        }
        let ids = self.ids.ids(&world.storages().tables[info.id]);
        // SAFETY: the engine is being built.
        let index = unsafe { self.shared.ids.get_mut() };
        index.insert_many(ids.iter().copied().zip(spawned), info.id, 0);
        Ok(())
    }
}

/// One column of a table on its way into the world.
struct Loader<'a> {
    column: Arc<dyn Column>,
    stage: Option<Box<dyn RowStage>>,
    raw: &'a Raw,
    chain: Vec<Upcast>,
    /// Of a transient type: the rows that have a value.
    marked: Option<Vec<bool>>,
}

impl Loader<'_> {
    fn load(&mut self, row: usize) -> std::result::Result<(), String> {
        let name = self.column.name();
        let bytes = match self.raw {
            Raw::Fixed { size, bytes } => &bytes[row * *size as usize..(row + 1) * *size as usize],
            Raw::Variable { blobs } => &blobs[row],
        };
        let stage = self.stage.as_mut().expect("stages are made before rows");
        if self.marked.as_ref().is_some_and(|marked| marked.get(row) != Some(&true)) {
            let blank = stage.load_blank();
            return blank.then_some(()).ok_or_else(|| format!("{name} is transient and has no blank value"));
        }
        if self.chain.is_empty() {
            return stage.load(bytes).map_err(|error| format!("{name}: {error}"));
        }
        let mut bytes = bytes.to_vec();
        for upcast in &self.chain {
            bytes = upcast(&bytes).map_err(|error| format!("upcasting {name}: {error}"))?;
        }
        stage.load(&bytes).map_err(|error| format!("{name}: {error}"))
    }
}

/// The upcasters that lead from the stored version to the registered one.
fn chain(
    column: &dyn Column,
    index: usize,
    stored: u32,
    upcasts: &Upcasts,
    path: &Path,
) -> Result<Vec<Upcast>> {
    (stored..column.version())
        .map(|from| {
            upcasts.get(&(index, from)).cloned().ok_or_else(|| Error::Mismatch {
                path: path.to_owned(),
                problem: format!(
                    "{} is stored at version {stored} and registered at {}; add .upcast::<{}>({from}, ..)",
                    column.name(),
                    column.version(),
                    column.type_name()
                ),
            })
        })
        .collect()
}

/// Spawns a row with all its columns at once, so that no archetype lies between.
fn spawn_row(
    world: &mut World,
    loaders: &mut [Loader<'_>],
    row: usize,
) -> std::result::Result<Entity, String> {
    loaders.iter_mut().try_for_each(|loader| loader.load(row))?;
    Ok(spawn_loaded(world, loaders))
}

/// Makes the archetype of a table without rows.
fn spawn_blank(world: &mut World, loaders: &mut [Loader<'_>]) -> Entity {
    for loader in loaders.iter_mut() {
        let stage = loader.stage.as_mut().expect("stages are made before rows");
        assert!(stage.load_blank(), "the build refuses types without a blank value");
    }
    spawn_loaded(world, loaders)
}

fn spawn_loaded(world: &mut World, loaders: &mut [Loader<'_>]) -> Entity {
    let mut components = Vec::with_capacity(loaders.len() * 2);
    let mut values = Vec::with_capacity(loaders.len() * 2);
    for loader in loaders.iter_mut() {
        let stage = loader.stage.as_mut().expect("loaded above");
        // SAFETY: the stage was loaded, and its values are moved into the world right below.
        unsafe { stage.take(&mut components, &mut values) };
    }
    let mut entity = world.spawn_empty();
    // SAFETY: each value is of the component beside it, and both slots and the `Id` are there once.
    unsafe { entity.insert_by_ids(&components, values.into_iter()) };
    entity.id()
}
