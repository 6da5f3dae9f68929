//! Reading a journal: line by line, chained, each event by the same rules as when it was written.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
};

use camino::Utf8Path;
use jiff::Timestamp;

use super::{Error, check, event::Event, line, replay::Replay};
use crate::id::Digest;

/// As far as a journal was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) replay: Replay,
    pub(super) head: Digest,
    pub(super) lines: usize,
    /// Bytes of whole lines.
    pub(super) length: u64,
}

/// What a journal says, without its lock: a run may be writing it.
///
/// # Errors
/// Where it cannot be read, is empty or is not as it was written.
pub fn load(path: &Utf8Path) -> Result<Replay, Error> {
    let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
    match all(&file, path)? {
        Some(read) => Ok(read.replay),
        None => Err(Error::Empty(path.to_owned())),
    }
}

/// Every event of a journal in order, with its time; whatever cannot be read is passed over, so check it first.
///
/// # Errors
/// Where it cannot be read.
pub fn events(path: &Utf8Path) -> Result<Vec<(Timestamp, Event)>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?;
    let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    Ok(lines.filter_map(|line| line::read(line).ok()).map(|(head, event)| (head.at, event)).collect())
}

/// Replays line by line, so that memory does not grow with the outputs in it.
pub(super) fn all(file: &File, path: &Utf8Path) -> Result<Option<Read>, Error> {
    let mut state = None;
    on(file, path, &mut state, &mut |_| {})?;
    Ok(state)
}

/// Replays what follows what was read. The first breach ends that: then the text is read whole and everything that is
/// wrong is told.
pub(super) fn on(
    mut file: &File,
    path: &Utf8Path,
    state: &mut Option<Read>,
    see: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let failed = |source| Error::io("read", path, source);
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
