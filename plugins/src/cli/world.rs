//! A world with the runtime, as commands use it: opened, a principal made sure of, forms run one by one.
//!
//! Invariant: what a command did is on disk before it says so. World time passes only while a form is suspended, as
//! fast as it goes.

use std::io::Write;
use std::path::{Path, PathBuf};

use diptych::prelude::*;
use diptych::runtime::slp::{self, Format, Json, Kind, Object, ParseError};
use diptych::runtime::{Ask, Change, Client, RequestError, Session, Settings, Ticket};
use diptych_components::kv::check_scope;
use diptych_components::principal::check_name;

use super::Failure;

/// Whose forms run where nobody else is named, and in which scope.
pub(crate) const LOCAL: (&str, &str) = ("local", "main");
/// Steps that one form may be suspended: an hour of world time.
const FORM_STEPS_MAX: u64 = 216_000;
/// Still frames in which a request must be answered or suspended.
const ANSWER_FRAMES_MAX: u32 = 64;
/// What every directory of a world has, from the first moment on.
const WORLD_FILE: &str = "FORMAT";

/// A world that commands work on.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) client: Client,
    directory: Option<PathBuf>,
}

/// A builder of a world in this directory, or in memory.
pub(crate) fn builder(directory: Option<&Path>) -> EngineBuilder {
    match directory {
        Some(directory) => Engine::open(directory),
        None => Engine::in_memory(),
    }
}

impl World {
    /// Opens the world, or begins it.
    pub(crate) fn open(directory: Option<&Path>) -> Result<Self, Failure> {
        Self::build(builder(directory), directory)
    }

    /// Opens the world that is in this directory; makes none.
    pub(crate) fn existing(directory: &Path) -> Result<Self, Failure> {
        if !is_world(directory) {
            let directory = directory.display();
            return Err(Failure::Refused(format!(
                "there is no world in {directory}, and this makes none; this does: \
                 diptych principal add NAME --data {directory}"
            )));
        }
        Self::open(Some(directory))
    }

    /// The world, opened or begun, and a session in it. Where there is no world yet, none is made for who cannot be
    /// in it.
    pub(crate) fn enter(
        directory: Option<&Path>,
        principal: Option<&str>,
        scope: Option<&str>,
    ) -> Result<(Self, Session), Failure> {
        let (name, place) = (principal.unwrap_or(LOCAL.0), scope.unwrap_or(LOCAL.1));
        check_name("principal", name).map_err(|error| Failure::Refused(error.to_string()))?;
        check_scope(place).map_err(|error| Failure::Refused(error.to_string()))?;
        if let Some(directory) = directory.filter(|directory| name != LOCAL.0 && !is_world(directory)) {
            return Err(nobody(name, place, directory));
        }
        let mut world = Self::open(directory)?;
        let session = world.session(None, principal, scope)?;
        Ok((world, session))
    }

    pub(crate) fn build(builder: EngineBuilder, directory: Option<&Path>) -> Result<Self, Failure> {
        let engine = builder.plugin(Runtime::default()).build();
        let engine = engine.map_err(|error| Failure::Refused(placed(&error, directory)))?;
        if let Some(repaired) = engine.repaired() {
            super::note(repaired);
        }
        let client = engine.client().map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Self { engine, client, directory: directory.map(Path::to_path_buf) })
    }

    /// What is known of a principal.
    pub(crate) fn principal(&self, name: &str) -> Option<Principal> {
        let view = self.engine.view();
        view.iter::<Principal>().map(|(_, record)| record).find(|record| record.name == name).cloned()
    }

    /// A session. `local` is made with every topic and the scope where it is missing, and so is anybody in a world that
    /// ends with the command; others must have been made. A `local` that exists keeps what it has, and is granted a
    /// scope in which it has no permission.
    pub(crate) fn session(
        &mut self,
        session: Option<&str>,
        principal: Option<&str>,
        scope: Option<&str>,
    ) -> Result<Session, Failure> {
        let (name, scope) = (principal.unwrap_or(LOCAL.0), scope.unwrap_or(LOCAL.1));
        match (self.principal(name), &self.directory) {
            (Some(known), _) if name != LOCAL.0 || known.scopes.contains_key(scope) => {}
            (Some(_), _) => {
                let change = Change::GrantScope(scope.into(), ScopeAccess::ReadWrite);
                self.change(Ask::Change(name.into(), change))?;
            }
            (None, Some(directory)) if name != LOCAL.0 => {
                return Err(nobody(name, scope, directory));
            }
            (None, _) => {
                let mut record = Principal::new(name).scope(scope, ScopeAccess::ReadWrite);
                record.topics = (0..=u16::MAX).map(|topic| (topic, TopicAccess::PubSub)).collect();
                record.check().map_err(|error| Failure::Refused(error.to_string()))?;
                self.change(Ask::Principal(record))?;
            }
        }
        let opened = match session {
            Some(session) => self.client.open(session, name, scope),
            None => self.client.session(name, scope),
        };
        let session = opened.map_err(refused)?;
        match self.now(session.opened())? {
            Some(answer) if answer.kind() == Kind::Error => Err(Failure::Refused(message(&answer))),
            _ => Ok(session),
        }
    }

    /// Asks for something that must succeed.
    pub(crate) fn change(&mut self, ask: Ask) -> Result<(), Failure> {
        let ticket = self.client.ask(ask).map_err(refused)?;
        match self.now(&ticket)? {
            Some(answer) if answer.kind() == Kind::Error => Err(Failure::Refused(message(&answer))),
            _ => Ok(()),
        }
    }

    /// The answer that comes without world time, if it does.
    pub(crate) fn now(&mut self, ticket: &Ticket) -> Result<Option<Object>, Failure> {
        for _ in 0..ANSWER_FRAMES_MAX {
            if !self.client.is_waiting() && !self.client.goes_on() {
                break;
            }
            self.engine.answer().map_err(failed)?;
        }
        self.tell_log();
        Ok(ticket.get().map(|answer| answer.result))
    }

    /// The answer, in as much world time as it takes.
    pub(crate) fn answer(&mut self, ticket: &Ticket) -> Result<Object, Failure> {
        if let Some(result) = self.now(ticket)? {
            return Ok(result);
        }
        for _ in 0..FORM_STEPS_MAX {
            self.engine.step().map_err(failed)?;
            if let Some(answer) = ticket.get() {
                self.tell_log();
                return Ok(answer.result);
            }
        }
        Err(Failure::Failed(format!(
            "a form is suspended after {FORM_STEPS_MAX} steps, the limit of a command"
        )))
    }

    /// Sends a form, alone.
    pub(crate) fn send(&self, session: &Session, form: &Object) -> Result<Ticket, Failure> {
        session.run_object(Object::list(Kind::Bracket, [form])).map_err(refused)
    }

    /// What sessions have logged goes to standard error, where nobody needs to read it.
    pub(crate) fn tell_log(&self) {
        for mut line in self.client.take_log() {
            line.push(b'\n');
            let _ = std::io::stderr().write_all(&line);
        }
    }

    /// Makes everything durable.
    pub(crate) fn keep(&mut self) -> Result<(), Failure> {
        self.engine.flush().map(|_| ()).map_err(failed)
    }
}

/// Whether there is a world in this directory, whole or not: then opening makes none.
fn is_world(directory: &Path) -> bool {
    directory.join(WORLD_FILE).is_file()
}

/// There is no such principal.
fn nobody(name: &str, scope: &str, directory: &Path) -> Failure {
    let directory = directory.display();
    Failure::Refused(format!(
        "there is no principal {name} in {directory}; make it: \
         diptych principal add {name} --scope {scope}=READ_WRITE --data {directory}"
    ))
}

/// What is wrong with a world, and which one it is.
fn placed(error: &impl ToString, directory: Option<&Path>) -> String {
    let message = error.to_string();
    match directory {
        Some(directory) => format!("{}: {message}", directory.display()),
        None => message,
    }
}

/// What an ERROR says.
pub(crate) fn message(error: &Object) -> String {
    let inner = error.view().inner().and_then(|inner| inner.string().map(<[u8]>::to_vec));
    String::from_utf8_lossy(&inner.unwrap_or_else(|| error.text().into_owned())).into_owned()
}

fn refused(error: RequestError) -> Failure {
    Failure::Refused(error.to_string())
}

fn failed(error: Error) -> Failure {
    Failure::Failed(error.to_string())
}

/// A script and what it is called in messages.
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) forms: slp::Forms,
}

impl Script {
    /// Reads a text, by the limits of every world here; one without a form is refused, as nobody means it.
    pub(crate) fn parse(name: String, text: &[u8]) -> Result<Self, Failure> {
        let wrong = |error: &ParseError| Failure::Refused(format!("{name}: {error}"));
        let forms = slp::parse(text, &Settings::default().scripts.parse).map_err(|error| wrong(&error))?;
        if forms.is_empty() {
            return Err(Failure::Refused(format!(
                "{name}: there is no form in it, only spaces and comments; write one, such as (core/kv/set key 1)"
            )));
        }
        Ok(Self { name, forms })
    }
}

/// A result for standard output: its text, or an object of JSON.
pub(crate) fn shown(result: &Object, json: bool) -> Vec<u8> {
    let mut out = Vec::new();
    if json {
        let error = result.kind() == Kind::Error;
        out.extend_from_slice(format!("{{\"error\":{error},\"result\":").as_bytes());
        Json::encode(result, &mut out);
        out.push(b'}');
    } else {
        result.view().print(&mut out);
    }
    out.push(b'\n');
    out
}

/// Writes to standard output; whether somebody still reads it.
pub(crate) fn write(bytes: &[u8]) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => {
            Err(Failure::Failed(format!("the results cannot be written to standard output: {error}")))
        }
    }
}
