//! Wrong use is refused at the build, all of it at once, in sentences that name everything involved.

use bevy_ecs::prelude::{Commands, Component, EntityMut, EntityRef, Resource, World};
use bevy_ecs::system::NonSend;
use bevy_ecs::world::DeferredWorld;
use diptych_engine::prelude::*;
use std::marker::PhantomData;

macro_rules! pods {
    ($($name:ident),+) => {
        $(#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
        #[repr(C)]
        pub(crate) struct $name(u64);)+
    };
}

pods!(Gold, Iron, Lead);

#[derive(Component, Clone, Copy, Default)]
struct Cache(#[expect(dead_code, reason = "only its type matters")] u64);

#[derive(Resource, Default)]
struct Scrap(u64);

struct NotSend(PhantomData<*const ()>);

fn base() -> EngineBuilder {
    Engine::in_memory().state::<Gold>("gold", 1).state::<Iron>("iron", 1)
}

/// The message of a build that must fail, after checking that it says all of `parts`.
#[track_caller]
fn refused(builder: EngineBuilder, parts: &[&str]) -> String {
    let message = builder.build().expect_err("the build must be refused").to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

fn own_gold(_: Query<Next<Gold>>) {}
fn own_iron(_: Query<Next<Iron>>) {}

/// The base world is accepted, so what follows is refused for what it adds. One system may read what it
/// owns, in one query or in two, and any number may read what another owns.
#[test]
fn right_use_is_accepted() {
    let builder = base()
        .system("owner", |_: Query<Next<Gold>>, _: Query<Prev<Gold>>| {})
        .system("reader", |_: Query<(Prev<Gold>, Option<Prev<Iron>>), Without<Lead>>| {})
        .system("other", |_: Query<(Entity, Id, Has<Gold>, Next<Iron>), (With<Gold>, Changed<Gold>)>| {})
        .state::<Lead>("lead", 1);
    builder.build().unwrap().step().unwrap();
}

/// Two owners of a type are refused however their filters are cut, naming both and the type.
#[test]
fn two_owners() {
    let parts = ["two systems own", "Gold", "first", "second"];
    refused(base().system("first", own_gold).system("second", own_gold), &parts);
    refused(
        base()
            .system("second", |_: Query<Next<Gold>, With<Iron>>| {})
            .system("first", |_: Query<Next<Gold>, Without<Iron>>| {}),
        &parts,
    );
    refused(
        base()
            .system("second", |_: Query<(Next<Gold>, Next<Iron>)>| {})
            .system("first", |_: Query<Option<Next<Gold>>>| {}),
        &parts,
    );
    refused(
        base().system("first", own_gold.prepare(own_iron)).system("second", own_iron),
        &["Iron", "first"],
    );
    let three = base().system("a", own_gold).system("b", own_gold).system("c", own_gold);
    refused(three, &["a and b", "a and c"]);
}

/// Everything that is wrong is said at once.
#[test]
fn all_at_once() {
    let builder = base()
        .state::<Gold>("gold.again", 1)
        .system("first", own_gold)
        .system("second", own_gold)
        .system("second", own_iron)
        .system("lost", |_: Query<Prev<Lead>>| {})
        .system("greedy", |_: Query<EntityMut>| {});
    refused(builder, &["two systems own", "gold.again", "two systems are called second", "lost", "greedy"]);
}

/// Whatever reaches every component, or is not a system of a wave.
#[test]
fn all_access_and_strange_systems() {
    refused(base().system("greedy", |_: Query<EntityMut>| {}), &["greedy", "write every component"]);
    refused(base().system("curious", |_: Query<EntityRef>| {}), &["curious", "read every component"]);
    refused(base().system("deferred", |_: DeferredWorld| {}), &["deferred", "every component"]);
    refused(base().system("reader", |_: &World| {}), &["reader", "read every component"]);
    refused(base().system("exclusive", |_: &mut World| {}), &["exclusive", "&mut World"]);
    refused(base().system("commander", |_: Commands| {}), &["commander", "Commands", "Structure"]);
    refused(base().system("local", |_: NonSend<NotSend>| {}), &["local", "not Send"]);
    let around = own_gold.cleanup(|_: &mut World| {});
    refused(base().system("around", around), &["around", "&mut World"]);
}

/// Types that were never registered, in every place where a signature can name them.
#[test]
fn unregistered_types() {
    let parts = ["lost", "Lead", "not registered", ".state::<"];
    refused(base().system("lost", |_: Query<Prev<Lead>>| {}), &parts);
    refused(base().system("lost", |_: Query<Next<Lead>>| {}), &parts);
    refused(base().system("lost", |_: Query<Prev<Gold>, Without<Lead>>| {}), &parts);
    refused(base().system("lost", |_: Query<Has<Lead>>| {}), &parts);
    refused(base().system("lost", |_: Changes<Lead>| {}), &parts);
    refused(base().system("lost", |_: Removed<Lead>| {}), &parts);
    let spawner = |structure: &mut Structure<'_, '_>| {
        structure.spawn((Lead(1),));
    };
    refused(base().setup("lost", spawner), &parts);
    let mut engine = base()
        .system("lost", |mut structure: Structure| {
            structure.spawn((Lead(1),));
        })
        .build();
    let error = engine.as_mut().unwrap().step().unwrap_err().to_string();
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

/// Names and types that are there twice.
#[test]
fn duplicates() {
    refused(base().system("twin", own_gold).system("twin", own_iron), &["two systems are called twin"]);
    refused(base().setup("twin", |_| {}).setup("twin", |_| {}), &["called twin"]);
    refused(base().state::<Gold>("gold.too", 1), &["Gold", "registered twice", "gold", "gold.too"]);
    refused(base().state::<Lead>("gold", 1), &["stored name gold", "Gold", "Lead"]);
    let input = base().input::<Gold>("pay", 1, |_, _| {}).input::<Iron>("pay", 1, |_, _| {});
    refused(input, &["input", "pay"]);
    let input = base().input::<Gold>("pay", 1, |_, _| {}).input::<Gold>("spend", 1, |_, _| {});
    refused(input, &["input", "pay", "spend"]);
    refused(base().fact("rule", "B3/S23").fact("rule", "B36/S23"), &["rule", "B3/S23", "B36/S23"]);
    assert!(base().fact("rule", "B3/S23").fact("rule", "B3/S23").build().is_ok());
}

/// Two names that share the bits `Id`s take from them; three thousand names have such a pair.
#[test]
fn key_clash() {
    let names: Vec<String> = (0..3000).map(|n| format!("setup {n};")).collect();
    let builder = names.iter().fold(base(), |builder, name| builder.setup(name, |_| {}));
    let message = refused(builder, &["share their key", "rename"]);
    let named = names.iter().filter(|name| message.contains(name.as_str())).count();
    assert!(named >= 2, "both are named: {message}");
}

/// Plain components and resources may be written only where they were declared scratch, and plain components
/// in a query go through `Plain`.
#[test]
fn scratch_must_be_declared() {
    let parts = ["writer", "not declared scratch"];
    refused(base().system("writer", |_: Option<ResMut<Scrap>>| {}), &parts);
    let parts = ["writer", "not declared scratch", ".scratch::<"];
    refused(base().system("writer", |_: Query<Plain<&mut Cache>>| {}), &parts);
    let parts = ["looker", "Plain<&"];
    refused(base().scratch::<Gold, Cache>().system("looker", |_: Query<(Next<Gold>, &Cache)>| {}), &parts);
    refused(
        base().scratch::<Gold, Cache>().system("looker", |_: Query<(Prev<Gold>, &mut Cache)>| {}),
        &parts,
    );
    let builder = base()
        .scratch::<Gold, Cache>()
        .resource(Scrap(1))
        .system("writer", |mut scrap: ResMut<Scrap>, _: Query<(Prev<Gold>, Plain<&mut Cache>)>| scrap.0 += 1)
        .system("looker", |_: Res<Scrap>, _: Query<(Prev<Gold>, Plain<&Cache>)>| {});
    let mut engine = builder.build().unwrap();
    engine.step().unwrap();
    let told = engine.explain().to_string();
    assert!(
        told.contains("local to this process") && told.contains("Scrap") && told.contains("Cache"),
        "{told}"
    );
}

/// One system cannot write one row through two doors.
#[test]
fn next_twice_in_one_system() {
    refused(base().system("double", |_: Query<(Next<Gold>, Next<Gold>)>| {}), &["double", "Gold"]);
    refused(base().system("double", |_: Query<Next<Gold>>, _: Query<Next<Gold>>| {}), &["double"]);
    refused(base().system("double", |_: Query<(Next<Gold>, Option<Next<Gold>>)>| {}), &["double", "Gold"]);
}

/// Settings out of range name the setting, the value and the range.
#[test]
fn settings() {
    refused(base().threads(0), &["threads cannot be 0", "1 to 1024"]);
    refused(base().threads(1025), &["threads cannot be 1025"]);
    refused(base().dt(f64::NAN), &["dt cannot be NaN"]);
    refused(base().dt(-1.0), &["dt cannot be -1"]);
    refused(base().dt(f64::INFINITY), &["dt cannot be inf"]);
    refused(base().inputs_max(0), &["inputs_max cannot be 0"]);
    refused(base().durability(Durability::Synced), &["durability", "in memory", "Engine::open"]);
}

struct Broken;

impl Plugin for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn build(self, _: &mut Registrar) -> Result<()> {
        Err(Error::Plugin { plugin: "broken".to_owned(), reason: "it has no file".to_owned() })
    }
}

/// A plugin's refusal is the build's.
#[test]
fn plugins() {
    refused(base().plugin(Broken), &["broken", "it has no file"]);
}

/// Systems that conflict through scratch run in later waves in the order of their names, however they were
/// registered, and `explain` says who waits for whom and through what.
#[test]
fn scratch_conflicts_wait_by_name() {
    fn writer(factor: u64) -> impl FnMut(ResMut<Scrap>) {
        move |mut scrap| scrap.0 = scrap.0 * 10 + factor
    }
    fn reader(scrap: Res<Scrap>, mut gold: Query<Next<Gold>>) {
        gold.iter_mut().for_each(|mut gold| gold.set(Gold(scrap.0)));
    }
    let one = |builder: EngineBuilder| {
        builder
            .system("b.two", writer(2))
            .system("a.one", writer(1))
            .system("d.last", reader)
            .system("c.three", writer(3))
    };
    let other = |builder: EngineBuilder| {
        builder
            .system("c.three", writer(3))
            .system("d.last", reader)
            .system("a.one", writer(1))
            .system("b.two", writer(2))
    };
    let mut told = Vec::new();
    for register in [one as fn(EngineBuilder) -> EngineBuilder, other] {
        let with_gold = |structure: &mut Structure<'_, '_>| {
            structure.spawn((Gold(0),));
        };
        let builder = base().resource(Scrap(0)).setup("setup", with_gold).threads(4);
        let mut engine = register(builder).build().unwrap();
        engine.step().unwrap();
        assert_eq!(engine.view().single::<Gold>(), Some(&Gold(123)));
        told.push(engine.explain().to_string());
    }
    assert_eq!(told[0], told[1]);
    for part in
        ["wave 4:", "b.two waits for a.one: both use", "d.last waits for c.three", "Scrap", "flowchart LR"]
    {
        assert!(told[0].contains(part), "{part:?} is missing in: {}", told[0]);
    }
}
