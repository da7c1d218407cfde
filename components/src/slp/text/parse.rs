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
use std::cell::Cell;

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
    let text = text.as_ref();
    with_parser(text, |parser| {
        parser.run::<false>(text, limits)?;
        parser.writer.close(Kind::Bracket, 0);
        Ok(Forms(parser.writer.take()))
    })
}

/// Reads exactly one form.
///
/// # Errors
/// As [`parse`]; also when there is none, or another behind it.
pub fn parse_one(text: impl AsRef<[u8]>, limits: &Limits) -> Result<Object, ParseError> {
    let text = text.as_ref();
    with_parser(text, |parser| {
        parser.run::<true>(text, limits)?;
        match parser.writer.pending() {
            0 => Err(ParseError::new(ParseErrorKind::Nothing, text, 0)),
            1 => Ok(parser.writer.take()),
            _ => Err(ParseError::new(ParseErrorKind::MoreThanOne, text, parser.second)),
        }
    })
}

/// Bytes of a text up to which each thread keeps the memory of its last parse for the next.
const KEPT_TEXT_MAX: usize = 4096;

thread_local! {
    /// Commands are small and are parsed at each request: then most of the time would go to the allocator. Each
    /// parse begins by emptying it, so nothing of one text is ever seen by another.
    static KEPT: Cell<Option<Box<Parser>>> = const { Cell::new(None) };
}

#[inline]
fn with_parser<T>(text: &[u8], run: impl FnOnce(&mut Parser) -> T) -> T {
    if text.len() > KEPT_TEXT_MAX {
        return run(&mut Parser::default());
    }
    // A thread that is ending keeps none.
    let mut parser = KEPT.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = run(&mut parser);
    KEPT.try_with(|kept| kept.set(Some(parser))).unwrap_or_default();
    result
}

/// A list or wrapper that has not ended.
struct Frame {
    kind: Kind,
    /// The number of its first child among the pending objects.
    from: u32,
    /// Where it begins in the text.
    at: u32,
}

/// What is wrong, and at which byte.
type Fault = (ParseErrorKind, usize);

/// `ONE`: whether the text is to be one form, so that it matters where the second begins.
#[derive(Default)]
struct Parser {
    /// The end of the text with spaces behind it, so that there are always [`CHUNK`] bytes to look at.
    tail: [u8; 2 * CHUNK],
    /// Where the tail begins in the text.
    tail_at: usize,
    depth: usize,
    open: Vec<Frame>,
    /// Whether the innermost frame is a wrapper, which ends with the next object.
    wrapping: bool,
    /// Where the second form begins, if there is one.
    second: usize,
    writer: Writer,
}

impl Parser {
    /// Leaves the forms pending in the writer.
    #[inline(never)]
    fn run<const ONE: bool>(&mut self, text: &[u8], limits: &Limits) -> Result<(), ParseError> {
        let most = (limits.bytes as usize).min(BUFFER_BYTES_MAX);
        if text.len() > most {
            return Err(ParseError::new(ParseErrorKind::TooLarge, text, most));
        }
        self.tail_at = text.len().saturating_sub(CHUNK);
        self.tail = [b' '; 2 * CHUNK];
        self.tail[..text.len() - self.tail_at].copy_from_slice(&text[self.tail_at..]);
        self.depth = limits.depth as usize;
        self.open.clear();
        self.wrapping = false;
        // Commands have an object to eight bytes; more than that grows.
        self.writer.begin(text.len() / 8 + 2, text.len() / 4 + CHUNK);
        self.forms::<ONE>(text).map_err(|(kind, at)| ParseError::new(kind, text, at))
    }

    #[inline(always)]
    fn forms<const ONE: bool>(&mut self, text: &[u8]) -> Result<(), Fault> {
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            at = match class(byte) {
                Class::Space => at + 1,
                Class::Atom => self.symbol::<ONE>(text, at)?,
                Class::Numeric => self.number::<ONE>(text, at)?,
                Class::Quote => self.string::<ONE>(text, at)?,
                Class::Open => match byte {
                    b'(' => self.begin::<ONE>(Kind::Paren, at)?,
                    b'[' => self.begin::<ONE>(Kind::Bracket, at)?,
                    _ => self.begin::<ONE>(Kind::Brace, at)?,
                },
                Class::Close => match byte {
                    b')' => self.end(Kind::Paren, at)?,
                    b']' => self.end(Kind::Bracket, at)?,
                    _ => self.end(Kind::Brace, at)?,
                },
                Class::Prefix => {
                    let behind =
                        self.begin::<ONE>(if byte == b'@' { Kind::Error } else { Kind::Some }, at)?;
                    self.wrapping = true;
                    behind
                }
                Class::Comment => memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |len| at + len),
            };
        }
        let Some(frame) = self.open.last() else { return Ok(()) };
        let at = frame.at as usize;
        Err(match frame.kind {
            Kind::Paren => (ParseErrorKind::UnclosedParen, at),
            Kind::Bracket => (ParseErrorKind::UnclosedBracket, at),
            Kind::Brace => (ParseErrorKind::UnclosedBrace, at),
            _ => (ParseErrorKind::PrefixWithoutObject, at + 1),
        })
    }

    /// The next bytes, with spaces behind the last one.
    #[inline(always)]
    fn chunk<'a>(&'a self, text: &'a [u8], at: usize) -> &'a [u8; CHUNK] {
        match text[at..].first_chunk() {
            Some(chunk) => chunk,
            None => self.last_chunk(at),
        }
    }

    #[cold]
    fn last_chunk(&self, at: usize) -> &[u8; CHUNK] {
        self.tail[at - self.tail_at..].first_chunk().expect("the tail is as long as two chunks")
    }

    #[inline]
    fn begin<const ONE: bool>(&mut self, kind: Kind, at: usize) -> Result<usize, Fault> {
        if self.open.len() >= self.depth {
            return Err((ParseErrorKind::TooDeep, at));
        }
        self.note_second::<ONE>(at);
        self.open.push(Frame { kind, from: self.writer.pending() as u32, at: at as u32 });
        self.wrapping = false;
        Ok(at + 1)
    }

    #[inline]
    fn end(&mut self, kind: Kind, at: usize) -> Result<usize, Fault> {
        let Some(frame) = self.open.pop_if(|frame| frame.kind == kind) else {
            return Err(self.misplaced(at));
        };
        self.writer.close(kind, frame.from as usize);
        self.wrapping = self.open.last().is_some_and(|frame| frame.kind.is_wrapper());
        self.wrap();
        Ok(at + 1)
    }

    /// Why a closer does not belong where it is.
    #[cold]
    fn misplaced(&self, at: usize) -> Fault {
        match self.open.last() {
            None => (ParseErrorKind::LoneCloser, at),
            Some(frame) if frame.kind.is_wrapper() => {
                (ParseErrorKind::PrefixWithoutObject, frame.at as usize + 1)
            }
            Some(_) => (ParseErrorKind::WrongCloser, at),
        }
    }

    /// After an object: ends the wrappers that waited for it.
    #[inline(always)]
    fn wrap(&mut self) {
        if self.wrapping {
            self.close_wrappers();
        }
    }

    #[inline(never)]
    fn close_wrappers(&mut self) {
        while let Some(frame) = self.open.pop_if(|frame| frame.kind.is_wrapper()) {
            self.writer.close(frame.kind, frame.from as usize);
        }
        self.wrapping = false;
    }

    #[inline(always)]
    fn note_second<const ONE: bool>(&mut self, at: usize) {
        if ONE && self.open.is_empty() && self.writer.pending() == 1 {
            self.second = at;
        }
    }

    /// An atom with its key, and where the text goes on: behind it, and behind a space.
    #[inline(always)]
    fn atom<'a, const ONE: bool>(
        &mut self,
        text: &'a [u8],
        at: usize,
    ) -> Result<(&'a [u8], Key, usize), Fault> {
        self.note_second::<ONE>(at);
        let chunk = self.chunk(text, at);
        let (len, space) = before_atom_end(chunk);
        if len < CHUNK {
            let behind = at + len + space;
            return Ok((&text[at..at + len], Key::cut(chunk, len), behind));
        }
        let name = long_atom(&text[at..]).ok_or((ParseErrorKind::SymbolTooLong, at))?;
        Ok((name, Key::of(name), at + name.len()))
    }

    #[inline]
    fn symbol<const ONE: bool>(&mut self, text: &[u8], at: usize) -> Result<usize, Fault> {
        let (name, key, behind) = self.atom::<ONE>(text, at)?;
        self.name(name, key, at)?;
        Ok(behind)
    }

    #[inline(always)]
    fn name(&mut self, name: &[u8], key: Key, at: usize) -> Result<(), Fault> {
        if let Err(error) = self.writer.atom(name, key) {
            return Err(not_a_symbol(error, at));
        }
        self.wrap();
        Ok(())
    }

    #[inline]
    fn number<const ONE: bool>(&mut self, text: &[u8], at: usize) -> Result<usize, Fault> {
        let (atom, key, behind) = self.atom::<ONE>(text, at)?;
        let unit = match number::read_keyed(atom, key) {
            Number::Integer(value) => Unit::integer(value),
            Number::Real(value) => Unit::real(value),
            Number::Symbol => {
                self.name(atom, key, at)?;
                return Ok(behind);
            }
            Number::Malformed => return Err((ParseErrorKind::MalformedNumber, at)),
            Number::OutOfRange => return Err((ParseErrorKind::NumberOutOfRange, at)),
        };
        self.writer.alone(unit);
        self.wrap();
        Ok(behind)
    }

    #[inline]
    fn string<const ONE: bool>(&mut self, text: &[u8], at: usize) -> Result<usize, Fault> {
        self.note_second::<ONE>(at);
        let chunk = *self.chunk(text, at + 1);
        let len = before_quote(&chunk);
        if len < CHUNK && chunk[len] == b'"' {
            self.writer.short_string(&chunk, len);
            self.wrap();
            return Ok(at + len + 2);
        }
        let behind = self.long_string(&text[at + 1..]).ok_or((ParseErrorKind::UnclosedString, at))?;
        self.wrap();
        Ok(text.len() - behind.len())
    }

    /// What follows the closing quote, if there is one.
    #[inline(never)]
    fn long_string<'a>(&mut self, mut rest: &'a [u8]) -> Option<&'a [u8]> {
        let start = self.writer.begin_string();
        loop {
            let len = memchr::memchr2(b'"', b'\\', rest)?;
            self.writer.extend_string(&rest[..len]);
            if rest[len] == b'"' {
                self.writer.end_string(start);
                return Some(&rest[len + 1..]);
            }
            self.writer.extend_string(&[*rest.get(len + 1)?]);
            rest = &rest[len + 2..];
        }
    }
}

/// An atom of any length, if that is allowed.
#[inline(never)]
fn long_atom(rest: &[u8]) -> Option<&[u8]> {
    let mut len = 0;
    while let Some(chunk) = rest[len..].first_chunk() {
        let (more, _) = before_atom_end(chunk);
        len += more;
        if more < CHUNK {
            return (len <= SYMBOL_BYTES_MAX).then(|| &rest[..len]);
        }
    }
    len += rest[len..].iter().position(|byte| !class(*byte).is_atom()).unwrap_or(rest.len() - len);
    (len <= SYMBOL_BYTES_MAX).then(|| &rest[..len])
}

#[cold]
fn not_a_symbol(error: NotASymbol, at: usize) -> Fault {
    let kind = match error {
        NotASymbol::TooLong => ParseErrorKind::SymbolTooLong,
        NotASymbol::NotUtf8 => ParseErrorKind::SymbolNotUtf8,
        // The other reasons are what atoms are not.
        NotASymbol::Number | NotASymbol::Empty | NotASymbol::Delimiter(_) => ParseErrorKind::MalformedNumber,
    };
    (kind, at)
}
