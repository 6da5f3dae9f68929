//! Why a journal cannot be used.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::replay::Breach;
use crate::diagnostic::Diagnostic;

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: Utf8PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another run is at it.
    #[error("another run is at {path}{}", .holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default())]
    Locked {
        /// The journal.
        path: Utf8PathBuf,
        /// Its pid, its machine and since when, as the journal says.
        holder: Option<String>,
    },
    /// It is not as it was written.
    #[error("{} in the journal", match .0.len() { 1 => "a problem".to_owned(), n => format!("{n} problems") })]
    Invalid(Vec<Diagnostic>),
    /// There is nothing in it.
    #[error("{0} is empty: no run has begun")]
    Empty(Utf8PathBuf),
    /// There is something else in it.
    #[error("{0} is no journal: it does not begin like one")]
    Foreign(Utf8PathBuf),
    /// An event that cannot follow: a fault of this program, caught before it was written.
    #[error("refused to write an event that cannot be: {}", .0.message)]
    Refused(Breach),
    /// An earlier write failed.
    #[error("{0} could not be written before, so nothing more is written")]
    Broken(Utf8PathBuf),
}

impl Error {
    pub(super) fn io(action: &'static str, path: &Utf8Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
