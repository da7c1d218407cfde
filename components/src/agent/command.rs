//! What comes to agents from outside, as inputs.
//!
//! Invariant: it names entities by their `Id`s in bits, and has a form in bytes, so that it can be logged and made again.

use super::fields::{coded, put_text, text};
use super::prompt::{PromptTemplate, Values, put_values, values};
use super::talk::{Image, Line, TEXT_BYTES_MAX};
use super::work::{Grant, Heartbeat, NAME_BYTES_MAX, TaskText, ToolText};
use crate::fields::{FieldError, Fields, put_u32, put_u64};
use bytemuck::bytes_of;

/// Something that is done to agents from outside. What names nobody, makes no sense or
/// has no room is dropped, with a warning in the log that says why.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// This was said to an agent.
    Hear(u64, Line),
    /// It is this loud around an agent.
    Level(u64, f64),
    /// An agent sees this.
    See(u64, Image),
    /// An agent gives a sign of life; the frame is filled in.
    Beat(u64, Heartbeat),
    /// An agent may do this, and nothing else.
    Allow(u64, Grant),
    /// An agent uses a tool.
    Use(u64, ToolText),
    /// There is something to be done, of a priority.
    Do(u32, TaskText),
    /// An utterance is not to be said, or said on.
    Cancel(u64),
    /// There is a template of prompts with this code, in place of one of the same name; the memory node is filled in.
    Template(PromptTemplate, String),
    /// An agent's questions are made with the template of this name and these values of its slots; without a name with
    /// its own prompt again.
    Prompt(u64, String, Values),
}

impl Default for Command {
    fn default() -> Self {
        Self::Level(super::voice::NOBODY, 0.0)
    }
}

coded!(Command);

impl Command {
    fn put(&self, out: &mut Vec<u8>) {
        let mut begin = |code: u8, target: u64| {
            out.push(code);
            put_u64(out, target);
        };
        match self {
            Self::Hear(agent, line) => {
                begin(0, *agent);
                line.put(out);
            }
            Self::Level(agent, level) => {
                begin(1, *agent);
                put_u64(out, level.to_bits());
            }
            Self::See(agent, image) => {
                begin(2, *agent);
                image.put(out);
            }
            Self::Beat(agent, beat) => {
                begin(3, *agent);
                out.extend_from_slice(bytes_of(beat));
            }
            Self::Allow(agent, grant) => {
                begin(4, *agent);
                grant.put(out);
            }
            Self::Use(agent, tool) => {
                begin(5, *agent);
                tool.put(out);
            }
            Self::Do(priority, task) => {
                out.push(6);
                put_u32(out, *priority);
                task.put(out);
            }
            Self::Cancel(utterance) => begin(7, *utterance),
            Self::Template(template, code) => {
                out.push(8);
                template.put(out);
                put_text(out, code, TEXT_BYTES_MAX);
            }
            Self::Prompt(agent, name, values) => {
                begin(9, *agent);
                put_text(out, name, NAME_BYTES_MAX);
                put_values(out, values);
            }
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let code = fields.u8()?;
        match code {
            6 => return Ok(Self::Do(fields.u32()?, TaskText::read(fields)?)),
            8 => return Ok(Self::Template(PromptTemplate::read(fields)?, text(fields, TEXT_BYTES_MAX)?)),
            _ => {}
        }
        let target = fields.u64()?;
        match code {
            0 => Ok(Self::Hear(target, Line::read(fields)?)),
            1 => Ok(Self::Level(target, f64::from_bits(fields.u64()?))),
            2 => Ok(Self::See(target, Image::read(fields)?)),
            3 => {
                let bytes = fields.take(size_of::<Heartbeat>())?;
                Ok(Self::Beat(target, bytemuck::pod_read_unaligned(bytes)))
            }
            4 => Ok(Self::Allow(target, Grant::read(fields)?)),
            5 => Ok(Self::Use(target, ToolText::read(fields)?)),
            7 => Ok(Self::Cancel(target)),
            9 => Ok(Self::Prompt(target, text(fields, NAME_BYTES_MAX)?, values(fields)?)),
            code => Err(FieldError(format!("{code} is no command to agents"))),
        }
    }
}
