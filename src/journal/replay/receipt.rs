//! Receipts: whether one is of its operation, and what it puts in the place of a claim.

use std::fmt::Display;

use jiff::Timestamp;

use super::{Breach, Done, Failure, Flight, Replay, State};
use crate::{
    diagnostic::Code,
    icp::Exit,
    journal::event::{Aim, Outcome, Receipt},
    operation::{Kind, Operation, Sequence},
    plan::Target,
};

/// How a receipt came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Its command has ended: how it did speaks.
    Command,
    /// The network, a person or another journal said so, whatever became of the command.
    Word,
}

impl Replay {
    /// Whether a receipt can be one of an operation at all.
    pub(super) fn check_receipt(&self, sequence: Sequence, receipt: &Receipt, by: By) -> Result<(), Breach> {
        let operation = self.operations.get(sequence).ok_or_else(|| Breach::no_operation(sequence))?;
        self.check_fit(operation, receipt)?;
        let contradiction = match (receipt.outcome, receipt.exit) {
            (Outcome::Completed, Some(Exit::Code(0)) | None) | (Outcome::Disproved | Outcome::Unknown, _) => false,
            (Outcome::Completed, Some(_)) => by == By::Command,
            (Outcome::Rejected | Outcome::NotSent, exit) => exit == Some(Exit::Code(0)),
        };
        if contradiction {
            let message = format!("the outcome of operation {sequence} contradicts how its command ended");
            let at = &["receipt", "outcome"];
            return Err(Breach::new(Code::OutcomeMismatch, message, at, "cannot be, after this exit"));
        }
        if receipt.outcome != Outcome::Completed {
            return Ok(());
        }
        let makes = matches!(operation.kind, Kind::UploadSnapshot | Kind::TakeSnapshot);
        if makes && receipt.snapshot_id.is_none() {
            let message = format!("operation {sequence} is completed, and its receipt names no snapshot");
            return Err(Breach::new(Code::ReceiptField, message, &["receipt"], "no `snapshot-id`"));
        }
        if operation.kind == Kind::LoadSnapshot && receipt.snapshot_id.as_ref() != self.snapshot(operation) {
            let message =
                format!("the receipt of operation {sequence} names another snapshot than the one that it was to load");
            let breach = Breach::new(Code::ForeignLoad, message, &["receipt", "snapshot-id"], "another snapshot");
            return Err(self.and_upload(breach, operation));
        }
        Ok(())
    }

    /// The same kind, source and target.
    fn check_fit(&self, operation: &Operation, receipt: &Receipt) -> Result<(), Breach> {
        let sequence = operation.sequence;
        let other = |at: &'static [&'static str; 2], is: &dyn Display, wanted: &dyn Display| {
            let message = format!("the receipt of operation {sequence} is of another {}: {is}, not {wanted}", at[1]);
            let breach = Breach::new(Code::ReceiptMismatch, message, at, format!("not {wanted}"));
            Err(breach.and(self.slot(sequence).line, &["operation"], "the operation was claimed here"))
        };
        if receipt.kind != operation.kind {
            return other(&["receipt", "kind"], &receipt.kind, &operation.kind);
        }
        if receipt.source != operation.source {
            return other(&["receipt", "source"], &receipt.source, &operation.source);
        }
        if Target::Canister(receipt.target) != operation.target {
            return other(&["receipt", "target"], &receipt.target, &operation.target);
        }
        Ok(())
    }

    /// Puts a receipt in the place of a claim.
    pub(super) fn conclude(
        &mut self,
        sequence: Sequence,
        receipt: &Receipt,
        flight: Flight,
        at: Timestamp,
        line: usize,
    ) -> Result<(), Breach> {
        let slot = &mut self.slots[sequence.index()];
        slot.check_time(at)?;
        if receipt.ended < receipt.started {
            let message = "the command ended before it was started";
            return Err(Breach::new(Code::TimeBackwards, message, &["receipt", "ended"], "before its start"));
        }
        let applied = matches!(receipt.outcome, Outcome::Completed | Outcome::Unknown);
        slot.touched |= applied && flight.aim == Aim::Do;
        let kept = |kept: Option<Done>| State::Completed(kept.unwrap_or_else(|| Done::of(receipt)));
        match (&flight.aim, receipt.outcome) {
            (Aim::Clear(id), outcome) => {
                if outcome == Outcome::Completed {
                    slot.orphans.retain(|orphan| orphan != id);
                }
                slot.settle(kept(flight.kept), at, line);
            }
            (Aim::TakeBack, Outcome::Completed) => self.reset(sequence, at, line),
            (Aim::Do | Aim::TakeBack, Outcome::Unknown) => {
                let why = receipt.notes.first().cloned().unwrap_or_default();
                slot.settle(State::Unknown(flight, why), at, line);
            }
            // What could not be taken back still holds.
            (Aim::TakeBack, _) => slot.settle(kept(flight.kept), at, line),
            (Aim::Do, Outcome::Completed) => slot.settle(State::Completed(Done::of(receipt)), at, line),
            (Aim::Do, outcome @ (Outcome::Rejected | Outcome::NotSent | Outcome::Disproved)) => {
                let (rejection, notes) = (receipt.rejection.clone(), receipt.notes.clone());
                slot.settle(State::Failed(Failure { outcome, rejection, notes }), at, line);
            }
        }
        self.slots[sequence.index()].leave(&receipt.orphans);
        Ok(())
    }
}
