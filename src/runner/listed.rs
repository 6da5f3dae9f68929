//! What a list of snapshots says.

use super::worker::{End, Worker, blocked};
use crate::{
    icp::{Snapshots, status::MOST_SNAPSHOTS},
    id::SnapshotId,
    plan::Target,
};

impl Worker<'_> {
    /// The snapshots that were not there before the latest attempt.
    pub(super) fn new_since_claim(&self, listed: &Snapshots) -> Vec<SnapshotId> {
        let before = self.facts.before.as_ref().and_then(|before| before.snapshots.as_deref()).unwrap_or_default();
        ids(listed).into_iter().filter(|id| !before.contains(id)).collect()
    }
}

/// Refuses to make one snapshot more than a canister can have.
pub(super) fn full(target: &Target, snapshots: &Snapshots) -> Result<(), End> {
    if snapshots.len() < MOST_SNAPSHOTS {
        return Ok(());
    }
    Err(blocked(format!(
        "{target} has {} snapshots, and a canister can have {MOST_SNAPSHOTS}: delete one of {}",
        snapshots.len(),
        names(&ids(snapshots))
    )))
}

pub(super) fn ids(snapshots: &Snapshots) -> Vec<SnapshotId> {
    snapshots.iter().map(|listed| listed.id.clone()).collect()
}

/// The declared size of one.
pub(super) fn size(snapshots: &Snapshots, id: &SnapshotId) -> Option<u64> {
    snapshots.iter().find(|listed| listed.id == *id).map(|listed| listed.size)
}

pub(super) fn names(ids: &[SnapshotId]) -> String {
    match ids {
        [] => "none".to_owned(),
        ids => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
