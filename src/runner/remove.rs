//! Deleting a snapshot that this restore made.

use super::worker::{End, Found, Proof, Ready, Worker};
use crate::{icp::Call, id::SnapshotId, journal::event::Before};

impl Worker<'_> {
    pub(super) fn prepare_removal(&mut self, id: &SnapshotId) -> Result<Ready, End> {
        let listed = self.snapshots()?.iter().any(|listed| listed.id == *id);
        let command = self.command(Call::Delete(self.target(), &id.to_string()));
        let proof =
            Proof { snapshot_id: Some(id.clone()), notes: vec!["it was gone already".to_owned()], ..Proof::default() };
        Ok(match listed {
            true => Ready::Run(command, Before::default(), self.timeout()),
            false => Ready::Already(command, Before::default(), proof),
        })
    }

    pub(super) fn settle_removal(&mut self, id: &SnapshotId, evidence: &mut Vec<String>) -> Result<Found, End> {
        let listed = self.settling(|| self.snapshots())?.iter().any(|listed| listed.id == *id);
        evidence.push(format!("listed: {listed}"));
        Ok(match listed {
            true => Found::NotApplied(Vec::new()),
            false => Found::Completed(Proof { snapshot_id: Some(id.clone()), ..Proof::default() }),
        })
    }
}
