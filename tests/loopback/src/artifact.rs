//! Artifacts: the directories that `icp canister snapshot download` writes and `upload` reads.

use std::{fs, io};

use camino::Utf8Path;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The data of a snapshot, as it lies on a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotContent {
    /// `wasm_module.bin`.
    pub module: Vec<u8>,
    /// `wasm_memory.bin`.
    pub heap: Vec<u8>,
    /// `stable_memory.bin`.
    pub stable: Vec<u8>,
    /// The files of `wasm_chunk_store/`, which are named by their digests.
    pub chunks: Vec<Vec<u8>>,
}

/// Writes an artifact into a directory, and makes that directory if need be.
///
/// The result has every file that a download leaves, icp's empty `.lock` included.
///
/// # Errors
///
/// Those of the file system.
pub fn write_artifact(directory: &Utf8Path, content: &SnapshotContent) -> io::Result<()> {
    let store = directory.join("wasm_chunk_store");
    fs::create_dir_all(&store)?;
    let mut names = Vec::new();
    for chunk in &content.chunks {
        let hash = digest(chunk);
        fs::write(store.join(format!("{}.bin", hex::encode(&hash))), chunk)?;
        names.push(Chunk { hash });
    }
    names.sort();
    fs::write(directory.join("wasm_module.bin"), &content.module)?;
    if !content.heap.is_empty() {
        fs::write(directory.join("wasm_memory.bin"), &content.heap)?;
    }
    fs::write(directory.join("stable_memory.bin"), &content.stable)?;
    let metadata = Metadata {
        source: Source::TakenFromCanister(()),
        taken_at_timestamp: TAKEN_AT,
        wasm_module_size: content.module.len(),
        globals: [Global::I32(1_048_576)],
        wasm_memory_size: content.heap.len(),
        stable_memory_size: content.stable.len(),
        wasm_chunk_store: names,
        canister_version: 2,
        certified_data: [],
        global_timer: "inactive",
        on_low_wasm_memory_hook_status: "condition_not_satisfied",
    };
    fs::write(directory.join("metadata.json"), serde_json::to_vec_pretty(&metadata)?)?;
    fs::write(directory.join(".lock"), "")
}

/// Some time in 2026, in nanoseconds: the same in every artifact, so that digests stay.
const TAKEN_AT: u64 = 1_775_779_200_000_000_000;

/// `metadata.json`, its fields in icp's order.
#[derive(Serialize)]
struct Metadata {
    source: Source,
    taken_at_timestamp: u64,
    wasm_module_size: usize,
    globals: [Global; 1],
    wasm_memory_size: usize,
    stable_memory_size: usize,
    wasm_chunk_store: Vec<Chunk>,
    canister_version: u64,
    certified_data: [u8; 0],
    global_timer: &'static str,
    on_low_wasm_memory_hook_status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    TakenFromCanister(()),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Global {
    I32(i32),
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Chunk {
    hash: Vec<u8>,
}

/// A module that the network takes for valid, and whose digest the tag decides.
pub fn wasm_module(tag: &str) -> Vec<u8> {
    let name = tag.as_bytes();
    let section = u8::try_from(name.len() + 1).expect("a short tag");
    assert!(section < 0x80, "a short tag");
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    // A custom section is the only thing in it: its number, its size, its name, no content.
    module.extend([0, section, section - 1]);
    module.extend(name);
    module
}

/// SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}
