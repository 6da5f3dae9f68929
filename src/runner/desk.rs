//! Between workers and the thread that owns the journal.

use std::{
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use super::{Way, worker::End};
use crate::{journal::event::Event, operation::Sequence};

/// What a worker asks for.
pub(super) enum Message {
    /// To have an event recorded; the answer comes when it is on disk.
    Record(Event, Sender<Result<(), End>>),
    /// To have it told that nothing is done for so long.
    Held(Sequence, Duration),
    /// To be let go.
    Ended(Sequence, End),
}

/// A worker's way to the journal.
pub(super) struct Desk {
    to_main: Sender<Message>,
    sequence: Sequence,
}

impl Desk {
    pub(super) fn new(to_main: Sender<Message>, sequence: Sequence) -> Self {
        Self { to_main, sequence }
    }

    /// Waits until an event is on disk; where it is not, nothing may be done that it announces.
    pub(super) fn record(&self, event: Event) -> Result<(), End> {
        let (recorded, answer) = channel();
        // A thread that is gone takes nothing, and its answer does not come.
        let _gone = self.to_main.send(Message::Record(event, recorded));
        answer.recv().unwrap_or_else(|_| Err(unwritten()))
    }

    /// Says that it waits for so long, for requests that were lost.
    pub(super) fn held(&self, rest: Duration) {
        let _gone = self.to_main.send(Message::Held(self.sequence, rest));
    }

    /// The last word of a worker.
    pub(super) fn ended(&self, end: End) {
        // The main thread waits for all of its workers.
        let _gone = self.to_main.send(Message::Ended(self.sequence, end));
    }
}

/// The journal cannot be written, so the worker is let go.
pub(super) fn unwritten() -> End {
    End::Trouble(Way::Blocked, "the journal cannot be written".to_owned())
}
