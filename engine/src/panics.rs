//! What a caught panic said.
//!
//! Invariant: always a text; a panic with anything else says so.

use core::any::Any;

/// The text of a panic that [`catch_unwind`](std::panic::catch_unwind) caught, for messages.
///
/// ```
/// let caught = std::panic::catch_unwind(|| panic!("{} is odd", 3));
/// assert_eq!(diptych_engine::panic_text(&*caught.unwrap_err()), "3 is odd");
/// ```
#[must_use]
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
