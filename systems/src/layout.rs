//! Values of layouts as state of a world: a column for each layout, its one owner, and commands of scripts.
//!
//! A field is changed by an event on the layouts' topic, from a script by `(world/set id type field value)`, from a system
//! by [`FieldSet`] through a `Publisher`. The owner hears it in the next frame; what it says that is not so any more by
//! then (an entity that is gone) is passed over.
//!
//! Invariant: a row's bytes are as many as its layout says; whoever reads looks. Left out: systems that compute with
//! whole columns; those are written in Rust, over rows of their own.

mod command;
mod shelf;

pub use command::commands;
pub use diptych_components::layout::*;
pub use shelf::{Shelf, Station};

use crate::event::Subscriber;
use bevy_ecs::entity::Entity;
use diptych_components::event::Event;
use diptych_engine::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Does the same for whatever column has the number `$column`.
macro_rules! by_column {
    ($column:expr, $C:ident => $body:expr) => {
        match $column {
            0 => {
                const $C: usize = 0;
                $body
            }
            1 => {
                const $C: usize = 1;
                $body
            }
            2 => {
                const $C: usize = 2;
                $body
            }
            3 => {
                const $C: usize = 3;
                $body
            }
            4 => {
                const $C: usize = 4;
                $body
            }
            5 => {
                const $C: usize = 5;
                $body
            }
            6 => {
                const $C: usize = 6;
                $body
            }
            7 => {
                const $C: usize = 7;
                $body
            }
            8 => {
                const $C: usize = 8;
                $body
            }
            9 => {
                const $C: usize = 9;
                $body
            }
            10 => {
                const $C: usize = 10;
                $body
            }
            11 => {
                const $C: usize = 11;
                $body
            }
            12 => {
                const $C: usize = 12;
                $body
            }
            13 => {
                const $C: usize = 13;
                $body
            }
            14 => {
                const $C: usize = 14;
                $body
            }
            15 => {
                const $C: usize = 15;
                $body
            }
            other => unreachable!("{other} is no column: there are {}", LAYOUT_COLUMNS_MAX),
        }
    };
}
pub(crate) use by_column;

/// The codec of [`Row`]: its bytes.
#[derive(Debug)]
pub struct RowCodec;

impl<const COLUMN: usize> Codec<Row<COLUMN>> for RowCodec {
    fn encode(row: &Row<COLUMN>, out: &mut Vec<u8>) {
        row.encode(out);
    }

    fn decode(bytes: &[u8]) -> Result<Row<COLUMN>, CodecError> {
        Row::decode(bytes).map_err(CodecError::new)
    }
}

/// Registers a column for each layout of the shelf, as state `layout.NAME` with the owner `layout.NAME.set`, and what the
/// commands see. Events must be registered too.
pub fn register(registrar: &mut Registrar, shelf: &Arc<Shelf>) {
    for (column, layout) in shelf.layouts().iter().enumerate() {
        by_column!(column, C => register_column::<C>(registrar, shelf, layout.name()));
    }
    registrar.observer("layout", shelf.clone());
}

fn register_column<const COLUMN: usize>(registrar: &mut Registrar, shelf: &Arc<Shelf>, name: &str) {
    let (owner, added, changed, removed) = (shelf.clone(), shelf.clone(), shelf.clone(), shelf.clone());
    let set = move |mut rows: Query<'_, '_, Next<Row<COLUMN>>>, heard: Subscriber<'_, '_>, ids: Ids<'_>| {
        let Station { channel, topic } = owner.station();
        let heard = heard.on(channel, topic);
        set_fields(owner.layout(COLUMN), heard.into_iter(), &ids, &mut rows);
    };
    registrar
        .state_with::<Row<COLUMN>, RowCodec>(&format!("layout.{name}"), 1)
        .system(&format!("layout.{name}.set"), set)
        .on_add::<Row<COLUMN>>(move |id, row| added.note(COLUMN, id, row.bytes()))
        .on_change::<Row<COLUMN>>(move |id, row| changed.note(COLUMN, id, row.bytes()))
        .on_remove::<Row<COLUMN>>(move |id, _| removed.forget(COLUMN, id));
}

/// Carries changes out in the order in which they were said.
fn set_fields<'a, const COLUMN: usize>(
    layout: &Layout,
    said: impl Iterator<Item = &'a Event>,
    ids: &Ids<'_>,
    rows: &mut Query<'_, '_, Next<Row<COLUMN>>>,
) {
    let mut changes: BTreeMap<Entity, Vec<FieldSet>> = BTreeMap::new();
    for set in said.filter_map(|event| FieldSet::from_view(event.object().view())) {
        if set.layout == layout.name()
            && let Some(entity) = ids.entity(Id::from_bits(set.id))
        {
            changes.entry(entity).or_default().push(set);
        }
    }
    for (entity, sets) in changes {
        let Ok(mut row) = rows.get_mut(entity) else { continue };
        let mut bytes = row.prev().bytes().to_vec();
        for FieldSet { path, value, .. } in sets {
            // Anybody may publish anything on the topic: what is no change of a field changes nothing.
            if let Err(error) = layout.write(&mut bytes, &path, value) {
                tracing::debug!(%error, "a change of a field was passed over");
            }
        }
        row.set_if_changed(Row::new(bytes));
    }
}
