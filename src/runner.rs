//! Runs the operations of a journal: settles what is unknown, picks what is ready, lets workers act, records everything.
//!
//! One thread owns the journal; a worker for each operation under way asks it to record events and goes on when they are
//! durable. Events that arrive together are synced together. A worker never has an effect without its claim on disk.

mod candid;
mod desk;
mod load;
mod readback;
mod remove;
mod schedule;
mod start;
mod stop;
mod take;
mod upload;
mod verify;
mod worker;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::Scope,
    time::Duration,
};

use camino::Utf8PathBuf;

use crate::{
    artifact::Seal,
    icp::{Icp, Interrupt, Redactor},
    id::Name,
    journal::{
        self, Journal,
        event::{Closed, Event, Verdict},
        replay::{Replay, State},
    },
    operation::{Kind, Operation, Phase, Sequence},
    plan::{Member, Orphans, Plan},
};
use desk::{Desk, Message};
use schedule::Schedule;
use worker::{End, Facts, Job, Worker};

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
    let unsettled: Vec<(Sequence, Job)> = journal
        .replay()
        .iter()
        .filter(|(_, slot)| matches!(slot.state, State::Claimed(_) | State::Unknown(..)))
        .map(|(operation, _)| (operation.sequence, Job::Settle))
        .collect();
    run.jobs(journal, unsettled, runner.plan.limits.other, observe);
    if run.failed.is_none() && run.troubles.is_empty() {
        run.all(journal, observe);
    }
    let verdict = run.verdict(journal.replay());
    if run.failed.is_none() && matches!(verdict, Verdict::Failed | Verdict::Unverified | Verdict::Unknown) {
        run.contain(journal, observe);
    }
    if run.failed.is_none() && verdict == Verdict::Done && runner.plan.safety.orphans == Orphans::DeleteOwn {
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
    let again = crate::rollback::take_back(journal.replay());
    run.jobs(journal, again.into_iter().map(|sequence| (sequence, Job::TakeBack)).collect(), 1, observe);
    match run.failed {
        Some(error) => Err(error),
        None => Ok(run.troubles),
    }
}

/// Starts a worker; a machine that has no more threads keeps an operation from beginning, and does it no harm.
fn begin<'scope>(scope: &'scope Scope<'scope, '_>, worker: Worker<'scope>, job: Job) -> Result<(), End> {
    let started = std::thread::Builder::new().spawn_scoped(scope, move || worker.work(job));
    started.map(drop).map_err(|error| End::Trouble(Way::Blocked, format!("no thread can be started: {error}")))
}

struct Run<'a> {
    runner: &'a Runner<'a>,
    /// By name: every operation looks for its member.
    members: HashMap<&'a Name, &'a Member>,
    troubles: Vec<Trouble>,
    failed: Option<journal::Error>,
    steps: u32,
}

/// What is under way.
#[derive(Default)]
struct Active {
    /// With the memory that they take.
    uploads: BTreeMap<Sequence, u64>,
    others: BTreeSet<Sequence>,
}

impl Active {
    fn is_at(&self, sequence: Sequence) -> bool {
        self.uploads.contains_key(&sequence) || self.others.contains(&sequence)
    }
}

impl<'a> Run<'a> {
    fn new(runner: &'a Runner<'a>) -> Self {
        let members = runner.plan.members.iter().map(|member| (&member.name, member)).collect();
        Self { runner, members, troubles: Vec::new(), failed: None, steps: 0 }
    }

    /// Everything that is ready, until nothing is.
    fn all(&mut self, journal: &mut Journal, observe: &mut dyn FnMut(Notice<'_>, &Replay)) {
        let mut schedule = Schedule::new(journal.replay(), self.runner.options, |_| false);
        let operations = journal.replay().operations.clone();
        std::thread::scope(|scope| {
            // In here, so that no worker waits for a thread that a fault of ours has ended.
            let (to_main, messages) = channel();
            let mut active = Active::default();
            loop {
                while let Some(sequence) = self.next(&mut schedule, &active, journal.replay()) {
                    let Some(operation) = operations.get(sequence) else { break };
                    self.steps += 1;
                    let Some(worker) = self.worker(journal, operation, Desk::new(to_main.clone(), sequence)) else {
                        break;
                    };
                    if let Err(end) = begin(scope, worker, Job::Perform) {
                        self.ended(sequence, end);
                        continue;
                    }
                    if operation.kind == Kind::UploadSnapshot {
                        active.uploads.insert(sequence, self.memory(operation));
                    } else {
                        active.others.insert(sequence);
                    }
                    observe(Notice::Begun(sequence), journal.replay());
                }
                if active.others.is_empty() && active.uploads.is_empty() {
                    break;
                }
                for (sequence, end) in self.receive(&messages, journal, observe) {
                    active.uploads.remove(&sequence);
                    active.others.remove(&sequence);
                    match &end {
                        End::Done => schedule.completed(sequence, journal.replay()),
                        End::Drift => {
                            let busy = |sequence| {
                                active.is_at(sequence) || self.troubles.iter().any(|t| t.operation == sequence)
                            };
                            schedule = Schedule::new(journal.replay(), self.runner.options, busy);
                        }
                        End::Trouble(..) | End::Interrupted => {}
                    }
                    self.ended(sequence, end);
                }
            }
        });
    }

    /// Some jobs in their order, so many at once, and one at a time for each operation.
    fn jobs(
        &mut self,
        journal: &mut Journal,
        jobs: Vec<(Sequence, Job)>,
        most: u32,
        observe: &mut dyn FnMut(Notice<'_>, &Replay),
    ) {
        let operations = journal.replay().operations.clone();
        let mut jobs: VecDeque<(Sequence, Job)> = jobs.into();
        std::thread::scope(|scope| {
            let (to_main, messages) = channel();
            let mut active = BTreeSet::new();
            loop {
                while active.len() < most as usize && self.failed.is_none() {
                    let Some(index) = jobs.iter().position(|(sequence, _)| !active.contains(sequence)) else { break };
                    let Some((sequence, job)) = jobs.remove(index) else { break };
                    let Some(operation) = operations.get(sequence) else { break };
                    let Some(worker) = self.worker(journal, operation, Desk::new(to_main.clone(), sequence)) else {
                        break;
                    };
                    match begin(scope, worker, job) {
                        Ok(()) => {
                            active.insert(sequence);
                            observe(Notice::Begun(sequence), journal.replay());
                        }
                        Err(end) => self.ended(sequence, end),
                    }
                }
                if active.is_empty() {
                    break;
                }
                for (sequence, end) in self.receive(&messages, journal, observe) {
                    active.remove(&sequence);
                    self.ended(sequence, end);
                }
            }
        });
    }

    /// Failure before any load: what this restore has stopped is started again, children first.
    fn contain(&mut self, journal: &mut Journal, observe: &mut dyn FnMut(Notice<'_>, &Replay)) {
        if journal.replay().has_loaded() || self.troubles.iter().any(|trouble| trouble.way == Way::Orphan) {
            return;
        }
        let again = crate::rollback::take_back(journal.replay());
        self.jobs(journal, again.into_iter().map(|sequence| (sequence, Job::TakeBack)).collect(), 1, observe);
    }

    /// The next operation to begin, if one may.
    fn next(&self, schedule: &mut Schedule, active: &Active, replay: &Replay) -> Option<Sequence> {
        let limits = &self.runner.plan.limits;
        let tolerable = self.troubles.iter().all(|trouble| {
            let kind = replay.operations.get(trouble.operation).map(|operation| operation.kind);
            matches!(kind, Some(Kind::UploadSnapshot | Kind::VerifyMember))
                && matches!(trouble.way, Way::Failed | Way::Unverified)
        });
        let enough = self.runner.options.max_steps.is_some_and(|most| self.steps >= most);
        if self.failed.is_some()
            || self.runner.interrupt.is_set()
            || enough
            || !tolerable
            || self.troubles.len() > limits.max_failures as usize
        {
            return None;
        }
        if let Some(other) = schedule.other.first().copied().filter(|_| active.others.len() < limits.other as usize) {
            schedule.other.remove(&other);
            return Some(other);
        }
        let upload = schedule.upload.first().copied().filter(|_| active.uploads.len() < limits.upload as usize)?;
        let used: u64 = active.uploads.values().sum();
        let needed = replay.operations.get(upload).map_or(0, |operation| self.memory(operation));
        if used > 0 && used + needed > self.runner.options.upload_memory {
            return None;
        }
        schedule.upload.remove(&upload);
        Some(upload)
    }

    /// What icp takes for an upload: it holds the largest blob about five times (measured with icp 1.5.0).
    fn memory(&self, operation: &Operation) -> u64 {
        self.runner.artifacts.get(&operation.member).map_or(0, |artifact| 5 * artifact.seal.largest_blob())
    }

    /// Waits for workers and does what they ask for: everything that has arrived is recorded at once.
    fn receive(
        &mut self,
        messages: &Receiver<Message>,
        journal: &mut Journal,
        observe: &mut dyn FnMut(Notice<'_>, &Replay),
    ) -> Vec<(Sequence, End)> {
        let first = match messages.recv_timeout(Duration::from_millis(250)) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                observe(Notice::Tick, journal.replay());
                return Vec::new();
            }
        };
        let (mut events, mut waiting, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        for message in std::iter::once(first).chain(messages.try_iter()) {
            match message {
                Message::Record(event, recorded) => {
                    events.push(event);
                    waiting.push(recorded);
                }
                Message::Ended(sequence, end) => ended.push((sequence, end)),
            }
        }
        if !events.is_empty() && self.failed.is_none() {
            match journal.record(&events) {
                Ok(()) => observe(Notice::Recorded(&events), journal.replay()),
                Err(error) => self.failed = Some(error),
            }
        }
        for recorded in waiting {
            // A worker that is gone waits for nothing.
            let _gone = recorded.send(self.failed.is_none());
        }
        for (sequence, _) in &ended {
            observe(Notice::Ended(*sequence), journal.replay());
        }
        ended
    }

    fn worker<'w>(&mut self, journal: &Journal, operation: &'w Operation, desk: Desk) -> Option<Worker<'w>>
    where
        'a: 'w,
    {
        let member = *self.members.get(&operation.member)?;
        match Facts::gather(self.runner.plan, member, journal, operation) {
            Ok(facts) => Some(Worker::new(self.runner, operation, member, facts, desk)),
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }

    fn ended(&mut self, operation: Sequence, end: End) {
        if let End::Trouble(way, message) = end {
            self.troubles.push(Trouble { operation, way, message });
        }
    }

    fn verdict(&self, replay: &Replay) -> Verdict {
        match self.troubles.iter().map(|trouble| trouble.way).max() {
            Some(Way::Unknown | Way::Orphan) => Verdict::Unknown,
            Some(Way::Unverified) => Verdict::Unverified,
            Some(Way::Failed | Way::Blocked) => Verdict::Failed,
            None if replay.is_complete() => Verdict::Done,
            None if self.runner.interrupt.is_set() => Verdict::Interrupted,
            None => Verdict::Stopped,
        }
    }
}
