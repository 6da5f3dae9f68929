//! Exit codes, and failures that lead to them.

use std::process::ExitCode;

use super::session;
use crate::{
    diagnostic::Diagnostic,
    journal::{self, event::Verdict},
    runner::Way,
};

/// How the program ends. The codes are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: an internal error, or a file that cannot be read or written.
    Internal,
    /// 2: the command line.
    Usage,
    /// 3: a plan or a journal is invalid.
    Invalid,
    /// 4: blocked by preflight, or what was reviewed is not what would run.
    Blocked,
    /// 5: an operation failed.
    Failed,
    /// 6: an outcome is unknown.
    Unknown,
    /// 7: verification failed.
    Unverified,
    /// 8: another run is at it, or the command of a dead one.
    Locked,
    /// 9: stopped early as asked, or a gate is not met.
    Stopped,
    /// 128 and the number of the signal that ended the run.
    Signal(u8),
}

impl Exit {
    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::Blocked => 4,
            Self::Failed => 5,
            Self::Unknown => 6,
            Self::Unverified => 7,
            Self::Locked => 8,
            Self::Stopped => 9,
            Self::Signal(signal) => 128 + signal,
        }
    }

    /// The word for it, in JSON.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Invalid => "invalid",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Unverified => "unverified",
            Self::Locked => "locked",
            Self::Stopped => "stopped",
            Self::Signal(_) => "signal",
        }
    }

    /// How a run ended.
    pub(super) fn of_run(ending: &crate::runner::Ending, signal: u8) -> Self {
        let orphan = ending.troubles.iter().any(|trouble| trouble.way == Way::Orphan);
        let blocked = ending.troubles.iter().all(|trouble| trouble.way == Way::Blocked);
        match ending.verdict {
            Verdict::Done => Self::Done,
            Verdict::Unknown if orphan => Self::Locked,
            Verdict::Unknown => Self::Unknown,
            Verdict::Failed if blocked => Self::Blocked,
            Verdict::Failed => Self::Failed,
            Verdict::Unverified => Self::Unverified,
            Verdict::Stopped => Self::Stopped,
            Verdict::Interrupted => Self::Signal(signal),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a verb could not do what it is for.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// The fact; empty where the diagnostics say it all.
    pub message: String,
    /// What is wrong, with places.
    pub diagnostics: Vec<Diagnostic>,
    /// The next thing to do.
    pub help: Option<String>,
}

impl Failure {
    /// A failure without a place in a text.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), diagnostics: Vec::new(), help: None }
    }

    /// Says what to do next.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self { exit: Exit::Invalid, message: String::new(), diagnostics, help: None }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        vec![diagnostic].into()
    }
}

impl From<journal::Error> for Failure {
    fn from(error: journal::Error) -> Self {
        match error {
            journal::Error::Invalid(diagnostics) => diagnostics.into(),
            ref locked @ journal::Error::Locked { ref path, .. } => {
                let watch = session::ours(["status", path.as_str(), "--watch"]);
                Self::new(Exit::Locked, locked.to_string()).with_help(format!("watch it to its end: {watch}"))
            }
            none @ (journal::Error::Empty(_) | journal::Error::Foreign(_)) => {
                Self::new(Exit::Invalid, none.to_string())
            }
            create @ journal::Error::Io { action: "create", .. } => Self::new(Exit::Internal, create.to_string())
                .with_help("name another place for the journal with `--journal`"),
            journal::Error::Io { source, path, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Self::new(Exit::Internal, format!("{path} is not there")).with_help(super::input::missing_help(&path))
            }
            other @ (journal::Error::Io { .. } | journal::Error::Refused(_) | journal::Error::Broken(_)) => {
                Self::new(Exit::Internal, other.to_string())
            }
        }
    }
}
