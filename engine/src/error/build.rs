//! What a build refuses: wrong use, found before anything is made.
//!
//! Invariant: each refusal names everything involved and says what to do; all of them come at once.

use std::fmt;

/// All that a build refused, in a fixed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildErrors(pub Vec<BuildError>);

impl fmt::Display for BuildErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// One thing a build refuses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two systems name `Next` of one type.
    #[error("two systems own {type_name}: {first} and {second}; only one may name Next<{type_name}>")]
    TwoOwners {
        /// The type.
        type_name: String,
        /// The system earlier by name.
        first: String,
        /// The other.
        second: String,
    },
    /// A system can reach every component.
    #[error("system {system} can {access} every component; name what it uses with Prev and Next")]
    AllAccess {
        /// The system.
        system: String,
        /// "write" or "read".
        access: &'static str,
    },
    /// A system that cannot run in a wave.
    #[error("system {system} {why}")]
    NotAWaveSystem {
        /// The system.
        system: String,
        /// What it is.
        why: &'static str,
    },
    /// A type is named that was never registered.
    #[error(
        "system {system} names {type_name}, which is not registered; add .state::<{type_name}>(name, version)"
    )]
    Unregistered {
        /// The system.
        system: String,
        /// The type.
        type_name: String,
    },
    /// A plain component or a resource is written without having been declared scratch.
    #[error(
        "system {system} writes {type_name}, which is not declared scratch; add .scratch::<State, {type_name}>() for a component, .resource(..) for a resource, or make it state"
    )]
    NotScratch {
        /// The system.
        system: String,
        /// The component or resource.
        type_name: String,
    },
    /// A query would match its archetypes in hash order.
    #[error(
        "a query of system {system} names the plain component {type_name} directly; write Plain<&{type_name}> or Plain<&mut {type_name}>, which keeps the order of archetypes"
    )]
    HashOrder {
        /// The system.
        system: String,
        /// The component.
        type_name: String,
    },
    /// A system names `Tree` in a world without parents and children.
    #[error("system {system} names Tree; add .hierarchy() to the engine")]
    NoHierarchy {
        /// The system.
        system: String,
    },
    /// A system would own state of the engine's own.
    #[error(
        "system {system} names Next<{type_name}>, which only the engine writes; read it with Prev, and use attach and detach"
    )]
    EngineOwned {
        /// The system.
        system: String,
        /// The type.
        type_name: String,
    },
    /// A type is reserved to a system, and something stands against it.
    #[error("{type_name} is reserved to {owner}, but {why}")]
    Reserved {
        /// The type.
        type_name: String,
        /// The system.
        owner: String,
        /// What stands against it, and what to do.
        why: String,
    },
    /// A job is named that was never registered.
    #[error(
        "{who} names the job {type_name}, which is not registered; add .job::<{type_name}>(name, version, run)"
    )]
    UnknownJob {
        /// The system or the setting.
        who: String,
        /// The job.
        type_name: String,
    },
    /// A system that cannot ask for jobs.
    #[error(
        "system {system} names Jobs<{type_name}>; only systems of the wave and derive systems may: a late one changes nothing, and a startup one would never see an answer"
    )]
    JobOutsideWave {
        /// The system.
        system: String,
        /// The job.
        type_name: String,
    },
    /// A system that asks for one job in two places.
    #[error("system {system} names Jobs<{type_name}> twice; each answer is seen once, so name it once")]
    JobTwice {
        /// The system.
        system: String,
        /// The job.
        type_name: String,
    },
    /// Derived values that follow from each other in a circle.
    #[error("derived values in a circle ({path}): break it by reading one of them with Prev, a frame later")]
    DeriveCycle {
        /// Systems and types along the circle.
        path: String,
    },
    /// `Now` outside the phase in which this frame's values are there.
    #[error(
        "system {system} names Now<{type_name}>, which only a derive system may read; register it with .derive(..), or read Prev<{type_name}>: the last committed frame, in a late system the one just made"
    )]
    NowOutsideDerive {
        /// The system.
        system: String,
        /// The type.
        type_name: String,
    },
    /// `Now` of a type that the system itself owns.
    #[error(
        "system {system} names Now<{type_name}> beside Next<{type_name}>: what it has not written yet is older than the last frame, and filters and parts do not keep them apart; read Prev<{type_name}>, or move the reading to another derive system"
    )]
    NowBesideNext {
        /// The system.
        system: String,
        /// The type.
        type_name: String,
    },
    /// A system sends or reads messages of a type that was never registered.
    #[error(
        "system {system} names {parameter}<{type_name}>, which is no registered message; add .message::<{type_name}>(name, version)"
    )]
    UnregisteredMessage {
        /// The system.
        system: String,
        /// `Outbox` or `Inbox`.
        parameter: &'static str,
        /// The message type.
        type_name: String,
    },
    /// Messages in a phase that has none.
    #[error("system {system} names {parameter}<{type_name}>, but it {why}; register it with .system(..)")]
    MessagePhase {
        /// The system.
        system: String,
        /// `Outbox` or `Inbox`.
        parameter: &'static str,
        /// The message type.
        type_name: String,
        /// Why its phase has none.
        why: &'static str,
    },
    /// Several systems read one message type.
    #[error(
        "{readers} name Inbox<{type_name}>, which has one reader: let one of them read, or give each a message type of its own"
    )]
    MessageReaders {
        /// The message type.
        type_name: String,
        /// The systems.
        readers: String,
    },
    /// Messages that nobody reads.
    #[error("{writers} name Outbox<{type_name}>, and no system reads it; name Inbox<{type_name}> in one")]
    NoMessageReader {
        /// The message type.
        type_name: String,
        /// The systems that send.
        writers: String,
    },
    /// Two systems have one name.
    #[error("two systems are called {name}; names give the order, so each must be unique")]
    DuplicateSystem {
        /// The name.
        name: String,
    },
    /// Two observers have one name.
    #[error("two observers are called {name}; names give the order, so each must be unique")]
    DuplicateObserver {
        /// The name.
        name: String,
    },
    /// Two names share the bits that `Id`s take from them.
    #[error("the names {first} and {second} share their key of 20 bits; rename one of them")]
    KeyClash {
        /// One name.
        first: String,
        /// The other.
        second: String,
    },
    /// A type or a stored name was registered twice.
    #[error("{what} is registered twice, as {first} and as {second}")]
    DuplicateType {
        /// The type or the name.
        what: String,
        /// First registration.
        first: String,
        /// Second registration.
        second: String,
    },
    /// A fact was given two values.
    #[error("the fact {name} is given as {first} and as {second}")]
    DuplicateFact {
        /// The fact's name.
        name: String,
        /// First value.
        first: String,
        /// Second value.
        second: String,
    },
    /// A hook, a demand or a scratch component names a type that was never registered.
    #[error("{what} names {type_name}, which is not registered; add .state::<{type_name}>(name, version)")]
    NotState {
        /// The registration.
        what: &'static str,
        /// The type.
        type_name: String,
    },
    /// A stored name that cannot be one.
    #[error("{type_name} is registered under the name {name:?}, which is {why}")]
    BadName {
        /// The type.
        type_name: String,
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something, such as a blueprint, names a type by a stored name that does not lead to it.
    #[error("{by} names the component \"{name}\", {why}")]
    UnknownComponent {
        /// Who names it.
        by: String,
        /// The stored name.
        name: String,
        /// What is there instead.
        why: String,
    },
    /// A stored name is said to be renamed or dropped, and that cannot be.
    #[error("the stored name \"{name}\" cannot be changed so: {why}")]
    BadChange {
        /// The name.
        name: String,
        /// What stands against it, and what to do.
        why: String,
    },
    /// A codec without a blank value.
    #[error(
        "the codec of {type_name} has no blank value; implement Codec::blank with any value, which recovery needs to make a table without rows"
    )]
    NoBlank {
        /// The type.
        type_name: String,
    },
    /// One scratch component beside two types.
    #[error(
        "the scratch component {component} is put beside {first} and {second}; it goes with one type only"
    )]
    SharedScratch {
        /// The component.
        component: String,
        /// One type.
        first: String,
        /// The other.
        second: String,
    },
    /// A scratch component with hooks, which can move rows behind the engine's back.
    #[error(
        "the scratch component {component} brings {name}, which has hooks of bevy's; hooks can change entities, so take them off, and let a system or Drop do what they did"
    )]
    HookedScratch {
        /// The component.
        component: String,
        /// The component itself, or one that it requires.
        name: String,
    },
    /// bevy refused a system's parameters.
    #[error("system {system} cannot be made: {message}")]
    Refused {
        /// The system.
        system: String,
        /// bevy's message.
        message: String,
    },
}
