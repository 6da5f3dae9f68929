//! Taking a safety snapshot of a stopped canister.

use super::{
    listed::{full, ids, names, size},
    worker::{End, Found, Proof, Ready, Worker},
};
use crate::{
    icp::{
        Call, Reply,
        status::{State, parse_id, parse_size},
    },
    journal::event::Before,
};

impl Worker<'_> {
    pub(super) fn prepare_take(&mut self) -> Result<Ready, End> {
        let status = self.status()?;
        if status.state != State::Stopped {
            return Err(self.drifted(&status));
        }
        let snapshots = self.snapshots()?;
        full(self.target(), &snapshots)?;
        let before = Before { snapshots: Some(ids(&snapshots)), ..Before::of(&status) };
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
        let state = match stopped {
            true => "still stopped, with the same code",
            false => "not stopped any more, or with other code",
        };
        evidence.push(state.to_owned());
        Ok(match printed.or(only.filter(|_| stopped)) {
            Some(id) => {
                let module_hash = before.and_then(|before| before.module_hash);
                let snapshot_size = size(&listed, &id);
                Found::Completed(Proof { snapshot_id: Some(id), snapshot_size, module_hash, ..Proof::default() })
            }
            // Which of the new ones is ours nothing tells, so none may be deleted as such.
            None => Found::NotApplied(Vec::new()),
        })
    }
}
