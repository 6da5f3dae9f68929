//! What a simulated canister is: its state as it is kept on disk, and the description that one is made from.

use std::{collections::BTreeMap, time::Duration};

use camino::Utf8PathBuf;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Blob, Error};
use crate::id::{Digest, Name, Principal, SnapshotId, SnapshotIdError};

/// How many snapshots a canister may have.
pub(super) const SNAPSHOT_LIMIT: usize = 10;

/// What a canister does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It takes calls.
    Running,
    /// It takes none, and waits for its own to end.
    Stopping,
    /// It does nothing.
    Stopped,
}

/// A canister of a fleet that is to be made.
#[derive(Debug, Clone)]
pub struct CanisterSpec {
    /// Its id.
    pub principal: Principal,
    /// What the environment and the faults call it, if anything.
    pub name: Option<Name>,
    /// Who may manage it.
    pub controllers: Vec<Principal>,
    /// Its code; none in an empty canister.
    pub module: Option<Content>,
    /// Its heap.
    pub heap: Content,
    /// Its stable memory.
    pub stable: Content,
    /// What it does at first.
    pub status: Status,
    /// Its balance.
    pub cycles: u128,
    /// The snapshots that it has already.
    pub snapshots: Vec<SnapshotSpec>,
    /// Its settings but the controllers.
    pub settings: Settings,
    /// Its application methods.
    pub methods: BTreeMap<String, Method>,
    /// How long it stays Stopping; `Duration::MAX` is for ever.
    pub stop_takes: Duration,
}

impl CanisterSpec {
    /// A running canister of the default caller with the smallest module.
    pub fn new(principal: Principal) -> Self {
        Self {
            principal,
            name: None,
            controllers: vec![Principal::anonymous()],
            module: Some(Content::Bytes(b"\0asm\x01\0\0\0".to_vec())),
            heap: Content::Bytes(vec![7; 65_536]),
            stable: Content::Bytes(Vec::new()),
            status: Status::Running,
            cycles: 3_000_000_000_000,
            snapshots: Vec::new(),
            settings: Settings::default(),
            methods: BTreeMap::new(),
            stop_takes: Duration::ZERO,
        }
    }
}

/// Bytes that a canister is made with.
#[derive(Debug, Clone)]
pub enum Content {
    /// These, copied into the fleet.
    Bytes(Vec<u8>),
    /// Those of a file, by reference: it must stay.
    File(Utf8PathBuf),
    /// So many that nobody has, known by their digest.
    Digest {
        /// How many.
        size: u64,
        /// What they hash to.
        digest: Digest,
    },
}

/// A snapshot that a canister has already when the fleet is made.
#[derive(Debug, Clone)]
pub struct SnapshotSpec {
    /// Its id; the number in it also moves the canister's counter.
    pub id: SnapshotId,
    /// Its code.
    pub module: Content,
    /// Its heap.
    pub heap: Content,
    /// Its stable memory.
    pub stable: Content,
}

/// A canister as it is on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Canister {
    /// Its id.
    pub principal: Principal,
    /// What the environment and the faults call it.
    pub name: Option<Name>,
    /// Who may manage it.
    pub controllers: Vec<Principal>,
    /// What it does.
    pub status: Status,
    /// When it will be stopped, while it is Stopping; none: never.
    pub stops_at: Option<Timestamp>,
    /// How long the next stop takes; `Duration::MAX` is for ever.
    pub stop_takes: Duration,
    /// Its code.
    pub module: Option<Blob>,
    /// SHA-256 of its code.
    pub module_hash: Option<Digest>,
    /// Its heap.
    pub heap: Blob,
    /// Its stable memory.
    pub stable: Blob,
    /// The chunk store by SHA-256.
    pub chunks: BTreeMap<Digest, Blob>,
    /// Its balance, which nothing here spends.
    pub cycles: u128,
    /// Its settings but the controllers.
    pub settings: Settings,
    /// Its application methods.
    pub methods: BTreeMap<String, Method>,
    /// Its snapshots, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// The number of its next snapshot, which only grows.
    pub next_snapshot: u64,
    /// Grows by one with every start, stop and load.
    pub version: u64,
    /// Metadata that only snapshots carry in and out.
    pub extra: Extra,
    /// The number of the last change in the log.
    pub(super) applied: u64,
}

impl Canister {
    /// Bytes of code, memories, chunk store and snapshots.
    pub fn memory_size(&self) -> u64 {
        let chunks: u64 = self.chunks.values().map(Blob::size).sum();
        let snapshots: u64 = self.snapshots.iter().map(Snapshot::total_size).sum();
        let module = self.module.as_ref().map_or(0, Blob::size);
        module + self.heap.size() + self.stable.size() + chunks + snapshots
    }

    /// The snapshot of an id.
    pub fn snapshot(&self, id: &SnapshotId) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.id == *id)
    }

    /// Sets the status as somebody else's hand would.
    pub fn set_status(&mut self, status: Status) {
        if status != self.status && status != Status::Stopping {
            self.version += 1;
        }
        self.status = status;
        self.stops_at = None;
    }

    /// The id for a snapshot to be, never given twice.
    pub(super) fn new_snapshot_id(&mut self) -> Result<SnapshotId, SnapshotIdError> {
        let owner = hex::encode(self.principal.as_slice());
        let id = format!("{:016x}{owner}", self.next_snapshot).parse()?;
        self.next_snapshot += 1;
        Ok(id)
    }

    /// Takes the code and memories of a snapshot.
    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.module_hash = Some(snapshot.module.digest()?);
        self.version += 1;
        self.module = Some(snapshot.module.clone());
        self.heap = snapshot.heap.clone();
        self.stable = snapshot.stable.clone();
        self.chunks = snapshot.chunks.clone();
        self.extra = snapshot.extra.clone();
        Ok(())
    }
}

/// A snapshot, complete or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id.
    pub id: SnapshotId,
    /// Taken or uploaded.
    pub source: SnapshotSource,
    /// Nanoseconds since 1970.
    pub taken_at: u64,
    /// The canister's version then.
    pub canister_version: u64,
    /// The code.
    pub module: Blob,
    /// The heap.
    pub heap: Blob,
    /// The stable memory.
    pub stable: Blob,
    /// The chunk store by SHA-256.
    pub chunks: BTreeMap<Digest, Blob>,
    /// The rest of its metadata.
    pub extra: Extra,
}

/// Where a snapshot came from; only uploaded ones take data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotSource {
    /// The network took it of the canister.
    Taken,
    /// Somebody sent its metadata and then, perhaps, its data.
    Uploaded,
}

impl Snapshot {
    /// Bytes, as declared: an unfinished snapshot shows its full size.
    pub fn total_size(&self) -> u64 {
        let chunks: u64 = self.chunks.values().map(Blob::size).sum();
        self.module.size() + self.heap.size() + self.stable.size() + chunks
    }

    /// Whether every declared byte was written. The chunk store does not count: nobody declares it.
    pub fn is_complete(&self) -> bool {
        [&self.module, &self.heap, &self.stable].into_iter().all(Blob::is_complete)
    }
}

/// Metadata of a snapshot that nothing here looks into.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Extra {
    /// The exported mutable globals.
    pub globals: Vec<serde_json::Value>,
    /// The certified variable.
    pub certified_data: Vec<u8>,
    /// The global timer.
    pub global_timer: Option<serde_json::Value>,
    /// The status of the hook for low memory.
    pub on_low_wasm_memory_hook_status: Option<serde_json::Value>,
}

/// What an application method does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Method {
    /// It replies; the text is Candid, such as `(true)`.
    Reply(String),
    /// It rejects with these words.
    Reject(String),
}

/// Settings as `icp canister status` shows them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// Percent.
    pub compute_allocation: u64,
    /// Bytes.
    pub memory_allocation: u64,
    /// Seconds.
    pub freezing_threshold: u64,
    /// Cycles.
    pub reserved_cycles_limit: u128,
    /// Bytes.
    pub wasm_memory_limit: u64,
    /// Bytes.
    pub wasm_memory_threshold: u64,
    /// Bytes.
    pub log_memory_limit: u64,
    /// By name.
    pub environment_variables: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            compute_allocation: 0,
            memory_allocation: 0,
            freezing_threshold: 2_592_000,
            reserved_cycles_limit: 5_000_000_000_000,
            wasm_memory_limit: 3_221_225_472,
            wasm_memory_threshold: 0,
            log_memory_limit: 4_096,
            environment_variables: BTreeMap::new(),
        }
    }
}
