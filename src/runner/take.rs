//! Taking a safety snapshot of a stopped canister.

use super::worker::{End, Found, Proof, Ready, Worker, before, blocked};
use crate::{
    icp::{
        Call, Reply, Snapshots,
        status::{State, parse_id, parse_size},
    },
    id::SnapshotId,
    journal::event::Before,
};

/// The most snapshots that a canister can have (replica configuration).
pub(super) const MOST_SNAPSHOTS: usize = 10;

impl Worker<'_> {
    pub(super) fn prepare_take(&mut self) -> Result<Ready, End> {
        let status = self.status()?;
        if status.state != State::Stopped {
            return Err(self.drifted(&status));
        }
        let snapshots = self.snapshots()?;
        full(self.target(), &snapshots)?;
        let before = Before { snapshots: Some(ids(&snapshots)), ..before(&status) };
        Ok(Ready::Run(self.command(Call::Take(self.target())), before, self.timeout()))
    }

    pub(super) fn taken(&mut self, reply: &Reply) -> Result<Proof, String> {
        let id = parse_id(&reply.stdout).ok_or("icp succeeded, and named no snapshot that can be read")?;
        let module_hash = self.facts.before.as_ref().and_then(|before| before.module_hash);
        Ok(Proof { snapshot_id: Some(id), snapshot_size: parse_size(&reply.stdout), module_hash, ..Proof::default() })
    }

    /// Exactly one new snapshot on a canister that is stopped: its state cannot be another than that which was to be
    /// taken, whoever took it.
    pub(super) fn settle_take(&mut self, stdout: &str, evidence: &mut Vec<String>) -> Result<Found, End> {
        let listed = self.settling(|| self.snapshots())?;
        let new = self.new_since_claim(&listed);
        evidence.push(format!("snapshots new since the claim: {}", names(&new)));
        let printed = parse_id(stdout).filter(|id| new.contains(id));
        let only = match &new[..] {
            [only] => Some(only.clone()),
            _ => None,
        };
        let status = self.settling_status()?;
        let before = self.facts.before.as_ref();
        let stopped =
            status.state == State::Stopped && before.is_some_and(|before| before.module_hash == status.module_hash);
        evidence.push(format!("still stopped, with the same code: {stopped}"));
        Ok(match printed.or(only.filter(|_| stopped)) {
            Some(id) => {
                let module_hash = self.facts.before.as_ref().and_then(|before| before.module_hash);
                let orphans = new.into_iter().filter(|other| *other != id).collect();
                let snapshot_size = listed.iter().find(|listed| listed.id == id).map(|listed| listed.size);
                Found::Completed(Proof {
                    snapshot_id: Some(id),
                    snapshot_size,
                    module_hash,
                    orphans,
                    ..Proof::default()
                })
            }
            None => Found::NotApplied(new),
        })
    }

    /// The snapshots that were not there before the latest attempt.
    pub(super) fn new_since_claim(&self, listed: &Snapshots) -> Vec<SnapshotId> {
        let before = self.facts.before.as_ref().and_then(|before| before.snapshots.as_deref()).unwrap_or_default();
        listed.iter().map(|listed| listed.id.clone()).filter(|id| !before.contains(id)).collect()
    }
}

/// Refuses to make one snapshot more than a canister can have.
pub(super) fn full(target: &crate::plan::Target, snapshots: &Snapshots) -> Result<(), End> {
    if snapshots.len() < MOST_SNAPSHOTS {
        return Ok(());
    }
    let oldest: Vec<String> = snapshots.iter().map(|listed| listed.id.to_string()).collect();
    Err(blocked(format!(
        "{target} has {} snapshots, and a canister can have {MOST_SNAPSHOTS}: delete one of {}",
        snapshots.len(),
        oldest.join(", ")
    )))
}

pub(super) fn ids(snapshots: &Snapshots) -> Vec<SnapshotId> {
    snapshots.iter().map(|listed| listed.id.clone()).collect()
}

pub(super) fn names(ids: &[SnapshotId]) -> String {
    match ids {
        [] => "none".to_owned(),
        ids => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
