//! Worlds with a runtime are made again from the requests that came into their frames.

use super::crash::work;
use super::{Dice, World};
use diptych::prelude::*;
use diptych::runtime::{Channel, Session, Settings};
use diptych::store::History;
use std::path::Path;

fn settings() -> Settings {
    Settings { events: 20, patience: 1.0, ..Settings::default() }
}

/// Goes on with the world in a directory: scripts, events, rights that change, sessions that end, still frames. The digest
/// in the end.
fn go_on(directory: &Path, durability: Durability, run: u64, frames: u64) -> Digest {
    let builder = Engine::open(directory).durability(durability).digest(DigestPolicy::Every(1));
    let builder = builder.history(History::frames(1000));
    let mut world = World::of(builder, settings(), 2);
    let mut rights = Principal::new("p").scope("ear", ScopeAccess::ReadWrite);
    for number in 0..6 {
        rights =
            rights.scope(&format!("s{number}"), ScopeAccess::ReadWrite).topic(number, TopicAccess::PubSub);
    }
    world.principal(rights);
    let ear = world.session("ear", "p", "ear");
    world.run(&ear, "(core/event/sub A 1 {(core/kv/cas $data 1 2) (core/kv/snx $data 1)})");
    let session = |world: &mut World, n: u64| -> Session {
        let scope = format!("s{}", n % 6);
        if n.is_multiple_of(4) {
            let opened = world.client.open_for(&format!("c{run}:{n}"), "p", &scope, Some(40)).expect("asked");
            world.still(2);
            return opened;
        }
        world.session(&format!("c{run}:{n}"), "p", &scope)
    };
    let sessions: Vec<Session> = (0..16).map(|n| session(&mut world, n)).collect();
    let mut dice = Dice(run);
    for frame in 0..frames {
        for n in 0..3 {
            let at = dice.roll(sessions.len() as u64);
            let (script, _) = work(&mut dice, at % 6, &format!("{run}:{frame}:{n}"));
            drop(sessions[at as usize].run(&script).expect("asked"));
        }
        match frame % 40 {
            10 => drop(world.client.set_max_rps("p", 30).expect("asked")),
            20 => drop(world.client.revoke_topic("p", 1).expect("asked")),
            25 => drop(world.client.grant_topic("p", 1, TopicAccess::PubSub).expect("asked")),
            30 => drop(sessions[3].close().expect("asked")),
            35 => drop(sessions[2].set("direct", format!("{run}:{frame}").as_str()).expect("asked")),
            37 => drop(sessions[1].publish(Channel::A, 1, format!("go:{run}").as_str()).expect("asked")),
            39 => drop(sessions[1].publish(Channel::C, 3, "go").expect("asked")),
            _ => {}
        }
        if frame % 3 == 0 { world.steps(1) } else { world.still(1) }
    }
    world.engine.digest()
}

/// Replays a directory; the last frame, how many digests agreed, and the last one.
fn replay(directory: &Path, threads: usize, from: ReplayFrom) -> (u64, u64, Digest) {
    let builder = Engine::in_memory().plugin(Runtime::default().settings(settings())).dt(1.0 / 60.0);
    let mut replay = builder.threads(threads).replay(directory, from).expect("it can be replayed");
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{threads} threads: {error}"));
    assert_eq!(replay.frame(), replay.last_frame());
    (replay.frame(), replay.compared(), replay.digest())
}

/// Claim: what sessions did, a thousand requests in four runs of a program, is made again digest by digest, on any
/// number of threads; whether the world was known by its state or by its inputs.
#[test]
fn what_sessions_did_is_made_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let modes =
        [Durability::Buffered, Durability::Inputs(25), Durability::Inputs(1000), Durability::Buffered];
    let runs = (1..).zip(modes).map(|(run, durability)| go_on(directory.path(), durability, run, 90));
    let last = runs.last();
    for threads in [1, 3] {
        let (frame, compared, digest) = replay(directory.path(), threads, ReplayFrom::Oldest);
        assert_eq!(Some(digest), last, "{threads} threads");
        assert!(frame > 360, "{frame} frames");
        assert_eq!(compared, frame + 1, "every frame has a digest");
    }
    // In the middle of the last run: of its sessions most are nowhere stored, and the log says who they are.
    let (frame, ..) = replay(directory.path(), 1, ReplayFrom::Oldest);
    for back in [60, 31] {
        let (again, compared, digest) = replay(directory.path(), 2, ReplayFrom::Frame(frame - back));
        // That of the frame it begins with, too.
        assert_eq!((again, compared, Some(digest)), (frame, back + 1, last), "{back} frames");
    }
}
