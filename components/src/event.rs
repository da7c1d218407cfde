//! Events: what a script or a system publishes and another one hears.
//!
//! Invariant: a channel has the same code and the same name wherever it is stored, sent or written in a script.
//! Left out: who may publish or listen, and when an event arrives.

use std::fmt;

/// What an event is of: requests to run a script, or one of six channels without a meaning of their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u8)]
pub enum Channel {
    /// Scripts to be run by the processor of the topic's number.
    Execution = 1,
    /// The first of six.
    A = 2,
    /// The second of six.
    B = 3,
    /// The third of six.
    C = 4,
    /// The fourth of six.
    D = 5,
    /// The fifth of six.
    E = 6,
    /// The last of six.
    F = 7,
}

impl Channel {
    /// Every channel, by code.
    pub const ALL: [Self; 7] = [Self::Execution, Self::A, Self::B, Self::C, Self::D, Self::E, Self::F];

    /// The channel that is stored as this code, 1 to 7.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        if code == 0 || code as usize > Self::ALL.len() { None } else { Some(Self::ALL[code as usize - 1]) }
    }

    /// How it is stored.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The channel of this name in scripts: `EXECUTION`, `A` to `F`.
    #[must_use]
    pub const fn from_symbol(name: &[u8]) -> Option<Self> {
        match name {
            b"EXECUTION" => Some(Self::Execution),
            b"A" => Some(Self::A),
            b"B" => Some(Self::B),
            b"C" => Some(Self::C),
            b"D" => Some(Self::D),
            b"E" => Some(Self::E),
            b"F" => Some(Self::F),
            _ => None,
        }
    }

    /// Its name in scripts.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Execution => "EXECUTION",
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
            Self::F => "F",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: code and name lead back to the channel, and nothing else leads anywhere.
    #[test]
    fn codes_and_names_lead_back() {
        for (n, channel) in Channel::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(channel.code()), n + 1);
            assert_eq!(Channel::from_code(channel.code()), Some(channel));
            assert_eq!(Channel::from_symbol(channel.symbol().as_bytes()), Some(channel));
        }
        assert_eq!([0, 8, 255].map(Channel::from_code), [None; 3]);
        assert_eq!([&b""[..], b"G", b"a", b"AA", b"$CHANNEL_A"].map(Channel::from_symbol), [None; 5]);
    }
}
