//! Claims: who may have an effect now.

use jiff::Timestamp;

use super::{Breach, Flight, Replay, Slot, State};
use crate::{
    diagnostic::Code,
    journal::event::{Aim, Claimed},
    operation::{Kind, Operation},
};

const AT: &[&str] = &["operation"];

impl Replay {
    pub(super) fn claim(&mut self, claimed: &Claimed, at: Timestamp, line: usize) -> Result<(), Breach> {
        let sequence = claimed.operation;
        let operation = self.operations.get(sequence).ok_or_else(|| Breach::no_operation(sequence))?;
        let slot = self.slot(sequence);
        slot.check_time(at)?;
        self.check_claimable(operation, slot, &claimed.aim)?;
        slot.check_attempt(claimed.attempt, true)?;
        if claimed.aim == Aim::Do {
            self.check_turn(operation)?;
        }
        self.check_loaded(operation, claimed)?;
        let kept = slot.done().cloned();
        let flight = Flight { aim: claimed.aim.clone(), kept, since: at, deadline: claimed.deadline };
        let slot = &mut self.slots[sequence.index()];
        slot.attempts = claimed.attempt;
        if claimed.aim == Aim::Do {
            slot.before = Some(Box::new(claimed.before.clone()));
        }
        slot.settle(State::Claimed(flight), at, line);
        Ok(())
    }

    /// Nothing of it is under way, and what it is claimed for is still to be done.
    fn check_claimable(&self, operation: &Operation, slot: &Slot, aim: &Aim) -> Result<(), Breach> {
        let sequence = operation.sequence;
        if let State::Claimed(_) | State::Unknown(..) = slot.state {
            let message =
                format!("operation {sequence} is claimed again, and there is no receipt of attempt {}", slot.attempts);
            let breach = Breach::new(Code::ReceiptMissing, message, AT, "claimed again here");
            return Err(breach.and(slot.line, AT, "claimed here, and no receipt follows"));
        }
        let claimable = match aim {
            Aim::Do => matches!(slot.state, State::Fresh | State::Failed(_)),
            Aim::TakeBack => {
                let load = self.operations.find(Kind::LoadSnapshot, &operation.member);
                operation.kind == Kind::StopCanister
                    && slot.is_completed()
                    && load.is_none_or(|load| !self.slot(load.sequence).may_be_applied())
            }
            Aim::Clear(id) => slot.is_completed() && slot.orphans.contains(id),
        };
        if claimable {
            return Ok(());
        }
        let (message, label) = match aim {
            Aim::TakeBack => (format!("operation {sequence} cannot be taken back"), "taken back here"),
            Aim::Clear(_) => (format!("operation {sequence} left no such orphan"), "cleared here"),
            Aim::Do => (format!("operation {sequence} is completed and claimed again"), "claimed again here"),
        };
        let breach = Breach::new(Code::ClaimOutOfOrder, message, AT, label);
        Err(breach.and(slot.line, AT, "its latest receipt"))
    }

    /// All that it waits for is completed.
    fn check_turn(&self, operation: &Operation) -> Result<(), Breach> {
        let open =
            self.waits_for(operation).map(|after| (after, self.slot(after))).find(|(_, slot)| !slot.is_completed());
        let Some((after, slot)) = open else { return Ok(()) };
        let (code, what) = match slot.state {
            State::Claimed(_) => (Code::ReceiptMissing, "has no receipt"),
            State::Fresh | State::Unknown(..) | State::Completed(_) | State::Failed(_) => {
                (Code::ClaimOutOfOrder, "is not completed")
            }
        };
        let sequence = operation.sequence;
        let message = format!("operation {sequence} is claimed while operation {after}, which it waits for, {what}");
        let breach = Breach::new(code, message, AT, format!("waits for operation {after}"));
        Err(breach.and(slot.line, AT, format!("the latest word on operation {after}")))
    }

    /// A load is of the snapshot that the operation is to load, and of no other.
    fn check_loaded(&self, operation: &Operation, claimed: &Claimed) -> Result<(), Breach> {
        let wanted = self.snapshot(operation).filter(|_| operation.kind == Kind::LoadSnapshot).map(ToString::to_string);
        let Some(id) = wanted.filter(|id| !claimed.command.args.contains(id)) else { return Ok(()) };
        let sequence = operation.sequence;
        let message = format!("operation {sequence} loads another snapshot than the one that it is to load, {id}");
        let breach = Breach::new(Code::ForeignLoad, message, &["command", "args"], "another snapshot");
        Err(self.and_upload(breach, operation))
    }
}
