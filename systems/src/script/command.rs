//! Commands: what the head of a list can be.
//!
//! Invariant: every command, built in or a plugin's, says what it takes, what it is for and what it needs. Left out:
//! finding them (`registry`), and how arguments are evaluated (`machine`).

use super::call::Call;
use super::host::Permission;
use super::registry::CommandError;
use super::value::Value;
use diptych_components::slp::Object;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What stands in one place of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterKind {
    /// An expression; its value is the argument. An ERROR ends the call.
    Evaluated,
    /// As `Evaluated`, and ERRORs are arguments like others.
    Any,
    /// As `Evaluated`, and a symbol or a string.
    Prefix,
    /// As `Evaluated`, and the name of a channel.
    Channel,
    /// A literal symbol, or a variable whose text is the key.
    Key,
    /// A literal integer from 0 to 65535, or a variable whose text is one.
    Topic,
    /// A literal integer, not negative, or a variable whose text is one.
    Count,
    /// A literal `{..}`, not evaluated.
    Body,
    /// An expression that is evaluated after the other arguments, by the command itself.
    Expression,
}

/// One place of a call.
#[derive(Clone, Debug)]
pub struct Parameter {
    name: Cow<'static, str>,
    kind: ParameterKind,
    presence: Presence,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Presence {
    Needed,
    Optional,
    Repeated,
}

impl Parameter {
    /// What it is called in signatures and errors.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands there.
    #[must_use]
    pub fn kind(&self) -> ParameterKind {
        self.kind
    }

    /// Whether a call may end before it.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.presence == Presence::Optional
    }

    /// Whether it stands for one argument or more.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.presence == Presence::Repeated
    }
}

/// What a plugin's command does.
pub type Action = dyn Fn(&mut Call<'_>) -> Result<Value, Object> + Send + Sync;

/// How a command is run.
#[derive(Clone)]
pub(super) enum Run {
    /// What it does to the host is checked there, one by one.
    Builtin(fn(&mut Call<'_>) -> Result<Value, Object>),
    /// Runs a body for each key.
    Iterate,
    /// Runs a text or an object.
    Eval,
    /// Runs a body and waits.
    Await,
    /// The host is asked for the declared permission first.
    Plugin(Arc<Action>),
}

/// A command.
///
/// # Examples
/// ```
/// use diptych_systems::script::{Command, Commands, ParameterKind, Permission, Value};
/// let mut commands = Commands::new();
/// commands.register(
///     Command::new("math/add", |call| {
///         let sum = call.integer(0)?.checked_add(call.integer(1)?);
///         sum.map(Value::integer).ok_or_else(|| call.error("the sum has more than 64 bits"))
///     })
///     .parameter("a", ParameterKind::Evaluated)
///     .parameter("b", ParameterKind::Evaluated)
///     .permission(Permission::None)
///     .help("Adds two integers."),
/// )?;
/// assert_eq!(commands.get("math/add").map(|add| add.signature()), Some("(math/add a b)".to_owned()));
/// # Ok::<(), diptych_systems::script::CommandError>(())
/// ```
#[derive(Clone)]
pub struct Command {
    name: Cow<'static, str>,
    parameters: Vec<Parameter>,
    help: Cow<'static, str>,
    permission: Permission,
    run: Run,
}

impl Command {
    /// A command of a plugin, without parameters, that needs no permission.
    ///
    /// An `Err` is the ERROR that becomes the value of the call. What it does to the session's entries goes
    /// through the [`Call`].
    pub fn new<F>(name: impl Into<Cow<'static, str>>, action: F) -> Self
    where
        F: Fn(&mut Call<'_>) -> Result<Value, Object> + Send + Sync + 'static,
    {
        Self::of(name, Run::Plugin(Arc::new(action)))
    }

    pub(super) fn of(name: impl Into<Cow<'static, str>>, run: Run) -> Self {
        let (parameters, help) = (Vec::new(), Cow::Borrowed(""));
        Self { name: name.into(), parameters, help, permission: Permission::None, run }
    }

    /// Takes one more argument.
    #[must_use]
    pub fn parameter(self, name: impl Into<Cow<'static, str>>, kind: ParameterKind) -> Self {
        self.with(name.into(), kind, Presence::Needed)
    }

    /// Takes one more argument, or none.
    #[must_use]
    pub fn optional(self, name: impl Into<Cow<'static, str>>, kind: ParameterKind) -> Self {
        self.with(name.into(), kind, Presence::Optional)
    }

    /// Takes all further arguments, at least one.
    #[must_use]
    pub fn repeated(self, name: impl Into<Cow<'static, str>>, kind: ParameterKind) -> Self {
        self.with(name.into(), kind, Presence::Repeated)
    }

    fn with(mut self, name: Cow<'static, str>, kind: ParameterKind, presence: Presence) -> Self {
        self.parameters.push(Parameter { name, kind, presence });
        self
    }

    /// What it is for, in a sentence.
    #[must_use]
    pub fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = help.into();
        self
    }

    /// What the session must be allowed to do with its scope.
    #[must_use]
    pub fn permission(mut self, needed: Permission) -> Self {
        self.permission = needed;
        self
    }

    /// The symbol it is called by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it takes, in order.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// What it is for.
    #[must_use]
    pub fn help_text(&self) -> &str {
        &self.help
    }

    /// What the session must be allowed to do with its scope.
    #[must_use]
    pub fn needs(&self) -> Permission {
        self.permission
    }

    /// How it is written: `(core/kv/set key value)`, what may be missing in brackets.
    #[must_use]
    pub fn signature(&self) -> String {
        let mut text = format!("({}", self.name);
        for Parameter { name, presence, .. } in &self.parameters {
            text += &match presence {
                Presence::Needed => format!(" {name}"),
                Presence::Optional => format!(" [{name}]"),
                Presence::Repeated => format!(" {name}..."),
            };
        }
        text + ")"
    }

    #[inline]
    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    /// How many arguments it takes of as many as are given; the fewest it needs, where they are too few.
    #[inline]
    pub(super) fn takes(&self, given: u32) -> Result<u32, u32> {
        let count = self.parameters.len() as u32;
        if given >= count {
            let repeated = self.parameters.last().is_some_and(Parameter::is_repeated);
            return Ok(if repeated { given } else { count });
        }
        let least = self.parameters.iter().filter(|parameter| !parameter.is_optional()).count() as u32;
        if given < least { Err(least) } else { Ok(given) }
    }

    /// What the argument at `index` is for.
    ///
    /// # Panics
    /// When it has no parameters.
    #[inline]
    pub(super) fn at(&self, index: u32) -> &Parameter {
        &self.parameters[(index as usize).min(self.parameters.len() - 1)]
    }

    /// Whether it could be called.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        let refuse = |reason| Err(CommandError::Malformed { name: self.name.to_string(), reason });
        if !Object::symbol(&self.name).is_ok_and(|symbol| symbol.view().symbol().is_some()) {
            return refuse("it is no symbol, so no script could call it");
        }
        if self.name.starts_with('$') {
            return refuse("names with `$` are those of variables");
        }
        let mut rest = self.parameters.iter().skip_while(|parameter| parameter.presence == Presence::Needed);
        if rest.next().is_some_and(Parameter::is_repeated) && rest.next().is_some() {
            return refuse("a repeated parameter must be the last one");
        }
        if rest.any(|parameter| !parameter.is_optional()) {
            return refuse("after an optional parameter all must be optional");
        }
        let own = matches!(self.run, Run::Await);
        if !own && self.parameters.iter().any(|parameter| parameter.kind == ParameterKind::Expression) {
            return refuse("parameters of the kind Expression are for core/expr/await");
        }
        Ok(())
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signature())
    }
}
