//! Borrowed looks into an object: what an interpreter walks.
//!
//! Invariant: a view never allocates and never copies; it is a pointer to a unit and the buffer around it. Left
//! out: owning (`Object`).

use super::object::Object;
use super::text::print;
use super::unit::{Kind, RUNES, Unit};
use super::walk::{Step, Walk};
use std::fmt;
use std::hash::{Hash, Hasher};

/// An object, borrowed. Equal views are equal trees: reals by their bits, so that `-0.0` is not `0.0` and a NaN
/// equals itself.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(super) units: &'a [Unit],
    pub(super) unit: &'a Unit,
}

impl<'a> View<'a> {
    /// What it is.
    #[inline]
    #[must_use]
    pub fn kind(self) -> Kind {
        self.unit.kind()
    }

    /// The value of an integer.
    #[inline]
    #[must_use]
    pub fn integer(self) -> Option<i64> {
        (self.kind() == Kind::Integer).then_some(self.unit.data.cast_signed())
    }

    /// The value of a real.
    #[inline]
    #[must_use]
    pub fn real(self) -> Option<f64> {
        (self.kind() == Kind::Real).then_some(f64::from_bits(self.unit.data))
    }

    /// The byte of a rune.
    #[inline]
    #[must_use]
    pub fn rune(self) -> Option<u8> {
        (self.kind() == Kind::Rune).then_some(self.unit.data as u8)
    }

    /// The name of a symbol; UTF-8 (see [`View::symbol_str`]).
    #[inline]
    #[must_use]
    pub fn symbol(self) -> Option<&'a [u8]> {
        if self.kind() == Kind::Symbol { Some(self.bytes()) } else { None }
    }

    /// The name of a symbol as text, which costs a look at each byte.
    #[must_use]
    pub fn symbol_str(self) -> Option<&'a str> {
        self.symbol().map(|name| str::from_utf8(name).expect("symbols were checked to be UTF-8"))
    }

    /// Whether it is this symbol.
    #[inline]
    #[must_use]
    pub fn is_symbol(self, name: &str) -> bool {
        self.symbol() == Some(name.as_bytes())
    }

    /// The contents of a string, as they are meant: without quotes and escapes.
    #[inline]
    #[must_use]
    pub fn string(self) -> Option<&'a [u8]> {
        if self.kind() == Kind::String { Some(self.bytes()) } else { None }
    }

    /// Of a symbol or string.
    #[inline]
    fn bytes(self) -> &'a [u8] {
        if self.unit.count == 0 {
            return &[];
        }
        // The header's `units` is where a unit has its `count`; `unit.rs` asserts it.
        let area = &self.units[1 + self.units[0].count as usize..];
        let start = self.unit.data as usize;
        &bytemuck::must_cast_slice::<Unit, u8>(area)[start..start + self.unit.count as usize]
    }

    /// Children of a list, 1 for `'x` and `@x`, bytes of a string; 0 for all else.
    #[inline]
    #[must_use]
    pub fn len(self) -> u32 {
        if self.kind() == Kind::Symbol { 0 } else { self.unit.count }
    }

    /// Whether [`View::len`] is 0.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The child at `index` of a list, what a wrapper holds at 0, the byte of a string as a [`Kind::Rune`].
    #[inline]
    #[must_use]
    pub fn get(self, index: u32) -> Option<View<'a>> {
        if index >= self.unit.count {
            return None;
        }
        match self.kind() {
            Kind::String => {
                let unit = &RUNES[usize::from(self.bytes()[index as usize])];
                Some(View { units: &[], unit })
            }
            kind if kind.is_parent() => {
                let unit = &self.units[self.unit.data as usize + index as usize];
                Some(View { units: self.units, unit })
            }
            _ => None,
        }
    }

    /// The units of its children; none where it is no list and no wrapper.
    #[inline]
    pub(super) fn child_units(self) -> &'a [Unit] {
        if self.unit.count == 0 || !self.kind().is_parent() {
            return &[];
        }
        let first = self.unit.data as usize;
        &self.units[first..first + self.unit.count as usize]
    }

    /// The children of a list, or the one object of a wrapper; none of a string, whose bytes are
    /// [`View::string`].
    #[inline]
    #[must_use]
    pub fn children(self) -> Children<'a> {
        Children { units: self.units, rest: self.child_units().iter() }
    }

    /// What `'x` or `@x` holds.
    #[inline]
    #[must_use]
    pub fn inner(self) -> Option<View<'a>> {
        if self.kind().is_wrapper() { self.get(0) } else { None }
    }

    /// Where it lies in its buffer, for [`Object::at`]; 0 where it is not in one, as a [`Kind::Rune`] of a string.
    #[inline]
    #[must_use]
    pub fn index(self) -> u32 {
        if self.units.is_empty() {
            return 0;
        }
        let bytes = std::ptr::from_ref(self.unit).addr() - self.units.as_ptr().addr();
        (bytes / size_of::<Unit>()) as u32
    }

    /// The object it looks at, to keep. Costs a reference count where `owner` is of the same buffer, nothing for
    /// what needs no buffer, and a copy otherwise.
    #[inline]
    #[must_use]
    pub fn to_object(self, owner: &Object) -> Object {
        owner.keep(self)
    }

    /// Every object in it, in the order of the text; nothing recurses.
    pub(super) fn walk(self) -> Walk<'a> {
        Walk::new(self)
    }

    /// Appends its canonical text.
    pub fn print(self, out: &mut Vec<u8>) {
        print::print(self, out);
    }
}

/// The children of an object; see [`View::children`].
#[derive(Clone)]
pub struct Children<'a> {
    units: &'a [Unit],
    rest: std::slice::Iter<'a, Unit>,
}

impl<'a> Iterator for Children<'a> {
    type Item = View<'a>;

    #[inline]
    fn next(&mut self) -> Option<View<'a>> {
        self.rest.next().map(|unit| View { units: self.units, unit })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rest.size_hint()
    }
}

impl DoubleEndedIterator for Children<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.rest.next_back().map(|unit| View { units: self.units, unit })
    }
}

impl ExactSizeIterator for Children<'_> {}

impl fmt::Debug for Children<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl PartialEq for View<'_> {
    fn eq(&self, other: &Self) -> bool {
        if std::ptr::eq(self.unit, other.unit) {
            return true;
        }
        // Pairs of child lists that are still to be compared.
        let mut open = Vec::new();
        let mut pair = (*self, *other);
        loop {
            let (one, two) = pair;
            if (one.unit.kind, one.unit.count) != (two.unit.kind, two.unit.count) {
                return false;
            }
            match one.kind() {
                Kind::String | Kind::Symbol => {
                    if one.bytes() != two.bytes() {
                        return false;
                    }
                }
                kind if kind.is_parent() => open.push((one.children(), two.children())),
                _ => {
                    if one.unit.data != two.unit.data {
                        return false;
                    }
                }
            }
            pair = loop {
                let Some((ones, twos)) = open.last_mut() else { return true };
                match (ones.next(), twos.next()) {
                    (Some(one), Some(two)) => break (one, two),
                    _ => open.pop(),
                };
            };
        }
    }
}

impl Eq for View<'_> {}

impl Hash for View<'_> {
    /// Of the tree, not of where it lies.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for step in self.walk() {
            let (Step::Leaf(view) | Step::Enter(view)) = step else { continue };
            state.write_u8(view.unit.kind);
            state.write_u32(view.unit.count);
            match view.kind() {
                Kind::String | Kind::Symbol => state.write(view.bytes()),
                kind if kind.is_parent() => {}
                _ => state.write_u64(view.unit.data),
            }
        }
    }
}

impl fmt::Display for View<'_> {
    /// The canonical text; bytes that are not UTF-8 are replaced.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.print(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
