//! Artifacts: snapshots on disk, as `icp canister snapshot download` leaves them.
//!
//! In the order of a restore: [`find()`] the path that a plan names without leaving the backup; [`seal`] it, which is
//! to hash every file once; hold its [`metadata`] against the seal; [`stage`] links to it for `icp` to upload from,
//! and verify them right before; read the [`progress`] of an upload that was cut short; compare the [`readback`]
//! with what was sent. Nothing here writes to an artifact, follows a link in one, prints, or knows of plans:
//! problems are data, and every one names its path.

pub mod entry;
pub mod find;
mod hash;
pub mod metadata;
pub mod progress;
pub mod readback;
pub mod seal;
pub mod stage;

pub use find::find;
pub use hash::{Step, Watch};
pub use metadata::Metadata;
pub use seal::Seal;

/// The files that `icp` keeps for itself at the top of an artifact directory; they are no part of the artifact.
pub const ICP_FILES: [&str; 4] = [LOCK, progress::FILE, DOWNLOAD_PROGRESS, ".download_progress.json.tmp"];

/// The lock that `icp` leaves, empty, in every directory that it read or wrote.
const LOCK: &str = ".lock";

/// There while a download runs and after one that failed: blobs have their full size from the start, so nothing else
/// tells.
pub(crate) const DOWNLOAD_PROGRESS: &str = ".download_progress.json";

/// The blobs of a snapshot, and where `icp` keeps the chunks.
pub(crate) const WASM_MODULE: &str = "wasm_module.bin";
pub(crate) const WASM_MEMORY: &str = "wasm_memory.bin";
pub(crate) const STABLE_MEMORY: &str = "stable_memory.bin";
pub(crate) const CHUNK_STORE: &str = "wasm_chunk_store";
