//! The loops that run on the engine's pool: by row, by block, and by block with a result.
//!
//! Invariant: blocks are cut at constant multiples from each table's start, never by thread count, and results
//! and commands are combined in block order. bevy's own loops work beside these, on one thread.

#![expect(unsafe_code, reason = "visits each row of a block once")]

use super::block::Block;
use super::split::Split;
use crate::buffer::PAGE_ROWS;
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{ArchetypeFilter, ContiguousQueryData, QueryFilter, SingleEntityQueryData};
use bevy_ecs::system::Query;

/// Rows of a block in a parallel loop, at most; wide rows make it shorter, the number of threads does not.
pub const PAR_ROWS: usize = 4096;
/// Bytes of a block in a parallel loop, about.
const PAR_BYTES: usize = 128 << 10;

/// Rows of a block of this kind: whole pages of marks, so that a block can be marked as one.
const fn block_rows<B: Block>() -> usize {
    let fitting = PAR_BYTES / if B::ROW_BYTES == 0 { 1 } else { B::ROW_BYTES } / PAGE_ROWS * PAGE_ROWS;
    if fitting < PAGE_ROWS {
        PAGE_ROWS
    } else if fitting > PAR_ROWS {
        PAR_ROWS
    } else {
        fitting
    }
}

/// The packed block of query data `D`.
pub(crate) type BlockOf<'w, 's, D> = <D as ContiguousQueryData>::Contiguous<'w, 's>;
/// A row of that block.
pub(crate) type RowOf<'w, 's, D> = <BlockOf<'w, 's, D> as Block>::Row;

/// Loops over a query on the engine's pool.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Heat(f64);
/// fn cool(mut heats: Query<Next<Heat>>) {
///     heats.par_rows(|mut heat| heat.set(Heat(heat.prev().0 * 0.99)));
/// }
/// fn cool_packed(mut heats: Query<Next<Heat>>) {
///     heats.par_blocks(|mut block| {
///         let (prev, next) = block.split();
///         next.iter_mut().zip(prev).for_each(|(next, prev)| next.0 = prev.0 * 0.99);
///     });
/// }
/// # let _ = (cool, cool_packed);
/// ```
pub trait Loops<'s, D: ContiguousQueryData> {
    /// Calls `visit` with every row, in parallel; in no particular order.
    fn par_rows<'a>(&'a mut self, visit: impl Fn(RowOf<'a, 's, D>) + Sync)
    where
        BlockOf<'a, 's, D>: Block;

    /// The same, with something to take along, such as `&mut structure` or `&mut outbox`, or a tuple of these:
    /// what rows ask of it counts in row order, whatever the threads.
    fn par_rows_with<'a, S: Split>(
        &'a mut self,
        along: S,
        visit: impl Fn(RowOf<'a, 's, D>, &mut S::Part) + Sync,
    ) where
        BlockOf<'a, 's, D>: Block;

    /// Calls `visit` with every block of at most [`PAR_ROWS`] rows, in parallel; in no particular order.
    fn par_blocks<'a>(&'a mut self, visit: impl Fn(BlockOf<'a, 's, D>) + Sync)
    where
        BlockOf<'a, 's, D>: Block;

    /// The same, with something to take along; see [`Loops::par_rows_with`].
    fn par_blocks_with<'a, S: Split>(
        &'a mut self,
        along: S,
        visit: impl Fn(BlockOf<'a, 's, D>, &mut S::Part) + Sync,
    ) where
        BlockOf<'a, 's, D>: Block;

    /// Calls `visit` with every block, one a table, in order, on this thread.
    fn blocks<'a>(&'a mut self, visit: impl FnMut(BlockOf<'a, 's, D>))
    where
        BlockOf<'a, 's, D>: Block;

    /// Maps every block of at most [`PAR_ROWS`] rows in parallel and merges the partial results in block
    /// order, so that a floating-point sum has one value on any number of threads. `None` without rows.
    fn reduce_blocks<'a, R: Send>(
        &'a mut self,
        map: impl Fn(BlockOf<'a, 's, D>) -> R + Sync,
        merge: impl FnMut(R, R) -> R,
    ) -> Option<R>
    where
        BlockOf<'a, 's, D>: Block;
}

impl<'s, D: ContiguousQueryData, F: ArchetypeFilter> Loops<'s, D> for Query<'_, 's, D, F> {
    fn par_rows<'a>(&'a mut self, visit: impl Fn(RowOf<'a, 's, D>) + Sync)
    where
        BlockOf<'a, 's, D>: Block,
    {
        self.blocks(|block| fork(block, &|block| each_row(block, &visit)));
    }

    fn par_rows_with<'a, S: Split>(
        &'a mut self,
        along: S,
        visit: impl Fn(RowOf<'a, 's, D>, &mut S::Part) + Sync,
    ) where
        BlockOf<'a, 's, D>: Block,
    {
        self.par_blocks_with(along, |mut block, part| {
            block.begin_rows();
            for row in 0..block.len() {
                // SAFETY: the loop stays within the block and comes by each row once.
                visit(unsafe { block.row(row) }, part);
            }
        });
    }

    fn par_blocks<'a>(&'a mut self, visit: impl Fn(BlockOf<'a, 's, D>) + Sync)
    where
        BlockOf<'a, 's, D>: Block,
    {
        self.blocks(|block| fork(block, &visit));
    }

    fn par_blocks_with<'a, S: Split>(
        &'a mut self,
        mut along: S,
        visit: impl Fn(BlockOf<'a, 's, D>, &mut S::Part) + Sync,
    ) where
        BlockOf<'a, 's, D>: Block,
    {
        let mut blocks = Vec::new();
        self.blocks(|block| blocks.push(block));
        let count = |block: &BlockOf<'a, 's, D>| block.len().div_ceil(block_rows::<BlockOf<'a, 's, D>>());
        let mut parts = along.split(blocks.iter().map(count).sum());
        let mut rest = &mut parts[..];
        for block in blocks {
            let (mine, others) = rest.split_at_mut(count(&block));
            rest = others;
            fork_with(block, mine, &visit);
        }
        along.join(parts);
    }

    fn blocks<'a>(&'a mut self, mut visit: impl FnMut(BlockOf<'a, 's, D>))
    where
        BlockOf<'a, 's, D>: Block,
    {
        let tables = self.contiguous_iter_mut().expect("buffered state lives in tables only");
        for block in tables {
            assert!(
                block.len() != usize::MAX,
                "a loop by blocks needs one part that every row has, such as Id"
            );
            if !block.is_empty() {
                visit(block);
            }
        }
    }

    fn reduce_blocks<'a, R: Send>(
        &'a mut self,
        map: impl Fn(BlockOf<'a, 's, D>) -> R + Sync,
        mut merge: impl FnMut(R, R) -> R,
    ) -> Option<R>
    where
        BlockOf<'a, 's, D>: Block,
    {
        let mut merged: Option<R> = None;
        self.blocks(|block| {
            let mut partials = Vec::new();
            partials.resize_with(block.len().div_ceil(block_rows::<BlockOf<'a, 's, D>>()), || None);
            fork_with(block, &mut partials, &|block, partial: &mut Option<R>| *partial = Some(map(block)));
            for partial in partials.into_iter().flatten() {
                merged = Some(match merged.take() {
                    Some(sum) => merge(sum, partial),
                    None => partial,
                });
            }
        });
        merged
    }
}

/// Halves `block` at multiples of its kind's block length until its parts are small enough, then visits them.
fn fork<B: Block>(block: B, visit: &(impl Fn(B) + Sync)) {
    if block.len() <= block_rows::<B>() {
        return visit(block);
    }
    let half = block.len().div_ceil(block_rows::<B>()) / 2 * block_rows::<B>();
    let (first, rest) = block.split_at(half);
    crate::pool::join(|| fork(first, visit), || fork(rest, visit));
}

/// The same with something of its own for each part.
fn fork_with<B: Block, P: Send>(block: B, parts: &mut [P], visit: &(impl Fn(B, &mut P) + Sync)) {
    if let [part] = parts {
        return visit(block, part);
    }
    let half = parts.len() / 2;
    let (first, rest) = block.split_at(half * block_rows::<B>());
    let (first_parts, rest_parts) = parts.split_at_mut(half);
    crate::pool::join(|| fork_with(first, first_parts, visit), || fork_with(rest, rest_parts, visit));
}

#[inline(always)]
fn each_row<B: Block>(mut block: B, visit: &impl Fn(B::Row)) {
    block.begin_rows();
    for row in 0..block.len() {
        // SAFETY: the loop stays within the block and comes by each row once.
        visit(unsafe { block.row(row) });
    }
}

/// Loops over some entities of a query, without looking at the others.
pub trait Visits<'s, D: SingleEntityQueryData, F: QueryFilter> {
    /// Calls `visit` with the rows of these entities that the query matches, in their order.
    ///
    /// Cost: a lookup an entity; with [`super::Changes`] that is what changed, not what exists.
    fn visit(&mut self, entities: impl IntoIterator<Item = Entity>, visit: impl FnMut(D::Item<'_, 's>));
}

impl<'s, D: SingleEntityQueryData, F: QueryFilter> Visits<'s, D, F> for Query<'_, 's, D, F> {
    fn visit(&mut self, entities: impl IntoIterator<Item = Entity>, mut visit: impl FnMut(D::Item<'_, 's>)) {
        for entity in entities {
            if let Ok(item) = self.get_mut(entity) {
                visit(item);
            }
        }
    }
}
