//! One run under way: which workers are at it, what they ask for, and what stands in the way.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::Scope,
    time::Duration,
};

use super::{
    Notice, Runner, Trouble, Way,
    desk::{Desk, Message, unwritten},
    facts::Facts,
    schedule::Schedule,
    worker::{End, Job, Worker},
};
use crate::{
    id::Name,
    journal::{
        self, Journal,
        event::{Aim, Event, Verdict},
        replay::Replay,
    },
    operation::{Kind, Operation, Sequence},
    plan::Member,
};

pub(super) struct Run<'a> {
    runner: &'a Runner<'a>,
    /// By name: every operation looks for its member.
    members: HashMap<&'a Name, &'a Member>,
    pub(super) troubles: Vec<Trouble>,
    /// The journal cannot be written any more: nothing is begun.
    pub(super) failed: Option<journal::Error>,
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
    pub(super) fn new(runner: &'a Runner<'a>) -> Self {
        let members = runner.plan.members.iter().map(|member| (&member.name, member)).collect();
        Self { runner, members, troubles: Vec::new(), failed: None, steps: 0 }
    }

    /// Everything that is ready, until nothing is.
    pub(super) fn all(&mut self, journal: &mut Journal, observe: &mut dyn FnMut(Notice<'_>, &Replay)) {
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
    pub(super) fn jobs(
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
                while active.len() < most as usize && self.failed.is_none() && !self.runner.interrupt.is_set() {
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

    /// Failure before any load: what this restore has stopped is started again.
    pub(super) fn contain(&mut self, journal: &mut Journal, observe: &mut dyn FnMut(Notice<'_>, &Replay)) {
        if !journal.replay().has_loaded() && self.troubles.iter().all(|trouble| trouble.way != Way::Orphan) {
            self.take_back(journal, observe);
        }
    }

    /// Starts again what was stopped and never loaded, one at a time, children first.
    pub(super) fn take_back(&mut self, journal: &mut Journal, observe: &mut dyn FnMut(Notice<'_>, &Replay)) {
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
                Message::Record(event, recorded) if is_due(&event, &events, journal.replay()) => {
                    events.push(event);
                    waiting.push(recorded);
                }
                Message::Record(_, refused) => {
                    let _gone = refused.send(Err(End::Drift));
                }
                Message::Held(sequence, rest) => observe(Notice::Held(sequence, rest), journal.replay()),
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
            let _gone = recorded.send(if self.failed.is_none() { Ok(()) } else { Err(unwritten()) });
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

    pub(super) fn verdict(&self, replay: &Replay) -> Verdict {
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

/// Starts a worker; a machine that has no more threads keeps an operation from beginning, and does it no harm.
fn begin<'scope>(scope: &'scope Scope<'scope, '_>, worker: Worker<'scope>, job: Job) -> Result<(), End> {
    let started = std::thread::Builder::new().spawn_scoped(scope, move || worker.work(job));
    started.map(drop).map_err(|error| End::Trouble(Way::Blocked, format!("no thread can be started: {error}")))
}

/// Whether a claim, after events that came with it, still has its turn: somebody may have undone what it waits for while
/// its worker looked around.
fn is_due(event: &Event, before: &[Event], replay: &Replay) -> bool {
    let Event::Claimed(claimed) = event else { return true };
    let Some(operation) = replay.operations.get(claimed.operation).filter(|_| claimed.aim == Aim::Do) else {
        return true;
    };
    let undone = |after| before.iter().any(|event| matches!(event, Event::Released(it) if it.operation == after));
    replay.is_free(operation) && !replay.waits_for(operation).any(undone)
}
