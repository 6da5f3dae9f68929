//! What a journal holds: one event a line, the format's version 1.
//!
//! Every line has `v`, `event`, `at`, `prev` (the SHA-256 of the line before, zeros in the first) and, last, `sum` (the
//! first 16 hex digits of the SHA-256 of all that stands before it in the line). Readers pass over fields that they do
//! not know and refuse a greater version; whatever changes the meaning of a journal raises the version.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    icp::{Command, Exit, Rejection, Status, status::State},
    id::{Digest, Name, Principal, SnapshotId},
    operation::{Kind, Operation, Sequence},
};

/// The version of the format that this program writes.
pub const VERSION: u32 = 1;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// First line, and only there: what this journal is of.
    Opened(Box<Opened>),
    /// A run takes the journal up.
    Resumed(Resumed),
    /// An operation is about to have its effect.
    Claimed(Box<Claimed>),
    /// Its command has ended.
    Finished(Box<Finished>),
    /// What was unknown is known.
    Settled(Box<Settled>),
    /// An operation is ready again: nothing happened, or what happened no longer holds.
    Released(Released),
    /// The outcome of an operation is taken over from another journal.
    Adopted(Box<Adopted>),
    /// A run has come to its end.
    Closed(Closed),
}

/// What a journal is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Opened {
    /// The program that opened it.
    pub tool: String,
    /// The plan's name.
    pub plan: Name,
    /// The digest of its meaning.
    pub digest: Digest,
    /// Its text.
    pub text: String,
    /// The members that the run was narrowed to; all where it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Name>,
    /// What icp called itself.
    pub icp: String,
    /// The flags that name the network.
    pub network: Vec<String>,
    /// What names of canisters stood for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<Name, Principal>,
    /// What is to be done.
    pub operations: Vec<Operation>,
    /// Of a rollback: the digest of the last line of the journal that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Digest>,
}

/// Who takes a journal up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Resumed {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// What icp calls itself now.
    pub icp: String,
    /// The CI job, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

/// An effect that is about to be had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Claimed {
    /// Which.
    pub operation: Sequence,
    /// From 1, without gaps.
    pub attempt: u32,
    /// What the claim is for.
    #[serde(default, skip_serializing_if = "Aim::is_do")]
    pub aim: Aim,
    /// What is run.
    pub command: Command,
    /// When it will be ended.
    pub deadline: Timestamp,
    /// What was true before.
    pub before: Before,
}

/// What an operation is claimed for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// To be done.
    #[default]
    Do,
    /// Of a stop: to be taken back, because nothing was loaded and nothing will be.
    TakeBack,
    /// Of an upload: to have an unfinished snapshot that it left behind deleted.
    Clear(#[schemars(with = "String")] SnapshotId),
}

/// What was true before an effect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Before {
    /// Whether the canister ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<State>,
    /// Its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_hash: Option<Digest>,
    /// Who controlled it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controllers: Vec<Principal>,
    /// Its settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The snapshots that it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Vec<SnapshotId>>,
}

/// A command has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finished {
    /// Which operation.
    pub operation: Sequence,
    /// Which attempt.
    pub attempt: u32,
    /// What came of it.
    pub receipt: Receipt,
}

/// What was unknown is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Settled {
    /// Which operation.
    pub operation: Sequence,
    /// Which attempt.
    pub attempt: u32,
    /// What was asked and seen, or whose word it is and why.
    pub evidence: Vec<String>,
    /// What came of it.
    pub receipt: Receipt,
}

/// An operation is ready again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Released {
    /// Which operation.
    pub operation: Sequence,
    /// Which attempt.
    pub attempt: u32,
    /// Why.
    pub why: Why,
    /// What was asked and seen, or whose word it is and why.
    pub evidence: Vec<String>,
    /// Unfinished snapshots that it left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<SnapshotId>,
}

/// Why an operation is ready again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The program could not be started.
    NotStarted,
    /// The network shows that nothing happened.
    NotApplied,
    /// What was completed no longer holds: somebody changed it.
    Drift,
    /// A person says so.
    Resolved,
}

/// The outcome of an operation is taken over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Adopted {
    /// Which operation.
    pub operation: Sequence,
    /// The journal that it comes from: its name and the digest of its last line.
    pub from: String,
    /// What came of it there.
    pub receipt: Receipt,
}

/// A run has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Closed {
    /// How.
    pub verdict: Verdict,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything is completed.
    Done,
    /// An operation failed.
    Failed,
    /// An outcome is unknown.
    Unknown,
    /// A verification disproved what the plan says.
    Unverified,
    /// It was to go so far and no further.
    Stopped,
    /// By a signal.
    Interrupted,
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Receipt {
    /// The kind of the operation.
    pub kind: Kind,
    /// Its source.
    pub source: Principal,
    /// The canister that it acted on.
    pub target: Principal,
    /// What is known.
    pub outcome: Outcome,
    /// How the command ended; nothing where the outcome was seen from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
    /// What is to be said of it; of a failed verification, what was disproved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The snapshot that was made, loaded or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<SnapshotId>,
    /// Its size in bytes, as the network declares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_size: Option<u64>,
    /// The code in it: of an upload, of its artifact; of a load or a verification, as seen afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_hash: Option<Digest>,
    /// Unfinished snapshots that were left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<SnapshotId>,
    /// When the command was started.
    pub started: Timestamp,
    /// When its end was seen.
    pub ended: Timestamp,
    /// What it printed.
    #[serde(default, skip_serializing_if = "Tail::is_empty")]
    pub stdout: Tail,
    /// Its errors and progress.
    #[serde(default, skip_serializing_if = "Tail::is_empty")]
    pub stderr: Tail,
}

/// What is known of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Done, and proved so.
    Completed,
    /// Refused: surely not applied.
    Rejected,
    /// Not sent at all: surely not applied.
    NotSent,
    /// Of a verification: what the plan says is not so.
    Disproved,
    /// Only the network knows.
    Unknown,
}

/// The end of an output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tail {
    /// At most 64 KiB of text.
    pub text: String,
    /// How many bytes there were.
    pub bytes: usize,
}

impl Before {
    /// How a canister is right before.
    pub fn of(status: &Status) -> Self {
        Self {
            status: Some(status.state),
            module_hash: status.module_hash,
            controllers: status.controllers.clone(),
            ..Self::default()
        }
    }
}

impl Aim {
    fn is_do(&self) -> bool {
        *self == Self::Do
    }
}

impl Tail {
    /// Keeps the end of a text.
    pub fn of(text: &str) -> Self {
        let from = text.ceil_char_boundary(text.len().saturating_sub(64 << 10));
        Self { text: text[from..].to_owned(), bytes: text.len() }
    }

    /// Whether nothing was printed.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
}

impl Event {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Resumed(_) => "resumed",
            Self::Claimed(_) => "claimed",
            Self::Finished(_) => "finished",
            Self::Settled(_) => "settled",
            Self::Released(_) => "released",
            Self::Adopted(_) => "adopted",
            Self::Closed(_) => "closed",
        }
    }

    /// The operation that it is about.
    pub fn operation(&self) -> Option<Sequence> {
        match self {
            Self::Opened(_) | Self::Resumed(_) | Self::Closed(_) => None,
            Self::Claimed(event) => Some(event.operation),
            Self::Finished(event) => Some(event.operation),
            Self::Settled(event) => Some(event.operation),
            Self::Released(event) => Some(event.operation),
            Self::Adopted(event) => Some(event.operation),
        }
    }
}
