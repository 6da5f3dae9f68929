//! Verification: of a member before what it depends on opens, and of the whole fleet at the end.
//!
//! A module hash proves code and nothing of the data; only the application's own answers speak of that.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    candid::same,
    worker::{End, Proof, Ready, Worker, blocked},
    wrong,
};
use crate::{
    icp::{Answer, Call, status::State},
    journal::event::Before,
    operation::Kind,
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

    /// All members as they are now, asked at once within the limit. Without an answer from each there is no verdict.
    fn wrong_in_fleet(&self) -> Result<Vec<String>, End> {
        let members = &self.runner.plan.members;
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..members.len().min(self.runner.plan.limits.other as usize) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(member) = members.get(index) else { break };
                        let expected = self.facts.expected.get(index);
                        let wrong = self.status_of(&member.target).map(|status| {
                            expected.map(|expected| wrong::at_the_end(member, expected, &status)).unwrap_or_default()
                        });
                        let failed = wrong.is_err();
                        if let Ok(mut found) = found.lock() {
                            found.push((index, wrong));
                        }
                        if failed {
                            next.store(members.len(), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let mut found = found.into_inner().unwrap_or_default();
        found.sort_by_key(|(index, _)| *index);
        let mut wrong = Vec::new();
        for (index, texts) in found {
            let name = members.get(index).map(|member| &member.name);
            wrong.extend(texts?.into_iter().filter_map(|text| Some(format!("{}: {text}", name?))));
        }
        Ok(wrong)
    }
}
