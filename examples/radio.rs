//! A system and a script that talk over topics, beside a simulation that runs on.
//!
//! A probe falls; a system reports its height on topic 10, a script decides, and its word on topic 11 fires the engine.

use diptych::prelude::*;

/// Metres, and metres a second.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Probe {
    height: f64,
    speed: f64,
}

fn fall(mut probes: Query<Next<Probe>>, heard: Subscriber, clock: Clock) {
    let thrust: f64 =
        heard.on(Channel::B, 11).into_iter().filter_map(|event| event.data::<i64>()).map(|n| n as f64).sum();
    probes.par_rows(|mut probe| {
        let Probe { height, speed } = *probe.prev();
        let speed = speed - 1.62 * clock.dt() + thrust;
        probe.set(Probe { height: (height + speed * clock.dt()).max(0.0), speed });
    });
}

fn report(probes: Query<Prev<Probe>>, mut radio: Publisher) {
    for probe in &probes {
        if probe.speed < -10.0 {
            // The queue is never full with one event a frame; a refusal would be told, not lost.
            radio.publish(Channel::A, 10, probe.height as i64).expect("there is room");
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut engine = Engine::in_memory()
        .plugin(Runtime::default())
        .state::<Probe>("probe", 1)
        .system("probe.fall", fall)
        .system("probe.report", report)
        .setup("probe.setup", |structure| {
            structure.spawn((Probe { height: 500.0, speed: 0.0 },));
        })
        .dt(0.1)
        .build()?;
    let client = engine.client()?;
    let rights = Principal::new("pilot").scope("pilot", ScopeAccess::ReadWrite);
    client.principal(rights.topic(10, TopicAccess::Subscribe).topic(11, TopicAccess::Publish))?;
    let pilot = client.session("pilot", "pilot")?;
    pilot.run(
        "(core/event/sub $CHANNEL_A 10 {(core/kv/set height $data) (core/event/pub $CHANNEL_B 11 1)})",
    )?;
    engine.run(Pace::frames(600))?;
    let probe = *engine.view().single::<Probe>().ok_or("there is one probe")?;
    let last = client.look(|index| index.get("pilot", b"height").map(ToString::to_string));
    println!(
        "after 60 s: {:.1} m at {:.1} m/s; last report {}",
        probe.height,
        probe.speed,
        last.as_deref().unwrap_or("none")
    );
    assert!(probe.speed > -12.0, "the pilot has kept it from falling faster");
    Ok(())
}
