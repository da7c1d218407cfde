//! Frames beside 100,000 suspended scripts that nothing wakes. What each takes of memory is in the bench `memory`.
//!
//! Invariant: both worlds make the same frames; one has the scripts.

use crate::office::{Office, REQUESTS_A_FRAME, builder, forms, seconds};
use benches::{Suite, Target};
use diptych::prelude::{Pace, Runtime};
use diptych::runtime::Settings;

/// Scripts at rest.
const SCRIPTS: usize = 100_000;
const FRAMES: u64 = 20_000;

pub(crate) fn run(suite: &mut Suite) {
    let name = "suspended scripts, 100,000 that nothing wakes, frame, 2 threads";
    if !suite.wants(name) {
        return;
    }
    let (mut with, mut without) = (office(SCRIPTS), office(0));
    let mut ours = || micros(&mut with);
    let mut peer = || micros(&mut without);
    suite.compare(name, "us/frame", Target::Ratio(1.1), &mut ours, ("none", &mut peer));
}

fn office(scripts: usize) -> Office {
    let settings = Settings { patience: 1e9, ..Settings::default() };
    let mut office = Office::open(builder(None, 2), Runtime::default().settings(settings), 1);
    let program = forms("(core/kv/set done (core/expr/await () $CHANNEL_B 7))");
    for first in (0..scripts).step_by(REQUESTS_A_FRAME) {
        (first..scripts.min(first + REQUESTS_A_FRAME)).for_each(|_| office.sender().run(0, &program));
        office.settle();
    }
    assert_eq!(office.take(), 0, "they rest");
    office
}

fn micros(office: &mut Office) -> f64 {
    let taken = seconds(|| {
        office.engine.run(Pace::frames(FRAMES)).expect("the frames are made");
    });
    taken * 1e6 / FRAMES as f64
}
