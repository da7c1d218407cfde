//! The command line: arguments, exit codes, and the one line that says what is wrong.
//!
//! Invariant: exit code 0 means that the report is true, 1 that a run or a check failed, 2 that something given
//! (an argument, a file, a directory) was refused before the first frame, 141 that nobody reads what was asked for
//! any more; never a panic.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

mod args;
mod backup;
mod diff;
mod export;
mod file;
mod film;
mod inspect;
mod plot;
mod principal;
mod progress;
mod repl;
mod replay;
mod report;
mod run;
mod scene;
mod script;
mod stdio;
mod watch;
mod world;

/// A double-buffered, parallel, reproducible, durable simulation engine.
#[derive(Parser, Debug)]
#[command(name = "diptych", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done (also when Ctrl-C ended the run: the report says how far it came), \
    1 a run failed or a check found something wrong, 2 an argument, a file or a directory was refused, \
    130 a second Ctrl-C ended it at once, 141 whoever read standard output went away before its end.";

/// What a shell says of a program that the signal of a broken pipe has ended, as it ends most others: 128 + SIGPIPE.
const UNREAD: u8 = 141;

const EXEC_EXAMPLES: &str = "Examples:\n  diptych exec '(core/kv/set score 42) (core/kv/get score)'\n  \
    diptych exec --data world script.slp\n  diptych exec --data world --principal alice --scope alice_data --json -";

const PRINCIPAL_EXAMPLES: &str = "Examples:\n  \
    diptych principal add alice --scope alice_data=READ_WRITE --topic 100=PUBSUB --data world\n  \
    diptych principal grant alice --scope shared=READ --data world\n  \
    diptych principal revoke alice --topic 100 --data world\n  diptych principal list --json --data world";

const STDIO_EXAMPLES: &str = "Each line is a request, each reply a line:\n  \
    {\"op\":\"principal\",\"entity\":\"alice\",\"scopes\":{\"alice_data\":\"READ_WRITE\"},\"topics\":{\"100\":\"PUBSUB\"}}\n  \
    {\"op\":\"session\",\"session\":\"s1\",\"entity\":\"alice\",\"scope\":\"alice_data\"}\n  \
    {\"op\":\"run\",\"session\":\"s1\",\"script\":\"(core/kv/set k 5)\",\"id\":1}\n  \
    {\"op\":\"store\",\"key\":\"alice_data/k\"}\nOther ops: remove_principal, grant_scope, revoke_scope, grant_topic, \
    revoke_topic, set_max_rps, close, unsubscribe, parse, log, frames, status, commands.";

const PLOT_EXAMPLES: &str = "Examples:\n  diptych plot world energy --out energy.svg\n  \
    diptych plot world population --replay --every 1 --out - > population.svg";

const DIFF_EXAMPLES: &str = "Which frames are kept is said by diptych inspect DIR; a world keeps more when it runs with \
    --history FRAMES.\nExamples:\n  diptych diff world 100 101\n  diptych diff world 0 500 --limit 3 --json";

#[derive(Subcommand, Debug)]
enum Command {
    /// Run a scene until it reaches a frame
    #[command(subcommand)]
    Run(scene::Scenes),
    /// Run each form of a script and print its result
    ///
    /// Each form runs by itself, in order, in a session that ends with the command. While a form is suspended,
    /// world time passes as fast as it goes. Exit code 1 if a result is an ERROR.
    #[command(after_help = EXEC_EXAMPLES)]
    Exec(args::ExecArgs),
    /// Run forms as they are typed, or as they come on standard input
    Repl(args::ReplArgs),
    /// Make, change and list principals: who may do what in a world
    #[command(subcommand, after_help = PRINCIPAL_EXAMPLES)]
    Principal(args::PrincipalArgs),
    /// List what scripts can call
    Commands(args::CommandsArgs),
    /// Serve a world by lines of JSON on standard input and output
    #[command(after_help = STDIO_EXAMPLES)]
    Stdio(args::StdioArgs),
    /// Make a stored world again from what came into it, and compare every digest on the way
    ///
    /// Exit code 1 where a frame has another digest than then, which the message names.
    Replay(args::ReplayArgs),
    /// Say what a world directory holds, without writing to it
    Inspect(args::InspectArgs),
    /// Draw a measure of a world over its frames
    ///
    /// What `diptych run SCENE --record N` has recorded, or with --replay what is measured in the frames as they are made
    /// again.
    #[command(after_help = PLOT_EXAMPLES)]
    Plot(args::PlotArgs),
    /// Say what changed in a world between two frames that are kept
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(args::DiffArgs),
    /// Copy a world, running or not, to a new directory, and check the copy; opening the copy restores it
    Backup(args::BackupArgs),
    /// Write a world to one file, which diptych import reads on any machine
    Export(args::ExportArgs),
    /// Make a world from an exported file
    Import(args::ImportArgs),
    /// Check every page, checksum and reference of a world directory; exit code 1 if anything is wrong
    Verify(args::VerifyArgs),
}

/// Why the program ends without having done what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something given was refused; exit code 2.
    Refused(String),
    /// A run, or a check, failed; exit code 1.
    Failed(String),
    /// Standard output was closed by whoever read it, such as `head`; nothing is said of it.
    Unread,
}

impl Failure {
    /// Something given is wrong, as `error` says.
    pub(crate) fn refused(error: impl ToString) -> Failure {
        Failure::Refused(error.to_string())
    }
}

/// Reads the arguments, does it, and turns the outcome into an exit code.
pub(crate) fn main() -> ExitCode {
    // A panic is this program's own mistake; still, it is told in one line.
    std::panic::set_hook(Box::new(|panic| complain(&format!("internal error: {panic}"))));
    if let Err(message) = trace() {
        complain(&message);
        return ExitCode::from(2);
    }
    let cli = match Cli::try_parse_from(arguments(std::env::args_os().collect())) {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            complain(
                "a command is missing; 'diptych --help' and 'diptych COMMAND --help' list what there is",
            );
            return ExitCode::from(2);
        }
        Err(error) if error.use_stderr() => {
            complain(&first_paragraph(&error.to_string()));
            return ExitCode::from(2);
        }
        // Help and version are what was asked for. Standard output may be closed: then nobody reads them.
        Err(error) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    let outcome = match cli.command {
        Command::Run(scene) => scene::run(&scene),
        Command::Exec(args) => script::exec(&args),
        Command::Repl(args) => repl::repl(&args),
        Command::Principal(args) => principal::principal(&args),
        Command::Commands(args) => principal::commands(args.json),
        Command::Stdio(args) => stdio::stdio(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Plot(args) => plot::plot(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Backup(args) => backup::backup(&args),
        Command::Export(args) => export::export(&args),
        Command::Import(args) => export::import(&args),
        Command::Verify(args) => inspect::verify(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Refused(message)) => {
            complain(&message);
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            complain(&message);
            ExitCode::from(1)
        }
        Err(Failure::Unread) => ExitCode::from(UNREAD),
    }
}

/// `run FILE.slp` is short for `run script FILE.slp`.
fn arguments(mut given: Vec<OsString>) -> Vec<OsString> {
    let is_script = |argument: &OsString| Path::new(argument).extension().is_some_and(|end| end == "slp");
    if given.get(1).is_some_and(|command| command == "run") && given.get(2).is_some_and(is_script) {
        given.insert(2, "script".into());
    }
    given
}

/// What is wrong, in one line on standard error.
fn complain(message: &str) {
    say("error", message);
}

/// What the user should know though nothing is wrong, in one line on standard error.
pub(crate) fn note(message: &str) {
    say("note", message);
}

/// One line, whatever the message holds. Where standard error is closed, nobody wants to know.
fn say(kind: &str, message: &str) {
    let line: Vec<&str> = message.split_whitespace().collect();
    let _ = writeln!(std::io::stderr(), "{kind}: {}", line.join(" "));
}

/// What clap says about the mistake itself, without the hints that follow an empty line.
fn first_paragraph(message: &str) -> String {
    let paragraph: Vec<&str> = message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ").trim_start_matches("error: ").to_owned()
}

/// Spans, when they end, and events go to standard error when `DIPTYCH_LOG` asks for them, such as
/// `DIPTYCH_LOG=debug`; what it asks for must be a filter.
fn trace() -> Result<(), String> {
    let Some(wanted) = std::env::var_os("DIPTYCH_LOG").filter(|wanted| !wanted.is_empty()) else {
        return Ok(());
    };
    let wanted = wanted.to_string_lossy();
    let filter = EnvFilter::builder().parse(&*wanted);
    let filter = filter.map_err(|error| {
        format!("DIPTYCH_LOG={wanted}: {error}; it is a level, such as debug, or target=level")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, first_paragraph};

    /// Claim: the definition of the command line holds together, as clap checks it.
    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// Claim: mistakes in arguments are one line that names the argument.
    #[test]
    fn mistakes_are_one_line() {
        for (arguments, named) in [
            (&["run", "life", "f.rle"][..], "--frames"),
            (&["run", "life", "--frames", "1"], "FILE"),
            (&["run", "life", "f.rle", "--frames", "1", "--threads", "0"], "--threads"),
            (&["run", "life", "f.rle", "--frames", "1", "--grid", "0x4"], "0x4"),
            (&["run", "nbody", "--frames", "1", "--dt", "nan"], "--dt"),
            (&["run", "nbody", "--frames", "1", "--dt", "-1"], "--dt"),
            (&["run", "nbody", "--frames", "1", "--hz", "0"], "--hz"),
            (&["run", "nbody", "--frames", "-1"], "-1"),
            (&["run", "nbody", "--frames", "1", "--durability", "every:0"], "every:0"),
            (&["run", "chess"], "chess"),
            (&["run", "nbody", "--frames", "1", "--size", "0x9"], "0x9"),
            (&["run", "nbody", "--frames", "1", "--size", "9x5000"], "4096"),
            (&["run", "nbody", "--frames", "1", "--every", "0"], "--every"),
            (&["run", "nbody", "--frames", "1", "--record", "0"], "--record"),
            (&["plot", "d", "energy"], "--out"),
            (&["plot", "d", "energy", "--out", "f", "--size", "100x100"], "200x150"),
            (&["inspect"], "DIR"),
        ] {
            let error = Cli::try_parse_from(["diptych"].iter().chain(arguments)).expect_err(named);
            let line = first_paragraph(&error.to_string());
            assert!(line.contains(named) && !line.contains('\n'), "{arguments:?}: {line}");
        }
    }

    /// Claim: what the manual shows is accepted.
    #[test]
    fn manual_is_accepted() {
        for arguments in [
            "run life f.rle --frames 5 --grid 64x32 --threads 2 --seed 7 --data d --durability every:10 --hz 60 --json",
            "run nbody --frames 0",
            "run nbody f.csv --frames 10 --dt 0.5 --durability synced --data d",
            "run script f.slp --frames 5 --data d",
            "exec -",
            "exec f.slp --data d --principal p --scope s --json",
            "principal add a --scope a=READ_WRITE --scope b=READ --topic 100=PUBSUB --max-rps 5 --data d",
            "principal grant a --scope b=READ --data d",
            "principal revoke a --topic 100 --data d",
            "principal list --json --data d",
            "commands --json",
            "stdio --data d --manual --durability synced --threads 2",
            "inspect d --json",
            "inspect d --frame 60 --json",
            "diff d 10 20 --limit 5 --json",
            "backup d e --json",
            "export d f --json --frame 7",
            "export d -",
            "import f d --report",
            "run nbody --frames 10 --history 1000 --data d",
            "stdio --data d --history 1000",
            "verify d",
            "replay d --to 60 --verify --threads 2 --json",
            "run nbody --frames 10 --durability inputs:600 --data d",
            "run life f.rle --frames 10 --png a.png --gif b.gif --every 2 --size 64x32 --record 60",
            "run nbody --watch",
            "plot d energy --out f.svg --json",
            "plot d energy --out - --replay --every 1 --threads 2 --size 400x300",
        ] {
            Cli::try_parse_from(["diptych"].into_iter().chain(arguments.split(' ')))
                .unwrap_or_else(|error| panic!("{arguments}: {error}"));
        }
    }
}
