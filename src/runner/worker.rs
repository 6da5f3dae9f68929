//! A worker: brings one operation to an end, in as many attempts as the plan allows.
//!
//! Every effect goes the same way: what was true before → claim, durable → icp → receipt, durable. What differs from
//! kind to kind (what must be so before, what proves that it is done, what settles it) is in the file of the kind.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use camino::Utf8PathBuf;
use jiff::Timestamp;

use super::{Runner, Way, desk::Desk, readback::ReadBack};
use crate::{
    icp::{Answer, Asked, Call, Command, Files, How, Rejection, Reply, Snapshots, Status, process, status},
    id::{Digest, SnapshotId},
    journal::{
        self, Journal,
        event::{Aim, Before, Claimed, Event, Finished, Outcome, Receipt, Released, Settled, Tail, Why},
        replay::{Flight, State},
    },
    operation::{Kind, Operation, Sequence},
    plan::{Final, Member, Plan, Snapshot, Target},
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
    /// Somebody changed what was completed, so earlier operations are ready again.
    Drift,
    /// A signal came: what was not begun is not begun, and what is not known stays so until the next run.
    Interrupted,
    /// It did not come to a good end.
    Trouble(Way, String),
}

/// What the journal knows that an operation needs.
pub(super) struct Facts {
    pub(super) attempts: u32,
    /// Before the latest attempt.
    pub(super) before: Option<Before>,
    pub(super) flight: Option<Flight>,
    /// What earlier attempts left behind.
    pub(super) orphans: Vec<SnapshotId>,
    /// Whether an earlier attempt may have had its effect.
    pub(super) touched: bool,
    /// Before this restore stopped the canister.
    pub(super) stopped: Option<Before>,
    pub(super) snapshot: Option<SnapshotId>,
    /// What is known of each member of the fleet, or of this one alone.
    pub(super) expected: Vec<Expected>,
    /// The operation that stopped the canister, and how often it did so far.
    pub(super) stop: Option<Sequence>,
    pub(super) stops: u32,
    /// Whether the latest attempt may have gone on with an upload of an earlier one.
    pub(super) pieced: bool,
    /// Where outputs and staging lie.
    pub(super) folder: Utf8PathBuf,
}

/// What a member must be in the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) code: Option<Digest>,
    pub(super) running: bool,
}

pub(super) struct Worker<'a> {
    pub(super) runner: &'a Runner<'a>,
    pub(super) operation: &'a Operation,
    pub(super) member: &'a Member,
    pub(super) facts: Facts,
    pub(super) aim: Aim,
    /// When the time of the attempt under way is up; none for one of an earlier run.
    pub(super) deadline: Option<Instant>,
    desk: Desk,
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

impl Facts {
    pub(super) fn gather(
        plan: &Plan,
        member: &Member,
        journal: &Journal,
        operation: &Operation,
    ) -> Result<Self, journal::Error> {
        let replay = journal.replay();
        let slot = replay.slot(operation.sequence);
        let of =
            |kind, member: &Member| replay.operations.find(kind, &member.name).map(|found| replay.slot(found.sequence));
        let expected = |member: &Member| {
            let code = match &member.snapshot {
                Snapshot::Artifact { .. } => of(Kind::UploadSnapshot, member).and_then(|slot| slot.done()?.module_hash),
                Snapshot::OnChain { module_hash, .. } => *module_hash,
            };
            // Where nothing is stated of the code, it must at least stay what the load made it.
            let code = code.or_else(|| of(Kind::LoadSnapshot, member)?.done()?.module_hash);
            let before = of(Kind::StopCanister, member).and_then(|slot| slot.before.as_ref()?.status);
            let running = match member.r#final {
                Final::Running => true,
                Final::Stopped => false,
                Final::AsBefore => before.is_none_or(|before| before == status::State::Running),
            };
            Expected { code, running }
        };
        let stop = of(Kind::StopCanister, member);
        Ok(Self {
            attempts: slot.attempts,
            before: slot.before.as_deref().cloned(),
            flight: match &slot.state {
                State::Claimed(flight) | State::Unknown(flight, _) => Some(flight.clone()),
                State::Fresh | State::Completed(_) | State::Failed(_) => None,
            },
            orphans: slot.orphans.clone(),
            touched: slot.may_be_applied(),
            stopped: stop.and_then(|stop| stop.before.as_deref().cloned()),
            snapshot: replay.snapshot(operation).cloned(),
            expected: match operation.kind {
                Kind::VerifyFleet => plan.members.iter().map(expected).collect(),
                _ => vec![expected(member)],
            },
            stop: replay.operations.find(Kind::StopCanister, &operation.member).map(|stop| stop.sequence),
            stops: stop.map_or(0, |stop| stop.attempts),
            pieced: slot.attempts > 1,
            folder: journal.folder()?,
        })
    }
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        runner: &'a Runner<'a>,
        operation: &'a Operation,
        member: &'a Member,
        facts: Facts,
        desk: Desk,
    ) -> Self {
        Self { runner, operation, member, facts, aim: Aim::Do, deadline: None, desk }
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

    fn attempt(&mut self, ready: Ready) -> Result<Attempt, End> {
        let (command, before, timeout) = match ready {
            Ready::Run(command, before, timeout) => (command, before, timeout),
            Ready::Already(command, before, proof) => {
                let started = self.claim(&command, before, Duration::ZERO)?;
                self.finish(Outcome::Completed, proof, None, None, started)?;
                return Ok(Attempt::Completed);
            }
            Ready::Disproved(command, before, notes) => {
                let message = notes.join("; ");
                let started = self.claim(&command, before, Duration::ZERO)?;
                self.finish(Outcome::Disproved, Proof { notes, ..Proof::default() }, None, None, started)?;
                return Err(End::Trouble(Way::Unverified, message));
            }
        };
        let started = self.claim(&command, before.clone(), timeout)?;
        self.facts.before = Some(before);
        self.deadline = Some(Instant::now() + timeout);
        let files = self.files();
        let how = How { files: Files::Kept(&files), timeout, interrupt: self.runner.interrupt };
        let reply = match self.runner.icp.run(&command, &how) {
            Ok(reply) => reply,
            Err(error) => {
                let why = format!("{} cannot be started: {error}", command.program);
                self.release(Why::NotStarted, vec![why.clone()], Vec::new())?;
                return Err(End::Trouble(Way::Blocked, why));
            }
        };
        match Answer::of(&reply) {
            Answer::Done => match self.done(&reply).map(|proof| self.read_back(proof)) {
                Ok(ReadBack::Proved(proof)) => {
                    self.finish(Outcome::Completed, proof, None, Some(&reply), started)?;
                    Ok(Attempt::Completed)
                }
                Ok(ReadBack::Differs(proof)) => {
                    let message = proof.notes.join("; ");
                    self.finish(Outcome::Disproved, proof, None, Some(&reply), started)?;
                    Err(End::Trouble(Way::Failed, message))
                }
                Ok(ReadBack::Open(why)) | Err(why) => self.unknown(why, &reply, started),
            },
            Answer::Unknown(why) => self.unknown(why, &reply, started),
            Answer::NotSent(why) => {
                self.finish(Outcome::NotSent, Proof::noting(&why), None, Some(&reply), started)?;
                Err(End::Trouble(Way::Failed, format!("icp refused its arguments: {why}")))
            }
            Answer::Rejected(rejection) => {
                let proof = Proof { orphans: self.leftovers(), ..Proof::default() };
                self.finish(Outcome::Rejected, proof, Some(rejection.clone()), Some(&reply), started)?;
                match rejection.is_transient() || rejection.is_not_stopped() {
                    true => Ok(Attempt::Again(rejection.message)),
                    false => Err(End::Trouble(Way::Failed, rejection.message)),
                }
            }
        }
    }

    /// Records that the outcome is not known, and asks the network.
    fn unknown(&mut self, why: String, reply: &Reply, started: Timestamp) -> Result<Attempt, End> {
        self.finish(Outcome::Unknown, Proof::noting(&why), None, Some(reply), started)?;
        match self.settled(&reply.stdout, &reply.stderr, started)? {
            End::Done => Ok(Attempt::Completed),
            _ => Ok(Attempt::Again(why)),
        }
    }

    /// Takes up an attempt of an earlier run: waits for a command that is still at work, then asks the network.
    fn resume(&mut self) -> Result<End, End> {
        let Some(flight) = self.facts.flight.clone() else { return Ok(End::Done) };
        self.aim = flight.aim;
        let files = self.files();
        let until = Instant::now() + self.runner.options.wait;
        while process::is_alive(&files) {
            if self.runner.interrupt.is_set() {
                return Err(End::Interrupted);
            }
            if Instant::now() >= until {
                let message = "the command of a run that is dead is still at work".to_owned();
                return Err(End::Trouble(Way::Orphan, message));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let (stdout, stderr) = process::left_behind(&files).unwrap_or_default();
        self.settled(&stdout, &stderr, flight.since)
    }

    /// Asks the network what became of an attempt and records the answer. `Done` where it was applied, `Drift` where it
    /// is ready again.
    fn settled(&mut self, stdout: &str, stderr: &str, started: Timestamp) -> Result<End, End> {
        let mut evidence = Vec::new();
        match self.settle(stdout, stderr, &mut evidence)? {
            Found::Completed(proof) => {
                let (outcome, proof, end) = match self.read_back(proof) {
                    ReadBack::Proved(proof) => (Outcome::Completed, proof, Ok(End::Done)),
                    ReadBack::Differs(proof) => {
                        let message = proof.notes.join("; ");
                        (Outcome::Disproved, proof, Err(End::Trouble(Way::Failed, message)))
                    }
                    ReadBack::Open(why) => return Err(End::Trouble(Way::Unknown, why)),
                };
                let receipt = self.receipt(outcome, proof, None, None, started);
                let (operation, attempt) = (self.operation.sequence, self.facts.attempts);
                self.record(Event::Settled(Box::new(Settled { operation, attempt, evidence, receipt })))?;
                end
            }
            Found::NotApplied(orphans) => {
                self.release(Why::NotApplied, evidence, orphans)?;
                Ok(End::Drift)
            }
            Found::Open(question) => Err(End::Trouble(Way::Unknown, question)),
        }
    }

    /// What must be so before, and the command.
    fn prepare(&mut self) -> Result<Ready, End> {
        match (&self.aim, self.operation.kind) {
            (Aim::Clear(id), _) => self.prepare_removal(&id.clone()),
            (Aim::TakeBack, _) => self.prepare_start(),
            (Aim::Do, Kind::UploadSnapshot) => self.prepare_upload(),
            (Aim::Do, Kind::StopCanister) => self.prepare_stop(),
            (Aim::Do, Kind::TakeSnapshot) => self.prepare_take(),
            (Aim::Do, Kind::LoadSnapshot) => self.prepare_load(),
            (Aim::Do, Kind::StartCanister) => self.prepare_start(),
            (Aim::Do, Kind::VerifyMember | Kind::VerifyFleet) => self.prepare_verification(),
            (Aim::Do, Kind::DeleteSnapshot) => match self.facts.snapshot.clone() {
                Some(id) => self.prepare_removal(&id),
                None => Err(blocked("the snapshot to delete is not known")),
            },
        }
    }

    /// What a command that succeeded proves; or why it proves nothing.
    fn done(&mut self, reply: &Reply) -> Result<Proof, String> {
        match (&self.aim, self.operation.kind) {
            (Aim::Clear(id), _) => Ok(Proof { snapshot_id: Some(id.clone()), ..Proof::default() }),
            (Aim::TakeBack, _) => Ok(Proof::default()),
            (Aim::Do, Kind::UploadSnapshot) => self.uploaded(reply),
            (Aim::Do, Kind::TakeSnapshot) => self.taken(reply),
            (Aim::Do, Kind::LoadSnapshot) => Ok(self.loaded()),
            (Aim::Do, Kind::DeleteSnapshot) => {
                Ok(Proof { snapshot_id: self.facts.snapshot.clone(), ..Proof::default() })
            }
            (Aim::Do, Kind::StopCanister | Kind::StartCanister) => Ok(Proof::default()),
            (Aim::Do, Kind::VerifyMember | Kind::VerifyFleet) => Ok(Proof::default()),
        }
    }

    /// What the network says of an attempt.
    fn settle(&mut self, stdout: &str, stderr: &str, evidence: &mut Vec<String>) -> Result<Found, End> {
        match (&self.aim, self.operation.kind) {
            (Aim::Clear(id), _) => self.settle_removal(&id.clone(), evidence),
            (Aim::TakeBack, _) | (Aim::Do, Kind::StartCanister) => self.settle_start(evidence),
            (Aim::Do, Kind::UploadSnapshot) => self.settle_upload(stdout, evidence),
            (Aim::Do, Kind::StopCanister) => self.settle_stop(evidence),
            (Aim::Do, Kind::TakeSnapshot) => self.settle_take(stdout, evidence),
            (Aim::Do, Kind::LoadSnapshot) => self.settle_load(stderr, evidence),
            (Aim::Do, Kind::VerifyMember | Kind::VerifyFleet) => {
                evidence.push("a verification changes nothing, so it is made again".to_owned());
                Ok(Found::NotApplied(Vec::new()))
            }
            (Aim::Do, Kind::DeleteSnapshot) => match self.facts.snapshot.clone() {
                Some(id) => self.settle_removal(&id, evidence),
                None => Ok(Found::NotApplied(Vec::new())),
            },
        }
    }

    /// What a refused attempt may have left on the canister.
    fn leftovers(&mut self) -> Vec<SnapshotId> {
        match (&self.aim, self.operation.kind) {
            (Aim::Do, Kind::UploadSnapshot) => self.upload_leftovers(),
            _ => Vec::new(),
        }
    }

    pub(super) fn claim(&mut self, command: &Command, before: Before, timeout: Duration) -> Result<Timestamp, End> {
        if self.runner.interrupt.is_set() {
            return Err(End::Interrupted);
        }
        let at = Timestamp::now();
        let deadline = at.saturating_add(timeout).unwrap_or(at);
        self.facts.attempts += 1;
        let claimed = Claimed {
            operation: self.operation.sequence,
            attempt: self.facts.attempts,
            aim: self.aim.clone(),
            command: self.runner.redactor.command(command),
            deadline,
            before,
        };
        self.record(Event::Claimed(Box::new(claimed)))?;
        Ok(Timestamp::now())
    }

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
        self.record(Event::Finished(Box::new(Finished { operation, attempt, receipt })))
    }

    fn release(&self, why: Why, evidence: Vec<String>, orphans: Vec<SnapshotId>) -> Result<(), End> {
        let (operation, attempt) = (self.operation.sequence, self.facts.attempts);
        self.record(Event::Released(Released { operation, attempt, why, evidence, orphans }))
    }

    pub(super) fn record(&self, event: Event) -> Result<(), End> {
        match self.desk.record(event) {
            true => Ok(()),
            false => Err(End::Trouble(Way::Blocked, "the journal cannot be written".to_owned())),
        }
    }

    fn receipt(
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

    /// Where the output of the latest attempt goes.
    fn files(&self) -> Utf8PathBuf {
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

    /// How the canister is; asked again while there is no answer.
    pub(super) fn status(&self) -> Result<Status, End> {
        self.status_of(self.target())
    }

    /// Which snapshots the canister has; asked again while there is no answer.
    pub(super) fn snapshots(&self) -> Result<Snapshots, End> {
        let ask = |timeout| self.runner.icp.snapshots(self.target(), timeout, self.runner.interrupt);
        self.asked(self.target(), "snapshots", ask)
    }

    pub(super) fn status_of(&self, target: &Target) -> Result<Status, End> {
        let ask = |timeout| self.runner.icp.status(target, timeout, self.runner.interrupt);
        self.asked(target, "status", ask)
    }

    fn asked<T>(&self, target: &Target, what: &str, ask: impl Fn(Duration) -> Asked<T>) -> Result<T, End> {
        let mut tried = 0;
        loop {
            tried += 1;
            let why = match ask(self.timeout()) {
                Asked::Known(answer) => return Ok(answer),
                Asked::NoAuthority => {
                    return Err(blocked(format!(
                        "no authority over {target}: the caller is not one of its controllers"
                    )));
                }
                Asked::Rejected(rejection) if !rejection.is_transient() => {
                    return Err(blocked(format!("the {what} of {target} cannot be asked for: {}", rejection.message)));
                }
                Asked::Rejected(rejection) => rejection.message,
                Asked::Silent(why) => why,
            };
            if self.runner.interrupt.is_set() || (tried < self.runner.plan.retry.attempts && !self.pause(tried)) {
                return Err(End::Interrupted);
            }
            if tried >= self.runner.plan.retry.attempts {
                return Err(blocked(format!("no answer to what the {what} of {target} is: {why}")));
            }
        }
    }

    /// Waits before the next attempt, twice as long as before it and by chance up to half as long again; `false` where
    /// the run was interrupted.
    pub(super) fn pause(&self, tried: u32) -> bool {
        let backoff = self.runner.plan.retry.backoff.saturating_mul(1 << tried.saturating_sub(1).min(6));
        let until = Instant::now() + backoff.mul_f64(1.0 + fastrand::f64() / 2.0);
        while Instant::now() < until && !self.runner.interrupt.is_set() {
            std::thread::sleep(Duration::from_millis(50).min(until.saturating_duration_since(Instant::now())));
        }
        !self.runner.interrupt.is_set()
    }
}

enum Attempt {
    Completed,
    Again(String),
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

/// What was true of a canister, for a claim.
pub(super) fn before(status: &Status) -> Before {
    Before {
        status: Some(status.state),
        module_hash: status.module_hash,
        controllers: status.controllers.clone(),
        ..Before::default()
    }
}
