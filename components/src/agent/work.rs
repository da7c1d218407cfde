//! Who agents are, what they do, what they may, and what they remember.
//!
//! Invariant: a task is held by one agent at a time, the one its owner has written into it, until the lease ends. Topics
//! of tasks are names of tools.

use super::code::{CallStatus, NodeKind, TaskStatus};
use super::fields::{code, coded, cut, list, put_list, put_text, text};
use super::talk::TEXT_BYTES_MAX;
use super::voice::NOBODY;
use crate::fields::{FieldError, Fields, put_u32, put_u64};
use bytemuck::{Pod, Zeroable};

/// Scopes of a grant, and capabilities of an agent, at most.
pub const SCOPES_MAX: usize = 64;
/// Nodes below a node of memory, at most: a new one takes the place of the oldest.
pub const CHILDREN_MAX: usize = 16;
/// Tasks of a world, at most, those included that are over and still kept; one more is refused.
pub const TASKS_MAX: u64 = 1 << 18;
/// Of these, places that a staged world keeps for what it makes up in a frame.
pub const TASKS_STAGED_MAX: u64 = 4096;
/// Calls of tools in a world, at most, those included that are over and still kept, before one from outside is refused.
pub const CALLS_MAX: u64 = 1 << 18;
/// Bytes of a name.
pub(super) const NAME_BYTES_MAX: usize = 128;

/// Who an agent is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AgentInfo {
    /// Its number, from 0 on.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// What it is told about itself when it asks a model.
    pub prompt: String,
    /// Topics of tasks that it takes; all where there are none.
    pub capabilities: Vec<String>,
    /// The root of what it remembers.
    pub memory: u64,
}

/// What an agent is about.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct AgentState {
    /// The task it has or asks for, or `NOBODY`.
    pub task: u64,
    /// The call of a tool that it waits for, or `NOBODY`.
    pub call: u64,
    /// The frame since which its mode holds.
    pub since: u64,
    /// An `AgentMode`.
    pub mode: u32,
    /// Which attempt at the task it makes.
    pub attempt: u32,
}

impl Default for AgentState {
    fn default() -> Self {
        Self { task: NOBODY, call: NOBODY, since: 0, mode: 0, attempt: 0 }
    }
}

/// The last sign of life of an agent, and what its process needs.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Heartbeat {
    /// The frame it came in.
    pub last_seen: u64,
    /// The session it was started in.
    pub session: u64,
    /// Its process.
    pub process: u32,
    /// Share of a processor, in percent.
    pub cpu_percent: f32,
    /// Memory, in megabytes.
    pub memory_mb: f32,
    /// Memory that it may take; 0 for any.
    pub memory_mb_max: f32,
    /// Bytes received.
    pub net_received: u64,
    /// Bytes sent.
    pub net_sent: u64,
    /// Instances that may run; 0 for any number.
    pub instances_max: u64,
}

/// What an agent may do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Grant {
    /// Names of tools; one that ends in `*` stands for all that begin like it.
    pub scopes: Vec<String>,
    /// The first frame in which it does not hold any more; `u64::MAX` for never.
    pub expires: u64,
}

impl Grant {
    /// Whether it allows something in a frame.
    #[must_use]
    pub fn allows(&self, name: &str, frame: u64) -> bool {
        let fits = |scope: &String| match scope.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => scope == name,
        };
        frame < self.expires && self.scopes.iter().any(fits)
    }
}

/// Something to be done, in a queue with leases; an entity, beside its [`TaskText`].
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Task {
    /// Who has it, or `NOBODY`.
    pub holder: u64,
    /// The first frame in which its lease has ended.
    pub lease_until: u64,
    /// The frame in which it was made.
    pub created: u64,
    /// The frame in which its status last changed.
    pub updated: u64,
    /// Higher ones are taken first.
    pub priority: u32,
    /// A [`TaskStatus`].
    pub status: u32,
    /// How often it was leased.
    pub attempts: u32,
    /// How often its lease ended without a word.
    pub lapsed: u32,
}

impl Task {
    /// One that nobody has, made in this frame.
    #[must_use]
    pub fn new(priority: u32, frame: u64) -> Self {
        let status = TaskStatus::Queued.code();
        let (created, updated) = (frame, frame);
        Self { holder: NOBODY, lease_until: 0, created, updated, priority, status, attempts: 0, lapsed: 0 }
    }
}

/// What a task is about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TaskText {
    /// The tool that does it.
    pub topic: String,
    /// What the tool is given.
    pub payload: String,
}

/// What became of all tasks. One entity holds it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct TaskTally {
    /// Tasks that were done.
    pub done: u64,
    /// Tasks that were tried too often.
    pub dead: u64,
    /// Leases that ended without a word.
    pub lapsed: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Reports and claims that came too late.
    pub refused: u64,
    /// Tasks that there are, but for those that the last frame has made up.
    pub tasks: u64,
    /// Tasks and calls that were asked for, and had no room.
    pub crowded_out: u64,
    /// Calls of tools that there are, but for those that agents have made in the last frame.
    pub calls: u64,
}

impl TaskTally {
    /// Whether one more has room, beside what a staged world makes up in the same frame.
    #[must_use]
    pub fn has_room(&self, is_staged: bool) -> bool {
        let room = if is_staged { TASKS_MAX - TASKS_STAGED_MAX } else { TASKS_MAX };
        self.tasks < room
    }
}

/// A message to a task, from an agent.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct TaskNote {
    /// One of [`note_kind`].
    pub kind: u32,
    /// Of which attempt; nothing for a claim.
    pub attempt: u32,
}

/// What a [`TaskNote`] says.
pub mod note_kind {
    /// The agent asks for it.
    pub const CLAIM: u32 = 0;
    /// It is done.
    pub const DONE: u32 = 1;
    /// It could not be done.
    pub const FAILED: u32 = 2;
}

/// A use of a tool; an entity, beside its [`ToolText`] and its [`ToolResult`].
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct ToolCall {
    /// Who uses it.
    pub agent: u64,
    /// For which task, or `NOBODY`.
    pub task: u64,
    /// The frame in which it was asked for.
    pub started: u64,
    /// The frame in which it was over; 0 before.
    pub finished: u64,
    /// A [`CallStatus`].
    pub status: u32,
    /// Nothing.
    pub spare: u32,
}

impl ToolCall {
    /// One that is asked for in this frame.
    #[must_use]
    pub fn new(agent: u64, task: u64, frame: u64) -> Self {
        Self { agent, task, started: frame, finished: 0, status: CallStatus::Requested.code(), spare: 0 }
    }
}

/// Which tool is used, and what it is given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ToolText {
    /// Its name.
    pub name: String,
    /// What it is given.
    pub arguments: String,
}

/// What a tool gave, or why it gave nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ToolResult(pub String);

/// Something that is remembered, as an expression; an entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemoryNode {
    /// What it is.
    pub kind: NodeKind,
    /// The expression.
    pub text: String,
    /// Nodes above it.
    pub parents: Vec<u64>,
    /// Nodes below it, the latest last.
    pub children: Vec<u64>,
    /// How often it was written.
    pub version: u64,
    /// SHA-256 of the canonical text of the expression: however it is written, the same expression has the same.
    pub sha256: [u8; 32],
}

/// A message to a node of memory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Remember {
    /// Whether a node is to be made below it; else its own text is written anew.
    pub below: bool,
    /// The expression.
    pub text: String,
}

coded!(AgentInfo, Grant, TaskText, ToolText, ToolResult, MemoryNode, Remember);

impl AgentInfo {
    fn put(&self, out: &mut Vec<u8>) {
        put_u32(out, self.number);
        put_u64(out, self.memory);
        put_text(out, &self.name, NAME_BYTES_MAX);
        put_text(out, &self.prompt, TEXT_BYTES_MAX);
        put_list(out, &self.capabilities, SCOPES_MAX, |out, name| put_text(out, name, NAME_BYTES_MAX));
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let (number, memory) = (fields.u32()?, fields.u64()?);
        let (name, prompt) = (text(fields, NAME_BYTES_MAX)?, text(fields, TEXT_BYTES_MAX)?);
        let capabilities = list(fields, SCOPES_MAX, |fields| text(fields, NAME_BYTES_MAX))?;
        Ok(Self { number, name, prompt, capabilities, memory })
    }
}

impl Grant {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.expires);
        put_list(out, &self.scopes, SCOPES_MAX, |out, scope| put_text(out, scope, NAME_BYTES_MAX));
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let expires = fields.u64()?;
        Ok(Self { scopes: list(fields, SCOPES_MAX, |fields| text(fields, NAME_BYTES_MAX))?, expires })
    }
}

impl TaskText {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_text(out, &self.topic, NAME_BYTES_MAX);
        put_text(out, &self.payload, TEXT_BYTES_MAX);
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { topic: text(fields, NAME_BYTES_MAX)?, payload: text(fields, TEXT_BYTES_MAX)? })
    }
}

impl ToolText {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_text(out, &self.name, NAME_BYTES_MAX);
        put_text(out, &self.arguments, TEXT_BYTES_MAX);
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { name: text(fields, NAME_BYTES_MAX)?, arguments: text(fields, TEXT_BYTES_MAX)? })
    }
}

impl ToolResult {
    /// A result, cut where it is too long.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(cut(text, TEXT_BYTES_MAX))
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, &self.0, TEXT_BYTES_MAX);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        text(fields, TEXT_BYTES_MAX).map(Self)
    }
}

impl MemoryNode {
    fn put(&self, out: &mut Vec<u8>) {
        put_u32(out, self.kind.code());
        put_u64(out, self.version);
        out.extend_from_slice(&self.sha256);
        put_text(out, &self.text, TEXT_BYTES_MAX);
        for nodes in [&self.parents, &self.children] {
            put_list(out, nodes, CHILDREN_MAX, |out, node| put_u64(out, *node));
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let kind = NodeKind::of(code(fields, NodeKind::ALL.len(), "kind of node")?);
        let version = fields.u64()?;
        let sha256 = fields.take(32)?.try_into().expect("as many were taken");
        let text = text(fields, TEXT_BYTES_MAX)?;
        let [parents, children] = [
            list(fields, CHILDREN_MAX, |fields| fields.u64())?,
            list(fields, CHILDREN_MAX, |fields| fields.u64())?,
        ];
        Ok(Self { kind, text, parents, children, version, sha256 })
    }
}

impl Remember {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.below));
        put_text(out, &self.text, TEXT_BYTES_MAX);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let below = super::fields::flag(fields)?;
        Ok(Self { below, text: text(fields, TEXT_BYTES_MAX)? })
    }
}
