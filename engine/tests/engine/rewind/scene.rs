//! A world with some of everything: packed and coded state, transient values, children and values that go down to
//! them, messages, jobs, controls, still frames, and structure of every kind, from systems and from inputs.

use super::mix;
use diptych_engine::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Place(pub(crate) f64);

/// On some entities, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Heat(pub(crate) u64);

/// Coded state, on some entities.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name(pub(crate) String);

/// A value for one frame.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Flash(pub(crate) u64);

/// What goes down the tree.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Global(pub(crate) f64);

/// What was seen, summed up in an order-dependent way.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Seen(pub(crate) u64);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Hit(u64);

/// An input: does something to somebody, by numbers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Poke(pub(crate) u64);

struct Slow;

impl Job for Slow {
    type Request = u64;
    type Answer = u64;
}

struct Text;

impl Codec<Name> for Text {
    fn encode(name: &Name, out: &mut Vec<u8>) {
        out.extend_from_slice(name.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Name, CodecError> {
        String::from_utf8(bytes.to_vec()).map(Name).map_err(CodecError::new)
    }
}

fn drift(mut places: Query<(Id, Next<Place>)>, random: Random, clock: Clock) {
    places.par_rows(|(id, mut place)| {
        let mut stream = random.of(*id);
        // A third of the rows, in no pattern; some are looked at and left.
        match stream.below(3) {
            0 => place.set(Place(place.prev().0 * 0.9 + stream.unit() + clock.seconds())),
            1 => place.carry(),
            _ => {}
        }
    });
}

/// Sets every row, in each second step.
fn cool(mut heats: Query<(Next<Heat>, Prev<Place>)>) {
    heats.par_rows(|(mut heat, place)| heat.set(Heat(heat.prev().0 / 2 + place.0.to_bits() % 100)));
}

fn flash(mut flashes: Query<(Id, Next<Flash>, Fresh<Flash>)>, random: Random) {
    for (id, mut flash, old) in &mut flashes {
        if random.of(id).below(4) == 0 || old.is_some_and(|old| old.0 % 3 == 0) {
            flash.set(Flash(random.of(id).bits()));
        }
    }
}

fn rename(mut names: Query<(Id, Next<Name>)>, random: Random, clock: Clock) {
    for (id, mut name) in &mut names {
        if random.of(id).below(5) == 0 {
            let text = format!("{} in {}", name.prev().0.len(), clock.frame());
            name.set(Name(text.repeat(1 + random.of(id).below(3) as usize)));
        }
    }
}

/// Spawns, despawns, inserts, removes, attaches, detaches.
fn live(places: Query<(Id, Has<Heat>, Has<Name>), With<Place>>, random: Random, mut structure: Structure) {
    let all: Vec<Id> = places.iter().map(|(id, ..)| id).collect();
    for (n, (id, hot, named)) in places.iter().enumerate() {
        let id = &id;
        let mut lot = random.of(*id);
        let other = all[(n * 7 + lot.below(50) as usize) % all.len()];
        match lot.below(60) {
            0 | 1 if all.len() < 400 => {
                let child = structure.spawn((Place(lot.unit()), Flash(lot.bits()), Global(0.0)));
                structure.attach(child, *id);
            }
            2 if all.len() < 400 => {
                structure.spawn((Place(lot.unit()), Name("new".to_owned())));
            }
            3 if all.len() > 60 => structure.despawn(*id),
            4 if !hot => structure.insert(*id, Heat(lot.below(1000))),
            5 => structure.remove::<Heat>(*id),
            6 => structure.attach_at(*id, other, lot.below(3) as u32),
            7 => structure.detach(*id),
            8 if !named => structure.insert(*id, Name(format!("{n}"))),
            9 => structure.remove::<Name>(*id),
            _ => {}
        }
    }
}

fn shoot(
    mut places: Query<(Id, Prev<Place>)>,
    heats: Query<(Id, Prev<Heat>)>,
    random: Random,
    mut hits: Outbox<Hit>,
) {
    let targets: Vec<Id> = heats.iter().map(|(id, _)| id).collect();
    if targets.is_empty() {
        return;
    }
    let (targets, random) = (&targets, &random);
    places.par_rows_with(&mut hits, |(id, place), hits| {
        let lot = random.of(*id).below(3 * targets.len() as u64) as usize;
        if let Some(target) = targets.get(lot) {
            hits.from(id).to(*target, Hit(place.0.to_bits() % 1000));
        }
    });
}

fn fold(sum: u64, value: u64) -> u64 {
    mix(sum ^ value)
}

/// Reads its mail in each third step only; gathers what the marks of the last frame say, and the answers of jobs.
fn see(
    mut seen: Query<Next<Seen>>,
    hits: Inbox<Hit>,
    (changed, added): (Query<(Id, Prev<Place>), Changed<Place>>, Query<(Id, Prev<Place>), Added<Place>>),
    (removed, gone): (Removed<Heat>, Removed<Place>),
    fresh: Query<(Id, Fresh<Flash>)>,
    mut jobs: Jobs<Slow>,
    clock: Clock,
) {
    let mut sum = changed.iter().fold(1, |sum, (id, place)| fold(sum, id.bits() ^ place.0.to_bits()));
    sum = added.iter().fold(sum, |sum, (id, _)| fold(sum, id.bits()));
    sum = removed.ids().iter().chain(gone.ids()).fold(sum, |sum, id| fold(sum, id.bits()));
    sum = fresh.iter().filter_map(|(_, flash)| flash).fold(sum, |sum, flash| fold(sum, flash.0));
    if clock.step().is_multiple_of(3) {
        sum = hits.iter().fold(sum, |sum, (to, from, hit)| fold(sum, to.bits() ^ from.bits() ^ hit.0));
    }
    if clock.step().is_multiple_of(2) {
        sum = jobs.answers().fold(sum, |sum, one| fold(sum, one.answer.unwrap_or(7) ^ one.id.bits()));
        let _full = jobs.start(&(sum % 1000));
    }
    for mut seen in &mut seen {
        seen.set(Seen(fold(seen.prev().0, sum)));
    }
}

fn propagate(tree: Tree, places: Query<Now<Place>>, mut globals: Query<Next<Global>>) {
    tree.propagate(&places, &mut globals, |above, place| {
        Global(above.map_or(0.0, |above: &Global| above.0) + place.0)
    });
}

fn answer(mut seen: Query<Next<Count>>) {
    seen.par_rows(|mut count| count.set(Count(count.prev().0 + 1)));
}

/// Counts frames, still ones too.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Count(pub(crate) u64);

fn poke(world: &mut diptych_engine::Applier<'_, '_>, Poke(lot): Poke) {
    let all = world.ids::<Place>();
    let (one, other) = (all[lot as usize % all.len()], all[(lot >> 20) as usize % all.len()]);
    match (lot >> 40) % 8 {
        0 => {
            world.set(one, Place(lot as f64 / 1e18));
        }
        1 => {
            world.insert(one, Heat(lot % 1000));
        }
        2 => {
            world.remove::<Heat>(one);
        }
        3 => {
            world.attach(one, other);
        }
        4 if all.len() > 60 => {
            world.despawn(one);
        }
        5 => {
            world.spawn((Place(1.0), Flash(lot), Global(2.0)));
        }
        6 => {
            world.set(one, Flash(lot));
        }
        _ => {
            world.detach(one);
        }
    }
}

/// The scene; one entity of each kind is there from the beginning.
pub(crate) fn scene(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Place>("test.place", 1)
        .state::<Heat>("test.heat", 1)
        .state_with::<Name, Text>("test.name", 1)
        .transient::<Flash>("test.flash", 1)
        .state::<Global>("test.global", 1)
        .state::<Seen>("test.seen", 1)
        .state::<Count>("test.count", 1)
        .hierarchy()
        .message::<Hit>("test.hit", 1)
        .job::<Slow>("test.slow", 1, |n: &u64| Ok(n * 3))
        .job_latency(2)
        .input::<Poke>("poke", 1, poke)
        .system("drift", drift)
        .system("cool", cool.every(2))
        .system("flash", flash)
        .system("rename", rename)
        .system("live", live)
        .system("shoot", shoot)
        .system("see", see)
        .system("answer", answer.answering())
        .derive("propagate", propagate)
        .setup("test.setup", kinds)
        .digest(DigestPolicy::OnDemand)
        .seed(11)
        .dt(0.25)
}

/// Every mix of types that can come up, and the rows to begin with.
fn kinds(structure: &mut Structure<'_, '_>) {
    structure.spawn((Seen(0), Count(0)));
    let root = structure.spawn((Place(0.0), Global(0.0)));
    for n in 0..2 * 2 * 2 * 3 {
        let made = match n / 8 {
            0 => structure.spawn((Place(f64::from(n)), Flash(1), Global(0.0))),
            1 => structure.spawn((Place(f64::from(n)),)),
            _ => structure.spawn((Place(f64::from(n)), Global(0.0))),
        };
        if n & 1 != 0 {
            structure.insert(made, Heat(1));
        }
        if n & 2 != 0 {
            structure.insert(made, Name("old".to_owned()));
        }
        if n & 4 != 0 {
            structure.attach(made, root);
        }
    }
    for n in 0..100_u32 {
        structure.spawn((Place(f64::from(n)), Flash(n.into()), Global(0.0)));
    }
}

/// Makes the frame after the last one, with inputs that follow from its number and `salt`; some are still.
pub(crate) fn advance(engine: &mut Engine, salt: u64) {
    let frame = engine.frame() + 1;
    let lot = mix(frame ^ (salt << 32));
    for n in 0..lot % 4 {
        engine.inputs().send("test", &Poke(mix(lot + n))).expect("room");
    }
    if lot % 19 == 3 {
        let systems = ["drift", "shoot", "propagate", "see", "cool"];
        let system = systems[(lot >> 8) as usize % systems.len()];
        let control = if lot & 1 == 0 {
            Control::disable(system)
        } else {
            Control::every(system, 1 + (lot >> 16) as u32 % 3)
        };
        engine.inputs().control("test", &control).expect("room");
    }
    if (lot >> 24).is_multiple_of(5) { engine.answer() } else { engine.step() }.expect("a frame");
}

/// Everything that a view shows, in its order.
pub(crate) fn shown(engine: &Engine) -> String {
    let view = engine.view();
    let mut text = format!("frame {} step {} entities {}\n", view.frame(), view.step(), view.entities());
    text += &format!("{:?}\n", view.iter::<Place>().collect::<Vec<_>>());
    text += &format!("{:?}\n", view.iter::<Heat>().collect::<Vec<_>>());
    text += &format!("{:?}\n", view.iter::<Name>().collect::<Vec<_>>());
    text += &format!("{:?}\n", view.iter::<Flash>().collect::<Vec<_>>());
    text += &format!("{:?}\n", view.iter::<Global>().collect::<Vec<_>>());
    text += &format!("{:?}\n", view.iter::<Parent>().collect::<Vec<_>>());
    let families = view.iter::<Place>().map(|(id, _)| (id, view.children(id).collect::<Vec<_>>()));
    text += &format!("{:?}\n", families.filter(|(_, children)| !children.is_empty()).collect::<Vec<_>>());
    text
}
