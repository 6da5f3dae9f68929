//! The log of a fleet: every call that was applied, in order, one JSON line each.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, Status};
use crate::id::Principal;

/// No line is longer: details name things, they do not hold them.
const TAIL: u64 = 16 * 1024;

/// A call that was applied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub n: u64,
    /// When.
    pub at: Timestamp,
    /// To which canister.
    pub canister: Principal,
    /// The method of the management canister, or the application's.
    pub method: String,
    /// Whether it can change anything.
    pub mutates: bool,
    /// What it was about: snapshot, offsets.
    pub detail: serde_json::Value,
    /// What the canister did just before.
    pub status_before: Status,
}

/// The log's file, locked: others wait until it is dropped.
pub(super) struct Tail {
    path: Utf8PathBuf,
    file: File,
    /// The number of the last entry.
    pub(super) last: u64,
}

/// Locks the log and finds its end; a torn last line, of a process that was killed, is cut off.
pub(super) fn lock(path: &Utf8Path) -> Result<Tail, Error> {
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .map_err(Error::io("open", path))?;
    file.lock().map_err(Error::io("lock", path))?;
    let io = Error::io("read", path);
    let (text, start) = read_tail(&mut file).map_err(io)?;
    let end = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    if end < text.len() {
        file.set_len(start + end as u64).map_err(Error::io("mend", path))?;
    }
    file.seek(SeekFrom::End(0)).map_err(Error::io("seek", path))?;
    let last = text[..end.saturating_sub(1)].rsplit(|&byte| byte == b'\n').next().filter(|line| !line.is_empty());
    let last = match last {
        Some(line) => parse(path, line)?.n,
        None => 0,
    };
    Ok(Tail { path: path.to_owned(), file, last })
}

impl Tail {
    /// Adds an entry by one write, so that a kill leaves all of it or none.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), Error> {
        let mut line =
            serde_json::to_vec(entry).map_err(|source| Error::Damaged { path: self.path.clone(), source })?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(Error::io("write", &self.path))?;
        self.last = entry.n;
        Ok(())
    }
}

/// All entries, oldest first.
pub(super) fn read(path: &Utf8Path) -> Result<Vec<Entry>, Error> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(Error::io("read", path))?,
    };
    text.split_inclusive(|&byte| byte == b'\n')
        .filter_map(|line| line.strip_suffix(b"\n"))
        .map(|line| parse(path, line))
        .collect()
}

fn read_tail(file: &mut File) -> std::io::Result<(Vec<u8>, u64)> {
    let start = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok((text, start))
}

fn parse(path: &Utf8Path, line: &[u8]) -> Result<Entry, Error> {
    serde_json::from_slice(line).map_err(|source| Error::Damaged { path: path.to_owned(), source })
}
