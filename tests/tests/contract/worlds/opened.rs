//! The fixture opened by its own program, and by one that has changed every kind of stored type.

use super::Tried;
use super::fleet::{Course, Held, Rust, first, fixtures, go_on, open_as_written, rest, said};
use super::packed::unpack;
use diptych::prelude::*;
use std::path::Path;

/// A place with a field more.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Deep {
    place: [f64; 2],
    depth: f64,
}

/// A name as its letters, counted: a variable type whose bytes are others now.
#[derive(Clone, Debug, PartialEq)]
struct Title(String);

struct Counted;

impl Codec<Title> for Counted {
    fn encode(title: &Title, out: &mut Vec<u8>) {
        out.push(title.0.len() as u8);
        out.extend_from_slice(title.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Title, CodecError> {
        match bytes.split_first() {
            Some((length, text)) if usize::from(*length) == text.len() => {
                String::from_utf8(text.to_vec()).map(Title).map_err(CodecError::new)
            }
            _ => Err(CodecError::new("a title without its length")),
        }
    }

    fn blank() -> Option<Title> {
        Some(Title(String::new()))
    }
}

/// Later: places have a depth, names are counted, courses are headings, rust is gone.
fn later(path: &Path) -> EngineBuilder {
    let builder = Engine::open(path)
        .state::<Deep>("fleet.place", 2)
        .upcast::<Deep>(1, |bytes| Ok([bytes, &3.5_f64.to_le_bytes()].concat()))
        .state_with::<Title, Counted>("fleet.title", 3)
        .renamed("fleet.name", "fleet.title")
        .upcast::<Title>(1, |bytes| Ok(bytes.to_vec()))
        .upcast::<Title>(2, |bytes| Ok([&[bytes.len() as u8], bytes].concat()))
        .state::<Course>("fleet.heading", 1)
        .renamed("fleet.course", "fleet.heading")
        .dropped("fleet.rust")
        .system("fleet.sail", |mut ships: Query<(Next<Deep>, Prev<Course>)>, clock: Clock| {
            ships.par_rows(|(mut deep, course)| {
                let Deep { place: [x, y], depth } = *deep.prev();
                let place = [x + course.0[0] * clock.dt(), y + course.0[1] * clock.dt()];
                deep.set(Deep { place, depth });
            });
        });
    rest(builder)
}

fn held(engine: &Engine) -> Held {
    let view = engine.view();
    assert!(view.iter::<Deep>().all(|(_, deep)| deep.depth == 3.5));
    Held {
        places: view.iter::<Deep>().map(|(id, deep)| (id, deep.place)).collect(),
        courses: view.iter::<Course>().map(|(id, course)| (id, course.0)).collect(),
        names: view.iter::<Title>().map(|(id, title)| (id, title.0.clone())).collect(),
    }
}

/// Unpacks a fixture; what it held, and what ten steps made of it.
fn fixture(number: u32, path: &Path) -> Tried<(String, String)> {
    unpack(&std::fs::read(fixtures().join(format!("world-{number}.packed")))?, path)?;
    let values = std::fs::read_to_string(fixtures().join(format!("world-{number}.values")))?;
    let (before, after) = values.split_once("ten steps later\n").ok_or("the values have two parts")?;
    Ok((before.to_owned(), after.to_owned()))
}

/// Lines in the order of their words: tables that became one give their rows in another order.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn the_program_that_wrote_a_world_goes_on_with_it() -> Tried {
    // Claim: this build reads what an earlier one wrote, to the digest that was stored, and ten steps go as then.
    let directory = tempfile::tempdir()?;
    let (before, after) = fixture(1, directory.path())?;
    let made = open_as_written(directory.path())?;
    assert_eq!(made, (before, after));
    let report = diptych::store::inspect(directory.path(), None)?;
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    Ok(())
}

#[test]
fn a_later_program_goes_on_with_it_too() -> Tried {
    // Claim: a field more, other bytes, two other names and a type less change no other value, then or ten steps later.
    let directory = tempfile::tempdir()?;
    let (before, after) = fixture(1, directory.path())?;
    for _ in 0..2 {
        let engine = later(directory.path()).build()?;
        let now = said(&engine, &held(&engine))?;
        assert_eq!(sorted(&now), sorted(&before));
    }
    let mut engine = later(directory.path()).build()?;
    go_on(&mut engine)?;
    let now = said(&engine, &held(&engine))?;
    assert_eq!(sorted(&now), sorted(&after));
    let digest = engine.digest();
    drop(engine);
    let report = diptych::store::inspect(directory.path(), None)?;
    assert_eq!((report.problems, report.digest), (Vec::new(), Some(digest.0)));
    Ok(())
}

#[test]
fn a_program_that_forgot_is_refused_and_the_world_stays_as_it_was() -> Tried {
    // Claim: without an upcaster, a rename or a drop the world is refused by name, and its own program opens it after.
    let directory = tempfile::tempdir()?;
    let (before, after) = fixture(1, directory.path())?;
    let refused = |builder: EngineBuilder| builder.build().err().map_or_else(String::new, |e| e.to_string());
    let said = refused(rest(Engine::open(directory.path())).state::<Rust>("fleet.rust", 1));
    assert!(said.contains("\"fleet.course\"") && said.contains(".renamed(old, new)"), "{said}");
    let said = refused(first(Engine::open(directory.path())).renamed("fleet.heard", "fleet.rust"));
    assert!(said.contains("fleet.heard"), "{said}");
    let said = refused(
        rest(Engine::open(directory.path()))
            .state::<Deep>("fleet.place", 2)
            .state::<Course>("fleet.course", 1)
            .state_with::<Title, Counted>("fleet.name", 1)
            .dropped("fleet.rust"),
    );
    assert!(said.contains("fleet.place is stored at version 1 and registered at 2"), "{said}");
    assert_eq!(open_as_written(directory.path())?, (before, after));
    Ok(())
}
