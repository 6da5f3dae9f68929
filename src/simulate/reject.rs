//! What `icp` says when it fails: the network's refusals and its own words.

use std::fmt;

use super::{Error, state::SNAPSHOT_LIMIT};
use crate::id::{Principal, SnapshotId};

/// A refusal of the network: a definite one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reject {
    pub(super) error_code: String,
    pub(super) message: String,
    /// The snapshot that the canister has not, though another may.
    pub(super) missing: Option<SnapshotId>,
}

impl Reject {
    pub(super) fn new(error_code: &str, message: impl Into<String>) -> Self {
        Self { error_code: error_code.to_owned(), message: message.into(), missing: None }
    }

    pub(super) fn no_canister(canister: Principal) -> Self {
        Self::new("IC0301", format!("Canister {canister} not found"))
    }

    pub(super) fn no_snapshot(canister: Principal, snapshot: &SnapshotId) -> Self {
        let words = format!("Could not find the snapshot ID {snapshot} for canister {canister}.");
        Self { missing: Some(snapshot.clone()), ..Self::new("IC0305", words) }
    }

    pub(super) fn foreign_snapshot(canister: Principal, snapshot: &SnapshotId) -> Self {
        Self::new("IC0406", format!("The snapshot {snapshot} does not belong to canister {canister}."))
    }

    pub(super) fn snapshot_limit(canister: Principal) -> Self {
        Self::new(
            "IC0406",
            format!("Canister {canister} has reached the maximum number of snapshots allowed: {SNAPSHOT_LIMIT}."),
        )
    }

    pub(super) fn empty_canister(canister: Principal) -> Self {
        Self::new("IC0406", format!("Failed to create snapshot for empty canister {canister}:"))
    }

    /// Data for a snapshot that was taken, not uploaded. The code is a guess.
    pub(super) fn immutable_snapshot() -> Self {
        Self::new("IC0409", "Only canister snapshots created by metadata upload can be mutated.")
    }

    pub(super) fn bad_argument(reason: impl fmt::Display) -> Self {
        Self::new("IC0408", format!("Invalid argument: {reason}"))
    }

    pub(super) fn bad_module(canister: Principal) -> Self {
        Self::new(
            "IC0505",
            format!(
                "Error from Canister {canister}: Canister's Wasm module is not valid: Wasmtime failed to validate wasm module wasmtime::Module::validate() failed."
            ),
        )
    }

    pub(super) fn not_controller(canister: Principal, caller: Principal) -> Self {
        Self::new("IC0512", format!("Only the controllers of the canister {canister} can control it, not {caller}"))
    }

    pub(super) fn stop_cancelled(canister: Principal) -> Self {
        Self::new("IC0511", format!("Canister {canister}'s stop request was cancelled."))
    }

    pub(super) fn stopped(canister: Principal) -> Self {
        Self::new("IC0508", format!("Canister {canister} is stopped"))
    }

    pub(super) fn stopping(canister: Principal) -> Self {
        Self::new("IC0509", format!("Canister {canister} is stopping"))
    }

    pub(super) fn no_method(canister: Principal, kind: &str, method: &str) -> Self {
        Self::new("IC0536", format!("Error from Canister {canister}: Canister has no {kind} method '{method}'."))
    }

    pub(super) fn method(canister: Principal, words: &str) -> Self {
        Self::new(
            "IC0503",
            format!("Error from Canister {canister}: Canister called `ic0.trap` with message: '{words}'."),
        )
    }

    /// A refusal that a fault asks for, in the network's words where they are known.
    pub(super) fn injected(canister: Principal, caller: Principal, code: &str) -> Self {
        match code {
            "IC0301" => Self::no_canister(canister),
            "IC0505" => Self::bad_module(canister),
            "IC0512" => Self::not_controller(canister, caller),
            "IC0207" => Self::new(
                code,
                format!(
                    "Canister {canister} is out of cycles: please top up the canister with at least 1_000_000_000 additional cycles."
                ),
            ),
            "IC0210" => Self::new(
                code,
                format!(
                    "Canister {canister} is heap delta rate limited: current delta debit is 157286400, limit is 78643200."
                ),
            ),
            _ => Self::new(code, "Refused by the simulated fleet, as it was told to."),
        }
    }

    fn class(&self) -> &'static str {
        match self.error_code.as_bytes().get(2) {
            Some(b'2') => "SysTransient",
            Some(b'3') => "DestinationInvalid",
            Some(b'4') => "CanisterReject",
            Some(b'5') => "CanisterError",
            _ => "SysFatal",
        }
    }

    /// As ic-agent words it.
    pub(super) fn words(&self) -> String {
        format!(
            "The replica returned a rejection error: reject code {}, reject message {}, error code {:?}",
            self.class(),
            self.message,
            Some(&self.error_code)
        )
    }
}

/// A call that has no answer to show.
#[derive(Debug)]
pub(super) enum CallError {
    /// The network said no.
    Reject(Reject),
    /// The connection broke: request or answer is lost.
    Lost,
    /// HTTP 503.
    Unavailable,
    /// The network never answered.
    TimedOut,
    /// The simulation itself is broken.
    Fleet(Error),
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Fleet(error)
    }
}

/// A command that failed: what it prints, and its exit code.
#[derive(Debug)]
pub(super) struct Failure {
    /// From the outermost to the cause.
    chain: Vec<String>,
    pub(super) exit: u8,
}

impl Failure {
    /// Words of icp's own.
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self::caused([words.into()])
    }

    /// Words and their causes.
    pub(super) fn caused(chain: impl IntoIterator<Item = String>) -> Self {
        Self { chain: chain.into_iter().collect(), exit: 1 }
    }

    /// A file that refuses.
    pub(super) fn io(words: String, error: &std::io::Error) -> Self {
        Self::caused([words, error.to_string()])
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(format!("the simulated fleet is broken: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chain = self.chain.iter();
        if let Some(words) = chain.next() {
            writeln!(f, "Error: {words}")?;
        }
        match chain.as_slice() {
            [] => Ok(()),
            [cause] => writeln!(f, "\nCaused by:\n    {cause}"),
            causes => {
                writeln!(f, "\nCaused by:")?;
                for (at, cause) in causes.iter().enumerate() {
                    writeln!(f, "    {at}: {cause}")?;
                }
                Ok(())
            }
        }
    }
}
