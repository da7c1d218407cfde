//! `diptych repl`: forms as they are typed.
//!
//! Invariant: a form runs when it is whole; what is wrong is one line, and the next form is read. On a terminal there
//! are a prompt, a history and completion of names; otherwise only results are printed.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use diptych::runtime::Session;
use diptych::runtime::slp;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper, Highlighter, Hinter};

use nest::{Nest, Text};

use super::args::ReplArgs;
use super::world::{World, shown, write};
use super::{Failure, complain};

mod nest;

/// Lines of history that are kept.
const HISTORY_MAX: usize = 10_000;

const HELP: &str = "Type a form, such as (core/kv/set score 42); one that does not end goes on in the next line.\n\
    :commands lists what can be called, :help is this, :quit ends (as Ctrl-D does). Tab completes names.\n";

/// Reads forms until there are no more.
pub(crate) fn repl(args: &ReplArgs) -> Result<(), Failure> {
    let (mut world, session) =
        World::enter(args.data.as_deref(), args.principal.as_deref(), args.scope.as_deref())?;
    if std::io::stdin().is_terminal() { typed(&mut world, &session) } else { piped(&mut world, &session) }?;
    if let Ok(closed) = session.close() {
        world.now(&closed)?;
    }
    world.keep()
}

/// Runs forms; whether there is more to do.
fn run(world: &mut World, session: &Session, text: &str) -> Result<bool, Failure> {
    match text.trim() {
        ":quit" | ":q" | ":exit" => return Ok(false),
        ":help" => return write(HELP.as_bytes()),
        ":commands" => {
            super::principal::commands(false)?;
            return Ok(true);
        }
        other if other.starts_with(':') && !other.contains(char::is_whitespace) => {
            complain(&format!("there is no {other}; there are :help, :commands and :quit"));
            return Ok(true);
        }
        _ => {}
    }
    let forms = match slp::parse(text, &world.client.settings().scripts.parse) {
        Ok(forms) => forms,
        Err(error) => {
            complain(&error.to_string());
            return Ok(true);
        }
    };
    for index in 0..forms.len() {
        let form = forms.get(index).expect("an index below the length");
        let ticket = world.send(session, &form)?;
        let result = world.answer(&ticket)?;
        if !write(&shown(&result, false))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn piped(world: &mut World, session: &Session) -> Result<(), Failure> {
    let limits = world.client.settings().scripts.parse;
    let (mut text, mut nest) = (String::new(), Nest::new(limits));
    for line in std::io::stdin().lock().lines() {
        let line =
            line.map_err(|error| Failure::Refused(format!("standard input cannot be read: {error}")))?;
        let begins = text.len();
        text.push_str(&line);
        text.push('\n');
        if nest.feed(&text.as_bytes()[begins..]) != Text::Open {
            if !run(world, session, &text)? {
                return Ok(());
            }
            text.clear();
            nest = Nest::new(limits);
        }
    }
    match slp::parse(&text, &limits) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Refused(format!("the input ends within a form: {error}"))),
    }
}

fn typed(world: &mut World, session: &Session) -> Result<(), Failure> {
    let failed = |error: ReadlineError| Failure::Failed(format!("the terminal cannot be read: {error}"));
    let config = Config::builder().completion_type(CompletionType::List).max_history_size(HISTORY_MAX);
    let config = config.map_err(failed)?.build();
    let mut editor: Editor<Names, FileHistory> = Editor::with_config(config).map_err(failed)?;
    let mut names: Vec<String> =
        world.client.commands().iter().map(|command| command.name().to_owned()).collect();
    names.extend([":help", ":commands", ":quit"].map(str::to_owned));
    editor.set_helper(Some(Names { names, limits: world.client.settings().scripts.parse }));
    let history = history();
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    loop {
        match editor.readline("> ") {
            Ok(text) => {
                if !text.trim().is_empty() {
                    editor.add_history_entry(text.as_str()).map_err(failed)?;
                }
                if !run(world, session, &text)? {
                    break;
                }
            }
            // What was typed is dropped.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    if let Some(path) = &history
        && let Err(error) = editor.save_history(path)
    {
        super::note(&format!("{}: the history cannot be kept: {error}", path.display()));
    }
    Ok(())
}

/// Where the history is kept: in the user's data directory, if there is one.
fn history() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let data =
        data.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")))?;
    let folder = data.join("diptych");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// Completes names, and knows when a form is whole.
#[derive(Helper, Highlighter, Hinter)]
struct Names {
    names: Vec<String>,
    limits: slp::Limits,
}

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let from =
            line[..at].rfind(|c: char| c.is_whitespace() || "()[]{}\"'@".contains(c)).map_or(0, |it| it + 1);
        let begun = &line[from..at];
        let fits = self.names.iter().filter(|name| !begun.is_empty() && name.starts_with(begun));
        Ok((from, fits.cloned().collect()))
    }
}

impl Validator for Names {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let open = !text.starts_with(':') && Nest::new(self.limits).feed(text.as_bytes()) == Text::Open;
        Ok(if open { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}
