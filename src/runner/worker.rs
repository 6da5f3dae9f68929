//! A worker: brings one operation to an end, in as many attempts as the plan allows.
//!
//! How one attempt goes is in `attempt`, the same for every effect. What differs from kind to kind (what must be so
//! before, what proves that it is done, what settles it) is found by `kind` in the file of the kind.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use camino::Utf8PathBuf;

use super::{Runner, Way, attempt::Attempt, desk::Desk, facts::Facts};
use crate::{
    icp::{Call, Command},
    id::{Digest, SnapshotId},
    journal::event::{Aim, Before},
    operation::Operation,
    plan::{Member, Target},
};

/// What a worker is there for.
#[derive(Debug, Clone)]
pub(super) enum Job {
    /// The operation.
    Perform,
    /// To find out what became of an earlier attempt.
    Settle,
    /// To start a canister again that the operation has stopped.
    TakeBack,
    /// To delete what an upload left behind.
    Clear(SnapshotId),
}

/// How a worker ended.
#[derive(Debug)]
pub(super) enum End {
    /// The operation is completed, or, of another job than to perform it, as it should be.
    Done,
    /// Somebody changed what was completed, so earlier operations are ready again, and come before this one.
    Drift,
    /// A signal came: what was not begun is not begun, and what is not known stays so until the next run.
    Interrupted,
    /// It did not come to a good end.
    Trouble(Way, String),
}

pub(super) struct Worker<'a> {
    pub(super) runner: &'a Runner<'a>,
    pub(super) operation: &'a Operation,
    pub(super) member: &'a Member,
    pub(super) facts: Facts,
    pub(super) aim: Aim,
    /// When the attempt under way began; none for one of an earlier run.
    pub(super) begun: Option<Instant>,
    pub(super) desk: Desk,
}

/// What an operation is to do now.
pub(super) enum Ready {
    /// To run this, after that was true.
    Run(Command, Before, Duration),
    /// Nothing: it is so already.
    Already(Command, Before, Proof),
    /// Nothing, for what was to be so is not.
    Disproved(Command, Before, Vec<String>),
}

/// What a receipt says beside the outcome.
#[derive(Debug, Clone, Default)]
pub(super) struct Proof {
    pub(super) snapshot_id: Option<SnapshotId>,
    pub(super) snapshot_size: Option<u64>,
    pub(super) module_hash: Option<Digest>,
    pub(super) orphans: Vec<SnapshotId>,
    pub(super) notes: Vec<String>,
}

/// What the network says of an attempt whose outcome was unknown.
pub(super) enum Found {
    /// It was done.
    Completed(Proof),
    /// It was not; what it left behind instead.
    NotApplied(Vec<SnapshotId>),
    /// Still not known, with the question to ask.
    Open(String),
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        runner: &'a Runner<'a>,
        operation: &'a Operation,
        member: &'a Member,
        facts: Facts,
        desk: Desk,
    ) -> Self {
        Self { runner, operation, member, facts, aim: Aim::Do, begun: None, desk }
    }

    pub(super) fn work(mut self, job: Job) {
        // A fault of ours in one operation must neither hang the run nor take the others with it.
        let end = catch_unwind(AssertUnwindSafe(|| self.job(job))).unwrap_or_else(|_| {
            let message = "a fault of this program: whatever was under way is not known, run again to settle it";
            Err(End::Trouble(Way::Unknown, message.to_owned()))
        });
        self.desk.ended(end.unwrap_or_else(|end| end));
    }

    fn job(&mut self, job: Job) -> Result<End, End> {
        match job {
            Job::Perform => self.perform(),
            Job::Settle => self.resume(),
            Job::TakeBack => {
                self.aim = Aim::TakeBack;
                self.perform()
            }
            Job::Clear(id) => {
                self.aim = Aim::Clear(id);
                self.perform()
            }
        }
    }

    /// Tries until it is done, or will not be.
    fn perform(&mut self) -> Result<End, End> {
        let retry = &self.runner.plan.retry;
        for tried in 1.. {
            let ready = self.prepare()?;
            match self.attempt(ready)? {
                Attempt::Completed => return Ok(End::Done),
                Attempt::Again(why) if tried >= retry.attempts => {
                    return Err(End::Trouble(Way::Failed, format!("given up after {tried} attempts: {why}")));
                }
                Attempt::Again(_) if !self.pause(tried) => return Err(End::Interrupted),
                Attempt::Again(_) => {}
            }
        }
        Ok(End::Done)
    }

    /// Where the output of the latest attempt goes.
    pub(super) fn files(&self) -> Utf8PathBuf {
        self.facts.folder.join(format!("{}.{}", self.operation.sequence, self.facts.attempts))
    }

    pub(super) fn command(&self, call: Call<'_>) -> Command {
        self.runner.icp.command(call)
    }

    pub(super) fn target(&self) -> &'a Target {
        &self.operation.target
    }

    pub(super) fn timeout(&self) -> Duration {
        self.runner.plan.timeouts.other
    }
}

impl Proof {
    pub(super) fn noting(note: &str) -> Self {
        Self { notes: vec![note.to_owned()], ..Self::default() }
    }
}

/// It could not begin, for a reason that a person must see to.
pub(super) fn blocked(message: impl Into<String>) -> End {
    End::Trouble(Way::Blocked, message.into())
}
