//! Starting a canister, at the end of its restore or to take a stop back.

use std::time::{Duration, Instant};

use super::{
    Way,
    worker::{End, Found, Proof, Ready, Worker, before},
};
use crate::{
    icp::{Call, Status, status::State},
    journal::event::Aim,
};

impl Worker<'_> {
    /// The code is proved before the canister opens.
    pub(super) fn prepare_start(&mut self) -> Result<Ready, End> {
        let status = self.status()?;
        let (command, before) = (self.command(Call::Start(self.target())), before(&status));
        if self.aim == Aim::Do {
            if let Some(wrong) = self.wrong_code(&status) {
                return Ok(Ready::Disproved(command, before, vec![wrong]));
            }
            if !self.facts.expected.iter().all(|expected| expected.running) {
                let note = "it was stopped before this restore, and is left so";
                return Ok(Ready::Already(command, before, Proof::noting(note)));
            }
        }
        Ok(match status.state {
            State::Running => Ready::Already(command, before, Proof::noting("it was running already")),
            // Starting a canister that is still stopping cancels the stop.
            State::Stopped | State::Stopping => Ready::Run(command, before, self.timeout()),
        })
    }

    pub(super) fn settle_start(&mut self, evidence: &mut Vec<String>) -> Result<Found, End> {
        let state = self.settling_status()?.state;
        evidence.push(format!("status: {state:?}").to_lowercase());
        Ok(match state {
            State::Running => Found::Completed(Proof::default()),
            State::Stopped | State::Stopping => Found::NotApplied(Vec::new()),
        })
    }

    /// What is wrong with the code of the canister, if the plan wants it proved and something is.
    pub(super) fn wrong_code(&self, status: &Status) -> Option<String> {
        let expected = self.facts.expected.first().filter(|_| self.member.verify.module_hash)?;
        wrong_code(expected.code, status)
    }

    /// How the canister is, for settling: asked until the time for other things is up, since all waits for the answer.
    pub(super) fn settling_status(&self) -> Result<Status, End> {
        self.settling(|| self.status())
    }

    /// Asks as long as there is no answer, and leaves open what has none in the end.
    pub(super) fn settling<T>(&self, ask: impl Fn() -> Result<T, End>) -> Result<T, End> {
        let until = Instant::now() + self.timeout();
        let mut pause = Duration::from_millis(500);
        loop {
            match ask() {
                Err(End::Trouble(Way::Blocked, why)) if Instant::now() >= until => {
                    return Err(End::Trouble(Way::Unknown, format!("the outcome is unknown, and {why}")));
                }
                Err(End::Trouble(Way::Blocked, why)) if why.starts_with("no authority") => {
                    return Err(End::Trouble(Way::Unknown, format!("the outcome is unknown, and there is {why}")));
                }
                Err(End::Trouble(Way::Blocked, _)) => std::thread::sleep(pause),
                other => return other,
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}

/// What is wrong with the code of a canister.
pub(super) fn wrong_code(expected: Option<crate::id::Digest>, status: &Status) -> Option<String> {
    let expected = expected.filter(|expected| status.module_hash != Some(*expected))?;
    let is = status.module_hash.map_or_else(|| "there is no module".to_owned(), |hash| format!("it is {hash}"));
    Some(format!("the module hash is not {expected}: {is}"))
}
