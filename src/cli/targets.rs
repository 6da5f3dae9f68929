//! Targets that a plan names: asked of icp before a journal begins, and held in its first line from then on.

use std::collections::{BTreeMap, HashMap};

use super::{Exit, Failure, run::Job};
use crate::{
    diagnostic::{Code, Diagnostic},
    icp::{Answer, Call, Interrupt},
    id::{Name, Principal},
    plan::{self, Plan, Reading, Target},
};

/// What names of canisters stand for, asked of icp once.
pub(super) fn resolve(job: &Job<'_>, interrupt: &Interrupt) -> Result<BTreeMap<Name, Principal>, Failure> {
    let mut targets = BTreeMap::new();
    for (member, places) in job.reading.plan.members.iter().zip(&job.reading.places.members) {
        let Target::Named(name) = &member.target else { continue };
        let reply = job.icp.ask(Call::Resolve(&member.target), job.plan.timeouts.other, interrupt);
        let id = reply.as_ref().ok().and_then(|reply| match Answer::of(reply) {
            Answer::Done => Principal::from_text(reply.stdout.trim()).ok(),
            _ => None,
        });
        let Some(id) = id else {
            let why = reply.map_or_else(
                |error| error.to_string(),
                |reply| reply.stderr.lines().next().unwrap_or_default().to_owned(),
            );
            let label = job.reading.places.source.label(places.target.clone(), "icp does not know it");
            let message = format!("`{name}` is no canister of the environment: {why}");
            let diagnostic = Diagnostic::new(Code::TargetName, message, label);
            let diagnostic = diagnostic.with_help("link it with `icp canister link`, or write its principal");
            return Err(Failure { exit: Exit::Blocked, ..diagnostic.into() });
        };
        targets.insert(name.clone(), id);
    }
    let problems = plan::named(job.reading, &targets);
    if problems.is_empty() { Ok(targets) } else { Err(Failure { exit: Exit::Blocked, ..problems.into() }) }
}

/// What the named targets of a plan have become in it.
pub(super) fn named_targets(reading: &Reading, resolved: &Plan) -> BTreeMap<Name, Principal> {
    let targets: HashMap<&Name, &Target> =
        resolved.members.iter().map(|member| (&member.name, &member.target)).collect();
    let pairs = reading.plan.members.iter().filter_map(|member| match (&member.target, targets.get(&member.name)?) {
        (Target::Named(name), Target::Canister(id)) => Some((name.clone(), *id)),
        _ => None,
    });
    pairs.collect()
}
