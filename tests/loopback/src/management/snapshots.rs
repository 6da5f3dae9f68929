//! Snapshots: take, upload, read, load and delete.

use candid::Principal;
use ic_management_canister_types as ic;

use super::Effect;
use crate::{
    Blob, CanisterState, DataKind, Options, Reject, Snapshot, SnapshotId, Source, Status,
    canister::{SNAPSHOT_LIMIT, named_chunk},
    command::{UploadData, read_span},
    log::now_nanos,
    snapshot::Extra,
    world::Canisters,
};

pub(super) fn take(
    canister: &mut CanisterState,
    options: &Options,
    args: ic::TakeCanisterSnapshotArgs,
) -> Result<Effect, Reject> {
    let id = canister.id;
    if canister.status != Status::Stopped && !options.snapshots_while_running {
        return Err(Reject::not_stopped(id));
    }
    if canister.module.is_none() {
        return Err(Reject::empty_canister(id));
    }
    make_room(canister, args.replace_snapshot)?;
    let created = canister.take_snapshot();
    let taken = canister.snapshots.last().map(listed);
    Ok(Effect::created(&taken.unwrap_or_default(), Some(created)))
}

pub(super) fn upload_metadata(
    canister: &mut CanisterState,
    args: ic::UploadCanisterSnapshotMetadataArgs,
) -> Result<Effect, Reject> {
    let sizes = [args.wasm_module_size, args.wasm_memory_size, args.stable_memory_size];
    // The network allocates on anybody's word, but no test wants to fill the machine's memory.
    let Some([module, heap, stable]) = lengths(sizes) else {
        return Err(Reject::bad_argument("more than 4 GiB of data"));
    };
    make_room(canister, args.replace_snapshot)?;
    let id = canister.new_snapshot_id();
    canister.snapshots.push(Snapshot {
        id: id.clone(),
        source: Source::Uploaded,
        taken_at: now_nanos(),
        canister_version: canister.version,
        module: Blob::zeros(module),
        heap: Blob::zeros(heap),
        stable: Blob::zeros(stable),
        chunks: Default::default(),
        extra: Extra {
            globals: args.globals,
            certified_data: args.certified_data,
            global_timer: args.global_timer,
            hook: args.on_low_wasm_memory_hook_status,
        },
    });
    let result = ic::UploadCanisterSnapshotMetadataResult { snapshot_id: id.as_bytes().to_vec() };
    Ok(Effect::created(&result, Some(id)))
}

fn lengths(sizes: [u64; 3]) -> Option<[usize; 3]> {
    let total = sizes.iter().try_fold(0_u64, |sum, n| sum.checked_add(*n))?;
    (total <= 4 << 30).then(|| sizes.map(|size| usize::try_from(size).unwrap_or(usize::MAX)))
}

pub(super) fn upload_data(canister: &mut CanisterState, args: UploadData) -> Result<Effect, Reject> {
    let index = position(canister, &SnapshotId::from(args.snapshot_id.clone()))?;
    let snapshot = &mut canister.snapshots[index];
    if snapshot.source == Source::Taken {
        return Err(Reject::immutable_snapshot());
    }
    let span = args.span();
    let blob = match span.kind {
        DataKind::Module => &mut snapshot.module,
        DataKind::Heap => &mut snapshot.heap,
        DataKind::Stable => &mut snapshot.stable,
        DataKind::Chunk => {
            let (name, chunk) = named_chunk(args.chunk);
            snapshot.chunks.insert(name, chunk);
            return Ok(Effect::done());
        }
    };
    let fits = usize::try_from(span.offset).is_ok_and(|offset| blob.write(offset, &args.chunk));
    if fits { Ok(Effect::done()) } else { Err(outside(span.offset, span.length)) }
}

pub(super) fn delete(canister: &mut CanisterState, id: &SnapshotId) -> Result<Effect, Reject> {
    let index = position(canister, id)?;
    canister.snapshots.remove(index);
    Ok(Effect::done())
}

pub(super) fn read_metadata(canister: &CanisterState, id: &SnapshotId) -> Result<Effect, Reject> {
    let snapshot = &canister.snapshots[position(canister, id)?];
    Ok(Effect::of(&ic::ReadCanisterSnapshotMetadataResult {
        source: Some(match snapshot.source {
            Source::Taken => ic::SnapshotSource::TakenFromCanister(candid::Reserved),
            Source::Uploaded => ic::SnapshotSource::MetadataUpload(candid::Reserved),
        }),
        taken_at_timestamp: snapshot.taken_at,
        wasm_module_size: snapshot.module.len() as u64,
        globals: snapshot.extra.globals.iter().cloned().map(Some).collect(),
        wasm_memory_size: snapshot.heap.len() as u64,
        stable_memory_size: snapshot.stable.len() as u64,
        wasm_chunk_store: snapshot.chunks.keys().map(|hash| ic::ChunkHash { hash: hash.clone() }).collect(),
        canister_version: snapshot.canister_version,
        certified_data: snapshot.extra.certified_data.clone(),
        global_timer: snapshot.extra.global_timer.clone(),
        on_low_wasm_memory_hook_status: snapshot.extra.hook.clone(),
    }))
}

pub(super) fn read_data(
    canister: &CanisterState,
    id: &SnapshotId,
    kind: &ic::SnapshotDataKind,
) -> Result<Effect, Reject> {
    let snapshot = &canister.snapshots[position(canister, id)?];
    let span = read_span(kind);
    let blob = match span.kind {
        DataKind::Module => &snapshot.module,
        DataKind::Heap => &snapshot.heap,
        DataKind::Stable => &snapshot.stable,
        DataKind::Chunk => return read_chunk(snapshot, kind),
    };
    let range = usize::try_from(span.offset).ok().zip(usize::try_from(span.length).ok());
    let chunk = range
        .and_then(|(offset, length)| blob.slice(offset, length))
        .ok_or_else(|| outside(span.offset, span.length))?;
    Ok(Effect::of(&ic::ReadCanisterSnapshotDataResult { chunk: chunk.to_vec() }))
}

fn read_chunk(snapshot: &Snapshot, kind: &ic::SnapshotDataKind) -> Result<Effect, Reject> {
    let chunk = match kind {
        ic::SnapshotDataKind::WasmChunk { hash } => snapshot.chunks.get(hash).cloned(),
        ic::SnapshotDataKind::WasmModule { .. }
        | ic::SnapshotDataKind::WasmMemory { .. }
        | ic::SnapshotDataKind::StableMemory { .. } => None,
    };
    let chunk = chunk.ok_or_else(|| Reject::bad_argument("no such chunk in the snapshot"))?;
    Ok(Effect::of(&ic::ReadCanisterSnapshotDataResult { chunk }))
}

pub(super) fn load(
    canisters: &mut Canisters,
    options: &Options,
    caller: Principal,
    id: Principal,
    snapshot: &SnapshotId,
) -> Result<Effect, Reject> {
    let foreign = snapshot.owner().filter(|owner| *owner != id);
    let owner = canisters.get(&foreign.unwrap_or(id));
    let found = owner.and_then(|owner| owner.snapshot(snapshot)).ok_or_else(|| Reject::no_snapshot(id, snapshot))?;
    let allowed = owner.is_some_and(|owner| owner.controllers.contains(&caller));
    if foreign.is_some() && !(options.foreign_load && allowed) {
        return Err(Reject::foreign_snapshot(id, snapshot));
    }
    if !is_module(found.module.bytes()) {
        return Err(Reject::bad_module(id));
    }
    let found = found.clone();
    let canister = canisters.get_mut(&id).ok_or(Reject::no_canister(id))?;
    if canister.status != Status::Stopped && !options.snapshots_while_running {
        return Err(Reject::not_stopped(id));
    }
    canister.load(&found);
    Ok(Effect::done())
}

/// The head of a WebAssembly module, plain or gzipped: as far as validation goes here.
fn is_module(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x01\0\0\0") || bytes.starts_with(&[0x1f, 0x8b])
}

/// Removes the snapshot that is replaced, or makes sure that there is room for one more.
fn make_room(canister: &mut CanisterState, replace: Option<Vec<u8>>) -> Result<(), Reject> {
    match replace {
        Some(old) => {
            let index = position(canister, &SnapshotId::from(old))?;
            canister.snapshots.remove(index);
            Ok(())
        }
        None if canister.snapshots.len() >= SNAPSHOT_LIMIT => Err(Reject::snapshot_limit(canister.id)),
        None => Ok(()),
    }
}

fn position(canister: &CanisterState, id: &SnapshotId) -> Result<usize, Reject> {
    let mut snapshots = canister.snapshots.iter();
    match snapshots.position(|snapshot| snapshot.id == *id) {
        Some(index) => Ok(index),
        None if id.owner().is_some_and(|owner| owner != canister.id) => Err(Reject::foreign_snapshot(canister.id, id)),
        None => Err(Reject::no_snapshot(canister.id, id)),
    }
}

pub(super) fn listed(snapshot: &Snapshot) -> ic::Snapshot {
    ic::Snapshot {
        id: snapshot.id.as_bytes().to_vec(),
        taken_at_timestamp: snapshot.taken_at,
        total_size: snapshot.total_size(),
    }
}

fn outside(offset: u64, length: u64) -> Reject {
    Reject::bad_argument(format!("offset {offset} and size {length} are out of bounds"))
}
