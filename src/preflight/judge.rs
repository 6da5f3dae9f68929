//! Holds what a canister is against what the plan wants of it.

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
    plan::{Final, Member, Stated},
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
        diagnostics.push(refused(scene, member, "status", asked));
        return;
    };
    authority(scene, member, status, caller, diagnostics);
    asserted(scene, member, status, diagnostics);
    if seen.left.stop && status.state == State::Stopped && member.r#final == Final::AsBefore {
        let message = format!("{} is stopped already, and will be left so", member.target);
        diagnostics.push(scene.on(&member.name, |places| &places.target, Code::AlreadyStopped, message, "stopped"));
    }
    budget(scene, member, seen, status, diagnostics);
    match &seen.snapshots {
        Some(Asked::Known(listed)) => snapshots(scene, member, seen, listed, diagnostics),
        Some(refusal) => diagnostics.push(refused(scene, member, "snapshots", refusal)),
        None => {}
    }
}

/// Nothing is known of it.
fn refused<T>(scene: &Scene<'_>, member: &Member, what: &str, asked: &Asked<T>) -> Diagnostic {
    let target = &member.target;
    let (code, message, label, help) = match asked {
        Asked::Rejected(rejection) if rejection.code.as_deref() == Some("IC0301") => gone(member),
        Asked::Silent(why) if is_absent(why) => gone(member),
        Asked::NoAuthority => stranger(scene, member),
        Asked::Rejected(rejection) if rejection.code.as_deref() == Some("IC0512") => stranger(scene, member),
        Asked::Silent(why) if why.contains("IC0512") => stranger(scene, member),
        Asked::Rejected(rejection) => (
            Code::NoAnswer,
            format!("the {what} of {target} cannot be asked for: {}", first_line(&rejection.message)),
            "of this",
            "see what the network says to `icp canister status` by hand",
        ),
        Asked::Silent(why) => (
            Code::NoAnswer,
            format!("no answer to what the {what} of {target} is: {}", first_line(why)),
            "of this",
            "see whether the network can be reached",
        ),
        Asked::Known(_) => (Code::NoAnswer, format!("the {what} of {target} is not as it was"), "of this", "try again"),
    };
    scene.on(&member.name, |places| &places.target, code, message, label).with_help(help)
}

type Finding = (Code, String, &'static str, &'static str);

fn gone(member: &Member) -> Finding {
    let message = format!("the network has no canister {}", member.target);
    (Code::NoCanister, message, "not there", "correct the target or the network")
}

fn stranger(scene: &Scene<'_>, member: &Member) -> Finding {
    let who = if scene.plan.caller.proxy.is_some() { "the proxy" } else { "the caller" };
    let message = format!("no authority over {}: {who} is not one of its controllers", member.target);
    (Code::NoAuthority, message, "controlled by others", "add a controller, or use the identity or proxy that is one")
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
        let (code, message, label, help) = stranger(scene, member);
        let message = acting.map_or(message.clone(), |acting| format!("{message} ({acting})"));
        diagnostics.push(scene.on(&member.name, |places| &places.target, code, message, label).with_help(help));
    }
}

/// No restore changes controllers or settings: what is asserted of them must be so before.
fn asserted(scene: &Scene<'_>, member: &Member, status: &Status, diagnostics: &mut Vec<Diagnostic>) {
    let mut differ = |message: String| {
        let finding = scene.on(&member.name, |places| &places.target, Code::SettingsDiffer, message, "of this");
        diagnostics.push(finding.with_help("change them with `icp canister settings update`, or correct the plan"));
    };
    let text = |all: &[Principal]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if let Some(Stated::As(wanted)) = &member.verify.controllers {
        let mut wanted = wanted.clone();
        wanted.sort_unstable();
        if wanted != status.controllers {
            let (is, wanted) = (text(&status.controllers), text(&wanted));
            differ(format!("the controllers of {} are {is}, and the plan asserts {wanted}", member.target));
        }
    }
    if let Some(Stated::As(wanted)) = &member.verify.settings {
        for (key, wanted) in wanted {
            let is = status.settings.get(key);
            if is != Some(wanted) {
                let is = is.map_or("not there", String::as_str);
                differ(format!("the setting {key} of {} is {is}, and the plan asserts {wanted}", member.target));
            }
        }
    }
}

/// What is left costs about this; who pays by a proxy pays for the message there, and the target for the work alone.
fn budget(scene: &Scene<'_>, member: &Member, seen: &Seen, status: &Status, diagnostics: &mut Vec<Diagnostic>) {
    let left = &seen.left;
    let on_token = |code, message: String, label| {
        let finding = scene.on(&member.name, |places| &places.target, code, message, label);
        finding.with_help("top it up, or correct `subnet-nodes`")
    };
    let uploaded = match (left.upload, scene.sizes.get(&member.name)) {
        (false, _) => 0,
        (true, Some(size)) => size.total,
        (true, None) => {
            let message = format!("the size of what is uploaded to {} is not known, nor what it costs", member.target);
            diagnostics.push(on_token(Code::CyclesUnknown, message, "of this"));
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
            diagnostics.push(on_token(Code::NoCycles, message, "too few cycles"));
        }
        Some(_) => {}
        None => {
            let message = format!("the cycles of {} cannot be compared with the estimate", member.target);
            diagnostics.push(on_token(Code::CyclesUnknown, message, "of this"));
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
            "{} has {} snapshots, {needed} more are to be made, and a canister can have {MOST_SNAPSHOTS}; these could go: {}",
            member.target,
            listed.len(),
            free.join(", ")
        );
        let finding = scene.on(&member.name, |places| &places.target, Code::NoSlots, message, "no room");
        diagnostics.push(finding.with_help("delete one that nobody needs: `icp canister snapshot delete CANISTER ID`"));
    }
    let Some(id) = left.snapshot.as_ref().filter(|_| left.load) else { return };
    let elsewhere = match &seen.elsewhere {
        Some(Asked::Known(listed)) => listed.iter().any(|listed| listed.id == *id),
        _ => false,
    };
    if !elsewhere && !listed.iter().any(|listed| listed.id == *id) {
        let message = format!("{} does not have the snapshot {id}", member.target);
        let finding = scene.on(&member.name, |places| &places.snapshot, Code::SnapshotGone, message, "not there");
        diagnostics.push(finding.with_help("see `icp canister snapshot list` for what is there"));
    }
}
