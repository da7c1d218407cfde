//! Agents: hearing, turns, transcripts, questions to a model, a voice with barge-in, tasks with leases, tools and memory.
//!
//! Invariant: every component has one owner, and each decides by the last frame. A transcript is taken once: whoever
//! takes it writes down its number, and its owner puts no other in its place before that. So it does not matter whether a
//! frame lies between the two, was still, or was made by another process.
//!
//! # From hearing to speaking
//! ```text
//! agent.stage       raw level, heartbeats; lines, tasks and sights of a staged world
//! agent.vad         raw level -> is somebody speaking          agent.turn   speech begins -> turn
//! agent.transcribe  lines -> partial and final transcript, the next one when the last was taken
//! agent.orchestrate transcript -> question; answer -> message and words to say
//! agent.model       question -> answer, of the seeded model in the world, or of a model outside by a job
//! agent.speak       words -> utterances, queue and player, by what becomes of them while somebody speaks
//! agent.work        idle agents <-> tasks, tools               agent.task   claims, leases, attempts
//! agent.tool        calls, by grants                           agent.memory nodes that are remembered
//! agent.publish     all of it as events, each once
//! ```
//! Left out: sound, and how a model outside is reached.

mod codec;
mod command;
mod hear;
mod memory;
mod model;
mod orchestrate;
mod publish;
mod queue;
mod speak;
mod stage;
mod task;
mod tool;
mod work;

pub use codec::*;
pub use command::apply_command;
pub use hear::{detect_turns, keep_sights, transcribe, update_vad, vad};
pub use memory::{remember, sha256_of};
pub use model::{
    Ask, Asked, AskedCodec, NO_PROVIDER, Provider, Seeded, TextCodec, answer_outside, answer_seeded,
    ask_in_order, seeded_answer,
};
pub use orchestrate::orchestrate;
pub use publish::publish;
pub use speak::{duration_ms, speak};
pub use stage::play;
pub use task::keep_tasks;
pub use tool::{TOOLS, use_tools};
pub use work::work;
