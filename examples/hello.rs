//! The README's example: balls that bounce between two walls.
//!
//! Two systems read what the other one owns, and no order between them is asked for or matters.

use diptych::prelude::*;

/// Metres from the left wall.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Position(f64);

/// Metres per second.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Velocity(f64);

/// Where the right wall stands.
const WALL: f64 = 100.0;

/// Owns every position, because it names `Next<Position>`; reads the velocities of the frame before.
fn drift(mut balls: Query<(Next<Position>, Prev<Velocity>)>, clock: Clock) {
    balls.par_rows(|(mut position, velocity)| {
        position.set(Position(position.prev().0 + velocity.0 * clock.dt()));
    });
}

/// Owns every velocity; a ball that has left the track turns round, all others keep theirs.
fn bounce(mut balls: Query<(Next<Velocity>, Prev<Position>)>) {
    balls.par_rows(|(mut velocity, position)| {
        let speed = velocity.prev().0.abs();
        if position.0 <= 0.0 {
            velocity.set(Velocity(speed));
        } else if position.0 >= WALL {
            velocity.set(Velocity(-speed));
        }
    });
}

fn world(threads: usize) -> diptych::Result<Engine> {
    Engine::in_memory() // or Engine::open("some/directory"): then the world survives the process
        .state::<Position>("ball.position", 1) // stored name and version
        .state::<Velocity>("ball.velocity", 1)
        .system("drift", drift)
        .system("bounce", bounce)
        .setup("balls", |structure| {
            for n in 0..1000 {
                structure.spawn((Position(50.0), Velocity(f64::from(n) - 500.0)));
            }
        })
        .dt(0.25) // seconds of world time a frame
        .threads(threads)
        .build()
}

fn main() -> diptych::Result<()> {
    let mut engine = world(1)?;
    engine.run(Pace::frames(400))?;
    let far = engine.view().iter::<Position>().filter(|(_, position)| position.0 > WALL).count();
    println!("frame {}, digest {}, {far} balls beyond the wall", engine.frame(), engine.digest());

    // The same world on eight threads is the same world, to the last bit.
    let mut other = world(8)?;
    other.run(Pace::frames(400))?;
    assert_eq!(engine.digest(), other.digest());

    // Asking for a second owner of a type is refused when the engine is built.
    let refused = Engine::in_memory()
        .state::<Position>("ball.position", 1)
        .state::<Velocity>("ball.velocity", 1)
        .system("drift", drift)
        .system("teleport", |mut balls: Query<Next<Position>>| {
            balls.par_rows(|mut position| position.set(Position(0.0)));
        })
        .build();
    let message = refused.err().map(|error| error.to_string()).unwrap_or_default();
    println!("{message}");
    assert!(message.contains("drift") && message.contains("teleport"));
    Ok(())
}
