//! Runs the operations of a journal: settles what is unknown, picks what is ready, lets workers act, records everything.
//!
//! One thread owns the journal; a worker for each operation under way asks it to record events and goes on when they are
//! durable. Events that arrive together are synced together. A worker never has an effect without its claim on disk.

mod asking;
mod attempt;
mod candid;
mod desk;
mod facts;
mod kind;
mod listed;
mod load;
mod readback;
mod record;
mod remove;
mod run;
mod schedule;
mod start;
mod stop;
mod take;
mod upload;
mod verify;
mod worker;
mod wrong;

use std::{collections::BTreeMap, time::Duration};

use camino::Utf8PathBuf;
use jiff::Timestamp;

use crate::{
    artifact::Seal,
    icp::{Icp, Interrupt, Redactor},
    id::Name,
    journal::{
        self, Journal,
        event::{Closed, Event, Verdict},
        replay::Replay,
    },
    operation::{Phase, Sequence},
    plan::{Network, Orphans, Plan},
    rollback,
};
use run::Run;
use worker::Job;

/// What a run works with.
pub struct Runner<'a> {
    /// The program.
    pub icp: &'a Icp,
    /// The plan, with principals for targets.
    pub plan: &'a Plan,
    /// The artifacts of members that are yet to be uploaded.
    pub artifacts: &'a BTreeMap<Name, Artifact>,
    /// How far and how.
    pub options: &'a Options,
    /// Signals.
    pub interrupt: &'a Interrupt,
    /// Hides secrets in what is recorded.
    pub redactor: &'a Redactor,
}

/// An artifact that was sealed.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Where it lies.
    pub path: Utf8PathBuf,
    /// What it holds.
    pub seal: Seal,
}

/// How far a run goes and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The last phase.
    pub until: Option<Phase>,
    /// How many operations at most.
    pub max_steps: Option<u32>,
    /// Of the uploads, only those whose place, counted from 0, leaves this remainder: remainder and divisor.
    pub partition: Option<(u32, u32)>,
    /// How long to wait for a command that a dead run has left behind.
    pub wait: Duration,
    /// Whether every uploaded snapshot is downloaded again and compared.
    pub verify_upload: bool,
    /// Bytes of memory that uploads may take together.
    pub upload_memory: u64,
    /// How long a request that was never answered may still take effect.
    pub expiry: Duration,
    /// Of a rollback: since when the restore had sent nothing more of what was never answered.
    pub unanswered: Option<Timestamp>,
}

impl Options {
    /// On the IC: it takes no request in whose ingress expiry is more than five minutes ahead (IC interface specification,
    /// authentication), and icp sets it to four (measured with icp 1.5.0); the rest is for clocks that differ. To a network on
    /// this machine a request has no way to be late on.
    pub fn expiry(network: &Network) -> Duration {
        if network.is_local() { Duration::ZERO } else { Duration::from_secs(5 * 60) }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ending {
    /// In one word.
    pub verdict: Verdict,
    /// What stands in the way.
    pub troubles: Vec<Trouble>,
}

/// An operation that did not come to a good end.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Which.
    pub operation: Sequence,
    /// In which way.
    pub way: Way,
    /// What is known.
    pub message: String,
}

/// In which way an operation did not come to a good end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It could not begin, and nothing was claimed.
    Blocked,
    /// It was refused, or not sent.
    Failed,
    /// A verification disproved what the plan says.
    Unverified,
    /// Only the network, or a person, knows.
    Unknown,
    /// A command of a dead run is still at work.
    Orphan,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A worker is at an operation: nothing is claimed yet.
    Begun(Sequence),
    /// A worker waits so long until no lost request of an earlier attempt can arrive any more.
    Held(Sequence, Duration),
    /// Events are on disk.
    Recorded(&'a [Event]),
    /// A worker has ended, in whichever way.
    Ended(Sequence),
    /// Nothing happened for a while.
    Tick,
}

/// Runs what a journal has not completed.
///
/// # Errors
/// Where the journal cannot be written: then nothing more is done.
pub fn run(
    runner: &Runner<'_>,
    journal: &mut Journal,
    observe: &mut dyn FnMut(Notice<'_>, &Replay),
) -> Result<Ending, journal::Error> {
    let mut run = Run::new(runner);
    let open = journal.replay().iter().filter(|(_, slot)| slot.is_unsettled());
    let unsettled = open.map(|(operation, _)| (operation.sequence, Job::Settle)).collect();
    run.jobs(journal, unsettled, runner.plan.limits.other, observe);
    if run.failed.is_none() && run.troubles.is_empty() {
        run.all(journal, observe);
    }
    if run.failed.is_none() && !run.troubles.is_empty() {
        run.contain(journal, observe);
    } else if run.failed.is_none() && journal.replay().is_complete() && runner.plan.safety.orphans == Orphans::DeleteOwn
    {
        let orphans = journal
            .replay()
            .iter()
            .flat_map(|(operation, slot)| slot.orphans.iter().map(|id| (operation.sequence, Job::Clear(id.clone()))));
        let orphans: Vec<_> = orphans.collect();
        run.jobs(journal, orphans, runner.plan.limits.other, observe);
    }
    if let Some(error) = run.failed {
        return Err(error);
    }
    // What could not be taken back or cleared counts as well.
    let verdict = run.verdict(journal.replay());
    journal.record(&[Event::Closed(Closed { verdict })])?;
    run.troubles.sort_by_key(|trouble| (std::cmp::Reverse(trouble.way), trouble.operation));
    Ok(Ending { verdict, troubles: run.troubles })
}

/// Starts again what a restore has stopped and never loaded, children first: for the way back.
///
/// # Errors
/// As [`run`].
pub fn take_back(
    runner: &Runner<'_>,
    journal: &mut Journal,
    observe: &mut dyn FnMut(Notice<'_>, &Replay),
) -> Result<Vec<Trouble>, journal::Error> {
    let mut run = Run::new(runner);
    let unsettled = rollback::unsettled(journal.replay()).into_iter().map(|stop| (stop, Job::Settle)).collect();
    run.jobs(journal, unsettled, runner.plan.limits.other, observe);
    run.take_back(journal, observe);
    match run.failed {
        Some(error) => Err(error),
        None => Ok(run.troubles),
    }
}
