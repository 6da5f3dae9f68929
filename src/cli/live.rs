//! `dry-run --live`: the preflight, and what it says of each operation.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::Serialize;

use super::{
    Failure,
    preflight::{Outlook, icp_version, look},
    terminal::printable,
};
use crate::{
    artifact, diagnostic,
    icp::{Asked, Icp, Interrupt, Status, status::State},
    id::{Name, Principal},
    journal::{self, replay::Replay},
    operation::{self, Kind, Operation, Sequence},
    plan::{self, Final, Plan, Reading, Snapshot},
    preflight::{Seen, Sight, Size},
};

/// What the network says to a plan.
#[derive(Debug, Serialize)]
pub(super) struct Live {
    icp: String,
    caller: Option<Principal>,
    /// Whether a run would be blocked.
    pub(super) blocked: bool,
    operations: Vec<Line>,
    #[serde(skip)]
    pub(super) diagnostics: Vec<diagnostic::Diagnostic>,
    /// The same, for machines.
    findings: serde_json::Value,
}

#[derive(Debug, Serialize)]
struct Line {
    sequence: Sequence,
    says: Says,
    why: String,
}

/// What is known of an operation before it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Says {
    WillRun,
    AlreadyTrue,
    CannotKnow,
}

/// Asks the network; nothing is changed, neither there nor here.
pub(super) fn live(
    reading: &Reading,
    plan: &Plan,
    icp: &Icp,
    file: &Utf8Path,
    journal: &Utf8Path,
) -> Result<Live, Failure> {
    let interrupt = Interrupt::default();
    let version = icp_version(icp, &interrupt)?;
    let replay = match journal.exists() {
        true => match journal::load(journal) {
            Err(journal::Error::Empty(_)) => None,
            replay => Some(replay?).filter(|replay| replay.opened.digest == plan.digest()),
        },
        false => None,
    };
    let plan = match &replay {
        Some(replay) => plan.clone().resolved(&replay.opened.targets),
        None => plan.clone(),
    };
    let outlook = Outlook {
        reading,
        plan: &plan,
        icp,
        version: &version,
        accept_icp_change: false,
        sizes: sizes(&plan, plan::folder(file)),
        replay: replay.as_ref(),
        partition: None,
        journal,
        read_back: false,
        interrupt: &interrupt,
    };
    let sight = look(&outlook);
    let operations = operation::compile(&plan);
    let lines = operations.iter().map(|operation| {
        let (says, why) = line(&plan, operation, &sight, replay.as_ref());
        Line { sequence: operation.sequence, says, why }
    });
    let (operations, blocked) = (lines.collect(), sight.is_blocked());
    let findings = serde_json::to_value(diagnostic::json::Report::new(&sight.diagnostics)).unwrap_or_default();
    let findings = findings.get("diagnostics").cloned().unwrap_or_default();
    let (caller, diagnostics) = (sight.caller, sight.diagnostics);
    Ok(Live { icp: version, caller, blocked, operations, diagnostics, findings })
}

impl Live {
    /// For people.
    pub(super) fn text(&self) -> String {
        let caller = self.caller.map_or_else(|| "an unknown caller".to_owned(), |caller| caller.to_string());
        let verdict = if self.blocked { "a run would be blocked" } else { "nothing stands in the way of a run" };
        let mut text = format!("\nnow, by {} as {caller}: {verdict}\n\n", self.icp);
        for Line { sequence, says, why } in &self.operations {
            let says = match says {
                Says::WillRun => "will run",
                Says::AlreadyTrue => "already true",
                Says::CannotKnow => "cannot know",
            };
            text += &format!("{sequence:>5}  {says:<12}  {}\n", printable(why));
        }
        text
    }
}

fn line(plan: &Plan, operation: &Operation, sight: &Sight, replay: Option<&Replay>) -> (Says, String) {
    let will = |why: &str| (Says::WillRun, why.to_owned());
    let already = |why: &str| (Says::AlreadyTrue, why.to_owned());
    if replay.is_some_and(|replay| replay.slot(operation.sequence).is_completed()) {
        return already("completed, as the journal says");
    }
    let index = plan.members.iter().position(|member| member.name == operation.member);
    let (Some(member), Some(seen)) =
        (index.and_then(|index| plan.members.get(index)), index.and_then(|index| sight.members.get(index)))
    else {
        return (Says::CannotKnow, "its member was not looked at".to_owned());
    };
    let status = match known(seen) {
        Ok(status) => status,
        Err(why) => return (Says::CannotKnow, why),
    };
    match operation.kind {
        Kind::UploadSnapshot => match &seen.snapshots {
            Some(Asked::Known(listed)) => will(&format!("{} snapshots of 10 are there", listed.len())),
            _ => (Says::CannotKnow, "its snapshots cannot be listed".to_owned()),
        },
        Kind::StopCanister => match status.state {
            State::Running => will("it is running"),
            State::Stopping => will("it is stopping, which is waited for"),
            State::Stopped => already("it is stopped"),
        },
        Kind::TakeSnapshot => will("once it is stopped"),
        Kind::LoadSnapshot => match &member.snapshot {
            Snapshot::Artifact { .. } => will("nothing on the network proves a load, so it is always made"),
            Snapshot::OnChain { .. } => will("the snapshot is there; nothing on the network proves a load"),
        },
        Kind::StartCanister if member.r#final == Final::AsBefore && status.state == State::Stopped => {
            already("it is stopped, and is left so")
        }
        Kind::StartCanister => will("after its load"),
        Kind::VerifyMember | Kind::VerifyFleet => {
            (Says::CannotKnow, "only what was loaded and started can be verified".to_owned())
        }
        Kind::DeleteSnapshot => will("once all is verified"),
    }
}

fn known(seen: &Seen) -> Result<&Status, String> {
    match &seen.status {
        Some(Asked::Known(status)) => Ok(status),
        Some(Asked::NoAuthority) => Err("no authority over the canister".to_owned()),
        Some(Asked::Rejected(rejection)) => Err(format!("the network refuses: {}", rejection.message)),
        Some(Asked::Silent(why)) => Err(format!("no answer: {why}")),
        None => Err("its canister was not asked".to_owned()),
    }
}

/// The sizes of artifacts that are here, without reading them.
fn sizes(plan: &Plan, folder: &Utf8Path) -> BTreeMap<Name, Size> {
    let root = folder.join(&plan.backup.root);
    let sizes = plan.members.iter().filter_map(|member| {
        let Snapshot::Artifact { path, .. } = &member.snapshot else { return None };
        let found = artifact::find(&root, path).ok()?;
        let mut size = Size { total: 0, largest: 0 };
        walk(&found, &mut size);
        Some((member.name.clone(), size))
    });
    sizes.collect()
}

fn walk(path: &Utf8Path, size: &mut Size) {
    let Ok(data) = path.symlink_metadata() else { return };
    if data.is_dir() {
        let entries = path.read_dir_utf8().into_iter().flatten().flatten();
        entries.for_each(|entry| walk(entry.path(), size));
    } else if data.is_file() {
        size.total += data.len();
        size.largest = size.largest.max(data.len());
    }
}
