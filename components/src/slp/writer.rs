//! How a buffer grows: what the parser, the builder and the decoders share.
//!
//! Invariant: there is one layout for a tree. The children of a list are laid down, side by side, when the list
//! ends, so every block of children ends at or before its parent's index, and the root is the last unit; strings
//! and the first of equal symbols lie in the order of the text. So equal trees have equal bytes, whoever made
//! them. Left out: whether the calls make one tree (`Builder` and the parser see to it).

use super::object::Object;
use super::symbol::{Found, Key, NotASymbol, Symbols, Vacant, check, check_atom};
use super::unit::{Header, Kind, MAGIC, UNIT_BYTES, Unit};
use super::view::View;
use super::walk::Step;

/// Bytes of strings and symbols in one buffer at most: 1 GiB.
pub const BUFFER_BYTES_MAX: usize = 1 << 30;
/// Units in one buffer at most: 2^30, which are 16 GiB.
pub const BUFFER_UNITS_MAX: usize = 1 << 30;

/// What fills places that nothing is in yet.
const NOTHING: Unit = Unit::new(Kind::None, 0, 0);
/// Children that are copied as so many, however few they are: a copy of a constant size takes no loop.
const SHORT: usize = 4;

/// A buffer that is being made.
#[derive(Default)]
pub(super) struct Writer {
    /// The header's place, then the blocks of children of lists that have ended.
    units: Vec<Unit>,
    /// Strings and symbols.
    bytes: Vec<u8>,
    /// Objects whose list has not ended: the first `pending`; behind them lies what was.
    open: Vec<Unit>,
    pending: usize,
    symbols: Symbols,
}

impl Writer {
    /// With room for so many units and bytes.
    pub(super) fn with_capacity(units: usize, bytes: usize) -> Self {
        let mut writer = Self::default();
        writer.begin(units, bytes);
        writer
    }

    /// Forgets all but the memory, and sees to room for so many units and bytes.
    pub(super) fn begin(&mut self, units: usize, bytes: usize) {
        self.units.clear();
        self.units.reserve(units + 1 + bytes.div_ceil(UNIT_BYTES));
        self.units.push(NOTHING);
        self.bytes.clear();
        self.bytes.reserve(bytes);
        self.pending = 0;
        self.symbols.clear();
    }

    /// Objects whose list has not ended; what is added next becomes number so many.
    #[inline]
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// Adds an object that points nowhere.
    #[inline]
    pub(super) fn alone(&mut self, unit: Unit) {
        self.push(unit);
    }

    #[inline(always)]
    fn push(&mut self, unit: Unit) {
        match self.open.get_mut(self.pending) {
            Some(place) => *place = unit,
            None => self.push_more(unit),
        }
        self.pending += 1;
    }

    #[inline(never)]
    fn push_more(&mut self, unit: Unit) {
        self.open.push(unit);
        // Never much more than is used: pages that nobody needs cost time when they are touched.
        let more = self.open.len().clamp(8 * SHORT, 1024);
        self.open.resize(self.open.len() + more, NOTHING);
    }

    #[inline]
    pub(super) fn string(&mut self, text: &[u8]) {
        let start = self.begin_string();
        self.extend_string(text);
        self.end_string(start);
    }

    /// Begins a string that comes in pieces; answers what its end needs.
    #[inline]
    pub(super) fn begin_string(&self) -> usize {
        self.bytes.len()
    }

    /// A string that is the first `len` of these bytes.
    #[inline]
    pub(super) fn short_string(&mut self, chunk: &[u8; UNIT_BYTES], len: usize) {
        let start = self.bytes.len();
        // A copy of a constant size, and then back, is faster than one of any size.
        self.bytes.extend_from_slice(chunk);
        self.bytes.truncate(start + len);
        self.end_string(start);
    }

    /// A piece of it.
    #[inline]
    pub(super) fn extend_string(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    #[inline]
    pub(super) fn end_string(&mut self, start: usize) {
        let count = self.bytes.len() - start;
        assert!(
            self.bytes.len() <= BUFFER_BYTES_MAX,
            "an object has at most {BUFFER_BYTES_MAX} bytes of text"
        );
        let start = if count == 0 { 0 } else { start };
        self.push(Unit::new(Kind::String, count as u32, start as u64));
    }

    /// Adds a symbol; it is checked when it is seen for the first time.
    #[inline]
    pub(super) fn symbol(&mut self, name: &[u8]) -> Result<(), NotASymbol> {
        let offset = match self.symbols.find(&self.bytes, name, Key::of(name)) {
            Found::At(offset) => offset,
            Found::Vacant(vacant) => {
                check(name)?;
                self.new_symbol(name, vacant)
            }
        };
        self.push(Unit::new(Kind::Symbol, name.len() as u32, u64::from(offset)));
        Ok(())
    }

    /// As [`Writer::symbol`], of an atom of a text that is no number, and its key.
    #[inline]
    pub(super) fn atom(&mut self, name: &[u8], key: Key) -> Result<(), NotASymbol> {
        let offset = match self.symbols.find(&self.bytes, name, key) {
            Found::At(offset) => offset,
            Found::Vacant(vacant) => {
                check_atom(name)?;
                self.new_symbol(name, vacant)
            }
        };
        self.push(Unit::new(Kind::Symbol, name.len() as u32, u64::from(offset)));
        Ok(())
    }

    #[inline(never)]
    fn new_symbol(&mut self, name: &[u8], vacant: Vacant) -> u32 {
        let offset = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name);
        assert!(
            self.bytes.len() <= BUFFER_BYTES_MAX,
            "an object has at most {BUFFER_BYTES_MAX} bytes of text"
        );
        self.symbols.note(vacant, name, offset);
        offset
    }

    /// Ends a list or wrapper that holds every pending object from number `from` on.
    #[inline]
    pub(super) fn close(&mut self, kind: Kind, from: usize) {
        let children = &self.open[from..];
        let count = self.pending - from;
        let end = self.units.len();
        let first = if count == 0 { 0 } else { end };
        match children.first_chunk::<SHORT>() {
            Some(short) if count <= SHORT => {
                self.units.extend_from_slice(short);
                self.units.truncate(end + count);
            }
            _ => self.units.extend_from_slice(&children[..count]),
        }
        assert!(self.units.len() <= BUFFER_UNITS_MAX, "an object has at most {BUFFER_UNITS_MAX} units");
        self.pending = from;
        self.push(Unit::new(kind, count as u32, first as u64));
    }

    /// Adds a copy of a tree.
    pub(super) fn copy(&mut self, view: View<'_>) {
        let mut starts = Vec::new();
        for step in view.walk() {
            match step {
                Step::Enter(_) => starts.push(self.pending),
                Step::Leave(view) => {
                    let from = starts.pop().expect("each list is entered before it is left");
                    self.close(view.kind(), from);
                }
                Step::Leaf(view) => match view.kind() {
                    Kind::String => self.string(view.string().unwrap_or_default()),
                    Kind::Symbol => {
                        let name = view.symbol().unwrap_or_default();
                        self.symbol(name).expect("the symbol of an object was checked when that was made");
                    }
                    _ => self.alone(*view.unit),
                },
            }
        }
    }

    /// The one pending object, in a buffer of its own where it needs one.
    pub(super) fn finish(mut self) -> Object {
        self.take()
    }

    /// As [`Writer::finish`]; what is left is memory for [`Writer::begin`].
    pub(super) fn take(&mut self) -> Object {
        assert!(self.pending == 1, "{} objects are pending where there must be one", self.pending);
        let root = self.open[0];
        if root.stands_alone() {
            return Object::inline(root);
        }
        self.units.push(root);
        let header = Header {
            magic: MAGIC,
            units: (self.units.len() - 1) as u32,
            bytes: self.bytes.len() as u32,
            reserved: 0,
        };
        self.units[0] = bytemuck::must_cast(header);
        let (whole, rest) = self.bytes.as_chunks::<UNIT_BYTES>();
        self.units.extend(whole.iter().map(|bytes| bytemuck::must_cast::<_, Unit>(*bytes)));
        if !rest.is_empty() {
            let mut last = [0; UNIT_BYTES];
            last[..rest.len()].copy_from_slice(rest);
            self.units.push(bytemuck::must_cast(last));
        }
        Object::whole(&mut self.units)
    }
}
