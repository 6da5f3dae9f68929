//! Asks: who calls, and of each target how it is and what snapshots it has. All at once within the limit.

use super::{Left, Scene, Seen};
use crate::{
    diagnostic::{Code, Diagnostic},
    icp::Asked,
    id::Principal,
    parallel,
    plan::{Member, OptionPlaces, Target},
};

/// Who calls; it must be the one that the plan expects.
pub(super) fn caller(scene: &Scene<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Principal> {
    let timeout = scene.plan.timeouts.other;
    let expected = scene.plan.caller.expect_principal;
    match again(scene, || scene.icp.principal(timeout, scene.interrupt)) {
        Asked::Known(caller) => {
            if let Some(expected) = expected.filter(|expected| *expected != caller) {
                let message = format!("the caller is {caller}, and the plan expects {expected}");
                let at = scene.reading.places.options.expect_principal.as_ref();
                let finding = scene.on_value(at, Code::CallerMismatch, message, "not the caller");
                diagnostics.push(finding.with_help("name the identity that is meant with `identity`"));
            }
            Some(caller)
        }
        // Where the plan expects nobody, the status of each canister tells whether the caller controls it.
        Asked::NoAuthority | Asked::Rejected(_) | Asked::Silent(_) if expected.is_none() => None,
        Asked::NoAuthority => None,
        Asked::Rejected(rejection) => nobody(scene, &rejection.message, diagnostics),
        Asked::Silent(why) => nobody(scene, &why, diagnostics),
    }
}

fn nobody(scene: &Scene<'_>, why: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Principal> {
    let message = format!("icp does not say which principal calls: {}", first_line(why));
    let OptionPlaces { identity, expect_principal, .. } = &scene.reading.places.options;
    let at = identity.as_ref().or(expect_principal.as_ref());
    let finding = scene.on_value(at, Code::NoAnswer, message, "not known");
    diagnostics.push(finding.with_help("see whether `icp identity principal` works by hand"));
    None
}

/// Every member of which something is left.
pub(super) fn members(scene: &Scene<'_>, left: Vec<Left>) -> Vec<Seen> {
    let members: Vec<_> = scene.plan.members.iter().zip(left).collect();
    parallel::map(&members, scene.plan.limits.other, |(member, left)| one(scene, member, left.clone()))
}

fn one(scene: &Scene<'_>, member: &Member, left: Left) -> Seen {
    let mut seen = Seen { left, ..Seen::default() };
    if !seen.left.is_any() || scene.interrupt.is_set() {
        return seen;
    }
    let timeout = scene.plan.timeouts.other;
    let status = again(scene, || scene.icp.status(&member.target, timeout, scene.interrupt));
    let silent = !matches!(status, Asked::Known(_));
    seen.status = Some(status);
    // What refuses its status has nothing to say of its snapshots.
    if silent || !(seen.left.upload || seen.left.take || seen.left.load) {
        return seen;
    }
    let list = |target: &Target| again(scene, || scene.icp.snapshots(target, timeout, scene.interrupt));
    let here = list(&member.target);
    let missing = match (&here, &seen.left.snapshot) {
        (Asked::Known(listed), Some(id)) => !listed.iter().any(|listed| listed.id == *id),
        _ => false,
    };
    seen.snapshots = Some(here);
    if missing && member.is_relocated() && !seen.left.upload {
        seen.elsewhere = Some(list(&Target::Canister(member.source)));
    }
    seen
}

/// Asks until there is an answer, as often as the plan says.
fn again<T>(scene: &Scene<'_>, ask: impl Fn() -> Asked<T>) -> Asked<T> {
    let retry = &scene.plan.retry;
    for tried in 1..retry.attempts {
        match ask() {
            Asked::Silent(why) if !is_definite(&why) => {}
            Asked::Rejected(rejection) if rejection.is_transient() => {}
            answer => return answer,
        }
        if !scene.interrupt.wait(retry.pause(tried)) {
            break;
        }
    }
    ask()
}

/// What is as it is, however often one asks: icp has words of its own for a canister that is not there.
pub(super) fn is_definite(why: &str) -> bool {
    is_absent(why) || why.contains("Could not find identity") || why.contains("not a terminal")
}

pub(super) fn is_absent(why: &str) -> bool {
    why.starts_with("Canister ") && why.ends_with(" was not found.") || why.contains("IC0301")
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("nothing was said")
}
