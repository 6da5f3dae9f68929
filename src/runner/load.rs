//! Loading a snapshot: the one effect that nothing on the network proves.

use super::worker::{End, Found, Proof, Ready, Worker, blocked};
use crate::{
    icp::{Call, Status, status::State},
    journal::event::{Before, Event, Released, Why},
    plan::AmbiguousLoad,
};

/// How often in a run somebody may start a canister in between before that is left to a person.
const STARTS: u32 = 3;

impl Worker<'_> {
    /// Still stopped, with the code and the controllers of before, and the snapshot there.
    pub(super) fn prepare_load(&mut self) -> Result<Ready, End> {
        let Some(id) = self.facts.snapshot.clone() else { return Err(blocked("the snapshot to load is not known")) };
        // A start that arrived after the load would open the canister too early; a load of the restore that arrived after
        // that of its rollback would undo it.
        self.outlast()?;
        let status = self.status()?;
        if status.state != State::Stopped {
            return Err(self.drifted(&status));
        }
        if let Some(stopped) = &self.facts.stopped
            && let Some(what) = self.changed(stopped, &status)
        {
            return Err(blocked(format!("somebody changed the {what} of {} since it was stopped", self.target())));
        }
        let snapshots = self.snapshots()?;
        if !snapshots.iter().any(|listed| listed.id == id) && !self.member.is_relocated() {
            return Err(blocked(format!("the snapshot {id} is not on {} any more", self.target())));
        }
        let before = Before { snapshots: Some(vec![id.clone()]), ..Before::of(&status) };
        Ok(Ready::Run(self.command(Call::Load(self.target(), &id.to_string())), before, self.timeout()))
    }

    /// What somebody changed since the stop. After a load of ours that may have been applied, the code may be the new one.
    fn changed(&self, stopped: &Before, status: &Status) -> Option<&'static str> {
        if stopped.controllers != status.controllers {
            return Some("controllers");
        }
        let loaded = self.facts.expected.first().and_then(|expected| expected.code);
        let ours = self.facts.touched && (loaded.is_none() || loaded == status.module_hash);
        (stopped.module_hash != status.module_hash && !ours).then_some("code")
    }

    pub(super) fn loaded(&mut self) -> Proof {
        // Only a note for later: whether the code is right is proved before the start.
        let module_hash = self.status().ok().and_then(|status| status.module_hash);
        Proof { snapshot_id: self.facts.snapshot.clone(), module_hash, ..Proof::default() }
    }

    pub(super) fn settle_load(&mut self, stderr: &str, evidence: &mut Vec<String>) -> Result<Found, End> {
        let status = self.settling_status()?;
        evidence.push(format!("status: {:?}", status.state).to_lowercase());
        let (target, id) = (self.target(), self.facts.snapshot.as_ref().map(ToString::to_string).unwrap_or_default());
        // icp prints this once it has the certified reply, which a runner that died before it cannot have seen.
        if stderr.lines().any(|line| line.starts_with("Restored canister ") && line.ends_with(&id)) {
            evidence.push("icp printed that it was restored".to_owned());
            return Ok(Found::Completed(self.loaded()));
        }
        if status.state != State::Stopped {
            return Ok(Found::Open(format!(
                "it is not known whether {id} was loaded into {target}, and somebody has started that: see whether its data is that of \
                 the snapshot, and say so"
            )));
        }
        match self.runner.plan.safety.ambiguous_load {
            AmbiguousLoad::Reload => {
                evidence.push("still stopped, so loading the same snapshot again comes to the same".to_owned());
                Ok(Found::NotApplied(Vec::new()))
            }
            AmbiguousLoad::Halt => Ok(Found::Open(format!(
                "it is not known whether {id} was loaded into {target}, which is still stopped: nothing on the network tells, and a \
                 lost request may arrive for five minutes yet; loading it again comes to the same"
            ))),
        }
    }

    /// Somebody started the canister after it was stopped: it is stopped again, and its safety snapshot taken anew.
    pub(super) fn drifted(&self, status: &Status) -> End {
        let seen = format!("{} is not stopped any more: it is {:?}", self.target(), status.state).to_lowercase();
        if self.facts.drifts + 1 >= STARTS {
            return blocked(format!("{seen}, for the {STARTS}rd time: find out who starts it"));
        }
        let Some(stop) = self.facts.stop else { return blocked(seen) };
        let evidence = vec![seen];
        let released =
            Released { operation: stop, attempt: self.facts.stops, why: Why::Drift, evidence, orphans: Vec::new() };
        match self.desk.record(Event::Released(released)) {
            Ok(()) => End::Drift,
            Err(end) => end,
        }
    }
}
