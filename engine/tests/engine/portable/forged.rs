//! Deltas that somebody has put together: sealed and summed as real ones, and yet of another chain, of other types, or
//! of operations that do not fit.

use super::scene::{Health, engine, scene};
use super::*;
use diptych_engine::store::{DeltaWriter, Link, Mark, StoreError, ViewWorld, WorldDelta};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// Where the fields of an encoded delta are: magic, source and its link, target and its link, then the catalog.
const TARGET: usize = 32;
const CATALOG: usize = 56;

/// The parts of an encoded delta.
#[derive(Clone)]
struct Forged {
    head: Vec<u8>,
    catalog: Vec<u8>,
    records: Vec<Vec<u8>>,
}

impl Forged {
    fn of(delta: &WorldDelta) -> Self {
        let bytes = delta.encode();
        let part = |at: usize| bytes[at + 8..][..word(&bytes, at) as usize].to_vec();
        let catalog = part(CATALOG);
        let mut at = CATALOG + 8 + catalog.len();
        let count = word(&bytes, at);
        at += 8;
        let mut records = Vec::new();
        for _ in 0..count {
            records.push(part(at));
            at += 8 + word(&bytes, at) as usize;
        }
        Self { head: bytes[..CATALOG].to_vec(), catalog, records }
    }

    /// One record after the frame of a view, in its chain.
    fn one(view: &ViewWorld, like: &Self, write: impl FnOnce(&mut DeltaWriter)) -> Tried<Self> {
        let mut writer = DeltaWriter::default();
        writer.begin(Vec::new(), view.frame() + 1, 0.5);
        write(&mut writer);
        let mut forged = like.clone();
        forged.records = vec![writer.finish().into_sealed_bytes()];
        let link = seal(&mut forged.records[0], view.image().link().ok_or("no history")?);
        forged.target(view.frame() + 1, link);
        Ok(forged)
    }

    fn target(&mut self, frame: u64, link: Link) {
        for (n, word) in [frame, link.frame, link.checksum].into_iter().enumerate() {
            self.head[TARGET + 8 * n..][..8].copy_from_slice(&word.to_le_bytes());
        }
    }

    /// As bytes, with sums that are right, and back.
    fn delta(&self) -> Result<WorldDelta, StoreError> {
        let mut bytes = self.head.clone();
        bytes.extend_from_slice(&(self.catalog.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&self.catalog);
        bytes.extend_from_slice(&(self.records.len() as u64).to_le_bytes());
        for record in &self.records {
            bytes.extend_from_slice(&(record.len() as u64).to_le_bytes());
            bytes.extend_from_slice(record);
        }
        let sum = xxh3_64(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        WorldDelta::decode(&bytes)
    }

    /// Puts other bytes in place of some of the catalog, whose own sum is made right.
    fn recast(&mut self, old: &[u8], new: &[u8]) -> Tried {
        let at =
            self.catalog.windows(old.len()).position(|bytes| bytes == old).ok_or("not in the catalog")?;
        self.catalog[at..at + new.len()].copy_from_slice(new);
        let end = self.catalog.len() - 8;
        let sum = xxh3_64(&self.catalog[..end]);
        self.catalog[end..].copy_from_slice(&sum.to_le_bytes());
        Ok(())
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// Puts a record into a chain; its own link.
fn seal(record: &mut [u8], previous: Link) -> Link {
    record[24..32].copy_from_slice(&previous.frame.to_le_bytes());
    record[32..40].copy_from_slice(&previous.checksum.to_le_bytes());
    let checksum = xxh3_64(&record[..56]);
    record[56..64].copy_from_slice(&checksum.to_le_bytes());
    Link { frame: word(record, 8), checksum }
}

fn view_of(engine: &mut Engine) -> Tried<ViewWorld> {
    Ok(ViewWorld::new(engine.image()?))
}

/// The delta is refused for that reason, and the view is as before.
#[track_caller]
fn refused(view: &ViewWorld, delta: Result<WorldDelta, StoreError>, reason: &str) {
    let mut tried = view.clone();
    let said = match delta.and_then(|delta| tried.apply_delta(&delta)) {
        Ok(()) => panic!("it was applied, instead of: {reason}"),
        Err(error) => error.to_string(),
    };
    assert!(said.contains(reason), "{reason}: {said}");
    assert_eq!((tried.frame(), tried.image().digest()), (view.frame(), view.image().digest()), "{reason}");
    assert!(tried.image().tables() == view.image().tables(), "{reason}");
}

#[test]
fn records_that_are_not_the_chain_are_refused() -> Tried {
    // Claim: a record left out, at either end or between, doubled, out of its order, of another world, or none but a page,
    // is refused, and what leads nowhere or back too.
    let mut engine = engine()?;
    engine.run(Pace::frames(7))?;
    let view = view_of(&mut engine)?;
    for _ in 0..4 {
        engine.step()?;
    }
    let good = Forged::of(&engine.delta_since(7)?);
    assert!(good.records.len() >= 3, "the frames are quiet");
    good.delta().and_then(|delta| view.clone().apply_delta(&delta))?;
    let mut other = scene(Engine::in_memory()).seed(4).deltas(64).build()?;
    other.run(Pace::frames(11))?;
    let foreign = Forged::of(&other.delta_since(7)?);
    let changed = |change: &dyn Fn(&mut Forged)| {
        let mut forged = good.clone();
        change(&mut forged);
        forged.delta()
    };
    let last = good.records.len() - 1;
    refused(&view, changed(&|forged| drop(forged.records.remove(0))), "does not follow the one before");
    refused(&view, changed(&|forged| drop(forged.records.remove(1))), "does not follow the one before");
    refused(&view, changed(&|forged| drop(forged.records.remove(last))), "its records end at frame");
    refused(&view, changed(&|forged| forged.records.clear()), "its records end at frame 7");
    refused(&view, changed(&|forged| forged.records.swap(0, 1)), "does not follow the one before");
    refused(&view, changed(&|forged| forged.records[1] = foreign.records[1].clone()), "record 1");
    // The chain of these is right, and their frames are not.
    let link = view.image().link().ok_or("no history")?;
    let resealed = |frames: [u64; 2], target: u64| {
        changed(&|forged| {
            forged.records.truncate(2);
            let mut end = link;
            for (record, frame) in forged.records.iter_mut().zip(frames) {
                record[8..16].copy_from_slice(&frame.to_le_bytes());
                end = seal(record, end);
            }
            forged.target(target, end);
        })
    };
    resealed([8, 9], 9).and_then(|delta| view.clone().apply_delta(&delta))?;
    refused(&view, resealed([8, 8], 8), "frame 8 does not come after 8");
    refused(&view, resealed([9, 8], 9), "frame 8 does not come after 9");
    refused(&view, resealed([7, 8], 8), "frame 7 does not come after 7");
    refused(&view, resealed([8, 10], 9), "frame 10 does not come after 8");
    refused(&view, changed(&|forged| forged.target(3, link)), "it leads back, from frame 7 to 3");
    let page = |forged: &mut Forged| {
        let mut writer = DeltaWriter::default();
        writer.begin_page(Vec::new(), 8);
        forged.records = vec![writer.finish().into_sealed_bytes()];
        let end = seal(&mut forged.records[0], link);
        forged.target(8, end);
    };
    refused(&view, changed(&page), "frame 8 does not come after 7");
    Ok(())
}

#[test]
fn operations_that_do_not_fit_are_refused_before_any_is_carried_out() -> Tried {
    // Claim: each kind of operation that the world has no place for is refused by frame, operation and reason, though good
    // ones stand before it; and what is carried out all the same is seen not to agree with its digest.
    let mut engine = engine()?;
    engine.run(Pace::frames(7))?;
    let mut view = view_of(&mut engine)?;
    engine.step()?;
    let like = Forged::of(&engine.delta_since(7)?);
    let types = view.image().types().len() as u16;
    let key = |name: &str| view.image().type_key(name).ok_or(format!("no type {name}"));
    let (health, word, flash) = (key("scene.health")?, key("scene.word")?, key("scene.flash")?);
    let place = |key: u16, has: bool| {
        let tables = view.image().tables();
        let found = tables.iter().position(|table| table.rows > 0 && table.types.contains(&key) == has);
        found.map(|table| table as u32).ok_or("no such table")
    };
    let (with, without, worded, flashing) =
        (place(health, true)?, place(health, false)?, place(word, true)?, place(flash, true)?);
    let (tables, rows) = (view.image().tables().len() as u32, view.image().tables()[with as usize].rows);
    type Write = Box<dyn FnOnce(&mut DeltaWriter)>;
    let fixed = move |table: u32, row: u32, bytes: Vec<u8>| -> Write {
        Box::new(move |writer| writer.rows_fixed(health, table, row, 1, Mark::Changed, &bytes))
    };
    let cases: Vec<(Write, &str)> = vec![
        (Box::new(|w| w.swap_remove(0, 1_000_000)), "row 1000000 of table 0 goes"),
        (Box::new(|w| w.swap_remove(99, 0)), "table 99 does not exist"),
        (Box::new(|w| w.push(0, 1_000_000)), "1000000 rows are added that the record has no bytes for"),
        (Box::new(|w| w.move_row(0, 0, 0)), "moves into its own table"),
        (Box::new(|w| w.table(0, &[0])), "table 0 is created as number"),
        (Box::new(move |w| w.table(tables, &[1])), "no column of ids"),
        (Box::new(move |w| w.table(tables, &[0, 1, 1])), "has a type twice"),
        (Box::new(move |w| w.table(tables, &[0, types])), "is not in the catalog"),
        (Box::new(move |w| w.removed(types, &[1])), "is not in the catalog"),
        (Box::new(move |w| w.rows_fixed(types, 0, 0, 1, Mark::Changed, &[0; 8])), "is not in the catalog"),
        (fixed(with, rows, vec![0; 8]), "rows up to"),
        (fixed(without, 0, vec![0; 8]), "has no type scene.health"),
        (fixed(with, 0, vec![0; 4]), "1 rows of scene.health came as 4 bytes"),
        (
            Box::new(move |w| w.rows_fixed(word, worded, 0, 1, Mark::Changed, &[0; 8])),
            "rows of scene.word came in another kind",
        ),
        (
            Box::new(move |w| w.rows_variable(health, with, 0, 1, Mark::Changed, |_, out| out.push(1))),
            "rows of scene.health came in another kind",
        ),
        (
            Box::new(move |w| {
                w.rows_fixed(flash, flashing, 0, 1, Mark::Changed, &[1; 8]);
                w.swap_remove(flashing, 0);
            }),
            "rows of a transient type are set before structure moves rows",
        ),
    ];
    for (write, reason) in cases {
        let forged = Forged::one(&view, &like, |writer| {
            writer.rows_fixed(health, with, 0, 1, Mark::Changed, &[9; 8]);
            write(writer);
        })?;
        refused(&view, forged.delta(), reason);
        refused(&view, forged.delta(), "of frame 8: ");
    }
    let lying = Forged::one(&view, &like, |writer| {
        writer.rows_fixed(health, with, 0, 1, Mark::Changed, &[9; 8]);
        writer.digest(7);
    })?;
    view.apply_delta(&lying.delta()?)?;
    assert_eq!((view.frame(), view.agrees()), (8, Some(false)));
    Ok(())
}

#[test]
fn a_delta_of_other_types_is_refused_with_what_to_do() -> Tried {
    // Claim: the same world after a type more, or a newer version of one, has deltas that a view of its earlier snapshot
    // refuses by the type's name, and the other way round; and so for any other name, version or layout.
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    let narrow = |path: &Path| {
        Engine::open(path).state::<Health>("type.health", 1).deltas(64).setup("one", |structure| {
            structure.spawn((Health(1),));
        })
    };
    let mut engine = narrow(&path).build()?;
    engine.run(Pace::frames(3))?;
    let before = view_of(&mut engine)?;
    engine.run(Pace::frames(2))?;
    let good = engine.delta_since(3)?;
    let later = view_of(&mut engine)?;
    drop(engine);
    before.clone().apply_delta(&good)?;
    let mut engine = narrow(&path).state::<Position>("type.position", 1).build()?;
    let wide = view_of(&mut engine)?;
    engine.run(Pace::frames(2))?;
    let delta = engine.delta_since(5)?;
    drop(engine);
    wide.clone().apply_delta(&delta)?;
    refused(&later, Ok(delta.clone()), "its type type.position is unknown to the view; take a new snapshot");
    // What knows less than the view: the same delta in the history of the wider one.
    let mut less = Forged::of(&delta);
    less.catalog.clone_from(&Forged::of(&good).catalog);
    refused(&wide, less.delta(), "it does not know the type type.position; take a new snapshot");
    let newer = Engine::open(&path)
        .state::<Health>("type.health", 2)
        .state::<Position>("type.position", 1)
        .upcast::<Health>(1, |bytes| Ok(bytes.to_vec()))
        .deltas(64);
    let wide = ViewWorld::new(diptych_engine::store::at(&path, 7)?);
    let mut engine = newer.build()?;
    engine.run(Pace::frames(2))?;
    refused(
        &wide,
        Ok(engine.delta_since(7)?),
        "is type.health of version 2, the view's is type.health of version 1",
    );
    let mut named = Forged::of(&good);
    named.recast(b"type.health", b"type.wealth")?;
    refused(&before, named.delta(), "is type.wealth of version 1, the view's is type.health");
    let layout =
        before.image().types().iter().find(|entry| entry.name == "type.health").ok_or("none")?.layout;
    let mut laid = Forged::of(&good);
    laid.recast(&layout.to_le_bytes(), &(layout ^ 1).to_le_bytes())?;
    refused(&before, laid.delta(), "its type type.health has another layout");
    Ok(())
}
