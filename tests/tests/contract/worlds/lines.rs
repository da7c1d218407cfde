//! A world in lines of JSON: all of an image comes back, and a line that tells something else is refused.

use super::Tried;
use super::fleet::{Rust, first};
use diptych::prelude::*;
use diptych::store::{Extras, Image, Marker, at};
use diptych::{Patch, jsonlines};
use serde_json::{Value, json};

/// A frame in which types were taken, entities ended, messages sent, rows marked.
fn image() -> Tried<Image> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    let mut engine = first(Engine::open(&path)).patches().build()?;
    engine.run(Pace::frames(4))?;
    let ids: Vec<Id> = engine.view().iter::<Rust>().map(|(id, _)| id).collect();
    let patches = [Patch::remove(ids[0], "fleet.rust"), Patch::destroy(ids[1])];
    engine.inputs().patch("editor", &patches)?;
    engine.step()?;
    drop(engine);
    Ok(at(&path, 5)?)
}

fn written(image: &Image, extras: &Extras) -> Tried<Vec<Value>> {
    let mut text = Vec::new();
    jsonlines::write(image, extras, &mut text, |_| {})?;
    Ok(String::from_utf8(text)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn read(lines: &[Value]) -> Result<(Image, Extras), diptych::store::StoreError> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    jsonlines::read(text.as_bytes(), |_| {})
}

#[test]
fn all_of_a_frame_comes_back_from_its_lines() -> Tried {
    // Claim: tables and rows in their order, marks, removals, notes, serials, time, settings, the place in the history,
    // the stored digest and markers are those that were written, none of them being empty.
    let image = image()?;
    let marker = Marker {
        table: "fleet.place".to_owned(),
        key: "0000000000000007".to_owned(),
        field: "Seen".to_owned(),
        frame: 5,
        kind: "scratch".to_owned(),
        symbol: "fleet::Seen".to_owned(),
        display: "fleet::Seen lives in its process".to_owned(),
    };
    let extras = Extras { markers: vec![marker] };
    let lines = written(&image, &extras)?;
    for kind in ["diptych", "type", "serials", "table", "entity", "mark", "removed", "note", "marker", "end"]
    {
        assert!(lines.iter().any(|line| line.get(kind).is_some()), "no line of the kind {kind}");
    }
    let (back, told) = read(&lines)?;
    assert_eq!(told, extras);
    assert!(back.tables() == image.tables() && back.types() == image.types());
    assert!(back.marks() == image.marks() && back.removed() == image.removed());
    assert!(back.notes() == image.notes() && back.serials() == image.serials());
    assert_eq!((back.frame(), back.dt(), back.facts()), (image.frame(), image.dt(), image.facts()));
    assert_eq!((back.link(), back.stored_digest()), (image.link(), image.stored_digest()));
    assert!(image.link().is_some() && image.stored_digest().is_some());
    assert!(written(&back, &told)? == lines);
    Ok(())
}

#[test]
fn a_line_that_tells_something_else_is_refused_with_what() -> Tried {
    let lines = written(&image()?, &Extras::default())?;
    let at = |kind: &str| lines.iter().position(|line| line.get(kind).is_some()).ok_or(format!("no {kind}"));
    let (head, kind, table, entity, end) = (0, at("type")?, at("table")?, at("entity")?, at("end")?);
    let (mark, removed, note) = (at("mark")?, at("removed")?, at("note")?);
    let name =
        lines[entity]["values"].as_object().and_then(|values| values.keys().next()).ok_or("no value")?;
    let refused = |number: usize, change: &dyn Fn(&mut Vec<Value>), words: &[&str]| {
        let mut changed = lines.clone();
        change(&mut changed);
        let said = read(&changed).err().map_or_else(String::new, |error| error.to_string());
        let place = if number == usize::MAX { String::new() } else { format!("line {}:", number + 1) };
        assert!(!said.is_empty(), "{words:?}: it was read");
        assert!(said.contains(&place) && words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    };
    let whole = usize::MAX;
    refused(head, &|lines| lines[0]["format"] = json!(2), &["format is 2", "newer"]);
    refused(head, &|lines| drop(lines.remove(0)), &["header", "first"]);
    refused(1, &|lines| lines.insert(1, lines[0].clone()), &["second header"]);
    refused(kind, &|lines| lines[kind]["key"] = json!(65_535), &["key 65535"]);
    refused(table, &|lines| lines[table]["table"] = json!(7), &["table 0 should come"]);
    refused(table, &|lines| lines[table]["types"] = json!([0, 999]), &["type key 999", "not among"]);
    refused(entity, &|lines| lines[entity]["values"]["fleet.none"] = json!("00"), &["does not have"]);
    refused(entity, &|lines| lines[entity]["values"][name] = json!("00"), &["bytes, and 1 came"]);
    refused(entity, &|lines| lines[entity]["values"][name] = json!("0"), &["pairs of hex digits"]);
    refused(entity, &|lines| lines[entity]["values"] = json!({}), &[name, "has no value"]);
    refused(entity, &|lines| lines[entity]["entity"] = json!(7), &["\"entity\" is no text"]);
    refused(entity, &|lines| lines[entity]["table"] = json!(99), &["table 99 is not there"]);
    refused(mark, &|lines| lines[mark]["mark"] = json!("moved"), &["no mark", "changed or added"]);
    refused(mark, &|lines| lines[mark]["type"] = json!("fleet.none"), &["no type fleet.none"]);
    refused(whole, &|lines| lines[mark]["rows"] = json!(4_000_000), &["mark"]);
    refused(removed, &|lines| lines[removed]["removed"] = json!("fleet.none"), &["no type fleet.none"]);
    refused(note, &|lines| lines[note]["bytes"] = json!("x"), &["pairs of hex digits"]);
    // Its count, and with that made right the table's, and with both the digest.
    let count = lines[end]["entities"].as_u64().ok_or("no count")?;
    let number = lines[entity]["table"].as_u64().ok_or("no table")? as usize;
    let rows = lines[table + number]["rows"].as_u64().ok_or("no rows")?;
    let less = |lines: &mut Vec<Value>, steps: u32| {
        lines[end]["entities"] = json!(count - u64::from(steps > 0));
        lines[table + number]["rows"] = json!(rows - u64::from(steps > 1));
        lines.remove(entity);
    };
    refused(end - 1, &|lines| less(lines, 0), &["counts other entities"]);
    refused(whole, &|lines| less(lines, 1), &["other rows than announced"]);
    refused(whole, &|lines| less(lines, 2), &[]);
    refused(whole, &|lines| lines[end]["digest"] = json!("00"), &["written with the digest"]);
    // What is in no digest: the sum of the lines has it.
    let serials = at("serials")?;
    let key = lines[serials]["serials"].as_object().and_then(|all| all.keys().next()).ok_or("no serial")?;
    let changed: [&dyn Fn(&mut Vec<Value>); 5] = [
        &|lines| lines[0]["frame"] = json!(6),
        &|lines| lines[0]["dt"] = json!("3fe0000000000001"),
        &|lines| lines[serials]["serials"][key] = json!("0000000000ffffff"),
        &|lines| {
            lines[mark]["mark"] = json!(if lines[mark]["mark"] == "added" { "changed" } else { "added" })
        },
        &|lines| drop(lines.remove(removed)),
    ];
    for change in changed {
        refused(whole, change, &["written with the sum", "one of them was changed"]);
    }
    // Names that nobody has given out: the next entity would have one of these.
    refused(whole, &|lines| lines[serials]["serials"][key] = json!("0000000000000000"), &["given out yet"]);
    refused(whole, &|lines| lines[0]["frame"] = json!(u64::MAX - 1), &["no frame has"]);
    refused(end, &|lines| drop(lines.remove(end)), &["the file is cut"]);
    refused(end, &|lines| lines[end] = json!({"wish": 1}), &["no line of an exported world"]);
    Ok(())
}
