//! Verification: of a member before what it depends on opens, and of the whole fleet at the end.
//!
//! A module hash proves code and nothing of the data; only the application's own answers speak of that.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    asking::Unanswered,
    candid::same,
    worker::{End, Proof, Ready, Worker, blocked},
    wrong,
};
use crate::{
    icp::{Answer, Call, status::State},
    journal::event::Before,
    operation::Kind,
    parallel,
    plan::Check,
};

impl Worker<'_> {
    pub(super) fn prepare_verification(&mut self) -> Result<Ready, End> {
        let command = self.command(Call::Status(self.target()));
        let wrong = match self.operation.kind {
            Kind::VerifyFleet => self.wrong_in_fleet()?,
            _ => {
                let status = self.status()?;
                let mut wrong = self.wrong(&status);
                if wrong.is_empty() && status.state == State::Running {
                    for check in &self.member.checks {
                        wrong.extend(self.wrong_answer(check)?);
                    }
                }
                wrong
            }
        };
        let before = Before::default();
        Ok(match wrong.is_empty() {
            true => Ready::Already(command, before, self.proved_of_member()),
            false => Ready::Disproved(command, before, wrong),
        })
    }

    fn proved_of_member(&self) -> Proof {
        let module_hash =
            self.facts.expected.first().and_then(|expected| expected.code).filter(|_| self.member.verify.module_hash);
        match self.operation.kind {
            Kind::VerifyFleet => Proof::default(),
            _ => Proof { module_hash, ..Proof::default() },
        }
    }

    /// What is wrong with an answer of the application; asked again while the canister warms up. No answer disproves
    /// nothing.
    fn wrong_answer(&self, check: &Check) -> Result<Option<String>, End> {
        for tried in 1.. {
            let reply = self.runner.icp.ask(Call::Check(self.target(), check), check.timeout, self.runner.interrupt);
            let (answered, said) = match reply.map(|reply| (Answer::of(&reply), reply)) {
                Ok((Answer::Done, reply)) => match &check.expect {
                    Some(expect) if !same(expect, &reply.stdout) => {
                        (true, format!("answered {} and not {expect}", reply.stdout.trim()))
                    }
                    _ => return Ok(None),
                },
                Ok((Answer::Rejected(rejection), _)) => (true, format!("was refused: {}", rejection.message)),
                Ok((Answer::NotSent(why) | Answer::Unknown(why), _)) => (false, format!("did not answer: {why}")),
                Err(error) => (false, format!("could not be asked: {error}")),
            };
            let said = format!("{} {said}", check.call);
            if self.runner.interrupt.is_set() || (tried < check.attempts && !self.pause(1)) {
                return Err(End::Interrupted);
            }
            if tried >= check.attempts {
                return if answered { Ok(Some(said)) } else { Err(blocked(said)) };
            }
        }
        Ok(None)
    }

    /// All members as they are now. Without an answer from each there is no verdict.
    fn wrong_in_fleet(&self) -> Result<Vec<String>, End> {
        let plan = self.runner.plan;
        let members: Vec<_> = plan.members.iter().zip(&self.facts.expected).collect();
        let silent = AtomicBool::new(false);
        let found = parallel::map(&members, plan.limits.other, |(member, expected)| {
            if silent.load(Ordering::Relaxed) {
                return Ok(Vec::new());
            }
            let status = self.status_of(&member.target).inspect_err(|_| silent.store(true, Ordering::Relaxed))?;
            let wrong = wrong::at_the_end(member, expected, &status);
            Ok(wrong.iter().map(|text| format!("{}: {text}", member.name)).collect())
        });
        let found: Result<Vec<Vec<String>>, Unanswered> = found.into_iter().collect();
        Ok(found?.concat())
    }
}
