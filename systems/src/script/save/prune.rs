//! What is left of a program that is in the middle.
//!
//! Invariant: whatever can still be reached is kept in its place, all else becomes NONE in its place; what is left
//! depends on where the script is, not on how often it was saved. Nothing recurses. Left out: values that were
//! taken from the program, which are saved apart.

use super::super::commands::AWAIT;
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

/// The program, as far as its `frames` need it; `busy` where an `eval` runs above them.
pub(super) fn prune(root: &Object, frames: &[Frame], busy: bool) -> Object {
    let mut builder = Builder::new();
    // Lists that are open: the frame by place, and the next child.
    let mut open: Vec<(usize, View<'_>, u32)> = Vec::new();
    let mut frame = 0;
    while frames.get(frame).is_some_and(|each| each.what == What::EvalOne && frame + 1 < frames.len()) {
        frame += 1;
    }
    let view = root.view();
    match frames.get(frame).map(|each| (each.what, each.next)) {
        // Not begun: all of it. Begun, and what is in it is an `eval`: nothing.
        Some((What::EvalOne, 0)) => return root.compact(),
        None | Some((What::EvalOne, _)) => return Object::none(),
        Some(_) => {}
    }
    builder.open(view.kind());
    open.push((frame, view, 0));
    while let Some((frame, view, next)) = open.last_mut() {
        let Some(child) = view.get(*next) else {
            builder.close();
            open.pop();
            continue;
        };
        let above = *frame + 1;
        let state = if above < frames.len() {
            Above::Frame
        } else if busy {
            Above::Eval
        } else {
            Above::Nothing
        };
        // Its turn comes after that of the other arguments.
        let waits = *next == AWAIT_BODY && view.get(0).is_some_and(|head| head.is_symbol(AWAIT));
        let need = match need(frames[*frame], *next, state) {
            Need::No if waits && frames[*frame].what == What::Call => Need::Whole,
            need => need,
        };
        *next += 1;
        match need {
            Need::No => {
                builder.none();
            }
            Need::Whole => {
                builder.copy(child);
            }
            Need::Partly => {
                builder.open(child.kind());
                open.push((above, child, 0));
            }
        }
    }
    builder.finish()
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

fn need(frame: Frame, child: u32, above: Above) -> Need {
    let inside = if above == Above::Frame { Need::Partly } else { Need::No };
    match frame.what {
        What::Forms | What::Body | What::EvalForms => match (child + 1).cmp(&frame.next) {
            std::cmp::Ordering::Less => Need::No,
            std::cmp::Ordering::Equal => inside,
            std::cmp::Ordering::Greater => Need::Whole,
        },
        What::Call if child == 0 => Need::Whole,
        What::Call => match (child - 1).cmp(&frame.next) {
            std::cmp::Ordering::Less => Need::No,
            std::cmp::Ordering::Equal if above == Above::Nothing => Need::Whole,
            std::cmp::Ordering::Equal => inside,
            std::cmp::Ordering::Greater => Need::Whole,
        },
        // The next key needs it whole.
        What::Loop if child == LOOP_BODY => Need::Whole,
        What::Await if child == AWAIT_BODY && frame.next == 0 => Need::Whole,
        What::Await if child == AWAIT_BODY && frame.next != AWAIT_WAITS => inside,
        What::Loop | What::Await | What::EvalOne => Need::No,
    }
}
