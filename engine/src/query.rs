//! Query data and filters over buffered state, and the loops that run on the engine's pool.
//!
//! Invariant: `Prev` reads the previous slot only, `Now` the next; `Next` reads the previous and writes the next. All name
//! their columns by role (the first id reads, the second writes), whatever the frame's parity, so that bevy's
//! access sets say who owns what. None of it fills bevy's `required` set, which would make archetypes be
//! walked in hash order.

mod block;
mod changes;
mod entityview;
mod filter;
mod fresh;
mod identity;
mod loops;
mod next;
mod plain;
mod prev;
pub(crate) mod split;

pub use block::{Block, HeldBlock, NextBlock, NextRow};
pub use changes::{Changes, NowChanges, Removed};
pub use entityview::{
    EntityView, Mode, Named, NamedBlock, NotPacked, Packed, PackedReading, Part, PartItem, PartPacked,
    PartReadOnly, Reading, VIEW_PARTS_MAX, Writing, shrink_part,
};
pub use filter::{Added, Changed, Has, With, Without};
pub use fresh::{Fresh, FreshBlock};
pub use loops::{Loops, PAR_ROWS, Visits};
pub use next::Next;
pub use plain::Plain;
pub(crate) use prev::BufferState;
pub use prev::{Now, PREVIOUS, Prev, Read, THIS_FRAME};
pub use split::Split;
