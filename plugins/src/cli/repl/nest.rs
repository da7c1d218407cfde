//! Whether a text that comes piece by piece is whole, without looking at any of it twice.
//!
//! Invariant: it agrees with the parser about lists, prefixes, strings and comments: *open* is what some ending would
//! make whole, *wrong* what none would. Left out: what atoms are; the parser judges them when the text is whole.

use diptych::runtime::slp::Limits;

/// What a text is, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Whole,
    Open,
    Wrong,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Atom,
    String,
    /// Behind a backslash of a string.
    Escape,
    Comment,
}

/// What stands for a prefix among the closers.
const PREFIX: u8 = b'\'';

/// What is open at the end of a text.
#[derive(Debug, Clone)]
pub(super) struct Nest {
    limits: Limits,
    /// The closers that are awaited, and [`PREFIX`] for each `'` or `@` that awaits its object.
    open: Vec<u8>,
    place: Place,
    bytes: usize,
    wrong: bool,
}

impl Nest {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, open: Vec::new(), place: Place::Between, bytes: 0, wrong: false }
    }

    /// The text goes on with these; what it is now. It stays wrong once it is.
    pub(super) fn feed(&mut self, text: &[u8]) -> Text {
        self.bytes = self.bytes.saturating_add(text.len());
        self.wrong |= self.bytes > self.limits.bytes as usize;
        for byte in text {
            if self.wrong {
                return Text::Wrong;
            }
            self.byte(*byte);
        }
        match (self.wrong, self.place) {
            (true, _) => Text::Wrong,
            (_, Place::String | Place::Escape) => Text::Open,
            _ if self.open.is_empty() => Text::Whole,
            _ => Text::Open,
        }
    }

    fn byte(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::String, b'\\') => Place::Escape,
            (Place::String, b'"') => {
                self.object();
                Place::Between
            }
            (Place::String | Place::Escape, _) => Place::String,
            (Place::Comment, b'\n') => Place::Between,
            (Place::Comment, _) => Place::Comment,
            (_, b' ' | b'\t'..=b'\r') => Place::Between,
            (_, b'"') => Place::String,
            (_, b';') => Place::Comment,
            (_, b'(') => self.begin(b')'),
            (_, b'[') => self.begin(b']'),
            (_, b'{') => self.begin(b'}'),
            (_, b')' | b']' | b'}') => {
                self.wrong |= self.open.pop() != Some(byte);
                self.object();
                Place::Between
            }
            // A prefix within an atom is a part of it.
            (Place::Atom, _) => Place::Atom,
            (Place::Between, b'\'' | b'@') => self.begin(PREFIX),
            (Place::Between, _) => {
                self.object();
                Place::Atom
            }
        };
    }

    fn begin(&mut self, closer: u8) -> Place {
        self.wrong |= self.open.len() >= self.limits.depth as usize;
        self.open.push(closer);
        Place::Between
    }

    /// Here is the object that prefixes have awaited.
    fn object(&mut self) {
        while self.open.pop_if(|open| *open == PREFIX).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Nest, Text};
    use diptych::runtime::slp::{self, Limits, ParseErrorKind};

    /// What the parser says: open is what has no end yet.
    fn parsed(text: &[u8], limits: &Limits) -> Text {
        let Err(error) = slp::parse(text, limits) else { return Text::Whole };
        match error.kind {
            ParseErrorKind::UnclosedParen
            | ParseErrorKind::UnclosedBracket
            | ParseErrorKind::UnclosedBrace
            | ParseErrorKind::UnclosedString => Text::Open,
            ParseErrorKind::PrefixWithoutObject => {
                let more = slp::parse([text, b"\na"].concat(), limits).map_err(|error| error.kind);
                let still = matches!(more, Err(ParseErrorKind::PrefixWithoutObject));
                if still { Text::Wrong } else { Text::Open }
            }
            _ => Text::Wrong,
        }
    }

    /// Claim: every short text is what the parser says it is, whether it comes at once or byte by byte.
    #[test]
    fn agrees_with_the_parser() {
        const BYTES: &[u8] = b"()[}'\"\\;a\n ";
        const LENGTH_MAX: u32 = 5;
        let limits = Limits { depth: 3, bytes: 1000 };
        for number in 0..BYTES.len().pow(LENGTH_MAX) {
            let digit = |place| BYTES[number / BYTES.len().pow(place) % BYTES.len()];
            let text: Vec<u8> = (0..LENGTH_MAX).map(digit).collect();
            let expected = parsed(&text, &limits);
            let shown = text.escape_ascii();
            assert_eq!(Nest::new(limits).feed(&text), expected, "{shown}");
            let mut nest = Nest::new(limits);
            let last = text.iter().map(|byte| nest.feed(&[*byte])).last();
            assert_eq!(last, Some(expected), "{shown}, byte by byte");
        }
    }

    /// Claim: a text beyond the limit of bytes is wrong, before more of it is kept.
    #[test]
    fn long_texts_are_wrong() {
        let mut nest = Nest::new(Limits { depth: 3, bytes: 10 });
        assert_eq!(
            (nest.feed(b"(12345678\n"), nest.feed(b")"), nest.feed(b"")),
            (Text::Open, Text::Wrong, Text::Wrong)
        );
    }
}
