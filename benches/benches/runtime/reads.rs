//! `get` through sessions and through a lease, beside fjall's `get` on the same data.
//!
//! Invariant: both sides hold the same 100,000 entries of 64 scopes and look all of them up, in an order that is not
//! theirs; every answer is compared in length, so it is read. What is sent through sessions has two threads, and so
//! has the peer there; a lease has one, and so has its peer.

use crate::office::{Office, REQUESTS_A_FRAME, SCOPES, VALUE, scope, seconds};
use crate::writes::{Peer, dir, keys, office, raw};
use benches::{Suite, Target};
use diptych::runtime::Operation;
use diptych::runtime::slp::Object;
use std::hint::black_box;

const ENTRIES: usize = 100_000;
/// Lookups of a sample; a lease is held for none of them, or for this many.
const GETS: usize = 400_000;
const GETS_A_LEASE: usize = 1000;

pub(crate) fn run(suite: &mut Suite) {
    let sessions = "get through sessions, 100,000 entries in 64 scopes, 2 threads";
    let lease = "get through a lease, 100,000 entries in 64 scopes, 1 thread";
    let long = "get through a lease of 1,000 gets, 100,000 entries in 64 scopes, 1 thread";
    if ![sessions, lease, long].iter().any(|name| suite.wants(name)) {
        return;
    }
    let (our_dir, peer_dir) = (dir(), dir());
    let keys = keys(ENTRIES);
    let raw = raw(&keys);
    let mut office = office(our_dir.path());
    office.all(ENTRIES, |office, n| {
        office.send(n % SCOPES, Operation::Set(keys[n].as_bytes().into(), Object::string(VALUE)));
    });
    let mut peer = Peer::open(peer_dir.path());
    peer.set(ENTRIES, &raw, REQUESTS_A_FRAME);
    if suite.wants(sessions) {
        let mut ours = || rate(|| asked(&mut office, &keys));
        let mut theirs = || rate(|| two(&peer, &raw));
        let peer = ("fjall, 2 threads", &mut theirs as &mut dyn FnMut() -> f64);
        suite.compare(sessions, "k get/s", Target::RatioAtLeast(2.0), &mut ours, peer);
    }
    for (name, at_once) in [(lease, 1), (long, GETS_A_LEASE)] {
        if suite.wants(name) {
            let mut ours = || rate(|| leased(&office, &keys, at_once));
            let mut theirs = || rate(|| alone(&peer, &raw, 0..GETS));
            let peer = ("fjall, 1 thread", &mut theirs as &mut dyn FnMut() -> f64);
            suite.compare(name, "k get/s", Target::RatioAtLeast(10.0), &mut ours, peer);
        }
    }
}

/// Thousands of lookups a second.
fn rate(run: impl FnOnce()) -> f64 {
    GETS as f64 / seconds(run) / 1e3
}

/// The `n`th key that is looked up.
fn key(n: usize) -> usize {
    n * 7919 % ENTRIES
}

fn asked(office: &mut Office, keys: &[String]) {
    office.stream(GETS, |office, n| {
        let key = key(n);
        office.send(key % SCOPES, Operation::Get(keys[key].as_bytes().into()));
    });
}

fn leased(office: &Office, keys: &[String], at_once: usize) {
    let reader = office.engine.reader();
    let scopes: Vec<String> = (0..SCOPES).map(scope).collect();
    for first in (0..GETS).step_by(at_once) {
        let look = || {
            office.client.look(|index| {
                for n in first..first + at_once {
                    let key = key(n);
                    let value = index.get(&scopes[key % SCOPES], keys[key].as_bytes()).expect("it is there");
                    assert_eq!(black_box(value.view().string()).map(<[u8]>::len), Some(VALUE.len()));
                }
            });
        };
        reader.read("bench", |_| look()).expect("a lease is given");
    }
}

fn alone(peer: &Peer, raw: &[Vec<u8>], numbers: std::ops::Range<usize>) {
    for n in numbers {
        let value = peer.keyspace.get(&raw[key(n)]).expect("fjall reads").expect("it is there");
        assert_eq!(black_box(value).len(), VALUE.len());
    }
}

fn two(peer: &Peer, raw: &[Vec<u8>]) {
    std::thread::scope(|threads| {
        threads.spawn(|| alone(peer, raw, 0..GETS / 2));
        alone(peer, raw, GETS / 2..GETS);
    });
}
