//! Random rollbacks of a world with some of everything, beside one that is never rolled back.

use super::mix;
use super::scene::{advance, scene, shown};
use diptych_engine::prelude::*;

const FRAMES: u64 = 200;
const KEPT: u64 = 8;

/// Digest and view of every frame of a world that was never rolled back.
fn straight(threads: usize) -> Vec<(Digest, String)> {
    let mut engine = scene(Engine::in_memory()).threads(threads).build().expect("sound");
    let mut frames = vec![(engine.digest(), shown(&engine))];
    for _ in 0..FRAMES {
        advance(&mut engine, 0);
        frames.push((engine.digest(), shown(&engine)));
    }
    let stats = engine.stats();
    assert!(stats.messages_sent > 100 && stats.jobs_answered > 10 && stats.still_frames > 10, "{stats}");
    assert!(stats.entities > 100, "{stats}");
    frames
}

#[track_caller]
fn check(engine: &mut Engine, frames: &[(Digest, String)], when: &str) {
    let frame = engine.frame();
    let (digest, text) = &frames[frame as usize];
    let ours = shown(engine);
    for (a, b) in ours.lines().zip(text.lines()) {
        assert_eq!(a, b, "frame {frame}, {when}");
    }
    assert_eq!(engine.digest(), *digest, "the digest of frame {frame}, {when}");
}

/// Back and on again, with other inputs in between: every frame is the one that it was.
#[test]
fn a_world_that_was_rolled_back_is_as_if_it_never_was() {
    let threads = if cfg!(feature = "threads") { 2 } else { 1 };
    let frames = straight(1);
    for seed in 0..4 {
        let threads = if seed % 2 == 0 { 1 } else { threads };
        let builder = scene(Engine::in_memory()).threads(threads).rollback(KEPT as u32);
        let mut engine = builder.build().expect("sound");
        let (mut lot, mut longest) = (mix(seed), 0);
        while engine.frame() < FRAMES {
            advance(&mut engine, 0);
            check(&mut engine, &frames, "for the first time");
            lot = mix(lot);
            if lot % 3 != 0 {
                continue;
            }
            // Strays from the way, as far as can be undone, and returns.
            let now = engine.frame();
            let oldest = engine.rollback_oldest().expect("frames are kept");
            let back = now - (lot >> 8) % (now - oldest + 1);
            longest = longest.max(now - back);
            engine.rollback_to(back).expect("kept");
            check(&mut engine, &frames, "after a rollback");
            for _ in 0..(lot >> 16) % (KEPT + 1) {
                advance(&mut engine, 1 + lot % 5);
            }
            engine.rollback_to(back).expect("kept");
            check(&mut engine, &frames, "after another way");
            while engine.frame() < now {
                advance(&mut engine, 0);
                check(&mut engine, &frames, "again");
            }
        }
        assert_eq!(longest, KEPT, "some rollback goes as far as it may");
    }
}
