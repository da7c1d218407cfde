//! For tests of scenes: still frames between steps.
//!
//! Invariant: both worlds have made as many frames of either kind, so that their digests can differ by what still frames
//! did to the scene alone. Left out: what an answering system does, which is none of a scene's concern.

use diptych_engine::prelude::*;

/// Makes `steps` steps of two worlds, of the one with still frames in between and of the other with all of them at the
/// end, and compares their digests. `send` sees each world before each of its steps, with the number of those before.
pub(crate) fn assert_still_frames_change_nothing(
    world: impl Fn(EngineBuilder) -> EngineBuilder,
    steps: u64,
    send: impl Fn(&Engine, u64),
) {
    fn rest(_: Clock) {}
    fn fails<T>(error: impl core::fmt::Display) -> T {
        panic!("{error}")
    }
    let stills = |step: u64| 1 + step % 3;
    let run = |is_between: bool| {
        let builder = world(Engine::in_memory()).system("test.rest", rest.answering());
        let mut engine = builder.build().unwrap_or_else(fails);
        for step in 0..steps {
            send(&engine, step);
            engine.step().unwrap_or_else(fails);
            (0..if is_between { stills(step) } else { 0 })
                .for_each(|_| engine.answer().unwrap_or_else(fails));
        }
        let missing = if is_between { 0 } else { (0..steps).map(stills).sum() };
        (0..missing).for_each(|_| engine.answer().unwrap_or_else(fails));
        (engine.frame(), engine.view().step(), engine.digest())
    };
    assert_eq!(
        run(true),
        run(false),
        "frames, steps and digest, with still frames in between and at the end"
    );
}
