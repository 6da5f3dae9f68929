//! A file as it was: the one other program than icp that is ever started. It lives here because no other room starts
//! processes, and it only reads objects: `git cat-file` runs no filter, no diff driver and no hook.

use camino::Utf8Path;
use thiserror::Error;

/// Why a file could not be had from git.
#[derive(Debug, Error)]
pub enum GitError {
    /// Something that git could take for an option or for several things.
    #[error("`{}` is not the name of a commit", .0.escape_debug())]
    Reference(String),
    /// A path that has no file name.
    #[error("{0} is not a file")]
    Path(String),
    /// git is not there.
    #[error("git cannot be started: {0}")]
    Start(std::io::Error),
    /// git has no such file.
    #[error("git does not have {file} at {reference}: {said}")]
    Missing {
        /// The file.
        file: String,
        /// The commit.
        reference: String,
        /// What git says.
        said: String,
    },
    /// It is not text.
    #[error("{0} is not UTF-8 text there")]
    NotText(String),
}

/// The text of a file at a commit.
///
/// # Errors
/// Where git, the commit or the file is not there.
pub fn show(reference: &str, file: &Utf8Path) -> Result<String, GitError> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == ':';
    if reference.is_empty() || reference.starts_with('-') || reference.contains(odd) {
        return Err(GitError::Reference(reference.to_owned()));
    }
    let name = file.file_name().ok_or_else(|| GitError::Path(file.to_string()))?;
    let folder = crate::plan::folder(file);
    let object = format!("{reference}:./{name}");
    let output = duct::cmd("git", ["-C", folder.as_str(), "cat-file", "blob", &object])
        .stdin_null()
        .stdout_capture()
        .stderr_capture()
        .unchecked()
        .run()
        .map_err(GitError::Start)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(GitError::Missing {
            file: file.to_string(),
            reference: reference.to_owned(),
            said: said.lines().next().unwrap_or("nothing").to_owned(),
        });
    }
    String::from_utf8(output.stdout).map_err(|_| GitError::NotText(file.to_string()))
}
