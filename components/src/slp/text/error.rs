//! Why a text does not parse, and where.
//!
//! Invariant: every error names a byte of the text, with its line and column. Left out: what to show around it.

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// At the `(` of the innermost list that does not end.
    #[error("this `(` has no `)`")]
    UnclosedParen,
    /// At the `[` of the innermost list that does not end.
    #[error("this `[` has no `]`")]
    UnclosedBracket,
    /// At the `{` of the innermost list that does not end.
    #[error("this `{{` has no `}}`")]
    UnclosedBrace,
    /// At the opening quote; a backslash at the very end leaves its string open too.
    #[error("this string has no closing `\"`")]
    UnclosedString,
    /// At a closer that does not match what is open.
    #[error("this closes another kind of list than the one that is open")]
    WrongCloser,
    /// At a closer while nothing is open.
    #[error("this closes a list, and none is open")]
    LoneCloser,
    /// Behind a `'` or `@`, where its object is missing.
    #[error("a `'` or `@` needs an object behind it")]
    PrefixWithoutObject,
    /// An atom that looks like a number and lacks digits.
    #[error("this is no number: digits are missing")]
    MalformedNumber,
    /// An integer beyond 64 bits, or a real that is infinite, or 0 though it is not written so.
    #[error("this number is out of range: integers have 64 bits, reals are doubles")]
    NumberOutOfRange,
    /// At the opener that is one too many.
    #[error("the lists are too deep here; the limit is `Limits::depth`")]
    TooDeep,
    /// An atom beyond [`SYMBOL_BYTES_MAX`](crate::slp::SYMBOL_BYTES_MAX).
    #[error("this atom has more than {} bytes; use a string", crate::slp::SYMBOL_BYTES_MAX)]
    SymbolTooLong,
    /// A symbol that is not UTF-8.
    #[error("this symbol is not UTF-8; use a string for other bytes")]
    SymbolNotUtf8,
    /// The text is longer than [`Limits::bytes`](crate::slp::Limits); at the first byte beyond it.
    #[error("the text is too long; the limit is `Limits::bytes`")]
    TooLarge,
    /// The text holds no object where one was asked for.
    #[error("there is no object in this text")]
    Nothing,
    /// The text goes on where one object was asked for.
    #[error("there is more than one object in this text")]
    MoreThanOne,
}

impl ParseErrorKind {
    /// Its name for machines, in lower case with underscores; it does not change.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnclosedParen => "unclosed_paren",
            Self::UnclosedBracket => "unclosed_bracket",
            Self::UnclosedBrace => "unclosed_brace",
            Self::UnclosedString => "unclosed_string",
            Self::WrongCloser => "wrong_closer",
            Self::LoneCloser => "lone_closer",
            Self::PrefixWithoutObject => "prefix_without_object",
            Self::MalformedNumber => "malformed_number",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::TooDeep => "too_deep",
            Self::SymbolTooLong => "symbol_too_long",
            Self::SymbolNotUtf8 => "symbol_not_utf8",
            Self::TooLarge => "too_large",
            Self::Nothing => "nothing",
            Self::MoreThanOne => "more_than_one",
        }
    }
}

/// A text does not parse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Where: bytes before it.
    pub byte: u32,
    /// Its line, from 1; lines end with `\n`.
    pub line: u32,
    /// Its column, from 1, in bytes.
    pub column: u32,
}

impl ParseError {
    #[cold]
    pub(super) fn new(kind: ParseErrorKind, text: &[u8], byte: usize) -> Self {
        let before = &text[..byte];
        let line = memchr::memchr_iter(b'\n', before).count();
        let column = byte - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        Self { kind, byte: byte as u32, line: line as u32 + 1, column: column as u32 + 1 }
    }
}
