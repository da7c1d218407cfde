//! Groups and units through the engine: against a walk over all members, through restarts, replays and rollbacks.

use super::{EntityGroup, Groups, Member, NameKey, register};
use crate::blueprint::{Blueprint, Overrides};
use crate::unit::{Unit, UnitGroup, is_a};
use diptych_engine::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Health(i64);
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Reach(i64);

fn body() -> Blueprint<(Health,)> {
    Blueprint::new("body").with("war.health", Health(10))
}

struct Scout;
impl Unit for Scout {
    const NAME: &'static str = "scout";
    type Parts = (Health, Reach);
    type Arguments = i64;

    fn template() -> Blueprint<Self::Parts> {
        body().named(Self::NAME).with("war.reach", Reach(1))
    }

    fn register(reach: i64, parts: &mut Self::Parts) {
        parts.1 = Reach(reach);
    }
}

#[derive(Clone)]
struct War {
    rocks: EntityGroup<(Health,)>,
    red: UnitGroup<Scout>,
    blue: UnitGroup<Scout>,
}

fn war() -> War {
    War { rocks: EntityGroup::new("rocks", body()), red: UnitGroup::new("red"), blue: UnitGroup::new("blue") }
}

impl Plugin for War {
    fn name(&self) -> &'static str {
        "war"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        register(registrar, &Groups::default());
        self.rocks.register(registrar);
        self.red.register(registrar);
        self.blue.register(registrar);
        let (setup, turn) = (self.clone(), self);
        registrar
            .state::<Health>("war.health", 1)
            .state::<Reach>("war.reach", 1)
            .setup("war", move |world: &mut Structure<'_, '_>| {
                setup.rocks.spawn_with(world, 40, &Overrides::new().each(|n| Health(n as i64)));
                for n in 0..30 {
                    setup.red.spawn(world, n);
                    setup.blue.spawn(world, -n);
                }
            })
            .system("war.turn", move |groups: Res<Groups>, mut structure: Structure, clock: Clock| {
                turn.take(&groups, &mut structure, clock.frame());
            });
        Ok(())
    }
}

impl War {
    /// Something of everything that can happen to members.
    fn take(&self, groups: &Groups, structure: &mut Structure<'_, '_>, frame: u64) {
        match frame % 5 {
            0 => {
                self.red.spawn(structure, frame as i64);
            }
            1 => {
                if let Some(id) = self.rocks.first(groups) {
                    self.rocks.despawn(structure, id);
                }
            }
            // Somebody changes sides.
            2 => {
                let mut turned = None;
                self.red.each(groups, |unit| turned = Some(unit.id()));
                if let Some(id) = turned {
                    structure.insert(id, self.blue.group().member());
                }
            }
            // Somebody leaves.
            3 => {
                let mut first = None;
                self.blue.each(groups, |unit| first = first.or(Some(unit)));
                if let Some(unit) = first {
                    structure.remove::<Member>(unit.id());
                }
            }
            _ if frame == 49 => {
                assert!(self.rocks.clear(groups, structure) > 0);
            }
            _ => {}
        }
    }
}

fn built(builder: EngineBuilder) -> Engine {
    builder.plugin(war()).build().unwrap_or_else(|error| panic!("{error}"))
}

fn run(engine: &mut Engine, frames: u64) {
    engine.run(Pace::frames(frames)).unwrap_or_else(|error| panic!("{error}"));
}

/// The index holds what a walk over all members finds.
#[track_caller]
fn agrees(engine: &Engine) {
    let mut found: BTreeMap<NameKey, Vec<Id>> = BTreeMap::new();
    for (id, member) in engine.view().iter::<Member>() {
        found.entry(member.group).or_default().push(id);
    }
    found.values_mut().for_each(|ids| ids.sort_unstable());
    let groups = engine.resource::<Groups>().unwrap_or_else(|| panic!("there is one"));
    let War { rocks, red, blue } = war();
    let mut all = 0;
    for (member, size) in [
        (rocks.member(), rocks.size(groups)),
        (red.group().member(), red.size(groups)),
        (blue.group().member(), blue.size(groups)),
    ] {
        let expected = found.remove(&member.group).unwrap_or_default();
        let mut listed = Vec::new();
        match member {
            member if member == rocks.member() => rocks.each(groups, |id| listed.push(id)),
            member if red.group().is_of(&member) => red.each(groups, |unit| listed.push(unit.id())),
            _ => blue.each(groups, |unit| listed.push(unit.id())),
        }
        assert_eq!(listed, expected, "frame {}", engine.frame());
        assert_eq!(size, expected.len() as u64);
        assert!(expected.iter().all(|id| groups.group_of(*id) == Some(member.group)));
        all += size;
    }
    assert!(found.is_empty() && groups.len() == all);
}

/// Claim: in every frame the index is what a walk over all members finds, while members come, go, change sides, leave,
/// and a group is cleared.
#[test]
fn the_index_follows() {
    let mut engine = built(Engine::in_memory());
    agrees(&engine);
    for _ in 0..60 {
        run(&mut engine, 1);
        agrees(&engine);
    }
    let groups = engine.resource::<Groups>().unwrap_or_else(|| panic!("there is one"));
    assert_eq!((war().rocks.size(groups), war().rocks.first(groups)), (0, None));
    assert_eq!(war().red.size(groups) + war().blue.size(groups), 60 + 12 - 12);
}

/// Claim: units of a type are known by their membership, those of one faction as allies, and what a unit was told is in
/// its components; an `Id` of another group is no unit of this one.
#[test]
fn units_are_known_by_membership() {
    let engine = built(Engine::in_memory());
    let groups = engine.resource::<Groups>().unwrap_or_else(|| panic!("there is one"));
    let War { rocks, red, blue } = war();
    let view = engine.view();
    let member = |id: Id| *view.get::<Member>(id).unwrap_or_else(|| panic!("{id} is a member"));
    let (mut reds, mut blues) = (Vec::new(), Vec::new());
    red.each(groups, |unit| reds.push(unit));
    blue.each(groups, |unit| blues.push(unit));
    assert_eq!(view.get::<Reach>(reds[7].id()), Some(&Reach(7)));
    assert_eq!(view.get::<Reach>(blues[7].id()), Some(&Reach(-7)));
    let (one, other, enemy) = (member(reds[0].id()), member(reds[1].id()), member(blues[0].id()));
    let rock = member(rocks.first(groups).unwrap_or_default());
    assert!(is_a::<Scout>(&one) && is_a::<Scout>(&enemy) && !is_a::<Scout>(&rock));
    assert!(one.is_ally(&other) && !one.is_ally(&enemy) && !rock.is_ally(&rock));
    assert!(red.unit(groups, blues[0].id()).is_none() && red.unit(groups, reds[0].id()) == Some(reds[0]));
    assert_eq!((red.group().name(), red.faction()), ("red/scout", "red"));
}

/// Claim: one digest on any number of threads; and the same world, with the same index, when it is stored, dropped and
/// opened again at any frame, when it is replayed, and when it is rolled back and goes on.
#[test]
fn one_world_however_it_is_made() {
    let mut one = built(Engine::in_memory().threads(1));
    run(&mut one, 60);
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        let mut other = built(Engine::in_memory().threads(threads));
        run(&mut other, 60);
        assert_eq!(other.digest(), one.digest(), "on {threads} threads");
    }
    let mut rolled = built(Engine::in_memory().rollback(40));
    run(&mut rolled, 50);
    rolled.rollback_to(31).unwrap_or_else(|error| panic!("{error}"));
    agrees(&rolled);
    run(&mut rolled, 29);
    assert_eq!(rolled.digest(), one.digest());
    #[cfg(feature = "store")]
    {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        for frame in [1, 2, 3, 44, 60] {
            let mut engine = built(Engine::open(folder.path()));
            agrees(&engine);
            let more = frame - engine.frame();
            run(&mut engine, more);
            agrees(&engine);
            assert!(frame < 60 || engine.digest() == one.digest(), "in pieces");
        }
        let replay = Engine::in_memory().plugin(war()).replay(folder.path(), ReplayFrom::Oldest);
        let mut replay = replay.unwrap_or_else(|error| panic!("{error}"));
        replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((replay.frame(), replay.digest()), (60, one.digest()));
    }
}

/// Claim: a group in a world without memberships is refused, and says what is missing.
#[test]
fn groups_need_memberships() {
    struct Alone;
    impl Plugin for Alone {
        fn name(&self) -> &'static str {
            "alone"
        }
        fn build(self, registrar: &mut Registrar) -> Result<()> {
            registrar.state::<Health>("war.health", 1);
            war().rocks.register(registrar);
            Ok(())
        }
    }
    let said = Engine::in_memory().plugin(Alone).build().map(drop).map_err(|error| error.to_string());
    let said = said.err().unwrap_or_default();
    assert!(
        said.starts_with("group rocks names the component \"group.member\", which is not registered"),
        "{said}"
    );
}
