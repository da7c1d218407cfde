//! Comparing a value with a text without making the value's text, where that is simple.
//!
//! Invariant: the answer is that of `value.text() == text`.

use diptych_components::slp::{Kind, Object};

/// Digits of an `i64` and its sign.
const INTEGER_TEXT_MAX: usize = 20;

/// Whether the text of `value` is `text`.
pub(super) fn is_text(value: &Object, text: &[u8]) -> bool {
    let view = value.view();
    match view.kind() {
        Kind::String => view.string() == Some(text),
        Kind::Symbol => view.symbol() == Some(text),
        Kind::Integer => view.integer().is_some_and(|integer| is_integer(integer, text)),
        _ => *value.text() == *text,
    }
}

/// Whether `text` is how `integer` prints.
fn is_integer(integer: i64, text: &[u8]) -> bool {
    let mut digits = [0; INTEGER_TEXT_MAX];
    let (mut first, mut rest) = (INTEGER_TEXT_MAX, integer.unsigned_abs());
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if integer < 0 {
        first -= 1;
        digits[first] = b'-';
    }
    digits[first..] == *text
}
