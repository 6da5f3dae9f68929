//! What differs from kind to kind, and where it is.

use super::worker::{End, Found, Proof, Ready, Worker, blocked};
use crate::{icp::Reply, id::SnapshotId, journal::event::Aim, operation::Kind};

impl Worker<'_> {
    /// What must be so before, and the command.
    pub(super) fn prepare(&mut self) -> Result<Ready, End> {
        match (&self.aim, self.operation.kind) {
            (Aim::Clear(id), _) => self.prepare_removal(&id.clone()),
            (Aim::TakeBack, _) => self.prepare_start(),
            (Aim::Do, Kind::UploadSnapshot) => self.prepare_upload(),
            (Aim::Do, Kind::StopCanister) => self.prepare_stop(),
            (Aim::Do, Kind::TakeSnapshot) => self.prepare_take(),
            (Aim::Do, Kind::LoadSnapshot) => self.prepare_load(),
            (Aim::Do, Kind::StartCanister) => self.prepare_start(),
            (Aim::Do, Kind::VerifyMember | Kind::VerifyFleet) => self.prepare_verification(),
            (Aim::Do, Kind::DeleteSnapshot) => match self.facts.snapshot.clone() {
                Some(id) => self.prepare_removal(&id),
                None => Err(blocked("the snapshot to delete is not known")),
            },
        }
    }

    /// What a command that succeeded proves; or why it proves nothing.
    pub(super) fn done(&mut self, reply: &Reply) -> Result<Proof, String> {
        match (&self.aim, self.operation.kind) {
            (Aim::Clear(id), _) => Ok(Proof { snapshot_id: Some(id.clone()), ..Proof::default() }),
            (Aim::TakeBack, _) => Ok(Proof::default()),
            (Aim::Do, Kind::UploadSnapshot) => self.uploaded(reply),
            (Aim::Do, Kind::TakeSnapshot) => self.taken(reply),
            (Aim::Do, Kind::LoadSnapshot) => Ok(self.loaded()),
            (Aim::Do, Kind::DeleteSnapshot) => {
                Ok(Proof { snapshot_id: self.facts.snapshot.clone(), ..Proof::default() })
            }
            (Aim::Do, Kind::StopCanister | Kind::StartCanister) => Ok(Proof::default()),
            (Aim::Do, Kind::VerifyMember | Kind::VerifyFleet) => Ok(Proof::default()),
        }
    }

    /// What the network says of an attempt.
    pub(super) fn settle(&mut self, stdout: &str, stderr: &str, evidence: &mut Vec<String>) -> Result<Found, End> {
        match (&self.aim, self.operation.kind) {
            (Aim::Clear(id), _) => self.settle_removal(&id.clone(), evidence),
            (Aim::TakeBack, _) | (Aim::Do, Kind::StartCanister) => self.settle_start(evidence),
            (Aim::Do, Kind::UploadSnapshot) => self.settle_upload(stdout, evidence),
            (Aim::Do, Kind::StopCanister) => self.settle_stop(evidence),
            (Aim::Do, Kind::TakeSnapshot) => self.settle_take(stdout, evidence),
            (Aim::Do, Kind::LoadSnapshot) => self.settle_load(stderr, evidence),
            (Aim::Do, Kind::VerifyMember | Kind::VerifyFleet) => {
                evidence.push("a verification changes nothing, so it is made again".to_owned());
                Ok(Found::NotApplied(Vec::new()))
            }
            (Aim::Do, Kind::DeleteSnapshot) => match self.facts.snapshot.clone() {
                Some(id) => self.settle_removal(&id, evidence),
                None => Ok(Found::NotApplied(Vec::new())),
            },
        }
    }

    /// What a refused attempt may have left on the canister.
    pub(super) fn leftovers(&mut self) -> Vec<SnapshotId> {
        match (&self.aim, self.operation.kind) {
            (Aim::Do, Kind::UploadSnapshot) => self.upload_leftovers(),
            _ => Vec::new(),
        }
    }
}
