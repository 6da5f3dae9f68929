//! One attempt: what was true before → claim, durable → icp → receipt, durable; and, where its outcome is not known, what
//! the network says of it.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{
    Way,
    readback::ReadBack,
    record::ORPHAN,
    worker::{End, Found, Proof, Ready, Worker},
};
use crate::{
    icp::{Answer, Files, How, Reply, process},
    journal::event::{Event, Outcome, Settled, Why},
};

/// What came of an attempt that brought no trouble.
pub(super) enum Attempt {
    /// The operation is completed.
    Completed,
    /// Nothing came of it, for this reason, and another may be made.
    Again(String),
}

impl Worker<'_> {
    pub(super) fn attempt(&mut self, ready: Ready) -> Result<Attempt, End> {
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
        self.begun = Some(Instant::now());
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
    pub(super) fn resume(&mut self) -> Result<End, End> {
        let Some(flight) = self.facts.flight.clone() else { return Ok(End::Done) };
        self.aim = flight.aim;
        let files = self.files();
        let begun = Instant::now();
        while process::is_alive(&files) {
            if begun.elapsed() >= self.runner.options.wait {
                return Err(End::Trouble(Way::Orphan, ORPHAN.to_owned()));
            }
            if !self.runner.interrupt.wait(Duration::from_millis(100)) {
                return Err(End::Interrupted);
            }
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
                let receipt = self.receipt(Outcome::Completed, proof, None, None, started);
                let (operation, attempt) = (self.operation.sequence, self.facts.attempts);
                self.desk.record(Event::Settled(Box::new(Settled { operation, attempt, evidence, receipt })))?;
                Ok(End::Done)
            }
            Found::NotApplied(orphans) => {
                self.release(Why::NotApplied, evidence, orphans)?;
                Ok(End::Drift)
            }
            Found::Open(question) => Err(End::Trouble(Way::Unknown, question)),
        }
    }
}
