//! Where a figure was measured: processor, cores, kernel, compiler, load, file system, date.
//!
//! Invariant: what cannot be found out is called unknown; nothing here fails.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The lines that stand above every table.
pub fn describe() -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    vec![
        ("date", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("processor", format!("{} x {}", cores, cpu())),
        ("kernel", output("uname", &["-sr"])),
        ("rustc", output("rustc", &["--version"])),
        ("load", load()),
        ("temp", format!("{} ({})", std::env::temp_dir().display(), file_system(&std::env::temp_dir()))),
        (
            "sync",
            "Durability::Buffered: handed to the operating system, no fsync, unless a row says so".into(),
        ),
    ]
}

/// The resident memory of this process, in bytes; 0 where it is unknown.
pub fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The bytes that the files below `dir` take on the disk; files that vanish meanwhile do not count.
pub fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk_bytes(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find(|line| line.starts_with("model name"));
    name.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown").to_owned()
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("{} (1 minute, at the start)", load.split(' ').next().unwrap_or("unknown"))
}

fn file_system(path: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let parts = |line: &str| -> Option<(String, String)> {
        let mut words = line.split(' ');
        Some((words.nth(1)?.to_owned(), words.next()?.to_owned()))
    };
    let held = mounts.lines().filter_map(parts).filter(|(mount, _)| path.starts_with(mount));
    held.max_by_key(|(mount, _)| mount.len()).map_or_else(|| "unknown".to_owned(), |(_, kind)| kind)
}

fn output(program: &str, args: &[&str]) -> String {
    let made = Command::new(program).args(args).output();
    let text = made.ok().and_then(|made| String::from_utf8(made.stdout).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}
