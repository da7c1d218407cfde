//! Where entries of the key-value store are found: the committed index, and what one lane writes in one frame.
//!
//! Pure code without systems. In the wave a lane reads the [`Scope`] of the committed [`Index`], which nobody writes
//! then, through its own [`Overlay`]; after the lanes the overlays' [`Change`]s become rows and structure, and at
//! the end of the commit the same changes, by then [`Update`]s, bring the index up to date.
//!
//! Invariant: no order of a hash table leaves this module: changes come in the order of the first writes, keys in the
//! order of their bytes. The index follows from the committed entries alone, so that one built anew after a restart
//! gives the same answers.

mod codec;
mod index;
mod order;
mod overlay;
mod scope;
mod text;

pub use codec::{KeyCodec, ValueCodec};
pub use index::Index;
pub use overlay::{Change, OVERLAY_KEPT_MAX, Overlay};
pub use scope::{Found, Place, SCOPE_ENTRIES_MAX, Scope, Update};

use xxhash_rust::xxh3::xxh3_64;

/// Of a key, the same on every machine: 32 bits, because they lie beside each slot in the tables.
#[inline]
fn hash(key: &[u8]) -> u32 {
    xxh3_64(key) as u32
}

/// What the tables place an entry by. Its low bits choose the place and its high bits the tag there, so both halves
/// need all that is known.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

#[cfg(test)]
mod tests;
