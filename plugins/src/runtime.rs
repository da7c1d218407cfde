//! The runtime: a store of keys and values, events, principals and sessions, and scripts, as state of the world.
//!
//! [`Runtime`] is the plugin. [`RuntimeExt`] gives an engine that has it a [`Client`], which makes principals and
//! opens [`Session`]s from any thread; a session runs scripts and single operations. How lanes, events and scripts
//! work is in `diptych-systems`.
//!
//! Invariant: nothing here changes the world; everything is a request, answered at the commit of the frame that did
//! it.

mod client;
mod session;

pub use client::{Client, NoRuntime, RequestError, Ticket};
pub use diptych_components::event::{
    Channel, Event, FromObject, Held, Origin, ToObject, Topic, TopicMail, Unheard,
};
pub use diptych_components::kv::{Key, Value};
pub use diptych_components::principal::{Principal, ScopeAccess, TopicAccess};
pub use diptych_components::slp;
pub use diptych_systems::event::{NotPublished, Publisher, Refused, Subscriber};
pub use diptych_systems::kv::Index;
pub use diptych_systems::lane::{Answer, Answers, Ask, Change, Figures, Operation, Request, Settings, To};
pub use diptych_systems::script;
pub use diptych_systems::script::{Call, Command, Commands};
pub use session::Session;

use diptych_engine::{Engine, Plugin, Registrar, Result};
use diptych_systems::lane::{self, Floor};
use std::sync::Arc;

/// The plugin.
///
/// ```
/// use diptych::prelude::*;
/// use diptych::runtime::Runtime;
/// let mut engine = Engine::in_memory().plugin(Runtime::default()).build()?;
/// let client = engine.client()?;
/// client.principal(Principal::new("alice").scope("alice_data", ScopeAccess::ReadWrite))?;
/// let session = engine.session("alice", "alice_data")?;
/// let counted = session.run("(core/kv/set counter 5) (core/kv/get counter)")?;
/// engine.answer()?;
/// engine.answer()?;
/// assert_eq!(counted.get().map(|answer| answer.result.to_string()).as_deref(), Some("\"5\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Runtime {
    settings: Settings,
    commands: Commands,
}

impl Runtime {
    /// With other settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// With one more command, for every script of the world.
    ///
    /// # Errors
    /// When there is a command of that name, or the name is none.
    pub fn command(mut self, command: Command) -> core::result::Result<Self, script::CommandError> {
        self.commands.register(command)?;
        Ok(self)
    }

    /// What scripts can call.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }
}

impl Plugin for Runtime {
    fn name(&self) -> &'static str {
        "runtime"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        let Self { settings, commands } = self;
        say(registrar, &settings, &commands);
        let floor = Floor::new(settings, commands);
        lane::register(registrar, &floor)?;
        registrar.resource(Client::new(floor));
        Ok(())
    }
}

/// Says what has a part in what frames become: all settings but how many requests may wait.
fn say(registrar: &mut Registrar, settings: &Settings, commands: &Commands) {
    let Settings { scripts, entries, patience, processors, events, requests: _, bytes } = settings;
    let script::Limits { steps_a_frame, steps_in_all, stack, bytes: script_bytes, parse } = scripts;
    registrar.setting("runtime.scripts.steps_a_frame", steps_a_frame);
    registrar.setting("runtime.scripts.steps_in_all", steps_in_all);
    registrar.setting("runtime.scripts.stack", stack);
    registrar.setting("runtime.scripts.bytes", script_bytes);
    registrar.setting("runtime.scripts.parse.depth", parse.depth);
    registrar.setting("runtime.scripts.parse.bytes", parse.bytes);
    registrar.setting("runtime.entries.key_bytes", entries.key_bytes);
    registrar.setting("runtime.entries.value_bytes", entries.value_bytes);
    registrar.setting("runtime.patience", patience);
    registrar.setting("runtime.processors", processors);
    registrar.setting("runtime.events", events);
    registrar.setting("runtime.bytes", bytes);
    let built_in = Commands::new();
    for command in commands.iter().filter(|command| built_in.get(command.name()).is_none()) {
        registrar.setting("runtime.command", command.signature());
    }
}

/// The way to the runtime of an engine.
pub trait RuntimeExt {
    /// Makes principals and opens sessions, from any thread; cheap to clone.
    ///
    /// # Errors
    /// When the engine has no [`Runtime`].
    fn client(&self) -> core::result::Result<Client, NoRuntime>;

    /// A new session of a principal in a scope.
    ///
    /// # Errors
    /// When the engine has no [`Runtime`], the scope's name cannot be one, or the queue of requests stays full.
    fn session(&self, principal: &str, scope: &str) -> core::result::Result<Session, RequestError>;
}

impl RuntimeExt for Engine {
    fn client(&self) -> core::result::Result<Client, NoRuntime> {
        self.resource::<Client>().cloned().ok_or(NoRuntime)
    }

    fn session(&self, principal: &str, scope: &str) -> core::result::Result<Session, RequestError> {
        self.client()?.session(principal, scope)
    }
}

/// Kept here so that the floor is named in one place.
pub(crate) type SharedFloor = Arc<Floor>;
