//! fjall's manifests and tables, checked against the checksums that fjall wrote but does not compare.
//!
//! lsm-tree 3.1 parses a manifest without looking at its checksum: one flipped byte there can abort the
//! process. Invariant: the database opens only after every manifest and table matches.
//! Format: `current` is `version: u64, xxh3 of the manifest: u128, 0`; the manifest `v<version>` holds,
//! behind one byte, the crate's version as text and three bytes, the list of tables: levels: u8, per level
//! runs: u8, per run tables: u32, per table `id: u64, 0, xxh3 of the file: u128, seqno: u64`.
//! Left out: what the tables hold.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use super::StoreError;
use super::codec::Cursor;

pub(crate) const KEYSPACES: &str = "keyspaces";
pub(crate) const TABLES: &str = "tables";
pub(crate) const CURRENT: &str = "current";
pub(crate) const VERSION: &str = "version";
const LOCK: &str = "lock";
/// fjall's own keyspace and the world's: made first and never deleted.
pub(crate) const LASTING: [&str; 2] = ["0", "1"];
const CURRENT_BYTES: usize = 25;
const BUFFER_BYTES: usize = 256 << 10;

/// What a check found in one file.
pub(crate) type Found<'a> = dyn FnMut(&Path, Option<StoreError>) + 'a;

/// Checks all keyspaces of a database; each file goes to `found`, with what is wrong with it.
///
/// # Errors
/// Where a directory cannot be read at all.
pub(crate) fn check(database: &Path, found: &mut Found<'_>) -> Result<(), StoreError> {
    let folder = database.join(KEYSPACES);
    let entries = std::fs::read_dir(&folder).map_err(|error| StoreError::io("reading", &folder, &error))?;
    let mut keyspaces = Vec::new();
    for entry in entries {
        keyspaces.push(entry.map_err(|error| StoreError::io("reading", &folder, &error))?.path());
    }
    keyspaces.sort_unstable();
    for keyspace in keyspaces {
        // A keyspace whose deletion was cut short has no manifest any more; fjall removes the rest.
        if keyspace.join(CURRENT).exists()
            && let Err(error) = check_keyspace(&keyspace, found)
        {
            found(&keyspace, Some(error));
        }
    }
    Ok(())
}

/// Refuses a database without a file that it must have, before fjall makes another one of it.
/// A keyspace without manifest may be one whose deletion was cut short: it is named for a closer look.
///
/// # Errors
/// A file that is always there is missing.
pub(crate) fn required(database: &Path) -> Result<Option<PathBuf>, StoreError> {
    let folder = database.join(KEYSPACES);
    let always = LASTING.map(|keyspace| folder.join(keyspace).join(CURRENT));
    for path in [database.join(VERSION)].into_iter().chain(always) {
        if !path.exists() {
            let reason = "the file is missing; put it back from a copy of the world, nothing was changed";
            return Err(StoreError::damaged(path.display().to_string(), reason));
        }
    }
    let mut absent = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|error| StoreError::io("reading", &folder, &error))? {
        let path = entry.map_err(|error| StoreError::io("reading", &folder, &error))?.path();
        if path.is_dir() && !path.join(CURRENT).exists() {
            absent.push(path.join(CURRENT));
        }
    }
    absent.sort_unstable();
    // It is empty and only locked; fjall wants it to be there.
    let lock = database.join(LOCK);
    let made = OpenOptions::new().create(true).append(true).open(&lock);
    made.map_err(|error| StoreError::io("opening", &lock, &error))?;
    Ok(absent.into_iter().next())
}

/// The manifest that is in force in a keyspace.
pub(crate) struct Manifest {
    /// The bytes of `current`, which name it.
    pub(crate) pointer: Vec<u8>,
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// Number and checksum of each table.
    pub(crate) tables: Vec<(u64, u128)>,
}

/// Reads the manifest of a keyspace.
///
/// # Errors
/// It is missing or is not the one that was written.
pub(crate) fn manifest(keyspace: &Path) -> Result<Manifest, StoreError> {
    let path = keyspace.join(CURRENT);
    let current = read(&path)?;
    if current.len() != CURRENT_BYTES {
        return Err(damaged(&path, current.len(), "the file should have 25 bytes"));
    }
    let mut cursor = Cursor::new(&current, 0);
    let (version, checksum, kind) = (cursor.u64()?, cursor.u128()?, cursor.u8()?);
    let path = keyspace.join(format!("v{version}"));
    if kind != 0 || !path.exists() {
        return Err(damaged(&keyspace.join(CURRENT), 0, "it names a manifest that does not exist"));
    }
    let manifest = read(&path)?;
    if xxh3_128(&manifest) != checksum {
        return Err(damaged(
            &path,
            0,
            "the checksum of the manifest does not match the one in `current` beside it",
        ));
    }
    let tables = tables(&manifest).map_err(|error| damaged(&path, 0, &error.to_string()))?;
    Ok(Manifest { pointer: current, path, bytes: manifest, tables })
}

fn check_keyspace(keyspace: &Path, found: &mut Found<'_>) -> Result<(), StoreError> {
    let manifest = manifest(keyspace)?;
    found(&manifest.path, None);
    for (table, checksum) in manifest.tables {
        let path = keyspace.join(TABLES).join(table.to_string());
        let problem = match hash(&path) {
            Ok(hash) if hash == checksum => None,
            Ok(_) => Some(damaged(&path, 0, "the checksum of the table does not match")),
            Err(error) => Some(error),
        };
        found(&path, problem);
    }
    Ok(())
}

/// Number and checksum of each table that a manifest names.
fn tables(manifest: &[u8]) -> Result<Vec<(u64, u128)>, StoreError> {
    let mut cursor = Cursor::new(manifest, 0);
    cursor.u8()?;
    while cursor.u8()? >= b' ' {}
    cursor.take(2)?;
    let mut tables = Vec::new();
    for _level in 0..cursor.u8()? {
        for _run in 0..cursor.u8()? {
            for _table in 0..cursor.u32()? {
                let (table, _kind) = (cursor.u64()?, cursor.u8()?);
                tables.push((table, cursor.u128()?));
                cursor.u64()?;
            }
        }
    }
    Ok(tables)
}

fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    std::fs::read(path).map_err(|error| StoreError::io("reading", path, &error))
}

fn hash(path: &Path) -> Result<u128, StoreError> {
    let failed = |error: std::io::Error| StoreError::io("reading", path, &error);
    let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(path).map_err(failed)?);
    let mut hash = Xxh3Default::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hash.digest128()),
            bytes => hash.update(&buffer[..bytes]),
        }
    }
}

fn damaged(path: &Path, offset: usize, reason: &str) -> StoreError {
    StoreError::damaged(format!("{} at byte {offset}", path.display()), reason)
}
