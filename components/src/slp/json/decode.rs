//! JSON to objects.
//!
//! Invariant: exactly the JSON of one object is accepted, whitespace aside, whatever the order of calls that made
//! it; every error has its byte.

use super::scan::{Scan, Scanned};
use super::{JsonError, JsonFault};
use crate::slp::object::Object;
use crate::slp::unit::{Kind, Unit};
use crate::slp::writer::Writer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

struct Decoder<'a> {
    scan: Scan<'a>,
    writer: Writer,
    /// Lists and wrappers that have not ended, with the number of their first child.
    open: Vec<(Kind, usize)>,
    depth_max: u32,
    /// The last member that was read, and the last string.
    tag: Vec<u8>,
    text: Vec<u8>,
}

/// Reads one object with at most `depth_max` lists in each other.
pub(in crate::slp) fn decode(bytes: &[u8], depth_max: u32) -> Result<Object, JsonError> {
    let writer = Writer::with_capacity(bytes.len() / 24, bytes.len() / 8);
    let mut decoder = Decoder {
        scan: Scan::new(bytes),
        writer,
        open: Vec::new(),
        depth_max,
        tag: Vec::new(),
        text: Vec::new(),
    };
    loop {
        let whole = decoder.begin()?;
        if whole && decoder.end()? {
            break;
        }
    }
    if decoder.scan.peek().is_some() {
        return Scan::fail(decoder.scan.place(), JsonFault::Trailing);
    }
    Ok(decoder.writer.finish())
}

impl Decoder<'_> {
    /// The beginning of an object up to what is inside it; whether that was all of it.
    fn begin(&mut self) -> Scanned<bool> {
        self.scan.expect(b'{')?;
        self.scan.peek();
        let at = self.scan.place();
        let mut tag = std::mem::take(&mut self.tag);
        self.scan.string(&mut tag)?;
        self.scan.expect(b':')?;
        let whole = match tag.as_slice() {
            b"int" => self.integer().map(|()| true),
            b"real" => self.real().map(|()| true),
            b"sym" => self.symbol().map(|()| true),
            b"str" => self.string().map(|()| true),
            b"rune" => self.rune().map(|()| true),
            b"none" => {
                self.writer.alone(Unit::new(Kind::None, 0, 0));
                self.scan.null().map(|()| true)
            }
            b"paren" => self.list(Kind::Paren, at),
            b"bracket" => self.list(Kind::Bracket, at),
            b"brace" => self.list(Kind::Brace, at),
            b"some" => self.open(Kind::Some, at).map(|()| false),
            b"err" => self.open(Kind::Error, at).map(|()| false),
            _ => Scan::fail(at, JsonFault::UnknownTag),
        }?;
        self.tag = tag;
        if whole {
            self.close()?;
        }
        Ok(whole)
    }

    /// After an object: what ends with it; whether that was the outermost.
    fn end(&mut self) -> Scanned<bool> {
        while let Some((kind, from)) = self.open.last().copied() {
            if kind.is_list() {
                match self.scan.peek() {
                    Some(b',') => {
                        self.scan.skip();
                        return Ok(false);
                    }
                    Some(b']') => self.scan.skip(),
                    _ => return Scan::fail(self.scan.place(), JsonFault::ExpectedNext),
                }
            }
            self.open.pop();
            self.writer.close(kind, from);
            self.close()?;
        }
        Ok(true)
    }

    /// The brace that ends an object.
    fn close(&mut self) -> Scanned<()> {
        if self.scan.peek() == Some(b',') {
            return Scan::fail(self.scan.place(), JsonFault::SecondTag);
        }
        self.scan.expect(b'}')
    }

    fn open(&mut self, kind: Kind, at: usize) -> Scanned<()> {
        if self.open.len() >= self.depth_max as usize {
            return Scan::fail(at, JsonFault::TooDeep);
        }
        self.open.push((kind, self.writer.pending()));
        Ok(())
    }

    /// Whether the list is empty, and so has been read.
    fn list(&mut self, kind: Kind, at: usize) -> Scanned<bool> {
        self.open(kind, at)?;
        self.scan.expect(b'[')?;
        if self.scan.peek() != Some(b']') {
            return Ok(false);
        }
        self.scan.skip();
        self.open.pop();
        self.writer.close(kind, self.writer.pending());
        Ok(true)
    }

    fn integer(&mut self) -> Scanned<()> {
        self.scan.peek();
        let at = self.scan.place();
        let number = self.scan.number(JsonFault::ExpectedInteger)?;
        let Ok(value) = number.parse() else { return Scan::fail(at, JsonFault::ExpectedInteger) };
        self.writer.alone(Unit::integer(value));
        Ok(())
    }

    fn rune(&mut self) -> Scanned<()> {
        self.scan.peek();
        let at = self.scan.place();
        let number = self.scan.number(JsonFault::ExpectedRune)?;
        let Ok(byte) = number.parse::<u8>() else { return Scan::fail(at, JsonFault::ExpectedRune) };
        self.writer.alone(Unit::new(Kind::Rune, 0, u64::from(byte)));
        Ok(())
    }

    fn real(&mut self) -> Scanned<()> {
        let quoted = self.scan.peek() == Some(b'"');
        let at = self.scan.place();
        let value = if quoted {
            self.scan.string(&mut self.text)?;
            match self.text.as_slice() {
                b"nan" => Some(f64::NAN),
                b"inf" => Some(f64::INFINITY),
                b"-inf" => Some(f64::NEG_INFINITY),
                _ => None,
            }
        } else {
            let number = self.scan.number(JsonFault::ExpectedReal)?;
            let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
            let is_zero = mantissa.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
            number.parse().ok().filter(|value: &f64| value.is_finite() && (*value != 0.0 || is_zero))
        };
        let Some(value) = value else { return Scan::fail(at, JsonFault::ExpectedReal) };
        self.writer.alone(Unit::real(value));
        Ok(())
    }

    fn symbol(&mut self) -> Scanned<()> {
        self.scan.peek();
        let at = self.scan.place();
        self.scan.string(&mut self.text)?;
        self.writer.symbol(&self.text).or_else(|error| Scan::fail(at, JsonFault::BadSymbol(error)))
    }

    fn string(&mut self) -> Scanned<()> {
        if self.scan.peek() == Some(b'"') {
            self.scan.string(&mut self.text)?;
            self.writer.string(&self.text);
            return Ok(());
        }
        self.scan.expect(b'{')?;
        self.scan.peek();
        let at = self.scan.place();
        self.scan.string(&mut self.text)?;
        if self.text != b"base64" {
            return Scan::fail(at, JsonFault::UnknownTag);
        }
        self.scan.expect(b':')?;
        self.scan.peek();
        let at = self.scan.place();
        self.scan.string(&mut self.text)?;
        let Ok(bytes) = STANDARD.decode(&self.text) else { return Scan::fail(at, JsonFault::BadBase64) };
        self.writer.string(&bytes);
        self.close()
    }
}
