//! What an event says to people.

use crate::{
    cli::terminal::printable,
    journal::{
        event::{Aim, Event, Outcome},
        replay::Replay,
    },
    operation::Operation,
};

/// What is to be said of an event.
pub(in crate::cli) struct Words<'a> {
    pub(in crate::cli) operation: &'a Operation,
    /// The word that counts.
    pub(in crate::cli) said: String,
    /// Its color.
    pub(in crate::cli) color: &'static str,
    /// More of it.
    pub(in crate::cli) rest: String,
}

const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "1;31";
const PLAIN: &str = "1";

/// The column of names: few long ones do not push all the others' words off a terminal.
pub(in crate::cli) fn width(replay: &Replay) -> usize {
    const MOST: usize = 32;
    replay.operations.iter().map(|operation| operation.member.as_str().len()).max().unwrap_or(0).min(MOST)
}

/// An operation in columns.
pub(in crate::cli) fn name(operation: &Operation, width: usize) -> String {
    format!("{:>5}  {:<15}  {:<width$}", operation.sequence, operation.kind, operation.member.as_str())
}

/// What an event says; nothing of the first claim of an operation, whose end is what counts.
pub(in crate::cli) fn said<'a>(event: &Event, replay: &'a Replay) -> Option<Words<'a>> {
    let operation = replay.operations.get(event.operation()?)?;
    let (said, color, rest) = match event {
        Event::Claimed(claimed) => match &claimed.aim {
            Aim::Do if claimed.attempt > 1 => (format!("attempt {}", claimed.attempt), YELLOW, String::new()),
            Aim::Do => return None,
            Aim::TakeBack => ("taking it back".to_owned(), YELLOW, String::new()),
            Aim::Clear(id) => ("deleting what was left behind".to_owned(), PLAIN, format!(": {id}")),
        },
        Event::Finished(finished) => {
            let receipt = &finished.receipt;
            let took = receipt.ended.duration_since(receipt.started).as_secs_f64();
            let notes = receipt.notes.join("; ");
            let (said, color, what) = match receipt.outcome {
                Outcome::Completed => ("done", GREEN, notes),
                Outcome::Rejected => {
                    ("rejected", RED, receipt.rejection.as_ref().map_or(notes, |rejection| rejection.message.clone()))
                }
                Outcome::NotSent => ("not sent", RED, notes),
                Outcome::Disproved => ("not as planned", RED, notes),
                Outcome::Unknown => ("unknown", YELLOW, notes),
            };
            let what = if what.is_empty() { what } else { format!(": {what}") };
            (said.to_owned(), color, format!("{what}  ({took:.1} s)"))
        }
        Event::Settled(settled) => {
            let color = if settled.receipt.outcome == Outcome::Completed { GREEN } else { RED };
            ("settled".to_owned(), color, format!(": {}", settled.evidence.join("; ")))
        }
        Event::Released(released) => ("ready again".to_owned(), YELLOW, format!(": {}", released.evidence.join("; "))),
        Event::Adopted(adopted) => ("taken over".to_owned(), GREEN, format!(" from {}", adopted.from)),
        Event::Opened(_) | Event::Resumed(_) | Event::Closed(_) => return None,
    };
    Some(Words { operation, said, color, rest: printable(&rest) })
}
