//! Following a journal that a run is writing.

use std::fs::File;

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    Error,
    event::Event,
    read::{self, Read},
    replay::Replay,
};
use crate::id::Digest;

/// A journal that is read on while a run writes it.
#[derive(Debug)]
pub struct Follower {
    path: Utf8PathBuf,
    file: File,
    state: Option<Read>,
}

impl Follower {
    /// Reads a journal as far as it goes by now.
    ///
    /// # Errors
    /// As [`super::load`].
    pub fn new(path: &Utf8Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        let state = read::all(&file, path)?;
        match state {
            Some(_) => Ok(Self { path: path.to_owned(), file, state }),
            None => Err(Error::Empty(path.to_owned())),
        }
    }

    /// What has happened so far.
    ///
    /// # Errors
    /// Where there is nothing in it, which [`Follower::new`] has seen to.
    pub fn replay(&self) -> Result<&Replay, Error> {
        self.state.as_ref().map(|read| &read.replay).ok_or_else(|| Error::Empty(self.path.clone()))
    }

    /// The digest of the last line that was read.
    pub fn head(&self) -> Option<Digest> {
        self.state.as_ref().map(|read| read.head)
    }

    /// Reads what was added; gives the new events.
    ///
    /// # Errors
    /// Where it cannot be read or is not as it was written.
    pub fn read_on(&mut self) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        read::on(&self.file, &self.path, &mut self.state, &mut |event| events.push(event))?;
        Ok(events)
    }
}
