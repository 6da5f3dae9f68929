//! What a restore does, in order: a plan compiled into operations that know what they wait for.
//!
//! Sequence numbers are contiguous from 0 and the same for the same plan. At one operation at a time the order of
//! execution is the sequence; with more, whatever has all that it waits for may run.

mod compile;

use std::{collections::HashMap, fmt, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::{Name, Principal, SnapshotId},
    plan::Target,
};

pub use compile::compile;

/// The number of an operation in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sequence(pub u32);

/// All operations of a restore, by sequence number. A clone shares them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operations {
    all: Arc<[Operation]>,
    /// By kind and member: there is one of each at most.
    index: Arc<HashMap<(Kind, Name), Sequence>>,
}

/// One step of a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Operation {
    /// Its place in the order.
    pub sequence: Sequence,
    /// What it does.
    pub kind: Kind,
    /// The member that it serves.
    pub member: Name,
    /// The canister that the snapshot came from.
    pub source: Principal,
    /// The canister that it acts on.
    pub target: Target,
    /// What must be completed before.
    pub after: Vec<Sequence>,
    /// The snapshot that it loads or deletes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub snapshot: Option<Which>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Brings a snapshot from disk to its canister.
    UploadSnapshot,
    /// Stops a canister.
    StopCanister,
    /// Takes a safety snapshot.
    TakeSnapshot,
    /// Puts a snapshot in the place of the canister's state.
    LoadSnapshot,
    /// Starts a canister.
    StartCanister,
    /// Proves what the plan says of a member.
    VerifyMember,
    /// Looks at all members once more, together.
    VerifyFleet,
    /// Removes a snapshot that this run uploaded.
    DeleteSnapshot,
}

/// Which snapshot an operation works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// One that was on the canister before.
    Known(SnapshotId),
    /// The one that an operation of this plan made: its latest completed receipt has the id.
    MadeBy(Sequence),
}

/// How far a run may go; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// All snapshots are on their canisters; nothing was interrupted yet.
    Uploaded,
    /// All canisters are stopped and their safety snapshots taken.
    Stopped,
    /// All snapshots are loaded.
    Loaded,
    /// All canisters are started and verified.
    Started,
}

impl Operations {
    /// The operations of a journal, whose numbers have been checked to be contiguous from 0.
    pub(crate) fn new(operations: Vec<Operation>) -> Self {
        let index = operations.iter().map(|o| ((o.kind, o.member.clone()), o.sequence)).collect();
        Self { all: operations.into(), index: Arc::new(index) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// In order.
    pub fn iter(&self) -> std::slice::Iter<'_, Operation> {
        self.all.iter()
    }

    /// The operation of a number, if there are that many.
    pub fn get(&self, sequence: Sequence) -> Option<&Operation> {
        self.all.get(sequence.index())
    }

    /// The operation of a kind for a member.
    pub fn find(&self, kind: Kind, member: &Name) -> Option<&Operation> {
        self.get(*self.index.get(&(kind, member.clone()))?)
    }
}

impl<'a> IntoIterator for &'a Operations {
    type Item = &'a Operation;
    type IntoIter = std::slice::Iter<'a, Operation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Sequence {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Kind {
    /// All kinds, in the order of their phases.
    pub const ALL: [Self; 8] = [
        Self::UploadSnapshot,
        Self::StopCanister,
        Self::TakeSnapshot,
        Self::LoadSnapshot,
        Self::StartCanister,
        Self::VerifyMember,
        Self::VerifyFleet,
        Self::DeleteSnapshot,
    ];

    /// The word for it in plans, journals and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UploadSnapshot => "upload-snapshot",
            Self::StopCanister => "stop-canister",
            Self::TakeSnapshot => "take-snapshot",
            Self::LoadSnapshot => "load-snapshot",
            Self::StartCanister => "start-canister",
            Self::VerifyMember => "verify-member",
            Self::VerifyFleet => "verify-fleet",
            Self::DeleteSnapshot => "delete-snapshot",
        }
    }

    /// Whether it changes anything on the network.
    pub fn mutates(self) -> bool {
        !matches!(self, Self::VerifyMember | Self::VerifyFleet)
    }

    /// The phase that it belongs to; none for the cleanup after all of them.
    pub fn phase(self) -> Option<Phase> {
        match self {
            Self::UploadSnapshot => Some(Phase::Uploaded),
            Self::StopCanister | Self::TakeSnapshot => Some(Phase::Stopped),
            Self::LoadSnapshot => Some(Phase::Loaded),
            Self::StartCanister | Self::VerifyMember | Self::VerifyFleet => Some(Phase::Started),
            Self::DeleteSnapshot => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
