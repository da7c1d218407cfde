//! The loops that run on the engine's pool: by row, by block, and by block with a result.
//!
//! Invariant: blocks are cut at multiples of [`PAR_ROWS`] from each table's start, never by thread count, and
//! results are combined in block order. bevy's own loops work beside these, on one thread.

#![expect(unsafe_code, reason = "visits each row of a block once")]

use super::block::Block;
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{ArchetypeFilter, ContiguousQueryData, QueryFilter, SingleEntityQueryData};
use bevy_ecs::system::Query;

/// Rows of a block in a parallel loop: constant, so that nothing depends on the number of threads.
pub const PAR_ROWS: usize = 4096;

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

    /// Calls `visit` with every block of at most [`PAR_ROWS`] rows, in parallel; in no particular order.
    fn par_blocks<'a>(&'a mut self, visit: impl Fn(BlockOf<'a, 's, D>) + Sync)
    where
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

    fn par_blocks<'a>(&'a mut self, visit: impl Fn(BlockOf<'a, 's, D>) + Sync)
    where
        BlockOf<'a, 's, D>: Block,
    {
        self.blocks(|block| fork(block, &visit));
    }

    fn blocks<'a>(&'a mut self, mut visit: impl FnMut(BlockOf<'a, 's, D>))
    where
        BlockOf<'a, 's, D>: Block,
    {
        let tables = self.contiguous_iter_mut().expect("buffered state lives in tables only");
        for block in tables {
            assert!(block.len() != usize::MAX, "a loop by blocks needs one part that every row has, such as Id");
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
            partials.resize_with(block.len().div_ceil(PAR_ROWS), || None);
            fork_map(block, &mut partials, &map);
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

/// Halves `block` at multiples of [`PAR_ROWS`] until its parts are small enough, then visits them.
fn fork<B: Block>(block: B, visit: &(impl Fn(B) + Sync)) {
    if block.len() <= PAR_ROWS {
        return visit(block);
    }
    let half = block.len().div_ceil(PAR_ROWS) / 2 * PAR_ROWS;
    let (first, rest) = block.split_at(half);
    rayon::join(|| fork(first, visit), || fork(rest, visit));
}

/// The same with a place for each part's result.
fn fork_map<B: Block, R: Send>(block: B, partials: &mut [Option<R>], map: &(impl Fn(B) -> R + Sync)) {
    if let [partial] = partials {
        *partial = Some(map(block));
        return;
    }
    let half = partials.len() / 2;
    let (first, rest) = block.split_at(half * PAR_ROWS);
    let (first_partials, rest_partials) = partials.split_at_mut(half);
    rayon::join(|| fork_map(first, first_partials, map), || fork_map(rest, rest_partials, map));
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
