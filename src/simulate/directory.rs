//! The artifact directory as icp sees it: its lock and its `metadata.json`.

use std::{fs, fs::File, io::ErrorKind};

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reject::Failure;

/// `metadata.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Metadata {
    pub(super) source: Option<Value>,
    pub(super) taken_at_timestamp: u64,
    pub(super) wasm_module_size: u64,
    pub(super) globals: Vec<Value>,
    pub(super) wasm_memory_size: u64,
    pub(super) stable_memory_size: u64,
    pub(super) wasm_chunk_store: Vec<ChunkHash>,
    pub(super) canister_version: u64,
    pub(super) certified_data: Vec<u8>,
    pub(super) global_timer: Option<Value>,
    pub(super) on_low_wasm_memory_hook_status: Option<Value>,
}

/// A chunk of the chunk store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ChunkHash {
    pub(super) hash: Vec<u8>,
}

/// icp's lock of the directory, which it makes if need be; waits without limit.
pub(super) fn lock(directory: &Utf8Path) -> Result<File, Failure> {
    let path = directory.join(".lock");
    let open = || {
        fs::create_dir_all(directory)?;
        File::options().create(true).truncate(false).write(true).open(&path)
    };
    let file = open().map_err(|error| Failure::io(format!("failed to create or open lock file '{path}'"), &error))?;
    file.lock().map_err(|error| Failure::io(format!("failed to lock file '{path}' for writing"), &error))?;
    Ok(file)
}

/// `metadata.json` of a directory.
pub(super) fn read_metadata(directory: &Utf8Path) -> Result<Metadata, Failure> {
    let path = directory.join("metadata.json");
    let text = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::new(format!("Missing required file: {path}")));
        }
        text => text.map_err(|error| Failure::io(format!("failed to read {path}"), &error))?,
    };
    serde_json::from_slice(&text)
        .map_err(|error| Failure::caused([format!("failed to parse json file at {path}"), error.to_string()]))
}
