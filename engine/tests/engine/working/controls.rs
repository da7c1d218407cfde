//! Systems are switched off and on, and slowed down, by inputs that hold after a restart.

#[cfg(feature = "store")]
use super::counted;
use super::{Count, count};
use diptych_engine::prelude::*;

fn world(builder: EngineBuilder) -> Engine {
    builder
        .state::<Count>("test.count", 1)
        .strict::<Count>()
        .setup("test.setup", |structure| {
            structure.spawn((Count(0),));
        })
        .system("count", count)
        .build()
        .expect("a sound world")
}

#[cfg(feature = "store")]
fn control(engine: &mut Engine, control: &Control) {
    engine.inputs().control("operator", control).expect("room");
    // The commit that takes the control still counts, unless the system rests already.
    engine.step().expect("a frame");
}

#[cfg(feature = "store")]
#[test]
fn a_control_holds_from_the_next_frame_on_and_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("world");
    let mut engine = world(Engine::open(&path));
    control(&mut engine, &Control::disable("count"));
    assert_eq!(counted(&engine), 1);
    engine.run(Pace::frames(9)).expect("a strict type is not asked for coverage while its owner rests");
    assert_eq!((engine.frame(), counted(&engine)), (10, 1));
    drop(engine);

    let mut engine = world(Engine::open(&path));
    assert!(engine.explain().to_string().contains("it is disabled"), "{}", engine.explain());
    engine.run(Pace::frames(9)).expect("frames");
    assert_eq!((engine.frame(), counted(&engine)), (19, 1), "it still rests");
    control(&mut engine, &Control::every("count", 5));
    assert_eq!((engine.frame(), counted(&engine)), (20, 1));
    drop(engine);

    let mut engine = world(Engine::open(&path));
    engine.run(Pace::frames(15)).expect("frames 21 to 35");
    assert_eq!(counted(&engine), 4, "in frames 25, 30 and 35");
    control(&mut engine, &Control::enable("count"));
    engine.run(Pace::frames(4)).expect("frames 37 to 40");
    assert_eq!(counted(&engine), 8);
    assert_eq!(engine.view().entities(), 2, "one row, and one control however often it was changed");
}

#[test]
fn an_unknown_system_is_refused_at_once() {
    let engine = world(Engine::in_memory());
    let error = engine.inputs().control("operator", &Control::disable("cuont")).expect_err("no such system");
    let text = error.to_string();
    assert!(text.contains("cuont") && text.contains("there are: count"), "{text}");
}
