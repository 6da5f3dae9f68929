//! Snapshots of a canister, taken or uploaded.

use std::{collections::BTreeMap, fmt, ops::Range, str::FromStr};

use candid::Principal;
use ic_management_canister_types::{CanisterTimer, OnLowWasmMemoryHookStatus, SnapshotMetadataGlobal};

use crate::Blob;

/// A canister's local number, then the canister's own id.
///
/// The number only grows, so an id is never given twice, and the owner can be read from it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(Vec<u8>);

impl SnapshotId {
    /// The id of the canister's snapshot with that local number.
    pub fn new(number: u64, canister: Principal) -> Self {
        Self([&number.to_be_bytes(), canister.as_slice()].concat())
    }

    /// The id as the management canister's interface has it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The canister that the id names, if it is long enough to name one.
    pub fn owner(&self) -> Option<Principal> {
        Principal::try_from_slice(self.0.get(8..)?).ok()
    }
}

impl From<Vec<u8>> for SnapshotId {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl FromStr for SnapshotId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex::decode(text).map(Self)
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for SnapshotId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// Where a snapshot came from; only uploaded ones take data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The network took it of the canister.
    Taken,
    /// Someone sent the metadata, and then, perhaps, the data.
    Uploaded,
}

/// A snapshot and its data, complete or not.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The key of this snapshot in its canister.
    pub id: SnapshotId,
    /// Taken, or uploaded.
    pub source: Source,
    /// Nanoseconds since 1970.
    pub taken_at: u64,
    /// The version of the canister when the snapshot came to be.
    pub canister_version: u64,
    /// The code.
    pub module: Blob,
    /// The heap: icp's `wasm_memory.bin`.
    pub heap: Blob,
    /// Stable memory.
    pub stable: Blob,
    /// The chunk store, by SHA-256.
    pub chunks: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The rest of the metadata, which nothing here looks into.
    pub extra: Extra,
}

/// Metadata that is handed on from take to read and from upload to load.
#[derive(Debug, Clone)]
pub struct Extra {
    /// The module's exported and mutable globals.
    pub globals: Vec<SnapshotMetadataGlobal>,
    /// The canister's certified variable.
    pub certified_data: Vec<u8>,
    /// Absent in older snapshots.
    pub global_timer: Option<CanisterTimer>,
    /// Absent in older snapshots.
    pub hook: Option<OnLowWasmMemoryHookStatus>,
}

impl Default for Extra {
    /// What a canister has that was compiled from Rust and never set a timer.
    fn default() -> Self {
        Self {
            globals: vec![SnapshotMetadataGlobal::I32(1_048_576)],
            certified_data: Vec::new(),
            global_timer: Some(CanisterTimer::Inactive),
            hook: Some(OnLowWasmMemoryHookStatus::ConditionNotSatisfied),
        }
    }
}

impl Snapshot {
    /// The sum of what was declared, as `icp canister snapshot list` shows it.
    pub fn total_size(&self) -> u64 {
        let chunks: usize = self.chunks.values().map(Vec::len).sum();
        (self.module.len() + self.heap.len() + self.stable.len() + chunks) as u64
    }

    /// Whether every declared byte was written.
    ///
    /// Chunks of the chunk store do not count: the metadata does not say how many come.
    pub fn is_complete(&self) -> bool {
        self.missing().is_empty()
    }

    /// The byte ranges that are still the zeros of the allocation, by memory.
    pub fn missing(&self) -> Vec<(&'static str, Range<usize>)> {
        [("module", &self.module), ("heap", &self.heap), ("stable", &self.stable)]
            .into_iter()
            .flat_map(|(name, blob)| blob.missing().into_iter().map(move |range| (name, range)))
            .collect()
    }
}
