//! Verification: of a member before what it depends on opens, and of the whole fleet at the end.
//!
//! A module hash proves code and nothing of the data; only the application's own answers speak of that.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    start::wrong_code,
    worker::{End, Expected, Proof, Ready, Worker},
};
use crate::{
    icp::{Answer, Asked, Call, Status, status::State},
    journal::event::Before,
    operation::Kind,
    plan::{Check, Member, Stated},
};

impl Worker<'_> {
    pub(super) fn prepare_verification(&mut self) -> Result<Ready, End> {
        let command = self.command(Call::Status(self.target()));
        let wrong = match self.operation.kind {
            Kind::VerifyFleet => self.wrong_in_fleet()?,
            _ => {
                let status = self.status()?;
                let mut wrong = self.wrong(self.member, self.facts.expected.first(), &status);
                if wrong.is_empty() && status.state == State::Running {
                    wrong.extend(self.member.checks.iter().filter_map(|check| self.wrong_answer(check)));
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

    /// Everything that is not as the plan says.
    fn wrong(&self, member: &Member, expected: Option<&Expected>, status: &Status) -> Vec<String> {
        let mut wrong = Vec::new();
        let verify = &member.verify;
        if let Some(expected) = expected {
            let state = if expected.running { State::Running } else { State::Stopped };
            if verify.running && status.state != state {
                wrong.push(format!("it is {:?} and not {state:?}", status.state).to_lowercase());
            }
            wrong.extend(wrong_code(expected.code, status).filter(|_| verify.module_hash));
        }
        let before = self.facts.stopped.as_ref();
        if let Some(stated) = &verify.controllers {
            let mut wanted = match stated {
                Stated::As(wanted) => wanted.clone(),
                Stated::AsBefore => {
                    before.map(|before| before.controllers.clone()).unwrap_or_else(|| status.controllers.clone())
                }
            };
            wanted.sort_unstable();
            if wanted != status.controllers {
                let text =
                    |all: &[crate::id::Principal]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                wrong.push(format!("its controllers are {} and not {}", text(&status.controllers), text(&wanted)));
            }
        }
        if let Some(stated) = &verify.settings {
            let wanted = match stated {
                Stated::As(wanted) => Some(wanted),
                Stated::AsBefore => before.map(|before| &before.settings),
            };
            for (key, wanted) in wanted.into_iter().flatten() {
                let is = status.settings.get(key);
                if is != Some(wanted) {
                    wrong.push(format!(
                        "its setting {key} is {} and not {wanted}",
                        is.map_or("not there", String::as_str)
                    ));
                }
            }
        }
        wrong
    }

    /// What is wrong with an answer of the application; asked again while the canister warms up.
    fn wrong_answer(&self, check: &Check) -> Option<String> {
        for tried in 1.. {
            let reply = self.runner.icp.ask(Call::Check(self.target(), check), check.timeout, self.runner.interrupt);
            let said = match reply.map(|reply| (Answer::of(&reply), reply)) {
                Ok((Answer::Done, reply)) => match &check.expect {
                    Some(expect) if !same(expect, &reply.stdout) => {
                        format!("answered {} and not {expect}", reply.stdout.trim())
                    }
                    _ => return None,
                },
                Ok((Answer::Rejected(rejection), _)) => format!("was refused: {}", rejection.message),
                Ok((Answer::NotSent(why) | Answer::Unknown(why), _)) => format!("did not answer: {why}"),
                Err(error) => format!("could not be asked: {error}"),
            };
            if tried >= check.attempts || !self.pause(1) {
                return Some(format!("{} {said}", check.call));
            }
        }
        None
    }

    /// All members as they are now, asked at once within the limit.
    fn wrong_in_fleet(&self) -> Result<Vec<String>, End> {
        let members = &self.runner.plan.members;
        let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..members.len().min(self.runner.plan.limits.other as usize) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(member) = members.get(index) else { break };
                        let found = self.wrong_member(member, self.facts.expected.get(index));
                        if let Ok(mut wrong) = wrong.lock() {
                            wrong.extend(found.into_iter().map(|text| (index, format!("{}: {text}", member.name))));
                        }
                    }
                });
            }
        });
        let mut wrong = wrong.into_inner().unwrap_or_default();
        wrong.sort();
        Ok(wrong.into_iter().map(|(_, text)| text).collect())
    }

    fn wrong_member(&self, member: &Member, expected: Option<&Expected>) -> Vec<String> {
        match self.runner.icp.status(&member.target, self.timeout(), self.runner.interrupt) {
            Asked::Known(status) => {
                let mut wrong = Vec::new();
                if let Some(expected) = expected {
                    let state = if expected.running { State::Running } else { State::Stopped };
                    if member.verify.running && status.state != state {
                        wrong.push(format!("it is {:?} and not {state:?}", status.state).to_lowercase());
                    }
                    wrong.extend(wrong_code(expected.code, &status).filter(|_| member.verify.module_hash));
                }
                wrong
            }
            Asked::NoAuthority => vec!["no authority over it any more".to_owned()],
            Asked::Rejected(rejection) => vec![rejection.message],
            Asked::Silent(why) => vec![format!("no answer: {why}")],
        }
    }
}

/// Candid texts are the same without their white space, which has no meaning outside of texts in quotes.
fn same(wanted: &str, is: &str) -> bool {
    let plain = |text: &str| {
        let mut quoted = false;
        let mut escaped = false;
        text.chars()
            .filter(|&c| {
                let keep = quoted || !c.is_whitespace();
                if c == '"' && !escaped {
                    quoted = !quoted;
                }
                escaped = c == '\\' && !escaped;
                keep
            })
            .collect::<String>()
            .replace(",)", ")")
    };
    plain(wanted) == plain(is)
}
