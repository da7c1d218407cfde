//! `kill -9` in the middle of backups and imports: what has its name is whole, what has not is no world or a whole one,
//! and the next one to the same place makes room.

use super::scene::{engine, scene};
use super::*;
use diptych_engine::store::{StoreError, import, inspect, read_snapshot};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where a child is to work; its presence says that this process is one.
const DIR: &str = "DIPTYCH_KILLED_DIR";
const ROUNDS: u64 = 20;
/// More rounds where no kill came in the middle of a copy.
const ROUNDS_MAX: u64 = 60;
const FINISHED_MIN: usize = 6;
/// Copies that a child makes, at most; it is killed long before.
const COPIES_MAX: u32 = 5000;
/// What a refusal says of a directory that was killed between becoming a world and getting its name.
const NAMELESS: &str = "a whole world that only lacks its name";

/// The digests of the scene, frame by frame, from a run that nobody disturbs.
struct Undisturbed {
    engine: Engine,
    digests: Vec<Digest>,
}

impl Undisturbed {
    fn new() -> Tried<Self> {
        let mut engine = engine()?;
        let digests = vec![engine.digest()];
        Ok(Self { engine, digests })
    }

    fn at(&mut self, frame: u64) -> Tried<Digest> {
        while self.engine.frame() < frame {
            self.engine.step()?;
            self.digests.push(self.engine.digest());
        }
        Ok(self.digests[frame as usize])
    }

    /// The world in a directory is whole, of one frame, and goes on as the undisturbed one.
    fn compare(&mut self, path: &Path) -> Tried<u64> {
        let report = inspect(path, None)?;
        assert_eq!(report.problems, Vec::<String>::new(), "{}", path.display());
        let frame = report.frame.ok_or("no frame")?;
        assert_eq!(report.digest, Some(self.at(frame)?.0), "{}", path.display());
        let mut engine = scene(Engine::open(path)).build()?;
        assert_eq!((engine.frame(), engine.digest()), (frame, self.at(frame)?), "{}", path.display());
        engine.run(Pace::frames(5))?;
        assert_eq!(engine.digest(), self.at(frame + 5)?, "{}", path.display());
        Ok(frame)
    }
}

fn names(dir: &Path) -> Tried<Vec<PathBuf>> {
    let entries: Result<Vec<_>, _> =
        std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut names = entries?;
    names.sort();
    Ok(names)
}

fn is_partial(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "partial")
}

/// Runs the test of this name as a child until a random instant, round after round; looks at what is there.
fn kill_round_after_round(test: &str, dir: &Path) -> Tried {
    let (mut undisturbed, mut looked_at, mut interrupted) = (Undisturbed::new()?, Vec::new(), 0);
    let (mut random, mut round, mut took) = (0x9e37_79b9_u64, 0, Duration::from_millis(20));
    while round < ROUNDS || (round < ROUNDS_MAX && (interrupted == 0 || looked_at.len() < FINISHED_MIN)) {
        round += 1;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", test, "--nocapture"])
            .env(DIR, dir)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("the child has no output")?).lines();
        // What the child says on its way out is why it has ended.
        let mut wait_for = |awaited: &str| {
            let mut said = String::new();
            for line in lines.by_ref() {
                let line = line.map_err(|error| error.to_string())?;
                if line == awaited {
                    return Ok(());
                }
                said.push_str(&line);
                said.push('\n');
            }
            Err(format!("round {round}: the child has ended:\n{said}"))
        };
        wait_for("ready")?;
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // In the middle of one of the first copies, however fast the disk is.
        for _ in 0..(random >> 33) % 3 {
            let begun = Instant::now();
            wait_for("copied")?;
            took = begun.elapsed();
        }
        std::thread::sleep(took.mul_f64((random >> 40) as f64 / (1 << 24) as f64));
        child.kill()?;
        child.wait()?;
        let partial: Vec<PathBuf> = names(dir)?.into_iter().filter(|path| is_partial(path)).collect();
        assert!(partial.len() <= 1, "round {round}: they pile up: {partial:?}");
        for path in &partial {
            interrupted += 1;
            // A kill between becoming a world and getting the name is rare, and leaves a whole one.
            match inspect(path, None) {
                Err(StoreError::NotAWorld { reason, .. }) => assert!(reason.contains("FORMAT"), "{reason}"),
                Err(error) => return Err(error.into()),
                Ok(report) => assert_eq!(report.problems, Vec::<String>::new(), "{}", path.display()),
            }
        }
        for path in names(dir)?.into_iter().filter(|path| !is_partial(path)) {
            if !looked_at.contains(&path) {
                undisturbed
                    .compare(&path)
                    .map_err(|error| format!("round {round}, {}: {error}", path.display()))?;
                looked_at.push(path);
            }
        }
        // The source was run for a few frames by the look; each round looks again.
        looked_at.retain(|path| path.file_name().is_some_and(|name| name != "world"));
    }
    assert!(interrupted > 0, "no kill came in the middle of a copy");
    assert!(looked_at.len() >= FINISHED_MIN, "hardly a copy was finished: {looked_at:?}");
    Ok(())
}

/// Says that everything before the first copy is done, then makes copies until the process is killed.
fn copy_until_killed(dir: &Path, mut copy: impl FnMut(&Path) -> Result<(), String>) -> Tried {
    writeln!(std::io::stdout(), "\nready")?;
    for number in 0..COPIES_MAX {
        let target = dir.join(format!("copy-{number}"));
        if target.exists() {
            continue;
        }
        match copy(&target) {
            Err(said) if said.contains(NAMELESS) => {
                std::fs::rename(target.with_extension("partial"), target)?
            }
            copied => copied?,
        }
        writeln!(std::io::stdout(), "copied")?;
    }
    Err("nobody has killed it".into())
}

#[test]
fn backups_that_are_killed_leave_whole_worlds_and_no_half_ones() -> Tried {
    // Claim: whatever instant a program that backs up its world is killed at, each target is a whole world of one frame
    // that goes on, so is the world itself, and what is half made is not taken for a world and does not pile up.
    if let Ok(dir) = std::env::var(DIR) {
        let dir = PathBuf::from(dir);
        let mut engine = scene(Engine::open(dir.join("world"))).build()?;
        // A world that is killed before its first frame is written has none.
        engine.flush()?;
        return copy_until_killed(&dir, |target| {
            engine.run(Pace::frames(3)).map_err(|error| error.to_string())?;
            engine.backup(target).map(drop).map_err(|error| error.to_string())
        });
    }
    let dir = tempfile::tempdir()?;
    let test = "portable::killed::backups_that_are_killed_leave_whole_worlds_and_no_half_ones";
    kill_round_after_round(test, dir.path())
}

#[test]
fn imports_that_are_killed_leave_whole_worlds_and_no_half_ones() -> Tried {
    // Claim: the same of imports.
    if let Ok(dir) = std::env::var(DIR) {
        let mut bytes = Vec::new();
        let mut engine = engine()?;
        engine.run(Pace::frames(13))?;
        engine.export(&mut bytes)?;
        let (image, _) = read_snapshot(bytes.as_slice(), |_| {})?;
        return copy_until_killed(Path::new(&dir), |target| {
            import(target, &image, |_| {}).map_err(|error| error.to_string())
        });
    }
    let dir = tempfile::tempdir()?;
    let test = "portable::killed::imports_that_are_killed_leave_whole_worlds_and_no_half_ones";
    kill_round_after_round(test, dir.path())
}

#[test]
fn what_a_killed_copy_left_makes_room_and_a_whole_world_never_does() -> Tried {
    // Claim: leftovers without a FORMAT are removed by the next backup and the next import to the same target; a world
    // of that name, somebody's own files, and a copy that is being made are refused, and stay.
    let dir = tempfile::tempdir()?;
    let (world, target, partial) =
        (dir.path().join("world"), dir.path().join("copy"), dir.path().join("copy.partial"));
    let mut engine = scene(Engine::open(&world)).build()?;
    engine.run(Pace::frames(4))?;
    let image = engine.image()?;
    let mut tried = |way: &str| -> Result<(), String> {
        let made = match way {
            "backup" => engine.backup(&target).map(drop).map_err(|error| error.to_string()),
            _ => import(&target, &image, |_| {}).map_err(|error| error.to_string()),
        };
        if made.is_ok() {
            assert_eq!(inspect(&target, None).map_or(None, |report| report.frame), Some(4), "{way}");
            std::fs::remove_dir_all(&target).map_err(|error| error.to_string())?;
        }
        made
    };
    for way in ["backup", "import"] {
        std::fs::create_dir_all(partial.join("db/keyspaces"))?;
        std::fs::create_dir_all(partial.join("db.new/keyspaces"))?;
        for name in ["LOCK", "watermark", "watermark.new", "FORMAT.new", "db/0.jnl", "db.new/0.jnl"] {
            std::fs::write(partial.join(name), "torn")?;
        }
        assert!(matches!(inspect(&partial, None), Err(StoreError::NotAWorld { .. })));
        tried(way)?;
        assert!(!partial.exists(), "{way} has left it there");
        let held =
            std::fs::create_dir(&partial).and_then(|()| std::fs::File::create(partial.join("LOCK")))?;
        held.lock()?;
        let said = tried(way).err().ok_or("it was removed under another one's hands")?;
        assert!(said.contains("another copy is being made"), "{way}: {said}");
        drop(held);
        std::fs::write(partial.join("letter"), "mine")?;
        let said = tried(way).err().ok_or("somebody's files were removed")?;
        assert!(said.contains("other files"), "{way}: {said}");
        std::fs::remove_dir_all(&partial)?;
        drop(scene(Engine::open(&partial)).build()?);
        let said = tried(way).err().ok_or("a world was removed")?;
        assert!(said.contains(NAMELESS) && said.contains("copy.partial"), "{way}: {said}");
        assert_eq!(inspect(&partial, None)?.problems, Vec::<String>::new());
        std::fs::remove_dir_all(&partial)?;
    }
    Ok(())
}
