//! What a script is in the middle of.
//!
//! Invariant: frames name nodes of programs by number, so a step counts no references; the node of each frame
//! follows from the one below it, so a saved stack cannot lead anywhere else (`save`). Left out: how they move
//! (`machine`).

use super::value::Value;
use diptych_components::event::Channel;
use diptych_components::slp::Object;
use std::sync::Arc;

/// What a frame is doing with its node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum What {
    /// The forms of a script: all are run.
    Forms = 0,
    /// A `[..]` or the body of a handler: up to the first ERROR.
    Body = 1,
    /// The forms of a text in `eval`; its program ends with it.
    EvalForms = 2,
    /// One object in `eval`, the node itself; its program ends with it.
    EvalOne = 3,
    /// The arguments of a call, which are the topmost `next` values.
    Call = 4,
    /// The call of `iterate` whose body runs for each key of the topmost loop.
    Loop = 5,
    /// The call of `await`: 0 before its body, 1 in it, 2 waiting.
    Await = 6,
}

impl What {
    pub(super) const ALL: [Self; 7] =
        [Self::Forms, Self::Body, Self::EvalForms, Self::EvalOne, Self::Call, Self::Loop, Self::Await];

    /// Whether it has its own program.
    pub(super) fn is_eval(self) -> bool {
        matches!(self, Self::EvalForms | Self::EvalOne)
    }
}

/// One thing that is not done yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) what: What,
    /// Of a call: its command, or [`UNKNOWN`] after loading.
    pub(super) command: u16,
    /// Which program the node is of.
    pub(super) program: u32,
    /// The node: see [`Object::view_at`].
    pub(super) node: u32,
    /// Children of the node that have been begun; of a call, arguments that are there.
    pub(super) next: u32,
}

const _: () = assert!(size_of::<Frame>() == 16);

/// A command that has to be looked up again.
pub(super) const UNKNOWN: u16 = u16::MAX;

/// A program and what it counts for.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) root: Object,
    /// Bytes; 0 for the script's own. Kept, for a loaded program may be in a smaller buffer.
    pub(super) weight: u64,
}

/// Keys that are being iterated over.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) keys: Vec<Arc<[u8]>>,
    /// Keys that were begun.
    pub(super) next: u32,
    /// `$key`, once somebody asked for it.
    pub(super) current: Option<Object>,
    /// Bytes of all keys, those that are done too.
    pub(super) weight: u64,
}

/// Bytes that a kept key counts for beside its own.
pub(super) const KEY_BYTES: u64 = 16;

/// An `await` that wants its event, and may still be running its body.
#[derive(Debug)]
pub struct Armed {
    pub(super) channel: Channel,
    pub(super) topic: u16,
    pub(super) arrived: Option<Value>,
}

impl Armed {
    /// Where the event must be published.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// Where the event must be published.
    #[must_use]
    pub fn topic(&self) -> u16 {
        self.topic
    }

    /// Whether its event is there already; a second one is not taken.
    #[must_use]
    pub fn has_arrived(&self) -> bool {
        self.arrived.is_some()
    }
}
