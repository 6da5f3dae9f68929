//! Between workers and the thread that owns the journal.

use std::{
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use super::worker::End;
use crate::{journal::event::Event, operation::Sequence};

/// What a worker asks for.
pub(super) enum Message {
    /// To have an event recorded; the answer says whether it is on disk.
    Record(Event, Sender<bool>),
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

    /// Waits until an event is on disk; `false` where it is not, and nothing may be done that it announces.
    pub(super) fn record(&self, event: Event) -> bool {
        let (recorded, answer) = channel();
        self.to_main.send(Message::Record(event, recorded)).is_ok() && answer.recv().unwrap_or(false)
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
