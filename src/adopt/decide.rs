//! What of each member is taken over, settled or left to be done.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use jiff::Timestamp;

use super::{
    Adopter, Adoption,
    now::{Now, Unseen},
    origin,
    pair::{Pair, Step},
};
use crate::{
    canic::journal::{self as theirs, State},
    diagnostic::{Code, Diagnostic, Label},
    icp::{Answer, Call, Exit, Reply, Status, status},
    id::SnapshotId,
    journal::event::{Adopted, Aim, Before, Claimed, Event, Outcome, Receipt, Tail},
    operation::{Kind, Operation, Sequence},
    plan::{AmbiguousLoad, Target},
};

/// What became of an effect of the ancestor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was not tried, or surely not applied.
    Not,
    /// It may have been applied: begun and not ended, failed without a refusal, or released by hand.
    Maybe,
    /// It was applied.
    Done,
}

/// Decides for all members. The problems are errors that forbid the whole, and warnings of what is done again.
pub(super) fn all(
    adopter: &Adopter<'_>,
    pairs: &[Pair<'_>],
    seen: &BTreeMap<usize, Now>,
) -> (Adoption, Vec<Diagnostic>) {
    let mut problems: Vec<Diagnostic> = safety(adopter, pairs).into_iter().collect();
    let is_safe = problems.is_empty();
    let (mut events, mut claims) = (Vec::new(), Vec::new());
    for pair in pairs {
        let Some(now) = seen.get(&pair.index) else { continue };
        let status = match (&now.status, &now.snapshots) {
            (Ok(status), Ok(_)) => status,
            (Err(unseen), _) | (_, Err(unseen)) => {
                problems.push(silent(adopter, pair, unseen));
                continue;
            }
        };
        let mut case = Case { adopter, pair, now, status, events: &mut events, problems: &mut problems };
        claims.extend(case.decide());
    }
    let done: BTreeSet<Sequence> = events.iter().filter_map(Event::operation).collect();
    for (operation, claim, at) in claims {
        match operation.after.iter().all(|after| done.contains(after)) {
            true => events.push(claim),
            // It is made anew when it is due.
            false if operation.kind == Kind::StopCanister => {}
            // Without its safety snapshot a load is early as well.
            false if !is_safe => {}
            false => problems.push(early(operation, adopter.source.label(at, "this load"))),
        }
    }
    (Adoption { events, warnings: Vec::new() }, problems)
}

/// One member.
struct Case<'c, 'a> {
    adopter: &'c Adopter<'a>,
    pair: &'c Pair<'a>,
    now: &'c Now,
    status: &'c Status,
    events: &'c mut Vec<Event>,
    problems: &'c mut Vec<Diagnostic>,
}

impl<'a> Case<'_, 'a> {
    /// Takes over what holds; gives the claim of a stop or a load that only a settlement can tell of.
    fn decide(&mut self) -> Option<(&'a Operation, Event, Range<usize>)> {
        let pair = self.pair;
        let load = fate(&pair.load);
        let stopped = self.status.state == status::State::Stopped;
        let opened = pair.start.was_begun();
        let explained = load == Fate::Not || stopped || (load == Fate::Done && opened);
        if !explained {
            let label = self.label(&pair.load, "it loaded this, or may have");
            let state = format!("{:?}", self.status.state).to_lowercase();
            let message = format!("{} is {state}, and canic did not start it", pair.member.target);
            let stop = format!("icp canister stop {}", pair.member.target);
            let help = format!("see what it holds: if that is the snapshot, stop it with `{stop}` and adopt again");
            self.problems.push(Diagnostic::new(Code::AdoptOpen, message, label).with_help(help));
            return None;
        }
        let id = self.upload(load);
        if stopped || (load == Fate::Done && opened) {
            if pair.stop.was_begun() {
                self.take_over(Kind::StopCanister, &pair.stop, None);
            }
        } else if pair.stop.state() == State::Completed {
            self.again(&pair.stop, "it is not stopped any more");
        } else if fate(&pair.stop) == Fate::Maybe {
            // It may still arrive: that of the settlement is remembered, and no start comes before its end.
            let settings = self.status.settings.clone();
            let before = Before { settings, ..Before::of(self.status) };
            return self.claim(&pair.stop, Kind::StopCanister, Call::Stop(&pair.member.target), before);
        }
        let claim = match (load, id) {
            (Fate::Done, Some(id)) => {
                self.take_over(Kind::LoadSnapshot, &pair.load, Some(id));
                None
            }
            (Fate::Maybe, Some(id)) => {
                let before = Before { module_hash: None, snapshots: Some(vec![id.clone()]), ..Before::of(self.status) };
                let call = Call::Load(&pair.member.target, &id.to_string());
                self.claim(&pair.load, Kind::LoadSnapshot, call, before)
            }
            _ => None,
        };
        match (self.status.state, pair.start.state()) {
            (status::State::Running, _) if opened && load == Fate::Done => {
                self.take_over(Kind::StartCanister, &pair.start, None);
            }
            (_, State::Completed) => self.again(&pair.start, "it is not running any more"),
            _ => {}
        }
        claim
    }

    /// Takes over an upload whose snapshot is still there, and gives its id.
    fn upload(&mut self, load: Fate) -> Option<SnapshotId> {
        let step = &self.pair.upload;
        if step.was_begun() && step.state() != State::Completed {
            let target = self.pair.member.target.to_string();
            let message = format!("canic began to upload to {target}, and it is not known what that left there");
            let label = self.label(step, "begun, and no id is known");
            self.problems.push(
                Diagnostic::new(Code::AdoptLeft, message, label)
                    .with_help(format!("look at `icp canister snapshot list {target}` when all is done")),
            );
        }
        let receipt = step.latest().filter(|_| step.state() == State::Completed)?;
        let written = receipt.uploaded_snapshot_id.value.as_deref().unwrap_or_default();
        let id = written.parse::<SnapshotId>().ok();
        let listed = |id: &SnapshotId| self.now.snapshots.iter().flatten().any(|listed| listed.id == *id);
        let (why, id) = match id {
            Some(id) if load == Fate::Done || listed(&id) => {
                self.take_over(Kind::UploadSnapshot, step, Some(id.clone()));
                return Some(id);
            }
            Some(id) => (format!("the snapshot {id} is not on it any more"), Some(id)),
            None => (format!("`{}` is not the id of a snapshot", written.escape_debug()), None),
        };
        let reload = self.adopter.plan.safety.ambiguous_load == AmbiguousLoad::Reload;
        match (load, id) {
            (Fate::Not, _) => self.again(step, &why),
            (Fate::Maybe, _) if reload => self.again(step, &why),
            _ => {
                let label = self.label(step, "canic uploaded it here");
                let message =
                    format!("what canic loaded into {}, or may have, is not known: {why}", self.pair.member.target);
                let help = "write `ambiguous-load = \"reload\"` below `[safety]`: it is uploaded and loaded anew; or begin \
                            without `--adopt`";
                self.problems.push(Diagnostic::new(Code::AdoptOther, message, label).with_help(help));
            }
        }
        None
    }

    /// Bytes of a snapshot that is on the canister.
    fn size(&self, id: &SnapshotId) -> Option<u64> {
        self.now.snapshots.iter().flatten().find(|listed| listed.id == *id).map(|listed| listed.size)
    }

    /// Puts the outcome of an operation into our journal, if the plan has one of the kind.
    fn take_over(&mut self, kind: Kind, step: &Step<'_>, snapshot_id: Option<SnapshotId>) {
        let Some(operation) = self.adopter.operations.find(kind, &self.pair.member.name) else { return };
        let Target::Canister(target) = operation.target else { return };
        let receipt = step.latest().filter(|_| step.state() == State::Completed);
        let text = |output: Option<&theirs::Output>| {
            output.map_or_else(Tail::default, |output| {
                let tail = Tail::of(&self.adopter.redactor.redact(&output.text));
                Tail { bytes: output.original_bytes.max(tail.bytes), ..tail }
            })
        };
        let note = match receipt {
            Some(receipt) => format!(
                "operation {} of canic, attempt {}, completed {}",
                receipt.sequence.value,
                receipt.attempt.value,
                receipt.updated_at.value.as_deref().unwrap_or("at an unknown time")
            ),
            None => format!(
                "operation {} of canic was {}: settled by the status, which is {}",
                step.operation.sequence.value,
                step.state().as_str(),
                format!("{:?}", self.status.state).to_lowercase()
            ),
        };
        let at = receipt.and_then(|receipt| time(receipt.updated_at.value.as_deref()?)).unwrap_or_else(Timestamp::now);
        let exit = receipt.and_then(|receipt| receipt.status.value.as_deref()?.parse().ok());
        let module_hash = match kind {
            Kind::UploadSnapshot => self.adopter.modules.get(&self.pair.member.name).copied(),
            Kind::LoadSnapshot => self.status.module_hash,
            _ => None,
        };
        let receipt = Receipt {
            kind,
            source: operation.source,
            target,
            outcome: Outcome::Completed,
            exit: exit.filter(|code| *code == 0).map(Exit::Code),
            rejection: None,
            notes: vec![self.adopter.redactor.redact(&note)],
            snapshot_size: snapshot_id.as_ref().filter(|_| kind == Kind::UploadSnapshot).and_then(|id| self.size(id)),
            snapshot_id,
            module_hash,
            orphans: Vec::new(),
            started: at,
            ended: at,
            stdout: text(receipt.and_then(|receipt| receipt.stdout.value.as_ref())),
            stderr: text(receipt.and_then(|receipt| receipt.stderr.value.as_ref())),
        };
        let adopted = Adopted { operation: operation.sequence, from: origin(self.adopter.source), receipt };
        self.events.push(Event::Adopted(Box::new(adopted)));
    }

    /// What may have been applied comes in as if it was begun: the next step settles it as one of ours.
    fn claim(
        &self,
        step: &Step<'_>,
        kind: Kind,
        call: Call<'_>,
        before: Before,
    ) -> Option<(&'a Operation, Event, Range<usize>)> {
        let operation = self.adopter.operations.find(kind, &self.pair.member.name)?;
        let claimed = Claimed {
            operation: operation.sequence,
            attempt: 1,
            aim: Aim::Do,
            command: self.adopter.redactor.command(&self.adopter.icp.command(call)),
            deadline: Timestamp::now(),
            before,
        };
        Some((operation, Event::Claimed(Box::new(claimed)), step.operation.state.span.clone()))
    }

    /// Warns of a completed operation that is done again.
    fn again(&mut self, step: &Step<'_>, why: &str) {
        let operation = step.operation;
        let message = format!(
            "operation {} of canic, {} of {}, is done again: {why}",
            operation.sequence.value,
            operation.kind.value.as_str(),
            operation.target.value
        );
        let label = self.label(step, "completed then");
        let help = "find out who changed that, if nobody should have";
        self.problems.push(Diagnostic::new(Code::AdoptAgain, message, label).with_help(help));
    }

    fn label(&self, step: &Step<'_>, text: &str) -> Label {
        self.adopter.source.label(step.operation.state.span.clone(), text)
    }
}

/// What became of a stop or a load.
fn fate(step: &Step<'_>) -> Fate {
    match step.state() {
        State::Completed => Fate::Done,
        State::Failed if step.receipts.iter().all(|receipt| was_refused(receipt)) => Fate::Not,
        _ if step.was_begun() => Fate::Maybe,
        _ => Fate::Not,
    }
}

/// Whether a failed attempt surely had no effect: of a load the command was another one (the ancestor asks for the
/// status first), or the network or icp refused it.
fn was_refused(receipt: &theirs::Receipt) -> bool {
    let acts = receipt
        .command
        .value
        .as_ref()
        .is_none_or(|command| command.args.value.iter().any(|arg| arg.value == "restore" || arg.value == "stop"));
    let Some(code) = receipt.status.value.as_deref().and_then(|status| status.parse().ok()) else { return !acts };
    let text = |output: &Option<theirs::Output>| output.as_ref().map(|output| output.text.clone()).unwrap_or_default();
    let (stdout, stderr) = (text(&receipt.stdout.value), text(&receipt.stderr.value));
    let answer = Answer::of(&Reply { exit: Exit::Code(code), stdout, stderr });
    !acts || matches!(answer, Answer::Rejected(_) | Answer::NotSent(_))
}

/// A safety snapshot comes before the load that it is to take back.
fn safety(adopter: &Adopter<'_>, pairs: &[Pair<'_>]) -> Option<Diagnostic> {
    if !adopter.plan.safety.snapshot {
        return None;
    }
    let loaded = pairs.iter().filter(|pair| fate(&pair.load) != Fate::Not);
    let mut labels = loaded.map(|pair| {
        let text = if fate(&pair.load) == Fate::Done { "loaded" } else { "may be loaded" };
        adopter.source.label(pair.load.operation.state.span.clone(), text)
    });
    let first = labels.next()?;
    let message = "canic has loaded snapshots, or may have, and the plan wants safety snapshots from before";
    let problem = Diagnostic::new(Code::AdoptSafety, message, first);
    let problem = labels.take(19).fold(problem, Diagnostic::with_label);
    Some(problem.with_help("write `snapshot = false` below `[safety]` into the plan: then there is no way back"))
}

fn silent(adopter: &Adopter<'_>, pair: &Pair<'_>, unseen: &Unseen) -> Diagnostic {
    let message = format!("it cannot be seen how {} is now: {}", pair.member.target, unseen.why);
    let label = adopter.source.label(pair.stop.operation.target.span.clone(), "this canister");
    Diagnostic::new(Code::AdoptSilent, message, label).with_help(unseen.help)
}

/// A load that the plan would have after something that is not done.
fn early(operation: &Operation, label: Label) -> Diagnostic {
    let message = format!("canic began to load `{}` before what the plan has before that", operation.member);
    let help = "take the order of canic's manifest into the plan: icp-restore init --from";
    Diagnostic::new(Code::AdoptOther, message, label).with_help(help)
}

/// The ancestor's times are `unix:SECONDS`, or any text.
fn time(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.strip_prefix("unix:")?.parse().ok()?).ok()
}
