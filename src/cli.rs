//! The verbs: the only room that prints and knows exit codes.
//!
//! A verb is an argument struct, whose comments are its help, and a function that returns an [`Exit`] or a
//! [`Failure`]. Results go to stdout; progress, diagnostics and everything else to stderr.

mod adopt;
mod against;
mod canic;
mod check;
mod dry_run;
mod exit;
mod expect;
mod explain;
mod how;
mod init;
mod input;
mod left;
mod live;
mod next;
mod open;
mod outcome;
mod preflight;
mod progress;
mod rehearse;
mod report;
mod resolve;
mod rollback;
mod run;
mod session;
mod shards;
mod signals;
mod status;
mod stream;
mod targets;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::diagnostic::suggest;
pub use exit::{Exit, Failure};
use terminal::{Look, Terminal};

/// Puts fleets of Internet Computer canisters back from snapshots: a reviewed plan, a durable journal, the real icp.
///
/// A restore plan is a TOML file. `check` finds every mistake in it, `dry-run` shows what it would do, `rehearse` does it
/// over a simulated fleet, and `run` does it, one receipt for every step. A run that was killed simply goes on with the
/// next `run`.
#[derive(Debug, Parser)]
#[command(name = "icp-restore", version, max_term_width = 100, after_long_help = EXAMPLES)]
struct Args {
    #[command(flatten)]
    look: Look,
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  icp-restore rehearse plans/demo.toml          # a whole restore, no network
  icp-restore check plans/*.toml --artifacts    # every mistake of every plan
  icp-restore dry-run plans/fleet.toml          # what would be done
  icp-restore run plans/fleet.toml              # do it, or go on with it
  icp-restore status plans/fleet.journal.jsonl  # where it stands

Exit codes:
  0 done                       5 an operation failed
  1 internal error, or I/O     6 an outcome is unknown
  2 usage                      7 verification failed
  3 invalid plan or journal    8 another run, or its icp, is at it
  4 blocked, or stale digest   9 stopped early as asked, or a gate unmet
  130, 143 ended by a signal";

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Args),
    Check(check::Args),
    DryRun(dry_run::Args),
    Rehearse(rehearse::Args),
    Run(run::Args),
    Status(status::Args),
    Report(report::Args),
    Resolve(resolve::Args),
    Rollback(rollback::Args),
    Explain(explain::Args),
    /// Print the JSON Schema of plans, or of the events of a run.
    #[command(after_long_help = "\
Examples:
  icp-restore schema > restore-plan.schema.json
  icp-restore schema events")]
    Schema {
        /// Of what.
        #[arg(value_enum, default_value_t = Of::Plan, value_name = "OF")]
        of: Of,
    },
    /// Print completions for a shell.
    #[command(after_long_help = "\
Examples:
  icp-restore completions bash > /etc/bash_completion.d/icp-restore
  icp-restore completions fish > ~/.config/fish/completions/icp-restore.fish
  icp-restore completions zsh > ~/.zfunc/_icp-restore  # with ~/.zfunc in fpath")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of a verb.
    #[command(after_long_help = "\
Examples:
  icp-restore man run | man -l -
  icp-restore man > icp-restore.1")]
    Man {
        /// The verb.
        verb: Option<String>,
    },
}

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    /// Restore plans.
    Plan,
    /// Lines of `--events`.
    Events,
}

/// Runs the program.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // clap's own way to print: help to stdout, errors to stderr, and a closed pipe is no matter.
            let _printed = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let terminal = Terminal::new(&args.look);
    let result = match args.verb {
        Verb::Check(args) => check::run(&args, &terminal),
        Verb::DryRun(args) => dry_run::run(&args, &terminal),
        Verb::Run(args) => run::run(&args, &terminal),
        Verb::Status(args) => status::run(&args, &terminal),
        Verb::Resolve(args) => resolve::run(&args, &terminal),
        Verb::Rollback(args) => rollback::run(&args, &terminal),
        Verb::Rehearse(args) => rehearse::run(&args, &terminal),
        Verb::Report(args) => report::run(&args, &terminal),
        Verb::Init(args) => init::run(&args, &terminal),
        Verb::Explain(args) => explain::run(&args, &terminal),
        Verb::Schema { of } => {
            terminal.print_json(&match of {
                Of::Plan => crate::plan::schema(),
                Of::Events => crate::events::schema(),
            });
            Ok(Exit::Done)
        }
        Verb::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "icp-restore", &mut text);
            terminal.print(&String::from_utf8_lossy(&text));
            Ok(Exit::Done)
        }
        Verb::Man { verb } => man(verb.as_deref(), &terminal),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.fail(&failure);
            failure.exit.into()
        }
    }
}

fn man(verb: Option<&str>, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut command = Args::command();
    // Names the pages of verbs `icp-restore-run` and the like, and gives them the options of all.
    command.build();
    if let Some(verb) = verb {
        let Some(found) = command.find_subcommand(verb).cloned() else {
            let near = suggest::nearest(verb, command.get_subcommands().map(clap::Command::get_name));
            let help =
                near.map_or("`icp-restore help` lists all verbs".to_owned(), |near| format!("there is `{near}`"));
            let message = format!("there is no verb `{}`", verb.escape_debug());
            return Err(Failure::new(Exit::Usage, message).with_help(help));
        };
        command = found;
    }
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    terminal.print(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
