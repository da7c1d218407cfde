//! Bodies from a CSV file with the columns `name,mass,x,y,z,vx,vy,vz`, in any order.
//!
//! Invariant: the parser is total, and every error names the file, the line (from 1) and the column by its name.
//! Lines that start with `#` are comments. Other columns, units and separators are left out.

use csv::{ReaderBuilder, StringRecord, Trim};
use glam::DVec3;

use super::{Bodies, Body, BodyName, Mass, Position, Velocity};

/// The most bodies that are read: each pulls each, so a frame's work grows with the square.
pub const BODIES_MAX: usize = 65_536;
/// The longest name of a body, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

const COLUMNS: [&str; 8] = ["name", "mass", "x", "y", "z", "vx", "vy", "vz"];

/// Where a file of bodies is wrong, and how.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{file}: line {line}, column {column}: {fault}")]
pub struct BodiesError {
    /// The file, as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// The column's name; its number, from 1, where it has none.
    pub column: String,
    /// What is wrong there.
    pub fault: BodiesFault,
}

/// What is wrong with a file of bodies.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodiesFault {
    /// The file is empty.
    #[error("here the header name,mass,x,y,z,vx,vy,vz is expected")]
    NoHeader,
    /// The header lacks a column.
    #[error("the header lacks this column; it must name name,mass,x,y,z,vx,vy,vz")]
    MissingColumn,
    /// The header names a column twice.
    #[error("the header names this column twice")]
    TwiceNamed,
    /// The header names a column that means nothing.
    #[error("the header names an unknown column; it must name name,mass,x,y,z,vx,vy,vz and no other")]
    UnknownColumn,
    /// A line has fewer or more fields than the header.
    #[error("the line has {fields} fields, but the header names {columns}", columns = COLUMNS.len())]
    Fields {
        /// Fields of this line.
        fields: usize,
    },
    /// A field is empty.
    #[error("the field is empty")]
    Empty,
    /// A field is no number.
    #[error("'{0}' is not a number")]
    Number(String),
    /// A number is infinite or none.
    #[error("'{0}' is not finite: every number of a body must be")]
    NotFinite(String),
    /// A mass is negative.
    #[error("the mass {0} is negative")]
    NegativeMass(String),
    /// A name is too long.
    #[error("the name has {0} bytes; at most {max} are kept", max = NAME_BYTES_MAX)]
    LongName(usize),
    /// Two bodies have one name.
    #[error("the body of line {0} has the same name")]
    SameName(u64),
    /// Two bodies are at one place.
    #[error("the body of line {0} is at the same place, where their pull has no direction")]
    SamePlace(u64),
    /// There is a header and nothing else.
    #[error("there is no body in the file")]
    NoBody,
    /// There are more bodies than are read.
    #[error("the file has more than {max} bodies", max = BODIES_MAX)]
    TooMany,
    /// The file is no UTF-8 text.
    #[error("the line is not UTF-8 text")]
    NotText,
}

/// Line, column, and what is wrong there.
type Fault = (u64, String, BodiesFault);

impl Bodies {
    /// Reads the bytes of a CSV file; `file` is its name in errors.
    ///
    /// # Errors
    /// If the bytes are no bodies: the error names file, line and column.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Bodies, BodiesError> {
        read(bytes).map_err(|(line, column, fault)| BodiesError {
            file: file.to_owned(),
            line,
            column,
            fault,
        })
    }
}

fn read(bytes: &[u8]) -> Result<Bodies, Fault> {
    let mut records = Records::new(bytes);
    let header = records.next()?.ok_or_else(|| (1, COLUMNS[0].to_owned(), BodiesFault::NoHeader))?;
    let order = columns(header.0, &header.1)?;
    let mut bodies: Vec<(u64, Body)> = Vec::new();
    let mut last_line = header.0;
    while let Some((line, record)) = records.next()? {
        if bodies.len() == BODIES_MAX {
            return Err((line, COLUMNS[0].to_owned(), BodiesFault::TooMany));
        }
        bodies.push((line, body(line, &record, &order)?));
        last_line = line;
    }
    if bodies.is_empty() {
        return Err((last_line, COLUMNS[0].to_owned(), BodiesFault::NoBody));
    }
    refuse_twins(&bodies)?;
    Ok(Bodies(bodies.into_iter().map(|(_, body)| body).collect()))
}

/// For each of `COLUMNS` its field's index.
fn columns(line: u64, header: &StringRecord) -> Result<[usize; 8], Fault> {
    for (index, name) in header.iter().enumerate() {
        let fault =
            |fault| Err((line, if name.is_empty() { (index + 1).to_string() } else { shown(name) }, fault));
        if !COLUMNS.contains(&name) {
            return fault(BodiesFault::UnknownColumn);
        }
        if header.iter().take(index).any(|earlier| earlier == name) {
            return fault(BodiesFault::TwiceNamed);
        }
    }
    let mut order = [0; 8];
    for (index, name) in order.iter_mut().zip(COLUMNS) {
        *index = header
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| (line, name.to_owned(), BodiesFault::MissingColumn))?;
    }
    Ok(order)
}

fn body(line: u64, record: &StringRecord, order: &[usize; 8]) -> Result<Body, Fault> {
    let fault = |column: usize, fault| (line, COLUMNS[column].to_owned(), fault);
    if record.len() != COLUMNS.len() {
        // The first column whose field is missing, or the last one before the surplus.
        let column = order.iter().position(|&field| field >= record.len()).unwrap_or(COLUMNS.len() - 1);
        return Err(fault(column, BodiesFault::Fields { fields: record.len() }));
    }
    let field = |column: usize| match &record[order[column]] {
        "" => Err(fault(column, BodiesFault::Empty)),
        text => Ok(text),
    };
    let number = |column: usize| {
        let text = field(column)?;
        let number: f64 = text.parse().map_err(|_| fault(column, BodiesFault::Number(shown(text))))?;
        if number.is_finite() { Ok(number) } else { Err(fault(column, BodiesFault::NotFinite(shown(text)))) }
    };
    let vector = |first: usize| Ok(DVec3::new(number(first)?, number(first + 1)?, number(first + 2)?));
    let name = field(0)?;
    if name.len() > NAME_BYTES_MAX {
        return Err(fault(0, BodiesFault::LongName(name.len())));
    }
    let mass = number(1)?;
    if mass < 0.0 {
        return Err(fault(1, BodiesFault::NegativeMass(shown(field(1)?))));
    }
    Ok(Body {
        name: BodyName(name.to_owned()),
        mass: Mass(mass),
        position: Position(vector(2)?),
        velocity: Velocity(vector(5)?),
    })
}

/// Refuses two bodies of one name or at one place; the later line is the one at fault.
fn refuse_twins(bodies: &[(u64, Body)]) -> Result<(), Fault> {
    let mut sorted: Vec<_> = bodies.iter().collect();
    sorted.sort_by(|(a_line, a), (b_line, b)| a.name.0.cmp(&b.name.0).then(a_line.cmp(b_line)));
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].1.name == pair[1].1.name) {
        return Err((pair[1].0, COLUMNS[0].to_owned(), BodiesFault::SameName(pair[0].0)));
    }
    // Adding 0 makes -0 and 0 one place.
    let place = |body: &Body| (body.position.0 + DVec3::ZERO).to_array();
    let order = |a: &Body, b: &Body| {
        place(a).iter().zip(place(b)).map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne())
    };
    sorted.sort_by(|(a_line, a), (b_line, b)| order(a, b).unwrap_or_else(|| a_line.cmp(b_line)));
    match sorted.windows(2).find(|pair| order(&pair[0].1, &pair[1].1).is_none()) {
        Some(pair) => Err((pair[1].0, "x".to_owned(), BodiesFault::SamePlace(pair[0].0))),
        None => Ok(()),
    }
}

/// A piece of the file that is safe and short enough to print.
fn shown(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The records of a file with the line on which each starts.
struct Records<'a> {
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    /// Up to where lines were counted, and how many came before.
    counted: usize,
    lines: u64,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .trim(Trim::All)
            .from_reader(bytes);
        Records { bytes, reader, counted: 0, lines: 0 }
    }

    /// The next record that is not blank.
    fn next(&mut self) -> Result<Option<(u64, StringRecord)>, Fault> {
        let mut record = StringRecord::new();
        loop {
            let start = self.reader.position().byte();
            let read = self.reader.read_record(&mut record);
            let line = self.line_of_record(start as usize);
            match read {
                Ok(false) => return Ok(None),
                Ok(true) if record.len() == 1 && record[0].is_empty() => {}
                Ok(true) => return Ok(Some((line, record))),
                // Reading from memory fails on text that is not UTF-8 only.
                Err(_) => return Err((line, "1".to_owned(), BodiesFault::NotText)),
            }
        }
    }

    /// The line of the record whose reading began at byte `at`, where blank lines and comments may come first:
    /// the `csv` crate counts them to the record.
    fn line_of_record(&mut self, mut at: usize) -> u64 {
        while let Some(end) = self.bytes[at..].iter().position(|&byte| byte == b'\n') {
            let line = self.bytes[at..at + end].trim_ascii();
            if !(line.is_empty() || self.bytes[at] == b'#') {
                break;
            }
            at += end + 1;
        }
        self.lines += self.bytes[self.counted..at].iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.counted = at;
        self.lines + 1
    }
}

#[cfg(test)]
mod tests;
