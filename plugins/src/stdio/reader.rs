//! The thread that reads: from bytes to lines, from lines to requests on their way to the world.
//!
//! Invariant: the other side is told of a request before the request is sent, so an answer always finds its place.
//! Nothing is read while [`AHEAD_MAX`] requests or [`AHEAD_BYTES_MAX`] bytes of them wait for a frame, or while one
//! waits that is done between frames. What cannot be sent is refused: the other side waits for nothing that does not
//! come.

use super::reply;
use super::request::{self, Local, Request};
use super::shared::{Batch, Entry, Shared, Unsent};
use crate::runtime::Client;
use diptych_components::principal::{NotAName, check_name};
use diptych_components::slp::{self, ParseError, ParseErrorKind};
use diptych_systems::lane::{Answers, Ask};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes of a line; what is longer is refused and skipped.
pub const LINE_BYTES_MAX: usize = 4 << 20;
/// Bytes of an `id`; it is kept as long as its script is suspended.
pub const ID_BYTES_MAX: usize = 1 << 10;
/// Requests that are sent and not yet seen by a frame.
pub const AHEAD_MAX: u64 = 16_384;
/// Bytes of requests that are sent and not yet seen by a frame: of their scripts as objects, and of replies that are
/// known. One line always passes where nothing is ahead of it, whatever it becomes.
pub const AHEAD_BYTES_MAX: u64 = 64 << 20;
/// Requests, and bytes, that are handed over at once: a quarter of what may be ahead, and a line.
const BATCH_MAX: u64 = AHEAD_MAX / 4;
const BATCH_BYTES_MAX: u64 = AHEAD_BYTES_MAX / 4;
/// Bytes that are asked for at once.
const READ_BYTES: usize = 128 << 10;
/// Names of sessions that are kept to be shared.
const NAMES_MAX: usize = 4096;

pub(super) struct Reader {
    client: Client,
    answers: Arc<Answers>,
    shared: Arc<Shared>,
    step: f64,
    /// The number of the next request.
    number: u64,
    batch: Batch,
    /// Bytes of what is in the batch.
    bytes: u64,
    /// Batches that may be in no frame yet: the number behind each, and its bytes.
    ahead: VecDeque<(u64, u64)>,
    /// The sum of their bytes.
    ahead_bytes: u64,
    asks: Vec<(u64, Ask)>,
    names: BTreeMap<Box<str>, Arc<str>>,
    /// The last session's name: neighbours are often of one.
    last: Arc<str>,
    parse: slp::Limits,
}

impl Reader {
    pub(super) fn new(client: Client, answers: Arc<Answers>, shared: Arc<Shared>, step: f64) -> Self {
        let parse = client.settings().scripts.parse;
        Self {
            client,
            answers,
            shared,
            step,
            number: 0,
            batch: Batch::default(),
            bytes: 0,
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            asks: Vec::new(),
            names: BTreeMap::new(),
            last: Arc::from(""),
            parse,
        }
    }

    /// Reads to the end.
    pub(super) fn run(mut self, mut input: impl Read) {
        let outcome = self.lines(&mut input);
        if let Err(Stop::Input(error)) = &outcome {
            self.ready(b"", |out| {
                reply::refused(out, &format!("the input cannot be read any more: {error}"))
            });
        }
        let _ = self.hand_over();
        self.shared.end();
    }

    fn lines(&mut self, input: &mut impl Read) -> Result<(), Stop> {
        let mut buffer = Vec::new();
        // Where the line that has no end yet begins, and how far it was looked through; whether it is skipped.
        let (mut from, mut filled, mut skips) = (0, 0, false);
        loop {
            buffer.copy_within(from..filled, 0);
            (from, filled) = (0, filled - from);
            let looked = filled;
            if buffer.len() < filled + READ_BYTES {
                buffer.resize(filled + READ_BYTES, 0);
            }
            let count = match input.read(&mut buffer[filled..]) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::Input(error)),
            };
            filled += count;
            for end in memchr::memchr_iter(b'\n', &buffer[looked..filled]) {
                let end = looked + end;
                if !std::mem::take(&mut skips) {
                    self.line(&buffer[from..end])?;
                }
                from = end + 1;
            }
            if count == 0 {
                if filled > from && !skips {
                    self.line(&buffer[from..filled])?;
                }
                return Ok(());
            }
            if filled - from > LINE_BYTES_MAX {
                if !skips {
                    let message = format!("a line has at most {LINE_BYTES_MAX} bytes; this one is skipped");
                    self.ready(b"", |out| reply::refused(out, &message));
                }
                (skips, from, filled) = (true, 0, 0);
            }
            self.hand_over()?;
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Stop> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LINE_BYTES_MAX {
            let message = format!("a line has at most {LINE_BYTES_MAX} bytes; this one has {}", line.len());
            self.ready(b"", |out| reply::refused(out, &message));
            return Ok(());
        }
        let request::Line { id, request } = request::read(line);
        let id = id.unwrap_or("").as_bytes();
        if id.len() > ID_BYTES_MAX {
            let message = format!("an \"id\" has at most {ID_BYTES_MAX} bytes; this one has {}", id.len());
            self.ready(b"", |out| reply::refused(out, &message));
            return Ok(());
        }
        self.bytes += id.len() as u64;
        match request {
            Ok(Request::Run { session, script }) => match slp::parse(&*script, &self.parse) {
                Ok(forms) if forms.is_empty() => {
                    let nothing = ParseError { kind: ParseErrorKind::Nothing, byte: 0, line: 1, column: 1 };
                    self.ready(id, |out| reply::no_script(out, &nothing));
                }
                Ok(forms) => {
                    self.bytes += forms.as_object().heap_bytes() as u64;
                    match self.name(&session) {
                        Ok(name) => self.ask(id, Entry::Run, Ask::Run(name, forms.into_object())),
                        Err(error) => self.ready(id, |out| reply::refused(out, &error.to_string())),
                    }
                }
                Err(error) => self.ready(id, |out| reply::no_script(out, &error)),
            },
            Ok(Request::Ask(ask)) => {
                self.bytes += line.len() as u64;
                self.ask(id, Entry::Done, ask);
            }
            Ok(Request::Open { session, principal, scope, seconds }) => {
                // The cast saturates: a session of that many seconds never ends.
                let steps = seconds.map(|seconds| (seconds / self.step).ceil() as u64);
                self.ask(id, Entry::Done, Ask::Open { session, principal, scope, steps });
            }
            Ok(Request::Parse(text)) => {
                let limits = self.parse;
                self.ready(id, |out| reply::trees(out, &text, &limits));
            }
            Ok(Request::Commands) => {
                let client = self.client.clone();
                self.ready(id, |out| reply::commands(out, client.commands()));
            }
            Ok(Request::Local(local)) => return self.local(id, local),
            Err(message) => self.ready(id, |out| reply::refused(out, &message)),
        }
        if self.batch.len() as u64 >= BATCH_MAX || self.bytes >= BATCH_BYTES_MAX {
            self.hand_over()?;
        }
        Ok(())
    }

    fn ask(&mut self, id: &[u8], entry: Entry, ask: Ask) {
        self.asks.push((self.number, ask));
        self.push(id, entry);
    }

    fn ready(&mut self, id: &[u8], body: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        body(&mut out);
        self.bytes += out.len() as u64;
        self.push(id, Entry::Ready(out.into()));
    }

    fn push(&mut self, id: &[u8], entry: Entry) {
        self.batch.push(self.number, id, entry);
        self.number += 1;
    }

    /// What is done between frames comes after all before it and before all behind it.
    fn local(&mut self, id: &[u8], local: Local) -> Result<(), Stop> {
        self.push(id, Entry::Local(local));
        self.hand_over()?;
        self.shared.wait_for(self.number).map_err(|_| Stop::Ended)
    }

    /// Tells the other side, then sends.
    fn hand_over(&mut self) -> Result<(), Stop> {
        if self.batch.len() == 0 {
            return Ok(());
        }
        self.wait_for_room()?;
        self.shared.announce(std::mem::take(&mut self.batch));
        let mut unsent = None;
        for (number, ask) in self.asks.drain(..) {
            if let Err(error) = self.client.ask_into(ask, &self.answers, number) {
                // Those behind it are not done without it, nor does each wait for a queue that has no room.
                unsent = Some(Unsent { numbers: number..self.number, message: error.to_string() });
                break;
            }
        }
        self.shared.sent(self.number, unsent);
        Ok(())
    }

    /// Waits until so many of those before the batch were in a frame that it has room behind the others.
    fn wait_for_room(&mut self) -> Result<(), Stop> {
        let mut seen = self.number.saturating_sub(AHEAD_MAX);
        while let Some((behind, bytes)) = self.ahead.front().copied()
            && (behind <= seen || self.ahead_bytes + self.bytes > AHEAD_BYTES_MAX)
        {
            self.ahead.pop_front();
            self.ahead_bytes -= bytes;
            seen = seen.max(behind);
        }
        self.ahead.push_back((self.number, self.bytes));
        self.ahead_bytes += std::mem::take(&mut self.bytes);
        self.shared.wait_for(seen).map_err(|_| Stop::Ended)
    }

    /// The name of a session, to be shared; what cannot be one is not kept.
    fn name(&mut self, session: &str) -> Result<Arc<str>, NotAName> {
        if *self.last != *session {
            self.last = match self.names.get(session) {
                Some(name) => name.clone(),
                None => {
                    check_name("session", session)?;
                    if self.names.len() >= NAMES_MAX {
                        self.names.clear();
                    }
                    let name: Arc<str> = session.into();
                    self.names.insert(session.into(), name.clone());
                    name
                }
            };
        }
        Ok(self.last.clone())
    }
}

/// Why reading ends before the input does.
enum Stop {
    /// The other side has ended.
    Ended,
    Input(io::Error),
}
