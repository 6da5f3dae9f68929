//! From the path that a plan names to an artifact on disk, without ever leaving the backup.

use std::io;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::entry::Kind;
use crate::diagnostic::suggest;

/// Why no artifact was found.
#[derive(Debug, Error)]
pub enum Problem {
    /// Something other than plain names in the path: it is absolute, empty, or has `.` or `..` in it.
    #[error("{} is not a path of plain names below the backup", .path.as_str().escape_debug())]
    Escape {
        /// The path as it was given.
        path: Utf8PathBuf,
    },
    /// The first component that is not there.
    #[error("{} is not there", .path.as_str().escape_debug())]
    Missing {
        /// Where it was looked for.
        path: Utf8PathBuf,
    },
    /// A link on the way, or something that is neither a file nor a directory at its end.
    #[error("{} is {kind}", .path.as_str().escape_debug())]
    Kind {
        /// Where it lies.
        path: Utf8PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// The system refused to look.
    #[error("{} cannot be looked at: {source}", .path.as_str().escape_debug())]
    Io {
        /// Where it was asked.
        path: Utf8PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

/// The file or directory at a relative path of plain names below a root.
///
/// The root is trusted and may be reached through links. Below it any link is refused, even one that stays inside.
///
/// # Errors
/// The first component that does not do.
pub fn find(root: &Utf8Path, relative: &Utf8Path) -> Result<Utf8PathBuf, Problem> {
    let plain = |component| matches!(component, Utf8Component::Normal(_));
    if relative.as_str().is_empty() || !relative.components().all(plain) {
        return Err(Problem::Escape { path: relative.to_owned() });
    }
    if !root.is_dir() {
        return Err(Problem::Missing { path: root.to_owned() });
    }
    let mut path = root.to_owned();
    for name in relative.components() {
        path.push(name);
        match Kind::of(&path) {
            Ok(Kind::File | Kind::Directory) => {}
            Ok(kind) => return Err(Problem::Kind { path, kind }),
            Err(source) => {
                return Err(match source.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Problem::Missing { path },
                    _ => Problem::Io { path, source },
                });
            }
        }
    }
    Ok(path)
}

/// The name beside a path that is not there which is most like its own, if any is.
pub fn beside(path: &Utf8Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let names = folder.read_dir_utf8().into_iter().flatten().flatten().map(|entry| entry.file_name().to_owned());
    let names: Vec<String> = names.collect();
    suggest::nearest(path.file_name()?, names.iter().map(String::as_str)).map(str::to_owned)
}
