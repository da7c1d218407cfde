//! The other half of the soup: messages, links, trees, derived and transient values, jobs and phases, all at once.
//!
//! What is not state (the order of mail, answers, fresh values) is folded into state of one entity a frame later.

use crate::soup::{Heat, Label, LabelCodec, Part};
use diptych_engine::prelude::*;

macro_rules! pods {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)+) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
        #[repr(C)]
        pub(crate) struct $name(pub(crate) $inner);)+
    };
}

pods! {
    /// Who somebody follows; often gone.
    Follow(Link<Heat>);
    Purse(u64);
    Offset(f64);
    /// Derived down the tree.
    Spot(f64);
    /// On one entity, derived: the sum of all spots, and how many offsets were set.
    Tally([f64; 2]);
    /// On one entity: what was answered, and what was fresh.
    Asked([u64; 3]);
    /// Transient.
    Flash([u64; 2]);
    /// A message.
    Gift(u64);
}

/// A transient type that is not plain old data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cry(pub(crate) Label);

struct CryCodec;

impl Codec<Cry> for CryCodec {
    fn encode(cry: &Cry, out: &mut Vec<u8>) {
        LabelCodec::encode(&cry.0, out);
    }

    fn decode(bytes: &[u8]) -> Result<Cry, CodecError> {
        LabelCodec::decode(bytes).map(Cry)
    }

    fn blank() -> Option<Cry> {
        Some(Cry(Label(String::new())))
    }
}

/// A job that squares, and refuses every fifth number.
struct Square;

impl Job for Square {
    type Request = u64;
    type Answer = u64;
}

/// The registrations.
pub(crate) fn parts() -> Vec<Part> {
    vec![
        Box::new(|builder| builder.state::<Follow>("bustle.follow", 1)),
        Box::new(|builder| builder.state::<Purse>("bustle.purse", 1)),
        Box::new(|builder| builder.state::<Offset>("bustle.offset", 1)),
        Box::new(|builder| builder.state::<Spot>("bustle.spot", 1)),
        Box::new(|builder| builder.state::<Tally>("bustle.tally", 1).strict::<Tally>()),
        Box::new(|builder| builder.state::<Asked>("bustle.asked", 1)),
        Box::new(|builder| builder.transient::<Flash>("bustle.flash", 1).hierarchy()),
        Box::new(|builder| builder.transient_with::<Cry, CryCodec>("bustle.cry", 1)),
        Box::new(|builder| builder.message::<Gift>("bustle.gift", 1)),
        Box::new(|builder| builder.message_with::<Label, LabelCodec>("bustle.letter", 1)),
        Box::new(|builder| {
            let square = |n: &u64| if n.is_multiple_of(5) { Err(format!("{n} is round")) } else { Ok(n * n) };
            builder.job::<Square>("bustle.square", 1, square).job_latency(2)
        }),
        Box::new(|builder| builder.startup("bustle.found", found)),
        Box::new(|builder| builder.system("bustle.follow", follow)),
        Box::new(|builder| builder.system("bustle.give", give)),
        Box::new(|builder| builder.system("bustle.give_more", give_more.every(3))),
        Box::new(|builder| builder.system("bustle.take", take.every(2))),
        Box::new(|builder| builder.system("bustle.wander", wander)),
        Box::new(|builder| builder.system("bustle.hitch", hitch)),
        Box::new(|builder| builder.system("bustle.shine", shine.skip_if_empty())),
        Box::new(|builder| builder.system("bustle.ask", ask)),
        Box::new(|builder| builder.derive("bustle.place", place)),
        Box::new(|builder| builder.derive("bustle.a_tally", tally)),
        Box::new(|builder| builder.late("bustle.look", look)),
    ]
}

/// Sends what belongs to the frame to come: systems are switched as the frame says.
pub(crate) fn send(engine: &Engine, frame: u64) {
    let control = match frame % 14 {
        4 => Control::disable("bustle.shine"),
        8 => Control::enable("bustle.shine"),
        9 => Control::every("bustle.a_tally", 3),
        11 => Control::enable("bustle.a_tally"),
        12 => Control::every("bustle.take", 1 + (frame % 5) as u32),
        _ => return,
    };
    engine.inputs().control("driver", &control).expect("the queue has room");
}

fn fold(hash: u64, bits: u64) -> u64 {
    (hash.rotate_left(5) ^ bits ^ 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A number that follows from both, and whose low bits do too.
fn chance(id: Id, frame: u64) -> u64 {
    fold(fold(0, id.bits()), frame) >> 33
}

fn found(heats: Query<Id, With<Heat>>, mut structure: Structure) {
    structure.spawn((Tally([0.0; 2]), Asked([0; 3])));
    let firsts: Vec<Id> = heats.iter().take(40).collect();
    for (n, first) in firsts.iter().enumerate() {
        let offset = Offset(n as f64 + 0.1);
        let follow = Follow(Link::to(*first));
        let one = structure.spawn((follow, Purse(0), offset, Spot(0.0), Flash([0; 2])));
        let other = structure.spawn((Purse(1), offset, Spot(0.0), Cry(Label(format!("cry {n}")))));
        structure.attach(other, one);
    }
}

fn follow(
    mut rows: Query<(Id, Next<Follow>)>,
    purses: Query<Id, With<Purse>>,
    heats: Query<Id, With<Heat>>,
    random: Random,
) {
    let (purses, heats): (Vec<Id>, Vec<Id>) = (purses.iter().collect(), heats.iter().collect());
    for (id, mut follow) in &mut rows {
        let mut dice = random.of(id);
        let among = if dice.below(3) == 0 { &purses } else { &heats };
        if dice.below(4) == 0 && !among.is_empty() {
            follow.set(Follow(Link::to(among[dice.below(among.len() as u64) as usize])));
        }
    }
}

/// Messages and structure from one parallel loop.
fn give(
    mut rows: Query<(Id, Prev<Follow>)>,
    heats: Linked<Heat>,
    mut gifts: Outbox<Gift>,
    mut letters: Outbox<Label>,
    mut structure: Structure,
    clock: Clock,
) {
    rows.par_rows_with(
        (&mut gifts, &mut letters, &mut structure),
        |(id, follow), (gifts, letters, structure)| {
            let id = *id;
            let Some(target) = follow.0.id() else { return };
            match heats.get(follow.0) {
                Some(heat) => drop(gifts.from(id).to(target, Gift(heat.0.to_bits() >> 40))),
                None => drop(letters.from(id).to(target, Label(format!("lost at {}", clock.frame())))),
            }
            if chance(id, clock.frame()).is_multiple_of(41) {
                structure.spawn((Purse(clock.frame()), Offset(0.5), Spot(0.0), Flash([0; 2])));
            }
        },
    );
}

/// More from another system, in a plain loop, against the order of `Id`s, and to itself.
fn give_more(rows: Query<(Id, Prev<Purse>)>, mut gifts: Outbox<Gift>) {
    let all: Vec<(Id, &Purse)> = rows.iter().collect();
    for (n, (id, purse)) in all.iter().enumerate().rev() {
        gifts.from(*id).to(all[n * 7 % all.len()].0, Gift(purse.0 % 13));
        gifts.from(*id).to(*id, Gift(n as u64));
    }
}

fn take(mut purses: Query<(Id, Next<Purse>)>, gifts: Inbox<Gift>, letters: Inbox<Label>) {
    let lost =
        gifts.undeliverable().fold(0, |hash, (to, from, gift)| fold(hash, to.bits() ^ from.bits() ^ gift.0));
    let letters = letters.iter().map(|(to, from, _)| to.bits() ^ from.bits()).chain(
        letters
            .undeliverable()
            .map(|(to, from, label)| to.bits() ^ from.bits().rotate_left(9) ^ label.0.len() as u64),
    );
    let mixed = letters.fold(lost, fold);
    gifts.deliver(&mut purses, |(_, mut purse), mail| {
        let sum = mail.iter().fold(mixed, |hash, (sender, gift)| fold(hash, sender.bits() ^ gift.0));
        purse.set(Purse(fold(purse.prev().0, sum)));
    });
}

fn wander(mut offsets: Query<(Id, Next<Offset>)>, random: Random) {
    offsets.par_rows(|(id, mut offset)| {
        let step = random.of(*id).unit();
        if step < 0.3 {
            offset.set(Offset(offset.prev().0 * 0.9 + step));
        }
    });
}

/// Hitches at random: now and then to what is gone, to itself, or below itself.
fn hitch(rows: Query<Id, With<Offset>>, tree: Tree, mut structure: Structure, random: Random, clock: Clock) {
    let rows: Vec<Id> = rows.iter().collect();
    let mut dice = random.stream(5);
    for _ in 0..3 {
        if rows.is_empty() {
            return;
        }
        let (a, b) =
            (rows[dice.below(rows.len() as u64) as usize], rows[dice.below(rows.len() as u64) as usize]);
        match dice.below(8) {
            0 => structure.detach(a),
            1 => structure.attach_at(a, b, 0),
            2 => tree.children(a).take(1).for_each(|child| structure.attach(a, child)),
            3 if clock.frame().is_multiple_of(4) && tree.descendants(a).count() < 4 => structure.despawn(a),
            _ => structure.attach(a, b),
        }
    }
}

fn shine(mut flashes: Query<(Id, Next<Flash>)>, mut cries: Query<(Id, Next<Cry>)>, clock: Clock) {
    let frame = clock.frame();
    flashes.par_rows(|(id, mut flash)| {
        if chance(*id, frame).is_multiple_of(4) {
            flash.set(Flash([frame, id.bits()]));
        }
    });
    for (id, mut cry) in &mut cries {
        if chance(id, frame).is_multiple_of(5) {
            cry.set(Cry(Label(format!("cry {frame}"))));
        }
    }
}

/// Owns what comes from outside the frame: answers, and values that are there for one frame.
fn ask(
    mut asked: Query<Next<Asked>>,
    mut squares: Jobs<Square>,
    flashes: Query<(Id, Fresh<Flash>)>,
    cries: Query<(Id, Prev<Cry>)>,
    clock: Clock,
) {
    let answers = squares.answers().fold(0, |hash, answered| {
        let answer = answered.answer.unwrap_or_else(|error| error.to_string().len() as u64);
        fold(fold(hash, answered.id.bits() ^ answered.request), answer)
    });
    let fresh =
        flashes.iter().filter_map(|(id, flash)| flash.map(|flash| id.bits() ^ flash.0[0] ^ flash.0[1]));
    let fresh = fresh.fold(0, fold);
    let cries = cries.iter().fold(0, |hash, (id, cry)| fold(hash, id.bits() ^ cry.0.0.len() as u64));
    for mut row in &mut asked {
        let [a, b, c] = row.prev().0;
        row.set(Asked([fold(a, answers), fold(b, fresh), fold(c, cries)]));
    }
    for n in 0..clock.frame() % 3 {
        squares.start(&(clock.frame() * 3 + n)).expect("a few are open");
    }
}

fn place(tree: Tree, offsets: Query<Now<Offset>>, mut spots: Query<Next<Spot>>) {
    tree.propagate(&offsets, &mut spots, |parent: Option<&Spot>, offset| {
        Spot(parent.map_or(0.0, |parent| parent.0 * 0.5) + offset.0)
    });
}

fn tally(mut tallies: Query<Next<Tally>>, mut spots: Query<Now<Spot>>, set: NowChanges<Offset>) {
    let sum = spots.reduce_blocks(|block| block.iter().map(|spot| spot.0).sum::<f64>(), |a, b| a + b);
    for mut tally in &mut tallies {
        tally.set(Tally([tally.prev().0[0] * 0.5 + sum.unwrap_or(0.0), set.entities().len() as f64]));
    }
}

fn look(spots: Query<Prev<Spot>>, tallies: Query<Prev<Tally>>) {
    assert!(spots.iter().all(|spot| spot.0.is_finite()) && tallies.iter().count() <= 1);
}
