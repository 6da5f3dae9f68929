//! The `icp` program: the only room that starts processes and reads what they say.
//!
//! `argv` renders commands, the same for dry-run, run and receipts; `process` runs them through duct; [`answer`] and
//! [`status`] read what came back. Rules of behaviour are those of icp 1.5.0, as measured.

pub mod answer;
mod argv;
mod find;
pub mod git;
pub(crate) mod process;
mod redact;
pub mod status;

use std::{io, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::{
    id::{Principal, SnapshotId},
    plan::{Check, Plan, Target},
};

pub use answer::{Answer, Rejection};
pub use find::{NotFound, find};
pub use process::{Exit, Files, Interrupt, Process, Reply};
pub use redact::Redactor;
pub use status::{Asked, Snapshots, Status};

/// A command line, as a list from start to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// What icp is asked to do.
#[derive(Debug, Clone, Copy)]
pub enum Call<'a> {
    /// Say its version.
    Version,
    /// Say which principal calls.
    Principal,
    /// Say which canister a name stands for.
    Resolve(&'a Target),
    /// Say how a canister is.
    Status(&'a Target),
    /// Stop a canister.
    Stop(&'a Target),
    /// Start a canister.
    Start(&'a Target),
    /// List the snapshots of a canister.
    List(&'a Target),
    /// Take a snapshot.
    Take(&'a Target),
    /// Upload a snapshot from a folder.
    Upload {
        /// The canister.
        target: &'a Target,
        /// The folder: a staging directory of ours.
        input: &'a Utf8Path,
        /// Whether to go on from the progress file that lies there.
        resume: bool,
    },
    /// Load a snapshot, given by its id.
    Load(&'a Target, &'a str),
    /// Delete a snapshot, given by its id.
    Delete(&'a Target, &'a str),
    /// Download a snapshot into a folder.
    Download(&'a Target, &'a SnapshotId, &'a Utf8Path),
    /// Ask the application.
    Check(&'a Target, &'a Check),
}

/// The way commands are run: by [`Process`], or by a stand-in in benchmarks.
pub trait Run: Sync {
    /// Runs a command to its end or to the deadline.
    ///
    /// # Errors
    /// Where the program could not be started: then nothing has happened.
    fn run(&self, command: &Command, how: &How<'_>) -> io::Result<Reply>;
}

/// How a command is run.
#[derive(Debug)]
pub struct How<'a> {
    /// Where its output goes.
    pub files: Files<'a>,
    /// How long it may take.
    pub timeout: Duration,
    /// Set from outside to end it early.
    pub interrupt: &'a Interrupt,
}

/// icp, aimed at a plan's network and identity.
pub struct Icp {
    program: String,
    /// What names the network and the caller in every command on a canister.
    selectors: Vec<String>,
    identity: Vec<String>,
    run: Box<dyn Run + Send>,
}

/// What the command line says of icp, beside the plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--identity-password-file` of icp.
    pub password_file: Option<Utf8PathBuf>,
    /// The folder that the plan's relative paths start from.
    pub folder: Utf8PathBuf,
}

impl Icp {
    /// Aims a program at what a plan names.
    pub fn new(program: impl Into<String>, plan: &Plan, options: &Options, run: Box<dyn Run + Send>) -> Self {
        let identity = argv::identity(&plan.caller, options);
        let selectors = argv::selectors(plan, options, &identity);
        Self { program: program.into(), selectors, identity, run }
    }

    /// The flags that name the network and the caller.
    pub fn selectors(&self) -> &[String] {
        &self.selectors
    }

    /// Renders a call.
    pub fn command(&self, call: Call<'_>) -> Command {
        Command { program: self.program.clone(), args: argv::render(call, &self.selectors, &self.identity) }
    }

    /// Runs a command.
    ///
    /// # Errors
    /// As [`Run::run`].
    pub fn run(&self, command: &Command, how: &How<'_>) -> io::Result<Reply> {
        self.run.run(command, how)
    }

    /// Asks something that changes nothing.
    ///
    /// # Errors
    /// As [`Run::run`].
    pub fn ask(&self, call: Call<'_>, timeout: Duration, interrupt: &Interrupt) -> io::Result<Reply> {
        self.run(&self.command(call), &How { files: Files::Temporary, timeout, interrupt })
    }

    /// How a canister is, as far as it can be known.
    pub fn status(&self, target: &Target, timeout: Duration, interrupt: &Interrupt) -> Asked<Status> {
        status::asked(self.ask(Call::Status(target), timeout, interrupt), status::parse)
    }

    /// Which snapshots a canister has, as far as it can be known.
    pub fn snapshots(&self, target: &Target, timeout: Duration, interrupt: &Interrupt) -> Asked<Snapshots> {
        status::asked(self.ask(Call::List(target), timeout, interrupt), status::parse_list)
    }

    /// Which principal calls, as far as it can be known.
    pub fn principal(&self, timeout: Duration, interrupt: &Interrupt) -> Asked<Principal> {
        let parse =
            |text: &str| Principal::from_text(text.trim()).map(Asked::Known).unwrap_or(Asked::Silent(text.to_owned()));
        status::asked(self.ask(Call::Principal, timeout, interrupt), parse)
    }
}

impl std::fmt::Display for Command {
    /// Quoted for a POSIX shell, for people to paste.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
        let quoted = |word: &String| match word.is_empty() || !word.chars().all(plain) {
            true => format!("'{}'", word.replace('\'', r"'\''")),
            false => word.clone(),
        };
        f.write_str(&quoted(&self.program))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}
