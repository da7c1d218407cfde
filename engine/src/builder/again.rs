//! The build of a world that is made again in memory.
//!
//! Invariant: what was stored decides: seed, step and facts must be those of the world.

use super::EngineBuilder;
use super::build::{Start, build_from};
use crate::engine::Engine;
use crate::error::Result;
use crate::replay::Beginning;

/// Builds the engine of a replay.
pub(crate) fn begin_again(builder: EngineBuilder, beginning: Beginning) -> Result<(Engine, Beginning)> {
    let mut start = Start::Again(Box::new(beginning));
    let engine = build_from(builder, &mut start)?;
    match start {
        Start::Again(beginning) => Ok((engine, *beginning)),
        Start::Directory => unreachable!("a build keeps what it begins with"),
    }
}
