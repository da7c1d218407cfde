//! Suspended scripts as bytes.
//!
//! Invariant: what is saved says where each frame is by its place in the frame below, never by a number of a buffer,
//! so a stack that loads leads through the programs it came with, and only as far as they go. A script that was
//! saved, loaded and run on saves as the same bytes as one that never stopped. Left out: parts of the programs that
//! nothing can reach any more (`prune`).
//!
//! # Layout
//! Little-endian, in this order:
//!
//! | what | bytes |
//! |---|---|
//! | version | 1 |
//! | steps since the start | 8 |
//! | `$data`: 0, or 1 and a value | 1.. |
//! | frames from the outermost on: count; what, next | 4; 1, 4 each |
//! | programs, one for the first frame and one for each `eval` after it: weight, length, object | 8, 4, .. each |
//! | values, as many as the calls have arguments: form, length, object | 1, 4, .. each |
//! | loops, one for each `iterate`: weight, 1 within a key, count; length, key | 8, 1, 4; 4, .. each |
//! | awaits: channel, topic, 0 or 1 and the value that arrived | 1, 2, 1.. each |

mod load;
mod prune;

use super::frame::{Frame, Loop, What};
use super::machine::Machine;
use super::value::Value;
use diptych_components::slp::Object;

/// The first byte.
const VERSION: u8 = 1;

/// Why bytes are no suspended script.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("these bytes are no suspended script: {what} (byte {byte})")]
pub struct LoadError {
    what: &'static str,
    byte: usize,
}

impl LoadError {
    /// Where reading ended.
    #[must_use]
    pub fn byte(&self) -> usize {
        self.byte
    }
}

impl Machine {
    /// Appends all that is needed to go on.
    ///
    /// # Panics
    /// When a part has 4 GiB or more, which the limits of a run do not let happen.
    pub fn save(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.extend_from_slice(&self.steps.to_le_bytes());
        optional(out, self.data.as_ref());
        let mut frames = self.frames.clone();
        let programs = self.pruned(&mut frames);
        length(out, frames.len());
        for frame in &frames {
            out.push(frame.what as u8);
            out.extend_from_slice(&frame.next.to_le_bytes());
        }
        for (program, pruned) in self.programs.iter().zip(&programs) {
            out.extend_from_slice(&program.weight.to_le_bytes());
            part(out, &pruned.to_bytes());
        }
        self.values.iter().for_each(|each| value(out, each));
        self.loops.iter().for_each(|each| keys(out, each));
        for armed in &self.armed {
            out.push(armed.channel.code());
            out.extend_from_slice(&armed.topic.to_le_bytes());
            optional(out, armed.arrived.as_ref());
        }
    }

    /// The programs without what is done, and the frames set to their places in them.
    fn pruned(&self, frames: &mut [Frame]) -> Vec<Object> {
        let mut rest = frames;
        let mut programs = Vec::with_capacity(self.programs.len());
        for program in &self.programs {
            // Its own frames are those up to the next `eval`.
            let own = 1 + rest.iter().skip(1).take_while(|frame| !frame.what.is_eval()).count();
            let (these, others) = rest.split_at_mut(own.min(rest.len()));
            programs.push(prune::prune(&program.root, these, !others.is_empty()));
            rest = others;
        }
        programs
    }

    /// Reads what [`Machine::save`] wrote, or anything else.
    ///
    /// # Errors
    /// When it is nothing that can be gone on with.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        load::load(bytes)
    }
}

fn length(out: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).expect("the limits of a run keep every part below 4 GiB");
    out.extend_from_slice(&len.to_le_bytes());
}

fn part(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn value(out: &mut Vec<u8>, value: &Value) {
    out.push(value.form_code());
    part(out, &value.source().to_bytes());
}

fn optional(out: &mut Vec<u8>, present: Option<&Value>) {
    out.push(u8::from(present.is_some()));
    if let Some(present) = present {
        value(out, present);
    }
}

/// The keys that are left, and the one that is being done.
fn keys(out: &mut Vec<u8>, around: &Loop) {
    let begun = around.next > 0;
    let rest = &around.keys[around.next as usize - usize::from(begun)..];
    out.extend_from_slice(&around.weight.to_le_bytes());
    out.push(u8::from(begun));
    length(out, rest.len());
    rest.iter().for_each(|key| part(out, key));
}

/// What a stored frame is doing.
fn what(code: u8) -> Option<What> {
    What::ALL.into_iter().find(|what| *what as u8 == code)
}
