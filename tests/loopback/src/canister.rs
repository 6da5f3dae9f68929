//! One canister of the simulated fleet.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use candid::Principal;
use ic_transport_types::RequestId;

use crate::{
    Blob, Method, Settings, Snapshot, SnapshotId,
    artifact::digest,
    log::now_nanos,
    snapshot::{Extra, Source},
};

/// How many snapshots a canister may have.
pub(crate) const SNAPSHOT_LIMIT: usize = 10;

/// What a canister is doing, as `icp canister status` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It answers calls.
    Running,
    /// It was told to stop and still has open calls.
    Stopping,
    /// It answers no calls, and can be loaded.
    Stopped,
}

/// A canister as a test wants it; the rest is made up.
#[derive(Debug, Clone)]
pub struct CanisterSpec {
    /// Given by the network if absent.
    pub id: Option<Principal>,
    /// Whoever may manage it.
    pub controllers: Vec<Principal>,
    /// The code; without it the canister is empty.
    pub module: Option<Vec<u8>>,
    /// The heap.
    pub heap: Vec<u8>,
    /// Stable memory.
    pub stable: Vec<u8>,
    /// Chunks of the chunk store; their names are computed.
    pub chunks: Vec<Vec<u8>>,
    /// The balance; this network never spends of it.
    pub cycles: u128,
    /// Everything else that its controllers can set.
    pub settings: Settings,
    /// What it does at first.
    pub status: Status,
    /// How long it stays `Stopping` after a stop; `Duration::MAX` is for ever.
    pub stop_delay: Duration,
    /// Its application methods, by name.
    pub methods: BTreeMap<String, Method>,
}

impl CanisterSpec {
    /// A running canister with a small module, three pages of heap and nothing else.
    pub fn new(controllers: impl IntoIterator<Item = Principal>) -> Self {
        Self {
            id: None,
            controllers: controllers.into_iter().collect(),
            module: Some(crate::wasm_module("first")),
            heap: vec![7; 3 * 65_536],
            stable: Vec::new(),
            chunks: Vec::new(),
            cycles: 3_000_000_000_000,
            settings: Settings::default(),
            status: Status::Running,
            stop_delay: Duration::ZERO,
            methods: BTreeMap::new(),
        }
    }

    /// Adds an application method, or replaces one.
    #[must_use]
    pub fn method(mut self, name: &str, method: Method) -> Self {
        self.methods.insert(name.to_owned(), method);
        self
    }
}

/// A call that waits for a canister to stop.
#[derive(Debug, Clone)]
pub(crate) struct Waiter {
    pub(crate) request: RequestId,
    /// Whether the reply goes through a proxy canister.
    pub(crate) proxied: bool,
}

/// Something that happened to a canister, and the version it then had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Nanoseconds since 1970.
    pub at: u64,
    /// The version counter after the change.
    pub version: u64,
    /// What it was.
    pub kind: ChangeKind,
}

/// The kinds of changes that this network knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// The canister came to be.
    Created,
    /// It was told to stop, and did.
    Stopped,
    /// It was started.
    Started,
    /// A snapshot replaced its code and memories.
    Loaded(SnapshotId),
}

/// A canister's whole state; tests get clones, and can change the original.
#[derive(Debug, Clone)]
pub struct Canister {
    /// Its principal.
    pub id: Principal,
    /// Whoever may manage it.
    pub controllers: Vec<Principal>,
    /// Change it by [`Canister::set_status`] to keep the history honest.
    pub status: Status,
    /// `None`: an empty canister.
    pub module: Option<Blob>,
    /// The heap.
    pub heap: Blob,
    /// Stable memory.
    pub stable: Blob,
    /// The chunk store, by SHA-256.
    pub chunks: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The balance.
    pub cycles: u128,
    /// Everything else that its controllers can set.
    pub settings: Settings,
    /// How long the next stop takes; `Duration::MAX` is for ever.
    pub stop_delay: Duration,
    /// Application methods, by name.
    pub methods: BTreeMap<String, Method>,
    /// Snapshots in the order of their local numbers.
    pub snapshots: Vec<Snapshot>,
    /// The local number of the next snapshot; it never goes back.
    pub next_snapshot: u64,
    /// Grows by one with each change.
    pub version: u64,
    /// Every change, the first one first.
    pub history: Vec<Change>,
    pub(crate) extra: Extra,
    /// When a stop that is under way ends; absent if it never does.
    pub(crate) stops_at: Option<Instant>,
    /// The calls that wait for that.
    pub(crate) stop_waiters: Vec<Waiter>,
}

impl Canister {
    pub(crate) fn new(id: Principal, spec: CanisterSpec) -> Self {
        let mut canister = Self {
            id,
            controllers: spec.controllers,
            status: spec.status,
            module: spec.module.map(Blob::from),
            heap: spec.heap.into(),
            stable: spec.stable.into(),
            chunks: spec.chunks.into_iter().map(named_chunk).collect(),
            cycles: spec.cycles,
            settings: spec.settings,
            stop_delay: spec.stop_delay,
            methods: spec.methods,
            snapshots: Vec::new(),
            next_snapshot: 0,
            version: 0,
            history: Vec::new(),
            extra: Extra::default(),
            stops_at: None,
            stop_waiters: Vec::new(),
        };
        canister.record(ChangeKind::Created);
        canister
    }

    /// SHA-256 of the code, which is what `icp canister status` shows.
    pub fn module_hash(&self) -> Option<Vec<u8>> {
        self.module.as_ref().map(|module| digest(module.bytes()))
    }

    /// The snapshot with that id.
    pub fn snapshot(&self, id: &SnapshotId) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.id == *id)
    }

    /// Sets the status behind everyone's back, as another operator would.
    pub fn set_status(&mut self, status: Status) {
        match status {
            Status::Running if self.status != status => self.record(ChangeKind::Started),
            Status::Stopped if self.status != status => self.record(ChangeKind::Stopped),
            Status::Running | Status::Stopping | Status::Stopped => {}
        }
        self.status = status;
        self.stops_at = None;
    }

    /// The loads in its history, oldest first.
    pub fn loads(&self) -> Vec<SnapshotId> {
        self.history
            .iter()
            .filter_map(|change| match &change.kind {
                ChangeKind::Loaded(id) => Some(id.clone()),
                ChangeKind::Created | ChangeKind::Stopped | ChangeKind::Started => None,
            })
            .collect()
    }

    /// Takes a snapshot behind everyone's back; the limit does not hold here.
    pub fn take_snapshot(&mut self) -> SnapshotId {
        let snapshot = Snapshot {
            id: self.new_snapshot_id(),
            source: Source::Taken,
            taken_at: now_nanos(),
            canister_version: self.version,
            module: self.module.clone().unwrap_or_default(),
            heap: self.heap.clone(),
            stable: self.stable.clone(),
            chunks: self.chunks.clone(),
            extra: self.extra.clone(),
        };
        let id = snapshot.id.clone();
        self.snapshots.push(snapshot);
        id
    }

    /// Bytes of code, memories, chunk store and snapshots.
    pub fn memory_size(&self) -> u64 {
        let own = self.module.as_ref().map_or(0, Blob::len) + self.heap.len() + self.stable.len();
        let chunks: usize = self.chunks.values().map(Vec::len).sum();
        (own + chunks) as u64 + self.snapshots_size()
    }

    pub(crate) fn snapshots_size(&self) -> u64 {
        self.snapshots.iter().map(Snapshot::total_size).sum()
    }

    pub(crate) fn new_snapshot_id(&mut self) -> SnapshotId {
        let id = SnapshotId::new(self.next_snapshot, self.id);
        self.next_snapshot += 1;
        id
    }

    pub(crate) fn load(&mut self, snapshot: &Snapshot) {
        self.module = Some(snapshot.module.clone());
        self.heap = snapshot.heap.clone();
        self.stable = snapshot.stable.clone();
        self.chunks = snapshot.chunks.clone();
        self.extra = snapshot.extra.clone();
        self.record(ChangeKind::Loaded(snapshot.id.clone()));
    }

    fn record(&mut self, kind: ChangeKind) {
        self.version += 1;
        self.history.push(Change { at: now_nanos(), version: self.version, kind });
    }
}

/// A chunk under the name that the chunk store gives it.
pub(crate) fn named_chunk(chunk: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    (digest(&chunk), chunk)
}
