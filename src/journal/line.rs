//! Lines of a journal: written in one form, read in any that is JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Error;

use super::event::{Event, VERSION};
use crate::id::Digest;

/// What every line has.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// When it was written.
    pub at: Timestamp,
    /// The digest of the line before.
    pub prev: Digest,
    /// Whether the line's own sum is right.
    pub sum: bool,
}

/// Why a line is none.
#[derive(Debug)]
pub enum Unreadable {
    /// It is not JSON, or a field is missing or of a wrong form.
    Json(Error),
    /// Its format is newer than this program.
    Version(u32),
    /// There is no such event.
    Event(String),
}

/// What stands before the first line.
pub const START: Digest = Digest([0; 32]);

/// What every journal begins with.
pub(crate) const BEGINNING: &str = "{\"v\":1,\"event\":\"opened\",";

/// Adds an event to a text as a line with its end; gives the digest of the line. Nothing is written twice: the first
/// line of a fleet of thousands has megabytes.
///
/// # Errors
/// As serde_json: for none of our types.
pub(super) fn write(text: &mut Vec<u8>, event: &Event, at: Timestamp, prev: Digest) -> Result<Digest, Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        v: u32,
        event: &'a str,
        at: Timestamp,
        prev: Digest,
    }
    let start = text.len();
    serde_json::to_writer(&mut *text, &Written { v: VERSION, event: event.word(), at, prev })?;
    // The payload goes on where the head ends: its brace becomes the comma between them.
    text.pop();
    let joint = text.len();
    match event {
        Event::Opened(event) => serde_json::to_writer(&mut *text, event),
        Event::Resumed(event) => serde_json::to_writer(&mut *text, event),
        Event::Claimed(event) => serde_json::to_writer(&mut *text, event),
        Event::Finished(event) => serde_json::to_writer(&mut *text, event),
        Event::Settled(event) => serde_json::to_writer(&mut *text, event),
        Event::Released(event) => serde_json::to_writer(&mut *text, event),
        Event::Adopted(event) => serde_json::to_writer(&mut *text, event),
        Event::Closed(event) => serde_json::to_writer(&mut *text, event),
    }?;
    text[joint] = b',';
    text.pop();
    let sum = sum(&text[start..]);
    text.extend_from_slice(SUM.as_bytes());
    text.extend_from_slice(sum.as_bytes());
    text.extend_from_slice(b"\"}");
    let digest = Digest::of(&text[start..]);
    text.push(b'\n');
    Ok(digest)
}

/// Reads a line.
pub(super) fn read(line: &str) -> Result<(Head, Event), Unreadable> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    #[derive(Deserialize)]
    struct Read<'a> {
        v: u32,
        #[serde(borrow)]
        event: std::borrow::Cow<'a, str>,
        at: Timestamp,
        prev: Digest,
    }
    fn payload<'a, T: Deserialize<'a>>(line: &'a str, wrap: impl FnOnce(T) -> Event) -> Result<Event, Unreadable> {
        serde_json::from_str(line).map(wrap).map_err(Unreadable::Json)
    }
    let head: Read<'_> = match serde_json::from_str::<Read<'_>>(line) {
        Ok(head) if head.v == VERSION => head,
        // The version decides: a newer format may have changed everything else.
        other => {
            let Version { v } = serde_json::from_str(line).map_err(Unreadable::Json)?;
            return Err(match other {
                Err(error) if v == VERSION => Unreadable::Json(error),
                _ => Unreadable::Version(v),
            });
        }
    };
    let event = match &*head.event {
        "opened" => payload(line, |event| Event::Opened(Box::new(event))),
        "resumed" => payload(line, Event::Resumed),
        "claimed" => payload(line, |event| Event::Claimed(Box::new(event))),
        "finished" => payload(line, |event| Event::Finished(Box::new(event))),
        "settled" => payload(line, |event| Event::Settled(Box::new(event))),
        "released" => payload(line, Event::Released),
        "adopted" => payload(line, |event| Event::Adopted(Box::new(event))),
        "closed" => payload(line, Event::Closed),
        other => return Err(Unreadable::Event(other.to_owned())),
    }?;
    Ok((Head { at: head.at, prev: head.prev, sum: is_whole(line) }, event))
}

pub(super) const SUM: &str = ",\"sum\":\"";

/// Whether a line is as it was written.
pub(super) fn is_whole(line: &str) -> bool {
    let Some((before, rest)) = line.rsplit_once(SUM) else { return false };
    rest.strip_suffix("\"}").is_some_and(|written| written == sum(before))
}

pub(super) fn sum(before: impl AsRef<[u8]>) -> String {
    hex::encode(&Digest::of(before).0[..8])
}
