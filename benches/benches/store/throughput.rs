//! A dense scene at full speed: bytes of state committed a second, beside fjall alone.
//!
//! Invariant: a sample ends when everything in it was handed to the operating system and synced once, on both
//! sides. The peer overwrites the same 2.4 MB as 64 KiB pages, one batch a frame, with fjall's own defaults.

use crate::{STATE_BYTES, dense};
use benches::{Probe, Suite, Target, scene};
use diptych_engine::Engine;
use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use std::path::Path;
use std::time::Instant;

const FRAMES: u64 = 200;
const PAGE_BYTES: usize = 64 << 10;

pub(crate) fn run(suite: &mut Suite) {
    let name = "dense 100,000 x 24 B at full speed, state committed";
    if !suite.wants(name) {
        return;
    }
    let (our_dir, peer_dir) = (tempfile::tempdir(), tempfile::tempdir());
    let our_dir = our_dir.expect("a directory for the store");
    let peer_dir = peer_dir.expect("a directory for fjall");
    let mut engine = scene::warm(dense(Engine::open(our_dir.path()), &Probe::default()));
    let mut ours = || {
        rate(|| {
            scene::run(&mut engine, FRAMES);
            engine.flush().expect("the store works");
        })
    };
    let mut alone = fjall_alone(peer_dir.path());
    suite.compare(name, "MB/s", Target::RatioAtLeast(0.8), &mut ours, ("fjall alone", &mut alone));
}

/// Megabytes a second of a run that makes [`FRAMES`] frames.
fn rate(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    (FRAMES * STATE_BYTES) as f64 / start.elapsed().as_secs_f64() / 1e6
}

fn fjall_alone(dir: &Path) -> impl FnMut() -> f64 {
    let database = Database::builder(dir).manual_journal_persist(true).open().expect("fjall opens");
    let options = || KeyspaceCreateOptions::default().manual_journal_persist(true);
    let keyspace = database.keyspace("pages", options).expect("fjall makes a keyspace");
    let mut state = vec![0_u8; STATE_BYTES as usize];
    let mut frame = 0_u64;
    move || {
        rate(|| {
            for _ in 0..FRAMES {
                frame += 1;
                // One word a page is new: fjall neither compares nor compresses.
                state.chunks_mut(PAGE_BYTES).for_each(|page| page[..8].copy_from_slice(&frame.to_le_bytes()));
                let mut batch = database.batch().durability(None);
                for (number, page) in state.chunks(PAGE_BYTES).enumerate() {
                    batch.insert(&keyspace, (number as u32).to_be_bytes(), page);
                }
                batch.commit().expect("fjall writes");
                database.persist(PersistMode::Buffer).expect("fjall hands over");
            }
            database.persist(PersistMode::SyncData).expect("fjall syncs");
        })
    }
}
