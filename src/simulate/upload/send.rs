//! Sends the data of an upload: small files are copied into the fleet, large ones referred to.

use std::{
    fs,
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::Piece;
use crate::{
    id::{Digest, SnapshotId},
    simulate::{
        Blob, Error, SnapshotSource,
        reject::{CallError, Failure, Reject},
        session::Session,
        snapshot::{find, within},
    },
};

/// Sends a piece of a memory.
pub(super) fn piece(
    session: &Session<'_>,
    directory: &Utf8Path,
    id: &SnapshotId,
    piece: &Piece,
) -> Result<(), CallError> {
    let path = directory.join(piece.memory.file());
    session.call("upload_canister_snapshot_data", true, |state| {
        let own = session.id();
        find(state, id)?;
        let Some(snapshot) = state.snapshots.iter_mut().find(|snapshot| snapshot.id == *id) else {
            return Err(Reject::no_snapshot(own, id));
        };
        if snapshot.source == SnapshotSource::Taken {
            return Err(Reject::immutable_snapshot());
        }
        let blob = piece.memory.blob(snapshot);
        if piece.end > blob.size() {
            return Err(Reject::bad_argument(format!(
                "offset {} + size {} exceeds the memory of {} bytes",
                piece.start,
                piece.end - piece.start,
                blob.size()
            )));
        }
        let held = match blob.size() <= session.config.copy_up_to {
            true => copy(session, &path, id, piece),
            false => path.canonicalize_utf8().map_err(Error::io("resolve", &path)),
        };
        blob.write(&held.map_err(Reject::bad_argument)?, piece.start, piece.end);
        let detail = json!({
            "snapshot": id,
            "memory": piece.memory,
            "offset": piece.start,
            "size": piece.end - piece.start,
        });
        Ok(((), detail))
    })
}

fn copy(session: &Session<'_>, from: &Utf8Path, id: &SnapshotId, piece: &Piece) -> Result<Utf8PathBuf, Error> {
    let to = session.fleet.data(&format!("{id}-{}", piece.memory.file()));
    let mut bytes = vec![0; usize::try_from(piece.end - piece.start).unwrap_or(usize::MAX)];
    let mut source = File::open(from).map_err(Error::io("open", from))?;
    source
        .seek(SeekFrom::Start(piece.start))
        .and_then(|_| source.read_exact(&mut bytes))
        .map_err(Error::io("read", from))?;
    let mut target =
        File::options().create(true).truncate(false).write(true).open(&to).map_err(Error::io("open", &to))?;
    target
        .seek(SeekFrom::Start(piece.start))
        .and_then(|_| target.write_all(&bytes))
        .map_err(Error::io("write", &to))?;
    Ok(to)
}

/// Sends a chunk of the chunk store, which is known by its hash only.
pub(super) fn chunk(session: &Session<'_>, directory: &Utf8Path, id: &SnapshotId, hash: &str) -> Result<(), Failure> {
    let path = directory.join("wasm_chunk_store").join(format!("{hash}.bin"));
    let bytes = fs::read(&path).map_err(|error| Failure::io(format!("failed to read {path}"), &error))?;
    let digest = Digest::of(&bytes);
    let kept = session.fleet.data(&format!("{id}-{digest}"));
    fs::write(&kept, &bytes).map_err(Error::io("write", &kept))?;
    let sent = session.call("upload_canister_snapshot_data", true, |state| {
        find(state, id)?;
        for snapshot in state.snapshots.iter_mut().filter(|snapshot| snapshot.id == *id) {
            let chunk = Blob::of_file(&kept, bytes.len() as u64);
            snapshot.chunks.insert(digest, chunk);
        }
        Ok(((), json!({"snapshot": id, "chunk": digest})))
    });
    within(session, || format!("Failed to upload WASM chunk with hash {hash}"), sent)
}
