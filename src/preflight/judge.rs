//! Holds what a canister is against what the plan wants of it.

use std::ops::Range;

use super::{
    Scene, Seen,
    ask::{first_line, is_absent},
    words::{age, bytes, cycles},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    icp::{
        Asked, Snapshots, Status,
        status::{MOST_SNAPSHOTS, State},
    },
    id::Principal,
    plan::{Final, Member, MemberPlaces, Snapshot, Stated},
};

/// What a byte of an upload costs its target on a subnet of 13 nodes (cycles account manager of the replica).
const UPLOAD: u128 = 2_000;

/// What taking, making or loading a snapshot costs beside its bytes: two billion instructions (replica configuration).
const BASE: u128 = 2_000_000_000;

/// What a GiB costs in a second on a subnet of 13 nodes (replica configuration).
const STORAGE: u128 = 127_000;

/// Everything that is wrong with a member.
pub(super) fn member(
    scene: &Scene<'_>,
    member: &Member,
    seen: &Seen,
    caller: Option<Principal>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(asked) = &seen.status else { return };
    let Asked::Known(status) = asked else {
        diagnostics.extend(refused(scene, member, "status", asked, caller));
        return;
    };
    authority(scene, member, status, caller, diagnostics);
    asserted(scene, member, status, diagnostics);
    if seen.left.stop && status.state == State::Stopped && member.r#final == Final::AsBefore {
        let message = format!("{} is stopped already, and will be left so", member.target);
        let finding = scene.on(&member.name, |places| &places.target, Code::AlreadyStopped, message, "stopped");
        diagnostics.push(finding.with_help("write `final = \"running\"` if it is to run after its restore"));
    }
    budget(scene, member, seen, status, diagnostics);
    match &seen.snapshots {
        Some(Asked::Known(listed)) => snapshots(scene, member, seen, listed, diagnostics),
        Some(refusal) => diagnostics.extend(refused(scene, member, "snapshots", refusal, caller)),
        None => {}
    }
}

/// Where nothing is known of it: why.
fn refused<T>(
    scene: &Scene<'_>,
    member: &Member,
    what: &str,
    asked: &Asked<T>,
    caller: Option<Principal>,
) -> Option<Diagnostic> {
    let target = &member.target;
    let silent = |why: &str| {
        let message = format!("no answer about the {what} of {target}: {}", first_line(why));
        (Code::NoAnswer, message, "not known", "see what `icp canister status` says by hand")
    };
    let (code, message, label, help) = match asked {
        Asked::Rejected(rejection) if rejection.code.as_deref() == Some("IC0301") => gone(member),
        Asked::Silent(why) if is_absent(why) => gone(member),
        Asked::NoAuthority => stranger(scene, member, caller),
        Asked::Rejected(rejection) if rejection.code.as_deref() == Some("IC0512") => stranger(scene, member, caller),
        Asked::Silent(why) if why.contains("IC0512") => stranger(scene, member, caller),
        Asked::Rejected(rejection) => silent(&rejection.message),
        Asked::Silent(why) => silent(why),
        Asked::Known(_) => return None,
    };
    Some(scene.on(&member.name, |places| &places.target, code, message, label).with_help(help))
}

type Finding = (Code, String, &'static str, &'static str);

fn gone(member: &Member) -> Finding {
    let message = format!("the network has no canister {}", member.target);
    (Code::NoCanister, message, "not there", "correct the target or the network")
}

fn stranger(scene: &Scene<'_>, member: &Member, caller: Option<Principal>) -> Finding {
    let who = match (scene.plan.caller.proxy, caller) {
        (Some(proxy), _) => format!("the proxy, {proxy},"),
        (None, Some(caller)) => format!("the caller, {caller},"),
        (None, None) => "the caller".to_owned(),
    };
    let message = format!("no authority over {}: {who} is not one of its controllers", member.target);
    (Code::NoAuthority, message, "controlled by others", "use an identity or a proxy that is one")
}

/// The status of some canisters can be read by others than their controllers, so those are looked at.
fn authority(
    scene: &Scene<'_>,
    member: &Member,
    status: &Status,
    caller: Option<Principal>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let acting = scene.plan.caller.proxy.or(caller);
    if acting.is_some_and(|acting| !status.controllers.contains(&acting)) {
        let (code, message, label, help) = stranger(scene, member, caller);
        diagnostics.push(scene.on(&member.name, |places| &places.target, code, message, label).with_help(help));
    }
}

/// No restore changes controllers or settings: what is asserted of them must be so before.
fn asserted(scene: &Scene<'_>, member: &Member, status: &Status, diagnostics: &mut Vec<Diagnostic>) {
    const UPDATE: &str = "change what is there with `icp canister settings update`";
    let mut differ = |at: &dyn Fn(&MemberPlaces) -> Option<&Range<usize>>, message: String, help: &str| {
        let finding = scene.on(
            &member.name,
            |places| at(places).unwrap_or(&places.target),
            Code::SettingsDiffer,
            message,
            "asserted here",
        );
        diagnostics.push(finding.with_help(help));
    };
    let text = |all: &[Principal]| match all {
        [] => "nobody".to_owned(),
        all => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    if let Some(Stated::As(wanted)) = &member.verify.controllers {
        let mut wanted = wanted.clone();
        wanted.sort_unstable();
        if wanted != status.controllers {
            let (is, wanted) = (text(&status.controllers), text(&wanted));
            let message = format!("{} is controlled by {is}, and the plan asserts {wanted}", member.target);
            differ(&|places| places.controllers.as_ref(), message, UPDATE);
        }
    }
    if let Some(Stated::As(wanted)) = &member.verify.settings {
        for (key, wanted) in wanted {
            let (message, help) = match status.settings.get(key) {
                Some(is) if is == wanted => continue,
                Some(is) => (format!("{key} of {} is {is}, and the plan asserts {wanted}", member.target), UPDATE),
                None => {
                    let message = format!("icp shows no {key} among the settings of {}", member.target);
                    (message, "write it as `icp canister status --json` does")
                }
            };
            differ(&|places| places.settings.get(key), message, help);
        }
    }
}

/// What is left costs about this; who pays by a proxy pays for the message there, and the target for the work alone.
fn budget(scene: &Scene<'_>, member: &Member, seen: &Seen, status: &Status, diagnostics: &mut Vec<Diagnostic>) {
    let left = &seen.left;
    let on_target = |code, message: String, label, help: &str| {
        scene.on(&member.name, |places| &places.target, code, message, label).with_help(help)
    };
    let uploaded = match (left.upload, scene.sizes.get(&member.name)) {
        (false, _) => 0,
        (true, Some(size)) => size.total,
        (true, None) => {
            let message = format!("the size of what is uploaded to {} is not known, nor what it costs", member.target);
            let help = "run this where its artifact is";
            diagnostics.push(on_target(Code::CyclesUnknown, message, "not known", help));
            return;
        }
    };
    // What an earlier attempt has sent is not sent again where it can be gone on with.
    let sent = left.begun.is_some();
    let estimate = estimate(scene, if sent { 0 } else { uploaded }, left.take.then_some(status), left.load);
    if estimate == 0 {
        return;
    }
    match status.spendable() {
        Some(spendable) if spendable < estimate => {
            let message = format!(
                "{} can spend {}, and what is left to be done takes about {}: {} are missing",
                member.target,
                cycles(spendable),
                cycles(estimate),
                cycles(estimate - spendable)
            );
            let help = "top it up with `icp canister top-up`";
            diagnostics.push(on_target(Code::NoCycles, message, "too few cycles", help));
        }
        Some(_) => {}
        None => {
            let message = format!("the cycles of {} cannot be compared with the estimate", member.target);
            let help = "see what `icp canister status` says of its cycles";
            diagnostics.push(on_target(Code::CyclesUnknown, message, "not known", help));
        }
    }
}

fn estimate(scene: &Scene<'_>, uploaded: u64, safety: Option<&Status>, load: bool) -> u128 {
    let scaled = |cycles: u128| cycles.saturating_mul(u128::from(scene.plan.caller.subnet_nodes)) / 13;
    let by_message = if scene.plan.caller.proxy.is_some() { 0 } else { UPLOAD };
    let upload = match u128::from(uploaded) {
        0 => 0,
        bytes => scaled(bytes * by_message) + scaled(BASE + bytes),
    };
    let load = if load { scaled(BASE + u128::from(uploaded)) } else { 0 };
    let (taken, threshold) = safety.map_or((0, 0), |status| {
        let threshold = status.settings.get("freezing_threshold").and_then(|text| text.parse().ok()).unwrap_or(0);
        (status.memory.unwrap_or(0), threshold)
    });
    let take = if safety.is_some() { scaled(BASE + u128::from(taken)) } else { 0 };
    // New memory raises the freezing line at once.
    let new = u128::from(uploaded) + u128::from(taken);
    let frozen = scaled(new.saturating_mul(STORAGE).saturating_mul(threshold) >> 30);
    upload.saturating_add(take).saturating_add(load).saturating_add(frozen)
}

/// Room for what is to be made, and what is to be loaded there.
fn snapshots(scene: &Scene<'_>, member: &Member, seen: &Seen, listed: &Snapshots, diagnostics: &mut Vec<Diagnostic>) {
    let left = &seen.left;
    // One that an earlier attempt made has its room already.
    let made = left.begun.as_ref().is_some_and(|known| listed.iter().any(|listed| !known.contains(&listed.id)));
    let needed = usize::from(left.upload && !made) + usize::from(left.take);
    if listed.len() + needed > MOST_SNAPSHOTS {
        let free: Vec<String> = listed
            .iter()
            .filter(|listed| left.snapshot.as_ref() != Some(&listed.id))
            .map(|listed| format!("{} ({}, {})", listed.id, age(listed.taken_at), bytes(listed.size)))
            .collect();
        let message = format!(
            "{} has {} snapshots and needs room for {needed} more, where a canister can have {MOST_SNAPSHOTS}; these could go: {}",
            member.target,
            listed.len(),
            free.join(", ")
        );
        let finding = scene.on(&member.name, |places| &places.target, Code::NoSlots, message, "no room");
        let help = format!("delete one that nobody needs: `icp canister snapshot delete {} ID`", member.target);
        diagnostics.push(finding.with_help(help));
    }
    let Some(id) = left.snapshot.as_ref().filter(|_| left.load) else { return };
    let elsewhere = match &seen.elsewhere {
        Some(Asked::Known(listed)) => listed.iter().any(|listed| listed.id == *id),
        _ => false,
    };
    if !elsewhere && !listed.iter().any(|listed| listed.id == *id) {
        let message = format!("the snapshot {id} is not on {}", member.target);
        let (label, help) = match member.snapshot {
            Snapshot::Artifact { .. } => ("uploaded from this, and gone since", "begin anew with another `--journal`"),
            Snapshot::OnChain { .. } => ("not there", "plan one that `icp canister snapshot list` shows"),
        };
        let finding = scene.on(&member.name, |places| &places.snapshot, Code::SnapshotGone, message, label);
        diagnostics.push(finding.with_help(help));
    }
}
