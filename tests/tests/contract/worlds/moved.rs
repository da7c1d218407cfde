//! Worlds that were written to a file and read back, in both forms: they go on as the original.

use super::Tried;
use super::fleet::first;
use diptych::jsonlines;
use diptych::life::{LifePlugin, Pattern};
use diptych::nbody::NbodyPlugin;
use diptych::prelude::*;
use diptych::store::{Extras, Image, at, import, read_snapshot, write_snapshot};
use std::path::Path;

type Program = fn(EngineBuilder) -> Tried<Engine>;

fn life(builder: EngineBuilder) -> Tried<Engine> {
    let pattern = Pattern::parse("r.rle", b"x = 3, y = 3\nb2o$2o$bo!")?;
    let grid = "64x64".parse()?;
    Ok(builder.plugin(LifePlugin::new(pattern, grid)?).build()?)
}

fn nbody(builder: EngineBuilder) -> Tried<Engine> {
    Ok(builder.dt(0.01).plugin(NbodyPlugin::planets()).build()?)
}

fn fleet(builder: EngineBuilder) -> Tried<Engine> {
    Ok(first(builder).build()?)
}

/// What has begun before the export: entries, a script that waits, a handler.
fn occupy(engine: &mut Engine) -> Tried {
    let Ok(client) = engine.client() else { return Ok(()) };
    let principal =
        |name: &str| Principal::new(name).scope(name, ScopeAccess::ReadWrite).topic(7, TopicAccess::PubSub);
    client.principal(principal("harbour"))?;
    let pilot = client.open("pilot", "harbour", "harbour")?;
    pilot.run(
        r#"[(core/kv/set greeting "ahoy")
            (core/event/sub $CHANNEL_B 7 [core/kv/set heard $event])
            (core/kv/set answer (core/expr/await (core/event/pub $CHANNEL_A 7 "where to?") $CHANNEL_B 7))]"#,
    )?;
    Ok(())
}

fn snapshot(image: &Image) -> Tried<Image> {
    let mut bytes = Vec::new();
    write_snapshot(image, &Extras::default(), &mut bytes, |_, _| {})?;
    Ok(read_snapshot(bytes.as_slice(), |_| {})?.0)
}

fn lines(image: &Image) -> Tried<Image> {
    let mut text = Vec::new();
    let count = jsonlines::write(image, &Extras::default(), &mut text, |_| {})?;
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count() as u64, count);
    Ok(jsonlines::read(text.as_slice(), |_| {})?.0)
}

fn imported(image: &Image, path: &Path) -> Tried {
    import(path, image, |_| {})?;
    let report = diptych::store::inspect(path, None)?;
    assert_eq!((report.problems, report.digest), (Vec::new(), Some(image.digest().0)));
    Ok(())
}

#[test]
fn worlds_that_were_moved_run_a_thousand_frames_beside_their_original() -> Tried {
    // Claim: the digests of life, nbody and a world with the runtime are equal at every fiftieth of 1,000 frames.
    for (name, program) in [("life", life as Program), ("nbody", nbody), ("fleet", fleet)] {
        let directory = tempfile::tempdir()?;
        let paths = ["original", "snapshot", "lines"].map(|name| directory.path().join(name));
        let mut engine = program(Engine::open(&paths[0]))?;
        occupy(&mut engine)?;
        engine.run(Pace::frames(7))?;
        drop(engine);
        let image = at(&paths[0], 7)?;
        imported(&snapshot(&image)?, &paths[1])?;
        imported(&lines(&image)?, &paths[2])?;
        let mut engines = Vec::new();
        for path in &paths {
            engines.push(program(Engine::open(path))?);
        }
        for _ in 0..20 {
            let mut digests = Vec::new();
            for engine in &mut engines {
                engine.run(Pace::frames(50))?;
                digests.push((engine.frame(), engine.digest()));
            }
            digests.dedup();
            assert_eq!(digests.len(), 1, "{name}: {digests:?}");
        }
    }
    Ok(())
}

#[test]
fn lines_that_are_not_a_whole_world_are_refused_by_their_number() -> Tried {
    // Claim: each line left out, doubled or changed in one digit is refused; a cut file too.
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    let mut engine = fleet(Engine::open(&path))?;
    engine.run(Pace::frames(3))?;
    drop(engine);
    let mut text = Vec::new();
    jsonlines::write(&at(&path, 3)?, &Extras::default(), &mut text, |_| {})?;
    let text = String::from_utf8(text)?;
    let lines: Vec<&str> = text.lines().collect();
    let refusal = |lines: &[&str]| {
        let read = jsonlines::read(lines.join("\n").as_bytes(), |_| {});
        read.err().map_or_else(String::new, |error| error.to_string())
    };
    for index in 0..lines.len() {
        assert!(refusal(&lines[..index]).contains("line"), "cut before line {index}");
        // Marks are not in the digest, and a serial alone is no entity: their loss shows in the frames after.
        if ["\"mark\"", "\"serials\"", "\"removed\""].iter().any(|kind| lines[index].contains(kind)) {
            continue;
        }
        let mut without = lines.clone();
        without.remove(index);
        assert!(!refusal(&without).is_empty(), "without line {index}: {}", lines[index]);
    }
    let entity = lines.iter().position(|line| line.contains("\"entity\"")).ok_or("no entity")?;
    let changed = lines[entity].replacen("\":\"0", "\":\"1", 1);
    let mut other = lines.clone();
    other[entity] = &changed;
    assert!(refusal(&other).contains("digest"), "{}", refusal(&other));
    let mut nonsense = lines.clone();
    nonsense[entity] = "{\"entity\": 5}";
    assert!(refusal(&nonsense).contains(&format!("line {}", entity + 1)));
    Ok(())
}
