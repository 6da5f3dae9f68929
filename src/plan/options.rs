//! How much at once, how long, how often and how carefully: all of it has defaults.

use std::time::Duration;

use serde::Serialize;

/// How much may happen at once.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limits {
    /// Uploads.
    pub upload: u32,
    /// Everything else.
    pub other: u32,
    /// Failed uploads and verifications that do not end the run.
    pub max_failures: u32,
    /// Bytes of memory that uploads may use together; by default, from what is free.
    pub upload_memory: Option<u64>,
}

/// How long a thing may take before it is ended and its outcome counts as unknown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Timeouts {
    /// An upload.
    #[serde(serialize_with = "millis")]
    pub upload: Duration,
    /// A stop, with all the time that the canister takes to finish its calls.
    #[serde(serialize_with = "millis")]
    pub stop: Duration,
    /// Everything else.
    #[serde(serialize_with = "millis")]
    pub other: Duration,
}

/// Trying again what was surely not applied.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Retry {
    /// Attempts in all in one run, the first included.
    pub attempts: u32,
    /// The pause before the second; it doubles with each.
    #[serde(serialize_with = "millis")]
    pub backoff: Duration,
}

impl Retry {
    /// The pause after so many attempts: twice as long as the one before, up to 64 times the first.
    pub fn pause(&self, tried: u32) -> Duration {
        self.backoff.saturating_mul(1 << tried.saturating_sub(1).min(6))
    }
}

/// How careful the run is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Safety {
    /// Whether a snapshot of each target is taken before its load, for rollback.
    pub snapshot: bool,
    /// What to do with a load whose outcome is unknown.
    pub ambiguous_load: AmbiguousLoad,
    /// What to do with unfinished snapshots that uploads of ours left behind.
    pub orphans: Orphans,
    /// Whether the snapshots that this run uploaded go away in the end.
    pub cleanup: Cleanup,
}

/// What to do with a load whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AmbiguousLoad {
    /// Ask a person.
    #[default]
    Halt,
    /// Load the same snapshot again, while the canister is still stopped.
    Reload,
}

/// What to do with orphans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orphans {
    /// Name them.
    #[default]
    Report,
    /// Delete those that are provably ours.
    DeleteOwn,
}

/// What becomes of the uploaded snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cleanup {
    /// They stay.
    #[default]
    Never,
    /// They are deleted once all is verified.
    OnSuccess,
}

/// A duration in whole milliseconds, as the canonical form has it.
pub(super) fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
