//! The order of messages follows from names, senders and issue: not from threads, tables or registration.

use super::{Log, note, noted};
use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Score(u64);

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Left(u64);

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Right(u64);

/// The order a message claims: its system's place by name, and its number among those of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
struct Claim {
    system: u64,
    n: u64,
}

const ROWS: u64 = 9_000;

type Scores<'w, 's> = Query<'w, 's, (Id, Prev<Score>)>;

/// Every row sends three times in each of two loops, once between them, and once through a second outbox.
fn send(system: u64) -> impl Fn(Scores, Outbox<Claim>, Outbox<Claim>, Ids) + Send + Sync {
    move |mut scores: Scores, mut first: Outbox<Claim>, mut second: Outbox<Claim>, ids: Ids| {
        let targets: Vec<Id> = scores.iter().take(97).map(|(id, _)| id).collect();
        let lone = scores.iter().last().map(|(id, _)| id);
        assert!(lone.is_some_and(|id| ids.entity(id).is_some()));
        for loop_number in 0..2 {
            scores.par_rows_with((&mut second, &mut first), |(id, score), (second, first)| {
                let target = |n: u64| targets[(score.0 + n * 31) as usize % targets.len()];
                if loop_number == 1 {
                    second.from(id).to(target(0), Claim { system, n: 7 });
                }
                for n in 0..3 {
                    first.from(id).to(target(n), Claim { system, n: loop_number * 4 + n });
                }
            });
            if loop_number == 0 {
                for (id, _) in &scores {
                    first.from(id).to(targets[0], Claim { system, n: 3 });
                }
            }
        }
    }
}

/// Three tables, rows that go and come, so that no table's `Id`s ascend.
fn churn(scores: Query<(Id, Prev<Score>)>, random: Random, mut structure: Structure) {
    for (id, score) in &scores {
        match random.of(id).bits() % 40 {
            0 => structure.despawn(id),
            1 => structure.insert(id, Left(1)),
            2 => structure.remove::<Left>(id),
            3 => {
                structure.spawn((Score(score.0 + 1), Right(2)));
            }
            _ => {}
        }
    }
}

fn world(threads: usize, backwards: bool, log: &Log<Claim>) -> Engine {
    let builder = Engine::in_memory()
        .threads(threads)
        .state::<Score>("test.score", 1)
        .state::<Left>("test.left", 1)
        .state::<Right>("test.right", 1)
        .message::<Claim>("test.claim", 1)
        .setup("test.setup", |structure| {
            for n in 0..ROWS {
                if n % 3 == 0 {
                    structure.spawn((Score(n), Left(0)));
                } else {
                    structure.spawn((Score(n),));
                }
            }
        });
    let names = [("a", 0), ("b", 1), ("c", 2)];
    let builder = (0..3).fold(builder, |builder, n| {
        let (name, system) = names[if backwards { 2 - n } else { n }];
        builder.system(name, send(system))
    });
    builder.system("churn", churn).system("note", note(log)).build().expect("a sound world")
}

/// The same messages in the same order on any number of threads and with shuffled registration: by target, then
/// by system, sender and issue. And the same digest, with messages under way.
#[test]
fn by_name_sender_and_issue() {
    let mut first = None;
    let all: &[_] = &[(1, false), (1, true), (2, true), (4, false), (8, true)];
    // Without the feature there is one thread.
    for (threads, backwards) in all[..if cfg!(feature = "threads") { 5 } else { 2 }].iter().copied() {
        let log = Log::<Claim>::default();
        let mut engine = world(threads, backwards, &log);
        engine.run(Pace::frames(4)).expect("frames");
        noted(&log);
        engine.step().expect("a frame");
        let seen = noted(&log);
        assert!(seen.len() > 3 * 8 * 8_000, "{} messages", seen.len());
        let key = |(target, sender, claim): &(Id, Id, Claim)| (*target, claim.system, *sender, claim.n);
        assert!(seen.is_sorted_by_key(key), "{threads} threads");
        let row = engine.view().iter::<Score>().map(|(id, _)| id).collect::<Vec<_>>();
        assert!(!row.is_sorted(), "the tables are in the order of Ids, so this shows little");
        let all = (seen, engine.digest(), engine.stats().messages_waiting);
        assert!(all.2 > 0);
        match &first {
            None => first = Some(all),
            Some(first) => assert!(*first == all, "{threads} threads, backwards: {backwards}"),
        }
    }
}
