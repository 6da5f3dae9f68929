//! The effects of management calls.

mod snapshots;

use std::time::Instant;

use candid::{CandidType, Principal};
use ic_management_canister_types as ic;

use crate::{
    Blob, CanisterState, Options, Reject, SnapshotId, Status,
    canister::Waiter,
    command::{Action, Command},
    world::Canisters,
};

/// What a call that was not refused came to.
pub(crate) enum Effect {
    /// It is done; the snapshot is the one that came to be, if one did.
    Reply { bytes: Vec<u8>, created: Option<SnapshotId> },
    /// The reply comes when the canister has stopped.
    Wait,
}

impl Effect {
    fn done() -> Self {
        Self::Reply { bytes: unit(), created: None }
    }

    fn of(value: &impl CandidType) -> Self {
        Self::created(value, None)
    }

    fn created(value: &impl CandidType, created: Option<SnapshotId>) -> Self {
        let bytes = candid::encode_one(value).expect("Rust values have a candid form");
        Self::Reply { bytes, created }
    }
}

/// The reply to a method without results.
pub(crate) fn unit() -> Vec<u8> {
    candid::encode_args(()).expect("nothing has a candid form")
}

/// Performs a command in the name of a controller; `waiter` is told when a slow stop ends.
pub(crate) fn perform(
    canisters: &mut Canisters,
    options: &Options,
    caller: Principal,
    command: Command,
    waiter: Waiter,
) -> Result<Effect, Reject> {
    let id = command.canister;
    let canister = canisters.get_mut(&id).ok_or(Reject::no_canister(id))?;
    if !canister.controllers.contains(&caller) {
        return Err(Reject::not_controller(id, caller));
    }
    match command.action {
        Action::Status => Ok(Effect::of(&status(canister))),
        Action::List => Ok(Effect::of(&canister.snapshots.iter().map(snapshots::listed).collect::<Vec<_>>())),
        Action::Stop => Ok(stop(canister, waiter)),
        Action::Start => {
            canister.set_status(Status::Running);
            Ok(Effect::done())
        }
        Action::Take(args) => snapshots::take(canister, options, args),
        Action::UploadMetadata(args) => snapshots::upload_metadata(canister, args),
        Action::UploadData(args) => snapshots::upload_data(canister, args),
        Action::Delete(snapshot) => snapshots::delete(canister, &snapshot),
        Action::ReadMetadata(snapshot) => snapshots::read_metadata(canister, &snapshot),
        Action::ReadData(snapshot, kind) => snapshots::read_data(canister, &snapshot, &kind),
        Action::Load(snapshot) => snapshots::load(canisters, options, caller, id, &snapshot),
    }
}

fn status(canister: &CanisterState) -> ic::CanisterStatusResult {
    let nat = |number: u64| candid::Nat::from(number);
    let size = |blob: &Blob| nat(blob.len() as u64);
    let chunks: usize = canister.chunks.values().map(Vec::len).sum();
    ic::CanisterStatusResult {
        status: match canister.status {
            Status::Running => ic::CanisterStatusType::Running,
            Status::Stopping => ic::CanisterStatusType::Stopping,
            Status::Stopped => ic::CanisterStatusType::Stopped,
        },
        ready_for_migration: false,
        version: canister.version,
        settings: canister.settings.definite(&canister.controllers),
        module_hash: canister.module_hash(),
        memory_size: nat(canister.memory_size()),
        memory_metrics: ic::MemoryMetrics {
            wasm_memory_size: size(&canister.heap),
            stable_memory_size: size(&canister.stable),
            global_memory_size: nat(0),
            wasm_binary_size: canister.module.as_ref().map_or(nat(0), size),
            custom_sections_size: nat(0),
            canister_history_size: nat(0),
            wasm_chunk_store_size: nat(chunks as u64),
            snapshots_size: nat(canister.snapshots_size()),
            log_memory_store_size: nat(0),
        },
        cycles: canister.cycles.into(),
        reserved_cycles: nat(0),
        idle_cycles_burned_per_day: nat(20_000_000),
        query_stats: ic::QueryStats {
            num_calls_total: nat(0),
            num_instructions_total: nat(0),
            request_payload_bytes_total: nat(0),
            response_payload_bytes_total: nat(0),
        },
    }
}

fn stop(canister: &mut CanisterState, waiter: Waiter) -> Effect {
    if canister.status == Status::Stopped || canister.stop_delay.is_zero() {
        canister.set_status(Status::Stopped);
        return Effect::done();
    }
    if canister.status == Status::Running {
        canister.set_status(Status::Stopping);
        canister.stops_at = Instant::now().checked_add(canister.stop_delay);
    }
    canister.stop_waiters.push(waiter);
    Effect::Wait
}
