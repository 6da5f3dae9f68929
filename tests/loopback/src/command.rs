//! Management calls, decoded.

use candid::{CandidType, Principal, decode_one, utils::ArgumentDecoder};
use ic_management_canister_types::{
    CanisterIdRecord, DeleteCanisterSnapshotArgs, LoadCanisterSnapshotArgs, ReadCanisterSnapshotDataArgs,
    ReadCanisterSnapshotMetadataArgs, SnapshotDataKind, SnapshotDataOffset, TakeCanisterSnapshotArgs,
    UploadCanisterSnapshotMetadataArgs,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{DataKind, DataSpan, Detail, Reject, SnapshotId};

/// A management call that this network can perform.
pub(crate) struct Command {
    /// The canister that it is about.
    pub(crate) canister: Principal,
    pub(crate) action: Action,
}

/// What is to be done to the canister.
pub(crate) enum Action {
    Status,
    Stop,
    Start,
    List,
    Take(TakeCanisterSnapshotArgs),
    Load(SnapshotId),
    Delete(SnapshotId),
    ReadMetadata(SnapshotId),
    ReadData(SnapshotId, SnapshotDataKind),
    UploadMetadata(UploadCanisterSnapshotMetadataArgs),
    UploadData(UploadData),
}

/// As the management canister's own type, but with a chunk that decodes as one piece.
#[derive(CandidType, Deserialize)]
pub(crate) struct UploadData {
    pub(crate) canister_id: Principal,
    #[serde(with = "serde_bytes")]
    pub(crate) snapshot_id: Vec<u8>,
    pub(crate) kind: SnapshotDataOffset,
    #[serde(with = "serde_bytes")]
    pub(crate) chunk: Vec<u8>,
}

impl Command {
    /// Decodes the argument of a method of `aaaaa-aa`.
    pub(crate) fn decode(method: &str, arg: &[u8]) -> Result<Self, Reject> {
        let simple = |action| {
            let args: CanisterIdRecord = decode(arg)?;
            Ok((args.canister_id, action))
        };
        let (canister, action) = match method {
            "canister_status" => simple(Action::Status),
            "stop_canister" => simple(Action::Stop),
            "start_canister" => simple(Action::Start),
            "list_canister_snapshots" => simple(Action::List),
            "take_canister_snapshot" => {
                let args: TakeCanisterSnapshotArgs = decode(arg)?;
                Ok((args.canister_id, Action::Take(args)))
            }
            "load_canister_snapshot" => {
                let args: LoadCanisterSnapshotArgs = decode(arg)?;
                Ok((args.canister_id, Action::Load(args.snapshot_id.into())))
            }
            "delete_canister_snapshot" => {
                let args: DeleteCanisterSnapshotArgs = decode(arg)?;
                Ok((args.canister_id, Action::Delete(args.snapshot_id.into())))
            }
            "read_canister_snapshot_metadata" => {
                let args: ReadCanisterSnapshotMetadataArgs = decode(arg)?;
                let action = Action::ReadMetadata(args.snapshot_id.into());
                Ok((args.canister_id, action))
            }
            "read_canister_snapshot_data" => {
                let args: ReadCanisterSnapshotDataArgs = decode(arg)?;
                let action = Action::ReadData(args.snapshot_id.into(), args.kind);
                Ok((args.canister_id, action))
            }
            "upload_canister_snapshot_metadata" => {
                let args: UploadCanisterSnapshotMetadataArgs = decode(arg)?;
                Ok((args.canister_id, Action::UploadMetadata(args)))
            }
            "upload_canister_snapshot_data" => {
                let args: UploadData = decode(arg)?;
                Ok((args.canister_id, Action::UploadData(args)))
            }
            other => Err(Reject::no_management_method(other)),
        }?;
        Ok(Self { canister, action })
    }

    /// What of the argument goes into the log.
    pub(crate) fn detail(&self) -> Detail {
        let id = |bytes: &[u8]| Some(SnapshotId::from(bytes.to_vec()));
        match &self.action {
            Action::Status | Action::Stop | Action::Start | Action::List => Detail::default(),
            Action::Take(args) => {
                Detail { replaces: args.replace_snapshot.as_deref().and_then(id), ..Detail::default() }
            }
            Action::UploadMetadata(args) => {
                Detail { replaces: args.replace_snapshot.as_deref().and_then(id), ..Detail::default() }
            }
            Action::Load(snapshot) | Action::Delete(snapshot) | Action::ReadMetadata(snapshot) => {
                Detail { snapshot: Some(snapshot.clone()), ..Detail::default() }
            }
            Action::ReadData(snapshot, kind) => {
                Detail { snapshot: Some(snapshot.clone()), replaces: None, data: Some(read_span(kind)) }
            }
            Action::UploadData(args) => {
                Detail { snapshot: id(&args.snapshot_id), replaces: None, data: Some(args.span()) }
            }
        }
    }
}

impl UploadData {
    pub(crate) fn span(&self) -> DataSpan {
        let (kind, offset) = match self.kind {
            SnapshotDataOffset::WasmModule { offset } => (DataKind::Module, offset),
            SnapshotDataOffset::WasmMemory { offset } => (DataKind::Heap, offset),
            SnapshotDataOffset::StableMemory { offset } => (DataKind::Stable, offset),
            SnapshotDataOffset::WasmChunk => (DataKind::Chunk, 0),
        };
        DataSpan { kind, offset, length: self.chunk.len() as u64 }
    }
}

/// The bytes that a read asks for; of a stored chunk the length is not known beforehand.
pub(crate) fn read_span(kind: &SnapshotDataKind) -> DataSpan {
    let (kind, offset, length) = match kind {
        SnapshotDataKind::WasmModule { offset, size } => (DataKind::Module, *offset, *size),
        SnapshotDataKind::WasmMemory { offset, size } => (DataKind::Heap, *offset, *size),
        SnapshotDataKind::StableMemory { offset, size } => (DataKind::Stable, *offset, *size),
        SnapshotDataKind::WasmChunk { .. } => (DataKind::Chunk, 0, 0),
    };
    DataSpan { kind, offset, length }
}

/// Whether a canister can be different after a call of this method.
pub(crate) fn mutates(method: &str) -> bool {
    !matches!(
        method,
        "canister_status"
            | "list_canister_snapshots"
            | "read_canister_snapshot_metadata"
            | "read_canister_snapshot_data"
    )
}

/// Decodes one argument; whatever is wrong with it is IC0408.
pub(crate) fn decode<T: DeserializeOwned + CandidType>(arg: &[u8]) -> Result<T, Reject>
where
    for<'a> (T,): ArgumentDecoder<'a>,
{
    decode_one(arg).map_err(Reject::bad_argument)
}
