//! What events mean: the state of every operation, and the one function that changes it, live and on replay.
//!
//! A [`Slot`] is how an operation stands; `claim` and `receipt` hold the rules of what may happen to it, and a [`Breach`]
//! says why something may not.

mod breach;
mod claim;
mod receipt;
mod slot;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::event::{Adopted, Aim, Event, Finished, Opened, Outcome, Released, Resumed, Settled, Verdict, Why};
use crate::{
    diagnostic::Code,
    id::SnapshotId,
    operation::{Kind, Operation, Operations, Sequence, Which},
    plan::Target,
};
use receipt::By;

pub use breach::Breach;
use slot::Lost;

pub use slot::{Done, Failure, Flight, Slot, State};

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
                let message = "a journal is opened once";
                return Err(Breach::new(Code::JournalStart, message, &["event"], "opened again here"));
            }
            Event::Resumed(resumed) => {
                self.holder = Some((resumed.clone(), at));
                self.verdict = None;
                self.slots.iter_mut().for_each(|slot| slot.drifts = 0);
            }
            Event::Closed(closed) => self.verdict = Some(closed.verdict),
            Event::Claimed(claimed) => self.claim(claimed, at, line)?,
            Event::Finished(finished) => self.finish(finished, at, line)?,
            Event::Settled(settled) => self.settle(settled, at, line)?,
            Event::Released(released) => self.release(released, at, line)?,
            Event::Adopted(adopted) => self.adopt(adopted, at, line)?,
        }
        self.last = self.last.max(at);
        Ok(())
    }

    fn finish(&mut self, event: &Finished, at: Timestamp, line: usize) -> Result<(), Breach> {
        self.check_receipt(event.operation, &event.receipt, By::Command)?;
        let slot = self.known(event.operation)?;
        let State::Claimed(flight) = &slot.state else { return Err(slot.no_claim("a receipt")) };
        slot.check_attempt(event.attempt, false)?;
        self.conclude(event.operation, &event.receipt, flight.clone(), at, line)
    }

    fn settle(&mut self, event: &Settled, at: Timestamp, line: usize) -> Result<(), Breach> {
        self.check_receipt(event.operation, &event.receipt, By::Word)?;
        let slot = self.known(event.operation)?;
        slot.check_attempt(event.attempt, false)?;
        let flight = match &slot.state {
            State::Claimed(flight) | State::Unknown(flight, _) => flight.clone(),
            State::Failed(_) => Flight { aim: Aim::Do, kept: None, since: at, deadline: at },
            State::Fresh | State::Completed(_) => return Err(slot.no_claim("a settlement")),
        };
        let lost = slot.given_up(at);
        self.conclude(event.operation, &event.receipt, flight, at, line)?;
        if event.receipt.outcome != Outcome::Completed {
            // Whoever says that it was not done cannot know that it will not arrive.
            self.slots[event.operation.index()].lost = lost;
        }
        Ok(())
    }

    fn release(&mut self, event: &Released, at: Timestamp, line: usize) -> Result<(), Breach> {
        let slot = self.known(event.operation)?;
        slot.check_attempt(event.attempt, false)?;
        slot.check_time(at)?;
        let (kept, under_way) = match &slot.state {
            State::Claimed(flight) | State::Unknown(flight, _) => (flight.kept.clone(), true),
            State::Failed(_) => (None, false),
            State::Completed(_) if event.why == Why::Drift => (None, false),
            State::Fresh | State::Completed(_) => return Err(slot.no_claim("a release")),
        };
        let slot = &mut self.slots[event.operation.index()];
        slot.drifts += u32::from(event.why == Why::Drift);
        if under_way && event.why != Why::NotStarted {
            slot.touched = true;
            slot.lost = slot.given_up(at);
        }
        match kept {
            Some(done) => slot.settle(State::Completed(done), at, line),
            None => self.reset(event.operation, at, line),
        }
        self.slots[event.operation.index()].leave(&event.orphans);
        Ok(())
    }

    fn adopt(&mut self, event: &Adopted, at: Timestamp, line: usize) -> Result<(), Breach> {
        self.check_receipt(event.operation, &event.receipt, By::Word)?;
        let slot = self.known(event.operation)?;
        if !matches!(slot.state, State::Fresh) || event.receipt.outcome != Outcome::Completed {
            let message = format!("operation {} cannot be taken over any more", event.operation);
            return Err(Breach::new(Code::ReceiptWithoutClaim, message, &["operation"], "not taken over"));
        }
        let slot = &mut self.slots[event.operation.index()];
        slot.settle(State::Completed(Done::of(&event.receipt)), at, line);
        // What came before that in the other journal may never have been answered.
        slot.lost = Lost::until(event.receipt.ended);
        Ok(())
    }

    /// Makes an operation ready again, and with a stop the safety snapshot that was taken after it.
    fn reset(&mut self, sequence: Sequence, at: Timestamp, line: usize) {
        self.slots[sequence.index()].settle(State::Fresh, at, line);
        let take = self.takes.get(&sequence).map(|take| &mut self.slots[take.index()]);
        if let Some(take) = take.filter(|take| take.attempts > 0) {
            let replaced = take.done().and_then(|done| done.snapshot.clone());
            take.settle(State::Fresh, at, line);
            take.leave(replaced.as_slice());
        }
    }

    /// How an operation stands that an event names: there may be none.
    fn known(&self, sequence: Sequence) -> Result<&Slot, Breach> {
        self.slots.get(sequence.index()).ok_or_else(|| Breach::no_operation(sequence))
    }

    /// Adds where the snapshot comes from that an operation was to load.
    fn and_upload(&self, breach: Breach, operation: &Operation) -> Breach {
        match operation.snapshot {
            Some(Which::MadeBy(upload)) => {
                breach.and(self.slot(upload).line, &["receipt", "snapshot-id"], "uploaded as this")
            }
            Some(Which::Known(_)) | None => breach,
        }
    }
}
