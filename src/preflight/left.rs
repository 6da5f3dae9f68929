//! What is still to be done of a member.

use super::Scene;
use crate::{
    id::SnapshotId,
    operation::Kind,
    plan::{Member, Snapshot},
};

/// What is still to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The upload.
    pub upload: bool,
    /// Of an upload that was begun: the snapshots that the canister had before.
    pub begun: Option<Vec<SnapshotId>>,
    /// The stop, which was never tried.
    pub stop: bool,
    /// The safety snapshot.
    pub take: bool,
    /// The load.
    pub load: bool,
    /// The snapshot to load, if its id is known by now.
    pub snapshot: Option<SnapshotId>,
    /// The start.
    pub start: bool,
    /// Verification or cleanup.
    pub rest: bool,
}

impl Left {
    pub(super) fn of(scene: &Scene<'_>, member: &Member) -> Self {
        let mut left = Self::default();
        for kind in Kind::ALL {
            let Some(operation) = scene.operations.find(kind, &member.name) else { continue };
            let slot = scene.replay.map(|replay| replay.slot(operation.sequence));
            if slot.is_some_and(|slot| slot.is_completed()) {
                continue;
            }
            match kind {
                // What others upload is theirs to have room and cycles for.
                Kind::UploadSnapshot if scene.share.is_some_and(|share| !share.contains(&member.name)) => {}
                Kind::UploadSnapshot => {
                    left.upload = true;
                    left.begun = slot.and_then(|slot| slot.before.as_ref()?.snapshots.clone());
                }
                Kind::StopCanister => left.stop = slot.is_none_or(|slot| slot.attempts == 0),
                Kind::TakeSnapshot => left.take = true,
                Kind::LoadSnapshot => {
                    left.load = true;
                    left.snapshot = match (&member.snapshot, scene.replay) {
                        (Snapshot::OnChain { id, .. }, _) => Some(id.clone()),
                        (Snapshot::Artifact { .. }, replay) => {
                            replay.and_then(|replay| replay.snapshot(operation).cloned())
                        }
                    };
                }
                Kind::StartCanister => left.start = true,
                Kind::VerifyMember | Kind::VerifyFleet | Kind::DeleteSnapshot => left.rest = true,
            }
        }
        left
    }

    /// Whether there is anything left.
    pub fn is_any(&self) -> bool {
        self.upload || self.stop || self.take || self.load || self.start || self.rest
    }
}
