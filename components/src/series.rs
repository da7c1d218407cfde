//! Recorded numbers: what a measure was at every so manyth frame, in pieces of bounded length. Still frames are not
//! counted.
//!
//! Invariant: equal pieces have equal bytes, numbers that are none included. When a piece grows is behaviour and lives in
//! `diptych-systems`.

/// Values of one piece; the next one begins another.
pub const VALUES_MAX: usize = 256;
/// Pieces of one measure: a million values. Beyond that the oldest piece goes.
pub const PIECES_MAX: usize = 4096;
/// The stored name of the pieces' type, by which commands find them in a world that is not running.
pub const PIECE_NAME: &str = "series.piece";
/// Bytes before the values: the length of the name, `every`, `first`.
const HEAD_BYTES: usize = 2 + 8 + 8;

/// Values of one measure at frames that lie `every` apart.
///
/// # Examples
/// ```
/// use diptych_components::series::Piece;
///
/// let mut piece = Piece::new("energy", 60, 120);
/// piece.push(-0.5);
/// piece.push(-0.25);
/// assert_eq!(piece.iter().collect::<Vec<_>>(), [(120, -0.5), (180, -0.25)]);
/// assert_eq!(Piece::from_bytes(&piece.to_bytes()), Some(piece));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    name: String,
    every: u64,
    first: u64,
    /// As bits, so that what is no number equals itself.
    values: Vec<u64>,
}

impl Piece {
    /// A piece without values, whose first one will be of frame `first`.
    ///
    /// # Panics
    /// When the name is longer than 65,535 bytes, or `every` is 0.
    #[must_use]
    pub fn new(name: &str, every: u64, first: u64) -> Piece {
        assert!(u16::try_from(name.len()).is_ok(), "a measure's name has at most 65535 bytes");
        assert!(every > 0, "a measure is recorded every 1 or more frames");
        Piece { name: name.to_owned(), every, first, values: Vec::new() }
    }

    /// What was measured.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames between two values.
    #[must_use]
    pub fn every(&self) -> u64 {
        self.every
    }

    /// The frame of the first value.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The frame of the value that can be pushed next; `None` when the piece is full.
    #[must_use]
    pub fn open_for(&self) -> Option<u64> {
        let room = self.values.len() < VALUES_MAX;
        room.then(|| self.first.saturating_add(self.every.saturating_mul(self.values.len() as u64)))
    }

    /// Adds the next value.
    ///
    /// # Panics
    /// When the piece is full.
    pub fn push(&mut self, value: f64) {
        assert!(self.values.len() < VALUES_MAX, "a piece has at most {VALUES_MAX} values");
        // Which of its many forms a NaN has may depend on the machine.
        let value = if value.is_nan() { f64::NAN } else { value };
        self.values.push(value.to_bits());
    }

    /// Frames and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, f64)> + '_ {
        let frame = |at: u64| self.first.saturating_add(self.every.saturating_mul(at));
        (0..).zip(&self.values).map(move |(at, bits)| (frame(at), f64::from_bits(*bits)))
    }

    /// The length of the name as 16 bits, the name, `every`, `first` and the values as 64 bits each, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.name.len() + 8 * self.values.len());
        // It fits: `new` and `from_bytes` take no longer ones.
        bytes.extend((self.name.len() as u16).to_le_bytes());
        bytes.extend(self.name.as_bytes());
        for word in [self.every, self.first].iter().chain(&self.values) {
            bytes.extend(word.to_le_bytes());
        }
        bytes
    }

    /// The piece with these bytes; `None` when they are no piece's.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Piece> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let name = core::str::from_utf8(name).ok()?.to_owned();
        let (words, []) = rest.as_chunks::<8>() else { return None };
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let [every, first, values @ ..] = &words[..] else { return None };
        let fits = *every > 0 && values.len() <= VALUES_MAX;
        fits.then(|| Piece { name, every: *every, first: *first, values: values.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, VALUES_MAX};

    /// Claim: a piece comes back from its bytes, full, empty, and with values that are no numbers.
    #[test]
    fn pieces_come_back() {
        let mut piece = Piece::new("a", 7, u64::MAX - 3);
        assert_eq!(Piece::from_bytes(&piece.to_bytes()).as_ref(), Some(&piece));
        for _ in 0..VALUES_MAX {
            assert!(piece.open_for().is_some());
            piece.push(-f64::NAN);
        }
        assert_eq!((Piece::from_bytes(&piece.to_bytes()).as_ref(), piece.open_for()), (Some(&piece), None));
    }

    /// Claim: no bytes that are not a piece's are taken for one: shorter, longer, of no step, of a name that is no text.
    #[test]
    fn other_bytes_are_refused() {
        let mut piece = Piece::new("ants", 1, 0);
        piece.push(4.0);
        let bytes = piece.to_bytes();
        for length in (0..bytes.len()).filter(|length| (length + 2) % 8 != 0 || *length < 22) {
            assert_eq!(Piece::from_bytes(&bytes[..length]), None, "{length} bytes");
        }
        let changed = |at: usize, to: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = to;
            Piece::from_bytes(&bytes)
        };
        assert_eq!((changed(6, 0), changed(2, 0xff), changed(1, 0xff)), (None, None, None));
        assert_eq!(Piece::from_bytes(&[&bytes[..], &[0; 8 * VALUES_MAX]].concat()), None);
    }
}
