//! What most programs and plugins name; `use diptych_engine::prelude::*`.

pub use crate::{
    Added, Answered, Changed, Changes, Clock, Codec, CodecError, Control, Digest, DigestPolicy, Durability,
    Engine, EngineBuilder, Error, Has, Id, Ids, Inbox, Inputs, IntoTask, Job, JobError, JobRefused, Jobs,
    Link, Linked, Loops, Mail, Next, NextBlock, NextRow, Now, NowChanges, Observer, Outbox, Pace, Parent,
    Plain, Plugin, Prev, Random, Registrar, Removed, Result, StopSignal, Structure, Tree, View, Visits, With,
    Without,
};
pub use crate::{Fresh, InputLog, Intake, Named, Reading, entity_view};
#[cfg(feature = "store")]
pub use crate::{Replay, ReplayFrom};
pub use bevy_ecs::entity::Entity;
pub use bevy_ecs::query::{AnyOf, Or};
pub use bevy_ecs::system::{Local, Query, Res, ResMut, Single};
pub use bytemuck::{Pod, Zeroable};
