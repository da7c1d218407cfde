//! Objects as JSON; [`Json`](super::Json) shows the table.
//!
//! Invariant: encoder and decoder walk on stacks of their own, since each list is two levels of JSON; nothing
//! recurses. Left out: JSON that is no object of ours.

pub(super) mod decode;
pub(super) mod encode;
mod scan;

/// What is wrong with a JSON text, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("byte {byte}: {fault}")]
pub struct JsonError {
    /// What is wrong.
    pub fault: JsonFault,
    /// Bytes before it.
    pub byte: u32,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// This character was expected, not what is there.
    #[error("`{0}` was expected here")]
    Expected(char),
    /// `,` or the closing bracket was expected.
    #[error("`,` or `]` was expected here")]
    ExpectedNext,
    /// `null` was expected.
    #[error("`null` was expected here")]
    ExpectedNull,
    /// An integer of 64 bits was expected.
    #[error("an integer of 64 bits was expected here")]
    ExpectedInteger,
    /// A number from 0 to 255 was expected.
    #[error("a byte, 0 to 255, was expected here")]
    ExpectedRune,
    /// A number, `"nan"`, `"inf"` or `"-inf"` was expected.
    #[error("a finite number, or \"nan\", \"inf\" or \"-inf\", was expected here")]
    ExpectedReal,
    /// The member names no kind.
    #[error(
        "this is no kind of object; use int, real, sym, str, rune, paren, bracket, brace, some, err or none"
    )]
    UnknownTag,
    /// An object has a second member.
    #[error("an object has one member, which names its kind; here is another")]
    SecondTag,
    /// A string is not UTF-8, has a bare control character, a wrong escape, or does not end.
    #[error(
        "this is no JSON string: it does not end, is not UTF-8, or has a wrong escape or a bare control character"
    )]
    BadString,
    /// What `base64` says is not base64 with padding.
    #[error("this is not base64 (the standard alphabet, with padding)")]
    BadBase64,
    /// The symbol would not read back as itself.
    #[error("this is no symbol: {0}")]
    BadSymbol(super::NotASymbol),
    /// The lists are deeper than the limit.
    #[error("the lists are too deep here; the limit is `Limits::depth`")]
    TooDeep,
    /// Something follows the object.
    #[error("there is more behind the object")]
    Trailing,
}
