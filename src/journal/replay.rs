//! What events mean: the state of every operation, and the one function that changes it, live and on replay.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::event::{Aim, Before, Claimed, Event, Opened, Outcome, Receipt, Resumed, Verdict, Why};
use crate::{
    diagnostic::Code,
    icp::{Exit, Rejection},
    id::{Digest, SnapshotId},
    operation::{Kind, Operation, Operations, Sequence, Which},
    plan::Target,
};

/// The state of a restore.
#[derive(Debug)]
pub struct Replay {
    /// What the journal is of, without its operations.
    pub opened: Opened,
    /// What is to be done.
    pub operations: Operations,
    /// Who took the journal up last, and when.
    pub holder: Option<(Resumed, Timestamp)>,
    /// How the last run ended, if it came to its end.
    pub verdict: Option<Verdict>,
    slots: Vec<Slot>,
    /// The safety snapshot of a stop: a canister that was open in between needs a new one.
    takes: BTreeMap<Sequence, Sequence>,
    last: Timestamp,
}

/// How an operation stands.
#[derive(Debug, Default)]
pub struct Slot {
    /// What is known of it.
    pub state: State,
    /// Attempts so far.
    pub attempts: u32,
    /// What was true before the latest attempt at its effect.
    pub before: Option<Box<Before>>,
    /// Snapshots that it left behind: unfinished ones, and of a safety snapshot those that a newer one replaced.
    pub orphans: Vec<SnapshotId>,
    /// Whether an attempt that is over may have had its effect, whatever was made of it.
    touched: bool,
    /// The line of its latest event, from 1.
    pub line: usize,
    at: Option<Timestamp>,
}

/// What is known of an operation.
#[derive(Debug, Default)]
pub enum State {
    /// Nothing was tried, or nothing of it is left.
    #[default]
    Fresh,
    /// Claimed: as long as a run is at it, at work; of a run that is dead, unknown.
    Claimed(Flight),
    /// Ended, and only the network knows how.
    Unknown(Flight, String),
    /// Done.
    Completed(Done),
    /// Surely not applied.
    Failed(Failure),
}

/// An effect under way.
#[derive(Debug, Clone)]
pub struct Flight {
    /// What for.
    pub aim: Aim,
    /// Of an operation that was completed before: what still holds if this comes to nothing.
    pub kept: Option<Done>,
    /// Since when.
    pub since: Timestamp,
    /// Until when at most.
    pub deadline: Timestamp,
}

/// What a completed operation leaves for later ones.
#[derive(Debug, Clone)]
pub struct Done {
    /// The snapshot that it made.
    pub snapshot: Option<SnapshotId>,
    /// The size of that in bytes, where it is known.
    pub size: Option<u64>,
    /// The code that it saw or sent.
    pub module_hash: Option<Digest>,
    /// From when.
    pub started: Timestamp,
    /// To when.
    pub ended: Timestamp,
}

/// Why an operation failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// In which way.
    pub outcome: Outcome,
    /// What the network said.
    pub rejection: Option<Rejection>,
    /// What is to be said of it.
    pub notes: Vec<String>,
}

/// An event that cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The kind of problem.
    pub code: Code,
    /// The fact.
    pub message: String,
    /// The field of the event that says it.
    pub at: &'static [&'static str],
    /// What the label there says.
    pub label: String,
    /// A line before that it contradicts, from 1, with the field and what to say of it.
    pub other: Option<(usize, &'static [&'static str], String)>,
}

impl Replay {
    /// The state after the first event.
    ///
    /// # Errors
    /// Where operations are not numbered in order, or wait for later ones.
    pub fn new(mut opened: Opened, at: Timestamp) -> Result<Self, Breach> {
        let operations = std::mem::take(&mut opened.operations);
        let mut takes = BTreeMap::new();
        for (index, operation) in operations.iter().enumerate() {
            let numbered = operation.sequence.index() == index;
            if !numbered || operation.after.iter().any(|after| *after >= operation.sequence) {
                let message = format!(
                    "operation {index} of the journal is numbered {} or waits for a later one",
                    operation.sequence
                );
                return Err(Breach::new(Code::JournalOperations, message, &["operations"], "not in order"));
            }
            if !matches!(operation.target, Target::Canister(_)) {
                let message = format!("the target of operation {index} is not a principal");
                return Err(Breach::new(Code::JournalOperations, message, &["operations"], "not resolved"));
            }
            if operation.kind == Kind::TakeSnapshot {
                takes.extend(operation.after.first().map(|stop| (*stop, operation.sequence)));
            }
        }
        let slots = operations.iter().map(|_| Slot::default()).collect();
        let operations = Operations::new(operations);
        Ok(Self { opened, operations, holder: None, verdict: None, slots, takes, last: at })
    }

    /// The time of the latest event.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// How an operation stands.
    pub fn slot(&self, sequence: Sequence) -> &Slot {
        &self.slots[sequence.index()]
    }

    /// All operations with how they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&Operation, &Slot)> {
        self.operations.iter().zip(&self.slots)
    }

    /// What must be completed before an operation. Of a load, the stop and the safety snapshot of its own canister too:
    /// in its phase's gate they are once, but a canister that somebody opens is closed and kept safe again.
    pub fn waits_for<'a>(&'a self, operation: &'a Operation) -> impl Iterator<Item = Sequence> + 'a {
        let own = [Kind::StopCanister, Kind::TakeSnapshot].into_iter().filter_map(move |kind| {
            let own = (operation.kind == Kind::LoadSnapshot).then(|| self.operations.find(kind, &operation.member));
            own.flatten().map(|own| own.sequence)
        });
        operation.after.iter().copied().chain(own)
    }

    /// Whether all that an operation waits for is completed.
    pub fn is_free(&self, operation: &Operation) -> bool {
        self.waits_for(operation).all(|after| self.slot(after).is_completed())
    }

    /// Whether everything is completed.
    pub fn is_complete(&self) -> bool {
        self.slots.iter().all(Slot::is_completed)
    }

    /// Whether any load may have been applied: from then on a canister that was stopped is not simply started again.
    pub fn has_loaded(&self) -> bool {
        self.iter().any(|(operation, slot)| operation.kind == Kind::LoadSnapshot && slot.may_be_applied())
    }

    /// The snapshot that an operation works on, where its id is known by now.
    pub fn snapshot<'a>(&'a self, operation: &'a Operation) -> Option<&'a SnapshotId> {
        match operation.snapshot.as_ref()? {
            Which::Known(id) => Some(id),
            Which::MadeBy(upload) => self.slots.get(upload.index())?.done()?.snapshot.as_ref(),
        }
    }

    /// Takes an event in.
    ///
    /// # Errors
    /// Where it cannot follow what is known; nothing is changed then.
    pub fn apply(&mut self, event: &Event, at: Timestamp, line: usize) -> Result<(), Breach> {
        match event {
            Event::Opened(_) => {
                return Err(Breach::new(
                    Code::JournalStart,
                    "a journal is opened once",
                    &["event"],
                    "opened again here",
                ));
            }
            Event::Resumed(resumed) => {
                self.holder = Some((resumed.clone(), at));
                self.verdict = None;
            }
            Event::Closed(closed) => self.verdict = Some(closed.verdict),
            Event::Claimed(claimed) => self.claim(claimed, at, line)?,
            Event::Finished(event) => {
                self.check_receipt(event.operation, &event.receipt, "finished")?;
                let slot = self.slots.get(event.operation.index()).ok_or_else(|| unknown_operation(event.operation))?;
                match &slot.state {
                    State::Claimed(flight) => {
                        slot.check_attempt(event.attempt, false)?;
                        let flight = flight.clone();
                        self.conclude(event.operation, &event.receipt, &flight, at, line)?;
                    }
                    state => return Err(slot.no_claim(state, "a receipt")),
                }
            }
            Event::Settled(event) => {
                self.check_receipt(event.operation, &event.receipt, "settled")?;
                let slot = self.slots.get(event.operation.index()).ok_or_else(|| unknown_operation(event.operation))?;
                slot.check_attempt(event.attempt, false)?;
                let flight = match &slot.state {
                    State::Claimed(flight) | State::Unknown(flight, _) => flight.clone(),
                    State::Failed(_) => Flight { aim: Aim::Do, kept: None, since: at, deadline: at },
                    state @ (State::Fresh | State::Completed(_)) => return Err(slot.no_claim(state, "a settlement")),
                };
                self.conclude(event.operation, &event.receipt, &flight, at, line)?;
            }
            Event::Released(event) => {
                let slot = self.slots.get(event.operation.index()).ok_or_else(|| unknown_operation(event.operation))?;
                slot.check_attempt(event.attempt, false)?;
                slot.check_time(at)?;
                let kept = match &slot.state {
                    State::Claimed(flight) | State::Unknown(flight, _) => flight.kept.clone(),
                    State::Failed(_) => None,
                    State::Completed(_) if event.why == Why::Drift => None,
                    state @ (State::Fresh | State::Completed(_)) => return Err(slot.no_claim(state, "a release")),
                };
                if event.why != Why::NotStarted && matches!(slot.state, State::Claimed(_) | State::Unknown(..)) {
                    self.slots[event.operation.index()].touched = true;
                }
                match kept {
                    Some(done) => self.settle(event.operation, State::Completed(done), at, line),
                    None => self.reset(event.operation, at, line),
                }
                self.leave(event.operation, &event.orphans);
            }
            Event::Adopted(event) => {
                self.check_receipt(event.operation, &event.receipt, "adopted")?;
                let slot = self.slots.get(event.operation.index()).ok_or_else(|| unknown_operation(event.operation))?;
                if !matches!(slot.state, State::Fresh) || event.receipt.outcome != Outcome::Completed {
                    let message = format!("operation {} cannot be taken over any more", event.operation);
                    return Err(Breach::new(Code::ReceiptWithoutClaim, message, &["operation"], "not taken over"));
                }
                self.settle(event.operation, State::Completed(Done::of(&event.receipt)), at, line);
            }
        }
        self.last = self.last.max(at);
        Ok(())
    }

    fn claim(&mut self, claimed: &Claimed, at: Timestamp, line: usize) -> Result<(), Breach> {
        const AT: &[&str] = &["operation"];
        let sequence = claimed.operation;
        let operation = self.operations.get(sequence).ok_or_else(|| unknown_operation(sequence))?;
        let slot = self.slot(sequence);
        slot.check_time(at)?;
        if let State::Claimed(_) | State::Unknown(..) = slot.state {
            let message =
                format!("operation {sequence} is claimed again, and there is no receipt of attempt {}", slot.attempts);
            let breach = Breach::new(Code::ReceiptMissing, message, AT, "claimed again here");
            return Err(breach.and(slot.line, AT, "claimed here, and no receipt follows"));
        }
        let claimable = match (&claimed.aim, &slot.state) {
            (Aim::Do, state) => matches!(state, State::Fresh | State::Failed(_)),
            (Aim::TakeBack, state) => {
                let load = self.operations.find(Kind::LoadSnapshot, &operation.member);
                operation.kind == Kind::StopCanister
                    && matches!(state, State::Completed(_))
                    && load.is_none_or(|load| !self.slot(load.sequence).may_be_applied())
            }
            (Aim::Clear(id), state) => matches!(state, State::Completed(_)) && slot.orphans.contains(id),
        };
        if !claimable {
            let (message, label) = match claimed.aim {
                Aim::TakeBack => (format!("operation {sequence} cannot be taken back"), "taken back here"),
                Aim::Clear(_) => (format!("operation {sequence} left no such orphan"), "cleared here"),
                Aim::Do => (format!("operation {sequence} is completed and claimed again"), "claimed again here"),
            };
            return Err(Breach::new(Code::ClaimOutOfOrder, message, AT, label).and(
                slot.line,
                AT,
                "its latest receipt",
            ));
        }
        slot.check_attempt(claimed.attempt, true)?;
        if claimed.aim == Aim::Do {
            for after in self.waits_for(operation) {
                let other = self.slot(after);
                if other.is_completed() {
                    continue;
                }
                let (code, what) = match other.state {
                    State::Claimed(_) => (Code::ReceiptMissing, "has no receipt"),
                    State::Fresh | State::Unknown(..) | State::Completed(_) | State::Failed(_) => {
                        (Code::ClaimOutOfOrder, "is not completed")
                    }
                };
                let message =
                    format!("operation {sequence} is claimed while operation {after}, which it waits for, {what}");
                let breach = Breach::new(code, message, AT, format!("waits for operation {after}"));
                return Err(match other.line {
                    0 => breach,
                    line => breach.and(line, AT, format!("the latest word on operation {after}")),
                });
            }
        }
        if operation.kind == Kind::LoadSnapshot
            && let Some(id) = self.snapshot(operation).map(ToString::to_string)
            && !claimed.command.args.contains(&id)
        {
            let message = format!("operation {sequence} loads another snapshot than the one that it is to load, {id}");
            let breach = Breach::new(Code::ForeignLoad, message, &["command", "args"], "another snapshot");
            return Err(match operation.snapshot {
                Some(Which::MadeBy(upload)) => {
                    breach.and(self.slot(upload).line, &["receipt", "snapshot-id"], "uploaded as this")
                }
                _ => breach,
            });
        }
        let kept = slot.done().cloned();
        let flight = Flight { aim: claimed.aim.clone(), kept, since: at, deadline: claimed.deadline };
        let slot = &mut self.slots[sequence.index()];
        slot.attempts = claimed.attempt;
        if claimed.aim == Aim::Do {
            slot.before = Some(Box::new(claimed.before.clone()));
        }
        self.settle(sequence, State::Claimed(flight), at, line);
        Ok(())
    }

    /// Puts a receipt in the place of a claim.
    fn conclude(
        &mut self,
        sequence: Sequence,
        receipt: &Receipt,
        flight: &Flight,
        at: Timestamp,
        line: usize,
    ) -> Result<(), Breach> {
        self.slot(sequence).check_time(at)?;
        let applied = matches!(receipt.outcome, Outcome::Completed | Outcome::Unknown);
        if receipt.ended < receipt.started {
            return Err(Breach::new(
                Code::TimeBackwards,
                "the command ended before it was started",
                &["receipt", "ended"],
                "before its start",
            ));
        }
        self.slots[sequence.index()].touched |= applied && flight.aim == Aim::Do;
        let done = || State::Completed(flight.kept.clone().unwrap_or_else(|| Done::of(receipt)));
        match (&flight.aim, receipt.outcome) {
            (Aim::Clear(id), outcome) => {
                self.settle(sequence, done(), at, line);
                if outcome == Outcome::Completed {
                    self.slots[sequence.index()].orphans.retain(|orphan| orphan != id);
                }
            }
            (Aim::TakeBack, Outcome::Completed) => self.reset(sequence, at, line),
            (Aim::Do | Aim::TakeBack, Outcome::Unknown) => {
                let why = receipt.notes.first().cloned().unwrap_or_default();
                self.settle(sequence, State::Unknown(flight.clone(), why), at, line);
            }
            // What could not be taken back still holds.
            (Aim::TakeBack, _) => self.settle(sequence, done(), at, line),
            (Aim::Do, Outcome::Completed) => self.settle(sequence, State::Completed(Done::of(receipt)), at, line),
            (Aim::Do, outcome @ (Outcome::Rejected | Outcome::NotSent | Outcome::Disproved)) => {
                let (rejection, notes) = (receipt.rejection.clone(), receipt.notes.clone());
                self.settle(sequence, State::Failed(Failure { outcome, rejection, notes }), at, line);
            }
        }
        self.leave(sequence, &receipt.orphans);
        Ok(())
    }

    /// Adds to what an operation left behind; what it made after all is none of that.
    fn leave(&mut self, sequence: Sequence, orphans: &[SnapshotId]) {
        let slot = &mut self.slots[sequence.index()];
        slot.orphans.extend_from_slice(orphans);
        slot.orphans.sort_unstable();
        slot.orphans.dedup();
        if let State::Completed(Done { snapshot: Some(made), .. }) = &slot.state {
            slot.orphans.retain(|orphan| orphan != made);
        }
    }

    fn settle(&mut self, sequence: Sequence, state: State, at: Timestamp, line: usize) {
        let slot = &mut self.slots[sequence.index()];
        slot.state = state;
        slot.at = Some(at);
        slot.line = line;
    }

    /// Makes an operation ready again, and with a stop the safety snapshot that was taken after it.
    fn reset(&mut self, sequence: Sequence, at: Timestamp, line: usize) {
        self.settle(sequence, State::Fresh, at, line);
        if let Some(take) = self.takes.get(&sequence).copied()
            && self.slot(take).attempts > 0
        {
            let replaced = self.slot(take).done().and_then(|done| done.snapshot.clone());
            self.settle(take, State::Fresh, at, line);
            self.leave(take, replaced.as_slice());
        }
    }

    fn check_receipt(&self, sequence: Sequence, receipt: &Receipt, what: &str) -> Result<(), Breach> {
        let operation = self.operations.get(sequence).ok_or_else(|| unknown_operation(sequence))?;
        let line = self.slot(sequence).line;
        let mismatch = |at, field: &str, is: String, wanted: String| {
            let message = format!("the receipt of operation {sequence} is of another {field}: {is}, not {wanted}");
            let breach = Breach::new(Code::ReceiptMismatch, message, at, format!("not {wanted}"));
            Err(match line {
                0 => breach,
                line => breach.and(line, &["operation"], "the operation was claimed here"),
            })
        };
        if receipt.kind != operation.kind {
            return mismatch(&["receipt", "kind"], "kind", receipt.kind.to_string(), operation.kind.to_string());
        }
        if receipt.source != operation.source {
            return mismatch(
                &["receipt", "source"],
                "source",
                receipt.source.to_string(),
                operation.source.to_string(),
            );
        }
        if Target::Canister(receipt.target) != operation.target {
            return mismatch(
                &["receipt", "target"],
                "target",
                receipt.target.to_string(),
                operation.target.to_string(),
            );
        }
        let contradiction = match (receipt.outcome, receipt.exit) {
            (Outcome::Completed, Some(Exit::Code(0)) | None) | (Outcome::Disproved | Outcome::Unknown, _) => false,
            (Outcome::Completed, Some(_)) => what == "finished",
            (Outcome::Rejected | Outcome::NotSent, Some(Exit::Code(0))) => true,
            (Outcome::Rejected | Outcome::NotSent, _) => false,
        };
        if contradiction {
            let message = format!("the outcome of operation {sequence} contradicts how its command ended");
            return Err(Breach::new(
                Code::OutcomeMismatch,
                message,
                &["receipt", "outcome"],
                "cannot be, after this exit",
            ));
        }
        let makes = matches!(operation.kind, Kind::UploadSnapshot | Kind::TakeSnapshot);
        if receipt.outcome == Outcome::Completed && makes && receipt.snapshot_id.is_none() {
            let message = format!("operation {sequence} is completed, and its receipt names no snapshot");
            return Err(Breach::new(Code::ReceiptField, message, &["receipt"], "no `snapshot-id`"));
        }
        if operation.kind == Kind::LoadSnapshot
            && receipt.outcome == Outcome::Completed
            && receipt.snapshot_id.as_ref() != self.snapshot(operation)
        {
            let message =
                format!("the receipt of operation {sequence} names another snapshot than the one that it was to load");
            let breach = Breach::new(Code::ForeignLoad, message, &["receipt", "snapshot-id"], "another snapshot");
            return Err(match operation.snapshot {
                Some(Which::MadeBy(upload)) => {
                    breach.and(self.slot(upload).line, &["receipt", "snapshot-id"], "uploaded as this")
                }
                _ => breach,
            });
        }
        Ok(())
    }
}

impl Slot {
    /// Whether it is done.
    pub fn is_completed(&self) -> bool {
        matches!(self.state, State::Completed(_))
    }

    /// Whether an attempt had its effect, or may have had it.
    pub fn may_be_applied(&self) -> bool {
        self.touched || matches!(self.state, State::Claimed(_) | State::Unknown(..) | State::Completed(_))
    }

    /// What it left, if it is done.
    pub fn done(&self) -> Option<&Done> {
        match &self.state {
            State::Completed(done) => Some(done),
            State::Fresh | State::Claimed(_) | State::Unknown(..) | State::Failed(_) => None,
        }
    }

    fn check_attempt(&self, attempt: u32, new: bool) -> Result<(), Breach> {
        let wanted = if new { self.attempts + 1 } else { self.attempts };
        if attempt == wanted {
            return Ok(());
        }
        let what = if attempt < wanted { "a stale or repeated attempt" } else { "an attempt that was never claimed" };
        let breach = Breach::new(
            Code::Attempt,
            format!("{what}: {attempt}, where {wanted} is next"),
            &["attempt"],
            format!("not {wanted}"),
        );
        Err(match self.line {
            0 => breach,
            line => breach.and(line, &["attempt"], "the one before"),
        })
    }

    fn check_time(&self, at: Timestamp) -> Result<(), Breach> {
        match self.at {
            Some(before) if at < before => {
                let breach = Breach::new(
                    Code::TimeBackwards,
                    "time runs backwards within an operation",
                    &["at"],
                    "before the event that it follows",
                );
                Err(breach.and(self.line, &["at"], "later than that"))
            }
            _ => Ok(()),
        }
    }

    fn no_claim(&self, state: &State, what: &str) -> Breach {
        let why = match state {
            State::Fresh => "it was never claimed",
            State::Completed(_) => "it is completed already",
            State::Failed(_) => "its failure is recorded already",
            State::Claimed(_) | State::Unknown(..) => "it has a claim",
        };
        let breach = Breach::new(
            Code::ReceiptWithoutClaim,
            format!("{what} for an operation without a claim: {why}"),
            &["operation"],
            "not claimed",
        );
        match self.line {
            0 => breach,
            line => breach.and(line, &["operation"], "its latest event"),
        }
    }
}

impl Done {
    fn of(receipt: &Receipt) -> Self {
        Self {
            snapshot: receipt.snapshot_id.clone(),
            size: receipt.snapshot_size,
            module_hash: receipt.module_hash,
            started: receipt.started,
            ended: receipt.ended,
        }
    }
}

impl Breach {
    pub(super) fn new(
        code: Code,
        message: impl Into<String>,
        at: &'static [&'static str],
        label: impl Into<String>,
    ) -> Self {
        Self { code, message: message.into(), at, label: label.into(), other: None }
    }

    fn and(mut self, line: usize, at: &'static [&'static str], label: impl Into<String>) -> Self {
        self.other = Some((line, at, label.into()));
        self
    }
}

fn unknown_operation(sequence: Sequence) -> Breach {
    Breach::new(
        Code::JournalOperation,
        format!("there is no operation {sequence}"),
        &["operation"],
        "no such operation",
    )
}
