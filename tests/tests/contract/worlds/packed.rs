//! A directory as one file: each file's path and bytes, zeros at its end left out.
//!
//! Left out: permissions and times; `LOCK` is empty and is made again by whoever opens.

use super::Tried;
use std::path::Path;

/// Packs all files below `dir`, in the order of their paths.
pub(crate) fn pack(dir: &Path) -> Tried<Vec<u8>> {
    let (mut folders, mut files) = (vec![dir.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut out = Vec::new();
    for path in files {
        let name = path.strip_prefix(dir)?.to_str().ok_or("a name that is no text")?.replace('\\', "/");
        let bytes = std::fs::read(&path)?;
        let held = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for number in [name.len(), bytes.len(), held] {
            out.extend_from_slice(&(number as u64).to_le_bytes());
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&bytes[..held]);
    }
    Ok(out)
}

/// Makes the directory again.
pub(crate) fn unpack(packed: &[u8], dir: &Path) -> Tried {
    let mut rest = packed;
    while !rest.is_empty() {
        let mut numbers = [0; 3];
        for number in &mut numbers {
            let (word, more) = rest.split_first_chunk::<8>().ok_or("the packed file is cut")?;
            (*number, rest) = (usize::try_from(u64::from_le_bytes(*word))?, more);
        }
        let (name, more) = rest.split_at_checked(numbers[0]).ok_or("a name is cut")?;
        let (held, more) = more.split_at_checked(numbers[2]).ok_or("a file is cut")?;
        rest = more;
        let path = dir.join(std::str::from_utf8(name)?);
        std::fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
        let mut bytes = held.to_vec();
        bytes.resize(numbers[1], 0);
        std::fs::write(path, bytes)?;
    }
    Ok(())
}
