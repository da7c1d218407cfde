//! Scripts: a machine that runs SLP objects, and the commands they can call.
//!
//! Invariant: a script's only effects are calls of its [`Host`]; its stack is a value like others, so it can stop
//! between any two steps, be written down, and go on elsewhere as if nothing had happened; nothing recurses on
//! what users give. Left out: sessions, rights, time and delivery, which are the host's and its caller's.
//!
//! # Evaluation
//! | form | value |
//! |---|---|
//! | integer, real, string | itself |
//! | `$key`, `$data` | the nearest binding; without one, itself |
//! | `$CHANNEL_A` .. `$CHANNEL_F`, `$CHANNEL_EXECUTION` | the symbols `A` .. `F`, `EXECUTION`, everywhere |
//! | any other symbol | itself |
//! | `()` | NONE |
//! | `'x` | x, not evaluated |
//! | `@x` | that ERROR, x not evaluated |
//! | `(command ..)` | what the command gives; without such a command, an ERROR |
//! | `[..]` | its forms in order, up to the first ERROR; the last value, NONE without any |
//! | `{..}` | itself; as the body of a handler it runs like `[..]` |
//!
//! Of the forms of a script all are run, and the last one's value is the result. An ERROR as an argument is the
//! value of the call, and nothing is done. What was stored or published is seen as text, a string; [`Value`] keeps
//! the object until somebody looks, so a stored script runs without being parsed.
//!
//! Keys, topics, offsets and limits are literals, or variables whose text is one.

mod cache;
mod call;
mod command;
mod commands;
mod failure;
mod frame;
mod host;
mod limits;
mod machine;
mod registry;
mod save;
mod value;

pub use cache::{CACHE_ENTRIES, CACHE_TEXT_MAX, ParseCache};
pub use call::Call;
pub use command::{Action, Command, Parameter, ParameterKind};
pub use failure::timed_out;
pub use frame::Armed;
pub use host::{Host, Permission, Published};
pub use limits::{LOG_LINE_BYTES_MAX, Limits};
pub use machine::{Bindings, Machine, Outcome, Waiting};
pub use registry::{COMMANDS_MAX, CommandError, Commands};
pub use save::LoadError;
pub use value::Value;

#[cfg(test)]
mod tests;
