//! Patterns in run-length encoding, as LifeWiki publishes them.
//!
//! Invariant: every run of a [`Pattern`] lies inside its width and height, and runs are in reading order. The
//! parser is total: any bytes give a pattern or an error with line and column, both counted from 1. Cells of
//! more than two states, and Golly's bounded grids, are left out.

use core::fmt;

use super::rule::{Rule, RuleError};

mod reader;

/// The longest side of a pattern, in cells: no grid is larger.
pub const PATTERN_SIDE_MAX: u32 = super::grid::GRID_SIDE_MAX;
/// The longest RLE file that is read, in bytes.
pub const PATTERN_BYTES_MAX: usize = 64 << 20;

/// A pattern: its size, its rule, and its live cells as runs.
///
/// # Examples
/// ```
/// use diptych_components::life::{Pattern, Rule};
/// let glider = Pattern::parse("glider.rle", b"#N Glider\nx = 3, y = 3\nbob$2bo$3o!").unwrap();
/// assert_eq!((glider.width(), glider.height(), glider.population()), (3, 3, 5));
/// assert_eq!(glider.rule(), Rule::CONWAY);
/// let error = Pattern::parse("glider.rle", b"x = 3, y = 3\nbob$2bq!").unwrap_err();
/// assert!(error.to_string().starts_with("glider.rle: line 2, column 7: "));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    width: u32,
    height: u32,
    rule: Rule,
    runs: Vec<Run>,
}

/// Live cells side by side in one row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// Column of the first cell, counted from the pattern's left edge.
    pub x: u32,
    /// Row, counted from the pattern's top.
    pub y: u32,
    /// How many cells, at least 1.
    pub length: u32,
}

/// Where an RLE file is wrong, and how.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{file}: line {line}, column {column}: {fault}")]
pub struct PatternError {
    /// The file, as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    /// What is wrong there.
    pub fault: PatternFault,
}

/// What is wrong with an RLE file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatternFault {
    /// The file is longer than [`PATTERN_BYTES_MAX`].
    #[error("the file has {0} bytes; at most {max} are read", max = PATTERN_BYTES_MAX)]
    TooLong(usize),
    /// There is no header line where one must be.
    #[error("here the header is expected, such as 'x = 3, y = 3, rule = B3/S23'")]
    Header,
    /// The header's size is no number, or too large.
    #[error("the header's {0} must be a number from 0 to {max}", max = PATTERN_SIDE_MAX)]
    Size(&'static str),
    /// The header's or the `#r` line's rule is none.
    #[error(transparent)]
    Rule(RuleError),
    /// A character that no item starts with.
    #[error(
        "unknown character {0}: a pattern is written with b (dead), o (live), $ (end of row), counts and !"
    )]
    Character(Shown),
    /// A count of 0 or one that no b, o or $ follows.
    #[error("the count {0} must be at least 1 and be followed by b, o or $")]
    Count(u64),
    /// A row is longer than the header says.
    #[error("row {row} has at least {cells} cells, but the header says x = {width}")]
    RowTooLong {
        /// Which row, from 1.
        row: u32,
        /// Its cells up to here.
        cells: u64,
        /// The header's width.
        width: u32,
    },
    /// There are more rows than the header says.
    #[error("the pattern has more rows than the header's y = {height}")]
    TooManyRows {
        /// The header's height.
        height: u32,
    },
    /// The file ends without the pattern's end.
    #[error("the file ends without the ! that ends a pattern")]
    NoEnd,
}

/// A byte of a file in a form that is safe to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown(pub u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            byte @ 0x21..=0x7e => write!(f, "'{}'", char::from(byte)),
            byte => write!(f, "0x{byte:02x}"),
        }
    }
}

impl Pattern {
    /// Reads the bytes of an RLE file; `file` is its name in errors.
    ///
    /// # Errors
    /// If the bytes are no pattern: the error names file, line and column.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Pattern, PatternError> {
        reader::parse(bytes).map_err(|(line, column, fault)| PatternError {
            file: file.to_owned(),
            line,
            column,
            fault,
        })
    }

    /// Columns, in cells.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, in cells.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The rule that the file names, Conway's if it names none.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The live cells, in reading order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// How many cells live.
    #[must_use]
    pub fn population(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.length)).sum()
    }

    /// The pattern without its rule as bytes that are the same for every way of writing it down: width, height,
    /// then x, y and length of each run, as little-endian 32 bit numbers.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let runs = self.runs.iter().flat_map(|run| [run.x, run.y, run.length]);
        [self.width, self.height].into_iter().chain(runs).flat_map(u32::to_le_bytes).collect()
    }
}
