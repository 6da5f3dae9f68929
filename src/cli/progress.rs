//! What a run tells while it goes on: a line for every change.

use super::terminal::{Terminal, printable};
use crate::{
    journal::{
        event::{Aim, Event, Outcome},
        replay::Replay,
    },
    operation::Sequence,
    runner::Notice,
};

pub(super) struct Progress<'a> {
    terminal: &'a Terminal,
}

impl<'a> Progress<'a> {
    pub(super) fn new(terminal: &'a Terminal, _replay: &Replay) -> Self {
        Self { terminal }
    }

    pub(super) fn notice(&mut self, notice: &Notice<'_>, replay: &Replay) {
        match notice {
            Notice::Recorded(events) => {
                events.iter().filter_map(|event| line(event, replay)).for_each(|line| self.terminal.note(&line));
            }
            Notice::Tick => {}
        }
    }

    pub(super) fn finish(&mut self) {}
}

/// What an event says to people.
fn line(event: &Event, replay: &Replay) -> Option<String> {
    let name = |sequence: Sequence| {
        let operation = replay.operations.get(sequence)?;
        Some(format!("{sequence:>5}  {:<15}  {}", operation.kind, operation.member))
    };
    let text = match event {
        Event::Claimed(claimed) => {
            let what = match &claimed.aim {
                Aim::Do if claimed.attempt > 1 => format!("attempt {}", claimed.attempt),
                Aim::Do => return None,
                Aim::TakeBack => "taking it back".to_owned(),
                Aim::Clear(id) => format!("deleting what was left behind: {id}"),
            };
            format!("{}  {what}", name(claimed.operation)?)
        }
        Event::Finished(finished) => {
            let receipt = &finished.receipt;
            let word = match receipt.outcome {
                Outcome::Completed => "done".to_owned(),
                Outcome::Rejected => format!("rejected: {}", receipt.rejection.as_ref().map_or("", |r| &r.message)),
                Outcome::NotSent => format!("not sent: {}", receipt.notes.join("; ")),
                Outcome::Disproved => format!("not as planned: {}", receipt.notes.join("; ")),
                Outcome::Unknown => format!("unknown: {}", receipt.notes.join("; ")),
            };
            let took = receipt.ended.duration_since(receipt.started);
            let note = if receipt.outcome == Outcome::Completed && !receipt.notes.is_empty() {
                format!(": {}", receipt.notes.join("; "))
            } else {
                String::new()
            };
            format!("{}  {word}{note}  ({:.1} s)", name(finished.operation)?, took.as_secs_f64())
        }
        Event::Settled(settled) => format!("{}  settled: {}", name(settled.operation)?, settled.evidence.join("; ")),
        Event::Released(released) => {
            format!("{}  ready again: {}", name(released.operation)?, released.evidence.join("; "))
        }
        Event::Adopted(adopted) => format!("{}  taken over from {}", name(adopted.operation)?, adopted.from),
        Event::Opened(_) | Event::Resumed(_) | Event::Closed(_) => return None,
    };
    Some(printable(&text))
}
