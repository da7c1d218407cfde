//! A small world with one of everything that is stored, as the program of its time registers it.
//!
//! Invariant: nothing here changes when the engine does: a later program is in `opened`.

use super::Tried;
use super::packed::pack;
use diptych::prelude::*;
use diptych_engine::Id;
use std::fmt::Write;
use std::path::{Path, PathBuf};

macro_rules! pods {
    ($($name:ident($inner:ty);)+) => {
        $(#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
        #[repr(C)]
        pub(crate) struct $name(pub(crate) $inner);)+
    };
}

pods! {
    Place([f64; 2]);
    Course([f64; 2]);
    Flash(u64);
    Rust(u32);
    Signal(u64);
    Heard(u64);
    Order([u64; 2]);
}

/// A variable type: a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name(pub(crate) String);

pub(crate) struct Utf8;

impl Codec<Name> for Utf8 {
    fn encode(name: &Name, out: &mut Vec<u8>) {
        out.extend_from_slice(name.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Name, CodecError> {
        String::from_utf8(bytes.to_vec()).map(Name).map_err(CodecError::new)
    }
}

pub(crate) const SHIPS: u32 = 9;

/// The program that wrote the first fixture.
pub(crate) fn first(builder: EngineBuilder) -> EngineBuilder {
    let builder = builder
        .state::<Place>("fleet.place", 1)
        .state::<Course>("fleet.course", 1)
        .state::<Rust>("fleet.rust", 1)
        .state_with::<Name, Utf8>("fleet.name", 1)
        .system("fleet.sail", |mut ships: Query<(Next<Place>, Prev<Course>)>, clock: Clock| {
            ships.par_rows(|(mut place, course)| {
                let [x, y] = place.prev().0;
                place.set(Place([x + course.0[0] * clock.dt(), y + course.0[1] * clock.dt()]));
            });
        })
        .setup("fleet.setup", |fleet| {
            let flag = fleet.spawn((Place([0.0; 2]), Course([1.0, 0.5]), Name("flag".to_owned()), Heard(0)));
            for n in 1..SHIPS {
                let place = Place([f64::from(n), 0.0]);
                let ship = match n % 3 {
                    0 => fleet.spawn((place, Course([0.5, 1.0]), Rust(n))),
                    1 => fleet.spawn((place, Course([0.25, -1.0]), Name(format!("ship {n}")), Flash(0))),
                    _ => fleet.spawn((place, Rust(n), Flash(0), Heard(0))),
                };
                fleet.attach(ship, flag);
            }
        });
    rest(builder)
}

/// What all programs have in common.
pub(crate) fn rest(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Heard>("fleet.heard", 1)
        .transient::<Flash>("fleet.flash", 1)
        .hierarchy()
        .message::<Signal>("fleet.signal", 1)
        .input::<Order>("fleet.order", 1, |applier, order| {
            applier.set(Id::from_bits(order.0[0]), Heard(order.0[1]));
        })
        .system(
            "fleet.blink",
            |mut ships: Query<(Id, Next<Flash>)>, clock: Clock, mut signals: Outbox<Signal>| {
                let targets: Vec<Id> = ships.iter_mut().map(|(id, _)| id).collect();
                for (n, (id, mut flash)) in ships.iter_mut().enumerate() {
                    if (n as u64 + clock.frame()).is_multiple_of(2) {
                        flash.set(Flash(clock.frame()));
                        signals.from(id).to(targets[0], Signal(clock.frame()));
                    }
                }
            },
        )
        .system("fleet.listen", |mut ships: Query<(Id, Next<Heard>)>, signals: Inbox<Signal>| {
            for (id, mut heard) in &mut ships {
                let sum: u64 = signals.of(id).iter().map(|(_, signal)| signal.0).sum();
                if sum > 0 {
                    let before = heard.prev().0;
                    heard.set(Heard(before + sum));
                }
            }
        })
        .plugin(Runtime::default())
        .seed(5)
        .dt(0.25)
}

/// What a world holds, a line a value; the same for every program.
pub(crate) struct Held {
    pub(crate) places: Vec<(Id, [f64; 2])>,
    pub(crate) courses: Vec<(Id, [f64; 2])>,
    pub(crate) names: Vec<(Id, String)>,
}

pub(crate) fn said(engine: &Engine, held: &Held) -> Tried<String> {
    let mut out = String::new();
    writeln!(out, "frame {} entities {}", engine.frame(), engine.stats().entities)?;
    held.places.iter().try_for_each(|(id, [x, y])| writeln!(out, "place {id} {x} {y}"))?;
    held.courses.iter().try_for_each(|(id, [x, y])| writeln!(out, "course {id} {x} {y}"))?;
    held.names.iter().try_for_each(|(id, name)| writeln!(out, "name {id} {name}"))?;
    let view = engine.view();
    for (id, heard) in view.iter::<Heard>() {
        writeln!(out, "heard {id} {}", heard.0)?;
    }
    for (id, flash) in view.iter::<Flash>() {
        writeln!(out, "flash {id} {}", flash.0)?;
    }
    writeln!(out, "messages {}", engine.stats().messages_waiting)?;
    for key in ["greeting", "answer"] {
        let entry =
            engine.client()?.look(|index| index.get("harbour", key.as_bytes()).map(ToString::to_string));
        writeln!(out, "entry {key} {}", entry.as_deref().unwrap_or("none"))?;
    }
    Ok(out)
}

fn held(engine: &Engine) -> Held {
    let view = engine.view();
    Held {
        places: view.iter::<Place>().map(|(id, place)| (id, place.0)).collect(),
        courses: view.iter::<Course>().map(|(id, course)| (id, course.0)).collect(),
        names: view.iter::<Name>().map(|(id, name)| (id, name.0.clone())).collect(),
    }
}

/// What happens after a world was opened, by whichever program: the pilot is answered, ten steps pass.
pub(crate) fn go_on(engine: &mut Engine) -> Tried {
    let answers = engine.session("voice", "voice")?;
    answers.publish(diptych::runtime::Channel::B, 7, "north")?;
    engine.run(Pace::frames(10))?;
    Ok(())
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Makes the world of the fixture in `path`, and says what it holds.
fn write(path: &Path) -> Tried<String> {
    let mut engine = first(Engine::open(path)).build()?;
    let client = engine.client()?;
    let principal =
        |name: &str| Principal::new(name).scope(name, ScopeAccess::ReadWrite).topic(7, TopicAccess::PubSub);
    client.principal(principal("harbour"))?;
    client.principal(principal("voice"))?;
    let pilot = client.open("pilot", "harbour", "harbour")?;
    pilot.run(
        r#"[(core/kv/set greeting "ahoy")
            (core/kv/set answer (core/expr/await (core/event/pub $CHANNEL_A 7 "where to?") $CHANNEL_B 7))]"#,
    )?;
    let second = engine.view().iter::<Heard>().nth(1).map(|(id, _)| id).ok_or("nobody hears")?;
    engine.run(Pace::frames(12))?;
    engine.inputs().send("pilot", &Order([second.bits(), 1000]))?;
    engine.run(Pace::frames(3))?;
    said(&engine, &held(&engine))
}

/// The program of the first fixture opens what it wrote, and goes on.
pub(crate) fn open_as_written(path: &Path) -> Tried<(String, String)> {
    let mut engine = first(Engine::open(path)).build()?;
    let before = said(&engine, &held(&engine))?;
    go_on(&mut engine)?;
    let after = said(&engine, &held(&engine))?;
    Ok((before, after))
}

/// Writes a fixture with this build: `NUMBER=2 cargo test -p tests --test contract -- --ignored write_the_next`.
#[test]
#[ignore = "writes a file of the repository"]
fn write_the_next_fixture() -> Tried {
    let number: u32 = std::env::var("NUMBER").map_err(|_| "say which: NUMBER=2")?.parse()?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    let values = write(&path)?;
    let packed = pack(&path)?;
    let (before, after) = open_as_written(&path)?;
    assert_eq!(before, values);
    let file = fixtures().join(format!("world-{number}.packed"));
    assert!(!file.exists(), "{} is there already; fixtures are never written again", file.display());
    std::fs::create_dir_all(fixtures())?;
    std::fs::write(file, packed)?;
    std::fs::write(
        fixtures().join(format!("world-{number}.values")),
        format!("{before}ten steps later\n{after}"),
    )?;
    Ok(())
}
