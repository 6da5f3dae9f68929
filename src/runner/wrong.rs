//! What of a canister is not as the plan says.

use super::{facts::Expected, worker::Worker};
use crate::{
    icp::{Status, status::State},
    id::Principal,
    plan::{Member, Stated},
};

/// Whether it runs, and its code: what is known of every member of a fleet.
pub(super) fn at_the_end(member: &Member, expected: &Expected, status: &Status) -> Vec<String> {
    let state = if expected.running { State::Running } else { State::Stopped };
    let odd = (member.verify.running && status.state != state)
        .then(|| format!("it is {:?} and not {state:?}", status.state).to_lowercase());
    odd.into_iter().chain(code(member, expected, status)).collect()
}

/// Its code, if the plan wants that proved.
pub(super) fn code(member: &Member, expected: &Expected, status: &Status) -> Option<String> {
    let wanted = expected.code.filter(|code| member.verify.module_hash && status.module_hash != Some(*code))?;
    let is = status.module_hash.map_or_else(|| "there is no module".to_owned(), |hash| format!("it is {hash}"));
    Some(format!("the module hash is not {wanted}: {is}"))
}

impl Worker<'_> {
    /// What is wrong with the code of the worker's canister.
    pub(super) fn wrong_code(&self, status: &Status) -> Option<String> {
        code(self.member, self.facts.expected.first()?, status)
    }

    /// Everything that is wrong with the worker's canister but for what its application says.
    pub(super) fn wrong(&self, status: &Status) -> Vec<String> {
        let expected = self.facts.expected.first();
        let mut wrong = expected.map(|expected| at_the_end(self.member, expected, status)).unwrap_or_default();
        wrong.extend(self.wrong_controllers(status));
        wrong.extend(self.wrong_settings(status));
        wrong
    }

    fn wrong_controllers(&self, status: &Status) -> Option<String> {
        let mut wanted = match self.member.verify.controllers.as_ref()? {
            Stated::As(wanted) => wanted.clone(),
            Stated::AsBefore => self.facts.stopped.as_ref()?.controllers.clone(),
        };
        wanted.sort_unstable();
        let text = |all: &[Principal]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        (wanted != status.controllers)
            .then(|| format!("its controllers are {} and not {}", text(&status.controllers), text(&wanted)))
    }

    fn wrong_settings(&self, status: &Status) -> Vec<String> {
        let wanted = match &self.member.verify.settings {
            Some(Stated::As(wanted)) => Some(wanted),
            Some(Stated::AsBefore) => self.facts.stopped.as_ref().map(|before| &before.settings),
            None => None,
        };
        let odd = wanted.into_iter().flatten().filter(|(key, wanted)| status.settings.get(*key) != Some(wanted));
        let text = |(key, wanted): (&String, &String)| {
            let is = status.settings.get(key).map_or("not there", String::as_str);
            format!("its setting {key} is {is} and not {wanted}")
        };
        odd.map(text).collect()
    }
}
