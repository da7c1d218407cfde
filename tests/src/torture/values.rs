//! The types of a torture world, and how both sides (engine and model) write a value down to compare it.
//!
//! Invariant: a [`Val`] has no trace of the engine: words or text. What a program does is in `rules`.

use diptych_engine::prelude::*;

macro_rules! pods {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)+) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
        #[repr(C)]
        pub(crate) struct $name(pub(crate) $inner);)+
    };
}

pods! {
    /// On most entities; its marks are folded into `Echo`.
    Gold(u64);
    /// Strict.
    Pair([u64; 2]);
    /// Transient.
    Flash(u64);
    /// Without an owner: structure and inputs write it.
    Tag(u64);
    /// The same.
    Mood(u64);
    /// Derived from `Gold` of the frame: a sum, and how many were set.
    Sum([u64; 2]);
    /// Owned by a system that runs in still frames too.
    Ask(u64);
    /// What changed, came and went, and what was fresh.
    Echo([u64; 4]);
    /// Whom, and the gold that was seen there.
    Follow([u64; 2]);
    /// A hash of the family.
    Kin(u64);
    /// A hash of the mail.
    Purse(u64);
    /// A message.
    Note(u64);
    /// An input: what, and its operands.
    Order([u64; 4]);
}

/// State that is not plain old data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text(pub(crate) String);

/// Text behind a mark, so that nothing has no bytes.
pub(crate) struct TextCodec;

impl Codec<Text> for TextCodec {
    fn encode(text: &Text, out: &mut Vec<u8>) {
        out.push(b'=');
        out.extend_from_slice(text.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Text, CodecError> {
        let Some((b'=', text)) = bytes.split_first() else {
            return Err(CodecError::new("a text begins with ="));
        };
        String::from_utf8(text.to_vec()).map(Text).map_err(CodecError::new)
    }

    fn blank() -> Option<Text> {
        Some(Text(String::new()))
    }
}

/// A type as both sides name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ty {
    Gold,
    Pair,
    Text,
    Flash,
    Tag,
    Mood,
    Sum,
    Ask,
    Echo,
    Follow,
    Kin,
    Purse,
    /// The parent's `Id`.
    Parent,
    /// The children's `Id`s in order.
    Children,
    /// A control, as text.
    Control,
}

impl Ty {
    /// The name that it is registered by.
    pub(crate) fn stored(self) -> String {
        let name = format!("{self:?}").to_lowercase();
        let own = matches!(self, Self::Parent | Self::Children | Self::Control);
        format!("{}.{name}", if own { "diptych" } else { "t" })
    }
}

/// A value as both sides write it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Val {
    Words(Vec<u64>),
    Text(String),
}

impl Val {
    pub(crate) fn one(word: u64) -> Self {
        Self::Words(vec![word])
    }

    /// The first word; 0 of a text.
    pub(crate) fn word(&self) -> u64 {
        match self {
            Self::Words(words) => words.first().copied().unwrap_or(0),
            Self::Text(_) => 0,
        }
    }

    /// The bytes that are stored of it.
    pub(crate) fn stored(&self) -> Vec<u8> {
        match self {
            Self::Words(words) => words.iter().flat_map(|word| word.to_le_bytes()).collect(),
            Self::Text(text) => format!("={text}").into_bytes(),
        }
    }

    /// The word at a place; 0 where there is none.
    pub(crate) fn at(&self, place: usize) -> u64 {
        match self {
            Self::Words(words) => words.get(place).copied().unwrap_or(0),
            Self::Text(_) => 0,
        }
    }
}

/// The text that stands for a number; of many lengths.
pub(crate) fn text_of(number: u64) -> String {
    format!("{}{number:x}", "-".repeat((number % 23) as usize))
}

/// The value that a number stands for.
pub(crate) fn value_of(ty: Ty, number: u64) -> Val {
    match ty {
        Ty::Text => Val::Text(text_of(number)),
        Ty::Pair => Val::Words(vec![number, number ^ 1]),
        Ty::Sum => Val::Words(vec![number, 0]),
        Ty::Follow => Val::Words(vec![number, 0]),
        Ty::Echo => Val::Words(vec![number, 0, 0, 0]),
        _ => Val::one(number),
    }
}

/// The value that stands where none was given.
pub(crate) fn blank_of(ty: Ty) -> Val {
    match value_of(ty, 0) {
        Val::Words(words) => Val::Words(vec![0; words.len()]),
        Val::Text(_) => Val::Text(String::new()),
    }
}

/// Mixes two numbers into one.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.rotate_left(23) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Dice of a seed; everything random of a trial comes from one of them.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice of their own for every purpose, so that one more throw here does not change everything there.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let start = purpose.bytes().fold(mix(seed, 0x70_72_74), |hash, byte| mix(hash, u64::from(byte)));
        Self(start)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0, 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound.max(1)
    }

    pub(crate) fn one_in(&mut self, odds: u64) -> bool {
        self.below(odds) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len() as u64) as usize]
    }
}
