//! Owned objects.
//!
//! Invariant: an object is a unit that stands alone, or a unit of a buffer that was made by the writer or checked
//! at loading; nothing changes either.

use super::builder::Builder;
use super::load::{self, Invalid};
use super::symbol::{NotASymbol, check};
use super::unit::{FALSE, Header, Kind, MAGIC, TRUE, UNIT_BYTES, Unit};
use super::view::View;
use super::writer::Writer;
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// One value of SLP: immutable, cheap to clone, of its own or sharing the buffer of the tree it came from.
///
/// Equality and hash are those of the trees (see [`View`]). A child keeps the whole buffer alive; where it is to
/// outlive the rest, [`Object::compact`] it.
///
/// # Examples
/// ```
/// use diptych_components::slp::{self, Kind, Limits, Object};
/// let script = slp::parse(b"(core/kv/set user:1 \"active\") ; a note\n[]", &Limits::default())?;
/// let call = script.get(0).expect("two forms");
/// assert_eq!(call.kind(), Kind::Paren);
/// assert_eq!(call.view().get(0).and_then(|head| head.symbol()), Some(&b"core/kv/set"[..]));
/// assert_eq!(call.child(2), Some(Object::string("active")));
/// assert_eq!(call.to_string(), r#"(core/kv/set user:1 "active")"#);
/// # Ok::<(), slp::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Object(Repr);

/// 24 bytes: the tag lies where the index of a shared buffer leaves room.
#[derive(Clone)]
enum Repr {
    /// A unit that stands alone.
    Inline(Unit),
    /// The root of a buffer that is a constant.
    Constant(&'static [Unit]),
    /// The unit at this index of a buffer, above 0.
    Shared(Arc<[Unit]>, u32),
    /// The same of a buffer that is too large to be copied behind its counters.
    Large(Arc<Vec<Unit>>, u32),
}

/// Units from which on a buffer is left where it was made.
const LARGE_UNITS: usize = 4096;

const _: () = assert!(size_of::<Object>() == 24);
const _: () = {
    const fn is_shared_between_threads<T: Send + Sync>() {}
    is_shared_between_threads::<Object>();
};

/// The root is the last unit, and the header counts them.
#[inline]
fn root(units: &[Unit]) -> u32 {
    units[0].count
}

impl Object {
    /// NONE.
    #[must_use]
    pub const fn none() -> Self {
        Self(Repr::Inline(Unit::new(Kind::None, 0, 0)))
    }

    /// An integer.
    #[must_use]
    pub const fn integer(value: i64) -> Self {
        Self(Repr::Inline(Unit::integer(value)))
    }

    /// A real; one that is not finite has no text of its own (it prints as the symbol `nan`, `inf` or `-inf`).
    #[must_use]
    pub const fn real(value: f64) -> Self {
        Self(Repr::Inline(Unit::real(value)))
    }

    /// The symbol `true` or `false`.
    #[must_use]
    pub const fn boolean(value: bool) -> Self {
        Self(Repr::Constant(if value { &TRUE } else { &FALSE }))
    }

    /// A string of these bytes, which need not be UTF-8.
    ///
    /// # Panics
    /// Beyond [`BUFFER_BYTES_MAX`](super::BUFFER_BYTES_MAX).
    #[must_use]
    pub fn string(text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        Self::lone(Kind::String, text)
    }

    /// A symbol.
    ///
    /// # Errors
    /// When `name` would not read back as that symbol.
    pub fn symbol(name: &str) -> Result<Self, NotASymbol> {
        check(name.as_bytes())?;
        Ok(Self::lone(Kind::Symbol, name.as_bytes()))
    }

    /// An ERROR around a string.
    #[must_use]
    pub fn error(message: &str) -> Self {
        let mut writer = Writer::with_capacity(2, message.len());
        writer.string(message.as_bytes());
        writer.close(Kind::Error, 0);
        writer.finish()
    }

    /// `'x`.
    #[must_use]
    pub fn some(inner: &Self) -> Self {
        Self::list(Kind::Some, [inner])
    }

    /// `@x`.
    #[must_use]
    pub fn wrap_error(inner: &Self) -> Self {
        Self::list(Kind::Error, [inner])
    }

    /// A list of copies of these.
    ///
    /// # Panics
    /// When `kind` holds no objects, or is a wrapper and there is not exactly one.
    #[must_use]
    pub fn list<'a>(kind: Kind, items: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut builder = Builder::new();
        builder.open(kind);
        for item in items {
            builder.copy(item.view());
        }
        builder.close();
        builder.finish()
    }

    /// A string or symbol in a buffer of its own, with one allocation.
    fn lone(kind: Kind, text: &[u8]) -> Self {
        assert!(text.len() <= super::BUFFER_BYTES_MAX, "a string of {} bytes is too long", text.len());
        if text.is_empty() {
            return Self(Repr::Inline(Unit::new(kind, 0, 0)));
        }
        let header = Header { magic: MAGIC, units: 1, bytes: text.len() as u32, reserved: 0 };
        let unit = |n: usize| match n {
            0 => bytemuck::must_cast(header),
            1 => Unit::new(kind, text.len() as u32, 0),
            _ => {
                let rest = &text[(n - 2) * UNIT_BYTES..];
                let mut bytes = [0; UNIT_BYTES];
                let count = rest.len().min(UNIT_BYTES);
                bytes[..count].copy_from_slice(&rest[..count]);
                bytemuck::must_cast(bytes)
            }
        };
        Self(Repr::Shared((0..2 + text.len().div_ceil(UNIT_BYTES)).map(unit).collect(), 1))
    }

    /// Of a unit that stands alone.
    #[inline]
    pub(super) fn inline(unit: Unit) -> Self {
        Self(Repr::Inline(unit))
    }

    /// The root of a buffer that is right; a large one is taken, of a small one the memory is left.
    pub(super) fn whole(units: &mut Vec<Unit>) -> Self {
        let root = root(units);
        if units.len() < LARGE_UNITS {
            return Self(Repr::Shared(Arc::from(&units[..]), root));
        }
        let mut units = std::mem::take(units);
        units.shrink_to_fit();
        Self(Repr::Large(Arc::new(units), root))
    }

    /// The buffer, where there is one.
    #[inline]
    fn units(&self) -> &[Unit] {
        match &self.0 {
            Repr::Inline(_) => &[],
            Repr::Constant(units) => units,
            Repr::Shared(units, _) => units,
            Repr::Large(units, _) => units,
        }
    }

    /// Whether it is all of its buffer, or needs none.
    fn is_whole(&self) -> bool {
        match &self.0 {
            Repr::Inline(_) | Repr::Constant(_) => true,
            Repr::Shared(units, at) => *at == root(units),
            Repr::Large(units, at) => *at == root(units),
        }
    }

    /// Looks into it.
    #[inline]
    #[must_use]
    pub fn view(&self) -> View<'_> {
        match &self.0 {
            Repr::Inline(unit) => View { units: &[], unit },
            Repr::Constant(units) => View { units, unit: &units[root(units) as usize] },
            Repr::Shared(units, at) => View { units, unit: &units[*at as usize] },
            Repr::Large(units, at) => View { units, unit: &units[*at as usize] },
        }
    }

    /// What it is.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.view().kind()
    }

    /// The child at `index`, sharing the buffer; see [`View::get`].
    #[inline]
    #[must_use]
    pub fn child(&self, index: u32) -> Option<Self> {
        self.view().get(index).map(|view| self.keep(view))
    }

    /// The object at the place that a view of this buffer told ([`View::index`]).
    ///
    /// # Panics
    /// When there is none: the index is of another buffer.
    #[inline]
    #[must_use]
    pub fn at(&self, index: u32) -> Self {
        if index == 0 {
            assert!(matches!(self.0, Repr::Inline(_)), "index 0 is no object of a buffer");
            return self.clone();
        }
        let units = self.units();
        assert!(!units.is_empty() && index <= root(units), "index {index} is not of this buffer");
        self.keep(View { units, unit: &units[index as usize] })
    }

    /// Looks into the object at a place of this buffer, as [`Object::at`] without keeping it.
    ///
    /// # Panics
    /// When there is none: the index is of another buffer.
    #[inline]
    #[must_use]
    pub fn view_at(&self, index: u32) -> View<'_> {
        let whole = self.view();
        if index == 0 {
            return whole;
        }
        assert!(!whole.units.is_empty() && index <= root(whole.units), "index {index} is not of this buffer");
        View { units: whole.units, unit: &whole.units[index as usize] }
    }

    /// An object of what `view` shows, which shares this one's buffer if it is the same.
    #[inline]
    pub(super) fn keep(&self, view: View<'_>) -> Self {
        if view.unit.stands_alone() {
            return Self::inline(*view.unit);
        }
        if !std::ptr::eq(self.units(), view.units) {
            return copied(view);
        }
        match &self.0 {
            Repr::Shared(units, _) => Self(Repr::Shared(Arc::clone(units), view.index())),
            Repr::Large(units, _) => Self(Repr::Large(Arc::clone(units), view.index())),
            Repr::Inline(_) | Repr::Constant(_) => self.clone(),
        }
    }

    /// The same object in a buffer that holds nothing else; a clone where that is so already.
    #[must_use]
    pub fn compact(&self) -> Self {
        if self.is_whole() { self.clone() } else { copied(self.view()) }
    }

    /// The buffer of just this object, as [`Object::load`] takes it; borrowed where it is there already. Equal
    /// objects have equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Cow<'_, [u8]> {
        if let Repr::Inline(unit) = &self.0 {
            let header = Header { magic: MAGIC, units: 1, bytes: 0, reserved: 0 };
            let buffer = [bytemuck::must_cast(header), *unit];
            return Cow::Owned(bytemuck::must_cast::<[Unit; 2], [u8; 2 * UNIT_BYTES]>(buffer).to_vec());
        }
        if self.is_whole() {
            return Cow::Borrowed(bytemuck::must_cast_slice(self.units()));
        }
        Cow::Owned(bytemuck::must_cast_slice(copied(self.view()).units()).to_vec())
    }

    /// Reads what [`Object::to_bytes`] gave, or anything else: every unit is checked, once, in one pass.
    ///
    /// # Errors
    /// When the bytes are not exactly what some object's [`Object::to_bytes`] gives.
    pub fn load(bytes: &[u8]) -> Result<Self, Invalid> {
        load::load(bytes, u32::MAX)
    }

    /// Bytes on the heap; those of a shared buffer are counted whole. 0 for what needs none.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            // Two counters lie before the units.
            Repr::Shared(units, _) => 2 * size_of::<usize>() + size_of_val::<[Unit]>(units),
            Repr::Large(units, _) => {
                2 * size_of::<usize>() + size_of::<Vec<Unit>>() + units.capacity() * UNIT_BYTES
            }
            Repr::Inline(_) | Repr::Constant(_) => 0,
        }
    }

    /// The text of a value: the contents of a string, and the canonical text of all else.
    #[must_use]
    pub fn text(&self) -> Cow<'_, [u8]> {
        let view = self.view();
        view.string().map_or_else(
            || {
                let mut text = Vec::new();
                view.print(&mut text);
                Cow::Owned(text)
            },
            Cow::Borrowed,
        )
    }
}

/// A tree in a buffer of its own.
fn copied(view: View<'_>) -> Object {
    let mut writer = Writer::with_capacity(7, 64);
    writer.copy(view);
    writer.finish()
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for Object {}

impl Hash for Object {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
    }
}

impl Default for Object {
    /// NONE.
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Display for Object {
    /// The canonical text; bytes that are not UTF-8 are replaced.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.view(), f)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.view(), f)
    }
}
