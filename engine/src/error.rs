//! Everything that can go wrong, as sentences.
//!
//! Invariant: an operating failure is an `Error`; a programmer's error panics with a message. A build refuses
//! with all its problems at once, each naming everything involved.

mod build;

pub use build::{BuildError, BuildErrors};

use crate::frame::Digest;
use crate::id::Id;
use std::path::PathBuf;

/// The engine's result.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What can go wrong while an engine is built or runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The build found wrong use; mend all of it and build again.
    #[error("{0}")]
    Build(BuildErrors),
    /// A setting is out of its range.
    #[error("{setting} cannot be {value}: {reason}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// What was given.
        value: String,
        /// What it must be.
        reason: &'static str,
    },
    /// A system panicked; the frame is not committed, and the engine makes no more frames.
    #[error("system {system} panicked in frame {frame}: {message}; the frame is not committed")]
    Panicked {
        /// The system's name.
        system: String,
        /// The frame being made.
        frame: u64,
        /// The panic's message.
        message: String,
    },
    /// A late system panicked; its frame is committed, and the engine makes no more frames.
    #[error("late system {system} panicked after frame {frame} was committed: {message}")]
    LatePanicked {
        /// The system's name.
        system: String,
        /// The committed frame.
        frame: u64,
        /// The panic's message.
        message: String,
    },
    /// The engine stopped after an earlier failure; open the world again.
    #[error("the engine stopped at frame {frame}: {reason}")]
    Poisoned {
        /// The last committed frame.
        frame: u64,
        /// The failure that stopped it.
        reason: String,
    },
    /// A system inserted over a row that another one owns.
    #[error(
        "{system} inserts {type_name} into the entity {id}, which holds it already; {owner} owns {type_name}"
    )]
    NotOwner {
        /// The system that inserted.
        system: String,
        /// The owner.
        owner: String,
        /// The type.
        type_name: String,
        /// The entity.
        id: Id,
    },
    /// A strict type has rows that its owner neither set nor carried.
    #[error("{system} covered {covered} of {rows} rows of {type_name}; the first uncovered one is {id}")]
    Uncovered {
        /// The owner, or "nobody".
        system: String,
        /// The type.
        type_name: String,
        /// Rows set or carried.
        covered: u64,
        /// Rows there are.
        rows: u64,
        /// The first row that was left out.
        id: Id,
    },
    /// More messages wait than may; their reader is disabled, or never looks at them.
    #[error(
        "{waiting} messages of {type_name} wait for {reader}, and {limit} may; they come from {writers}; let {reader} run and read them, or send fewer"
    )]
    Messages {
        /// The message type.
        type_name: String,
        /// The system that reads them.
        reader: String,
        /// The systems that send them.
        writers: String,
        /// Messages waiting.
        waiting: u64,
        /// Messages that may wait.
        limit: u64,
    },
    /// A type that was never registered was spawned, inserted or removed.
    #[error("{system} uses {type_name}, which is not registered; add .state::<{type_name}>(name, version)")]
    Unregistered {
        /// The system.
        system: String,
        /// The type.
        type_name: &'static str,
    },
    /// A child was attached or detached in a world without parents and children.
    #[error("{system} attaches or detaches children; add .hierarchy() to the engine")]
    NoHierarchy {
        /// The system.
        system: String,
    },
    /// Somebody spawned, inserted, removed, despawned, attached or detached what is reserved to a system.
    #[error(
        "{system} {act} {type_name}{}, but only {owner} makes, changes and ends rows with it; {instead}",
        crate::reserve::place(.id)
    )]
    Reserved {
        /// Who did: a system, a setup or an input.
        system: String,
        /// What it did, as a verb: "despawns".
        act: &'static str,
        /// The type.
        type_name: &'static str,
        /// The entity; none where it was to be spawned.
        id: Option<Id>,
        /// The system that the type is reserved to.
        owner: String,
        /// What to do instead, as it was registered.
        instead: String,
    },
    /// State of the engine's own was spawned, set, inserted or removed.
    #[error("{system} writes {type_name}, which only the engine does; use attach and detach")]
    EngineOwned {
        /// The system.
        system: String,
        /// The type.
        type_name: &'static str,
    },
    /// A tick was asked for inside a tick.
    #[error("a tick was asked for from inside a system; a frame cannot contain a frame")]
    NestedTick,
    /// A still frame was asked for in a world in which nobody would run in it.
    #[error(
        "a still frame was asked for, and no system is answering; register one as .system(name, system.answering()), or make a step"
    )]
    NothingAnswers,
    /// The world cannot go back to a frame.
    #[error("the world cannot go back to frame {frame}: {reason}")]
    Rollback {
        /// The frame that was asked for.
        frame: u64,
        /// Why not, and what to do.
        reason: String,
    },
    /// After a rollback, kinds of entities came up for the first time in another order than before it.
    #[error(
        "frame {frame} makes the first entity with {types} after the first ones of other kinds; in the frames that were undone it came before those, and its table cannot change places; make an entity of each kind in a setup of a world that is rolled back"
    )]
    TableOrder {
        /// The frame.
        frame: u64,
        /// What the entity holds.
        types: String,
    },
    /// A lease stood in the way.
    #[error("{0}")]
    Lease(String),
    /// An input could not be taken.
    #[error("{0}")]
    Input(String),
    /// The store failed or refused.
    #[error("{0}")]
    Store(String),
    /// What is stored is not what was registered.
    #[error("the world in {} does not fit: {problem}", path.display())]
    Mismatch {
        /// The world's directory.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
    /// A frame that was made again is another one than then: a system depends on what is neither in the world nor in
    /// what came in, or the program was changed.
    #[error("{0}")]
    Diverged(Box<Diverged>),
    /// A frame cannot be made again.
    #[error("frame {frame} cannot be made again: {reason}")]
    NotAgain {
        /// The frame.
        frame: u64,
        /// Why.
        reason: String,
    },
    /// A plugin refused.
    #[error("plugin {plugin}: {reason}")]
    Plugin {
        /// The plugin's name.
        plugin: String,
        /// Why.
        reason: String,
    },
}

/// A frame that was made again, and is another one than then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("frame {frame} had the digest {stored} and has {made} when it is made again; {place}")]
pub struct Diverged {
    /// The frame.
    pub frame: u64,
    /// Its digest then.
    pub stored: Digest,
    /// Its digest now.
    pub made: Digest,
    /// What differs, as far as it can be told.
    pub place: String,
}
