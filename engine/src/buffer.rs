//! Double-buffered state: two table columns per type, their marks, and what the commit does with them.
//!
//! Invariant: at every commit the two buffers of a type differ only in rows that changed in the last frame.
//! So a row that its owner leaves alone needs a copy once, one frame after it changed, and never again.
//! Ownership, loops and structure are elsewhere (`schedule`, `query`, `structure`).

mod bytable;
mod bytes;
mod column;
mod frames;
mod idcolumn;
mod marks;
pub(crate) mod raw;
mod rowio;
mod shelf;
mod side;
mod stage;
mod sums;
mod typed;

pub(crate) use bytable::ByTable;
pub(crate) use bytes::{Cursor, PlainBytes, put_bytes};
pub(crate) use column::Column;
pub(crate) use frames::{Frames, Roles};
pub(crate) use idcolumn::IdColumn;
pub(crate) use marks::{Kind, TableMarks, page_range};
pub(crate) use rowio::RowIo;
pub use rowio::{Codec, CodecError};
pub(crate) use shelf::Shelf;
pub(crate) use side::{PAGE_ROWS, PAGE_SHIFT, PAGE_TOUCHED, Side};
pub(crate) use stage::RowStage;
pub(crate) use sums::{Gain, HashPages, Sums};
pub(crate) use typed::{Hook, Typed};

/// What can be buffered state: any cloneable type without borrowed parts. There is nothing to derive; a
/// type becomes state by its registration.
pub trait State: Clone + Send + Sync + 'static {}

impl<T: Clone + Send + Sync + 'static> State for T {}
