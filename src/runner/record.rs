//! What a worker has recorded of its operation: claims, receipts, releases. Each returns when it is on disk.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Way,
    worker::{End, Proof, Worker, blocked},
};
use crate::{
    icp::{Command, Rejection, Reply, process},
    id::SnapshotId,
    journal::event::{Before, Claimed, Event, Finished, Outcome, Receipt, Released, Tail, Why},
    plan::Target,
};

/// What is said where a command of another run has not ended.
pub(super) const ORPHAN: &str = "the command of a run that is dead is still at work";

impl Worker<'_> {
    /// Claims the next attempt; gives when it may begin. A signal before it claims nothing.
    pub(super) fn claim(&mut self, command: &Command, before: Before, timeout: Duration) -> Result<Timestamp, End> {
        if self.runner.interrupt.is_set() {
            return Err(End::Interrupted);
        }
        let at = Timestamp::now();
        let deadline = at.saturating_add(timeout).unwrap_or(at);
        self.facts.attempts += 1;
        let files = self.files();
        if process::is_alive(&files) {
            return Err(End::Trouble(Way::Orphan, ORPHAN.to_owned()));
        }
        process::clear(&files).map_err(|error| blocked(format!("{files} cannot be cleared: {error}")))?;
        let claimed = Claimed {
            operation: self.operation.sequence,
            attempt: self.facts.attempts,
            aim: self.aim.clone(),
            command: self.runner.redactor.command(command),
            deadline,
            before,
        };
        self.desk.record(Event::Claimed(Box::new(claimed)))?;
        Ok(Timestamp::now())
    }

    /// The receipt of a command that has ended, or of one that was not needed.
    pub(super) fn finish(
        &self,
        outcome: Outcome,
        proof: Proof,
        rejection: Option<Rejection>,
        reply: Option<&Reply>,
        started: Timestamp,
    ) -> Result<(), End> {
        let receipt = self.receipt(outcome, proof, rejection, reply, started);
        let (operation, attempt) = (self.operation.sequence, self.facts.attempts);
        self.desk.record(Event::Finished(Box::new(Finished { operation, attempt, receipt })))
    }

    /// Nothing came of the attempt: the operation is ready again.
    pub(super) fn release(&self, why: Why, evidence: Vec<String>, orphans: Vec<SnapshotId>) -> Result<(), End> {
        let (operation, attempt) = (self.operation.sequence, self.facts.attempts);
        self.desk.record(Event::Released(Released { operation, attempt, why, evidence, orphans }))
    }

    /// A receipt, without secrets.
    pub(super) fn receipt(
        &self,
        outcome: Outcome,
        proof: Proof,
        rejection: Option<Rejection>,
        reply: Option<&Reply>,
        started: Timestamp,
    ) -> Receipt {
        let redact = |text: &str| self.runner.redactor.redact(text);
        let tail = |text: Option<&String>| text.map(|text| Tail::of(&redact(text))).unwrap_or_default();
        Receipt {
            kind: self.operation.kind,
            source: self.operation.source,
            target: match self.operation.target {
                Target::Canister(principal) => principal,
                Target::Named(_) => self.operation.source,
            },
            outcome,
            exit: reply.map(|reply| reply.exit),
            rejection: rejection.map(|rejection| Rejection { message: redact(&rejection.message), ..rejection }),
            notes: proof.notes.iter().map(|note| redact(note)).collect(),
            snapshot_id: proof.snapshot_id,
            snapshot_size: proof.snapshot_size,
            module_hash: proof.module_hash,
            orphans: proof.orphans,
            started,
            ended: Timestamp::now().max(started),
            stdout: tail(reply.map(|reply| &reply.stdout)),
            stderr: tail(reply.map(|reply| &reply.stderr)),
        }
    }
}
