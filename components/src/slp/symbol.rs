//! What a symbol is, and the one place of each symbol in a buffer.
//!
//! Invariant: a symbol reads back as itself, and equal symbols of one buffer share their bytes. The table's order
//! never shows. Left out: what symbols mean.

use super::text::number::{self, Number};
use super::text::{Class, class};
use std::collections::BTreeMap;

/// Bytes of a symbol at most, and of any other atom of a text.
pub const SYMBOL_BYTES_MAX: usize = 64 * 1024;
/// Slots that are looked at for one symbol; whoever finds more of them taken has been made to collide and goes to
/// an ordered map, so that chosen names cost a logarithm and no more.
const PROBES_MAX: usize = 32;
/// Slots of the first table.
const SLOTS_MIN: usize = 16;

/// Why a name is no symbol: it would not read back as that one symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotASymbol {
    /// It has no bytes.
    #[error("a symbol needs at least one byte; use a string for an empty name")]
    Empty,
    /// It is longer than [`SYMBOL_BYTES_MAX`].
    #[error("a symbol has at most {SYMBOL_BYTES_MAX} bytes; use a string for a longer name")]
    TooLong,
    /// A byte that ends an atom, or a `'` or `@` at the beginning.
    #[error(
        "byte {0} cannot be there in a symbol: whitespace, brackets, quotes and `;` end it; use a string for such a name"
    )]
    Delimiter(u32),
    /// It reads as a number, or as one that is malformed.
    #[error("it reads as a number, not as a symbol; use a string for such a name")]
    Number,
    /// It is not UTF-8.
    #[error("a symbol must be UTF-8; use a string for other bytes")]
    NotUtf8,
}

/// Whether `name` reads back as one symbol.
pub(super) fn check(name: &[u8]) -> Result<(), NotASymbol> {
    let Some(&first) = name.first() else { return Err(NotASymbol::Empty) };
    if name.len() > SYMBOL_BYTES_MAX {
        return Err(NotASymbol::TooLong);
    }
    if class(first) == Class::Prefix {
        return Err(NotASymbol::Delimiter(0));
    }
    if let Some(at) = name.iter().position(|byte| !class(*byte).is_atom()) {
        return Err(NotASymbol::Delimiter(at as u32));
    }
    if !matches!(number::read(name), Number::Symbol) {
        return Err(NotASymbol::Number);
    }
    str::from_utf8(name).map(|_| ()).map_err(|_| NotASymbol::NotUtf8)
}

/// Where a symbol lies in the bytes of its buffer.
#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u32,
    offset: u32,
    /// 0: nobody is here, for no symbol is empty.
    len: u32,
}

impl Slot {
    #[inline]
    fn bytes(self, area: &[u8]) -> &[u8] {
        &area[self.offset as usize..(self.offset + self.len) as usize]
    }
}

/// The symbols of one buffer that is being made or checked.
#[derive(Default)]
pub(super) struct Symbols {
    slots: Vec<Slot>,
    taken: usize,
    crowded: BTreeMap<Vec<u8>, u32>,
}

/// Whether a symbol has a place already; else what is needed to give it one.
pub(super) enum Found {
    At(u32),
    Vacant(Vacant),
}

/// Where to note a new symbol.
pub(super) struct Vacant {
    hash: u32,
    slot: Option<usize>,
}

impl Symbols {
    /// Looks for `name`, whose equals lie in `area`.
    #[inline]
    pub(super) fn find(&mut self, area: &[u8], name: &[u8]) -> Found {
        if self.slots.len() <= self.taken * 2 {
            self.grow(area);
        }
        let hash = hash(name);
        let mask = self.slots.len() - 1;
        for probe in 0..PROBES_MAX.min(mask + 1) {
            let at = (hash as usize + probe) & mask;
            let slot = self.slots[at];
            if slot.len == 0 {
                // One that was crowded out of a smaller table stays in the map.
                let known = if self.crowded.is_empty() { None } else { self.crowded.get(name) };
                return match known {
                    Some(offset) => Found::At(*offset),
                    None => Found::Vacant(Vacant { hash, slot: Some(at) }),
                };
            }
            if slot.hash == hash && slot.len as usize == name.len() && slot.bytes(area) == name {
                return Found::At(slot.offset);
            }
        }
        match self.crowded.get(name) {
            Some(offset) => Found::At(*offset),
            None => Found::Vacant(Vacant { hash, slot: None }),
        }
    }

    /// Notes that `name` lies at `offset`.
    pub(super) fn note(&mut self, vacant: Vacant, name: &[u8], offset: u32) {
        match vacant.slot {
            Some(at) => {
                self.slots[at] = Slot { hash: vacant.hash, offset, len: name.len() as u32 };
                self.taken += 1;
            }
            None => {
                self.crowded.insert(name.to_vec(), offset);
            }
        }
    }

    #[cold]
    fn grow(&mut self, area: &[u8]) {
        let size = (self.slots.len() * 4).max(SLOTS_MIN);
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|slot| slot.len != 0) {
            let mut places = (0..PROBES_MAX).map(|probe| (slot.hash as usize + probe) & (size - 1));
            match places.find(|at| self.slots[*at].len == 0) {
                Some(at) => self.slots[at] = slot,
                None => {
                    self.taken -= 1;
                    self.crowded.insert(slot.bytes(area).to_vec(), slot.offset);
                }
            }
        }
    }
}

/// Only the table sees it, so it may differ between versions.
#[inline]
fn hash(name: &[u8]) -> u32 {
    const KEYS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let fold = |a: u64, b: u64| {
        let wide = u128::from(a) * u128::from(b);
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let len = name.len();
    let mut state = KEYS[0] ^ len as u64;
    let mut rest = name;
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        state = fold(state ^ u64::from_le_bytes(*head), KEYS[1]);
        rest = tail;
    }
    let tail = if let Some(last) = name.last_chunk::<8>() {
        u64::from_le_bytes(*last)
    } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
    } else {
        name.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let hash = fold(state ^ tail, KEYS[0]);
    (hash ^ (hash >> 32)) as u32
}
