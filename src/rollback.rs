//! The way back: a plan of its own that loads the safety snapshots of a restore.
//!
//! Pure: a journal's [`Replay`] in, the text of a plan out, which is read, compiled and run like any other. In it is every
//! member whose load was ever tried, whatever came of it. Members that were stopped and never loaded need no load: they are
//! simply started again, in the journal of the restore.

use std::{fmt::Write as _, time::Duration};

use jiff::SignedDuration;

use crate::{
    diagnostic::{Code, Diagnostic, Source},
    icp::status::State,
    id::{Name, Principal},
    journal::replay::{Replay, Slot},
    operation::{Kind, Sequence},
    plan::{self, Network, Plan, Reading, RootKey, Target},
};

/// What is to be done to take a restore back.
#[derive(Debug)]
pub struct Back {
    /// The plan of the way back as TOML; nothing where nothing was loaded.
    pub text: Option<String>,
    /// The stops of canisters that were never loaded, in the order in which they are to be started again; those that are
    /// not known are settled first.
    pub take_back: Vec<Sequence>,
}

/// What a member must have for the way back.
struct Safe<'a> {
    name: &'a Name,
    target: Principal,
    snapshot: String,
    module_hash: Option<String>,
    parents: Vec<&'a Name>,
    running: bool,
}

/// Compiles the way back.
///
/// # Errors
/// Every member that cannot be taken back, on the plan of the restore; or what is wrong with that.
pub fn compile(replay: &Replay) -> Result<Back, Vec<Diagnostic>> {
    let reading = plan::read(&Source::new(format!("plan {}", replay.opened.plan), replay.opened.text.as_str()))?;
    let whole = reading.plan.clone().resolved(&replay.opened.targets);
    let plan = if replay.opened.only.is_empty() { whole } else { whole.only(&replay.opened.only) };
    let (mut safe, mut refused) = (Vec::new(), Vec::new());
    for member in plan.members.iter().filter(|member| was_tried(replay, &member.name)) {
        let slot = |kind| replay.operations.find(kind, &member.name).map(|found| replay.slot(found.sequence));
        let taken = slot(Kind::TakeSnapshot).and_then(|slot| slot.done());
        let (Some(id), Target::Canister(target)) = (taken.and_then(|done| done.snapshot.as_ref()), &member.target)
        else {
            refused.push(unsafe_member(&reading, &member.name));
            continue;
        };
        let before = slot(Kind::StopCanister).and_then(|slot| slot.before.as_ref()?.status);
        let parents =
            member.depends_on.iter().filter_map(|&parent| plan.members.get(parent)).map(|parent| &parent.name);
        safe.push(Safe {
            name: &member.name,
            target: *target,
            snapshot: id.to_string(),
            module_hash: taken.and_then(|done| done.module_hash).map(|hash| hash.to_string()),
            parents: parents.filter(|parent| was_tried(replay, parent)).collect(),
            // Of a stop that was taken over it is not known: then as a restore has it.
            running: before.is_none_or(|before| before == State::Running),
        });
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let text = (!safe.is_empty()).then(|| text(&plan, &safe));
    Ok(Back { text, take_back: stops(replay, |slot| slot.is_completed() || slot.is_unsettled()) })
}

/// The stops that can be taken back: of canisters that ran before and were never loaded; children first.
pub fn take_back(replay: &Replay) -> Vec<Sequence> {
    stops(replay, Slot::is_completed)
}

/// Those of them that are not known, and so may be stops that can be taken back.
pub fn unsettled(replay: &Replay) -> Vec<Sequence> {
    stops(replay, Slot::is_unsettled)
}

fn stops(replay: &Replay, which: impl Fn(&Slot) -> bool) -> Vec<Sequence> {
    let stopped = replay.iter().filter(|(operation, slot)| {
        // What somebody else had stopped, or was about to, is not ours to start.
        let ran = slot.before.as_ref().is_some_and(|before| before.status == Some(State::Running));
        operation.kind == Kind::StopCanister && which(slot) && ran && !was_tried(replay, &operation.member)
    });
    let mut again: Vec<Sequence> = stopped.map(|(operation, _)| operation.sequence).collect();
    again.reverse();
    again
}

fn was_tried(replay: &Replay, member: &Name) -> bool {
    replay.operations.find(Kind::LoadSnapshot, member).is_some_and(|load| replay.slot(load.sequence).may_be_applied())
}

fn unsafe_member(reading: &Reading, name: &Name) -> Diagnostic {
    let at = reading.places_of(name).map_or(&reading.places.name, |places| &places.name);
    let label = reading.places.source.label(at.clone(), "loaded without one");
    let message = format!("no safety snapshot of `{name}` was taken, so there is nothing to go back to");
    Diagnostic::new(Code::NoSafety, message, label).with_help("write a plan of what is to be loaded")
}

fn text(plan: &Plan, members: &[Safe<'_>]) -> String {
    let mut text = format!(
        "# Made by `icp-restore rollback`: back to the safety snapshots of the restore {0}.\n\n\
         version = 1\nname = \"{1:.91}-rollback\"\n\n",
        plan.name,
        // A name has at most a hundred characters.
        plan.name.as_str()
    );
    network(plan, &mut text);
    for member in members {
        let code = member.module_hash.as_ref().map(|hash| format!(", module-hash = \"{hash}\"")).unwrap_or_default();
        let parents: Vec<String> = member.parents.iter().map(|parent| format!("\"{parent}\"")).collect();
        // Writing to a text cannot fail.
        let _written = write!(
            text,
            "[[member]]\nname = \"{}\"\nsource = \"{}\"\nsnapshot = {{ id = \"{}\"{code} }}\ndepends-on = [{}]\nfinal = \"{}\"\n\n",
            member.name,
            member.target,
            member.snapshot,
            parents.join(", "),
            if member.running { "running" } else { "stopped" },
        );
    }
    let (limits, timeouts, retry) = (&plan.limits, &plan.timeouts, &plan.retry);
    let load = match plan.safety.ambiguous_load {
        plan::AmbiguousLoad::Halt => "halt",
        plan::AmbiguousLoad::Reload => "reload",
    };
    text + &format!(
        "[limits]\nupload = {}\nother = {}\n\n[timeouts]\nstop = \"{}\"\nother = \"{}\"\n\n\
         [retry]\nattempts = {}\nbackoff = \"{}\"\n\n[safety]\nsnapshot = false\nambiguous-load = \"{load}\"\n",
        limits.upload,
        limits.other,
        said(timeouts.stop),
        said(timeouts.other),
        retry.attempts,
        said(retry.backoff),
    )
}

/// A duration as a plan says it.
fn said(duration: Duration) -> String {
    // Plans have none that is too long for it.
    format!("{:#}", SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
}

/// The same network, and the same caller.
fn network(plan: &Plan, text: &mut String) {
    let mut table = vec![];
    match &plan.network {
        Network::Url { url, root_key } => {
            let key = match root_key {
                RootKey::Mainnet => "mainnet",
                RootKey::Fetch => "fetch",
                RootKey::Hex(key) => key,
            };
            table.extend([("url", url.clone()), ("root-key", key.to_owned())]);
        }
        Network::Name(name) => table.push(("name", name.to_string())),
        Network::Environment { name, project } => {
            table.push(("environment", name.to_string()));
            table.extend(project.as_ref().map(|project| ("project", project.to_string())));
        }
    }
    let caller = &plan.caller;
    table.extend(caller.identity.as_ref().map(|identity| ("identity", identity.to_string())));
    table.extend(caller.expect_principal.map(|principal| ("expect-principal", principal.to_text())));
    table.extend(caller.proxy.map(|principal| ("proxy", principal.to_text())));
    *text += "[network]\n";
    for (key, value) in table {
        // Quoted as TOML itself quotes.
        *text += &format!("{key} = {}\n", toml::Value::String(value));
    }
    *text += &format!("subnet-nodes = {}\n\n", caller.subnet_nodes);
}
