//! A world with a little of everything, whose digest at a frame is one number however it got there.
//!
//! Its inputs follow from the frame alone, so that a run that was cut off can be driven on by [`drive`].
//! What is not in a digest (marks, removals) is folded into the state of `soup.echo` one frame later.

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
    Place([f64; 2]);
    Speed([f64; 2]);
    Heat(f64);
    Mood(u64);
    Spark(u32);
    /// On one entity: the sum of all heat, and a hash of what changed a frame ago.
    Total(f64);
    Echo([u64; 4]);
    /// Input: warm an entity, or spawn or despawn, by `what`.
    Poke([u64; 3]);
}

/// State that is not plain old data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label(pub(crate) String);

/// Never empty on disk, so that a table without rows has no bytes to be made from.
pub(crate) struct LabelCodec;

impl Codec<Label> for LabelCodec {
    fn encode(label: &Label, out: &mut Vec<u8>) {
        out.push(b'=');
        out.extend_from_slice(label.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Label, CodecError> {
        let Some((b'=', text)) = bytes.split_first() else {
            return Err(CodecError::new("no = before a label"));
        };
        String::from_utf8(text.to_vec()).map(Label).map_err(CodecError::new)
    }

    fn blank() -> Option<Label> {
        Some(Label(String::new()))
    }
}

/// One registration; their order must not matter.
pub(crate) type Part = Box<dyn Fn(EngineBuilder) -> EngineBuilder>;

/// The registrations of the world, with this many dense rows at the start.
pub(crate) fn parts(rows: u32) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![
        Box::new(|builder| builder.state::<Place>("soup.place", 1)),
        Box::new(|builder| builder.state::<Speed>("soup.speed", 1)),
        Box::new(|builder| builder.state::<Heat>("soup.heat", 1)),
        Box::new(|builder| builder.state::<Mood>("soup.mood", 1)),
        Box::new(|builder| builder.state::<Spark>("soup.spark", 1)),
        Box::new(|builder| builder.state::<Total>("soup.total", 1)),
        Box::new(|builder| builder.state::<Echo>("soup.echo", 1)),
        Box::new(|builder| builder.state_with::<Label, LabelCodec>("soup.label", 1)),
        Box::new(|builder| builder.system("soup.drift", drift)),
        Box::new(|builder| builder.system("soup.steer", steer)),
        Box::new(|builder| builder.system("soup.warm", warm)),
        Box::new(|builder| builder.system("soup.sum", sum)),
        Box::new(|builder| builder.system("soup.echo", echo)),
        Box::new(|builder| builder.system("soup.label", label)),
        Box::new(|builder| builder.system("soup.birth", birth)),
        Box::new(|builder| builder.system("soup.death", death)),
        Box::new(|builder| builder.system("soup.morph", morph)),
        Box::new(|builder| builder.input::<Poke>("soup.poke", 1, poke)),
        Box::new(move |builder| builder.setup("soup.setup", move |structure| setup(structure, rows))),
        Box::new(|builder| builder.seed(11).dt(0.125).digest(DigestPolicy::Every(7))),
    ];
    parts.extend(crate::bustle::parts());
    parts
}

/// The world's registrations in their usual order.
pub(crate) fn soup(builder: EngineBuilder, rows: u32) -> EngineBuilder {
    parts(rows).iter().fold(builder, |builder, part| part(builder))
}

/// Steps to `frame`, with the inputs that belong to each frame on the way.
pub(crate) fn drive(engine: &mut Engine, frame: u64) {
    while engine.frame() < frame {
        send(engine);
        engine.step().expect("the world makes frames");
    }
}

/// Sends what belongs to the frame to come: a function of the committed frame.
pub(crate) fn send(engine: &Engine) {
    let frame = engine.frame() + 1;
    crate::bustle::send(engine, frame);
    if !frame.is_multiple_of(3) {
        return;
    }
    let oldest = engine.view().iter::<Heat>().map(|(id, _)| id.bits()).min().unwrap_or(0);
    let inputs = engine.inputs();
    for what in 0..=frame % 4 {
        inputs.send("driver", &Poke([what, oldest, frame])).expect("the queue has room");
    }
}

fn poke(world: &mut diptych_engine::Applier<'_, '_>, Poke([what, target, frame]): Poke) {
    let target = Id::from_bits(target);
    let heat = Heat(frame as f64 * 0.1);
    match what {
        0 => drop(world.set(target, heat)),
        1 => {
            world.spawn((heat, Spark(frame as u32)));
        }
        2 => drop(world.insert(target, Mood(frame))),
        _ => drop(world.despawn(target)),
    }
}

fn setup(structure: &mut Structure<'_, '_>, rows: u32) {
    structure.spawn((Total(0.0), Echo([0; 4])));
    for n in 0..rows {
        let x = f64::from(n);
        structure.spawn((Place([x, -x]), Speed([0.1 / (x + 1.0), 0.3]), Heat(1.0 / (x + 3.0))));
    }
    for n in 0..60_u32 {
        let (heat, mood, label) = (Heat(f64::from(n) * 0.7), Mood(u64::from(n)), Label(format!("born {n}")));
        match n % 6 {
            0 => structure.spawn((heat,)),
            1 => structure.spawn((heat, mood)),
            2 => structure.spawn((heat, label)),
            3 => structure.spawn((mood, label)),
            4 => structure.spawn((heat, mood, label)),
            _ => structure.spawn((label,)),
        };
    }
}

fn drift(mut bodies: Query<(Next<Place>, Prev<Speed>)>, clock: Clock) {
    bodies.par_rows(|(mut place, speed)| {
        let [x, y] = place.prev().0;
        place.set(Place([x + speed.0[0] * clock.dt(), y + speed.0[1] * clock.dt()]));
    });
}

fn steer(mut bodies: Query<(Id, Next<Speed>, Option<Prev<Heat>>)>, random: Random) {
    for (id, mut speed, heat) in &mut bodies {
        if id.bits().is_multiple_of(3) {
            let push = random.of(id).unit() - 0.5;
            let [x, y] = speed.prev().0;
            speed.set(Speed([x + push, y * 0.99 + heat.map_or(0.0, |heat| heat.0 * 1e-3)]));
        }
    }
}

fn warm(mut heats: Query<(Id, Next<Heat>, Option<Prev<Place>>)>, clock: Clock) {
    heats.par_rows(|(id, mut heat, place)| match (id.bits() ^ clock.frame()) % 5 {
        0 => heat.set(Heat(heat.prev().0 * 0.97 + place.map_or(0.1, |place| place.0[0].abs() * 1e-4))),
        1 => heat.carry(),
        2 => drop(heat.set_if_changed(Heat((heat.prev().0 * 8.0).round() / 8.0))),
        _ => {}
    });
}

fn sum(mut totals: Query<Next<Total>>, mut heats: Query<Prev<Heat>>) {
    let heat = heats.reduce_blocks(|block| block.iter().map(|heat| heat.0).sum::<f64>(), |a, b| a + b);
    for mut total in &mut totals {
        total.set(Total(heat.unwrap_or(0.0) + total.prev().0 * 0.5));
    }
}

/// Folds the marks of the last commit, in their order, into state.
fn echo(
    mut echoes: Query<Next<Echo>>,
    changes: Changes<Heat>,
    removed: Removed<Heat>,
    ids: Query<Id>,
    arrived: Query<Id, Added<Mood>>,
    labels: Query<(Id, Prev<Label>), Changed<Label>>,
) {
    let fold = |hash: u64, bits: u64| (hash.rotate_left(5) ^ bits ^ 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let changed = changes.entities().into_iter().filter_map(|entity| ids.get(entity).ok());
    let sets = [
        changed.fold(0, |hash, id| fold(hash, id.bits())),
        removed.ids().iter().fold(0, |hash, id| fold(hash, id.bits())),
        arrived.iter().fold(0, |hash, id| fold(hash, id.bits())),
        labels.iter().fold(0, |hash, (id, label)| fold(fold(hash, id.bits()), label.0.len() as u64)),
    ];
    for mut echo in &mut echoes {
        let before = echo.prev().0;
        let after = |n: usize| if sets[n] == 0 { before[n] } else { fold(before[n], sets[n]) };
        echo.set_if_changed(Echo(core::array::from_fn(after)));
    }
}

fn label(mut labels: Query<(Id, Next<Label>, Option<Prev<Mood>>)>, clock: Clock) {
    for (id, mut label, mood) in &mut labels {
        if (id.bits() + clock.frame()).is_multiple_of(4) {
            label.set_if_changed(Label(format!("mood {}", mood.map_or(0, |mood| mood.0 % 3))));
        }
    }
}

fn birth(mut structure: Structure, clock: Clock) {
    let frame = clock.frame();
    if frame.is_multiple_of(3) {
        structure.spawn((Heat(frame as f64 * 0.3), Label(format!("frame {frame}"))));
        let gone = structure.spawn((Heat(1.0), Mood(frame)));
        structure.spawn((Place([1.0, 2.0]), Speed([0.0, 0.1]), Heat(0.5), Mood(frame)));
        structure.despawn(gone);
    }
}

fn death(heats: Query<(Id, Prev<Heat>)>, mut structure: Structure, random: Random, clock: Clock) {
    if clock.frame().is_multiple_of(4) {
        let doomed = random.stream(1).below(heats.iter().count().max(1) as u64) as usize;
        if let Some((id, _)) = heats.iter().nth(doomed) {
            structure.despawn(id);
            structure.despawn(id);
            structure.insert(id, Spark(1));
        }
    }
}

fn morph(moods: Query<(Id, Has<Mood>), With<Heat>>, mut structure: Structure, clock: Clock) {
    let frame = clock.frame();
    if !frame.is_multiple_of(2) {
        return;
    }
    for (id, has_mood) in moods.iter().filter(|(id, _)| (id.bits() ^ frame).is_multiple_of(61)).take(8) {
        if has_mood {
            structure.remove::<Mood>(id);
            structure.insert(id, Spark(frame as u32));
        } else {
            structure.insert(id, Mood(frame));
        }
    }
}
