//! Seals: what an artifact is, down to the last byte.
//!
//! The digest of a file is its SHA-256; that of a directory is the SHA-256 over a line `path \0 hex-digest \n` for
//! each of its files, sorted by path component by component. That is canic-backup's rule, whose seals stay good, with
//! two changes. The files that `icp` keeps for itself ([`ICP_FILES`](super::ICP_FILES)) do not count; but since an
//! empty `.lock` was mostly there when canic-backup sealed a directory, a digest that counts one is accepted too,
//! whether it is there now or not. And what canic-backup follows, passes over or confuses (links, pipes, devices,
//! names that are not UTF-8) is a problem here.

mod list;

use std::{collections::BTreeMap, io, num::NonZeroUsize};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    CHUNK_STORE, LOCK, STABLE_MEMORY, WASM_MEMORY, WASM_MODULE,
    entry::{self, Kind},
    hash::{self, Fault, Job, Watch},
};
use crate::id::Digest;

/// Every file of an artifact with its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The digest without `icp`'s own files: the one to write into plans.
    pub plain: Digest,
    /// The digest that counts an empty `.lock`; the same as the plain one where the artifact is a single file.
    pub with_lock: Digest,
    /// Whether the artifact is a directory: a single file can be sealed, but not uploaded.
    pub directory: bool,
    /// Whether a download into the directory never came to its end: blobs of the right size may be full of zeros.
    pub unfinished: bool,
    /// The files, `icp`'s own left out, in the order in which they are hashed.
    pub files: Vec<File>,
}

/// A file of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path relative to the artifact, with `/` between names; empty where the artifact is the file.
    pub path: Utf8PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of what it holds.
    pub digest: Digest,
}

/// Why an artifact cannot be sealed.
#[derive(Debug, Error)]
pub enum Problem {
    /// Neither a file nor a directory.
    #[error("{} is {kind}", .path.as_str().escape_debug())]
    Kind {
        /// Where it lies.
        path: Utf8PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// A name that is not UTF-8.
    #[error("the name {name} in {} is not UTF-8", .directory.as_str().escape_debug())]
    Name {
        /// Where it lies.
        directory: Utf8PathBuf,
        /// The name with its odd bytes escaped.
        name: String,
    },
    /// It was written to while it was read.
    #[error("{} changes while it is read", .path.as_str().escape_debug())]
    Changed {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The system refused.
    #[error("{} cannot be read: {source}", .path.as_str().escape_debug())]
    Io {
        /// The file or directory.
        path: Utf8PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// The watch said stop.
    #[error("stopped before {} was hashed", .path.as_str().escape_debug())]
    Stopped {
        /// The file.
        path: Utf8PathBuf,
    },
}

impl Seal {
    /// Whether a digest stands for this artifact, in either form.
    pub fn accepts(&self, digest: &Digest) -> bool {
        *digest == self.plain || *digest == self.with_lock
    }

    /// The file at a path relative to the artifact.
    pub fn file(&self, path: impl AsRef<Utf8Path>) -> Option<&File> {
        let path = path.as_ref();
        let found = self.files.binary_search_by(|file| file.path.as_path().cmp(path));
        self.files.get(found.ok()?)
    }

    /// The module hash that a canister has once the snapshot is loaded; none where the snapshot has no code.
    pub fn module_hash(&self) -> Option<Digest> {
        let module = self.file(WASM_MODULE).filter(|file| file.size > 0);
        module.map(|file| file.digest)
    }

    /// The size in bytes of the largest blob, which `icp` holds in memory several times over while it uploads it.
    pub fn largest_blob(&self) -> u64 {
        let blobs = [WASM_MODULE, WASM_MEMORY, STABLE_MEMORY];
        let sizes = blobs.iter().filter_map(|blob| Some(self.file(blob)?.size));
        sizes.max().unwrap_or(0)
    }

    /// The size of all files together, in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The files in the chunk store.
    pub fn chunks(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.starts_with(CHUNK_STORE))
    }
}

/// Seals artifacts, each once however often it is named, hashing all their files at once.
///
/// An artifact that cannot be sealed has all of its problems listed; one with entries that cannot be part of a seal is
/// not read at all.
pub fn all<'a>(
    artifacts: impl IntoIterator<Item = &'a Utf8Path>,
    threads: NonZeroUsize,
    watch: Watch<'_>,
) -> BTreeMap<&'a Utf8Path, Result<Seal, Vec<Problem>>> {
    let mut artifacts: Vec<&Utf8Path> = artifacts.into_iter().collect();
    artifacts.sort();
    artifacts.dedup();
    let mut listings = hash::each(&artifacts, threads, |path| (*path, list::list(path)));
    listings.sort_by_key(|(path, _)| *path);

    let mut jobs = Vec::new();
    for (_, listing) in &listings {
        for listed in listing.iter().flat_map(|listing| &listing.files) {
            jobs.push(Job { key: listed.full.as_path(), size: listed.size });
        }
    }
    let digests = hash::all(&jobs, threads, watch, |path| entry::open(path));
    drop(jobs);

    let mut digests = digests.into_iter();
    listings
        .into_iter()
        .map(|(path, listing)| {
            let seal = listing.and_then(|listing| {
                let count = listing.files.len();
                seal(listing, digests.by_ref().take(count))
            });
            (path, seal)
        })
        .collect()
}

fn seal(listing: list::Listing, digests: impl Iterator<Item = Result<Digest, Fault>>) -> Result<Seal, Vec<Problem>> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for (listed, digest) in listing.files.into_iter().zip(digests) {
        let path = listed.full;
        match digest {
            Ok(digest) => files.push(File { path: listed.path, size: listed.size, digest }),
            Err(Fault::Io(source)) => problems.push(Problem::Io { path, source }),
            Err(Fault::Changed) => problems.push(Problem::Changed { path }),
            Err(Fault::Stopped) => problems.push(Problem::Stopped { path }),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let (plain, with_lock) = match files.as_slice() {
        [file] if !listing.directory => (file.digest, file.digest),
        files => (directory(files, None), directory(files, Some(LOCK))),
    };
    Ok(Seal { plain, with_lock, directory: listing.directory, unfinished: listing.unfinished, files })
}

/// The digest of a directory of files in order, with an empty one of some name among them if asked for.
fn directory(files: &[File], empty: Option<&str>) -> Digest {
    let mut lines: Vec<(&Utf8Path, Digest)> = files.iter().map(|file| (file.path.as_path(), file.digest)).collect();
    if let Some(name) = empty {
        let name = Utf8Path::new(name);
        let at = lines.partition_point(|(path, _)| *path < name);
        lines.insert(at, (name, Digest::of([])));
    }
    let mut hasher = Sha256::new();
    for (path, digest) in lines {
        hasher.update(path.as_str());
        hasher.update([0]);
        hasher.update(digest.to_string());
        hasher.update(b"\n");
    }
    Digest(hasher.finalize().into())
}
