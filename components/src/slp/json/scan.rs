//! The tokens of JSON.
//!
//! Invariant: every token is checked to be JSON by RFC 8259 before it is used.

use super::{JsonError, JsonFault};

/// A place in a JSON text.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

/// Anything, or what is wrong where.
pub(super) type Scanned<T> = Result<T, JsonError>;

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Where it is.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// An error at a place.
    #[cold]
    pub(super) fn fail<T>(at: usize, fault: JsonFault) -> Scanned<T> {
        Err(JsonError { fault, byte: at as u32 })
    }

    /// The next byte that is no whitespace, if there is one.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Goes on behind the byte that was peeked.
    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// This byte, behind whitespace.
    pub(super) fn expect(&mut self, byte: u8) -> Scanned<()> {
        if self.peek() != Some(byte) {
            return Self::fail(self.at, JsonFault::Expected(char::from(byte)));
        }
        self.at += 1;
        Ok(())
    }

    /// `null`.
    pub(super) fn null(&mut self) -> Scanned<()> {
        self.peek();
        if !self.text[self.at..].starts_with(b"null") {
            return Self::fail(self.at, JsonFault::ExpectedNull);
        }
        self.at += 4;
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn take(&mut self, any_of: &[u8]) -> bool {
        let taken = self.text.get(self.at).is_some_and(|byte| any_of.contains(byte));
        self.at += usize::from(taken);
        taken
    }

    /// A number, as its text.
    pub(super) fn number(&mut self, otherwise: JsonFault) -> Scanned<&'a str> {
        self.peek();
        let start = self.at;
        self.take(b"-");
        let whole = self.at;
        let count = self.digits();
        let mut right = count == 1 || (count > 1 && self.text[whole] != b'0');
        if self.take(b".") {
            right &= self.digits() > 0;
        }
        if self.take(b"eE") {
            self.take(b"+-");
            right &= self.digits() > 0;
        }
        match str::from_utf8(&self.text[start..self.at]) {
            Ok(number) if right => Ok(number),
            _ => Self::fail(start, otherwise),
        }
    }

    /// A string, unescaped; `out` is emptied first.
    pub(super) fn string(&mut self, out: &mut Vec<u8>) -> Scanned<()> {
        out.clear();
        self.expect(b'"')?;
        let opening = self.at - 1;
        loop {
            let rest = &self.text[self.at..];
            let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            let Some(len) = len else { return Self::fail(opening, JsonFault::BadString) };
            if str::from_utf8(&rest[..len]).is_err() {
                return Self::fail(self.at, JsonFault::BadString);
            }
            out.extend_from_slice(&rest[..len]);
            self.at += len;
            match rest[len] {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape(out)?,
                _ => return Self::fail(self.at, JsonFault::BadString),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Scanned<()> {
        let start = self.at;
        let bad = || Self::fail(start, JsonFault::BadString);
        self.at += 2;
        let byte = match self.text.get(start + 1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let Some(mut code) = self.four_digits() else { return bad() };
                // Beyond 16 bits a character is two escapes, high and low.
                if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with(b"\\u") {
                    self.at += 2;
                    match self.four_digits() {
                        Some(low @ 0xdc00..0xe000) => {
                            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00)
                        }
                        _ => return bad(),
                    }
                }
                let Some(character) = char::from_u32(code) else { return bad() };
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return bad(),
        };
        out.push(byte);
        Ok(())
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |code, byte| Some(code << 4 | char::from(*byte).to_digit(16)?))
    }
}
