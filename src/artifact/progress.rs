//! The progress file of an upload: the only place on disk where the snapshot of a killed upload can be found.
//!
//! `icp` writes it in place the moment the snapshot exists and after each chunk, so a kill can leave half of one; it
//! removes it at the end. It says neither which canister nor which network it is of, so one is only ever read in a
//! staging directory of ours.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use thiserror::Error;

use super::{CHUNK_STORE, STABLE_MEMORY, Seal, WASM_MEMORY, WASM_MODULE};
use crate::id::{Digest, SnapshotId};

/// Its name in a staging directory.
pub const FILE: &str = ".upload_progress.json";

/// What the progress file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// There is none: no upload began, or the last one came to its end.
    None,
    /// There is one that is no progress file, or half of one; this is what it holds.
    Torn(String),
    /// An upload can be resumed.
    Found(Upload),
}

/// An upload that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Upload {
    /// The snapshot that is being filled.
    pub snapshot_id: SnapshotId,
    /// Whether the network has taken the metadata.
    pub metadata_uploaded: bool,
    /// Bytes of the module that have arrived without a gap.
    pub wasm_module_offset: u64,
    /// Bytes of the heap that have arrived without a gap.
    pub wasm_memory_offset: u64,
    /// Bytes of the stable memory that have arrived without a gap.
    pub stable_memory_offset: u64,
    /// Chunks of the chunk store that have arrived.
    pub wasm_chunks_uploaded: BTreeSet<Digest>,
}

/// Why a progress file could not be read or put aside.
#[derive(Debug, Error)]
#[error("{} cannot be {action}: {source}", .path.as_str().escape_debug())]
pub struct Problem {
    /// The file or directory.
    pub path: Utf8PathBuf,
    /// What was tried.
    pub action: Action,
    /// The answer of the system.
    pub source: io::Error,
}

/// What is done to a progress file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is read.
    Read,
    /// It is renamed.
    PutAside,
}

impl Upload {
    /// Whether this may be the progress of sending a sealed artifact: no more has arrived than there is.
    ///
    /// `icp` takes a blob with an offset at or beyond its size for sent, so to resume with the progress of another
    /// artifact leaves zeros without a word.
    pub fn fits(&self, seal: &Seal) -> bool {
        let size = |blob| seal.file(blob).map_or(0, |file| file.size);
        let chunk = |hash: &Digest| seal.file(format!("{CHUNK_STORE}/{hash}.bin")).is_some();
        self.wasm_module_offset <= size(WASM_MODULE)
            && self.wasm_memory_offset <= size(WASM_MEMORY)
            && self.stable_memory_offset <= size(STABLE_MEMORY)
            && self.wasm_chunks_uploaded.iter().all(chunk)
    }

    /// The bytes of blobs that have arrived without a gap.
    pub fn bytes(&self) -> u64 {
        self.wasm_module_offset.saturating_add(self.wasm_memory_offset).saturating_add(self.stable_memory_offset)
    }
}

/// Reads the progress file of a staging directory.
///
/// # Errors
/// Where the system refuses; that neither file nor directory is there is no error.
pub fn read(staging: &Utf8Path) -> Result<Progress, Problem> {
    let path = staging.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)
            .map_or_else(|_| Progress::Torn(String::from_utf8_lossy(&bytes).into_owned()), Progress::Found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Progress::None),
        Err(source) => Err(Problem { path, action: Action::Read, source }),
    }
}

/// Gives the progress file of a staging directory another name, so that no upload resumes with it, and says which.
///
/// # Errors
/// Where the system refuses; that there is none is no error.
pub fn put_aside(staging: &Utf8Path) -> Result<Option<Utf8PathBuf>, Problem> {
    let path = staging.join(FILE);
    match rename(staging, &path) {
        Ok(aside) => Ok(Some(aside)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Problem { path, action: Action::PutAside, source }),
    }
}

/// Whether a name in a staging directory is one that [`put_aside`] gives.
pub(super) fn is_aside(name: &str) -> bool {
    name.strip_prefix(FILE)
        .and_then(|rest| rest.strip_prefix(".aside-"))
        .is_some_and(|number| number.parse::<u64>().is_ok())
}

fn rename(staging: &Utf8Path, path: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let mut number: u64 = 1;
    let aside = loop {
        let aside = staging.join(format!("{FILE}.aside-{number}"));
        match fs::symlink_metadata(&aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break aside,
            Err(error) => return Err(error),
            Ok(_) => number += 1,
        }
    };
    fs::rename(path, &aside)?;
    File::open(staging)?.sync_all()?;
    Ok(aside)
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::PutAside => "put aside",
        })
    }
}
