//! Lines of JSON back to a world: each line is looked at when it comes, the world when all have come.

use super::{JSON_FORMAT, JSON_LINE_BYTES_MAX};
use diptych_engine::store::{
    Column, Extras, Image, Link, Mark, MarkedRows, Marker, Recovered, RecoveredTable, RowKind, StoreError,
    TypeEntry, checked_image, world_bytes_max,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use xxhash_rust::xxh3::Xxh3;

/// Reads a world. `progress` is told the entities read.
///
/// # Errors
/// A line is none of them, the lines end before the end line, or the world is not whole; the message says which line.
pub fn read(mut input: impl BufRead, mut progress: impl FnMut(u64)) -> Result<(Image, Extras), StoreError> {
    let mut reader = Reader::default();
    let (mut line, mut number) = (Vec::new(), 0_u64);
    while reader.end.is_none() {
        number += 1;
        let refuse = |reason: String| StoreError::Refused { what: format!("line {number}"), reason };
        line.clear();
        let read = input.by_ref().take(JSON_LINE_BYTES_MAX).read_until(b'\n', &mut line);
        match read.map_err(|error| refuse(format!("reading failed: {error}")))? {
            0 => {
                return Err(refuse("the lines end before the line with \"end\"; the file is cut".to_owned()));
            }
            _ if line.len() as u64 == JSON_LINE_BYTES_MAX => {
                return Err(refuse(format!("it is longer than {JSON_LINE_BYTES_MAX} bytes")));
            }
            _ => {}
        }
        let value: Value = serde_json::from_slice(&line).map_err(|error| refuse(error.to_string()))?;
        reader.came += line.len() as u64;
        reader.line(&value).map_err(refuse)?;
        if reader.end.is_none() {
            reader.sum.update(&line);
        }
        progress(reader.entities);
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    head: Option<Head>,
    facts: BTreeMap<String, String>,
    types: Vec<TypeEntry>,
    tables: Vec<RecoveredTable>,
    /// Rows that each table is to have.
    rows: Vec<u64>,
    serials: BTreeMap<u32, u64>,
    marks: Vec<MarkedRows>,
    removed: BTreeMap<u16, Vec<u64>>,
    notes: BTreeMap<String, Vec<u8>>,
    extras: Extras,
    entities: u64,
    /// Bytes of lines.
    came: u64,
    /// Bytes of transient rows that have no value.
    blank: u64,
    /// Of all lines before the last.
    sum: Xxh3,
    end: Option<End>,
}

/// What the last line says.
struct End {
    digest: u128,
    sum: u64,
}

struct Head {
    frame: u64,
    dt: f64,
    link: Option<Link>,
    digest: Option<(u64, u128)>,
}

type Told<T = ()> = Result<T, String>;

impl Reader {
    fn line(&mut self, line: &Value) -> Told {
        let Some(kind) = line.as_object().and_then(|fields| {
            let kinds = ["diptych", "entity", "mark", "removed", "note", "marker", "serials", "end"];
            kinds.into_iter().chain(["type", "table"]).find(|kind| fields.contains_key(*kind))
        }) else {
            return Err("it is no line of an exported world".to_owned());
        };
        if self.head.is_none() && kind != "diptych" {
            return Err("the header with \"diptych\" must come first".to_owned());
        }
        match kind {
            "diptych" => self.head(line),
            "type" => self.kind(line),
            "serials" => self.serials(line),
            "table" => self.table(line),
            "entity" => self.entity(line),
            "mark" => self.mark(line),
            "removed" => {
                let ids = line["ids"].as_array().ok_or("\"ids\" is no list")?;
                let ids = ids.iter().map(|id| number(id, "an id")).collect::<Told<_>>()?;
                let key = self.key(&line["removed"])?;
                self.removed.insert(key, ids);
                Ok(())
            }
            "note" => {
                let name = text(&line["note"], "note")?.to_owned();
                self.notes.insert(name, bytes(&line["bytes"])?);
                Ok(())
            }
            "marker" => self.marker(&line["marker"]),
            _ => {
                if whole(&line["entities"], "entities")? != self.entities {
                    return Err(format!("it counts other entities than the {} that came", self.entities));
                }
                let digest = text(&line["digest"], "digest")?;
                let digest = u128::from_str_radix(digest, 16).map_err(|_| "\"digest\" is no hex")?;
                self.end = Some(End { digest, sum: number(&line["sum"], "sum")? });
                Ok(())
            }
        }
    }

    fn head(&mut self, line: &Value) -> Told {
        if self.head.is_some() {
            return Err("a second header".to_owned());
        }
        let format = whole(&line["format"], "format")?;
        if format != JSON_FORMAT {
            return Err(format!("the format is {format}, this build reads {JSON_FORMAT}; use a newer one"));
        }
        let link = match &line["link"] {
            Value::Null => None,
            link => Some(Link {
                frame: number(&link["frame"], "link")?,
                checksum: number(&link["checksum"], "link")?,
            }),
        };
        let digest = match &line["stored_digest"] {
            Value::Null => None,
            stored => {
                let digest = u128::from_str_radix(text(&stored["digest"], "digest")?, 16);
                Some((whole(&stored["frame"], "frame")?, digest.map_err(|_| "\"digest\" is no hex")?))
            }
        };
        for (name, fact) in line["facts"].as_object().ok_or("\"facts\" is no object")? {
            self.facts.insert(name.clone(), text(fact, "a fact")?.to_owned());
        }
        let (frame, dt) = (whole(&line["frame"], "frame")?, f64::from_bits(number(&line["dt"], "dt")?));
        self.head = Some(Head { frame, dt, link, digest });
        Ok(())
    }

    fn kind(&mut self, line: &Value) -> Told {
        let key = small(&line["key"], "key")? as usize;
        if key < self.types.len() || key >= usize::from(u16::MAX) {
            return Err(format!("the key {key} does not follow {}", self.types.len()));
        }
        // Keys of types that were dropped are taken, and nothing has them.
        let none = TypeEntry {
            name: String::new(),
            version: 0,
            row: RowKind::Fixed(0),
            layout: 0,
            transient: false,
        };
        self.types.resize(key, none);
        self.types.push(TypeEntry {
            name: text(&line["type"], "type")?.to_owned(),
            version: small(&line["version"], "version")?,
            row: match &line["bytes"] {
                Value::Null => RowKind::Variable,
                size => RowKind::Fixed(small(size, "bytes")?),
            },
            layout: number(&line["layout"], "layout")?,
            transient: line["transient"].as_bool().ok_or("\"transient\" is neither true nor false")?,
        });
        Ok(())
    }

    fn serials(&mut self, line: &Value) -> Told {
        for (key, next) in line["serials"].as_object().ok_or("\"serials\" is no object")? {
            let key = u32::from_str_radix(key, 16).map_err(|_| format!("the key {key} is no hex"))?;
            self.serials.insert(key, number(next, "a serial")?);
        }
        Ok(())
    }

    fn table(&mut self, line: &Value) -> Told {
        if small(&line["table"], "table")? as usize != self.tables.len() {
            return Err(format!("table {} should come", self.tables.len()));
        }
        let types = line["types"].as_array().ok_or("\"types\" is no list")?;
        let types = types
            .iter()
            .map(|key| u16::try_from(small(key, "a key")?).map_err(|_| "a key is too large".to_owned()))
            .collect::<Told<Vec<u16>>>()?;
        let column = |key: &u16| match self.types.get(usize::from(*key)).map(|entry| entry.row) {
            Some(RowKind::Fixed(size)) => Ok(Column::Fixed { size, bytes: Vec::new() }),
            Some(RowKind::Variable) => Ok(Column::Variable { blobs: Vec::new() }),
            None => Err(format!("the type key {key} is not among the types")),
        };
        let columns = types.iter().map(column).collect::<Told<_>>()?;
        self.tables.push(RecoveredTable { types, rows: 0, columns });
        self.rows.push(whole(&line["rows"], "rows")?);
        Ok(())
    }

    fn entity(&mut self, line: &Value) -> Told {
        let number_of = small(&line["table"], "table")? as usize;
        let table =
            self.tables.get_mut(number_of).ok_or_else(|| format!("table {number_of} is not there"))?;
        let id = number(&line["entity"], "entity")?.to_le_bytes();
        let values = line["values"].as_object().ok_or("\"values\" is no object")?;
        let mut named = 0;
        for (key, column) in table.types.iter().zip(&mut table.columns) {
            let entry = &self.types[usize::from(*key)];
            let value = match (*key, values.get(&entry.name)) {
                (0, _) => id.to_vec(),
                (_, Some(value)) => {
                    named += 1;
                    bytes(value)?
                }
                (_, None) if entry.transient => match entry.row {
                    RowKind::Fixed(size) => {
                        self.blank = self.blank.saturating_add(u64::from(size));
                        let most = world_bytes_max(self.came);
                        if self.blank > most {
                            return Err(format!(
                                "{} has {size} bytes and no value; for {} bytes of lines {most} are the most",
                                entry.name, self.came
                            ));
                        }
                        vec![0; size as usize]
                    }
                    RowKind::Variable => Vec::new(),
                },
                (_, None) => {
                    return Err(format!(
                        "its table has the type {}, and the entity has no value",
                        entry.name
                    ));
                }
            };
            match column {
                Column::Fixed { size, bytes } if value.len() == *size as usize => {
                    bytes.extend_from_slice(&value)
                }
                Column::Fixed { size, .. } => {
                    let name = &entry.name;
                    return Err(format!("{name} has {size} bytes, and {} came", value.len()));
                }
                Column::Variable { blobs } => blobs.push(value.into()),
            }
        }
        if named != values.len() {
            return Err("it has a value of a type that its table does not have".to_owned());
        }
        table.rows = table.rows.checked_add(1).ok_or("a table has at most 4294967295 rows")?;
        self.entities += 1;
        Ok(())
    }

    fn mark(&mut self, line: &Value) -> Told {
        let mark = match text(&line["mark"], "mark")? {
            "added" => Mark::Added,
            "changed" => Mark::Changed,
            other => return Err(format!("{other:?} is no mark; it is changed or added")),
        };
        let (table, first_row) = (small(&line["table"], "table")?, small(&line["row"], "row")?);
        let (key, count) = (self.key(&line["type"])?, small(&line["rows"], "rows")?);
        self.marks.push(MarkedRows { key, table, first_row, count, mark });
        Ok(())
    }

    fn marker(&mut self, line: &Value) -> Told {
        let field = |name: &str| text(&line[name], name).map(str::to_owned);
        self.extras.markers.push(Marker {
            table: field("table")?,
            key: field("key")?,
            field: field("field")?,
            frame: whole(&line["frame"], "frame")?,
            kind: field("kind")?,
            symbol: field("symbol")?,
            display: field("display")?,
        });
        Ok(())
    }

    fn key(&self, name: &Value) -> Told<u16> {
        let name = text(name, "a type")?;
        let found = (0..).zip(&self.types).find(|(_, entry)| entry.name == name);
        found.map(|(key, _)| key).ok_or_else(|| format!("there is no type {name}"))
    }

    fn finish(self) -> Result<(Image, Extras), StoreError> {
        let refuse = |reason: String| StoreError::Refused { what: "the lines".to_owned(), reason };
        let head = self.head.ok_or_else(|| refuse("the header is missing".to_owned()))?;
        let rows =
            self.tables.iter().zip(&self.rows).position(|(table, rows)| u64::from(table.rows) != *rows);
        if let Some(number) = rows {
            return Err(refuse(format!("table {number} has other rows than announced")));
        }
        let recovered = Recovered {
            frame: head.frame,
            dt: head.dt,
            tables: self.tables,
            marks: self.marks,
            removed: self.removed,
            notes: self.notes,
            serials: self.serials,
            digest: head.digest,
            stored_types: self.types,
            repaired: None,
            digest_former: None,
            tail: None,
            link: head.link,
        };
        let end = self.end.ok_or_else(|| refuse("the end is missing".to_owned()))?;
        let image = checked_image(recovered, self.facts, end.digest)?;
        // Last, so that a line that says something impossible is named for that.
        let sum = self.sum.digest();
        if sum != end.sum {
            return Err(refuse(format!(
                "they were written with the sum {:016x}, and these give {sum:016x}: one of them was changed",
                end.sum
            )));
        }
        Ok((image, self.extras))
    }
}

fn text<'a>(value: &'a Value, what: &str) -> Told<&'a str> {
    value.as_str().ok_or_else(|| format!("\"{what}\" is no text"))
}

fn whole(value: &Value, what: &str) -> Told<u64> {
    value.as_u64().ok_or_else(|| format!("\"{what}\" is no whole number"))
}

fn small(value: &Value, what: &str) -> Told<u32> {
    u32::try_from(whole(value, what)?).map_err(|_| format!("\"{what}\" is too large"))
}

/// A number of 64 bits, in hex.
fn number(value: &Value, what: &str) -> Told<u64> {
    u64::from_str_radix(text(value, what)?, 16).map_err(|_| format!("\"{what}\" is no number in hex"))
}

fn bytes(value: &Value) -> Told<Vec<u8>> {
    let text = text(value, "bytes")?.as_bytes();
    let digit = |digit: u8| (digit as char).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = text.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    let read: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    read.filter(|_| rest.is_empty()).ok_or_else(|| "bytes are pairs of hex digits".to_owned())
}
