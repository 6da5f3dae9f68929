//! Refusals: the reject codes, error codes and words of the Internet Computer.
//!
//! The words are the first line of the replica's; the second line, advice, is left out.

use candid::Principal;
use ic_transport_types::{RejectCode, RejectResponse};

use crate::{SnapshotId, canister::SNAPSHOT_LIMIT};

/// A refusal, as it is certified or answered at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// 1 to 5, the class of the refusal; anything else is sent as 5.
    pub code: u8,
    /// Such as `IC0406`; the network can leave it out.
    pub error_code: Option<String>,
    /// The words that `icp` shows.
    pub message: String,
}

impl Reject {
    /// A refusal of a test's own making.
    pub fn new(code: u8, error_code: &str, message: impl Into<String>) -> Self {
        Self { code, error_code: Some(error_code.to_owned()), message: message.into() }
    }

    /// The network has no such canister.
    pub fn no_canister(id: Principal) -> Self {
        Self::new(3, "IC0301", format!("Canister {id} not found"))
    }

    /// The canister has no such snapshot.
    pub fn no_snapshot(canister: Principal, snapshot: &SnapshotId) -> Self {
        let message = format!("Could not find the snapshot ID {snapshot} for canister {canister}.");
        Self::new(3, "IC0305", message)
    }

    /// The snapshot is another canister's.
    pub fn foreign_snapshot(canister: Principal, snapshot: &SnapshotId) -> Self {
        let message = format!("The snapshot {snapshot} does not belong to canister {canister}.");
        Self::new(4, "IC0406", message)
    }

    /// The canister already has as many snapshots as it may.
    pub fn snapshot_limit(canister: Principal) -> Self {
        let message =
            format!("Canister {canister} has reached the maximum number of snapshots allowed: {SNAPSHOT_LIMIT}.");
        Self::new(4, "IC0406", message)
    }

    /// There is nothing to take a snapshot of.
    pub fn empty_canister(canister: Principal) -> Self {
        let message = format!("Failed to create snapshot for empty canister {canister}:");
        Self::new(4, "IC0406", message)
    }

    /// Data for a snapshot that was taken, not uploaded. The code is a guess.
    pub fn immutable_snapshot() -> Self {
        let message = "Only canister snapshots created by metadata upload can be mutated.";
        Self::new(4, "IC0409", message)
    }

    /// The method's argument does not decode, or asks for bytes that are not there.
    pub fn bad_argument(reason: impl std::fmt::Display) -> Self {
        Self::new(4, "IC0408", format!("Invalid argument: {reason}"))
    }

    /// `aaaaa-aa` has no such method, or this network does not have it.
    pub fn no_management_method(method: &str) -> Self {
        let message = format!("Management canister has no method '{method}'");
        Self::new(4, "IC0407", message)
    }

    /// The caller may not do that.
    pub fn not_controller(canister: Principal, caller: Principal) -> Self {
        let message = format!("Only the controllers of the canister {canister} can control it, not {caller}");
        Self::new(5, "IC0512", message)
    }

    /// The module of a snapshot is not one.
    pub fn bad_module(canister: Principal) -> Self {
        let message = format!(
            "Error from Canister {canister}: Canister's Wasm module is not valid: Wasmtime failed to validate wasm module wasmtime::Module::validate() failed."
        );
        Self::new(5, "IC0505", message)
    }

    /// The canister must be stopped for that. The words are this network's own.
    pub fn not_stopped(canister: Principal) -> Self {
        let message = format!("Canister {canister} must be stopped.");
        Self::new(5, "IC0510", message)
    }

    /// The stop that was waited for is no longer wanted: the canister was started.
    pub fn stop_cancelled(canister: Principal) -> Self {
        let message = format!("Canister {canister}'s stop request was cancelled.");
        Self::new(5, "IC0511", message)
    }

    /// An application method was called on a stopped canister.
    pub fn stopped(canister: Principal) -> Self {
        Self::new(5, "IC0508", format!("Canister {canister} is stopped"))
    }

    /// An application method was called on a stopping canister.
    pub fn stopping(canister: Principal) -> Self {
        Self::new(5, "IC0509", format!("Canister {canister} is stopping"))
    }

    /// An application method was called on a canister without code.
    pub fn no_module(canister: Principal) -> Self {
        let message = format!(
            "Error from Canister {canister}: Attempted to execute a message, but the canister contains no Wasm module."
        );
        Self::new(5, "IC0537", message)
    }

    /// The canister's code has no such method.
    pub fn no_method(canister: Principal, kind: &str, method: &str) -> Self {
        let message = format!("Error from Canister {canister}: Canister has no {kind} method '{method}'.");
        Self::new(5, "IC0536", message)
    }

    pub(crate) fn reject_code(&self) -> RejectCode {
        RejectCode::try_from(u64::from(self.code)).unwrap_or(RejectCode::CanisterError)
    }

    pub(crate) fn response(&self) -> RejectResponse {
        RejectResponse {
            reject_code: self.reject_code(),
            reject_message: self.message.clone(),
            error_code: self.error_code.clone(),
        }
    }
}
