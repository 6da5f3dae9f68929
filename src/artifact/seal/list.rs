//! The files of an artifact before they are hashed; no link is followed.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    super::{DOWNLOAD_PROGRESS, ICP_FILES, entry::Kind},
    Problem,
};

/// What is to be hashed.
#[derive(Debug)]
pub(super) struct Listing {
    /// Whether the artifact is a directory.
    pub(super) directory: bool,
    /// Whether a download was cut short.
    pub(super) unfinished: bool,
    /// Sorted by path, component by component.
    pub(super) files: Vec<Listed>,
}

/// A file with its size in bytes.
#[derive(Debug)]
pub(super) struct Listed {
    /// Relative to the artifact.
    pub(super) path: Utf8PathBuf,
    /// As the system wants it.
    pub(super) full: Utf8PathBuf,
    /// In bytes.
    pub(super) size: u64,
}

/// Lists an artifact, or all that is wrong with its entries.
pub(super) fn list(artifact: &Utf8Path) -> Result<Listing, Vec<Problem>> {
    let metadata = fs::symlink_metadata(artifact).map_err(|source| vec![io(artifact, source)])?;
    let kind = Kind::from(metadata.file_type());
    let mut listing = Listing { directory: kind == Kind::Directory, unfinished: false, files: Vec::new() };
    let mut problems = Vec::new();
    match kind {
        Kind::File => {
            listing.files.push(Listed { path: Utf8PathBuf::new(), full: artifact.to_owned(), size: metadata.len() });
        }
        Kind::Directory => {
            // A list of directories instead of recursion: nesting is only bounded by the length of paths.
            let mut directories = vec![Utf8PathBuf::new()];
            while let Some(directory) = directories.pop() {
                let inner = visit(artifact, &directory, &mut listing, &mut problems);
                directories.extend(inner);
            }
        }
        Kind::Link | Kind::Pipe | Kind::Socket | Kind::Device => {
            problems.push(Problem::Kind { path: artifact.to_owned(), kind });
        }
    }
    if problems.is_empty() {
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    } else {
        problems.sort_by_cached_key(ToString::to_string);
        Err(problems)
    }
}

/// Takes in one directory and gives the directories in it.
fn visit(
    artifact: &Utf8Path,
    directory: &Utf8Path,
    listing: &mut Listing,
    problems: &mut Vec<Problem>,
) -> Vec<Utf8PathBuf> {
    let mut directories = Vec::new();
    let here = match directory.as_str() {
        "" => artifact.to_owned(),
        _ => artifact.join(directory),
    };
    let entries = match fs::read_dir(&here) {
        Ok(entries) => entries,
        Err(source) => {
            problems.push(io(&here, source));
            return directories;
        }
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(source) => {
                problems.push(io(&here, source));
                break;
            }
        };
        let name = match entry.file_name().into_string() {
            Ok(name) => name,
            Err(name) => {
                problems.push(Problem::Name {
                    directory: here.clone(),
                    name: name.as_encoded_bytes().escape_ascii().to_string(),
                });
                continue;
            }
        };
        let (path, full) = (directory.join(&name), here.join(&name));
        // Of the entry itself: neither call follows a link.
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(source) => {
                problems.push(io(&full, source));
                continue;
            }
        };
        match Kind::from(metadata.file_type()) {
            Kind::File if ICP_FILES.contains(&path.as_str()) => {
                listing.unfinished |= name == DOWNLOAD_PROGRESS;
            }
            Kind::File => listing.files.push(Listed { path, full, size: metadata.len() }),
            Kind::Directory => directories.push(path),
            kind @ (Kind::Link | Kind::Pipe | Kind::Socket | Kind::Device) => {
                problems.push(Problem::Kind { path: full, kind });
            }
        }
    }
    directories
}

fn io(path: &Utf8Path, source: std::io::Error) -> Problem {
    Problem::Io { path: path.to_owned(), source }
}
