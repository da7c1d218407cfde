//! A small game of blueprints, unit groups of two factions, and timers: towers shoot at the other side's soldiers.

use diptych::blueprint::Blueprint;
use diptych::group::{GroupPlugin, Groups, Member};
use diptych::prelude::*;
use diptych::timer::{self, Firing, Timer, TimerOrder};
use diptych::unit::{Unit, UnitGroup};

#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Health(i64);

#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Power(i64);

/// A tower has loaded.
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Loaded(u64);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Hit(i64);

/// What every unit has; types of units begin with it.
fn unit() -> Blueprint<(Health,)> {
    Blueprint::new("unit").with("skirmish.health", Health(10))
}

struct Soldier;

impl Unit for Soldier {
    const NAME: &'static str = "soldier";
    type Parts = (Health,);
    type Arguments = ();

    fn template() -> Blueprint<Self::Parts> {
        unit().named(Self::NAME)
    }

    fn register((): (), _: &mut Self::Parts) {}
}

struct Tower;

impl Unit for Tower {
    const NAME: &'static str = "tower";
    type Parts = (Health, Power, Timer<Loaded>);
    /// Milliseconds to load, and the power of a shot.
    type Arguments = (f64, i64);

    fn template() -> Blueprint<Self::Parts> {
        let loading = Timer::plan().after_default().sends(Loaded(1)).build();
        unit()
            .named(Self::NAME)
            .with("skirmish.power", Power(1))
            .with("skirmish.loaded.timer", loading.expect("nothing is missing"))
    }

    fn register((loading_ms, power): (f64, i64), parts: &mut Self::Parts) {
        parts.1 = Power(power);
        parts.2 = parts.2.lasting(loading_ms).expect("towers load in some time");
    }
}

/// An action of towers: what becomes of one that has loaded.
impl Tower {
    fn shoot(id: Id, power: Power, at: Id, hits: &mut Outbox<Hit>, timers: &mut Outbox<TimerOrder<Loaded>>) {
        hits.from(id).to(at, Hit(power.0));
        timers.from(id).to(id, TimerOrder::again());
    }
}

/// Units that are hit, and those that fall.
fn suffer(mut units: Query<(Id, Next<Health>)>, hits: Inbox<Hit>, mut structure: Structure) {
    hits.deliver(&mut units, |(id, mut health), mail| {
        let left = health.prev().0 - mail.messages().iter().map(|hit| hit.0).sum::<i64>();
        health.set(Health(left));
        if left <= 0 {
            structure.despawn(id);
        }
    });
}

fn main() -> diptych::Result<()> {
    let soldiers = ["red", "blue"].map(UnitGroup::<Soldier>::new);
    let towers = ["red", "blue"].map(UnitGroup::<Tower>::new);
    let groups = soldiers.iter().fold(GroupPlugin::new(), GroupPlugin::units);
    let groups = towers.iter().fold(groups, GroupPlugin::units);

    let targets = soldiers.clone();
    let fire = move |loaded: Inbox<Firing<Loaded>>,
                     towers: Query<(Prev<Power>, Prev<Member>)>,
                     (ids, groups): (Ids, Res<Groups>),
                     mut hits: Outbox<Hit>,
                     mut timers: Outbox<TimerOrder<Loaded>>| {
        for mail in loaded.mails() {
            let tower = ids.entity(mail.target()).and_then(|entity| towers.get(entity).ok());
            let Some((power, member)) = tower else { continue };
            // Membership says whose side it is on.
            let enemies = targets.iter().find(|enemies| enemies.group().member().faction != member.faction);
            if let Some(enemy) = enemies.and_then(|enemies| enemies.group().first(&groups)) {
                Tower::shoot(mail.target(), *power, enemy, &mut hits, &mut timers);
            }
        }
    };

    let army = soldiers.clone();
    let mut engine = Engine::in_memory()
        .dt(0.05)
        .state::<Health>("skirmish.health", 1)
        .state::<Power>("skirmish.power", 1)
        .message::<Hit>("skirmish.hit", 1)
        .plugin(Timers)
        .plugin(groups)
        .system("skirmish.fire", fire)
        .system("skirmish.suffer", suffer)
        .setup("skirmish.setup", move |world| {
            for side in &army {
                for _ in 0..20 {
                    side.spawn(world, ());
                }
            }
            towers[0].spawn(world, (2000.0, 5));
            towers[0].spawn(world, (3000.0, 10));
            towers[1].spawn(world, (1000.0, 4));
        })
        .build()?;

    let mut left = Vec::new();
    for seconds in [0, 10, 20, 30] {
        engine.run(Pace::frames(seconds * 20 - engine.frame()))?;
        let groups = engine.resource::<Groups>().expect("the plugin brings it");
        let [red, blue] = soldiers.each_ref().map(|side| side.size(groups));
        println!("after {seconds:2} s: {red} red soldiers, {blue} blue ones");
        left.push((red, blue));
    }
    assert_eq!(left, [(20, 20), (17, 17), (14, 13), (11, 8)]);
    Ok(())
}

/// Timers that say that a tower has loaded.
struct Timers;

impl Plugin for Timers {
    fn name(&self) -> &'static str {
        "skirmish"
    }

    fn build(self, registrar: &mut Registrar) -> diptych::Result<()> {
        timer::register::<Loaded>(registrar, "skirmish.loaded");
        Ok(())
    }
}
