//! The 16 bytes that every object is made of: kinds, units and the header of a buffer.
//!
//! Invariant: a unit is the same bytes in memory, on disk and on the wire; `flags` is zero. Left out: which units
//! make a tree (`load`), and how a tree is made of units (`writer`).

use bytemuck::{Pod, Zeroable};

#[cfg(target_endian = "big")]
compile_error!("objects are stored as they lie in memory, little-endian: this target needs a conversion");

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Nothing; prints as `()`, which reads back as an empty [`Kind::Paren`].
    None = 0,
    /// `'x`: one object, quoted.
    Some = 1,
    /// `( .. )`
    Paren = 2,
    /// `{ .. }`
    Brace = 4,
    /// `".."`: any bytes.
    String = 5,
    /// A name: UTF-8 that would read back as the same symbol.
    Symbol = 7,
    /// One byte of a string, as [`View::get`](super::View::get) gives it; prints as a string of that byte.
    Rune = 8,
    /// 64 bits, signed.
    Integer = 9,
    /// A double.
    Real = 10,
    /// `[ .. ]`
    Bracket = 11,
    /// `@x`: one object that says what went wrong.
    Error = 12,
}

/// Kinds by code; the codes that are none lead to `None` and are refused at loading.
const KINDS: [Kind; 16] = {
    let mut kinds = [Kind::None; 16];
    let mut n = 0;
    while n < Kind::ALL.len() {
        kinds[Kind::ALL[n] as usize] = Kind::ALL[n];
        n += 1;
    }
    kinds
};

impl Kind {
    /// Every kind, by code.
    pub const ALL: [Self; 11] = [
        Self::None,
        Self::Some,
        Self::Paren,
        Self::Brace,
        Self::String,
        Self::Symbol,
        Self::Rune,
        Self::Integer,
        Self::Real,
        Self::Bracket,
        Self::Error,
    ];

    /// The kind with this stored code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// Whether it is one of the three lists.
    #[inline]
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self, Self::Paren | Self::Bracket | Self::Brace)
    }

    /// Whether it holds exactly one object: `'x` or `@x`.
    #[inline]
    #[must_use]
    pub fn is_wrapper(self) -> bool {
        matches!(self, Self::Some | Self::Error)
    }

    /// Whether it has objects inside, as far as its count is not zero.
    #[inline]
    #[must_use]
    pub fn is_parent(self) -> bool {
        self.is_list() || self.is_wrapper()
    }
}

/// One object of a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Unit {
    /// [`Kind`].
    pub(super) kind: u8,
    /// Zero.
    pub(super) flags: [u8; 3],
    /// Children of a list, 1 of a wrapper, bytes of a string or symbol, else 0.
    pub(super) count: u32,
    /// The index of the first child, the offset of the first byte, the integer, the bits of the real, the byte of
    /// the rune; 0 where `count` is 0.
    pub(super) data: u64,
}

const _: () = assert!(size_of::<Unit>() == UNIT_BYTES && align_of::<Unit>() == 8);
const _: () = assert!(std::mem::offset_of!(Unit, count) == std::mem::offset_of!(Header, units));

/// Bytes of a unit and of the header.
pub(super) const UNIT_BYTES: usize = 16;

impl Unit {
    #[inline]
    pub(super) const fn new(kind: Kind, count: u32, data: u64) -> Self {
        Self { kind: kind as u8, flags: [0; 3], count, data }
    }

    /// Of a unit that was made here or checked at loading.
    #[inline]
    pub(super) fn kind(self) -> Kind {
        KINDS[usize::from(self.kind & 15)]
    }

    #[inline]
    pub(super) const fn integer(value: i64) -> Self {
        Self::new(Kind::Integer, 0, value.cast_unsigned())
    }

    #[inline]
    pub(super) const fn real(value: f64) -> Self {
        Self::new(Kind::Real, 0, value.to_bits())
    }

    /// Whether it says all there is to say: it points nowhere.
    #[inline]
    pub(super) fn stands_alone(self) -> bool {
        matches!(self.kind(), Kind::None | Kind::Rune | Kind::Integer | Kind::Real) || self.count == 0
    }
}

/// The first 16 bytes of a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Header {
    /// [`MAGIC`].
    pub(super) magic: [u8; 4],
    /// Units after the header; the last one is the root.
    pub(super) units: u32,
    /// Bytes after the units, without the zeros that fill the last 16.
    pub(super) bytes: u32,
    /// Zero.
    pub(super) reserved: u32,
}

const _: () = assert!(size_of::<Header>() == UNIT_BYTES);

/// Opens every buffer: the format and its version.
pub(super) const MAGIC: [u8; 4] = *b"SLP\x01";

/// Every byte of a string as an object, for views that have no unit of their own.
pub(super) static RUNES: [Unit; 256] = {
    let mut runes = [Unit::new(Kind::Rune, 0, 0); 256];
    let mut n = 0;
    while n < 256 {
        runes[n].data = n as u64;
        n += 1;
    }
    runes
};

/// A whole buffer of one symbol of at most 8 bytes.
const fn short_symbol(bytes: [u8; 8], len: u32) -> [Unit; 3] {
    let header = Unit { kind: MAGIC[0], flags: [MAGIC[1], MAGIC[2], MAGIC[3]], count: 1, data: len as u64 };
    let [a, b, c, d, e, f, g, h] = bytes;
    let text = Unit { kind: a, flags: [b, c, d], count: u32::from_le_bytes([e, f, g, h]), data: 0 };
    [header, Unit::new(Kind::Symbol, len, 0), text]
}

/// The symbol `true`.
pub(super) static TRUE: [Unit; 3] = short_symbol(*b"true\0\0\0\0", 4);
/// The symbol `false`.
pub(super) static FALSE: [Unit; 3] = short_symbol(*b"false\0\0\0", 5);
