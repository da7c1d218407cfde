//! Objects made without text.
//!
//! Invariant: a builder makes one tree or panics; it never makes a wrong one.

use super::object::Object;
use super::symbol::NotASymbol;
use super::unit::{Kind, Unit};
use super::view::View;
use super::writer::Writer;
use std::fmt;

/// Makes an object piece by piece, in the order of its text.
///
/// # Panics
/// Each call panics once the object is beyond [`BUFFER_UNITS_MAX`](super::BUFFER_UNITS_MAX) or
/// [`BUFFER_BYTES_MAX`](super::BUFFER_BYTES_MAX).
///
/// # Examples
/// ```
/// use diptych_components::slp::{Builder, Kind};
/// let mut builder = Builder::new();
/// builder.open(Kind::Paren).symbol("core/kv/set")?.symbol("score")?.integer(42).close();
/// assert_eq!(builder.finish().to_string(), "(core/kv/set score 42)");
/// # Ok::<(), diptych_components::slp::NotASymbol>(())
/// ```
pub struct Builder {
    writer: Writer,
    /// What is open, and the number of its first child.
    open: Vec<(Kind, usize)>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

impl Builder {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { writer: Writer::with_capacity(7, 64), open: Vec::new() }
    }

    fn alone(&mut self, unit: Unit) -> &mut Self {
        self.writer.alone(unit);
        self
    }

    /// Adds NONE.
    pub fn none(&mut self) -> &mut Self {
        self.alone(Unit::new(Kind::None, 0, 0))
    }

    /// Adds an integer.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        self.alone(Unit::integer(value))
    }

    /// Adds a real.
    pub fn real(&mut self, value: f64) -> &mut Self {
        self.alone(Unit::real(value))
    }

    /// Adds one byte of a string.
    pub fn rune(&mut self, byte: u8) -> &mut Self {
        self.alone(Unit::new(Kind::Rune, 0, u64::from(byte)))
    }

    /// Adds a string of these bytes.
    pub fn string(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.writer.string(text.as_ref());
        self
    }

    /// Adds a symbol.
    ///
    /// # Errors
    /// When `name` would not read back as that symbol; nothing is added.
    pub fn symbol(&mut self, name: &str) -> Result<&mut Self, NotASymbol> {
        self.writer.symbol(name.as_bytes())?;
        Ok(self)
    }

    /// Adds `true` or `false`.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        self.copy(Object::boolean(value).view())
    }

    /// Adds a copy of another object.
    pub fn copy(&mut self, view: View<'_>) -> &mut Self {
        self.writer.copy(view);
        self
    }

    /// Begins a list, or a wrapper for the next object; what is added next is inside until [`Builder::close`].
    ///
    /// # Panics
    /// When objects of `kind` have no objects inside.
    pub fn open(&mut self, kind: Kind) -> &mut Self {
        assert!(kind.is_parent(), "{kind:?} holds no objects: open a list, a SOME or an ERROR");
        self.open.push((kind, self.writer.pending()));
        self
    }

    /// Ends what was opened last.
    ///
    /// # Panics
    /// When nothing is open, or a SOME or ERROR holds not exactly one object.
    pub fn close(&mut self) -> &mut Self {
        let (kind, from) = self.open.pop().expect("close without open");
        let count = self.writer.pending() - from;
        assert!(!kind.is_wrapper() || count == 1, "{kind:?} holds exactly one object, not {count}");
        self.writer.close(kind, from);
        self
    }

    /// Lists and wrappers that are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// The object.
    ///
    /// # Panics
    /// When something is still open, or not exactly one object was added.
    #[must_use]
    pub fn finish(self) -> Object {
        assert!(self.open.is_empty(), "{} lists are still open at the end", self.open.len());
        self.writer.finish()
    }
}
