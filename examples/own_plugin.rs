//! A plugin of one's own: state, a strict type, a hook, an input, and a system that sees only what changed.
//!
//! A greenhouse: sensors report the temperature of a bed from outside, beds that are too hot open their flap.

use std::sync::mpsc;
use std::time::Duration;

use diptych::prelude::*;

const BEDS: u32 = 10_000;
/// Moved flaps that may wait to be looked at.
const FLAPS_MAX: usize = 1024;

/// Degrees Celsius, as a bed's sensor reported it last. No system owns it: it is set by inputs.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Temperature(f64);

/// How far a bed's flap is open, from 0 to 1.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Flap(f64);

/// Frames that a bed has lived.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Age(u64);

/// The input: what a sensor sends.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Reading {
    bed: Id,
    degrees: f64,
}

/// Visits only beds whose temperature was set in the last commit, however many there are.
fn move_flaps(mut flaps: Query<(Next<Flap>, Prev<Temperature>)>, heard: Changes<Temperature>) {
    flaps.visit(heard.entities(), |(mut flap, temperature)| {
        flap.set_if_changed(Flap(((temperature.0 - 25.0) / 10.0).clamp(0.0, 1.0)));
    });
}

/// `Age` is strict: leaving a row out would be an error that names this system and the row.
fn grow_older(mut ages: Query<Next<Age>>) {
    ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
}

struct Greenhouse {
    beds: u32,
    /// Told of every flap that moves.
    moved: mpsc::SyncSender<(Id, f64)>,
}

impl Plugin for Greenhouse {
    fn name(&self) -> &'static str {
        "greenhouse"
    }

    fn build(self, registrar: &mut Registrar) -> diptych::Result<()> {
        let Greenhouse { beds, moved } = self;
        registrar
            .state::<Temperature>("greenhouse.temperature", 1)
            .state::<Flap>("greenhouse.flap", 1)
            .state::<Age>("greenhouse.age", 1)
            .strict::<Age>()
            .system("greenhouse.move_flaps", move_flaps)
            .system("greenhouse.grow_older", grow_older)
            .input::<Reading>("greenhouse.reading", 1, |world, Reading { bed, degrees }| {
                world.set(bed, Temperature(degrees));
            })
            // A hook tells others; it cannot reach the world. It must not wait: it runs in the commit.
            .on_change::<Flap>(move |bed, flap| {
                if flap.0 > 0.0 {
                    let _ = moved.try_send((bed, flap.0));
                }
            })
            .fact("greenhouse.beds", beds)
            .setup("greenhouse.beds", move |structure| {
                for _ in 0..beds {
                    structure.spawn((Temperature(20.0), Flap(0.0), Age(0)));
                }
            });
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (moved, flaps) = mpsc::sync_channel(FLAPS_MAX);
    let mut engine = Engine::in_memory().plugin(Greenhouse { beds: BEDS, moved }).build()?;
    println!("{}", engine.explain());
    engine.run(Pace::frames(2))?;
    let bed = engine.view().iter::<Flap>().map(|(bed, _)| bed).nth(1234).ok_or("there is no bed 1234")?;

    // A sensor in another thread. Its reading is applied at a commit, and the ticket says at which.
    let (inputs, reader, stop) = (engine.inputs(), engine.reader(), StopSignal::new());
    let applied = std::thread::scope(|scope| {
        let sensor = scope.spawn(|| {
            let sent = inputs.send("sensor 1234", &Reading { bed, degrees: 30.0 });
            let applied = sent.map(|ticket| ticket.wait(Duration::from_secs(10)));
            // A look at the last committed frame, without a copy and while the next one is made.
            let seen = reader.read("sensor 1234", |view| view.get::<Temperature>(bed).map(|now| now.0));
            stop.stop();
            (applied, seen)
        });
        engine.run(Pace::hz(1000.0).until(&stop)).map(|_| sensor.join())
    })?;
    let (applied, seen) = applied.map_err(|_| "the sensor's thread panicked")?;
    let applied_in = applied??.frame;
    println!("applied in frame {applied_in}, the engine is at frame {}", engine.frame());
    assert_eq!(seen?, Some(30.0));

    // The reading counted as set in that frame; so the flap has moved in the next, and no other flap ever.
    engine.run(Pace::frames(1))?;
    assert_eq!(flaps.try_iter().collect::<Vec<_>>(), [(bed, 0.5)]);
    assert!(engine.view().iter::<Age>().all(|(_, age)| age.0 == engine.frame()));
    Ok(())
}
