//! A million timers, of which a thousand fire in every frame.
//!
//! Invariant: a million run at all times: those that fire during the measurement are there beside them. A sample is whole
//! frames, wave and commit, with a system that hears every event; it is divided by the firings. Frames are made by steps:
//! a run would take a digest at its end, of all that changed.

use benches::{Suite, Target};
use diptych::prelude::*;
use diptych::timer::{self, Firing, Timer, TimerStage};
use std::time::Instant;

const ARMED: u64 = 1_000_000;
const A_FRAME: u64 = 1000;
const FRAMES: u64 = 20;
/// Frames before the first measurement: all timers have begun.
const WARM_FRAMES: u64 = 3;

#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Bell(u64);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Heard(u64);

fn hear(mut ears: Query<Next<Heard>>, bells: Inbox<Firing<Bell>>) {
    bells.deliver(&mut ears, |mut ear, mail| {
        ear.set(Heard(ear.prev().0 + mail.messages().iter().map(|firing| firing.event.0).sum::<u64>()));
    });
}

struct Tower {
    timers: u64,
}

impl Plugin for Tower {
    fn name(&self) -> &'static str {
        "tower"
    }

    fn build(self, registrar: &mut Registrar) -> diptych::Result<()> {
        timer::register::<Bell>(registrar, "tower.bell");
        registrar.state::<Heard>("tower.heard", 1).system("tower.hear", hear);
        registrar.setup("tower", move |structure| {
            let ear = structure.spawn((Heard(0),)).id.bits();
            for number in 0..self.timers {
                // Neighbours in memory are due far apart from each other.
                let place = number * 7_368_787 % self.timers;
                let ms = ((place / A_FRAME + WARM_FRAMES + 2) * 10) as f64;
                let timer = Timer::plan().after_ms(ms).sends(Bell(1)).to(ear).build();
                structure.spawn((timer.expect("it is a time"),));
            }
        });
        Ok(())
    }
}

pub(crate) fn run(suite: &mut Suite) {
    let name = format!("timers, {ARMED} armed, {A_FRAME} firing a frame");
    if !suite.wants(&name) {
        return;
    }
    let firing = (suite.reps() as u64 + 2) * FRAMES * A_FRAME;
    let builder = Engine::in_memory().threads(1).digest(DigestPolicy::OnDemand).dt(0.01);
    let mut engine =
        builder.plugin(Tower { timers: ARMED + firing }).build().expect("the world can be built");
    engine.run(Pace::frames(WARM_FRAMES)).expect("frames can be made");
    suite.measure(&name, "ns/firing", Target::AtMost(1000.0), &mut || {
        let before = engine.view().single::<Heard>().map_or(0, |heard| heard.0);
        let start = Instant::now();
        (0..FRAMES).for_each(|_| engine.step().expect("frames can be made"));
        let spent = start.elapsed().as_nanos() as f64;
        let heard = engine.view().single::<Heard>().map_or(0, |heard| heard.0) - before;
        // The last frame's are heard in the next sample, those of the frame before the first in this one.
        assert!(heard >= (FRAMES - 2) * A_FRAME, "{heard} were heard");
        spent / (FRAMES * A_FRAME) as f64
    });
    let view = engine.view();
    let armed = view.iter::<Timer<Bell>>();
    let armed = armed.filter(|(_, timer)| matches!(timer.stage(), TimerStage::Armed { .. })).count();
    suite.note(&format!("{armed} timers still run at frame {}", engine.frame()));
}
