//! What cannot be: each with the sentence that says so.

use super::super::*;
use diptych_systems::event::NotPublished;

#[track_caller]
fn refused(builder: EngineBuilder, words: &[&str]) {
    let error = builder.build().err().map(|error| error.to_string()).unwrap_or_default();
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

/// Claim: who publishes outside of the wave is refused by the build, by name, and so is who listens there.
#[test]
fn only_the_wave_publishes_and_hears() {
    let publish = |_: Publisher<'_, '_>| {};
    let hear = |_: Subscriber<'_, '_>| {};
    refused(world(9).derive("shout", publish), &["shout", "Publisher", "Derive", ".system(..)"]);
    refused(world(9).late("shout", publish), &["shout", "Publisher", "Late"]);
    refused(world(9).startup("shout", publish), &["shout", "Publisher", "Startup"]);
    refused(world(9).derive("spy", hear), &["spy", "Subscriber", "Derive"]);
    refused(world(9).late("spy", hear), &["spy", "Subscriber", "Late"]);
}

/// Claim: without the plugin the build says what is missing; a limit that is none is refused.
#[test]
fn events_must_be_registered_with_a_limit() {
    refused(Engine::in_memory().system("shout", |_: Publisher<'_, '_>| {}), &["shout", "event::register"]);
    refused(Engine::in_memory().system("spy", |_: Subscriber<'_, '_>| {}), &["spy", "event::register"]);
    refused(world(0), &["events a frame", "0", "from 1 to"]);
    refused(world(u32::MAX), &["events a frame", "from 1 to 16777216"]);
}

/// Claim: a system cannot publish on the channel of scripts, and is told why.
#[test]
fn systems_have_no_session_to_run_scripts_in() {
    let shout = |mut bus: Publisher<'_, '_>| {
        let refused = bus.publish(Channel::Execution, 0, "(core/kv/set a 1)");
        assert_eq!(refused, Err(NotPublished::Execution));
        assert!(NotPublished::Execution.to_string().contains("no session"));
        let given_back = bus.try_publish(Channel::Execution, 0, 5).map_err(|refused| refused.value);
        assert_eq!(given_back, Err(5));
    };
    let log = Log::default();
    let mut engine = world(9).system("shout", shout).system("note", note(&log)).build().expect("a world");
    engine.run(Pace::frames(3)).expect("frames");
    assert!(noted(&log).is_empty());
}
