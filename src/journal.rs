//! The journal of a restore: the only truth, on disk before and after every effect.
//!
//! JSON Lines, append-only, synced after each event: see [`event`] for what a line holds and [`replay`] for what events
//! mean. A journal is locked by the kernel while a run is at it, so no lock outlives its process. A last line without
//! its end was never written; anything else that is not as it was written is refused by [`check`], with its place.

pub mod check;
mod error;
pub mod event;
mod follow;
pub mod line;
mod lock;
mod read;
pub mod replay;

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use crate::{id::Digest, operation::Sequence};
use event::{Event, Opened};
use read::Read;
use replay::Replay;

pub use error::Error;
pub use follow::Follower;
pub use lock::is_locked;
pub use read::{events, load};

/// A journal that this process alone writes.
#[derive(Debug)]
pub struct Journal {
    path: Utf8PathBuf,
    file: File,
    replay: Replay,
    /// The digest of the last line.
    head: Digest,
    lines: usize,
    /// Bytes of whole lines.
    length: u64,
    /// A write failed: what is on disk is not known, so nothing more is written.
    broken: bool,
}

impl Journal {
    /// Begins a journal, readable by nobody else. An empty one, or one whose first line was not finished, is taken.
    ///
    /// # Errors
    /// Where it exists with events, another run is at it, or it cannot be written.
    pub fn create(path: &Utf8Path, opened: Opened) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(|source| Error::io("create", path, source))?;
        lock::take(&file, path)?;
        let replay = read::all(&file, path)?;
        if replay.is_some() {
            let source = io::Error::new(io::ErrorKind::AlreadyExists, "it holds a restore already");
            return Err(Error::io("create", path, source));
        }
        file.set_len(0).map_err(|source| Error::io("write", path, source))?;
        let at = Timestamp::now();
        let event = Event::Opened(Box::new(opened));
        let mut text = Vec::new();
        let head = line::write(&mut text, &event, at, line::START);
        let head = head.map_err(|error| Error::io("write", path, error.into()))?;
        let Event::Opened(opened) = event else { return Err(Error::Empty(path.to_owned())) };
        let replay = Replay::new(*opened, at).map_err(Error::Refused)?;
        let mut journal = Self { path: path.to_owned(), file, replay, head, lines: 1, length: 0, broken: false };
        journal.write(&text)?;
        // The name of a new file is durable only once its folder is.
        let folder = File::open(crate::plan::folder(&journal.path)).and_then(|folder| folder.sync_all());
        folder.map_err(|source| Error::io("sync the folder of", &journal.path, source))?;
        Ok(journal)
    }

    /// Takes up a journal; nothing where there is none yet, or nothing in it.
    ///
    /// # Errors
    /// Where another run is at it, it cannot be read or it is not as it was written.
    pub fn open(path: &Utf8Path) -> Result<Option<Self>, Error> {
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::io("open", path, source)),
        };
        lock::take(&file, path)?;
        let Some(Read { replay, head, lines, length }) = read::all(&file, path)? else { return Ok(None) };
        file.set_len(length).map_err(|source| Error::io("write", path, source))?;
        Ok(Some(Self { path: path.to_owned(), file, replay, head, lines, length, broken: false }))
    }

    /// Writes events, durably, before it counts them as happened.
    ///
    /// # Errors
    /// Where they cannot follow, or cannot be written: nothing may be done that a failed write was to announce.
    pub fn record(&mut self, events: &[Event]) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Broken(self.path.clone()));
        }
        // A clock that was set back must not make times run backwards.
        let at = Timestamp::now().max(self.replay.last());
        for (index, event) in events.iter().enumerate() {
            self.replay.apply(event, at, self.lines + 1 + index).map_err(|breach| {
                self.broken = true;
                Error::Refused(breach)
            })?;
        }
        self.append(events, at)
    }

    /// What has happened so far.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// Where it lies.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The digest of its last line.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// Where the output of an attempt goes, without its ending.
    ///
    /// # Errors
    /// Where the folder beside the journal cannot be made.
    pub fn output(&self, sequence: Sequence, attempt: u32) -> Result<Utf8PathBuf, Error> {
        Ok(self.folder()?.join(format!("{sequence}.{attempt}")))
    }

    /// The folder beside the journal for outputs and staging, readable by nobody else.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn folder(&self) -> Result<Utf8PathBuf, Error> {
        let folder = folder(&self.path);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| Error::io("create", &folder, source))?;
        Ok(folder)
    }

    /// A journal that was removed or replaced is written for nobody.
    fn is_in_place(&self) -> io::Result<()> {
        let (ours, there) = (self.file.metadata()?, std::fs::metadata(&self.path)?);
        match (ours.dev(), ours.ino()) == (there.dev(), there.ino()) {
            true => Ok(()),
            false => Err(io::Error::other("another file is in its place")),
        }
    }

    fn append(&mut self, events: &[Event], at: Timestamp) -> Result<(), Error> {
        let mut text = Vec::new();
        let mut head = self.head;
        for event in events {
            head = line::write(&mut text, event, at, head)
                .map_err(|error| Error::io("write", &self.path, error.into()))?;
        }
        self.write(&text)?;
        self.head = head;
        self.lines += events.len();
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        let written = self.is_in_place().and_then(|()| self.file.write_all(text));
        written.and_then(|()| self.file.sync_data()).map_err(|source| {
            self.broken = true;
            // A claim of which nothing came must not be found, if that can be helped; a torn line is dropped anyway.
            let _full = self.file.set_len(self.length);
            Error::io("write", &self.path, source)
        })?;
        self.length += text.len() as u64;
        Ok(())
    }
}

/// The folder for outputs and staging of a journal.
pub fn folder(journal: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{journal}.d"))
}
