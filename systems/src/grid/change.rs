//! What is done to the state of a grid itself, between frames.
//!
//! Invariant: carried out at the commit, when the state is nobody else's; what cannot be done is passed over whole.

use super::{Cells, GridMap, SizeError};
use diptych_components::fields::Fields;
use diptych_engine::{Applier, Codec, CodecError, Id};

/// A change of a grid's state, sent through `Inputs` to `NAME.change`.
///
/// What is seen of it in the next frame is as if it had been so all along; a transition that was made in the frame
/// before counts as made.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum GridChange<C: Cells> {
    /// A cell has this state; the torus wraps.
    SetState {
        /// Its column.
        x: i32,
        /// Its row.
        y: i32,
        /// The state.
        value: C::Cell,
    },
    /// All cells are zeroed, whatever the frame's transition was: `clear`, `clear_states` and `clear_transitions` at once,
    /// for between frames there is one of the two only.
    Clear,
    /// The grid has so many cells, and all of them are zeroed. A size that is no grid's is refused where the change is made:
    /// [`resize`].
    Resize {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// A grid of another size.
///
/// # Errors
/// When there is no grid of that size.
pub fn resize<C: Cells>(width: u32, height: u32) -> Result<GridChange<C>, SizeError> {
    GridMap::<C>::new(width, height, 0)?;
    Ok(GridChange::Resize { width, height })
}

impl<C: Cells> GridChange<C> {
    /// Carries it out.
    pub(super) fn apply(self, applier: &mut Applier<'_, '_>) {
        let Some(&grid) = applier.ids::<GridMap<C>>().first() else { return };
        let Some(&map) = applier.get::<GridMap<C>>(grid) else { return };
        match self {
            Self::SetState { x, y, value } => {
                let (tile, column, row) = map.place(x, y);
                let id = Id::from_bits(map.id(tile));
                if let Some(mut cells) = applier.get::<C>(id).copied() {
                    cells.set(column, row, value);
                    applier.set(id, cells);
                }
            }
            Self::Clear => (0..map.tiles()).for_each(|tile| {
                let id = Id::from_bits(map.id(tile));
                // What is empty already is not written, and wakes nobody.
                if applier.get::<C>(id).is_some_and(is_set) {
                    applier.set(id, C::zeroed());
                }
            }),
            Self::Resize { width, height } => {
                let Ok(size) = GridMap::<C>::new(width, height, 0) else { return };
                if (width, height) == (map.width(), map.height()) {
                    return Self::Clear.apply(applier);
                }
                for tile in 0..map.tiles() {
                    let id = Id::from_bits(map.id(tile));
                    // What has the tile's place and is none, an entity of a map that an input has bent, stays.
                    if applier.get::<C>(id).is_some() {
                        applier.despawn(id);
                    }
                }
                let spawned: Vec<u64> =
                    (0..size.tiles()).map(|_| applier.spawn((C::zeroed(),)).id.bits()).collect();
                let map = GridMap::<C>::new(width, height, spawned[0]).expect("it was looked at above");
                let in_order = spawned.iter().zip(0..).all(|(bits, tile)| *bits == map.id(tile));
                assert!(in_order, "ids of one input count up");
                applier.set(grid, map);
            }
        }
    }
}

/// Whether anything in a tile is not zeroed, by its bits: cells may be numbers, of which -0.0 is equal to 0.0.
fn is_set<C: Cells>(cells: &C) -> bool {
    bytemuck::bytes_of(cells).iter().any(|byte| *byte != 0)
}

/// The codec of [`GridChange`].
#[derive(Debug)]
pub struct GridCodec;

impl<C: Cells> Codec<GridChange<C>> for GridCodec {
    fn encode(change: &GridChange<C>, out: &mut Vec<u8>) {
        match change {
            GridChange::SetState { x, y, value } => {
                out.push(0);
                out.extend_from_slice(&x.to_le_bytes());
                out.extend_from_slice(&y.to_le_bytes());
                out.extend_from_slice(bytemuck::bytes_of(value));
            }
            GridChange::Clear => out.push(1),
            GridChange::Resize { width, height } => {
                out.push(2);
                out.extend_from_slice(&width.to_le_bytes());
                out.extend_from_slice(&height.to_le_bytes());
            }
        }
    }

    fn decode(bytes: &[u8]) -> Result<GridChange<C>, CodecError> {
        let mut fields = Fields(bytes);
        let change = read(&mut fields)?;
        fields.end().map_err(CodecError::new)?;
        Ok(change)
    }
}

fn read<C: Cells>(fields: &mut Fields<'_>) -> Result<GridChange<C>, CodecError> {
    Ok(match fields.u8().map_err(CodecError::new)? {
        0 => {
            let x = fields.u32().map_err(CodecError::new)?.cast_signed();
            let y = fields.u32().map_err(CodecError::new)?.cast_signed();
            let value = fields.take(size_of::<C::Cell>()).map_err(CodecError::new)?;
            let value = bytemuck::checked::try_pod_read_unaligned(value);
            let value = value.map_err(|_| CodecError::new("these bytes are no cell"))?;
            GridChange::SetState { x, y, value }
        }
        1 => GridChange::Clear,
        2 => {
            let (width, height) =
                (fields.u32().map_err(CodecError::new)?, fields.u32().map_err(CodecError::new)?);
            resize(width, height).map_err(CodecError::new)?
        }
        other => return Err(CodecError::new(format!("{other} is no change of a grid"))),
    })
}
