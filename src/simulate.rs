//! A simulated fleet on disk and a stand-in for the `icp` program that works on it.
//!
//! The runner starts `icp` as a process, and so it does over a simulated fleet: a folder holds the fleet (`fleet/`,
//! see [`Fleet`]) and beside it a link named `icp` to our own binary, which then answers as icp 1.5.0 was seen to
//! answer: stdout to the byte, stderr in substance, exit codes. No `icp`, no network and no environment is needed.
//! A [`Fault`] makes it lose answers, refuse, hang, or kill itself or the runner at a chosen instant.
//!
//! From below: `blob` and `state` are what there is, `fleet` keeps it on disk (with `log`), `fault` and `strike` are
//! what goes wrong, `session` is one command's way to its canister, and `canister`, `snapshot`, `upload` and
//! `download` are the commands that `command` parses.

mod blob;
mod canister;
mod command;
mod directory;
mod download;
mod fault;
mod fleet;
mod log;
mod reject;
mod session;
mod snapshot;
mod state;
mod status;
mod strike;
mod upload;

use std::{io::Write, process::ExitCode};

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

pub use blob::Blob;
pub use fault::{Fault, FaultError, Kind, Point, Problem, What};
pub use fleet::{Config, Fleet};
pub use log::Entry;
pub use state::{Canister, CanisterSpec, Content, Method, Settings, Snapshot, SnapshotSource, SnapshotSpec, Status};

/// The version of `icp` that is stood in for.
pub const ICP_VERSION: &str = "1.5.0";

/// Why the simulated fleet cannot be read or written.
#[derive(Debug, Error)]
pub enum Error {
    /// A file of the fleet, or one that it was given, refuses.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried, as an infinitive.
        what: &'static str,
        /// The file.
        path: Utf8PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file of the fleet does not hold what the fleet writes.
    #[error("{path} is damaged: {source}")]
    Damaged {
        /// The file.
        path: Utf8PathBuf,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// Two canisters of one name or principal.
    #[error("two canisters of the simulated fleet are {0}")]
    Twice(String),
    /// No such canister.
    #[error("the simulated fleet has no canister {0}")]
    NoCanister(crate::id::Principal),
    /// A text that stands for a snapshot id of the fleet is not one.
    #[error(transparent)]
    SnapshotId(#[from] crate::id::SnapshotIdError),
}

impl Error {
    fn io(what: &'static str, path: &Utf8Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

/// Stands in for `icp`, if the program was invoked as a file named `icp` that has a fleet beside it.
///
/// `None` says that it was not, and that nothing was done.
pub fn main(args: impl IntoIterator<Item = std::ffi::OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().peekable();
    let invoked = Utf8Path::from_path(args.peek()?.as_ref())?;
    if invoked.file_name() != Some("icp") {
        return None;
    }
    let fleet = Fleet::open(invoked.parent()?).ok()?;
    let arguments = match command::Icp::parse_all(args) {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Nothing can be said where stdout or stderr is closed.
            usage.print().ok();
            return Some(if usage.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS });
        }
    };
    Some(match command::run(&fleet, arguments) {
        Ok(answer) => match std::io::stdout().write_all(answer.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(failure) => {
            write!(std::io::stderr(), "{failure}").ok();
            ExitCode::from(failure.exit)
        }
    })
}

/// What icp writes into a file: indented.
fn file(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// What a command prints on stdout: an object on one line, its keys in the order of the type.
fn answer(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
