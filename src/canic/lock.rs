//! The lock file that the ancestor puts beside a journal while it works on it, and leaves behind when it is killed.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use nix::{errno::Errno, sys::signal, unistd::Pid};
use thiserror::Error;

/// A lock file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Where it lies.
    pub path: Utf8PathBuf,
    /// Who holds it.
    pub holder: Holder,
}

/// Who wrote a lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A process of this machine that is there. It may be another one that got the number of a dead one.
    Alive(i32),
    /// No process of this machine has the number. It may have been one of another machine.
    Gone(i32),
    /// The file does not say: it is torn, or not the ancestor's.
    Unknown,
}

/// Why a lock file cannot be read.
#[derive(Debug, Error)]
#[error("cannot read the lock file {path}")]
pub struct LockError {
    path: Utf8PathBuf,
    #[source]
    source: io::Error,
}

/// Where the lock of a journal lies.
pub fn path(journal: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{journal}.lock"))
}

/// The lock of a journal, if there is one.
///
/// # Errors
/// When there is a file that cannot be read.
pub fn read(journal: &Utf8Path) -> Result<Option<Lock>, LockError> {
    let path = path(journal);
    match fs::read(&path) {
        Ok(bytes) => {
            let pid = String::from_utf8(bytes).ok().and_then(|text| pid(&text));
            let holder = pid.map_or(Holder::Unknown, holder);
            Ok(Some(Lock { path, holder }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LockError { path, source }),
    }
}

/// The ancestor writes one line, `pid=` and the number.
fn pid(text: &str) -> Option<i32> {
    let number = text.strip_suffix('\n')?.strip_prefix("pid=")?;
    number.parse().ok().filter(|&pid| pid > 0)
}

fn holder(pid: i32) -> Holder {
    match signal::kill(Pid::from_raw(pid), None) {
        Err(Errno::ESRCH) => Holder::Gone(pid),
        // Whoever may not be signalled is there.
        Ok(()) | Err(_) => Holder::Alive(pid),
    }
}
