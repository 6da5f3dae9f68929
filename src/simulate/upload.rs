//! `icp canister snapshot upload`, with its progress file and its weaknesses.
//!
//! The snapshot exists, full of zeros, from its metadata on; blobs follow in chunks, one after another (icp has all
//! chunks of a blob under way at once). Nothing compares the files with the metadata, nor the progress file with the
//! canister.

mod send;

use std::{collections::BTreeSet, fs, io::ErrorKind};

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Blob, Canister, Point, Snapshot, SnapshotSource, What, answer,
    command::UploadArgs,
    directory::{Metadata, lock, read_metadata},
    file,
    fleet::now,
    reject::{CallError, Failure, Reject},
    session::Session,
    snapshot::{make_room, say, within},
    state::Extra,
    strike,
};
use crate::id::SnapshotId;

/// `.upload_progress.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    snapshot_id: String,
    metadata_uploaded: bool,
    wasm_module_offset: u64,
    wasm_memory_offset: u64,
    stable_memory_offset: u64,
    wasm_chunks_uploaded: BTreeSet<String>,
}

/// The memories of a snapshot, in the order in which they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Memory {
    Module,
    Heap,
    Stable,
}

impl Memory {
    fn file(self) -> &'static str {
        match self {
            Self::Module => "wasm_module.bin",
            Self::Heap => "wasm_memory.bin",
            Self::Stable => "stable_memory.bin",
        }
    }

    fn blob(self, snapshot: &mut Snapshot) -> &mut Blob {
        match self {
            Self::Module => &mut snapshot.module,
            Self::Heap => &mut snapshot.heap,
            Self::Stable => &mut snapshot.stable,
        }
    }

    fn offset(self, progress: &mut Progress) -> &mut u64 {
        match self {
            Self::Module => &mut progress.wasm_module_offset,
            Self::Heap => &mut progress.wasm_memory_offset,
            Self::Stable => &mut progress.stable_memory_offset,
        }
    }
}

/// A piece of a memory that is to be sent.
struct Piece {
    memory: Memory,
    start: u64,
    end: u64,
}

#[derive(Serialize)]
struct Uploaded {
    snapshot_id: String,
}

/// Uploads a directory.
pub(super) fn run(session: &Session<'_>, args: &UploadArgs) -> Result<String, Failure> {
    let directory = &args.input;
    let _lock = lock(directory)?;
    let metadata = read_metadata(directory)?;
    say(&format!("Uploading snapshot to canister {} ({})", session.shown, session.id()));
    let place = directory.join(".upload_progress.json");
    let mut progress = match args.resume {
        true => resume(session, directory, &place)?,
        false => begin(session, args, &metadata, &place)?,
    };
    let id: SnapshotId =
        progress.snapshot_id.parse().map_err(|_| Failure::new("invalid snapshot ID in progress file"))?;
    let pieces = pieces(session, directory, &metadata, &mut progress);
    let count = pieces.len();
    let half = count / 2;
    if count == 0 {
        middle(session, &place, &progress)?;
    }
    for (at, piece) in pieces.into_iter().enumerate() {
        let piece = piece?;
        if at == half {
            middle(session, &place, &progress)?;
        }
        let what = || format!("Failed to upload snapshot data chunk at offset {}", piece.start);
        within(session, what, send::piece(session, directory, &id, &piece))?;
        if at + 1 == count && session.suffers(&What::LoseReply) {
            within(session, what, Err(CallError::Lost))?;
        }
        *piece.memory.offset(&mut progress) = piece.end;
        save(&place, &progress)?;
    }
    for chunk in &metadata.wasm_chunk_store {
        let hash = hex::encode(&chunk.hash);
        if !progress.wasm_chunks_uploaded.contains(&hash) {
            send::chunk(session, directory, &id, &hash)?;
            progress.wasm_chunks_uploaded.insert(hash);
            save(&place, &progress)?;
        }
    }
    fs::remove_file(&place).map_err(|error| Failure::io(format!("failed to remove {place}"), &error))?;
    say(&format!("Snapshot {id} uploaded successfully"));
    session.after().map_err(|error| session.failed(&error))?;
    let snapshot_id = progress.snapshot_id;
    Ok(match (args.shown.json, args.shown.quiet) {
        (true, _) => answer(&Uploaded { snapshot_id }),
        (false, true) => snapshot_id + "\n",
        (false, false) => String::new(),
    })
}

fn resume(session: &Session<'_>, directory: &Utf8Path, place: &Utf8Path) -> Result<Progress, Failure> {
    let text = match fs::read(place) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::new(format!("Cannot resume: no upload progress file found in {directory}")));
        }
        text => text.map_err(|error| Failure::io(format!("failed to read {place}"), &error))?,
    };
    let progress: Progress = serde_json::from_slice(&text)
        .map_err(|error| Failure::caused([format!("failed to parse json file at {place}"), error.to_string()]))?;
    say(&format!("Resuming upload to snapshot {}", progress.snapshot_id));
    session.before().map_err(|error| session.failed(&error))?;
    Ok(progress)
}

/// Makes the snapshot from its metadata, and the progress file once its id is known.
fn begin(session: &Session<'_>, args: &UploadArgs, metadata: &Metadata, place: &Utf8Path) -> Result<Progress, Failure> {
    if metadata.globals.iter().any(Value::is_null) {
        return Err(Failure::new("Invalid snapshot metadata: snapshot metadata contains unparseable globals"));
    }
    let allocate = || {
        session.call("upload_canister_snapshot_metadata", true, |state| {
            make_room(state, args.replace.as_ref())?;
            let id = state.new_snapshot_id().map_err(Reject::bad_argument)?;
            let snapshot = allocated(id.clone(), state, metadata);
            state.snapshots.push(snapshot);
            let detail = json!({"snapshot": id, "replaced": args.replace});
            Ok((id, detail))
        })
    };
    let run = || {
        session.before()?;
        if session.suffers(&What::DoubleMetadata) {
            allocate()?;
        }
        let id = allocate()?;
        if session.suffers(&What::Http503(Point::After)) {
            return Err(CallError::Unavailable);
        }
        Ok(id)
    };
    let what = || format!("Failed to upload snapshot metadata for canister {}", session.id());
    let id = within(session, what, run())?;
    say(&format!("Created snapshot {id} for upload"));
    let progress = Progress {
        snapshot_id: id.to_string(),
        metadata_uploaded: true,
        wasm_module_offset: 0,
        wasm_memory_offset: 0,
        stable_memory_offset: 0,
        wasm_chunks_uploaded: BTreeSet::new(),
    };
    save(place, &progress)?;
    Ok(progress)
}

fn allocated(id: SnapshotId, state: &Canister, metadata: &Metadata) -> Snapshot {
    Snapshot {
        id,
        source: SnapshotSource::Uploaded,
        taken_at: now(),
        canister_version: state.version,
        module: Blob::zeros(metadata.wasm_module_size),
        heap: Blob::zeros(metadata.wasm_memory_size),
        stable: Blob::zeros(metadata.stable_memory_size),
        chunks: Default::default(),
        extra: Extra {
            globals: metadata.globals.clone(),
            certified_data: metadata.certified_data.clone(),
            global_timer: metadata.global_timer.clone(),
            on_low_wasm_memory_hook_status: metadata.on_low_wasm_memory_hook_status.clone(),
        },
    }
}

/// What is still to be sent: of the memories that the metadata declares, the files from the progress on to their
/// end. A missing file fails when its turn comes.
fn pieces(
    session: &Session<'_>,
    directory: &Utf8Path,
    metadata: &Metadata,
    progress: &mut Progress,
) -> Vec<Result<Piece, Failure>> {
    let mut pieces = Vec::new();
    for (memory, declared) in [
        (Memory::Module, metadata.wasm_module_size),
        (Memory::Heap, metadata.wasm_memory_size),
        (Memory::Stable, metadata.stable_memory_size),
    ] {
        let mut start = *memory.offset(progress);
        if start >= declared {
            continue;
        }
        let path = directory.join(memory.file());
        let size = match fs::metadata(&path) {
            Ok(file) => file.len(),
            Err(error) => {
                let words = format!("Failed to get file size at {path}");
                pieces.push(Err(Failure::io(words, &error)));
                continue;
            }
        };
        while start < size {
            let end = size.min(start + session.config.chunk.max(1));
            pieces.push(Ok(Piece { memory, start, end }));
            start = end;
        }
    }
    pieces
}

/// What goes wrong with half of the pieces sent.
fn middle(session: &Session<'_>, place: &Utf8Path, progress: &Progress) -> Result<(), Failure> {
    if session.suffers(&What::TornProgress) {
        let text = file(progress);
        let torn = &text.as_bytes()[..text.len() / 2];
        fs::write(place, torn).map_err(|error| Failure::io(format!("failed to write {place}"), &error))?;
        strike::kill_icp(session.fleet);
    }
    let what = || "Failed to upload snapshot data chunk".to_owned();
    within(session, what, session.middle())
}

/// Writes the progress file as icp does: in place, so that a kill can tear it.
fn save(place: &Utf8Path, progress: &Progress) -> Result<(), Failure> {
    fs::write(place, file(progress)).map_err(|error| Failure::io(format!("failed to write {place}"), &error))
}
