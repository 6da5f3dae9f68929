//! What a journal tells, for people and machines: who did what and when, how long each canister was closed, what is left
//! on the network, what is proved and what is not.
//!
//! [`read`] makes a [`Report`] from the events of a journal and from what they mean; the modules below render it. All
//! that programs printed is text from elsewhere: every renderer escapes it in its own way.

mod closed;
mod gather;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod proof;
pub mod text;
mod words;

use camino::Utf8Path;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    icp::{Command, Exit},
    id::{Digest, Name, Principal, SnapshotId},
    journal::{
        self,
        event::{Aim, Outcome, Tail, Verdict, Why},
    },
    operation::Operation,
};

pub use closed::Closure;
pub use gather::read;
pub use proof::Proofs;
pub use words::{clock, counted, phase, spoken, verdict};

/// All that a journal tells.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Of the form of this object.
    pub version: u32,
    /// What was to be done.
    pub plan: PlanLine,
    /// How the last run ended; nothing while one is at it, or after one was killed.
    pub verdict: Option<Verdict>,
    /// Whether a run is at it now.
    pub running: bool,
    /// How operations stand.
    pub counts: Counts,
    /// The time of the first event.
    pub began: Timestamp,
    /// The time of the last event.
    pub until: Timestamp,
    /// Every run that took the journal up.
    pub runs: Vec<Run>,
    /// How long canisters were closed.
    pub downtime: Downtime,
    /// In restore order.
    pub members: Vec<MemberLine>,
    /// In order.
    pub operations: Vec<Line>,
    /// Snapshots that this restore made and that are still there.
    pub left: Vec<Left>,
    /// What may be relied on, and what not.
    pub proofs: Proofs,
}

/// What was to be done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlanLine {
    /// The plan's name.
    pub name: Name,
    /// The digest of its meaning.
    pub digest: Digest,
    /// The program that opened the journal.
    pub tool: String,
    /// What icp called itself.
    pub icp: String,
    /// The flags that name the network.
    pub network: Vec<String>,
    /// The members that the run was narrowed to; all where it is empty.
    pub only: Vec<Name>,
    /// Whether it takes back what another journal did.
    pub rollback: bool,
}

/// How operations stand.
#[derive(Debug, Default, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// In all.
    pub total: usize,
    /// Done.
    pub completed: usize,
    /// At work.
    pub claimed: usize,
    /// Not begun.
    pub open: usize,
    /// Surely not applied.
    pub failed: usize,
    /// Only the network, or a person, knows.
    pub unknown: usize,
    /// Completed after more than one attempt.
    pub repeated: usize,
    /// Attempts whose outcome had to be asked of the network.
    pub settled: usize,
}

/// A process that took the journal up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Run {
    /// When.
    pub began: Timestamp,
    /// When it came to its end; nothing where it did not say.
    pub ended: Option<Timestamp>,
    /// How.
    pub verdict: Option<Verdict>,
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// The CI job.
    pub who: Option<String>,
}

/// How long canisters were closed: from the claim of the stop to the proof of the start, so never less than in truth.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Downtime {
    /// While at least one canister was closed.
    #[serde(serialize_with = "seconds")]
    pub fleet: SignedDuration,
    /// The longest of one canister, and whose.
    pub longest: Option<Longest>,
    /// Whether a canister that ran before, and is to run, is closed as of the last event.
    pub goes_on: bool,
}

/// The member that was closed longest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Longest {
    /// Its name.
    pub member: Name,
    /// For how long.
    #[serde(serialize_with = "seconds")]
    pub time: SignedDuration,
}

/// A member.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MemberLine {
    /// Its name.
    pub name: Name,
    /// The canister that its snapshot came from.
    pub source: Principal,
    /// The canister that it goes to.
    pub target: String,
    /// Whether those differ.
    pub relocated: bool,
    /// When it was closed.
    pub closed: Vec<Closure>,
    /// For how long in all.
    #[serde(serialize_with = "seconds")]
    pub downtime: SignedDuration,
    /// Whether it was stopped before this restore.
    pub was_stopped: bool,
    /// Whether the plan leaves it stopped.
    pub stays_stopped: bool,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Not begun.
    Open,
    /// At work.
    Claimed,
    /// Done.
    Completed,
    /// Surely not applied.
    Failed,
    /// Only the network, or a person, knows.
    Unknown,
}

/// An operation with all that was tried.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// The operation.
    #[serde(flatten)]
    pub operation: Operation,
    /// How it stands.
    pub status: Status,
    /// What is to be said of that, where it is not completed.
    pub message: Option<String>,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
}

/// One attempt at an operation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attempt {
    /// From 1; 0 where the outcome was taken over from another journal.
    pub number: u32,
    /// What for.
    pub aim: Aim,
    /// When it was claimed.
    pub began: Timestamp,
    /// When its command was seen to end, or where nobody saw that, when its outcome was known.
    pub ended: Option<Timestamp>,
    /// What came of it.
    pub end: End,
    /// Whether that had to be asked of the network, or of a person.
    pub settled: bool,
    /// What was run.
    pub command: Option<Command>,
    /// How the command ended.
    pub exit: Option<Exit>,
    /// What the network said when it refused.
    pub rejection: Option<String>,
    /// What is to be said of it.
    pub notes: Vec<String>,
    /// What was asked and seen, or whose word it is.
    pub evidence: Vec<String>,
    /// The snapshot that was made, loaded or deleted.
    pub snapshot_id: Option<SnapshotId>,
    /// The code in it.
    pub module_hash: Option<Digest>,
    /// Unfinished snapshots that it left behind.
    pub orphans: Vec<SnapshotId>,
    /// The end of what the command printed.
    pub stdout: Tail,
    /// The end of its errors.
    pub stderr: Tail,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Nothing is written of it.
    Open,
    /// A receipt.
    Outcome(Outcome),
    /// It counts as not made.
    Released(Why),
}

/// A snapshot that is still on the network, as far as the journal tells.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Left {
    /// Which.
    pub snapshot: SnapshotId,
    /// On which canister.
    pub canister: String,
    /// For which member.
    pub member: Name,
    /// What it is.
    pub what: LeftKind,
}

/// What a snapshot that is still there was made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftKind {
    /// It was uploaded.
    Uploaded,
    /// It was taken before the load: a rollback needs it.
    Safety,
    /// It is unfinished, left behind by an upload.
    Orphan,
}

/// Why there is no report.
pub type Error = journal::Error;

/// What renderers are told beside the journal.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The journal.
    pub journal: &'a Utf8Path,
}

impl Report {
    /// Operations that stand in the way.
    pub fn troubles(&self) -> impl Iterator<Item = &Line> {
        self.operations.iter().filter(|line| matches!(line.status, Status::Failed | Status::Unknown))
    }

    /// The verdict in words.
    pub fn headline(&self) -> &'static str {
        if self.running { "running" } else { verdict(self.verdict) }
    }
}

impl Status {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Claimed => "at work",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl LeftKind {
    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Safety => "safety snapshot",
            Self::Orphan => "unfinished upload",
        }
    }
}

impl End {
    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "no receipt",
            Self::Outcome(Outcome::Completed) => "completed",
            Self::Outcome(Outcome::Rejected) => "rejected",
            Self::Outcome(Outcome::NotSent) => "not sent",
            Self::Outcome(Outcome::Disproved) => "not as planned",
            Self::Outcome(Outcome::Unknown) => "unknown",
            Self::Released(Why::NotStarted) => "not started",
            Self::Released(Why::NotApplied) => "not applied",
            Self::Released(Why::Drift) => "no longer holds",
            Self::Released(Why::Resolved) => "made ready by a person",
        }
    }
}

impl Attempt {
    /// How long it took, if it has an end.
    pub fn time(&self) -> Option<SignedDuration> {
        Some(self.ended?.duration_since(self.began))
    }

    /// Everything that is to be said of it, in one list.
    pub fn said(&self) -> impl Iterator<Item = &str> {
        // What a person said is a note and evidence at once.
        let again = |note: &String| self.evidence.iter().any(|evidence| evidence.ends_with(note.as_str()));
        let notes = self.notes.iter().filter(move |note| Some(*note) != self.rejection.as_ref() && !again(note));
        self.rejection.iter().chain(notes).chain(&self.evidence).map(String::as_str)
    }
}

fn seconds<S: serde::Serializer>(time: &SignedDuration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}
