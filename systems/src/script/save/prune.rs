//! What is left of a program that is in the middle.
//!
//! Invariant: whatever can still be reached is kept. Forms that are done are left out of their list, and its frame is
//! told; all else that is done becomes NONE in its place. What is left depends on where the script is, not on how
//! often it was saved. Nothing recurses. Left out: values that were taken from the program, which are saved apart.

use super::super::commands::{AWAIT, ITERATE};
use super::super::frame::{Frame, What};
use super::super::machine::{AWAIT_BODY, AWAIT_WAITS, LOOP_BODY};
use diptych_components::slp::{Builder, Object, View};

/// Whether a child is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    No,
    Whole,
    /// As far as the frames above need it.
    Partly,
}

/// The program, as far as its `frames` need it; `busy` where an `eval` runs above them. The frames are set to their
/// places in what is left.
pub(super) fn prune(root: &Object, frames: &mut [Frame], busy: bool) -> Object {
    let mut at = 0;
    while frames.get(at).is_some_and(|each| each.what == What::EvalOne && at + 1 < frames.len()) {
        at += 1;
    }
    match frames.get(at).map(|each| (each.what, each.next)) {
        // Not begun: all of it. Begun, and what is in it is an `eval`: nothing.
        Some((What::EvalOne, 0)) => return root.compact(),
        None | Some((What::EvalOne, _)) => return Object::none(),
        Some(_) => {}
    }
    let mut builder = Builder::new();
    let mut open = Vec::new();
    let mut begins = Some((at, root.view()));
    loop {
        if let Some((at, view)) = begins.take() {
            builder.open(view.kind());
            let frame = frames[at];
            let next = leave_out(&mut frames[at]);
            open.push(Open { at, frame, view, next });
        }
        let Some(list) = open.last_mut() else { return builder.finish() };
        let Some(child) = list.view.get(list.next) else {
            builder.close();
            open.pop();
            continue;
        };
        let above = match list.at + 1 < frames.len() {
            true => Above::Frame,
            false if busy => Above::Eval,
            false => Above::Nothing,
        };
        match list.need(above) {
            Need::No => {
                builder.none();
            }
            Need::Whole => {
                builder.copy(child);
            }
            Need::Partly => begins = Some((list.at + 1, child)),
        }
        list.next += 1;
    }
}

/// A node that a frame walks.
struct Open<'a> {
    /// Which frame.
    at: usize,
    /// As it was.
    frame: Frame,
    view: View<'a>,
    /// The next child.
    next: u32,
}

/// Sets the frame of a list to where it is once the forms that are done are left out; how many they are.
fn leave_out(frame: &mut Frame) -> u32 {
    if !matches!(frame.what, What::Forms | What::Body | What::EvalForms) {
        return 0;
    }
    let done = frame.next.saturating_sub(1);
    frame.next -= done;
    done
}

/// What is above a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    Nothing,
    /// A frame in one of its children.
    Frame,
    /// Another program, which took the place of the child.
    Eval,
}

impl Open<'_> {
    /// Whether the next child is needed.
    fn need(&self, above: Above) -> Need {
        let Self { frame, next: child, .. } = *self;
        let inside = if above == Above::Frame { Need::Partly } else { Need::No };
        match frame.what {
            What::Forms | What::Body | What::EvalForms if child + 1 == frame.next => inside,
            What::Forms | What::Body | What::EvalForms => Need::Whole,
            What::Call if child == 0 || child - 1 > frame.next => Need::Whole,
            // What `await` does first has a turn after the other arguments.
            What::Call
                if child == AWAIT_BODY && self.view.get(0).is_some_and(|head| head.is_symbol(AWAIT)) =>
            {
                Need::Whole
            }
            // A loop walks its body where it stands, also one that has found no room to begin.
            What::Call
                if child == LOOP_BODY && self.view.get(0).is_some_and(|head| head.is_symbol(ITERATE)) =>
            {
                Need::Whole
            }
            What::Call if child - 1 < frame.next => Need::No,
            What::Call if above == Above::Nothing => Need::Whole,
            What::Call => inside,
            // The next key needs it whole.
            What::Loop if child == LOOP_BODY => Need::Whole,
            What::Await if child == AWAIT_BODY && frame.next == 0 => Need::Whole,
            What::Await if child == AWAIT_BODY && frame.next != AWAIT_WAITS => inside,
            What::Loop | What::Await | What::EvalOne => Need::No,
        }
    }
}
