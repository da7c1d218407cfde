//! `set` through sessions into a buffered store, beside fjall alone.
//!
//! Invariant: both sides write the same keys and values in batches of the same size, hand every batch to the
//! operating system, and end when all of it is there. The keys are made before the clock starts.

use crate::office::{Office, REQUESTS_A_FRAME, SCOPES, Sender, VALUE, builder, scope, seconds};
use benches::{Suite, Target};
use diptych::prelude::Runtime;
use diptych::runtime::Operation;
use diptych::runtime::slp::Object;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use std::path::Path;
use tempfile::TempDir;

const SETS: usize = 1_000_000;
const FEW_KEYS: usize = 10_000;

pub(crate) fn run(suite: &mut Suite) {
    for (what, at_once) in [("", REQUESTS_A_FRAME), (", 1,024 a batch", 1024)] {
        let name = format!("1 M set over 64 scopes, distinct keys, buffered, 2 threads{what}");
        if suite.wants(&name) {
            let keys = keys(SETS);
            let mut ours = || {
                let dir = dir();
                rate(&mut office(dir.path()), &keys, at_once)
            };
            let mut peer = || {
                let dir = dir();
                alone(&mut Peer::open(dir.path()), &keys, at_once)
            };
            suite.compare(&name, "k set/s", Target::RatioAtLeast(4.0), &mut ours, ("fjall alone", &mut peer));
        }
        let name = format!("1 M set over 64 scopes, 10,000 keys overwritten, buffered, 2 threads{what}");
        if suite.wants(&name) {
            let keys = keys(FEW_KEYS);
            let (our_dir, peer_dir) = (dir(), dir());
            let mut office = office(our_dir.path());
            let mut peer = Peer::open(peer_dir.path());
            let mut ours = || rate(&mut office, &keys, at_once);
            let mut peer = || alone(&mut peer, &keys, at_once);
            suite.compare(&name, "k set/s", Target::RatioAtLeast(4.0), &mut ours, ("fjall alone", &mut peer));
        }
    }
}

/// A directory that goes away.
pub(crate) fn dir() -> TempDir {
    tempfile::tempdir().expect("a directory for the store")
}

/// Sixty-four scopes on disk, two threads.
pub(crate) fn office(dir: &Path) -> Office {
    Office::open(builder(Some(dir), 2), Runtime::default(), SCOPES)
}

/// Keys without their scope; that is the key's number modulo the count of scopes.
pub(crate) fn keys(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("key_{n:07}")).collect()
}

fn set(key: &str) -> Operation {
    Operation::Set(key.as_bytes().into(), Object::string(VALUE))
}

/// Thousands of sets a second, so many in a frame.
fn rate(office: &mut Office, keys: &[String], at_once: usize) -> f64 {
    let taken = seconds(|| {
        let send = |office: &Sender<'_>, n: usize| {
            let key = n % keys.len();
            office.send(key % SCOPES, set(&keys[key]));
        };
        office.all_by(at_once, SETS, send);
        office.engine.flush().expect("the store works");
    });
    office.client.look(|index| {
        assert_eq!(index.len(), keys.len() as u64, "all keys are there");
        let last = index.get(&scope((keys.len() - 1) % SCOPES), keys[keys.len() - 1].as_bytes());
        assert_eq!(last, Some(&Object::string(VALUE)));
    });
    SETS as f64 / taken / 1e3
}

/// fjall without anything.
pub(crate) struct Peer {
    database: Database,
    pub(crate) keyspace: Keyspace,
}

impl Peer {
    pub(crate) fn open(dir: &Path) -> Self {
        let database = Database::builder(dir).manual_journal_persist(true).open().expect("fjall opens");
        let options = || KeyspaceCreateOptions::default().manual_journal_persist(true);
        let keyspace = database.keyspace("entries", options).expect("fjall makes a keyspace");
        Self { database, keyspace }
    }

    /// Sets every key once, or as often as makes this many, in batches of so many.
    pub(crate) fn set(&mut self, count: usize, keys: &[Vec<u8>], at_once: usize) {
        for first in (0..count).step_by(at_once) {
            let mut batch = self.database.batch().durability(None);
            for n in first..count.min(first + at_once) {
                batch.insert(&self.keyspace, keys[n % keys.len()].as_slice(), VALUE);
            }
            batch.commit().expect("fjall writes");
            self.database.persist(PersistMode::Buffer).expect("fjall hands over");
        }
    }
}

/// The same keys as fjall has them.
pub(crate) fn raw(keys: &[String]) -> Vec<Vec<u8>> {
    keys.iter().enumerate().map(|(n, key)| format!("{}/{key}", scope(n % SCOPES)).into_bytes()).collect()
}

fn alone(peer: &mut Peer, keys: &[String], at_once: usize) -> f64 {
    let raw = raw(keys);
    SETS as f64 / seconds(|| peer.set(SETS, &raw, at_once)) / 1e3
}
