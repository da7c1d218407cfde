//! A world followed through a pipe: this program starts itself again, and the child sees what the parent makes.
//!
//! The child has no system and no type of the parent's: it follows by a snapshot and by what the frames change.

use diptych::prelude::*;
use diptych::store::{Publisher, Update, ViewWorld};
use std::io::Read;
use std::process::{Command, Stdio};

/// Metres.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Place(f64);

fn drift(mut places: Query<Next<Place>>, clock: Clock) {
    places.par_rows(|mut place| place.set(Place(place.prev().0 + clock.dt())));
}

/// The parent: makes frames, and tells the child what each ten of them changed.
fn publish() -> Result<(), Box<dyn std::error::Error>> {
    let mut engine = Engine::in_memory()
        .state::<Place>("walk.place", 1)
        .system("walk.drift", drift)
        .system("walk.join", |clock: Clock, mut walkers: Structure| {
            if clock.frame().is_multiple_of(7) {
                walkers.spawn((Place(0.0),));
            }
        })
        .deltas(100)
        .build()?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("follow")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let pipe = child.stdin.take().ok_or("the child has a standard input")?;
    let mut publisher = Publisher::new(pipe, &engine.image()?)?;
    for _ in 0..30 {
        engine.run(Pace::frames(10))?;
        publisher.send(&engine.delta_since(publisher.frame())?)?;
    }
    let bytes = publisher.close()?;
    let mut seen = String::new();
    child.stdout.take().ok_or("the child has a standard output")?.read_to_string(&mut seen)?;
    assert!(child.wait()?.success(), "the child has followed to the end");
    println!("{bytes} bytes told the child of 300 frames; it saw {}", seen.trim());
    assert_eq!(seen.trim(), format!("{} {}", engine.frame(), engine.digest()));
    Ok(())
}

/// The child: reads standard input, and says which frame and digest it has seen last.
fn follow() -> Result<(), Box<dyn std::error::Error>> {
    let mut follower = ViewWorld::follow(std::io::stdin().lock())?;
    while let Update::Frame(frame) = follower.next_update()? {
        let walkers = follower.view().image().rows("walk.place").count() as u64;
        assert_eq!(walkers, frame / 7, "one joins in each seventh frame");
    }
    println!("{} {}", follower.view().frame(), follower.view().image().digest());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).is_some_and(|argument| argument == "follow") { follow() } else { publish() }
}
