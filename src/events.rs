//! The stream of events that programs follow a run by: JSON Lines, described in `docs/events.md`.
//!
//! It tells what the journal tells, as it happens, with the names that a reader would have to look up, and without
//! outputs and commands, which stay in the journal. Its form is a promise of its own: the journal may change without it.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::{
    icp::Exit,
    journal::{
        event::{self, Aim, Outcome, Receipt, Verdict, Why},
        replay::Replay,
    },
    operation::{Kind, Sequence},
};

/// The version of the stream. It is raised when a reader of the one before would be misled, and only then: readers pass
/// over events, fields and words that they do not know.
pub const VERSION: u32 = 1;

/// A line of the stream.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Line {
    /// The version of the stream: 1.
    #[schemars(range(min = 1, max = 1))]
    pub v: u32,
    /// When it was written to the journal.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Event {
    /// The first line: what this stream is of.
    Hello {
        /// The program and its version.
        tool: String,
        /// The plan's name.
        plan: String,
        /// The SHA-256 of its meaning, in hex.
        digest: String,
        /// The journal, where the receipts are.
        journal: String,
        /// How many operations there are in all.
        operations: usize,
        /// How many of them were completed before.
        completed: usize,
    },
    /// An operation is about to have its effect.
    Claimed {
        /// Which operation.
        #[serde(flatten)]
        of: Of,
        /// What it is claimed for: mostly, to be done.
        aim: Aim,
        /// When its command will be ended at the latest.
        #[schemars(with = "String", extend("format" = "date-time"))]
        deadline: Timestamp,
    },
    /// Its command has ended.
    Finished {
        /// Which operation.
        #[serde(flatten)]
        of: Of,
        /// What came of it.
        #[serde(flatten)]
        result: Result,
    },
    /// What was unknown is known.
    Settled {
        /// Which operation.
        #[serde(flatten)]
        of: Of,
        /// What was asked and seen, or whose word it is and why.
        evidence: Vec<String>,
        /// What came of it.
        #[serde(flatten)]
        result: Result,
    },
    /// An operation is ready again.
    Released {
        /// Which operation.
        #[serde(flatten)]
        of: Of,
        /// Why.
        why: Why,
        /// What was asked and seen, or whose word it is and why.
        evidence: Vec<String>,
    },
    /// The outcome of an operation was taken over from another journal.
    Adopted {
        /// Which operation.
        #[serde(flatten)]
        of: Of,
        /// That journal.
        from: String,
    },
    /// The last line: the run has come to its end. A stream without it was cut off.
    Ended {
        /// How it ended, in a word.
        verdict: Verdict,
        /// The exit code of the program.
        exit: u8,
        /// How many operations there are in all.
        operations: usize,
        /// How many of them are completed now.
        completed: usize,
    },
}

/// Which operation an event is of.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Of {
    /// Its number.
    pub operation: Sequence,
    /// What it does.
    pub kind: Kind,
    /// The member that it serves.
    pub member: String,
    /// The canister that it acts on.
    pub target: String,
    /// Which attempt at it, from 1; 0 of what was taken over.
    pub attempt: u32,
}

/// What came of an attempt.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Result {
    /// What is known.
    pub outcome: Outcome,
    /// How the command ended; nothing where the outcome was seen from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// What the network said when it refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<String>,
    /// What is to be said of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The snapshot that was made, loaded or deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// How long the command took.
    pub seconds: f64,
}

/// The JSON Schema of a line.
pub fn schema() -> Schema {
    let mut schema = schemars::schema_for!(Line);
    schema.insert("title".to_owned(), "icp-restore events: one line".into());
    schema
}

/// The first line.
pub fn hello(replay: &Replay, journal: &str) -> Line {
    let event = Event::Hello {
        tool: concat!("icp-restore ", env!("CARGO_PKG_VERSION")).to_owned(),
        plan: replay.opened.plan.to_string(),
        digest: replay.opened.digest.to_string(),
        journal: journal.to_owned(),
        operations: replay.operations.len(),
        completed: completed(replay),
    };
    Line { v: VERSION, at: replay.last(), event }
}

/// The last line.
pub fn ended(replay: &Replay, verdict: Verdict, exit: u8) -> Line {
    let event = Event::Ended { verdict, exit, operations: replay.operations.len(), completed: completed(replay) };
    Line { v: VERSION, at: replay.last(), event }
}

/// The line of an event that was just recorded; none for those that [`hello`] and [`ended`] stand for.
pub fn line(event: &event::Event, replay: &Replay) -> Option<Line> {
    let of = |attempt: u32| {
        let operation = replay.operations.get(event.operation()?)?;
        Some(Of {
            operation: operation.sequence,
            kind: operation.kind,
            member: operation.member.to_string(),
            target: operation.target.to_string(),
            attempt,
        })
    };
    let event = match event {
        event::Event::Claimed(claimed) => {
            Event::Claimed { of: of(claimed.attempt)?, aim: claimed.aim.clone(), deadline: claimed.deadline }
        }
        event::Event::Finished(finished) => {
            Event::Finished { of: of(finished.attempt)?, result: Result::of(&finished.receipt) }
        }
        event::Event::Settled(settled) => Event::Settled {
            of: of(settled.attempt)?,
            evidence: settled.evidence.clone(),
            result: Result::of(&settled.receipt),
        },
        event::Event::Released(released) => {
            Event::Released { of: of(released.attempt)?, why: released.why, evidence: released.evidence.clone() }
        }
        event::Event::Adopted(adopted) => Event::Adopted { of: of(0)?, from: adopted.from.clone() },
        event::Event::Opened(_) | event::Event::Resumed(_) | event::Event::Closed(_) => return None,
    };
    Some(Line { v: VERSION, at: replay.last(), event })
}

impl Result {
    fn of(receipt: &Receipt) -> Self {
        Self {
            outcome: receipt.outcome,
            exit: receipt.exit,
            rejection: receipt.rejection.as_ref().map(|rejection| rejection.message.clone()),
            notes: receipt.notes.clone(),
            snapshot_id: receipt.snapshot_id.as_ref().map(ToString::to_string),
            seconds: receipt.ended.duration_since(receipt.started).as_secs_f64(),
        }
    }
}

fn completed(replay: &Replay) -> usize {
    replay.iter().filter(|(_, slot)| slot.is_completed()).count()
}
