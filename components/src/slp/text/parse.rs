//! Text to objects.
//!
//! Invariant: one pass over the text, on a stack of its own, so that nothing but the limits depends on what the
//! text is; errors are values. Left out: line and column, which an error counts when there is one.

use super::error::{ParseError, ParseErrorKind};
use super::number::{self, Number};
use super::{CHUNK, Class, before_atom_end, before_quote, class};
use crate::slp::Limits;
use crate::slp::object::Object;
use crate::slp::symbol::{Key, NotASymbol, SYMBOL_BYTES_MAX};
use crate::slp::unit::{Kind, Unit};
use crate::slp::view::{Children, View};
use crate::slp::writer::{BUFFER_BYTES_MAX, Writer};

/// The top-level forms of a text: one buffer, whose root is a [`Kind::Bracket`] list of them.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct Forms(Object);

impl Forms {
    /// How many there are; a text of comments has none.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.view().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The form at `index`, sharing the buffer.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<Object> {
        self.0.child(index)
    }

    /// All of them, in order.
    #[must_use]
    pub fn iter(&self) -> Children<'_> {
        self.0.view().children()
    }

    /// The list of them.
    #[must_use]
    pub fn as_object(&self) -> &Object {
        &self.0
    }

    /// The list of them.
    #[must_use]
    pub fn into_object(self) -> Object {
        self.0
    }
}

impl<'a> IntoIterator for &'a Forms {
    type Item = View<'a>;
    type IntoIter = Children<'a>;

    fn into_iter(self) -> Children<'a> {
        self.iter()
    }
}

/// Reads every top-level form.
///
/// # Errors
/// At the first byte at which the text is none; nothing of it is kept then.
pub fn parse(text: impl AsRef<[u8]>, limits: &Limits) -> Result<Forms, ParseError> {
    let mut parser = Parser::run(text.as_ref(), limits)?;
    parser.writer.close(Kind::Bracket, 0);
    Ok(Forms(parser.writer.finish()))
}

/// Reads exactly one form.
///
/// # Errors
/// As [`parse`]; also when there is none, or another behind it.
pub fn parse_one(text: impl AsRef<[u8]>, limits: &Limits) -> Result<Object, ParseError> {
    let text = text.as_ref();
    let parser = Parser::run(text, limits)?;
    match parser.writer.pending() {
        0 => Err(ParseError::new(ParseErrorKind::Nothing, text, 0)),
        1 => Ok(parser.writer.finish()),
        _ => Err(ParseError::new(ParseErrorKind::MoreThanOne, text, parser.second)),
    }
}

/// A list or wrapper that has not ended.
struct Frame {
    kind: Kind,
    /// The number of its first child among the pending objects.
    from: usize,
    /// Where it begins in the text.
    at: usize,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    open: Vec<Frame>,
    /// Whether the innermost frame is a wrapper, which ends with the next object.
    wrapping: bool,
    /// Where the second form begins, if there is one.
    second: usize,
    writer: Writer,
}

impl<'a> Parser<'a> {
    fn run(text: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        let most = (limits.bytes as usize).min(BUFFER_BYTES_MAX);
        if text.len() > most {
            return Err(ParseError::new(ParseErrorKind::TooLarge, text, most));
        }
        // Commands have an object to eight bytes; more than that grows.
        let writer = Writer::with_capacity(text.len() / 8 + 2, text.len() / 4 + 16);
        let depth = limits.depth as usize;
        let mut parser = Self { text, at: 0, depth, open: Vec::new(), wrapping: false, second: 0, writer };
        match parser.forms() {
            Ok(()) => Ok(parser),
            Err((kind, at)) => Err(ParseError::new(kind, text, at)),
        }
    }

    fn forms(&mut self) -> Result<(), (ParseErrorKind, usize)> {
        while let Some(&byte) = self.text.get(self.at) {
            match class(byte) {
                Class::Space => self.at += 1,
                Class::Atom => self.symbol(self.at)?,
                Class::Numeric => self.number()?,
                Class::Quote => self.string()?,
                Class::Open => match byte {
                    b'(' => self.begin(Kind::Paren)?,
                    b'[' => self.begin(Kind::Bracket)?,
                    _ => self.begin(Kind::Brace)?,
                },
                Class::Close => match byte {
                    b')' => self.end(Kind::Paren)?,
                    b']' => self.end(Kind::Bracket)?,
                    _ => self.end(Kind::Brace)?,
                },
                Class::Prefix => {
                    self.begin(if byte == b'@' { Kind::Error } else { Kind::Some })?;
                    self.wrapping = true;
                }
                Class::Comment => {
                    let rest = &self.text[self.at..];
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
            }
        }
        let Some(frame) = self.open.last() else { return Ok(()) };
        Err(match frame.kind {
            Kind::Paren => (ParseErrorKind::UnclosedParen, frame.at),
            Kind::Bracket => (ParseErrorKind::UnclosedBracket, frame.at),
            Kind::Brace => (ParseErrorKind::UnclosedBrace, frame.at),
            _ => (ParseErrorKind::PrefixWithoutObject, frame.at + 1),
        })
    }

    #[inline]
    fn begin(&mut self, kind: Kind) -> Result<(), (ParseErrorKind, usize)> {
        if self.open.len() >= self.depth {
            return Err((ParseErrorKind::TooDeep, self.at));
        }
        self.note_second(self.at);
        self.open.push(Frame { kind, from: self.writer.pending(), at: self.at });
        self.wrapping = false;
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn end(&mut self, kind: Kind) -> Result<(), (ParseErrorKind, usize)> {
        let Some(frame) = self.open.last() else { return Err((ParseErrorKind::LoneCloser, self.at)) };
        if frame.kind != kind {
            let wrapper = frame.kind.is_wrapper();
            let at = if wrapper { frame.at + 1 } else { self.at };
            return Err((
                if wrapper { ParseErrorKind::PrefixWithoutObject } else { ParseErrorKind::WrongCloser },
                at,
            ));
        }
        self.writer.close(kind, frame.from);
        self.open.pop();
        self.wrapping = self.open.last().is_some_and(|frame| frame.kind.is_wrapper());
        self.at += 1;
        self.wrap();
        Ok(())
    }

    /// After an object: ends the wrappers that waited for it.
    #[inline]
    fn wrap(&mut self) {
        while self.wrapping {
            if let Some(frame) = self.open.pop() {
                self.writer.close(frame.kind, frame.from);
            }
            self.wrapping = self.open.last().is_some_and(|frame| frame.kind.is_wrapper());
        }
    }

    #[inline]
    fn note_second(&mut self, at: usize) {
        if self.open.is_empty() && self.writer.pending() == 1 {
            self.second = at;
        }
    }

    /// From the first byte of an atom to behind its last.
    #[inline]
    fn atom(&mut self) -> Result<(&'a [u8], Key), (ParseErrorKind, usize)> {
        self.note_second(self.at);
        let rest = &self.text[self.at..];
        if let Some(chunk) = rest.first_chunk() {
            let len = before_atom_end(chunk);
            if len < CHUNK {
                self.at += len;
                return Ok((&rest[..len], Key::cut(chunk, len)));
            }
        }
        self.long_atom(rest)
    }

    #[inline(never)]
    fn long_atom(&mut self, rest: &'a [u8]) -> Result<(&'a [u8], Key), (ParseErrorKind, usize)> {
        let len = rest.iter().position(|byte| !class(*byte).is_atom()).unwrap_or(rest.len());
        if len > SYMBOL_BYTES_MAX {
            return Err((ParseErrorKind::SymbolTooLong, self.at));
        }
        self.at += len;
        Ok((&rest[..len], Key::of(&rest[..len])))
    }

    #[inline]
    fn symbol(&mut self, at: usize) -> Result<(), (ParseErrorKind, usize)> {
        let (name, key) = self.atom()?;
        self.name(name, key, at)
    }

    #[inline]
    fn name(&mut self, name: &[u8], key: Key, at: usize) -> Result<(), (ParseErrorKind, usize)> {
        self.writer.keyed_symbol(name, key).map_err(|error| match error {
            NotASymbol::TooLong => (ParseErrorKind::SymbolTooLong, at),
            NotASymbol::NotUtf8 => (ParseErrorKind::SymbolNotUtf8, at),
            // The other reasons are what atoms are not.
            NotASymbol::Number | NotASymbol::Empty | NotASymbol::Delimiter(_) => {
                (ParseErrorKind::MalformedNumber, at)
            }
        })?;
        self.wrap();
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<(), (ParseErrorKind, usize)> {
        let at = self.at;
        let (atom, key) = self.atom()?;
        let unit = match number::read(atom) {
            Number::Integer(value) => Unit::integer(value),
            Number::Real(value) => Unit::real(value),
            Number::Symbol => return self.name(atom, key, at),
            Number::Malformed => return Err((ParseErrorKind::MalformedNumber, at)),
            Number::OutOfRange => return Err((ParseErrorKind::NumberOutOfRange, at)),
        };
        self.writer.alone(unit);
        self.wrap();
        Ok(())
    }

    fn string(&mut self) -> Result<(), (ParseErrorKind, usize)> {
        let opening = self.at;
        self.note_second(opening);
        let mut rest = &self.text[opening + 1..];
        if let Some(chunk) = rest.first_chunk() {
            let len = before_quote(chunk);
            if len < CHUNK && chunk[len] == b'"' {
                self.writer.short_string(chunk, len);
                self.at += len + 2;
                self.wrap();
                return Ok(());
            }
        }
        let start = self.writer.begin_string();
        loop {
            let Some(at) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err((ParseErrorKind::UnclosedString, opening));
            };
            self.writer.extend_string(&rest[..at]);
            if rest[at] == b'"' {
                rest = &rest[at + 1..];
                break;
            }
            let Some(escaped) = rest.get(at + 1) else {
                return Err((ParseErrorKind::UnclosedString, opening));
            };
            self.writer.extend_string(&[*escaped]);
            rest = &rest[at + 2..];
        }
        self.at = self.text.len() - rest.len();
        self.writer.end_string(start);
        self.wrap();
        Ok(())
    }
}
