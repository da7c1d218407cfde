//! Untrusted bytes to an object.
//!
//! Invariant: what is accepted is exactly what the writer makes for that tree, so nothing that is read later can
//! point outside, into a loop, or twice to one place, and equal objects have equal bytes. One pass in the order of
//! the text, on a stack in proportion to the depth; nothing recurses.

use super::object::Object;
use super::symbol::{Found, Key, Symbols, check};
use super::unit::{Header, Kind, MAGIC, UNIT_BYTES, Unit};

/// Why bytes are not an object: a sentence with the unit in question.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("these bytes are no stored object: {what}{}", self.place())]
pub struct Invalid {
    what: &'static str,
    unit: Option<u32>,
}

impl Invalid {
    fn place(&self) -> String {
        self.unit.map_or(String::new(), |unit| format!(" (unit {unit}, byte {})", unit as usize * UNIT_BYTES))
    }

    /// The byte of the unit in question; 0 where it is the whole.
    #[must_use]
    pub fn byte(&self) -> usize {
        self.unit.map_or(0, |unit| unit as usize * UNIT_BYTES)
    }
}

/// A list whose children are being looked at.
struct Block {
    next: u32,
    end: u32,
    start: u32,
}

/// What has been seen so far.
struct Check<'a> {
    units: &'a [Unit],
    area: &'a [u8],
    symbols: Symbols,
    /// Where the next string or new symbol must lie.
    text: usize,
    tiles: Tiles,
    /// Where the next block of children must lie.
    block: u32,
}

/// Reads an object of at most `depth_max` lists in each other.
pub(super) fn load(bytes: &[u8], depth_max: u32) -> Result<Object, Invalid> {
    let fail = |what| Err(Invalid { what, unit: None });
    let (chunks, rest) = bytes.as_chunks::<UNIT_BYTES>();
    let Some(first) = chunks.first() else { return fail("they are too few for a header") };
    let header: Header = bytemuck::must_cast(*first);
    if header.magic != MAGIC || header.reserved != 0 {
        return fail("they do not begin with `SLP`, version 1, and a header of it");
    }
    if header.units == 0 {
        return fail("the header counts no units");
    }
    let filled = (header.bytes as usize).div_ceil(UNIT_BYTES);
    if !rest.is_empty() || chunks.len() != 1 + header.units as usize + filled {
        return fail("their number is not what the header says");
    }
    let mut units: Vec<Unit> = chunks.iter().map(|chunk| bytemuck::must_cast::<_, Unit>(*chunk)).collect();
    let (trees, area) = units.split_at(1 + header.units as usize);
    let area: &[u8] = bytemuck::must_cast_slice(area);
    let (area, zeros) = area.split_at(header.bytes as usize);
    if zeros.iter().any(|byte| *byte != 0) {
        return fail("what fills the last 16 bytes is not zero");
    }
    let tiles = Tiles::new(area.len());
    let mut check = Check { units: trees, area, symbols: Symbols::default(), text: 0, tiles, block: 1 };
    check.tree(header.units, depth_max)?;
    if check.block != header.units {
        return fail("there are units that are in no list");
    }
    if check.text != area.len() {
        return fail("there is text that belongs to no string or symbol");
    }
    let root = trees[header.units as usize];
    Ok(if root.stands_alone() { Object::inline(root) } else { Object::whole(&mut units) })
}

impl Check<'_> {
    fn tree(&mut self, root: u32, depth_max: u32) -> Result<(), Invalid> {
        let mut open: Vec<Block> = Vec::new();
        let mut here = Block { next: root, end: root + 1, start: root };
        loop {
            while here.next == here.end {
                // The children of a list lie behind all that is inside them.
                let Some(outer) = open.pop() else { return Ok(()) };
                if here.start != self.block {
                    return Err(Invalid {
                        what: "the children are not where they belong",
                        unit: Some(here.start),
                    });
                }
                self.block = here.end;
                here = outer;
            }
            let at = here.next;
            here.next += 1;
            let unit = self.units[at as usize];
            let fail = |what| Err(Invalid { what, unit: Some(at) });
            let Some(kind) = kind(unit) else { return fail("this is no kind of object") };
            match kind {
                Kind::Integer | Kind::Real | Kind::None | Kind::Rune => {
                    let most = if kind == Kind::None { 0 } else { u64::MAX };
                    let most = if kind == Kind::Rune { 255 } else { most };
                    if unit.count != 0 || unit.data > most {
                        return fail("a field that must be zero is not");
                    }
                }
                Kind::String => self.string(unit).or_else(fail)?,
                Kind::Symbol => self.symbol(unit).or_else(fail)?,
                _ if unit.count == 0 => {
                    if unit.data != 0 || kind.is_wrapper() {
                        return fail("an empty list points somewhere, or a wrapper is empty");
                    }
                    if open.len() >= depth_max as usize {
                        return fail("the lists are too deep");
                    }
                }
                _ => {
                    let end = unit.data.checked_add(u64::from(unit.count));
                    if end.is_none_or(|end| end > u64::from(here.start)) || unit.data < u64::from(self.block)
                    {
                        return fail("the children do not lie before their list");
                    }
                    if kind.is_wrapper() && unit.count != 1 {
                        return fail("a wrapper holds more than one object");
                    }
                    if open.len() >= depth_max as usize {
                        return fail("the lists are too deep");
                    }
                    let start = unit.data as u32;
                    open.push(std::mem::replace(
                        &mut here,
                        Block { next: start, end: start + unit.count, start },
                    ));
                }
            }
        }
    }

    #[inline]
    fn string(&mut self, unit: Unit) -> Result<(), &'static str> {
        if unit.count == 0 && unit.data == 0 {
            return Ok(());
        }
        if unit.data != self.text as u64 || unit.count == 0 {
            return Err("the string does not begin where the text before it ends");
        }
        if unit.count as usize > self.area.len() - self.text {
            return Err("the string ends beyond the text");
        }
        self.tiles.begin(self.text, false);
        self.text += unit.count as usize;
        Ok(())
    }

    #[inline]
    fn symbol(&mut self, unit: Unit) -> Result<(), &'static str> {
        let start = usize::try_from(unit.data).unwrap_or(usize::MAX);
        let end = start.saturating_add(unit.count as usize);
        if start >= self.text {
            return self.new_symbol(start, end);
        }
        // Then it must be a symbol that was there before, from its first byte to its last.
        if end > self.text || end == start || !self.tiles.is_symbol(start, end, self.text) {
            return Err("the symbol lies in the text of something else");
        }
        Ok(())
    }

    #[inline(never)]
    fn new_symbol(&mut self, start: usize, end: usize) -> Result<(), &'static str> {
        if start != self.text {
            return Err("the symbol does not begin where the text before it ends");
        }
        let Some(name) = self.area.get(start..end) else { return Err("the symbol ends beyond the text") };
        check(name).map_err(|_| "the symbol would not read back as itself")?;
        let Found::Vacant(vacant) = self.symbols.find(self.area, name, Key::of(name)) else {
            return Err("the symbol has a place already");
        };
        self.symbols.note(vacant, name, start as u32);
        self.tiles.begin(start, true);
        self.text = end;
        Ok(())
    }
}

/// Where each string and each symbol of the text begins, a bit for each byte: to find out whether a symbol was
/// there before costs two words, however many there are.
struct Tiles(Vec<[u64; 2]>);

/// Of the two words: every beginning, and those of symbols.
const BEGINS: usize = 0;
const SYMBOLS: usize = 1;

impl Tiles {
    fn new(bytes: usize) -> Self {
        Self(vec![[0; 2]; bytes / 64 + 1])
    }

    #[inline]
    fn begin(&mut self, at: usize, symbol: bool) {
        let words = &mut self.0[at / 64];
        words[BEGINS] |= 1 << (at % 64);
        words[SYMBOLS] |= u64::from(symbol) << (at % 64);
    }

    /// Whether a symbol begins at `start` and what follows it at `end`, or nothing does; `start < end <= text`.
    #[inline]
    fn is_symbol(&self, start: usize, end: usize, text: usize) -> bool {
        let mut word = start / 64;
        let words = self.0[word];
        if words[SYMBOLS] >> (start % 64) & 1 == 0 {
            return false;
        }
        // The first beginning behind `start`.
        let mut bits = words[BEGINS] & (u64::MAX << (start % 64)) & !(1 << (start % 64));
        while bits == 0 {
            word += 1;
            if word > text / 64 {
                return end == text;
            }
            bits = self.0[word][BEGINS];
        }
        word * 64 + bits.trailing_zeros() as usize == end
    }
}

#[inline]
fn kind(unit: Unit) -> Option<Kind> {
    // `Unit::kind` leads the codes that are none to NONE.
    let kind = unit.kind();
    (kind as u8 == unit.kind && unit.flags == [0; 3]).then_some(kind)
}
