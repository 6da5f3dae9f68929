//! What lies at a path, without following links.

use std::{
    fmt,
    fs::{self, File, FileType, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
};

use camino::Utf8Path;
use nix::fcntl::OFlag;

/// The kinds of things in a file system; artifacts are made of the first two only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads.
    Link,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A device.
    Device,
}

impl Kind {
    /// What lies at a path; the last component is not followed.
    ///
    /// # Errors
    /// As the system has them.
    pub fn of(path: &Utf8Path) -> io::Result<Self> {
        Ok(fs::symlink_metadata(path)?.file_type().into())
    }
}

impl From<FileType> for Kind {
    fn from(file: FileType) -> Self {
        if file.is_file() {
            Self::File
        } else if file.is_dir() {
            Self::Directory
        } else if file.is_symlink() {
            Self::Link
        } else if file.is_fifo() {
            Self::Pipe
        } else if file.is_socket() {
            Self::Socket
        } else {
            Self::Device
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Pipe => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

/// Opens a regular file for reading, neither following a link nor waiting for the other end of a pipe.
pub(super) fn open(path: &Utf8Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
    regular(file)
}

/// Opens what a link of our own leads to.
pub(super) fn open_through(link: &Utf8Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(link)?;
    regular(file)
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}
