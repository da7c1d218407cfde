//! `diptych stdio`: a world for programs in any language. What is said is in `diptych::stdio`.
//!
//! Invariant: nothing but replies goes to standard output.

use diptych::prelude::*;
use diptych::stdio::{Options, serve};
use diptych::store::History;

use super::Failure;
use super::args::StdioArgs;
use super::world::{World, builder};

/// Serves standard input until it ends.
pub(crate) fn stdio(args: &StdioArgs) -> Result<(), Failure> {
    let mut builder = builder(args.data.as_deref());
    if let Some(durability) = args.durability {
        if args.data.is_none() && durability != Durability::Memory {
            return Err(Failure::Refused("--durability needs a directory: add --data DIR".to_owned()));
        }
        builder = builder.durability(durability);
    }
    if let Some(frames) = args.history {
        if args.data.is_none() {
            return Err(Failure::Refused("--history needs a directory: add --data DIR".to_owned()));
        }
        builder = builder.history(History::frames(frames));
    }
    if let Some(threads) = args.threads {
        builder = builder.threads(threads as usize);
    }
    let mut world = World::build(builder, args.data.as_deref())?;
    let synced = args.durability == Some(Durability::Synced);
    let options = Options { manual: args.manual, synced, ..Options::default() };
    serve(&mut world.engine, std::io::stdin(), std::io::stdout(), &options)
        .map_err(|error| Failure::Failed(error.to_string()))
}
