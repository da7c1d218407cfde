//! A world as lines of JSON: for people, for `jq`, for other programs; and back.
//!
//! A line each: the header, the types, the serials, the tables, each entity with its values by the names of its types,
//! what the frame marked and removed, its notes, markers, and the end with the digest. Bytes, `Id`s and whatever needs
//! 64 bits are text in hex, so that no reader rounds them.
//!
//! Invariant: what comes back has the digest that was written, tables and rows in their order, or is refused with the
//! line. The last line has a checksum of all before it, to the byte, so that what no digest covers (frame, serials, marks)
//! is what was written, too. Left out: what the bytes mean.

mod read;
#[cfg(test)]
mod tests;

pub use read::read;

use diptych_engine::store::{Extras, Image, Mark, StoreError};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write;
use xxhash_rust::xxh3::Xxh3;

/// The format of the lines.
pub const JSON_FORMAT: u64 = 1;
/// Bytes of one line; larger ones are refused.
pub const JSON_LINE_BYTES_MAX: u64 = 1 << 30;

/// Writes a world; answers the lines. `progress` is told the entities written.
///
/// # Errors
/// Writing failed.
pub fn write(
    image: &Image,
    extras: &Extras,
    out: impl Write,
    mut progress: impl FnMut(u64),
) -> Result<u64, StoreError> {
    let mut lines = Lines { out, count: 0, sum: Xxh3::new() };
    lines.head(image)?;
    for (number, table) in image.tables().iter().enumerate() {
        lines.put(&json!({"table": number, "types": table.types, "rows": table.rows}))?;
    }
    let name = |key: u16| image.types()[usize::from(key)].name.as_str();
    let mut entities = 0;
    for (number, table) in image.tables().iter().enumerate() {
        let ids = image.rows_in(number);
        for id in ids {
            let mut values = Map::new();
            for key in table.types.iter().filter(|key| **key != 0) {
                if let Some(bytes) = image.value_of(id, *key) {
                    values.insert(name(*key).to_owned(), hex(bytes).into());
                }
            }
            lines
                .put(&json!({"entity": format!("{:016x}", id.bits()), "table": number, "values": values}))?;
            entities += 1;
            progress(entities);
        }
    }
    for marked in image.marks() {
        let how = if marked.mark == Mark::Added { "added" } else { "changed" };
        let (table, row, rows) = (marked.table, marked.first_row, marked.count);
        lines
            .put(&json!({"mark": how, "type": name(marked.key), "table": table, "row": row, "rows": rows}))?;
    }
    for (key, ids) in image.removed() {
        let ids: Vec<String> = ids.iter().map(|id| format!("{id:016x}")).collect();
        lines.put(&json!({"removed": name(*key), "ids": ids}))?;
    }
    for (note, bytes) in image.notes() {
        lines.put(&json!({"note": note, "bytes": hex(bytes)}))?;
    }
    for marker in &extras.markers {
        lines.put(&json!({"marker": {
            "table": marker.table, "key": marker.key, "field": marker.field, "frame": marker.frame,
            "kind": marker.kind, "symbol": marker.symbol, "display": marker.display,
        }}))?;
    }
    let sum = format!("{:016x}", lines.sum.digest());
    lines
        .put(&json!({"end": true, "entities": entities, "digest": image.digest().to_string(), "sum": sum}))?;
    lines.out.flush().map_err(|error| failed(&error))?;
    Ok(lines.count)
}

struct Lines<W> {
    out: W,
    count: u64,
    /// Of all lines so far.
    sum: Xxh3,
}

impl<W: Write> Lines<W> {
    fn put(&mut self, value: &Value) -> Result<(), StoreError> {
        self.count += 1;
        let line = format!("{value}\n");
        self.sum.update(line.as_bytes());
        self.out.write_all(line.as_bytes()).map_err(|error| failed(&error))
    }

    fn head(&mut self, image: &Image) -> Result<(), StoreError> {
        let link = image.link().map(|link| {
            json!({"frame": format!("{:016x}", link.frame), "checksum": format!("{:016x}", link.checksum)})
        });
        let digest = image
            .stored_digest()
            .map(|(frame, digest)| json!({"frame": frame, "digest": digest.to_string()}));
        self.put(&json!({
            "diptych": "world", "format": JSON_FORMAT, "frame": image.frame(),
            "dt": format!("{:016x}", image.dt().to_bits()), "link": link, "stored_digest": digest,
            "facts": image.facts(),
        }))?;
        for (key, entry) in image.types().iter().enumerate().filter(|(_, entry)| !entry.is_dropped()) {
            let bytes = match entry.row {
                diptych_engine::store::RowKind::Fixed(size) => Some(size),
                diptych_engine::store::RowKind::Variable => None,
            };
            self.put(&json!({
                "type": entry.name, "key": key, "version": entry.version, "bytes": bytes,
                "layout": format!("{:016x}", entry.layout), "transient": entry.transient,
            }))?;
        }
        let serials = image.serials().iter();
        let serials: Map<String, Value> =
            serials.map(|(key, next)| (format!("{key:08x}"), format!("{next:016x}").into())).collect();
        self.put(&json!({"serials": serials}))
    }
}

fn failed(error: &std::io::Error) -> StoreError {
    StoreError::Refused { what: "writing the lines".to_owned(), reason: error.to_string() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
