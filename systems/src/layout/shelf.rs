//! The layouts of a world, with what is committed in their columns, for who has no query: scripts, and programs outside.
//!
//! Invariant: what the shelf holds follows from committed rows alone, and changes while no system runs. It shares the
//! rows' bytes and copies none.

use super::{FieldSet, LAYOUT_COLUMNS_MAX, Layout, LayoutError, Layouts, Row, Scalar, by_column};
use diptych_components::event::Channel;
use diptych_engine::prelude::*;
use diptych_engine::{Bundle, Spawned, Target};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Where changes of fields are said, and whose permission commands ask: SUBSCRIBE to see, PUBLISH to change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Station {
    /// Its channel, one of the six.
    pub channel: Channel,
    /// Its topic, for nothing else.
    pub topic: u16,
}

impl Default for Station {
    /// The last topic of the last channel.
    fn default() -> Self {
        Self { channel: Channel::F, topic: u16::MAX }
    }
}

type Column = BTreeMap<Id, Arc<[u8]>>;

/// See the head of the file.
#[derive(Debug)]
pub struct Shelf {
    layouts: Layouts,
    station: Station,
    /// In the order of the layouts' names.
    columns: Vec<RwLock<Column>>,
}

impl Shelf {
    /// The shelf of these layouts.
    ///
    /// # Errors
    /// When there are more than [`LAYOUT_COLUMNS_MAX`].
    pub fn new(layouts: Layouts, station: Station) -> Result<Self, LayoutError> {
        let count = layouts.iter().len();
        if count > LAYOUT_COLUMNS_MAX {
            return Err(LayoutError::Columns(count));
        }
        Ok(Self { layouts, station, columns: (0..count).map(|_| RwLock::default()).collect() })
    }

    /// The layouts.
    #[must_use]
    pub fn layouts(&self) -> &Layouts {
        &self.layouts
    }

    /// Where changes are said.
    #[must_use]
    pub fn station(&self) -> Station {
        self.station
    }

    /// What stands in a field, as it was committed.
    ///
    /// # Errors
    /// When there is no such layout or field, or the entity holds no value of the layout.
    pub fn get(&self, id: Id, layout: &str, path: &str) -> Result<Scalar, LayoutError> {
        let (column, layout) = self.find(layout)?;
        let field = layout.field(path)?;
        let rows = self.columns[column].read().unwrap_or_else(PoisonError::into_inner);
        let bytes = rows.get(&id).ok_or_else(|| no_row(id, layout))?;
        layout.check_bytes(bytes)?;
        Ok(field.read(bytes))
    }

    /// The change of a field, to be published, where it can be made as things stand.
    ///
    /// # Errors
    /// As [`get`](Self::get), and when the field cannot hold the value.
    pub fn change(&self, id: Id, layout: &str, path: &str, value: Scalar) -> Result<FieldSet, LayoutError> {
        self.get(id, layout, path)?;
        self.find(layout)?.1.field(path)?.encode(value)?;
        Ok(FieldSet { id: id.bits(), layout: layout.to_owned(), path: path.to_owned(), value })
    }

    /// Gives an entity a value of a layout at the next commit: these fields, and 0 for those that are missing.
    ///
    /// # Errors
    /// When there is no such layout or field, or a field cannot hold its value.
    pub fn insert<'a>(
        &self,
        structure: &mut Structure<'_, '_>,
        target: impl Into<Target>,
        layout: &str,
        fields: impl IntoIterator<Item = (&'a str, Scalar)>,
    ) -> Result<(), LayoutError> {
        let (column, layout) = self.find(layout)?;
        let bytes = layout.pack(fields)?;
        by_column!(column, C => structure.insert(target, Row::<C>::new(bytes)));
        Ok(())
    }

    /// Takes the value of a layout from an entity at the next commit.
    ///
    /// # Errors
    /// When there is no such layout.
    pub fn remove(
        &self,
        structure: &mut Structure<'_, '_>,
        target: impl Into<Target>,
        layout: &str,
    ) -> Result<(), LayoutError> {
        let (column, _) = self.find(layout)?;
        by_column!(column, C => structure.remove::<Row<C>>(target));
        Ok(())
    }

    /// Spawns an entity of other state with a value of a layout beside it.
    ///
    /// # Errors
    /// As [`insert`](Self::insert); nothing is spawned then.
    pub fn spawn<'a>(
        &self,
        structure: &mut Structure<'_, '_>,
        bundle: impl Bundle,
        layout: &str,
        fields: impl IntoIterator<Item = (&'a str, Scalar)>,
    ) -> Result<Spawned, LayoutError> {
        let bytes = self.find(layout)?.1.pack(fields)?;
        let spawned = structure.spawn(bundle);
        let (column, _) = self.find(layout)?;
        by_column!(column, C => structure.insert(spawned, Row::<C>::new(bytes)));
        Ok(spawned)
    }

    /// The entities that hold a value of a layout, by `Id`, as it was committed.
    ///
    /// # Errors
    /// When there is no such layout.
    pub fn ids(&self, layout: &str) -> Result<Vec<Id>, LayoutError> {
        let (column, _) = self.find(layout)?;
        let rows = self.columns[column].read().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.keys().copied().collect())
    }

    /// The layout with this column.
    pub(super) fn layout(&self, column: usize) -> &Layout {
        self.layouts.iter().nth(column).expect("a column is registered for each layout")
    }

    pub(super) fn note(&self, column: usize, id: Id, bytes: &Arc<[u8]>) {
        let mut rows = self.columns[column].write().unwrap_or_else(PoisonError::into_inner);
        rows.insert(id, bytes.clone());
    }

    pub(super) fn forget(&self, column: usize, id: Id) {
        self.columns[column].write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn find(&self, name: &str) -> Result<(usize, &Layout), LayoutError> {
        let mut all = self.layouts.iter().enumerate();
        let found = all.find(|(_, layout)| layout.name() == name);
        found.ok_or_else(|| LayoutError::NoLayout(name.to_owned()))
    }
}

impl Observer for Shelf {
    /// The rows of the world as it was made, recovered, or rolled back to.
    fn begin(&self, view: View<'_>) {
        for (column, rows) in self.columns.iter().enumerate() {
            let committed: Column = by_column!(column, C => {
                view.iter::<Row<C>>().map(|(id, row)| (id, row.bytes().clone())).collect()
            });
            *rows.write().unwrap_or_else(PoisonError::into_inner) = committed;
        }
    }
}

fn no_row(id: Id, layout: &Layout) -> LayoutError {
    LayoutError::NoRow { id: id.to_string(), layout: layout.name().to_owned() }
}
