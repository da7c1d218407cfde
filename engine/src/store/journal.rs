//! fjall's journal files, read before fjall does: what is whole, where it breaks, how far it goes.
//!
//! fjall 3.1 truncates a journal at the first byte that it does not understand and then answers Ok, or
//! refuses the database for a torn batch that nobody was promised. Invariant here: bytes before the
//! watermark are never cut; they are whole or an error that names file and offset.
//! Format of a batch: `1, items: u32, seqno: u64`, then items `2, type, compression, keyspace: u64,
//! key length: u16, value length: u32, stored length: u32, key, value` or clears `4, keyspace: u64`, then
//! `3, xxh3 of the items: u64, "FJL\x03"`. A journal is made of zeros 64 MiB long, so zeros end it.
//! Left out: what the items mean, and following a journal that is being written (see `tail`).

mod tail;

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3Default;

pub(crate) use self::tail::Tail;
use super::StoreError;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const START_BYTES: u64 = 13;
const ITEM_HEAD_BYTES: usize = 21;
const END_BYTES: u64 = 13;
/// Its tag and the number of a keyspace.
const CLEAR_BYTES: u64 = 9;
const TRAILER: &[u8; 4] = b"FJL\x03";
const BUFFER_BYTES: usize = 256 << 10;
const WALK_BUFFER_BYTES: usize = 16 << 10;

/// A position in the journals: all bytes of earlier files, and this many of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: u64,
    pub(crate) offset: u64,
}

/// What reading a journal file found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// End of the last whole batch.
    pub(crate) end: u64,
    /// Why the bytes after it are not a batch; `None` where they are zeros or the file ends.
    pub(crate) broken: Option<String>,
    /// Length of the file.
    pub(crate) length: u64,
}

/// What the check before opening found.
#[derive(Debug)]
pub(crate) struct Checked {
    /// End of the last whole batch of all.
    pub(crate) end: Place,
    /// What was cut off.
    pub(crate) cut: Option<String>,
}

/// Checks every journal in `database`; cuts off what is broken behind `synced`.
pub(crate) fn check(database: &Path, synced: Place) -> Result<Checked, StoreError> {
    let files = list(database)?;
    let Some(((last, path), sealed)) = files.split_last() else {
        return Err(damaged(database, 0, "no journal file is there"));
    };
    let last = *last;
    if synced.file > last {
        let path = database.join(format!("{}.jnl", synced.file));
        return Err(damaged(&path, synced.offset, "the file is missing, it had been synced up to here"));
    }
    for (number, path) in sealed {
        let found = scan(path)?;
        let promised = if *number == synced.file { synced.offset } else { 0 };
        // A journal is synced whole before its successor is made: nothing in it may be broken.
        if let Some(reason) = found.broken {
            return Err(damaged(path, found.end, &reason));
        }
        if found.end < promised {
            return Err(damaged(path, found.end, &format!("it had been synced up to {promised}")));
        }
    }
    let found = scan(path)?;
    let promised = if last == synced.file { synced.offset } else { 0 };
    if found.end < promised {
        let reason = found.broken.unwrap_or_else(|| "the journal ends".to_owned());
        return Err(damaged(path, found.end, &format!("{reason}; it had been synced up to {promised}")));
    }
    let end = Place { file: last, offset: found.end };
    let Some(reason) = found.broken else { return Ok(Checked { end, cut: None }) };
    cut_off(path, found.end).map_err(|error| StoreError::io("cutting the unsynced tail of", path, &error))?;
    let cut = format!(
        "{} bytes were cut from the unsynced end of {} at {}: {reason}",
        found.length - found.end,
        path.display(),
        found.end
    );
    Ok(Checked { end, cut: Some(cut) })
}

fn cut_off(path: &Path, end: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(end)?;
    file.sync_all()
}

fn damaged(path: &Path, offset: u64, reason: &str) -> StoreError {
    StoreError::damaged(format!("{} at byte {offset}", path.display()), reason)
}

/// The journals by number.
pub(crate) fn list(database: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let failed = |error: io::Error| StoreError::io("reading", database, &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(database).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let number = number.ok_or_else(|| damaged(&path, 0, "its name is not the name of a journal"))?;
            files.push((number, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads a journal up to its end or its first broken batch.
pub(crate) fn scan(path: &Path) -> Result<Scan, StoreError> {
    let failed = |error: io::Error| StoreError::io("reading", path, &error);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut reader =
        Reader { file: BufReader::with_capacity(BUFFER_BYTES, file), at: 0, length, seqno: None };
    let mut end = 0;
    loop {
        match reader.batch() {
            Ok(true) => end = reader.at,
            Ok(false) => return Ok(Scan { end, broken: None, length }),
            Err(Broken::Io(error)) => return Err(failed(error)),
            Err(Broken::At(offset, reason)) => {
                return Ok(Scan { end, broken: Some(format!("at byte {offset}, {reason}")), length });
            }
        }
    }
}

enum Broken {
    Io(io::Error),
    At(u64, String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

struct Reader {
    file: BufReader<File>,
    at: u64,
    length: u64,
    /// Of the last batch. They grow within a file, and no checksum covers them.
    seqno: Option<u64>,
}

impl Reader {
    /// Reads one batch; `false` at the end.
    fn batch(&mut self) -> Result<bool, Broken> {
        let start = self.at;
        if start == self.length {
            return Ok(false);
        }
        let [tag] = self.bytes()?;
        if tag == 0 {
            return self.only_zeros_follow(start);
        }
        if tag != START {
            return Err(Broken::At(start, format!("{tag} does not begin a batch")));
        }
        let items = u32::from_le_bytes(self.bytes()?);
        let seqno = u64::from_le_bytes(self.bytes()?);
        if self.seqno.is_some_and(|last| seqno <= last) {
            return Err(Broken::At(start, format!("sequence number {seqno} does not grow")));
        }
        let mut hash = Xxh3Default::new();
        let mut values = false;
        for _ in 0..items {
            values |= self.item(&mut hash)?;
        }
        // fjall goes on after the last number that a value has: that of a clear may come again after a crash.
        if values {
            self.seqno = Some(seqno);
        }
        let at = self.at;
        let [tag] = self.bytes()?;
        if tag != END {
            return Err(Broken::At(at, format!("the batch of {items} items does not end")));
        }
        let checksum = u64::from_le_bytes(self.bytes()?);
        if checksum != hash.digest() {
            return Err(Broken::At(at, "the checksum of the batch does not match".to_owned()));
        }
        if &self.bytes::<4>()? != TRAILER {
            return Err(Broken::At(at, "the trailer of the batch is wrong".to_owned()));
        }
        Ok(true)
    }

    /// Reads one item; answers whether it is a value and not a clear.
    fn item(&mut self, hash: &mut Xxh3Default) -> Result<bool, Broken> {
        let start = self.at;
        let [tag] = self.bytes()?;
        hash.update(&[tag]);
        if tag == CLEAR {
            hash.update(&self.bytes::<8>()?);
            return Ok(false);
        }
        if tag != ITEM {
            return Err(Broken::At(start, format!("{tag} does not begin an item")));
        }
        let head: [u8; ITEM_HEAD_BYTES - 1] = self.bytes()?;
        let (body, whole) = item_lengths(&head);
        if head[0] > 3 || head[1] != 0 || !whole {
            return Err(Broken::At(start, "the head of an item is wrong".to_owned()));
        }
        hash.update(&head);
        self.body(body, hash)?;
        Ok(true)
    }

    fn body(&mut self, body: u64, hash: &mut Xxh3Default) -> Result<(), Broken> {
        self.announced(body)?;
        let mut left = body;
        while left > 0 {
            let chunk = self.file.fill_buf_some()?;
            let taken = (chunk.len() as u64).min(left);
            hash.update(&chunk[..taken as usize]);
            self.file.consume_some(taken as usize);
            left -= taken;
        }
        self.at += body;
        Ok(())
    }

    fn announced(&self, bytes: u64) -> Result<(), Broken> {
        if bytes > self.length - self.at {
            return Err(Broken::At(self.at, "the file ends within a batch".to_owned()));
        }
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        self.announced(N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn only_zeros_follow(&mut self, start: u64) -> Result<bool, Broken> {
        let mut at = self.at;
        while at < self.length {
            let chunk = self.file.fill_buf_some()?;
            if let Some(index) = chunk.iter().position(|byte| *byte != 0) {
                let reason = format!("zeros stand before other bytes at {}", at + index as u64);
                return Err(Broken::At(start, reason));
            }
            let length = chunk.len();
            at += length as u64;
            self.file.consume_some(length);
        }
        Ok(false)
    }
}

/// `BufRead` whose end is an error: the length was asked before.
trait Filled {
    fn fill_buf_some(&mut self) -> io::Result<&[u8]>;
    fn consume_some(&mut self, bytes: usize);
}

impl Filled for BufReader<File> {
    fn fill_buf_some(&mut self) -> io::Result<&[u8]> {
        let chunk = io::BufRead::fill_buf(self)?;
        if chunk.is_empty() { Err(io::Error::from(ErrorKind::UnexpectedEof)) } else { Ok(chunk) }
    }

    fn consume_some(&mut self, bytes: usize) {
        io::BufRead::consume(self, bytes);
    }
}

/// Bytes of key and value behind an item's head without its tag, and whether its two lengths agree.
fn item_lengths(head: &[u8; ITEM_HEAD_BYTES - 1]) -> (u64, bool) {
    let key = u16::from_le_bytes([head[10], head[11]]);
    let value = [head[12], head[13], head[14], head[15]];
    let stored = [head[16], head[17], head[18], head[19]];
    (u64::from(key) + u64::from(u32::from_le_bytes(stored)), value == stored)
}

/// Where the last batch ends of a journal that may be written to now; `from` is where some batch ends. Right up to
/// one batch, which may be half written: whoever reads it finds that out by its checksum.
pub(crate) fn end_of(file: &File, from: u64) -> io::Result<u64> {
    match walk(file, from) {
        Ok(end) | Err((end, None)) => Ok(end),
        Err((_, Some(error))) => Err(error),
    }
}

/// Where the last batch ends whose number is at most `seqno`.
pub(crate) fn end_of_numbers_to(file: &File, seqno: u64) -> io::Result<u64> {
    let mut last = 0;
    let told = |number: u64, end: u64| {
        if number <= seqno {
            last = end;
        }
    };
    match walk_telling(file, 0, told) {
        Ok(_) | Err((_, None)) => Ok(last),
        Err((_, Some(error))) => Err(error),
    }
}

/// Walks over the batches of a file by their lengths: where the last one ends, or where it does not, and why if the
/// system refused.
fn walk(file: &File, from: u64) -> Result<u64, (u64, Option<io::Error>)> {
    walk_telling(file, from, |_, _| {})
}

/// The same; `told` hears the number of each batch and where it ends.
fn walk_telling(
    file: &File,
    from: u64,
    mut told: impl FnMut(u64, u64),
) -> Result<u64, (u64, Option<io::Error>)> {
    let mut end = from;
    // A buffer of its own for each walk: it may hold zeros where the next batch will be.
    let mut reader = BufReader::with_capacity(WALK_BUFFER_BYTES, file);
    let failed = |end, error| (end, Some(error));
    reader.seek(SeekFrom::Start(end)).map_err(|error| failed(end, error))?;
    let mut start = [0; START_BYTES as usize];
    while read_or_end(&mut reader, &mut start).map_err(|error| failed(end, error))? && start[0] == START {
        let mut length = START_BYTES + END_BYTES;
        for _ in 0..u32::from_le_bytes([start[1], start[2], start[3], start[4]]) {
            let item = skip_item(&mut reader).map_err(|error| failed(end, error))?;
            length += item.ok_or((end, None))?;
        }
        reader.seek_relative(END_BYTES as i64).map_err(|error| failed(end, error))?;
        end += length;
        told(u64::from_le_bytes(start[5..].try_into().expect("a number has eight bytes")), end);
    }
    Ok(end)
}

/// Passes by one item or clear; its bytes, or `None` where there is none.
fn skip_item(reader: &mut BufReader<&File>) -> io::Result<Option<u64>> {
    let mut tag = [0];
    if !read_or_end(reader, &mut tag)? {
        return Ok(None);
    }
    match tag[0] {
        CLEAR => {
            reader.seek_relative(CLEAR_BYTES as i64 - 1)?;
            Ok(Some(CLEAR_BYTES))
        }
        ITEM => {
            let mut head = [0; ITEM_HEAD_BYTES - 1];
            if !read_or_end(reader, &mut head)? {
                return Ok(None);
            }
            let body = item_lengths(&head).0;
            reader.seek_relative(i64::try_from(body).map_err(io::Error::other)?)?;
            Ok(Some(ITEM_HEAD_BYTES as u64 + body))
        }
        _ => Ok(None),
    }
}

fn read_or_end(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
