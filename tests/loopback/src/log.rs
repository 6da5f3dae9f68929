//! The log of calls that reached the fleet, in the order of their effects.

use std::time::{SystemTime, UNIX_EPOCH};

use candid::Principal;
use serde::{Serialize, Serializer};

use crate::{Reject, SnapshotId, Status};

/// One call, after it had its effect or was refused.
///
/// A call that a fault dropped before its effect is not here; one whose answer was lost is.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    /// From 0, without gaps.
    pub sequence: u64,
    /// Nanoseconds since 1970.
    pub at: u64,
    /// The canister that the call is about.
    pub canister: Principal,
    /// The method, of the management canister or of the canister itself.
    pub method: String,
    /// Whether a call of this method can change anything; see [`Applied::changed`].
    pub mutates: bool,
    /// What the argument says, for management calls about snapshots.
    #[serde(flatten)]
    pub detail: Detail,
    /// The canister's status before the call; absent if there is no such canister.
    pub status_before: Option<Status>,
    /// Who signed the request.
    pub caller: Principal,
    /// The proxy canister that passed the call on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<Principal>,
    /// What the network answered, or would have.
    pub outcome: Outcome,
}

impl Applied {
    /// Whether the call had an effect: it mutates, and it was not refused.
    pub fn changed(&self) -> bool {
        self.mutates && !matches!(self.outcome, Outcome::Rejected { .. })
    }
}

/// The part of a call's argument that tests ask about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// The snapshot that was named, or that came to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotId>,
    /// The snapshot that was to go for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<SnapshotId>,
    /// Which bytes were read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSpan>,
}

/// A piece of a snapshot's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DataSpan {
    /// Which of its parts.
    pub kind: DataKind,
    /// From where; 0 for a chunk of the chunk store.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

/// The parts of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataKind {
    /// The code.
    Module,
    /// The heap.
    Heap,
    /// Stable memory.
    Stable,
    /// The chunk store.
    Chunk,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With a reply.
    Replied,
    /// With a refusal.
    Rejected {
        /// Such as `IC0406`.
        error_code: Option<String>,
        /// Its words.
        message: String,
    },
    /// Not yet: a stop that waits for the canister.
    Pending,
}

impl From<&Reject> for Outcome {
    fn from(reject: &Reject) -> Self {
        Self::Rejected { error_code: reject.error_code.clone(), message: reject.message.clone() }
    }
}

impl Serialize for SnapshotId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The network's clock is the machine's.
pub(crate) fn now_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
