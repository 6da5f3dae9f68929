//! Staging directories: what `icp` uploads from.
//!
//! `icp` writes a lock and its progress into the directory that it uploads. So each upload gets a private directory of
//! links to the files of the artifact: artifacts stay as they are and may be read-only, one can be uploaded to many
//! canisters at once, and the progress of an upload lies where only one operation looks. Kept across attempts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder},
    io,
    num::NonZeroUsize,
    os::unix::fs::{self as unix, DirBuilderExt as _, PermissionsExt as _},
};

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::{
    ICP_FILES, Seal,
    entry::{self, Kind},
    find,
    hash::{self, Fault, Job, Watch},
    progress,
};

/// Why an artifact cannot be uploaded from a staging directory.
#[derive(Debug, Error)]
pub enum Problem {
    /// The artifact is a single file, which `icp` does not upload.
    #[error("{} is a single file where icp uploads directories", .path.as_str().escape_debug())]
    NotDirectory {
        /// The artifact.
        path: Utf8PathBuf,
    },
    /// A file of the artifact went, or a link came into its path.
    #[error(transparent)]
    Artifact(find::Problem),
    /// A file of the artifact holds something else than when it was sealed.
    #[error("{} has changed since it was sealed", .path.as_str().escape_debug())]
    Changed {
        /// The file in the artifact.
        path: Utf8PathBuf,
    },
    /// Others than the owner may enter the staging directory.
    #[error("{} has mode {mode:o} where staging is private (700)", .path.as_str().escape_debug())]
    Exposed {
        /// The directory.
        path: Utf8PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Something else lies where a link or a directory of ours belongs.
    #[error("{} is not what was staged there", .path.as_str().escape_debug())]
    Foreign {
        /// Where it lies.
        path: Utf8PathBuf,
    },
    /// A link of ours is not there.
    #[error("{} is not staged", .path.as_str().escape_debug())]
    Unstaged {
        /// Where it belongs.
        path: Utf8PathBuf,
    },
    /// Something lies in staging that neither the seal nor `icp` accounts for.
    #[error("{} does not belong into staging", .path.as_str().escape_debug())]
    Stray {
        /// Where it lies.
        path: Utf8PathBuf,
    },
    /// The system refused.
    #[error("{} cannot be staged: {source}", .path.as_str().escape_debug())]
    Io {
        /// The file or directory.
        path: Utf8PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// The watch said stop.
    #[error("stopped before {} was hashed", .path.as_str().escape_debug())]
    Stopped {
        /// The file in the artifact.
        path: Utf8PathBuf,
    },
}

/// Makes the staging directory of a sealed artifact, or completes one: directories of mode 0700 with a link for each
/// file. What is there already must be what would be made; nothing is replaced, and progress files are not touched.
///
/// # Errors
/// Everything found by [`check`], or the first thing that cannot be made.
pub fn stage(artifact: &Utf8Path, seal: &Seal, staging: &Utf8Path) -> Result<(), Vec<Problem>> {
    let links = links(artifact, seal, staging)?;
    // Directories before the links in them, and each seen to be our own before anything is made in it.
    for directory in directories(&links, staging) {
        make(&directory).and_then(|()| private(&directory)).map_err(|problem| vec![problem])?;
    }
    for (link, target) in &links {
        match unix::symlink(target, link) {
            Ok(()) => {}
            // Whether it is the right one is seen below.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(vec![io(link, source)]),
        }
    }
    inspect(artifact, &links, staging)
}

/// Whether a staging directory is as it was staged, without reading the files that it links to.
///
/// # Errors
/// All that is not.
pub fn check(artifact: &Utf8Path, seal: &Seal, staging: &Utf8Path) -> Result<(), Vec<Problem>> {
    inspect(artifact, &links(artifact, seal, staging)?, staging)
}

/// [`check`], and every file hashed again as `icp` will read it, through its link: right before it is sent.
///
/// # Errors
/// All that is not as it was staged, or else all files that are not as they were sealed.
pub fn verify(
    artifact: &Utf8Path,
    seal: &Seal,
    staging: &Utf8Path,
    threads: NonZeroUsize,
    watch: Watch<'_>,
) -> Result<(), Vec<Problem>> {
    check(artifact, seal, staging)?;
    let jobs: Vec<_> = seal.files.iter().map(|file| Job { key: staging.join(&file.path), size: file.size }).collect();
    let digests = hash::all(&jobs, threads, watch, |link| entry::open_through(link));
    let mut problems = Vec::new();
    for (file, digest) in seal.files.iter().zip(digests) {
        let path = artifact.join(&file.path);
        match digest {
            Ok(digest) if digest == file.digest => {}
            Ok(_) | Err(Fault::Changed) => problems.push(Problem::Changed { path }),
            Err(Fault::Io(source)) => problems.push(Problem::Io { path, source }),
            Err(Fault::Stopped) => problems.push(Problem::Stopped { path }),
        }
    }
    // A link that was put into the artifact or the staging while they were read.
    if problems.is_empty() {
        return check(artifact, seal, staging);
    }
    Err(problems)
}

/// The links that a staging directory consists of, with the absolute paths that they lead to.
fn links(
    artifact: &Utf8Path,
    seal: &Seal,
    staging: &Utf8Path,
) -> Result<BTreeMap<Utf8PathBuf, Utf8PathBuf>, Vec<Problem>> {
    let path = artifact.to_owned();
    if !seal.directory {
        return Err(vec![Problem::NotDirectory { path }]);
    }
    match artifact.canonicalize_utf8() {
        Ok(absolute) => {
            Ok(seal.files.iter().map(|file| (staging.join(&file.path), absolute.join(&file.path))).collect())
        }
        Err(source) => Err(vec![Problem::Io { path, source }]),
    }
}

/// The directories that a staging directory consists of, each before those in it.
fn directories(links: &BTreeMap<Utf8PathBuf, Utf8PathBuf>, staging: &Utf8Path) -> BTreeSet<Utf8PathBuf> {
    let parents = links.keys().flat_map(|link| link.ancestors().skip(1));
    parents.filter(|parent| parent.starts_with(staging)).chain([staging]).map(Utf8Path::to_owned).collect()
}

fn inspect(
    artifact: &Utf8Path,
    links: &BTreeMap<Utf8PathBuf, Utf8PathBuf>,
    staging: &Utf8Path,
) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for (link, target) in links {
        match link.read_link_utf8() {
            Ok(found) if found == *target => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                problems.push(Problem::Unstaged { path: link.clone() });
            }
            Ok(_) | Err(_) => problems.push(Problem::Foreign { path: link.clone() }),
        }
        if let Ok(relative) = link.strip_prefix(staging)
            && let Err(problem) = find::find(artifact, relative)
        {
            problems.push(Problem::Artifact(problem));
        }
    }
    let directories = directories(links, staging);
    for directory in &directories {
        if let Err(problem) = private(directory) {
            problems.push(problem);
            continue;
        }
        let entries = match directory.read_dir_utf8() {
            Ok(entries) => entries,
            Err(source) => {
                problems.push(io(directory, source));
                continue;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let path = directory.join(entry.file_name());
                    let known = links.contains_key(&path)
                        || directories.contains(&path)
                        || (directory == staging && belongs_to_icp(&path));
                    if !known {
                        problems.push(Problem::Stray { path });
                    }
                }
                Err(source) => problems.push(io(directory, source)),
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// A regular file with a name that `icp`, or whoever put its file aside, gives.
fn belongs_to_icp(path: &Utf8Path) -> bool {
    path.file_name().is_some_and(|name| ICP_FILES.contains(&name) || progress::is_aside(name))
        && Kind::of(path).is_ok_and(|kind| kind == Kind::File)
}

/// Makes a private directory with its parents; one that is there is left as it is.
fn make(directory: &Utf8Path) -> Result<(), Problem> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|source| io(directory, source))
}

fn private(directory: &Utf8Path) -> Result<(), Problem> {
    let path = directory.to_owned();
    match fs::symlink_metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => Err(Problem::Foreign { path }),
        Ok(metadata) => match metadata.permissions().mode() & 0o777 {
            mode if mode & 0o077 != 0 => Err(Problem::Exposed { path, mode }),
            _ => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Problem::Unstaged { path }),
        Err(source) => Err(Problem::Io { path, source }),
    }
}

fn io(path: &Utf8Path, source: io::Error) -> Problem {
    Problem::Io { path: path.to_owned(), source }
}
