//! Agents that listen, speak, work and remember: what they are made of.
//!
//! Invariant: plain data. An agent is an entity; its utterances, questions to a model, messages, tool calls and memory
//! nodes are entities of their own that name it by its `Id` in bits. Times are in frames, but where a name says
//! milliseconds. What agents do is behaviour and lives in `diptych-systems`.
//!
//! Left out: sound itself, how a model is asked, and processes of the machine.

mod code;
mod command;
mod fields;
mod notice;
mod prompt;
mod stream;
mod talk;
mod voice;
mod work;

pub use code::{
    AgentMode, BargeIn, CallStatus, ImageKind, Modality, NodeKind, Player, Role, Status, TaskStatus,
};
pub use command::Command;
pub use notice::{
    CHANNEL, Notice, TOPIC_LLM_REQUEST, TOPIC_LLM_RESULT, TOPIC_PLAYBACK, TOPIC_TRANSCRIPT,
    TOPIC_TTS_REQUEST, TOPIC_TTS_RESULT, TOPIC_TURN, Told,
};
pub use prompt::{
    PromptFault, PromptTemplate, PromptUse, SLOT_BYTES_MAX, SLOTS_MAX, TEMPLATES_MAX, Values, excess,
};
pub use stream::{ANSWER_BYTES_MAX, AnswerReader, LINE_BYTES_MAX, Protocol, StreamError, strip_fences};
pub use talk::{
    Answer, CONTEXT_MAX, EAR_MAX, Ear, Errand, Heard, IMAGE_BYTES_MAX, IMAGES_ASKED, Image, Line, Message,
    OPEN_MAX, Orders, Question, Stream, TEXT_BYTES_MAX, TranscriptFinal, TranscriptPartial, VISION_MAX,
    VisionFrame, VisionRing,
};
pub use voice::{
    AudioRef, AudioRes, BargeState, NOBODY, NOT_SPEAKING, PlaybackQueue, Policy, QUEUE_MAX, RawVad, Speak,
    Turn, Utterance, Vad, Words,
};
pub use work::{
    AgentInfo, AgentState, CALLS_MAX, CHILDREN_MAX, Grant, Heartbeat, MemoryNode, Remember, SCOPES_MAX,
    TASKS_MAX, TASKS_STAGED_MAX, Task, TaskNote, TaskTally, TaskText, ToolCall, ToolResult, ToolText,
    note_kind,
};

use bytemuck::{Pod, Zeroable};

/// Agents of a world, at most.
pub const AGENTS_MAX: u32 = 1 << 20;

/// How agents behave. One entity holds it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Rules {
    /// Seed of the seeded model and of what happens in a scene of its own.
    pub seed: u64,
    /// Milliseconds of a frame; 50.
    pub tick_ms: u32,
    /// Frames from a question to the answer of the seeded model, 1 or more.
    pub latency: u32,
    /// Frames that a task is leased for.
    pub lease: u32,
    /// Attempts after which a task is dead.
    pub attempts: u32,
    /// Frames between heartbeats.
    pub beat: u32,
    /// Frames without a heartbeat after which an agent is gone.
    pub patience: u32,
    /// Frames that a task takes, beside its tool.
    pub work: u32,
    /// Frames that what is over is kept for who looks: utterances, questions, tasks and calls.
    pub keep: u32,
    /// 1 where the world makes up what agents hear and do; 0 where all comes from outside.
    pub is_staged: u32,
    /// In how many of 1000 spells a staged agent falls silent.
    pub hang_permille: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            seed: 1,
            tick_ms: 50,
            latency: 8,
            lease: 25,
            attempts: 3,
            beat: 5,
            patience: 40,
            work: 6,
            keep: 60,
            is_staged: 1,
            hang_permille: 30,
        }
    }
}

/// What is wrong with rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the agents' {name} is {value}, and must be {wanted}")]
pub struct RulesFault {
    name: &'static str,
    value: u32,
    wanted: &'static str,
}

impl Rules {
    /// What is wrong, if anything.
    ///
    /// # Errors
    /// The first rule that is outside of what it may be.
    pub fn check(&self) -> Result<(), RulesFault> {
        let frames = 1..=1 << 20;
        let checks = [
            ("tick in milliseconds", self.tick_ms, 1..=60_000, "1 to 60000"),
            ("latency", self.latency, frames.clone(), "1 to 1048576 frames"),
            ("lease", self.lease, frames.clone(), "1 to 1048576 frames"),
            ("number of attempts", self.attempts, 1..=1000, "1 to 1000"),
            ("heartbeat", self.beat, frames.clone(), "1 to 1048576 frames"),
            ("patience", self.patience, self.beat.max(1)..=1 << 20, "from the heartbeat to 1048576 frames"),
            ("keeping", self.keep, frames, "1 to 1048576 frames"),
            // Claimed in one frame and given in the next; and what a tool gave must still be there.
            (
                "work",
                self.work,
                1..=self.lease.saturating_sub(2).min(self.keep),
                "from 1 to two frames less than the lease, and no longer than what is over is kept",
            ),
            ("stage", self.is_staged, 0..=1, "0 or 1"),
            ("falling silent", self.hang_permille, 0..=1000, "0 to 1000 of 1000 spells"),
        ];
        let wrong = checks.into_iter().find(|(_, value, allowed, _)| !allowed.contains(value));
        wrong.map_or(Ok(()), |(name, value, _, wanted)| Err(RulesFault { name, value, wanted }))
    }

    /// Milliseconds of world time at a frame.
    #[must_use]
    pub fn ms(&self, frame: u64) -> u64 {
        frame.saturating_mul(u64::from(self.tick_ms))
    }
}

#[cfg(test)]
mod tests;
