//! Which part of an event is the odd one, where parts of it contradict each other.

use std::{collections::HashMap, ops::Range};

use crate::{
    diagnostic::{Code, suggest},
    id::Name,
    journal::{
        event::{Aim, Claimed, Event, Outcome, Receipt, Verdict},
        replay::{Breach, Replay, State},
    },
    json::Json,
    operation::{Kind, Operation, Sequence},
    plan::Target,
};

/// A breach, with the operation that the event is really about.
pub(super) struct Found {
    pub(super) breach: Breach,
    pub(super) meant: Option<Sequence>,
}

impl From<Breach> for Found {
    fn from(breach: Breach) -> Self {
        Self { breach, meant: None }
    }
}

/// Which member each canister is: what an event is really about is looked for among its operations alone.
pub(super) type Canisters = HashMap<Target, Name>;

/// The operations for a canister, in order.
fn of<'r>(canisters: &Canisters, target: &Target, replay: &'r Replay) -> impl Iterator<Item = &'r Operation> {
    let member = canisters.get(target).cloned();
    Kind::ALL.into_iter().filter_map(move |kind| replay.operations.find(kind, member.as_ref()?))
}

const OPERATION: &[&str] = &["operation"];
const ARGS: &[&str] = &["command", "args"];

/// What an event says against itself, beyond what a run ever needs to know.
pub(super) fn check(event: &Event, line: usize, replay: &Replay, canisters: &Canisters) -> Option<Found> {
    match event {
        Event::Claimed(claimed) => claim(claimed, line, replay, canisters),
        Event::Closed(closed) if closed.verdict == Verdict::Done && !replay.is_complete() => {
            let message = "the run is said to be done, and not every operation is completed";
            Some(Breach::new(Code::OutcomeMismatch, message, &["verdict"], "not done").into())
        }
        Event::Finished(event) => snapshot(event.operation, &event.receipt, replay),
        _ => None,
    }
}

/// The command of a claim is one for the canister of its operation, and of its kind.
fn claim(claimed: &Claimed, line: usize, replay: &Replay, canisters: &Canisters) -> Option<Found> {
    let operation = replay.operations.get(claimed.operation)?;
    let args = &claimed.command.args;
    let targets: Vec<Target> = args.iter().filter_map(|arg| arg.clone().try_into().ok()).collect();
    let fits = |operation: &Operation| fits(operation, &claimed.aim, args, &targets);
    if args.len() < 3 || fits(operation) {
        return None;
    }
    let fleet = replay.operations.iter().rev().find(|other| other.kind == Kind::VerifyFleet);
    let meant = targets.iter().flat_map(|target| of(canisters, target, replay)).chain(fleet).find(|other| {
        let free = !matches!(replay.slot(other.sequence).state, State::Claimed(_));
        free && fits(other) && replay.slot(other.sequence).attempts + 1 == claimed.attempt
    });
    let message = format!(
        "the claim of operation {}, {} {}, runs the command of something else",
        operation.sequence, operation.kind, operation.member
    );
    let breach = match meant {
        Some(meant) => {
            let meant = meant.sequence;
            let breach = Breach::new(Code::ClaimMismatch, message, OPERATION, format!("not {meant}"));
            breach.and(line, ARGS, format!("the command of operation {meant}"))
        }
        None => Breach::new(Code::ClaimMismatch, message, ARGS, format!("not the command for {}", operation.target)),
    };
    Some(Found { breach, meant: meant.map(|meant| meant.sequence) })
}

/// Words that the command of a kind has one of.
fn words(kind: Kind, aim: &Aim) -> &'static [&'static str] {
    match (aim, kind) {
        (Aim::TakeBack, _) | (Aim::Do, Kind::StartCanister) => &["start"],
        (Aim::Clear(_), _) | (Aim::Do, Kind::DeleteSnapshot) => &["delete"],
        (Aim::Do, Kind::UploadSnapshot) => &["upload"],
        (Aim::Do, Kind::StopCanister) => &["stop"],
        (Aim::Do, Kind::TakeSnapshot) => &["create"],
        (Aim::Do, Kind::LoadSnapshot) => &["restore"],
        (Aim::Do, Kind::VerifyMember | Kind::VerifyFleet) => &["status", "call"],
    }
}

/// Whether a command is of the kind of an operation and for its canister; `targets` are those among the arguments.
fn fits(operation: &Operation, aim: &Aim, args: &[String], targets: &[Target]) -> bool {
    // A fleet is looked at member by member.
    (operation.kind == Kind::VerifyFleet || targets.contains(&operation.target))
        && args.iter().take(3).any(|arg| words(operation.kind, aim).contains(&arg.as_str()))
}

/// What a command printed names the snapshot that it made.
fn snapshot(sequence: Sequence, receipt: &Receipt, replay: &Replay) -> Option<Found> {
    let operation = replay.operations.get(sequence)?;
    let makes = matches!(operation.kind, Kind::UploadSnapshot | Kind::TakeSnapshot);
    let said = Json::parse(receipt.stdout.text.trim()).ok()?.get("snapshot_id")?.as_str()?;
    let id = receipt.snapshot_id.as_ref().filter(|_| makes && receipt.kind == operation.kind)?;
    if receipt.outcome != Outcome::Completed || said.eq_ignore_ascii_case(&id.to_string()) {
        return None;
    }
    let message = format!("the receipt of operation {sequence} names another snapshot than its command printed");
    let breach = Breach::new(Code::ReceiptMismatch, message, &["receipt", "snapshot-id"], format!("not {said}"));
    Some(breach.into())
}

/// Moves a breach to the field that contradicts the most.
pub(super) fn refine(breach: Breach, event: &Event, replay: &Replay, canisters: &Canisters) -> Found {
    let (operation, attempt, receipt) = match event {
        Event::Finished(event) => (event.operation, event.attempt, &event.receipt),
        Event::Settled(event) => (event.operation, event.attempt, &event.receipt),
        _ => return breach.into(),
    };
    match breach.code {
        Code::ReceiptMismatch
        | Code::ReceiptWithoutClaim
        | Code::Attempt
        | Code::JournalOperation
        | Code::ForeignLoad => {
            let waits = |other: &&Operation| {
                let slot = replay.slot(other.sequence);
                other.sequence != operation
                    && matches!(slot.state, State::Claimed(_) | State::Unknown(..))
                    && slot.attempts == attempt
                    && other.kind == receipt.kind
                    && other.source == receipt.source
            };
            match of(canisters, &Target::Canister(receipt.target), replay).find(waits) {
                Some(meant) => {
                    let meant = meant.sequence;
                    let message = format!("the receipt of operation {operation} is that of operation {meant}");
                    let line = replay.slot(meant).line;
                    let mut moved = Breach::new(Code::ReceiptMismatch, message, OPERATION, format!("not {meant}"));
                    moved.other = Some((line, OPERATION, format!("operation {meant} was claimed here")));
                    Found { breach: moved, meant: Some(meant) }
                }
                None => breach.into(),
            }
        }
        Code::OutcomeMismatch if receipt.outcome == Outcome::Completed && receipt.rejection.is_none() => {
            Breach { at: &["receipt", "exit"], label: "a completed command ends with 0".to_owned(), ..breach }.into()
        }
        Code::TimeBackwards if breach.at == ["receipt", "ended"] => match &replay.slot(operation).state {
            State::Claimed(flight) if receipt.ended >= flight.since => {
                Breach { at: &["receipt", "started"], label: "after its end".to_owned(), ..breach }.into()
            }
            _ => breach.into(),
        },
        _ => breach.into(),
    }
}

/// The event as it must have been for the journal to make sense, as far as the operations say it.
pub(super) fn meant(event: &Event, found: &Found, replay: &Replay) -> Option<Event> {
    let right = |receipt: &Receipt, operation: Sequence| {
        let operation = replay.operations.get(operation)?;
        let Target::Canister(target) = operation.target else { return None };
        let mut receipt = Receipt { kind: operation.kind, source: operation.source, target, ..receipt.clone() };
        if operation.kind == Kind::LoadSnapshot {
            receipt.snapshot_id = replay.snapshot(operation).cloned();
        }
        if found.breach.code == Code::OutcomeMismatch {
            receipt.outcome = Outcome::Completed;
            receipt.exit = None;
        }
        if found.breach.code == Code::TimeBackwards {
            receipt.ended = receipt.started;
        }
        if let (Code::ReceiptMismatch, ["receipt", "snapshot-id"]) = (found.breach.code, found.breach.at) {
            let said = Json::parse(receipt.stdout.text.trim()).ok()?.get("snapshot_id")?.as_str()?;
            receipt.snapshot_id = said.parse().ok();
        }
        Some(receipt)
    };
    match event {
        Event::Claimed(claimed) => {
            let mut claimed = claimed.clone();
            claimed.operation = found.meant.unwrap_or(claimed.operation);
            let operation = replay.operations.get(claimed.operation)?;
            claimed.attempt = replay.slot(claimed.operation).attempts + 1;
            claimed.command.args.extend(replay.snapshot(operation).map(ToString::to_string));
            Some(Event::Claimed(claimed))
        }
        Event::Finished(finished) => {
            let mut finished = finished.clone();
            finished.operation = found.meant.unwrap_or(finished.operation);
            finished.receipt = right(&finished.receipt, finished.operation)?;
            finished.attempt = replay.slot(finished.operation).attempts;
            Some(Event::Finished(finished))
        }
        Event::Settled(settled) => {
            let mut settled = settled.clone();
            settled.operation = found.meant.unwrap_or(settled.operation);
            settled.receipt = right(&settled.receipt, settled.operation)?;
            settled.attempt = replay.slot(settled.operation).attempts;
            Some(Event::Settled(settled))
        }
        Event::Opened(_) | Event::Resumed(_) | Event::Released(_) | Event::Adopted(_) | Event::Closed(_) => None,
    }
}

/// Of a line that lacks a field: the word for another event whose fields it has, or the key that the field has become.
pub(super) fn misfit(line: &str, message: &str) -> Option<(Range<usize>, String)> {
    let missing = message.strip_prefix("missing field `")?.split('`').next()?;
    let json = Json::parse(line).ok()?;
    let event = json.get("event")?;
    for word in ["claimed", "finished", "settled", "released", "adopted", "resumed", "closed", "opened"] {
        let other = format!("{}\"{word}\"{}", &line[..event.span().start], &line[event.span().end..]);
        if crate::journal::line::read(&other).is_ok() {
            return Some((event.span(), format!("the fields are those of `{word}`")));
        }
    }
    let entries = [Some(json), json.get("receipt"), json.get("command")].into_iter().flatten();
    let entries: Vec<_> = entries.flat_map(|json| json.entries()).collect();
    let near = suggest::nearest(missing, entries.iter().map(|entry| entry.key.as_ref()))?.to_owned();
    let key = entries.into_iter().find(|entry| entry.key == near)?;
    Some((key.key_span, format!("there is `{near}` where `{missing}` must be")))
}

/// The part of an operation in the first line that is not what the plan compiles to.
pub(super) fn differs(line: &str, index: usize, wanted: Option<&Operation>) -> Range<usize> {
    let Some(operations) = Json::parse(line).ok().and_then(|json| json.get("operations")) else { return 0..line.len() };
    let Some(is) = operations.items().get(index).copied() else { return operations.span() };
    let Some(wanted) = wanted.and_then(|wanted| serde_json::to_string(wanted).ok()) else { return is.span() };
    let Ok(wanted) = Json::parse(&wanted) else { return is.span() };
    let odd: Vec<_> = is
        .entries()
        .into_iter()
        .filter(|entry| wanted.get(&entry.key).is_none_or(|value| value.raw() != entry.value.raw()))
        .collect();
    match &odd[..] {
        [one] => one.value.span(),
        _ => is.span(),
    }
}
