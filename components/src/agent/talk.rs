//! What agents hear, what they see, what they ask a model and what it answers.
//!
//! Invariant: texts, lists and images are bounded, by the limits named here. A transcript has a number of its own within
//! its agent, from 1 on, by which whoever takes it knows that it has not done so before.

mod bytes;

use super::code::{ImageKind, Modality, Role};
use super::fields::cut;
use super::voice::NOBODY;
use bytemuck::{Pod, Zeroable};

/// Bytes of a transcript, a message or a prompt; longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 4096;
/// Bytes of an image's reference; a longer one is refused.
pub const IMAGE_BYTES_MAX: usize = 2048;
/// Lines that wait in an agent's ear; what comes then is dropped and counted.
pub const EAR_MAX: usize = 64;
/// Messages that a question gives as its context, with the one it is about.
pub const CONTEXT_MAX: usize = 8;
/// Frames of vision that an agent keeps.
pub const VISION_MAX: usize = 12;
/// Of these, how many go along with a question.
pub const IMAGES_ASKED: usize = 4;
/// Questions of an agent that are open; its next transcript waits.
pub const OPEN_MAX: u32 = 4;

/// Something that was heard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    /// What was said.
    pub text: String,
    /// Whether it is the end of it.
    pub is_final: bool,
}

/// A message to an agent: this was said to it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Heard(pub Line);

/// What an agent has heard and not yet taken in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ear {
    /// In the order in which it was heard.
    pub lines: Vec<Line>,
    /// Lines that had no room.
    pub dropped: u64,
}

impl Ear {
    /// Takes a line, in place of a partial one before it, or counts that it has no room.
    pub fn push(&mut self, mut line: Line) {
        line.text = cut(line.text, TEXT_BYTES_MAX);
        if let Some(last) = self.lines.last_mut().filter(|last| !last.is_final) {
            *last = line;
        } else if self.lines.len() < EAR_MAX {
            self.lines.push(line);
        } else {
            self.dropped += 1;
        }
    }
}

/// What is being said to an agent, as far as it goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TranscriptPartial {
    /// The words so far.
    pub text: String,
    /// The frame in which they were heard.
    pub frame: u64,
}

/// What was last said to an agent, to its end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TranscriptFinal {
    /// The words; none once they were taken.
    pub text: String,
    /// The frame in which they were heard.
    pub frame: u64,
    /// Its number; 0 before the first.
    pub serial: u64,
}

impl TranscriptFinal {
    /// The one after this.
    #[must_use]
    pub fn next(&self, text: String, frame: u64) -> Self {
        Self { text: cut(text, TEXT_BYTES_MAX), frame, serial: self.serial + 1 }
    }
}

/// Where an image is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// How it is referred to.
    pub kind: ImageKind,
    /// Its address, name or bytes in base64.
    pub reference: String,
}

/// An image that an agent saw; an entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VisionFrame {
    /// Who saw it.
    pub agent: u64,
    /// When.
    pub frame: u64,
    /// What.
    pub image: Image,
}

/// The last frames of vision of an agent, the latest last.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct VisionRing {
    /// Entities; the first `count` are some.
    pub frames: [u64; VISION_MAX],
    /// How many.
    pub count: u64,
}

impl Default for VisionRing {
    fn default() -> Self {
        Self { frames: [NOBODY; VISION_MAX], count: 0 }
    }
}

impl VisionRing {
    /// Those it holds.
    #[must_use]
    pub fn held(&self) -> &[u64] {
        first_of(&self.frames, self.count)
    }

    /// Adds the latest; gives back the oldest where there was no room.
    pub fn push(&mut self, frame: u64) -> Option<u64> {
        push_latest(&mut self.frames, &mut self.count, frame)
    }
}

/// What a model is asked; an entity, beside its [`Errand`] and its [`Answer`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Question {
    /// What the model is told about itself.
    pub prompt: String,
    /// What was said before, and last what it is about.
    pub context: Vec<(Role, String)>,
    /// What the agent saw, the latest last.
    pub images: Vec<Image>,
    /// Whether the answer is to be JSON.
    pub wants_json: bool,
}

/// What a question is for.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Errand {
    /// Who asks.
    pub agent: u64,
    /// In which turn.
    pub turn: u64,
    /// About which of its transcripts.
    pub serial: u64,
    /// The frame in which it was asked.
    pub asked: u64,
    /// The frame in which the answer was taken; 0 before.
    pub closed: u64,
}

/// What became of a question.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Answer {
    /// Nothing yet.
    #[default]
    Waiting,
    /// It has been asked of a model outside.
    Asked,
    /// The model's words.
    Text(String),
    /// Why there are none.
    Failed(String),
}

impl Answer {
    /// Whether it is an answer, or why there is none.
    #[must_use]
    pub fn is_there(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Failed(_))
    }
}

/// How an agent stands with its questions.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Orders {
    /// The number of the last transcript that was taken.
    pub taken: u64,
    /// Questions in all.
    pub asked: u64,
    /// Questions with an answer.
    pub answered: u64,
    /// Questions without, for ever.
    pub failed: u64,
    /// Transcripts without a word.
    pub empty: u64,
}

impl Orders {
    /// Questions that are open.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.asked.saturating_sub(self.answered + self.failed)
    }
}

/// The last messages of an agent, the latest last.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Stream {
    /// Entities; the first `count` are some.
    pub messages: [u64; CONTEXT_MAX],
    /// How many.
    pub count: u64,
    /// The number of the next one.
    pub sequence: u64,
}

impl Default for Stream {
    fn default() -> Self {
        Self { messages: [NOBODY; CONTEXT_MAX], count: 0, sequence: 0 }
    }
}

impl Stream {
    /// Those it holds.
    #[must_use]
    pub fn held(&self) -> &[u64] {
        first_of(&self.messages, self.count)
    }

    /// Adds the latest; gives back the oldest where there was no room.
    pub fn push(&mut self, message: u64) -> Option<u64> {
        self.sequence += 1;
        push_latest(&mut self.messages, &mut self.count, message)
    }
}

/// Something that was said to or by an agent; an entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// The agent whose stream it is in.
    pub stream: u64,
    /// Its place there.
    pub sequence: u64,
    /// Who said it.
    pub role: Role,
    /// How.
    pub modality: Modality,
    /// The question that it came of, or `NOBODY`.
    pub caused_by: u64,
    /// What was said.
    pub content: String,
}

/// Those of a list's places that are taken, whatever is stored as their number.
pub(super) fn first_of(places: &[u64], count: u64) -> &[u64] {
    &places[..usize::try_from(count).unwrap_or(usize::MAX).min(places.len())]
}

/// Puts the latest behind the others; gives back the oldest where there was no room.
fn push_latest(places: &mut [u64], count: &mut u64, latest: u64) -> Option<u64> {
    let held = first_of(places, *count).len();
    let oldest = (held == places.len()).then(|| places[0]);
    let place = if oldest.is_some() { held - 1 } else { held };
    if oldest.is_some() {
        places.rotate_left(1);
    }
    places[place] = latest;
    *count = place as u64 + 1;
    oldest
}
