//! `icp canister snapshot download`: an artifact directory from a snapshot.

use std::fs;

use camino::Utf8Path;
use serde::Serialize;
use serde_json::json;

use super::{
    Blob, Snapshot, SnapshotSource,
    command::DownloadArgs,
    directory::{ChunkHash, Metadata, lock, read_metadata},
    file,
    reject::Failure,
    session::Session,
    snapshot::{find, say, within},
};

/// Downloads a snapshot into a directory.
pub(super) fn run(session: &Session<'_>, args: &DownloadArgs) -> Result<String, Failure> {
    let directory = &args.output;
    let _lock = lock(directory)?;
    let chunks = directory.join("wasm_chunk_store");
    fs::create_dir_all(&chunks).map_err(|error| Failure::io(format!("failed to create {chunks}"), &error))?;
    if args.resume {
        if !directory.join("metadata.json").exists() {
            return Err(Failure::new(format!("Cannot resume: no existing download found in {directory}")));
        }
        read_metadata(directory)?;
    } else if ["metadata.json", "wasm_module.bin", "wasm_memory.bin", "stable_memory.bin"]
        .iter()
        .any(|file| directory.join(file).exists())
    {
        return Err(Failure::new(format!(
            "Directory {directory} is not empty. Use --resume to continue a previous download or choose an empty directory."
        )));
    }
    let id = &args.snapshot_id;
    let read = session.call("read_canister_snapshot_metadata", false, |state| {
        let snapshot = find(state, id)?.clone();
        Ok((snapshot, json!({"snapshot": id})))
    });
    let what = || format!("Failed to read snapshot metadata for canister {}", session.id());
    let snapshot = within(session, what, read)?;
    write(&directory.join("metadata.json"), &metadata(&snapshot))?;
    let progress = directory.join(".download_progress.json");
    let nothing = json!({"frontier": 0, "ahead": []});
    write(&progress, &json!({"wasm_module": nothing, "wasm_memory": nothing, "stable_memory": nothing}))?;
    for (blob, file) in [
        (&snapshot.module, "wasm_module.bin"),
        (&snapshot.heap, "wasm_memory.bin"),
        (&snapshot.stable, "stable_memory.bin"),
    ] {
        if blob.size() > 0 {
            fetch(session, args, blob, file)?;
        } else if file == "stable_memory.bin" {
            blob.copy_to(&directory.join(file))?;
        }
    }
    for (hash, blob) in &snapshot.chunks {
        blob.copy_to(&chunks.join(format!("{hash}.bin")))?;
    }
    fs::remove_file(&progress).map_err(|error| Failure::io(format!("failed to remove {progress}"), &error))?;
    say(&format!("Snapshot downloaded to {directory}"));
    Ok(String::new())
}

/// Fetches a memory; the log has one entry for all of its chunks.
fn fetch(session: &Session<'_>, args: &DownloadArgs, blob: &Blob, file: &str) -> Result<(), Failure> {
    let detail = json!({"snapshot": args.snapshot_id, "file": file});
    let read = session.call("read_canister_snapshot_data", false, |_| Ok(((), detail)));
    within(session, || "Failed to read snapshot data chunk at offset 0".to_owned(), read)?;
    Ok(blob.copy_to(&args.output.join(file))?)
}

fn metadata(snapshot: &Snapshot) -> Metadata {
    let source = match snapshot.source {
        SnapshotSource::Taken => "taken_from_canister",
        SnapshotSource::Uploaded => "metadata_upload",
    };
    let extra = snapshot.extra.clone();
    Metadata {
        source: Some(json!({source: null})),
        taken_at_timestamp: snapshot.taken_at,
        wasm_module_size: snapshot.module.size(),
        globals: extra.globals,
        wasm_memory_size: snapshot.heap.size(),
        stable_memory_size: snapshot.stable.size(),
        wasm_chunk_store: snapshot.chunks.keys().map(|digest| ChunkHash { hash: digest.0.to_vec() }).collect(),
        canister_version: snapshot.canister_version,
        certified_data: extra.certified_data,
        global_timer: extra.global_timer,
        on_low_wasm_memory_hook_status: extra.on_low_wasm_memory_hook_status,
    }
}

fn write(path: &Utf8Path, value: &impl Serialize) -> Result<(), Failure> {
    fs::write(path, file(value)).map_err(|error| Failure::io(format!("failed to write {path}"), &error))
}
