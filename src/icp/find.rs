//! Which `icp` is run: `--icp`, else `ICP_RESTORE_ICP`, else `PATH`. A plan never says.

use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

/// Why no icp can be run. Nothing was claimed and nothing has happened.
#[derive(Debug, Error)]
pub enum NotFound {
    /// A path was given and nothing is there, or nothing that can be run.
    #[error("{0} is not a program that can be run")]
    NotExecutable(Utf8PathBuf),
    /// None in `PATH`.
    #[error("no `icp` in PATH")]
    NotInPath,
}

/// The program to run: as named, else the first `icp` of `PATH`.
///
/// # Errors
/// Where there is none.
pub fn find(named: Option<&Utf8Path>) -> Result<Utf8PathBuf, NotFound> {
    if let Some(named) = named {
        return match is_executable(named) {
            // A bare file name would be looked for in PATH by whoever runs it.
            true if !named.as_str().contains('/') => Ok(Utf8Path::new(".").join(named)),
            true => Ok(named.to_owned()),
            false => Err(NotFound::NotExecutable(named.to_owned())),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = std::env::split_paths(&path).filter_map(|folder| Utf8PathBuf::from_path_buf(folder).ok());
    candidates.map(|folder| folder.join("icp")).find(|file| is_executable(file)).ok_or(NotFound::NotInPath)
}

fn is_executable(file: &Utf8Path) -> bool {
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
