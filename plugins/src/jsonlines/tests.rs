//! The seeds of the fuzz target `jsonlines`: the worlds of the target `snapshot`, as lines.

use super::{read, write};
use diptych_engine::store::read_snapshot;
use std::error::Error;
use std::path::{Path, PathBuf};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds").join(target)
}

/// A seed's path, and what is in it.
type Seed = (PathBuf, Vec<u8>);

/// Each snapshot's world as lines, by the path of the seed.
fn made() -> Result<Vec<Seed>, Box<dyn Error>> {
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(folder("snapshot"))? {
        let path = entry?.path();
        let name = path.file_name().ok_or("an entry has a name")?;
        // A stream begins with a snapshot that is there by itself.
        if name != "stream" {
            let (image, extras) = read_snapshot(std::fs::read(&path)?.as_slice(), |_| {})?;
            let mut lines = Vec::new();
            write(&image, &extras, &mut lines, |_| {})?;
            seeds.push((folder("jsonlines").join(name).with_extension("jsonl"), lines));
        }
    }
    Ok(seeds)
}

/// Claim: the seeds are what this build writes, and what is read of them is written again to the same lines.
#[test]
fn seeds_are_read_and_written_again() -> Result<(), Box<dyn Error>> {
    let seeds = made()?;
    assert!(seeds.len() >= 4, "{} seeds", seeds.len());
    for (path, lines) in seeds {
        assert!(std::fs::read(&path)? == lines, "{}", path.display());
        let (image, extras) = read(lines.as_slice(), |_| {})?;
        let mut again = Vec::new();
        write(&image, &extras, &mut again, |_| {})?;
        assert!(again == lines, "{}", path.display());
    }
    Ok(())
}

/// Writes the seeds with this build, after those of `snapshot`: `cargo test -p diptych --lib -- --ignored jsonlines`.
#[test]
#[ignore = "writes files of the repository"]
fn write_the_seeds() -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder("jsonlines"))?;
    for (path, lines) in made()? {
        std::fs::write(path, lines)?;
    }
    Ok(())
}

/// Claim: a short line that announces a row of hundreds of megabytes, whose type is transient and has no value, is refused.
#[test]
fn wide_rows_that_nobody_sent_are_refused() -> Result<(), Box<dyn Error>> {
    let lines = std::fs::read_to_string(folder("jsonlines").join("quiet.jsonl"))?;
    let wide: Vec<String> = lines
        .lines()
        .map(|line| match line.contains("\"type\":\"few.flash\"") {
            true => line.replace("\"bytes\":8", "\"bytes\":300000000"),
            false => line.to_owned(),
        })
        .collect();
    assert_ne!(wide.join("\n"), lines.trim_end());
    let refusal = read(wide.join("\n").as_bytes(), |_| {}).expect_err("it has no such bytes").to_string();
    assert!(refusal.contains("few.flash has 300000000 bytes and no value"), "{refusal}");
    Ok(())
}

/// Claim: a key that no catalog can have is not taken for another one.
#[test]
fn a_key_too_large_is_refused() -> Result<(), Box<dyn Error>> {
    let lines = std::fs::read_to_string(folder("jsonlines").join("quiet.jsonl"))?;
    let other = lines.replacen("\"types\":[0,", "\"types\":[65536,", 1);
    assert_ne!(other, lines);
    let refusal = read(other.as_bytes(), |_| {}).expect_err("no such key").to_string();
    assert!(refusal.contains("a key is too large"), "{refusal}");
    Ok(())
}

/// Claim: a mark of no rows names a table that is there, as any other.
#[test]
fn no_rows_of_a_table_that_is_not_there_are_refused() -> Result<(), Box<dyn Error>> {
    let lines = std::fs::read_to_string(folder("jsonlines").join("quiet.jsonl"))?;
    let end = lines.rfind("{\"digest\"").ok_or("the end")?;
    let mark = "{\"mark\":\"changed\",\"type\":\"few.position\",\"table\":99,\"row\":0,\"rows\":0}\n";
    let marked = [&lines[..end], mark, &lines[end..]].concat();
    let refusal = read(marked.as_bytes(), |_| {}).expect_err("no such table").to_string();
    assert!(refusal.contains("row 0 of table 99 is marked, and not there"), "{refusal}");
    Ok(())
}
