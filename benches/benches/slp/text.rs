//! The texts that are read: commands, data, and scripts.
//!
//! Invariant: the same bytes at each run. Commands and data hold only what lexpr reads alike.

use std::fmt::Write as _;

/// A step of a small generator of numbers.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn fill(bytes: usize, mut line: impl FnMut(&mut u64, &mut String)) -> Vec<u8> {
    let (mut state, mut text) = (7, String::with_capacity(bytes + 256));
    while text.len() < bytes {
        line(&mut state, &mut text);
    }
    text.into_bytes()
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes all text");
}

fn command(state: &mut u64, text: &mut String) {
    let (pick, user, value) = (next(state) % 8, next(state) % 1_000, next(state) % 1_000_000);
    let words = ["active", "pending", "a somewhat longer note, with a few words in it", "idle"];
    let word = words[(next(state) % 4) as usize];
    match pick {
        0 | 1 => write(text, format_args!("(core/kv/set user:{user} \"{word}\")")),
        2 => write(text, format_args!("(core/kv/get user:{user})")),
        3 => write(text, format_args!("(core/kv/set counter:{user} {value})")),
        4 => write(text, format_args!("(core/kv/cas status:{user} \"pending\" \"{word}\")")),
        5 => write(text, format_args!("(core/event/pub A {} \"{word}\")", value % 65_536)),
        6 => write(text, format_args!("(core/util/log \"user\" user:{user} (core/kv/get user:{user}))")),
        _ => write(text, format_args!("(core/kv/set rate:{user} {}.{})", value % 100, value % 977)),
    }
}

/// Lines of commands.
pub(crate) fn commands(bytes: usize) -> Vec<u8> {
    fill(bytes, |state, text| {
        command(state, text);
        text.push('\n');
    })
}

/// Nested lists of numbers, names and strings.
pub(crate) fn data(bytes: usize) -> Vec<u8> {
    fill(bytes, |state, text| {
        let (id, x, y) = (next(state) % 1_000_000, next(state) % 2000, next(state) % 100_000);
        write(
            text,
            format_args!(
                "(body {id} (position {x}.{y} -{y}.5 {x}) (name \"body number {id}\") (tags moving heavy-{}) (mass {y}.5e{}))\n",
                id % 50,
                x % 20
            ),
        );
    })
}

/// Scripts: brackets, braces, comments, quotes and commands inside.
pub(crate) fn script(bytes: usize) -> Vec<u8> {
    fill(bytes, |state, text| {
        text.push_str("; what one request does\n[\n");
        for _ in 0..3 {
            text.push_str("  ");
            command(state, text);
            text.push('\n');
        }
        let user = next(state) % 10_000;
        write(
            text,
            format_args!(
                "  (core/kv/iterate \"user:{user}\" 0 10 {{\n    (core/util/log \"Found \\\"key\\\":\" $key)\n    (core/kv/del $key)\n  }})\n  (core/event/sub $CHANNEL_A {user} {{(core/kv/set last:{user} $data)}})\n]\n'done\n"
            ),
        );
    })
}
