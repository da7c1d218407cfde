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
/// Symbols that are compared one by one, as most small objects have no more.
const FEW: usize = 8;

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
    check_atom(name)
}

/// The same of an atom that is no number.
#[inline]
pub(super) fn check_atom(name: &[u8]) -> Result<(), NotASymbol> {
    str::from_utf8(name).map(|_| ()).map_err(|_| NotASymbol::NotUtf8)
}

/// The first 16 bytes of a name, and zeros behind a shorter one: together with its length all of it, mostly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u128);

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 16;

impl Key {
    /// Of any name.
    #[inline]
    pub(super) fn of(name: &[u8]) -> Self {
        match name.first_chunk() {
            Some(chunk) => Self(u128::from_le_bytes(*chunk)),
            None => {
                let mut chunk = [0; KEY_BYTES];
                chunk[..name.len()].copy_from_slice(name);
                Self(u128::from_le_bytes(chunk))
            }
        }
    }

    /// Its bytes, the first one lowest.
    #[inline]
    pub(super) fn bits(self) -> u128 {
        self.0
    }

    /// Of the first `len` of these bytes, at least 1, fewer than all.
    #[inline]
    pub(super) fn cut(chunk: &[u8; KEY_BYTES], len: usize) -> Self {
        debug_assert!(0 < len && len < KEY_BYTES);
        Self(u128::from_le_bytes(*chunk) & (u128::MAX >> (8 * (KEY_BYTES - len))))
    }
}

/// Where a symbol lies in the bytes of its buffer.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// Its [`Key`], so that most names are compared without a look at the bytes.
    key: [u64; 2],
    offset: u32,
    /// 0: nobody is here, for no symbol is empty.
    len: u32,
}

impl Slot {
    #[inline]
    fn bytes(self, area: &[u8]) -> &[u8] {
        &area[self.offset as usize..(self.offset + self.len) as usize]
    }

    #[inline]
    fn holds(self, area: &[u8], name: &[u8], key: [u64; 2]) -> bool {
        self.key == key
            && self.len as usize == name.len()
            && (name.len() <= KEY_BYTES || self.bytes(area) == name)
    }
}

/// The symbols of one buffer that is being made or checked.
#[derive(Default)]
pub(super) struct Symbols {
    /// As long as these suffice there is no table.
    few: [Slot; FEW],
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
    key: [u64; 2],
    slot: Option<usize>,
}

impl Symbols {
    /// Forgets all but the memory.
    #[inline]
    pub(super) fn clear(&mut self) {
        // Nobody looks at the few beyond `taken`.
        self.taken = 0;
        if !self.slots.is_empty() {
            self.slots.clear();
            self.crowded.clear();
        }
    }

    /// Looks for `name`, whose equals lie in `area`.
    #[inline]
    pub(super) fn find(&mut self, area: &[u8], name: &[u8], key: Key) -> Found {
        let key = [key.0 as u64, (key.0 >> 64) as u64];
        if self.slots.is_empty() {
            let taken = &self.few[..self.taken];
            if let Some(slot) = taken.iter().find(|slot| slot.holds(area, name, key)) {
                return Found::At(slot.offset);
            }
            if self.taken < FEW {
                return Found::Vacant(Vacant { key, slot: Some(self.taken) });
            }
        }
        // Half full at most: fuller ones are searched longer, emptier ones leave the cache.
        if self.taken * 2 >= self.slots.len() {
            self.grow(area);
        }
        let mask = self.slots.len() - 1;
        let hash = hash(name, key) as usize;
        for probe in 0..PROBES_MAX.min(mask + 1) {
            let at = (hash + probe) & mask;
            let slot = self.slots[at];
            if slot.holds(area, name, key) {
                return Found::At(slot.offset);
            }
            if slot.len == 0 {
                return self.vacant(name, key, Some(at));
            }
        }
        self.vacant(name, key, None)
    }

    /// It is in no slot; one that was crowded out, of a smaller table even, is in the map.
    #[cold]
    fn vacant(&self, name: &[u8], key: [u64; 2], slot: Option<usize>) -> Found {
        match if self.crowded.is_empty() { None } else { self.crowded.get(name) } {
            Some(offset) => Found::At(*offset),
            None => Found::Vacant(Vacant { key, slot }),
        }
    }

    /// Notes that `name` lies at `offset`.
    pub(super) fn note(&mut self, vacant: Vacant, name: &[u8], offset: u32) {
        let slot = Slot { key: vacant.key, offset, len: name.len() as u32 };
        match vacant.slot {
            Some(at) if self.slots.is_empty() => self.few[at] = slot,
            Some(at) => self.slots[at] = slot,
            None => {
                self.crowded.insert(name.to_vec(), offset);
                return;
            }
        }
        self.taken += 1;
    }

    #[cold]
    fn grow(&mut self, area: &[u8]) {
        if self.slots.is_empty() {
            self.slots.resize(FEW * 8, Slot::default());
            self.spread(area, self.few);
            return;
        }
        // Large tables leave the cache: they grow by less.
        let size = self.slots.len() * if self.slots.len() < 4096 { 4 } else { 2 };
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        self.spread(area, old);
    }

    /// Gives places to what a smaller table held.
    fn spread(&mut self, area: &[u8], slots: impl IntoIterator<Item = Slot>) {
        let size = self.slots.len();
        for slot in slots.into_iter().filter(|slot| slot.len != 0) {
            let hash = hash(slot.bytes(area), slot.key) as usize;
            let mut places = (0..PROBES_MAX).map(|probe| (hash + probe) & (size - 1));
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
fn hash(name: &[u8], key: [u64; 2]) -> u32 {
    const KEYS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let fold = |a: u64, b: u64| {
        let wide = u128::from(a) * u128::from(b);
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let mut state = fold(key[0] ^ KEYS[0], key[1] ^ KEYS[1]);
    if let Some(rest) = name.get(KEY_BYTES..) {
        let (chunks, tail) = rest.as_chunks::<8>();
        for chunk in chunks {
            state = fold(state ^ u64::from_le_bytes(*chunk), KEYS[1]);
        }
        let tail = tail.iter().fold(rest.len() as u64, |sum, byte| sum << 8 | u64::from(*byte));
        state = fold(state ^ tail, KEYS[0]);
    }
    (state ^ (state >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that all fall into one slot are told apart, those that the map holds too, while the table grows.
    #[test]
    fn colliding_names_are_told_apart() {
        let slot = |name: &String| {
            let key = Key::of(name.as_bytes()).0;
            hash(name.as_bytes(), [key as u64, (key >> 64) as u64])
        };
        let names: Vec<String> =
            (0_u32..).map(|n| format!("n{n}")).filter(|name| slot(name) & 0xfff == 0).take(400).collect();
        let (mut symbols, mut area) = (Symbols::default(), Vec::new());
        for round in 0..2 {
            let mut expected = 0;
            for name in &names {
                let name = name.as_bytes();
                match symbols.find(&area, name, Key::of(name)) {
                    Found::At(offset) => assert_eq!((round, offset), (1, expected)),
                    Found::Vacant(vacant) => {
                        assert_eq!((round, expected as usize), (0, area.len()));
                        area.extend_from_slice(name);
                        symbols.note(vacant, name, expected);
                    }
                }
                expected += name.len() as u32;
            }
        }
        assert!(symbols.crowded.len() > 300, "only {} names were crowded out", symbols.crowded.len());
    }
}
