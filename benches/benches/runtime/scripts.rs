//! Commands inside scripts, on one thread, without a store.
//!
//! Invariant: a sample is whole frames, from sending the script to its answer; the script was parsed before.

use crate::office::{Office, builder, forms, seconds};
use benches::{Suite, Target};
use diptych::prelude::Runtime;
use diptych::runtime::slp::Object;

const KEYS: usize = 1000;
/// Forms of a script; a frame lets it make 100,000 steps.
const FORMS: usize = 10_000;
const FRAMES: usize = 20;

pub(crate) fn run(suite: &mut Suite) {
    let rows = [
        ("script of 10,000 forms (core/kv/get k), 1,000 keys, 1 thread", "core/kv/get", "", 250.0),
        ("script of 10,000 forms (core/kv/set k 1), 1,000 keys, 1 thread", "core/kv/set", " 1", 500.0),
    ];
    for (name, command, rest, most) in rows {
        if suite.wants(name) {
            let text: String = (0..FORMS).map(|n| format!("({command} key_{:04}{rest})", key(n))).collect();
            let mut office = office();
            let program = forms(&text);
            suite.measure(name, "ns/form", Target::AtMost(most), &mut || many(&mut office, &program));
        }
    }
    let rows = [
        ("scripts of one form (core/kv/get k), 4,096 a frame, 1 thread", "core/kv/get", ""),
        ("scripts of one form (core/kv/set k 1), 4,096 a frame, 1 thread", "core/kv/set", " 1"),
    ];
    for (name, command, rest) in rows {
        if suite.wants(name) {
            let programs: Vec<Object> =
                (0..FORMS).map(|n| forms(&format!("({command} key_{:04}{rest})", key(n)))).collect();
            let mut office = office();
            suite.measure(name, "ns/script", Target::None, &mut || each(&mut office, &programs));
        }
    }
}

/// Keys in no order.
fn key(n: usize) -> usize {
    n * 7919 % KEYS
}

fn office() -> Office {
    let mut office = Office::open(builder(None, 1), Runtime::default(), 1);
    let text: String = (0..KEYS).map(|n| format!("(core/kv/set key_{n:04} 1)")).collect();
    let program = forms(&text);
    office.all(1, |office, _| office.run(0, &program));
    office
}

fn many(office: &mut Office, program: &Object) -> f64 {
    let taken = seconds(|| (0..FRAMES).for_each(|_| office.all(1, |office, _| office.run(0, program))));
    taken * 1e9 / (FRAMES * FORMS) as f64
}

fn each(office: &mut Office, programs: &[Object]) -> f64 {
    let taken =
        seconds(|| (0..FRAMES).for_each(|_| office.all(FORMS, |office, n| office.run(0, &programs[n]))));
    taken * 1e9 / (FRAMES * FORMS) as f64
}
