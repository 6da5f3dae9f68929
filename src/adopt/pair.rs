//! Whose operation is whose: by kind, source and target.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Adopter;
use crate::{
    canic::{
        Spanned,
        journal::{Kind, Operation, Receipt, State},
    },
    diagnostic::{Code, Diagnostic},
    id::Principal,
    plan::{Member, Snapshot, Target},
};

/// A member of the plan with its operations in the ancestor's journal.
pub(super) struct Pair<'a> {
    /// Its index in the plan.
    pub(super) index: usize,
    pub(super) member: &'a Member,
    pub(super) upload: Step<'a>,
    pub(super) stop: Step<'a>,
    pub(super) load: Step<'a>,
    pub(super) start: Step<'a>,
}

impl Pair<'_> {
    /// Whether any of its operations was ever begun.
    pub(super) fn is_touched(&self) -> bool {
        [&self.upload, &self.stop, &self.load, &self.start].into_iter().any(Step::was_begun)
    }
}

/// An operation of the ancestor's with its receipts, by attempt.
pub(super) struct Step<'a> {
    pub(super) operation: &'a Operation,
    pub(super) receipts: Vec<&'a Receipt>,
}

impl<'a> Step<'a> {
    pub(super) fn state(&self) -> State {
        self.operation.state.value
    }

    /// The receipt of the latest attempt.
    pub(super) fn latest(&self) -> Option<&'a Receipt> {
        self.receipts.last().copied()
    }

    /// Whether it was ever begun: what was released again has a time, and nothing else that tells.
    pub(super) fn was_begun(&self) -> bool {
        matches!(self.state(), State::Pending | State::Completed | State::Failed)
            || self.operation.updated_at.value.is_some()
            || !self.receipts.is_empty()
    }
}

/// The members in restore order, or all that does not fit.
pub(super) fn members<'a>(adopter: &Adopter<'a>) -> Result<Vec<Pair<'a>>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut by_canisters: HashMap<(Principal, Principal), usize> = HashMap::new();
    for (index, member) in adopter.plan.members.iter().enumerate() {
        if let Target::Canister(target) = member.target {
            by_canisters.insert((member.source, target), index);
        }
    }
    let mut found: Vec<BTreeMap<Kind, &Operation>> = vec![BTreeMap::new(); adopter.plan.members.len()];
    let (mut strange, mut strangers) = (BTreeSet::new(), Vec::new());
    for operation in &adopter.journal.operations.value {
        if matches!(operation.kind.value, Kind::VerifyMember | Kind::VerifyFleet) {
            continue;
        }
        let id = |text: &Spanned<String>| Principal::from_text(&text.value).ok();
        let canisters = id(&operation.source).zip(id(&operation.target));
        match canisters.and_then(|canisters| by_canisters.get(&canisters)) {
            Some(&index) => {
                if let Some(first) = found[index].insert(operation.kind.value, operation) {
                    problems.push(twice(adopter, first, operation));
                }
            }
            // Told once for a canister, and not for each of its operations.
            None => {
                if strange.insert((operation.source.value.as_str(), operation.target.value.as_str())) {
                    strangers.push(stranger(adopter, operation));
                }
            }
        }
    }
    problems.extend(backup(adopter));
    // One that canic restores and one that the plan does are the same, with another canister.
    let mut without = found.iter().enumerate().filter(|(_, found)| found.is_empty()).map(|(index, _)| index);
    let instead = without.next().filter(|_| strangers.len() == 1 && without.next().is_none());
    if let (Some(index), [stranger]) = (instead, &mut strangers[..]) {
        stranger.labels.push(place(adopter, index, |places| places.target.clone(), "the plan restores this"));
    }
    problems.extend(strangers);
    let mut receipts: HashMap<usize, Vec<&Receipt>> = HashMap::new();
    for receipt in &adopter.journal.receipts.value {
        receipts.entry(receipt.sequence.value).or_default().push(receipt);
    }
    receipts.values_mut().for_each(|receipts| receipts.sort_by_key(|receipt| receipt.attempt.value));
    let mut step = |operation: &'a Operation| Step {
        operation,
        receipts: receipts.remove(&operation.sequence.value).unwrap_or_default(),
    };
    let mut pairs = Vec::new();
    for (index, (member, found)) in adopter.plan.members.iter().zip(&found).enumerate() {
        let of = |kind| found.get(&kind).copied();
        let (Some(upload), Some(stop), Some(load), Some(start)) =
            (of(Kind::UploadSnapshot), of(Kind::StopCanister), of(Kind::LoadSnapshot), of(Kind::StartCanister))
        else {
            if instead != Some(index) {
                problems.push(unknown(adopter, index, found.is_empty()));
            }
            continue;
        };
        problems.extend(artifact(adopter, index, upload));
        let (upload, stop, load, start) = (step(upload), step(stop), step(load), step(start));
        pairs.push(Pair { index, member, upload, stop, load, start });
    }
    if problems.is_empty() { Ok(pairs) } else { Err(problems) }
}

const AS_PLANNED: &str = "make the plan of the same manifest and mapping: icp-restore init --from";

fn twice(adopter: &Adopter<'_>, first: &Operation, again: &Operation) -> Diagnostic {
    let message = format!("canic has two operations of the kind {} for one canister", again.kind.value.as_str());
    let label = |operation: &Operation, text: &str| adopter.source.label(operation.kind.span.clone(), text);
    let problem = Diagnostic::new(Code::AdoptOther, message, label(again, "again here"));
    problem.with_label(label(first, "first here")).with_help("begin a restore of your own, without `--adopt`")
}

fn stranger(adopter: &Adopter<'_>, operation: &Operation) -> Diagnostic {
    let message = match operation.source.value == operation.target.value {
        true => format!("the plan has no member that restores {}", operation.target.value),
        false => {
            format!("the plan has no member that brings {} to {}", operation.source.value, operation.target.value)
        }
    };
    let label = adopter.source.label(operation.target.span.clone(), "canic restores this");
    Diagnostic::new(Code::AdoptMember, message, label).with_help(AS_PLANNED)
}

fn unknown(adopter: &Adopter<'_>, index: usize, nothing: bool) -> Diagnostic {
    let member = &adopter.plan.members[index];
    let what = if nothing { "no operations" } else { "not all the operations" };
    let message = format!("the journal of canic has {what} of the member `{}`", member.name);
    let label = place(adopter, index, |places| places.target.clone(), "canic does not restore this");
    let list =
        adopter.source.label(adopter.journal.operations.span.start..adopter.journal.operations.span.start + 1, "");
    Diagnostic::new(Code::AdoptMember, message, label).with_label(list).with_help(AS_PLANNED)
}

fn backup(adopter: &Adopter<'_>) -> Option<Diagnostic> {
    let (theirs, ours) = (&adopter.journal.backup_id, adopter.plan.backup.id.as_ref()?);
    (theirs.value != *ours).then(|| {
        let message = format!("canic restores the backup `{}`, and the plan `{ours}`", theirs.value);
        let label = adopter.source.label(theirs.span.clone(), "this backup");
        let plan = adopter.places.source.label(adopter.places.backup_id.clone(), "the backup of the plan is another");
        Diagnostic::new(Code::AdoptOther, message, label).with_label(plan).with_help(AS_PLANNED)
    })
}

/// What canic uploaded, or is to, must be what the plan uploads.
fn artifact(adopter: &Adopter<'_>, index: usize, upload: &Operation) -> Option<Diagnostic> {
    let member = &adopter.plan.members[index];
    let theirs = upload.artifact.value.as_deref().unwrap_or_default();
    let plain = |path: &str| path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/");
    let (message, label) = match &member.snapshot {
        Snapshot::Artifact { path, .. } if plain(path.as_str()) == plain(theirs) => return None,
        Snapshot::Artifact { path, .. } => {
            (format!("canic uploads `{theirs}` for `{}`, and the plan `{path}`", member.name), "not this")
        }
        Snapshot::OnChain { .. } => {
            (format!("canic uploads `{theirs}` for `{}`, and the plan uploads nothing", member.name), "no artifact")
        }
    };
    let theirs = adopter.source.label(upload.artifact.span.clone(), "canic uploads this");
    let ours = place(adopter, index, |places| places.snapshot.clone(), label);
    let help = "write the artifact of canic's journal into the plan, with its seal";
    Some(Diagnostic::new(Code::AdoptOther, message, theirs).with_label(ours).with_help(help))
}

/// A place of a member in the plan's text.
fn place(
    adopter: &Adopter<'_>,
    index: usize,
    part: impl Fn(&crate::plan::MemberPlaces) -> std::ops::Range<usize>,
    label: &str,
) -> crate::diagnostic::Label {
    let span = adopter.places.members.get(index).map_or(0..0, part);
    adopter.places.source.label(span, label)
}
