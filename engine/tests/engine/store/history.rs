//! History: every kept frame comes back as it was, of a running, a stopped and a reopened world, whatever
//! checkpoints were being copied; what is not kept is refused with what is.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use diptych_engine::store::{
    Durability, History, Past, RowKind, Store, StoreError, TypeEntry, at, inspect, verify,
};

use super::looking::digest;
use super::model::{Driver, Model, facts, options, types};

fn open(dir: &Path, history: History) -> Result<Store, StoreError> {
    let mut options = options(Durability::Buffered);
    options.history = history;
    Ok(Store::open(dir, &types(), &facts(), &options)?.0)
}

/// The worlds after each frame, empty ones too: an empty frame keeps the rows and forgets the marks.
#[derive(Default)]
struct Told(BTreeMap<u64, Model>);

impl Told {
    fn tell(&mut self, model: &Model) {
        let Some(last) = model.frame else { return };
        let next = self.0.last_key_value().map_or(0, |(frame, _)| frame + 1);
        for frame in next..last {
            let mut between = self.0.get(&(frame - 1)).expect("frame 0 is never empty").clone();
            between.frame = Some(frame);
            between.forget();
            self.0.insert(frame, between);
        }
        self.0.insert(last, model.clone());
    }

    /// Every frame of the range is there as it was told.
    fn check(&self, past: &Past, what: &str) -> Result<std::ops::RangeInclusive<u64>, Box<dyn Error>> {
        let kept = past.retained().ok_or("no frame is kept")?;
        for frame in kept.clone() {
            let (image, model) = (past.at(frame)?, &self.0[&frame]);
            model.compare_image(&image).map_err(|error| format!("{what}, frame {frame}: {error}"))?;
            if image.digest().0 != digest(model) {
                return Err(format!("{what}, frame {frame}: another digest").into());
            }
        }
        Ok(kept)
    }
}

#[test]
fn every_kept_frame_is_as_it_was() -> Result<(), Box<dyn Error>> {
    // Goal: with a new checkpoint about every 20 frames, copied over some of them, each frame of the last 60 comes
    // back in the running world, in a copy of its directory, and after each reopening, as a naive world had it.
    for seed in [1_u64, 2, 3] {
        let dir = tempfile::tempdir()?;
        let mut driver = Driver::new(seed);
        let mut told = Told::default();
        for round in 0..4 {
            let mut store = open(dir.path(), History::frames(60))?;
            driver.reopened();
            for _ in 0..70 {
                driver.frame(&mut store)?;
                told.tell(&driver.model);
            }
            store.flush()?;
            let last = driver.model.frame.expect("frames were made");
            let kept = told.check(&store.past(), &format!("seed {seed}, round {round}, running"))?;
            assert_eq!(*kept.end(), last, "the last frame is kept");
            assert!(*kept.start() <= last.saturating_sub(60), "{kept:?} of {last}");
            assert!(round < 3 || *kept.start() > 0, "{kept:?} of {last}: older ones went");
            let copied = told.check(&Past::of(dir.path(), None)?, "a copy of the running world")?;
            assert_eq!(copied, kept, "the copy keeps what the world keeps");
            drop(store);
            let copied = told.check(&Past::of(dir.path(), None)?, "a copy of the stopped world")?;
            assert_eq!(*copied.end(), last);
            let report = inspect(dir.path(), None)?;
            assert_eq!((report.kept, report.problems), (Some(copied), Vec::new()));
        }
    }
    Ok(())
}

#[test]
fn a_frame_that_is_not_kept_is_refused_with_those_that_are() -> Result<(), Box<dyn Error>> {
    // Goal: too early, too late, and in a world without frames; with no history the last checkpoint is all.
    let dir = tempfile::tempdir()?;
    let mut store = open(dir.path(), History::default())?;
    assert_eq!(store.past().retained(), None);
    let message = store.past().at(0).map(drop).expect_err("no frame").to_string();
    assert!(message.contains("no frame yet"), "{message}");
    let mut driver = Driver::new(5);
    for _ in 0..300 {
        driver.frame(&mut store)?;
    }
    store.flush()?;
    let kept = store.past().retained().ok_or("frames were made")?;
    let last = driver.model.frame.expect("frames were made");
    assert!(
        *kept.start() > 0 && *kept.end() == last,
        "{kept:?} of {last}: nothing beyond the last checkpoint"
    );
    for frame in [0, kept.start() - 1, last + 1] {
        let message = store.past().at(frame).map(drop).expect_err("not kept").to_string();
        let named = format!("frame {frame} is not kept: the frames {} to {last} are", kept.start());
        assert!(message.contains(&named), "{message}");
    }
    drop(store);
    let message = at(dir.path(), last + 7).map(drop).expect_err("not made").to_string();
    assert!(message.contains(&format!("to {last} are")), "{message}");
    Ok(())
}

#[test]
fn bytes_and_frames_bound_what_is_kept() -> Result<(), Box<dyn Error>> {
    // Goal: few bytes keep few frames however many were asked for; a smaller history at the next opening lets go.
    let dir = tempfile::tempdir()?;
    let mut driver = Driver::new(8);
    let few = History { frames: u64::MAX, bytes: 400_000 };
    let mut store = open(dir.path(), few)?;
    for _ in 0..800 {
        driver.frame(&mut store)?;
    }
    store.flush()?;
    let last = driver.model.frame.expect("frames were made");
    let first = *store.past().retained().ok_or("frames")?.start();
    assert!(first > 0 && first + 30 < last, "{first} to {last}: something is kept, not everything");
    drop(store);
    let store = open(dir.path(), few)?;
    assert_eq!(store.past().retained(), Some(first..=last), "the same after reopening");
    drop(store);
    let store = open(dir.path(), History::default())?;
    assert!(*store.past().retained().ok_or("frames")?.start() > first, "a shorter history lets go");
    drop(store);
    assert_eq!(verify(dir.path(), None)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn older_frames_keep_the_types_they_were_made_with() -> Result<(), Box<dyn Error>> {
    // Goal: a type that is new to the world is not in the digest of a frame before it.
    let dir = tempfile::tempdir()?;
    let mut driver = Driver::new(3);
    let mut store = open(dir.path(), History::frames(1000))?;
    for _ in 0..60 {
        driver.frame(&mut store)?;
    }
    drop(store);
    let (last, before) = (driver.model.frame.expect("frames"), digest(&driver.model));
    let mut more = types();
    more.push(TypeEntry {
        name: "test.new".to_owned(),
        version: 1,
        row: RowKind::Variable,
        layout: 0,
        transient: false,
    });
    for _ in 0..2 {
        let mut options = options(Durability::Buffered);
        options.history = History::frames(1000);
        let (mut store, _) = Store::open(dir.path(), &more, &facts(), &options)?;
        driver.reopened();
        for _ in 0..60 {
            driver.frame(&mut store)?;
        }
        store.flush()?;
        let (then, now) = (store.past().at(last)?, store.past().at(last + 1)?);
        assert_eq!(then.digest().0, before);
        assert!(then.type_key("test.new").is_none() && now.type_key("test.new").is_some());
    }
    Ok(())
}

#[test]
fn looking_back_goes_on_while_frames_are_made() -> Result<(), Box<dyn Error>> {
    // Goal: frames come and epochs go while other threads look; what they get is right or refused as not kept.
    let dir = tempfile::tempdir()?;
    let mut store = open(dir.path(), History::frames(60))?;
    let mut driver = Driver::new(77);
    driver.frame(&mut store)?;
    let (mut digests, past) = (BTreeMap::new(), store.past());
    let seen = std::thread::scope(|scope| {
        let look = || {
            let mut seen: Vec<(u64, u128)> = Vec::new();
            let mut refused = 0;
            while seen.len() < 25 {
                let Some(kept) = past.retained() else { continue };
                let frame = kept.start() + (seen.len() as u64 * 7) % (kept.end() - kept.start() + 1);
                match past.at(frame) {
                    Ok(image) => seen.push((frame, image.digest().0)),
                    Err(StoreError::NotKept { .. }) if refused < 1000 => refused += 1,
                    Err(error) => return Err(error.to_string()),
                }
            }
            Ok::<_, String>(seen)
        };
        let looking: Vec<_> = (0..2).map(|_| scope.spawn(look)).collect();
        while looking.iter().any(|thread| !thread.is_finished()) {
            driver.frame(&mut store).map_err(|error| error.to_string())?;
            digests.insert(driver.model.frame, digest(&driver.model));
        }
        let mut seen = Vec::new();
        for thread in looking {
            seen.extend(thread.join().map_err(|_| "a thread that looks panicked")??);
        }
        Ok::<_, String>(seen)
    })?;
    let known: Vec<_> = seen.iter().filter(|(frame, _)| digests.contains_key(&Some(*frame))).collect();
    assert!(known.len() > 20, "{} frames were looked at", known.len());
    for (frame, seen) in known {
        assert_eq!(digests[&Some(*frame)], *seen, "frame {frame}");
    }
    Ok(())
}
