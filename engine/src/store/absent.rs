//! Keyspaces without a manifest: made or deleted halfway when a process was killed, or damaged.
//!
//! fjall removes such a folder when it opens, whatever was to be in it. What it knows by name had a manifest once, so that is
//! lost; what it has no name for was not made yet, or is deleted already. Invariant: the world is only read; what is asked is
//! a copy of fjall's own keyspace and the world's, which are small however large the world is.
//! Left out: whether what is lost is needed (see `inspect`).

use std::path::{Path, PathBuf};

use super::StoreError;
use super::directory::DATABASE;
use super::disk::Disk;
use super::inspect::Copy;
use super::tables::{CURRENT, KEYSPACES, LASTING, TABLES, VERSION};

/// Whether a keyspace without a manifest is one that the database knows by its name. Where that cannot be found out, it is
/// taken for one.
pub(crate) fn is_named(database: &Path) -> bool {
    let copy = Copy::empty(&std::env::temp_dir()).ok();
    copy.and_then(|copy| ask(database, &copy.path.join(DATABASE))).unwrap_or(true)
}

/// `None` where the answer is unknown.
fn ask(database: &Path, scratch: &Path) -> Option<bool> {
    let absent = absent(database).ok()?;
    let (from, to) = (database.join(KEYSPACES), scratch.join(KEYSPACES));
    std::fs::create_dir(scratch).ok()?;
    std::fs::copy(database.join(VERSION), scratch.join(VERSION)).ok()?;
    std::fs::write(scratch.join("lock"), []).ok()?;
    for name in LASTING {
        copy_folder(&from.join(name), &to.join(name)).ok()?;
    }
    // Something whole in its place: it goes where it has no name.
    for name in &absent {
        copy_folder(&from.join(LASTING[1]), &to.join(name)).ok()?;
    }
    drop(Disk::open(scratch).ok()?);
    Some(absent.iter().any(|name| to.join(name).exists()))
}

/// The names of folders without a manifest.
fn absent(database: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let folder = database.join(KEYSPACES);
    let failed = |error: std::io::Error| StoreError::io("reading", &folder, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.path().is_dir() && !entry.path().join(CURRENT).exists() {
            found.push(PathBuf::from(entry.file_name()));
        }
    }
    Ok(found)
}

/// Copies a keyspace: its files, and those of its tables.
fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to.join(TABLES))?;
    for folder in [Path::new(""), Path::new(TABLES)] {
        for entry in std::fs::read_dir(from.join(folder))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), to.join(folder).join(entry.file_name()))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fjall::{Database, KeyspaceCreateOptions};

    /// Claim: a keyspace that was being made or deleted is not missed; one that was whole and has lost its manifest is.
    #[test]
    fn only_a_keyspace_with_a_name_is_missed() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let keyspaces = dir.path().join(KEYSPACES);
        let disk = Disk::open(dir.path())?;
        drop(disk);
        let database = Database::builder(dir.path()).open()?;
        let made = database.keyspace("epoch-7", KeyspaceCreateOptions::default)?;
        made.insert("key", "value")?;
        made.rotate_memtable_and_wait()?;
        let folder = made.path().to_owned();
        drop((made, database));
        let copy = dir.path().join("copy");
        copy_folder(&folder, &copy)?;
        assert!(!is_named(dir.path()), "nothing is absent");
        std::fs::create_dir_all(keyspaces.join("99").join(TABLES))?;
        assert!(!is_named(dir.path()), "it was being made");
        std::fs::remove_file(folder.join(CURRENT))?;
        assert!(is_named(dir.path()), "its manifest is lost");
        std::fs::copy(copy.join(CURRENT), folder.join(CURRENT))?;
        std::fs::remove_dir_all(keyspaces.join("99"))?;

        let database = Database::builder(dir.path()).open()?;
        let made = database.keyspace("epoch-7", KeyspaceCreateOptions::default)?;
        database.delete_keyspace(made)?;
        drop(database);
        assert!(!folder.exists(), "fjall deletes it when nobody holds it");
        copy_folder(&copy, &folder)?;
        std::fs::remove_file(folder.join(CURRENT))?;
        assert!(!is_named(dir.path()), "its deletion was cut short");
        Ok(())
    }
}
