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
pub(super) const BEGINNING: &str = "{\"v\":1,\"event\":\"opened\",";

/// Writes an event as a line, without its end.
///
/// # Errors
/// As serde_json: for none of our types.
pub(super) fn write(event: &Event, at: Timestamp, prev: Digest) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        v: u32,
        event: &'a str,
        at: Timestamp,
        prev: Digest,
    }
    let payload = match event {
        Event::Opened(event) => serde_json::to_string(event),
        Event::Resumed(event) => serde_json::to_string(event),
        Event::Claimed(event) => serde_json::to_string(event),
        Event::Finished(event) => serde_json::to_string(event),
        Event::Settled(event) => serde_json::to_string(event),
        Event::Released(event) => serde_json::to_string(event),
        Event::Adopted(event) => serde_json::to_string(event),
        Event::Closed(event) => serde_json::to_string(event),
    }?;
    let mut line = serde_json::to_string(&Written { v: VERSION, event: event.word(), at, prev })?;
    line.truncate(line.len() - 1);
    line.push(',');
    line.push_str(&payload[1..payload.len() - 1]);
    let sum = sum(&line);
    line.push_str(SUM);
    line.push_str(&sum);
    line.push_str("\"}");
    Ok(line)
}

/// Reads a line.
pub(super) fn read(line: &str) -> Result<(Head, Event), Unreadable> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    #[derive(Deserialize)]
    struct Read<'a> {
        #[serde(borrow)]
        event: std::borrow::Cow<'a, str>,
        at: Timestamp,
        prev: Digest,
    }
    fn payload<'a, T: Deserialize<'a>>(line: &'a str, wrap: impl FnOnce(T) -> Event) -> Result<Event, Unreadable> {
        serde_json::from_str(line).map(wrap).map_err(Unreadable::Json)
    }
    // The version first: a newer format may have changed everything else.
    let Version { v } = serde_json::from_str(line).map_err(Unreadable::Json)?;
    if v != VERSION {
        return Err(Unreadable::Version(v));
    }
    let head: Read<'_> = serde_json::from_str(line).map_err(Unreadable::Json)?;
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

pub(super) fn sum(before: &str) -> String {
    hex::encode(&Digest::of(before).0[..8])
}
