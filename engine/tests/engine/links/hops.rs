//! Links: what they are, and where they lead.

use super::Name;
use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Follows(Link<Name>);
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Seen(u64);

/// A link is an `Id` and no more: zeroed it is none, and it compares whatever its type.
#[test]
fn a_link_is_an_id() {
    struct NotEvenState;
    let (a, b) = (Link::<NotEvenState>::to(Id::from_bits(7)), Link::<NotEvenState>::to(Id::from_bits(8)));
    assert_eq!(size_of::<Link<NotEvenState>>(), 8);
    assert_eq!(bytemuck::bytes_of(&a), 7_u64.to_le_bytes());
    assert_eq!((Link::<NotEvenState>::zeroed().id(), a.id()), (None, Some(Id::from_bits(7))));
    assert_eq!(Link::<NotEvenState>::default(), Link::none());
    assert!(a < b && a != b && a == { a });
    assert_eq!(format!("{a:?} {:?}", Link::<NotEvenState>::none()), "Link(00000.7) Link(none)");
}

/// Links lead to the last committed value; one that is none, dangles, or leads to an entity without the type
/// leads nowhere, and nobody panics.
#[test]
fn links_lead_to_values_or_nowhere() {
    let follow = |mut rows: Query<(Next<Seen>, Prev<Follows>)>, names: Linked<Name>| {
        rows.par_rows(|(mut seen, follows)| {
            seen.set(Seen(names.get(follows.0).map_or(u64::MAX, |name| name.0)));
        });
    };
    let age =
        |mut names: Query<Next<Name>>, clock: Clock, ids: Query<Id, With<Name>>, mut structure: Structure| {
            names.par_rows(|mut name| name.set(Name(name.prev().0 + 1)));
            if clock.frame() == 3 {
                ids.iter().for_each(|id| structure.despawn(id));
            }
        };
    let mut engine = Engine::in_memory()
        .state::<Name>("test.name", 1)
        .state::<Follows>("test.follows", 1)
        .state::<Seen>("test.seen", 1)
        .system("follow", follow)
        .system("age", age)
        .setup("test", |structure| {
            let named = structure.spawn((Name(10),)).id;
            let other = structure.spawn((Seen(0), Follows(Link::to(named)))).id;
            structure.spawn((Seen(0), Follows(Link::none())));
            structure.spawn((Seen(0), Follows(Link::to(Id::from_bits(u64::MAX)))));
            structure.spawn((Seen(0), Follows(Link::to(other))));
        })
        .build()
        .expect("a sound world");
    let none = u64::MAX;
    for expected in [10, 11, 12, none, none] {
        engine.step().expect("a frame");
        let seen: Vec<u64> = engine.view().iter::<Seen>().map(|(_, seen)| seen.0).collect();
        assert_eq!(seen, [expected, none, none, none], "frame {}", engine.frame());
    }
    let reads = engine.explain().to_string();
    let reads = reads.lines().find(|line| line.contains("reads") && line.contains("test.follows"));
    assert!(reads.is_some_and(|line| line.contains("test.name")), "{reads:?}");
}

/// `Id` 0 is nobody's, so that a zeroed link cannot come to life.
#[test]
fn no_entity_has_id_zero() {
    let mut engine = Engine::in_memory().state::<Name>("test.name", 1);
    for n in 0..50 {
        engine = engine.setup(&format!("setup {n}"), move |structure| {
            structure.spawn((Name(n),));
        });
    }
    let engine = engine.build().expect("a sound world");
    let ids: BTreeSet<u64> = engine.view().iter::<Name>().map(|(id, _)| id.bits()).collect();
    assert_eq!(ids.len(), 50);
    assert!(ids.iter().all(|id| id >> diptych_engine::SERIAL_BITS != 0));
}
