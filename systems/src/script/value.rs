//! What an expression has for a value.
//!
//! Invariant: a value that is *the text of an object* is the string of that text in every visible way; the text is
//! made when somebody looks. Left out: where values wait (`frame`).

use diptych_components::slp::{Kind, Object};
use std::borrow::Cow;
use std::fmt;

/// A value.
///
/// What was stored is seen as text: `get` and `$data` give strings. Such a value keeps the object instead and is
/// written out where it is needed; to run it, or to look at an integer in it, nothing is.
#[derive(Clone)]
pub struct Value {
    object: Object,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The object, in a buffer of its own.
    Own = 0,
    /// The object, a part of a program that is running.
    Literal = 1,
    /// The text of the object, which is no string.
    Text = 2,
}

impl Value {
    /// NONE.
    #[inline]
    #[must_use]
    pub const fn none() -> Self {
        Self { object: Object::none(), form: Form::Own }
    }

    /// An integer.
    #[inline]
    #[must_use]
    pub const fn integer(value: i64) -> Self {
        Self { object: Object::integer(value), form: Form::Own }
    }

    /// The symbol `true` or `false`.
    #[inline]
    #[must_use]
    pub const fn boolean(value: bool) -> Self {
        Self { object: Object::boolean(value), form: Form::Own }
    }

    /// A string.
    #[must_use]
    pub fn string(text: impl AsRef<[u8]>) -> Self {
        Object::string(text).into()
    }

    /// An ERROR around a string.
    #[must_use]
    pub fn error(message: &str) -> Self {
        Object::error(message).into()
    }

    /// The string of the object's text ([`Object::text`]).
    #[inline]
    #[must_use]
    pub fn text_of(object: Object) -> Self {
        let form = if object.kind() == Kind::String { Form::Own } else { Form::Text };
        Self { object, form }
    }

    /// A part of a program.
    #[inline]
    pub(super) fn literal(object: Object) -> Self {
        Self { object, form: Form::Literal }
    }

    /// What it is.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.form == Form::Text { Kind::String } else { self.object.kind() }
    }

    /// Whether it is an ERROR.
    #[inline]
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.kind() == Kind::Error
    }

    /// Its text: the contents of a string, and the canonical text of all else.
    #[must_use]
    pub fn text(&self) -> Cow<'_, [u8]> {
        self.object.text()
    }

    /// The integer it is or reads as.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        let view = self.object.view();
        view.integer().or_else(|| str::from_utf8(view.string()?).ok()?.parse().ok())
    }

    /// The number it is or reads as.
    #[must_use]
    pub fn as_real(&self) -> Option<f64> {
        let view = self.object.view();
        if let Some(integer) = view.integer() {
            return Some(integer as f64);
        }
        view.real().or_else(|| {
            let text = str::from_utf8(view.string()?).ok()?;
            text.parse().ok().filter(|real: &f64| real.is_finite())
        })
    }

    /// The object; the string, where it is the text of one.
    #[must_use]
    pub fn into_object(self) -> Object {
        if self.form == Form::Text { Object::string(self.object.text()) } else { self.object }
    }

    /// The object in a buffer of its own, to be stored or sent.
    #[must_use]
    pub fn to_stored(&self) -> Object {
        if self.form == Form::Text { Object::string(self.object.text()) } else { self.object.compact() }
    }

    /// What it holds, text or not.
    #[inline]
    pub(super) fn source(&self) -> &Object {
        &self.object
    }

    /// Whether it is the text of what it holds.
    #[inline]
    pub(super) fn is_text(&self) -> bool {
        self.form == Form::Text
    }

    /// How a saved value says which of the three it is.
    pub(super) fn form_code(&self) -> u8 {
        self.form as u8
    }

    /// The value that was saved so; only what is no string can be a text of something.
    pub(super) fn from_form(code: u8, object: Object) -> Option<Self> {
        let form = [Form::Own, Form::Literal, Form::Text].into_iter().find(|form| *form as u8 == code)?;
        (form != Form::Text || object.kind() != Kind::String).then_some(Self { object, form })
    }

    /// The same value, without the rest of the program it came from.
    #[inline]
    pub(super) fn detached(self) -> Self {
        if self.form == Form::Literal {
            Self { object: self.object.compact(), form: Form::Own }
        } else {
            self
        }
    }

    /// The same value in a buffer of its own.
    pub(super) fn compacted(self) -> Self {
        Self { object: self.object.compact(), form: if self.is_text() { Form::Text } else { Form::Own } }
    }

    /// Bytes it counts for: none where it shares the buffer of a program, for that is counted. The same before
    /// and after a restart.
    #[inline]
    pub(super) fn weight(&self) -> u64 {
        if self.form == Form::Literal { 0 } else { weight(&self.object) }
    }
}

/// Bytes of an object in a buffer of its own; none where it needs no buffer.
#[inline]
pub(super) fn weight(object: &Object) -> u64 {
    let view = object.view();
    match view.kind() {
        Kind::None | Kind::Integer | Kind::Real | Kind::Rune => 0,
        Kind::Symbol => view.symbol().map_or(0, |name| name.len() as u64),
        _ if view.is_empty() => 0,
        _ => object.to_bytes().len() as u64,
    }
}

impl From<Object> for Value {
    #[inline]
    fn from(object: Object) -> Self {
        Self { object, form: Form::Own }
    }
}

impl PartialEq for Value {
    /// As it looks: the text of 5 is `"5"`.
    fn eq(&self, other: &Self) -> bool {
        match (self.is_text(), other.is_text()) {
            (false, false) => self.object == other.object,
            _ => self.kind() == other.kind() && self.text() == other.text(),
        }
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_text() {
            return fmt::Debug::fmt(&Object::string(self.object.text()), f);
        }
        fmt::Debug::fmt(&self.object, f)
    }
}
