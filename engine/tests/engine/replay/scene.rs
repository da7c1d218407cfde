//! A world with everything that comes from outside: inputs, an intake, jobs, still frames, startup, randomness.

use diptych_engine::prelude::*;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Place(pub(crate) f64);
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Heard(pub(crate) u64);
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Push {
    pub(crate) by: f64,
}
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Question(u64);
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Nudge(f64);
pub(crate) struct Ask;
impl Job for Ask {
    type Request = Question;
    type Answer = f64;
}

/// What the outside says, a byte at a time.
pub(crate) type Radio = Arc<Mutex<VecDeque<u8>>>;

/// The world; `twist` changes what its systems do, as another version would.
pub(crate) fn world(builder: EngineBuilder, radio: &Radio, twist: f64) -> EngineBuilder {
    let mut builder = builder
        .state::<Place>("a.place", 1)
        .state::<Heard>("b.heard", 1)
        .message::<Nudge>("c.nudge", 1)
        .input::<Push>("d.push", 1, |applier, push| {
            if push.by < 0.0 {
                applier.spawn((Place(push.by),));
            } else {
                let first = applier.ids::<Place>().into_iter().next();
                first.map(|id| applier.set(id, Place(push.by)));
            }
        })
        .job::<Ask>("e.ask", 1, |question| Ok(question.0 as f64 / 8.0));
    let intake = builder.intake("f.radio", 1);
    let radio = radio.clone();
    let hear = move |mut heard: Query<Next<Heard>>| {
        let bytes = intake.replayed();
        let bytes = bytes.unwrap_or_else(|| radio.lock().unwrap().pop_front().into_iter().collect());
        intake.note(|out| out.extend_from_slice(&bytes));
        let more: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
        if more > 0 {
            heard.par_rows(|mut heard| heard.set(Heard(heard.prev().0 + more)));
        }
    };
    let drift =
        move |mut places: Query<(Id, Next<Place>)>, random: Random, nudges: Inbox<Nudge>, clock: Clock| {
            let mut pushed = 0.0;
            nudges
                .deliver(&mut places, |_, mail| pushed += mail.iter().map(|(_, nudge)| nudge.0).sum::<f64>());
            for (id, mut place) in &mut places {
                let jump = random.of(id).unit() * clock.dt() * twist;
                place.set(Place(place.prev().0 + jump + pushed));
            }
        };
    let ask = |heard: Query<(Id, Prev<Heard>)>,
               places: Query<(Id, Prev<Place>)>,
               mut jobs: Jobs<Ask>,
               mut out: Outbox<Nudge>| {
        for answered in jobs.answers() {
            if let (Ok(by), Some((id, _))) = (answered.answer, places.iter().next()) {
                out.from(id).to(id, Nudge(by));
            }
        }
        if let Some((_, heard)) = heard.iter().next()
            && jobs.open() == 0
        {
            let _ = jobs.start(&Question(heard.0));
        }
    };
    builder
        .system("hear", hear.answering())
        .system("drift", drift)
        .system("ask", ask)
        .startup("begin", |mut structure: Structure| {
            structure.spawn((Place(3.0),));
        })
        .setup("one", |structure| {
            structure.spawn((Heard(0),));
            structure.spawn((Place(1.0),));
        })
        .digest(DigestPolicy::Every(1))
}

/// Runs frames `from..to` of a script that anybody can repeat: inputs, the radio and still frames by frame numbers.
pub(crate) fn run(engine: &mut Engine, radio: &Radio, frames: u64) -> Vec<Digest> {
    let mut digests = Vec::new();
    for _ in 0..frames {
        let frame = engine.frame() + 1;
        if frame.is_multiple_of(3) {
            engine.inputs().send("test", &Push { by: frame as f64 }).unwrap();
        }
        if frame.is_multiple_of(7) {
            engine.inputs().send("test", &Push { by: -(frame as f64) }).unwrap();
        }
        if frame.is_multiple_of(2) {
            radio.lock().unwrap().push_back(frame as u8);
        }
        if frame.is_multiple_of(5) {
            engine.answer().unwrap()
        } else {
            engine.step().unwrap()
        }
        digests.push(engine.digest());
    }
    digests
}

/// Opens the world of a directory.
pub(crate) fn open(dir: &Path, radio: &Radio, durability: Durability) -> Engine {
    world(Engine::open(dir), radio, 1.0).durability(durability).build().unwrap()
}
