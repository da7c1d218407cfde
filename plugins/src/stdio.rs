//! A world driven by lines of JSON: requests in, replies out, so that any language can use one.
//!
//! Invariant: a request gets one reply, whatever it is, unless the world stops before; what is wrong with one line harms no other. Replies come in the
//! order of the requests, but for scripts that are suspended: theirs come when they end, or when the input does.
//!
//! | request | reply |
//! |---|---|
//! | `{"op":"principal","entity":"alice","scopes":{"alice_data":"READ_WRITE"},"topics":{"100":"PUBSUB"},"max_rps":0}` | `{"error":false}` |
//! | `{"op":"remove_principal","entity":"alice"}` | the same |
//! | `{"op":"grant_scope","entity":"alice","scope":"shared","permission":"READ"}`, `revoke_scope` without a permission | the same |
//! | `{"op":"grant_topic","entity":"alice","topic":7,"permission":"PUBLISH"}`, `revoke_topic` without a permission | the same |
//! | `{"op":"set_max_rps","entity":"alice","max_rps":10}` | the same |
//! | `{"op":"session","session":"s1","entity":"alice","scope":"alice_data"}`, with `"ttl"` seconds of world time or without | the same |
//! | `{"op":"close","session":"s1"}` | the same |
//! | `{"op":"unsubscribe","session":"s1","channel":"A","topic":100}` | the same |
//! | `{"op":"run","session":"s1","script":"(core/kv/get k)"}` | `{"error":false,"result":"\"5\""}` |
//! | `{"op":"store","key":"alice_data/k"}` | `{"value":"5"}`, `{"value":null}`, `{"base64":".."}` |
//! | `{"op":"parse","text":"(a 1)"}` | `{"error":false,"trees":[{"paren":[{"sym":"a"},{"int":1}]}]}` |
//! | `{"op":"log"}` | `{"lines":["[session:s1] hello"]}` |
//! | `{"op":"frames","count":60}` | `{"error":false,"frame":61}` |
//! | `{"op":"status"}` | `{"frame":61,"durable_frame":61,"digest":".."}` |
//! | `{"op":"commands"}` | `{"commands":[{"name":"core/kv/get",..}]}` |
//!
//! Any request may have an `id`, any JSON, that its reply repeats. What is refused is
//! `{"error":true,"message":".."}`; a text that does not parse also has `kind`, `byte`, `line` and `column`.

mod outlet;
mod reader;
mod reply;
mod request;
mod serve;
mod shared;

pub use outlet::UNREAD_BYTES_MAX;
pub use reader::{AHEAD_BYTES_MAX, AHEAD_MAX, ID_BYTES_MAX, LINE_BYTES_MAX};
pub use reply::permission;
pub use request::FRAMES_MAX;

use crate::runtime::NoRuntime;
use diptych_engine::{DT_DEFAULT, Engine};
use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two steps by the wall clock: 60 a second.
const STEP_TIME: Duration = Duration::from_nanos(16_666_667);
/// Steps that are made up in one go.
const CATCH_UP: u32 = diptych_engine::CATCH_UP_FRAMES;

/// How requests are served.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether steps come only where they are asked for.
    pub manual: bool,
    /// Whether replies wait until their frame is on disk: what `Durability::Synced` is for.
    pub synced: bool,
    /// Seconds of world time of a step, as the engine has it.
    pub dt: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { manual: false, synced: false, dt: DT_DEFAULT }
    }
}

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The engine has no runtime.
    #[error(transparent)]
    NoRuntime(#[from] NoRuntime),
    /// The engine has failed; who waited was told.
    #[error(transparent)]
    Engine(#[from] diptych_engine::Error),
    /// The replies cannot be written.
    #[error("the replies cannot be written: {0}")]
    Output(ErrorKind),
    /// A thread could not be started.
    #[error("a thread for requests or replies cannot be started: {0}")]
    Thread(ErrorKind),
}

/// Serves the lines of `input` until it ends.
///
/// A request that waits gets a frame at once, in which world time stands; steps come 60 times a second by the wall
/// clock, or, with [`Options::manual`], only by `frames`. After the last line, scripts that are suspended have the time
/// an await waits at most to end, in world time that passes at once (with `manual` none passes); the reply of one that
/// is suspended even then says so. When nobody reads the replies any more, serving ends without an error.
///
/// ```
/// use diptych::prelude::*;
/// use diptych::stdio::{Options, serve};
/// let mut engine = Engine::in_memory().plugin(Runtime::default()).build()?;
/// let input = br#"{"op":"parse","text":"(a","id":7}"#;
/// serve(&mut engine, &input[..], std::io::stdout(), &Options::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the engine fails, or the replies cannot be written.
pub fn serve(
    engine: &mut Engine,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    options: &Options,
) -> Result<(), ServeError> {
    serve::serve(engine, input, output, options)
}

/// Serves the lines of `input` and gives all replies: for tests of what speaks to a world, and wherever a whole
/// conversation is at hand.
///
/// ```
/// use diptych::prelude::*;
/// use diptych::stdio::{Options, replies};
/// let mut engine = Engine::in_memory().plugin(Runtime::default()).build()?;
/// let input = br#"{"op":"parse","text":"a"}"#;
/// let said = replies(&mut engine, &input[..], &Options::default())?;
/// assert_eq!(said, b"{\"error\":false,\"trees\":[{\"sym\":\"a\"}]}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the engine fails.
pub fn replies(
    engine: &mut Engine,
    input: impl Read + Send + 'static,
    options: &Options,
) -> Result<Vec<u8>, ServeError> {
    let replies = Replies::default();
    serve(engine, input, replies.clone(), options)?;
    // The thread that writes has ended.
    Ok(std::mem::take(&mut *replies.0.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Bytes that a thread writes and another takes.
#[derive(Clone, Default)]
struct Replies(Arc<Mutex<Vec<u8>>>);

impl Write for Replies {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
