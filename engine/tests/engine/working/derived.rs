//! Derive systems read what this frame has made, in the order of their needs.

use super::{Count, count, refusal};
use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;

macro_rules! value {
    ($($name:ident),+) => {$(
        #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
        #[repr(C)]
        struct $name(u64);
    )+};
}
value!(Twice, Thrice, Loose);

fn double(mut rows: Query<(Next<Twice>, Now<Count>)>) {
    rows.par_rows(|(mut twice, count)| twice.set(Twice(count.0 * 2)));
}

fn add_up(mut rows: Query<(Next<Thrice>, Now<Twice>, Now<Count>, Now<Loose>)>) {
    for (mut thrice, twice, count, loose) in &mut rows {
        thrice.set_if_changed(Thrice(twice.0 + count.0 + loose.0));
    }
}

fn builder() -> EngineBuilder {
    Engine::in_memory()
        .state::<Count>("test.count", 1)
        .state::<Twice>("test.twice", 1)
        .state::<Thrice>("test.thrice", 1)
        .state::<Loose>("test.loose", 1)
        .input::<Loose>("test.let", 1, |applier, loose| {
            let ids: Vec<Id> = applier.ids::<Loose>();
            for id in ids {
                applier.set(id, loose);
            }
        })
        .setup("test.setup", |structure| {
            for n in 0..100 {
                structure.spawn((Count(n), Twice(0), Thrice(0), Loose(0)));
            }
        })
}

#[test]
fn a_chain_of_derived_values_is_not_a_frame_late() {
    for threads in [1, 2, 4].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1) {
        // By name the later one comes first.
        let mut engine = builder()
            .system("count", count)
            .derive("a_add_up", add_up)
            .derive("b_double", double)
            .threads(threads)
            .build()
            .expect("a sound world");
        engine.run(Pace::frames(5)).expect("frames");
        let view = engine.view();
        for (n, (id, thrice)) in view.iter::<Thrice>().enumerate() {
            assert_eq!(thrice.0, 3 * (n as u64 + 5), "row {n}");
            assert_eq!(view.get::<Twice>(id), Some(&Twice(2 * (n as u64 + 5))));
        }
        let text = engine.explain().to_string();
        assert!(text.contains("derive 1:") && text.contains("derive 2:"), "{text}");
        assert!(text.contains("a_add_up waits for b_double: both use test.twice"), "{text}");
    }
}

#[test]
fn a_derived_value_sees_a_type_without_an_owner_and_a_paused_owner() {
    let mut engine = builder()
        .system("count", count.every(2))
        .derive("add_up", add_up)
        .derive("double", double)
        .build()
        .expect("a sound world");
    engine.inputs().send("test", &Loose(1000)).expect("room");
    engine.run(Pace::frames(2)).expect("frames");
    let first = engine.view().iter::<Thrice>().next().expect("a row").1.0;
    assert_eq!(first, 1003, "the input of frame 1 and the count of frame 2");
    engine.step().expect("frame 3, in which nobody counts");
    assert_eq!(engine.view().iter::<Thrice>().next().expect("a row").1.0, 1003);
}

#[test]
fn circles_and_misplaced_reads_are_refused_by_name() {
    let text = refusal(
        builder()
            .derive("one", |_rows: Query<(Next<Twice>, Now<Thrice>)>| {})
            .derive("two", |_rows: Query<(Next<Thrice>, Now<Loose>)>| {})
            .derive("three", |_rows: Query<(Next<Loose>, Now<Twice>)>| {})
            .derive("aside", |_rows: Query<Now<Twice>>| {}),
    );
    for part in [
        "one reads test.thrice, made by two",
        "two reads test.loose, made by three",
        "three reads test.twice, made by one",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("aside"), "{text}");
    let text = refusal(builder().system("early", |_rows: Query<Now<Count>>| {}));
    assert!(text.contains("early") && text.contains("Count") && text.contains(".derive("), "{text}");
    let text = refusal(builder().derive("self", |_own: Query<Next<Count>>, _now: Query<Now<Count>>| {}));
    assert!(text.contains("self"), "{text}");
    let text = refusal(builder().system("first", count).derive("second", count));
    assert!(text.contains("first") && text.contains("second") && text.contains("Count"), "{text}");
}

#[test]
fn a_derive_system_visits_what_this_frame_changed() {
    let mut engine = builder()
        .system("count", |mut counts: Query<Next<Count>>, clock: Clock| {
            for (n, mut count) in (&mut counts).into_iter().enumerate() {
                if n as u64 == clock.frame() * 10 {
                    count.set(Count(1_000_000));
                }
            }
        })
        .derive("double", |mut rows: Query<(Next<Twice>, Now<Count>)>, changes: NowChanges<Count>| {
            assert_eq!(changes.entities().len(), 1, "one row is set a frame");
            rows.visit(changes.entities(), |(mut twice, count)| twice.set(Twice(count.0 * 2)));
        })
        .build()
        .expect("a sound world");
    engine.run(Pace::frames(3)).expect("frames");
    let doubled: Vec<u64> = engine.view().iter::<Twice>().map(|(_, twice)| twice.0).collect();
    assert_eq!((doubled.iter().filter(|twice| **twice > 0).count(), doubled[20]), (3, 2_000_000));
    for text in [
        refusal(builder().derive("own", |_: Query<Next<Count>>, _: NowChanges<Count>| {})),
        refusal(builder().derive("own", |_: NowChanges<Count>, _: Query<Next<Count>>| {})),
        refusal(builder().system("own", |_: NowChanges<Count>| {})),
    ] {
        assert!(text.contains("own") && text.contains("Count"), "{text}");
    }
}
