//! SLP beside lexpr: `cargo bench -p benches --bench slp -- [FILTER ..]`.
//!
//! A filter is a part of a row's name: `parse`, `memory`, `load`, `print`, `walk`. Invariant: both sides read the
//! same text to the end and keep all of it; dropping is not timed. The text is made by rule, the same at each run.

mod text;

use benches::report::{Row, Samples};
use benches::{Suite, Target};
use diptych_components::slp::{Binary, Format, Json, Kind, Limits, Object, View, parse};
use std::hint::black_box;
use std::time::Instant;

/// Bytes of the file.
const BYTES: usize = 10 << 20;
const MEGA: f64 = 1e6;
const GIGA: f64 = 1e9;

fn main() {
    let mut suite = Suite::from_args("slp");
    parsing(&mut suite);
    memory(&mut suite);
    loading(&mut suite);
    others(&mut suite);
    suite.finish();
}

/// Units of work a second, with what came out kept until the clock has stopped.
fn rate<T>(work: f64, run: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let result = black_box(run());
    let seconds = start.elapsed().as_secs_f64();
    drop(result);
    work / seconds
}

fn ours(text: &[u8]) -> Object {
    parse(text, &Limits::default()).expect("the text parses").into_object()
}

fn lexpr(text: &[u8]) -> Vec<lexpr::Value> {
    let mut parser = lexpr::Parser::from_slice(text);
    let forms: Vec<_> = parser.value_iter().map(|form| form.expect("lexpr parses it")).collect();
    forms
}

fn parsing(suite: &mut Suite) {
    let kinds = [("commands", text::commands(BYTES)), ("data", text::data(BYTES))];
    for (kind, text) in &kinds {
        let work = text.len() as f64 / MEGA;
        let name = format!("parse, 10 MB of {kind}, all forms");
        if suite.wants(&name) {
            let at_least = Target::AtLeast(200.0);
            suite.measure(&name, "MB/s", at_least, &mut || rate(work, || ours(text)));
            assert_eq!(ours(text).view().len() as usize, lexpr(text).len(), "both sides read the same forms");
            suite.compare(
                &format!("{name}, beside lexpr"),
                "MB/s",
                Target::RatioAtLeast(3.0),
                &mut || rate(work, || ours(text)),
                ("lexpr", &mut || rate(work, || lexpr(text))),
            );
        }
    }
    let script = text::script(BYTES);
    let name = "parse, 10 MB of scripts with lists of all kinds";
    if suite.wants(name) {
        let work = script.len() as f64 / MEGA;
        suite.measure(name, "MB/s", Target::AtLeast(200.0), &mut || rate(work, || ours(&script)));
    }
    let name = "parse, one command of 31 bytes";
    if suite.wants(name) {
        let text = br#"(core/kv/set user:123 "active")"#;
        suite.compare(
            name,
            "ns",
            Target::None,
            &mut || nanos(|| drop(ours(text))),
            ("lexpr", &mut || nanos(|| drop(lexpr(text)))),
        );
    }
}

/// Nanoseconds of one of many runs.
fn nanos(mut run: impl FnMut()) -> f64 {
    const TIMES: u32 = 20_000;
    let start = Instant::now();
    (0..TIMES).for_each(|_| run());
    start.elapsed().as_secs_f64() * GIGA / f64::from(TIMES)
}

fn memory(suite: &mut Suite) {
    let kinds = [
        ("commands", text::commands(BYTES)),
        ("data", text::data(BYTES)),
        ("scripts with lists of all kinds", text::script(BYTES)),
    ];
    for (kind, text) in kinds {
        let name = format!("memory, bytes a byte of text, {kind}");
        if suite.wants(&name) {
            let ours = Samples(vec![ours(&text).heap_bytes() as f64 / text.len() as f64]);
            // What is asked for is scripts of commands; numbers in lists inform.
            let target = if kind == "data" { Target::None } else { Target::AtMost(4.0) };
            suite.row(Row { name, unit: "B/B", ours, peer: None, target });
        }
    }
}

fn loading(suite: &mut Suite) {
    let texts = [
        ("commands", text::commands(BYTES)),
        ("data", text::data(BYTES)),
        ("scripts with lists of all kinds", text::script(BYTES)),
    ];
    for (kind, text) in texts {
        let stored = ours(&text).to_bytes().into_owned();
        let name = format!("load, validated, 10 MB of {kind}");
        if suite.wants(&name) {
            let work = stored.len() as f64 / GIGA;
            let mut run =
                || rate(work, || Binary::decode(&stored, &Limits { bytes: u32::MAX, ..Limits::default() }));
            suite.measure(&name, "GB/s", Target::AtLeast(2.0), &mut run);
        }
    }
    let name = "load, validated, one script of 1 KiB";
    if suite.wants(name) {
        let stored = ours(&text::script(1 << 10)).to_bytes().into_owned();
        let mut run = || stored.len() as f64 / nanos(|| drop(black_box(Object::load(&stored))));
        suite.measure(name, "GB/s", Target::AtLeast(2.0), &mut run);
    }
}

/// Symbols and integers of all lists, as an interpreter meets them.
fn walk(view: View<'_>) -> i64 {
    view.children().fold(0, |sum, child| {
        sum + match child.kind() {
            Kind::Integer => child.integer().unwrap_or_default(),
            Kind::Symbol => child.symbol().unwrap_or_default().len() as i64,
            kind if kind.is_list() => walk(child),
            _ => 1,
        }
    })
}

fn others(suite: &mut Suite) {
    let text = text::script(BYTES);
    let object = ours(&text);
    let work = text.len() as f64 / MEGA;
    let name = "print, 10 MB of scripts";
    if suite.wants(name) {
        suite.measure(name, "MB/s", Target::None, &mut || {
            rate(work, || {
                let mut out = Vec::with_capacity(text.len());
                object.view().print(&mut out);
                out
            })
        });
    }
    let mut json = Vec::new();
    Json::encode(&object, &mut json);
    let limits = Limits { bytes: u32::MAX, ..Limits::default() };
    let name = "JSON, read, MB of JSON a second";
    if suite.wants(name) {
        let work = json.len() as f64 / MEGA;
        suite.measure(name, "MB/s", Target::None, &mut || rate(work, || Json::decode(&json, &limits)));
    }
    let name = "JSON, written, MB of JSON a second";
    if suite.wants(name) {
        let work = json.len() as f64 / MEGA;
        suite.measure(name, "MB/s", Target::None, &mut || {
            rate(work, || {
                let mut out = Vec::with_capacity(json.len());
                Json::encode(&object, &mut out);
                out
            })
        });
    }
    let name = "walk, views of 10 MB of scripts";
    if suite.wants(name) {
        let units = (object.to_bytes().len() / 16) as f64;
        suite.measure(name, "ns/object", Target::None, &mut || {
            GIGA / rate(units, || walk(black_box(object.view())))
        });
    }
}
