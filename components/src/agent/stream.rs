//! Reading what language models stream: lines of JSON as Ollama sends them, and server-sent events as OpenAI's interface
//! and its kin do.
//!
//! Invariant: bytes may come in pieces of any size, and the result does not depend on where they are cut. No bytes make a
//! reader panic, or keep more than [`LINE_BYTES_MAX`] and [`ANSWER_BYTES_MAX`].
//!
//! Source of both forms: Ollama's page on `/api/chat` (objects with `message.content` and `done`), and OpenAI's on
//! streamed chat completions (`data:` lines with `choices[0].delta.content`, ended by `[DONE]`).

use memchr::memchr;
use serde_json::Value;

/// Bytes of a line, at most.
pub const LINE_BYTES_MAX: usize = 1 << 16;
/// Bytes of an answer, at most; what goes beyond is an error, as half an answer is none.
pub const ANSWER_BYTES_MAX: usize = 1 << 15;

/// How an answer is streamed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// Objects of JSON, one a line.
    Lines,
    /// Server-sent events.
    Events,
}

/// Why a stream is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A line that never ends.
    #[error("a line of the answer is longer than {LINE_BYTES_MAX} bytes")]
    Line,
    /// An answer that never ends.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    Answer,
    /// Not JSON, or not the JSON of this protocol.
    #[error("line {line} of the answer makes no sense: {why}")]
    Garbage {
        /// Which, from 1 on.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The model says that something is wrong.
    #[error("the model says: {0}")]
    Said(String),
    /// The stream ended before the answer did.
    #[error("the answer ends before it is done")]
    Unfinished,
}

/// Puts an answer together.
///
/// ```
/// use diptych_components::agent::{AnswerReader, Protocol};
/// let mut reader = AnswerReader::new(Protocol::Events);
/// reader.feed(b"data: {\"choices\":[{\"delta\":{\"content\":\"Good \"}}]}\n\nda")?;
/// reader.feed(b"ta: {\"choices\":[{\"delta\":{\"content\":\"day\"}}]}\n\ndata: [DONE]\n\n")?;
/// assert_eq!(reader.finish()?, "Good day");
/// # Ok::<(), diptych_components::agent::StreamError>(())
/// ```
#[derive(Debug)]
pub struct AnswerReader {
    protocol: Protocol,
    line: Vec<u8>,
    lines: u64,
    answer: String,
    is_done: bool,
}

impl AnswerReader {
    /// Of nothing yet.
    #[must_use]
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, line: Vec::new(), lines: 0, answer: String::new(), is_done: false }
    }

    /// Whether the answer is whole; what comes after it is not read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Reads on.
    ///
    /// # Errors
    /// When a line is none of this protocol, too long, or an error of the model's own.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !self.is_done && !bytes.is_empty() {
            let (piece, ends) = match memchr(b'\n', bytes) {
                Some(end) => (&bytes[..end], true),
                None => (bytes, false),
            };
            if self.line.len() + piece.len() > LINE_BYTES_MAX {
                return Err(StreamError::Line);
            }
            self.line.extend_from_slice(piece);
            bytes = &bytes[piece.len() + usize::from(ends)..];
            if ends {
                self.end_line()?;
            }
        }
        Ok(())
    }

    /// The answer, at the end of the stream.
    ///
    /// # Errors
    /// As [`AnswerReader::feed`] for a last line without an end, and when the answer is not whole.
    pub fn finish(mut self) -> Result<String, StreamError> {
        if !self.is_done && !self.line.is_empty() {
            self.end_line()?;
        }
        if self.is_done { Ok(self.answer) } else { Err(StreamError::Unfinished) }
    }

    fn end_line(&mut self) -> Result<(), StreamError> {
        self.lines += 1;
        let line = core::mem::take(&mut self.line);
        let line = line.trim_ascii();
        let json = match self.protocol {
            Protocol::Lines => line,
            // Comments, names and numbers of events are passed over.
            Protocol::Events => match line.strip_prefix(b"data:") {
                Some(data) => data.trim_ascii(),
                None if line.first() == Some(&b'{') => line,
                None if line.is_empty() || is_field(line) => return Ok(()),
                None => return Err(self.garbage("it is no field of an event")),
            },
        };
        if json.is_empty() {
            return Ok(());
        }
        if self.protocol == Protocol::Events && json == b"[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let value: Value = serde_json::from_slice(json).map_err(|error| self.garbage(&error.to_string()))?;
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            let said = error.get("message").unwrap_or(error);
            let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
            return Err(StreamError::Said(super::fields::cut(said, 1024)));
        }
        let (words, is_done) = match self.protocol {
            Protocol::Lines => self.line_of(&value)?,
            Protocol::Events => self.event_of(&value)?,
        };
        if self.answer.len() + words.len() > ANSWER_BYTES_MAX {
            return Err(StreamError::Answer);
        }
        self.answer.push_str(words);
        self.is_done = is_done;
        Ok(())
    }

    fn line_of<'v>(&self, value: &'v Value) -> Result<(&'v str, bool), StreamError> {
        let words = value.get("message").and_then(|message| message.get("content")).and_then(Value::as_str);
        match (words, value.get("done").and_then(Value::as_bool)) {
            (None, None) => Err(self.garbage("it has neither message.content nor done")),
            (words, is_done) => Ok((words.unwrap_or_default(), is_done.unwrap_or_default())),
        }
    }

    fn event_of<'v>(&self, value: &'v Value) -> Result<(&'v str, bool), StreamError> {
        let Some(choices) = value.get("choices").and_then(Value::as_array) else {
            return Err(self.garbage("it has no choices"));
        };
        // A last event may have figures of use, and no choice.
        let Some(choice) = choices.first() else { return Ok(("", false)) };
        let whole = choice.get("message").is_some_and(Value::is_object);
        let said = choice.get("delta").or_else(|| choice.get("message"));
        let words = said.and_then(|said| said.get("content")).and_then(Value::as_str);
        let ends = choice.get("finish_reason").and_then(Value::as_str).is_some_and(|why| !why.is_empty());
        Ok((words.unwrap_or_default(), ends || whole))
    }

    fn garbage(&self, why: &str) -> StreamError {
        StreamError::Garbage { line: self.lines, why: why.to_owned() }
    }
}

/// Whether a line is a comment or a field of an event that has no part in the answer.
fn is_field(line: &[u8]) -> bool {
    [&b":"[..], b"event:", b"id:", b"retry:"].iter().any(|name| line.starts_with(name))
}

/// The text inside of one fence of three backticks around all of it, without the language it names; else the text itself.
#[must_use]
pub fn strip_fences(text: &str) -> &str {
    let inner = text.trim().strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match inner.and_then(|inner| inner.split_once('\n')) {
        Some((_, inside)) if !inside.contains("```") => inside.trim_end_matches('\n'),
        _ => text,
    }
}
