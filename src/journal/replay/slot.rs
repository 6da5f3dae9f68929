//! How an operation stands, and what may be said of it next.

use jiff::Timestamp;

use super::Breach;
use crate::{
    diagnostic::Code,
    icp::Rejection,
    id::{Digest, SnapshotId},
    journal::event::{Aim, Before, Outcome, Receipt},
};

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
    pub(super) touched: bool,
    pub(super) lost: Lost,
    /// How often in this run somebody undid it.
    pub drifts: u32,
    /// The line of its latest event, from 1.
    pub line: usize,
    /// When that was.
    at: Option<Timestamp>,
}

/// When the latest attempt ended of which nothing came back and nothing was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lost {
    /// At the effect.
    effect: Option<Timestamp>,
    /// At taking it back.
    back: Option<Timestamp>,
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

impl Lost {
    /// Of an effect that was taken over.
    pub(super) fn until(ended: Timestamp) -> Self {
        Self { effect: Some(ended), back: None }
    }
}

impl Slot {
    /// Whether it is done.
    pub fn is_completed(&self) -> bool {
        matches!(self.state, State::Completed(_))
    }

    /// Whether it was begun, and nothing tells how it ended.
    pub fn is_unsettled(&self) -> bool {
        matches!(self.state, State::Claimed(_) | State::Unknown(..))
    }

    /// Whether an attempt had its effect, or may have had it.
    pub fn may_be_applied(&self) -> bool {
        self.touched || self.is_unsettled() || self.is_completed()
    }

    /// What it left, if it is done.
    pub fn done(&self) -> Option<&Done> {
        match &self.state {
            State::Completed(done) => Some(done),
            State::Fresh | State::Claimed(_) | State::Unknown(..) | State::Failed(_) => None,
        }
    }

    /// Since when at the latest nothing more was sent of its effect that was never answered: until that expires, it may
    /// still arrive.
    pub fn unanswered(&self, now: Timestamp) -> Option<Timestamp> {
        self.given_up(now).effect
    }

    /// The same of what was to take it back.
    pub fn unanswered_back(&self, now: Timestamp) -> Option<Timestamp> {
        self.given_up(now).back
    }

    /// What is lost if nothing comes of what is under way.
    pub(super) fn given_up(&self, now: Timestamp) -> Lost {
        let (aim, sent) = match &self.state {
            // Of a run that died, nobody saw when its command ended.
            State::Claimed(flight) => (&flight.aim, Some(now)),
            State::Unknown(flight, _) => (&flight.aim, self.at),
            State::Fresh | State::Completed(_) | State::Failed(_) => return self.lost,
        };
        match aim {
            Aim::Do => Lost { effect: sent, ..self.lost },
            Aim::TakeBack => Lost { back: sent, ..self.lost },
            Aim::Clear(_) => self.lost,
        }
    }

    pub(super) fn settle(&mut self, state: State, at: Timestamp, line: usize) {
        self.state = state;
        self.at = Some(at);
        self.line = line;
    }

    /// Adds to what it left behind; what it made after all is none of that.
    pub(super) fn leave(&mut self, orphans: &[SnapshotId]) {
        self.orphans.extend_from_slice(orphans);
        self.orphans.sort_unstable();
        self.orphans.dedup();
        if let State::Completed(Done { snapshot: Some(made), .. }) = &self.state {
            self.orphans.retain(|orphan| orphan != made);
        }
    }

    /// An event on the latest attempt, or the claim of a `new` one.
    pub(super) fn check_attempt(&self, attempt: u32, new: bool) -> Result<(), Breach> {
        let wanted = if new { self.attempts + 1 } else { self.attempts };
        if attempt == wanted {
            return Ok(());
        }
        let what = if attempt < wanted { "a stale or repeated attempt" } else { "an attempt that was never claimed" };
        let due = if new { "is next" } else { "was claimed last" };
        let message = format!("{what}: {attempt}, where {wanted} {due}");
        let breach = Breach::new(Code::Attempt, message, &["attempt"], format!("not {wanted}"));
        Err(breach.and(self.line, &["attempt"], "the one before"))
    }

    pub(super) fn check_time(&self, at: Timestamp) -> Result<(), Breach> {
        if self.at.is_none_or(|before| before <= at) {
            return Ok(());
        }
        let message = "time runs backwards within an operation";
        let breach = Breach::new(Code::TimeBackwards, message, &["at"], "before the event that it follows");
        Err(breach.and(self.line, &["at"], "later than that"))
    }

    /// Why what stands here does not take an event that follows a claim.
    pub(super) fn no_claim(&self, what: &str) -> Breach {
        let why = match self.state {
            State::Fresh => "its operation was never claimed",
            State::Completed(_) => "its operation is completed already",
            State::Failed(_) => "the failure of its operation is recorded already",
            State::Claimed(_) | State::Unknown(..) => "its operation has a claim",
        };
        let message = format!("{what} without a claim: {why}");
        let breach = Breach::new(Code::ReceiptWithoutClaim, message, &["operation"], "not claimed");
        breach.and(self.line, &["operation"], "its latest event")
    }
}

impl Done {
    pub(super) fn of(receipt: &Receipt) -> Self {
        Self {
            snapshot: receipt.snapshot_id.clone(),
            size: receipt.snapshot_size,
            module_hash: receipt.module_hash,
            started: receipt.started,
            ended: receipt.ended,
        }
    }
}
