//! A small town: carts with wagons go from gate to gate, pay tolls, and mind the weather; lamps are lit at dusk.
//!
//! Each way in which systems work together is here once: parent and child with values that go down the tree,
//! links, messages, derived values, a transient value, a slow job, and the phases around the wave.

use diptych::prelude::*;
use std::time::Duration;

/// Frames of a day; the first half is light.
const DAY: u64 = 48;

macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident($($field:ty),+);)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Pod, Zeroable)]
        #[repr(C)]
        struct $name($($field),+);
    )+};
}

plain! {
    /// Metres before the parent; of who has none, along the road.
    Offset(f64);
    /// Metres along the road; follows from the offsets.
    Place(f64);
    /// Where a cart is going.
    Heading(Link<Gate>);
    /// A gate stands here, and sends carts on to the next one.
    Gate(f64, Link<Gate>);
    /// Coins that a gate has taken.
    Purse(u64);
    /// What a cart pays at a gate: coins.
    Toll(u64);
    /// The sun over the town: 1 is full.
    Sky(f64);
    /// Rung at dawn (1) and dusk (2); blank in between.
    Bell(u64);
    /// Whether a lamp is lit.
    Lamp(u64);
    /// A day, as the weather is asked for it.
    Day(u64);
}

entity_view! {
    /// A cart on the road.
    struct Cart { id: Id, offset: Next<Offset>, heading: Prev<Heading> }
}

/// The weather of a day takes longer than a frame to find out.
struct Forecast;

impl Job for Forecast {
    type Request = Day;
    type Answer = f64;
}

fn slow_forecast(day: &Day) -> Result<f64, String> {
    std::thread::sleep(Duration::from_millis(5));
    if day.0 == 2 { Err("fog, nobody knows".to_owned()) } else { Ok(1.0 / (day.0 + 1) as f64) }
}

/// Startup: founds the town, once in its life.
fn found(mut town: Structure) {
    let far = town.spawn((Gate(300.0, Link::none()), Purse(0))).id;
    let near = town.spawn((Gate(0.0, Link::to(far)), Purse(0))).id;
    town.insert(far, Gate(300.0, Link::to(near)));
    for n in 0..20 {
        let cart = town.spawn((Offset(f64::from(n) * 10.0), Place(0.0), Heading(Link::to(far))));
        let wagon = town.spawn((Offset(-4.0), Place(0.0)));
        town.attach(wagon, cart);
    }
    town.spawn((Sky(1.0), Bell(0)));
    for _ in 0..5 {
        town.spawn((Lamp(0),));
    }
}

/// Owns every offset: carts move towards their gate, faster in the sun; wagons stay where they are hitched.
fn drive(mut carts: Query<Named<Cart>>, gates: Linked<Gate>, sky: Query<Prev<Sky>>, clock: Clock) {
    let step = sky.iter().map(|sky| 60.0 * (0.5 + sky.0) * clock.dt()).sum::<f64>();
    carts.par_rows(|mut cart| {
        if let Some(gate) = gates.get(cart.heading.0) {
            let way = gate.0 - cart.offset.prev().0;
            cart.offset.set(Offset(cart.offset.prev().0 + way.clamp(-step, step)));
        }
    });
}

/// Owns every heading: at its gate a cart pays and turns to the next one.
fn turn(mut carts: Query<(Id, Next<Heading>, Prev<Offset>)>, gates: Linked<Gate>, mut tolls: Outbox<Toll>) {
    carts.par_rows_with(&mut tolls, |(id, mut heading, offset), tolls| {
        let gate = heading.prev().0;
        if let (Some(at), Some(there)) = (gate.id(), gates.get(gate))
            && offset.0 == there.0
        {
            tolls.from(id).to(at, Toll(2));
            heading.set(Heading(there.1));
        }
    });
}

/// Owns every purse: coins of any number of carts, in one pass over the gates that got some.
fn collect(mut purses: Query<Next<Purse>>, tolls: Inbox<Toll>) {
    tolls.deliver(&mut purses, |mut purse, paid| {
        purse.set(Purse(purse.prev().0 + paid.messages().iter().map(|toll| toll.0).sum::<u64>()));
    });
}

/// Derived: places follow from this frame's offsets, carts before wagons, not a frame late.
fn place(tree: Tree, offsets: Query<Now<Offset>>, mut places: Query<Next<Place>>) {
    tree.propagate(&offsets, &mut places, |cart: Option<&Place>, offset| {
        Place(cart.map_or(0.0, |cart| cart.0) + offset.0)
    });
}

/// Owns the sky: asks for each day's weather, and takes the answer when it is there. No answer, no change.
fn look_up(mut skies: Query<Next<Sky>>, mut forecasts: Jobs<Forecast>, clock: Clock) {
    let answers: Vec<_> = forecasts.answers().collect();
    for mut sky in &mut skies {
        for sun in answers.iter().filter_map(|answered| answered.answer.as_ref().ok()) {
            sky.set(Sky(*sun));
        }
    }
    if clock.frame() % DAY == 2 {
        // That too many are open is a value as well: the town can do without a forecast.
        let _refused = forecasts.start(&Day(clock.frame() / DAY));
    }
}

/// Owns the bell, a transient value: it is heard in the next frame, and gone after it.
fn ring(mut bells: Query<Next<Bell>>, clock: Clock) {
    let dawn = clock.frame().is_multiple_of(DAY);
    bells.par_rows(|mut bell| bell.set(Bell(if dawn { 1 } else { 2 })));
}

/// Owns every lamp: the bell of the frame before says what to do.
fn light(mut lamps: Query<Next<Lamp>>, bells: Query<Fresh<Bell>>) {
    for bell in bells.iter().flatten() {
        lamps.par_rows(|mut lamp| lamp.set(Lamp(u64::from(bell.0 == 2))));
    }
}

/// Late: looks at each committed frame; here at the end of each day.
fn tell(places: Query<Prev<Place>>, purses: Query<Prev<Purse>>, lamps: Query<Prev<Lamp>>, clock: Clock) {
    if clock.committed() % DAY == DAY / 2 + 2 {
        let day = clock.committed() / DAY;
        let farthest = places.iter().fold(0.0, |far: f64, place| far.max(place.0));
        let (coins, lit) =
            (purses.iter().map(|purse| purse.0).sum::<u64>(), lamps.iter().map(|lamp| lamp.0).sum::<u64>());
        println!("day {day}: {coins} coins, {lit} lamps lit, the first cart at {farthest:.0} m");
    }
}

fn town(builder: EngineBuilder) -> diptych::Result<Engine> {
    builder
        .state::<Offset>("road.offset", 1)
        .state::<Place>("road.place", 1)
        .state::<Heading>("road.heading", 1)
        .state::<Gate>("gate.gate", 1)
        .state::<Purse>("gate.purse", 1)
        .state::<Sky>("town.sky", 1)
        .state::<Lamp>("town.lamp", 1)
        .transient::<Bell>("town.bell", 1)
        .message::<Toll>("gate.toll", 1)
        .job::<Forecast>("town.forecast", 1, slow_forecast)
        .job_latency(4) // a run is then the same however slow the job is
        .hierarchy()
        .startup("found", found)
        .system("drive", drive)
        .system("turn", turn)
        .system("collect", collect)
        .system("look_up", look_up)
        .system("ring", ring.every(DAY as u32 / 2)) // dawn and dusk
        .system("light", light.skip_if_empty())
        .derive("place", place)
        .late("tell", tell)
        .dt(0.25)
        .build()
}

fn main() -> diptych::Result<()> {
    let directory = tempfile::tempdir().expect("a place for the town");
    let mut engine = town(Engine::open(directory.path()).threads(2))?;
    engine.run(Pace::frames(3 * DAY))?;
    drop(engine);

    // The town is still there, with the tolls and the question about the weather that were under way, and goes on
    // as if nothing had happened: beside one that never stopped.
    let mut engine = town(Engine::open(directory.path()).threads(1))?;
    let mut twin = town(Engine::in_memory())?;
    twin.run(Pace::frames(3 * DAY))?;
    for world in [&mut engine, &mut twin] {
        // A day of rest, by an input like any other: it is stored, and a replay meets it again.
        world.inputs().control("mayor", &Control::disable("drive"))?;
        world.run(Pace::frames(DAY))?;
    }
    assert_eq!(engine.digest(), twin.digest());
    assert_eq!(engine.stats().messages_undeliverable, 0);
    println!("{}", engine.explain());
    println!("{}", engine.stats());
    Ok(())
}
