//! The journal of a restore: the only truth, on disk before and after every effect.
//!
//! JSON Lines, append-only, synced after each event: see [`event`] for what a line holds and [`replay`] for what events
//! mean. A journal is locked by the kernel while a run is at it, so no lock outlives its process. A last line without
//! its end was never written; anything else that is not as it was written is refused by [`check`], with its place.

pub mod check;
pub mod event;
pub mod line;
pub mod replay;

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use thiserror::Error;

use crate::{diagnostic::Diagnostic, id::Digest, operation::Sequence};
use event::{Event, Opened};
use replay::{Breach, Replay};

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

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: Utf8PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another run is at it.
    #[error("another run is at {path}{}", .holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default())]
    Locked {
        /// The journal.
        path: Utf8PathBuf,
        /// Its pid, its machine and since when, as the journal says.
        holder: Option<String>,
    },
    /// It is not as it was written.
    #[error("{} in the journal", match .0.len() { 1 => "a problem".to_owned(), n => format!("{n} problems") })]
    Invalid(Vec<Diagnostic>),
    /// There is nothing in it.
    #[error("{0} is empty: no run has begun")]
    Empty(Utf8PathBuf),
    /// There is something else in it.
    #[error("{0} is no journal: it does not begin like one")]
    Foreign(Utf8PathBuf),
    /// An event that cannot follow: a fault of this program, caught before it was written.
    #[error("refused to write an event that cannot be: {}", .0.message)]
    Refused(Breach),
    /// An earlier write failed.
    #[error("{0} could not be written before, so nothing more is written")]
    Broken(Utf8PathBuf),
}

impl Journal {
    /// Begins a journal, readable by nobody else. An empty one, or one whose first line was not finished, is taken.
    ///
    /// # Errors
    /// Where it exists with events, another run is at it, or it cannot be written.
    pub fn create(path: &Utf8Path, opened: Opened) -> Result<Self, Error> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(|source| io_error("create", path, source))?;
        lock(&file, path)?;
        let replay = read(&file, path)?;
        if replay.is_some() {
            let source = io::Error::new(io::ErrorKind::AlreadyExists, "it holds a restore already");
            return Err(io_error("create", path, source));
        }
        file.set_len(0).map_err(|source| io_error("write", path, source))?;
        let at = Timestamp::now();
        let event = Event::Opened(Box::new(opened));
        let mut text = Vec::new();
        let head = line::write(&mut text, &event, at, line::START);
        let head = head.map_err(|error| io_error("write", path, error.into()))?;
        let Event::Opened(opened) = event else { return Err(Error::Empty(path.to_owned())) };
        let replay = Replay::new(*opened, at).map_err(Error::Refused)?;
        let mut journal = Self { path: path.to_owned(), file, replay, head, lines: 1, length: 0, broken: false };
        journal.write(&text)?;
        // The name of a new file is durable only once its folder is.
        let folder = File::open(crate::plan::folder(&journal.path)).and_then(|folder| folder.sync_all());
        folder.map_err(|source| io_error("sync the folder of", &journal.path, source))?;
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
            Err(source) => return Err(io_error("open", path, source)),
        };
        lock(&file, path)?;
        let Some(Read { replay, head, lines, length }) = read(&file, path)? else { return Ok(None) };
        file.set_len(length).map_err(|source| io_error("write", path, source))?;
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
        made.map_err(|source| io_error("create", &folder, source))?;
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
            head =
                line::write(&mut text, event, at, head).map_err(|error| io_error("write", &self.path, error.into()))?;
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
            io_error("write", &self.path, source)
        })?;
        self.length += text.len() as u64;
        Ok(())
    }
}

/// The folder for outputs and staging of a journal.
pub fn folder(journal: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{journal}.d"))
}

/// What a journal says, without its lock: a run may be writing it.
///
/// # Errors
/// Where it cannot be read, is empty or is not as it was written.
pub fn load(path: &Utf8Path) -> Result<Replay, Error> {
    let file = File::open(path).map_err(|source| io_error("open", path, source))?;
    match read(&file, path)? {
        Some(read) => Ok(read.replay),
        None => Err(Error::Empty(path.to_owned())),
    }
}

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
    /// As [`load`].
    pub fn new(path: &Utf8Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| io_error("open", path, source))?;
        let state = read(&file, path)?;
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
        read_on(&self.file, &self.path, &mut self.state, &mut |event| events.push(event))?;
        Ok(events)
    }
}

/// Whether a run is at a journal now.
pub fn is_locked(path: &Utf8Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

/// Every event of a journal in order, with its time; whatever cannot be read is passed over, so check it first.
///
/// # Errors
/// Where it cannot be read.
pub fn events(path: &Utf8Path) -> Result<Vec<(Timestamp, Event)>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| io_error("read", path, source))?;
    let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    Ok(lines.filter_map(|line| line::read(line).ok()).map(|(head, event)| (head.at, event)).collect())
}

#[derive(Debug)]
struct Read {
    replay: Replay,
    head: Digest,
    lines: usize,
    /// Bytes of whole lines.
    length: u64,
}

/// Replays line by line, so that memory does not grow with the outputs in it.
fn read(file: &File, path: &Utf8Path) -> Result<Option<Read>, Error> {
    let mut state = None;
    read_on(file, path, &mut state, &mut |_| {})?;
    Ok(state)
}

/// Replays what follows what was read. The first breach ends that: then the text is read whole and everything that is
/// wrong is told.
fn read_on(
    mut file: &File,
    path: &Utf8Path,
    state: &mut Option<Read>,
    see: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let failed = |source| io_error("read", path, source);
    let (mut length, mut lines, mut head) =
        state.as_ref().map_or((0, 0, line::START), |state| (state.length, state.lines, state.head));
    file.seek(SeekFrom::Start(length)).map_err(failed)?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let count = reader.read_until(b'\n', &mut buffer).map_err(failed)?;
        if buffer.pop() != Some(b'\n') {
            // Only what may be a first line of ours that was not finished may be written over.
            let end = buffer.len().min(line::BEGINNING.len());
            if state.is_none() && count > 0 && !buffer.starts_with(&line::BEGINNING.as_bytes()[..end]) {
                return Err(Error::Foreign(path.to_owned()));
            }
            break;
        }
        length += count as u64;
        lines += 1;
        let good = std::str::from_utf8(&buffer).ok().and_then(|text| {
            let (read, event) = line::read(text).ok()?;
            let chained = read.sum && read.prev == head;
            head = Digest::of(text);
            match (&mut *state, event) {
                _ if !chained => None,
                (None, Event::Opened(opened)) => {
                    let replay = Replay::new(*opened, read.at).ok()?;
                    *state = Some(Read { replay, head, lines, length });
                    Some(())
                }
                (None, _) => None,
                (Some(state), event) => {
                    state.replay.apply(&event, read.at, lines).ok()?;
                    (state.head, state.lines, state.length) = (head, lines, length);
                    see(event);
                    Some(())
                }
            }
        });
        if good.is_none() {
            let mut text = Vec::new();
            file.seek(SeekFrom::Start(0)).and_then(|_| (&mut &*file).read_to_end(&mut text)).map_err(failed)?;
            return Err(Error::Invalid(check::bytes(path.as_str(), text)));
        }
    }
    Ok(())
}

/// How long a lock may outlive its run: a process that it was just starting holds it until it becomes icp.
const GRACE: Duration = Duration::from_secs(1);

fn lock(file: &File, path: &Utf8Path) -> Result<(), Error> {
    let until = Instant::now() + GRACE;
    let mut locked = file.try_lock();
    while matches!(locked, Err(std::fs::TryLockError::WouldBlock)) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => {
            let holder = load(path).ok().and_then(|replay| replay.holder);
            let holder = holder.map(|(who, since)| format!("process {} on {}, since {since}", who.pid, who.host));
            Err(Error::Locked { path: path.to_owned(), holder })
        }
        Err(std::fs::TryLockError::Error(source)) => Err(io_error("lock", path, source)),
    }
}

fn io_error(action: &'static str, path: &Utf8Path, source: io::Error) -> Error {
    Error::Io { action, path: path.to_owned(), source }
}
