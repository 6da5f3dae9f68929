//! The receipts of a journal against its operations.
//!
//! Where a receipt and its operation differ, either may be the wrong one. What else the journal holds decides which is
//! pointed at first; both are always labelled.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::{Journal, Kind, Operation, Outcome, Receipt, State};
use crate::{
    canic::Spanned,
    diagnostic::{Code, Diagnostic, Source},
    id::{Principal, SnapshotId},
};

/// The latest receipt of each operation that has one, by sequence number.
pub(super) fn latest(journal: &Journal) -> BTreeMap<usize, &Receipt> {
    let mut latest: BTreeMap<usize, &Receipt> = BTreeMap::new();
    for receipt in &journal.receipts.value {
        let newest = latest.entry(receipt.sequence.value).or_insert(receipt);
        if receipt.attempt.value >= newest.attempt.value {
            *newest = receipt;
        }
    }
    latest
}

/// What is wrong with the receipts, and what is to be looked at.
pub(super) fn check(source: &Arc<Source>, journal: &Journal) -> Vec<Diagnostic> {
    let mut operations: BTreeMap<usize, &Operation> = BTreeMap::new();
    for operation in &journal.operations.value {
        operations
            .entry(operation.sequence.value)
            .or_insert(operation);
    }
    let mut rules = Rules {
        source,
        journal,
        operations,
        found: Vec::new(),
    };
    rules.attempts();
    for receipt in &journal.receipts.value {
        rules.receipt(receipt);
    }
    rules.terminal();
    rules.found
}

struct Rules<'a> {
    source: &'a Arc<Source>,
    journal: &'a Journal,
    operations: BTreeMap<usize, &'a Operation>,
    found: Vec<Diagnostic>,
}

impl Rules<'_> {
    fn attempts(&mut self) {
        let mut seen: BTreeMap<(usize, usize), (usize, &Receipt)> = BTreeMap::new();
        let mut ordinals: BTreeMap<usize, usize> = BTreeMap::new();
        for receipt in &self.journal.receipts.value {
            let (sequence, attempt) = (receipt.sequence.value, receipt.attempt.value);
            // The ancestor numbers the receipts of an operation from 1, so a number that is not the ordinal is wrong.
            let ordinal = ordinals.entry(sequence).or_default();
            *ordinal += 1;
            let Some(&(before, first)) = seen.get(&(sequence, attempt)) else {
                seen.insert((sequence, attempt), (*ordinal, receipt));
                continue;
            };
            let (wrong, right) = match before != attempt && *ordinal == attempt {
                true => (first, receipt),
                false => (receipt, first),
            };
            // A receipt that is not of its operation has the wrong sequence; its attempt may be right.
            let span = match self.differences(wrong).is_empty() {
                true => &wrong.attempt.span,
                false => &wrong.sequence.span,
            };
            let message = format!("attempt {attempt} at operation {sequence} has two receipts");
            let label = self.source.label(span.clone(), "");
            let other = self
                .source
                .label(right.attempt.span.clone(), "the other one");
            let problem = Diagnostic::new(Code::CanicReceiptAttempt, message, label);
            self.found.push(problem.with_label(other));
        }
    }

    /// Where a receipt is not that of its operation: the place in the receipt and the one in the operation.
    fn differences(&self, receipt: &Receipt) -> Vec<(Range<usize>, Range<usize>)> {
        let Some(operation) = self.operations.get(&receipt.sequence.value) else {
            return Vec::new();
        };
        let pair = |same: bool, mine: &Range<usize>, its: &Range<usize>| {
            (!same).then(|| (mine.clone(), its.clone()))
        };
        let (kind, source, target) = (&receipt.kind, &receipt.source, &receipt.target);
        let same = operation.kind.value == kind.value;
        [
            pair(same, &kind.span, &operation.kind.span),
            pair(
                operation.source.value == source.value,
                &source.span,
                &operation.source.span,
            ),
            pair(
                operation.target.value == target.value,
                &target.span,
                &operation.target.span,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn receipt(&mut self, receipt: &Receipt) {
        let sequence = &receipt.sequence;
        if self.operations.contains_key(&sequence.value) {
            self.mismatch(receipt);
        } else {
            let message = format!(
                "a receipt of operation {}, which is not there",
                sequence.value
            );
            let label = self
                .source
                .label(sequence.span.clone(), "no such operation");
            self.found
                .push(Diagnostic::new(Code::CanicReceiptOrphan, message, label));
        }
        let absent = |receipt: &Receipt| Some(receipt.place.clone());
        self.text(receipt, "updated_at", receipt.updated_at.as_ref());
        match &receipt.command {
            None => self.lacks(receipt, "command", absent(receipt)),
            Some(command) => {
                self.text(receipt, "command.program", Some(&command.program));
                self.text(receipt, "command.note", Some(&command.note));
                let none = command.args.value.is_empty();
                self.lacks(
                    receipt,
                    "command.args",
                    none.then(|| command.args.span.clone()),
                );
            }
        }
        self.text(receipt, "status", receipt.status.as_ref());
        for (name, output) in [("stdout", &receipt.stdout), ("stderr", &receipt.stderr)] {
            if output.is_none() {
                self.lacks(receipt, name, absent(receipt));
            }
        }
        let completed = receipt.outcome.value == Outcome::CommandCompleted;
        if receipt.kind.value == Kind::UploadSnapshot {
            let id = receipt.source_snapshot_id.as_ref();
            self.text(receipt, "source_snapshot_id", id);
            self.text(receipt, "artifact_path", receipt.artifact.as_ref());
            if completed {
                let id = receipt.uploaded_snapshot_id.as_ref();
                self.text(receipt, "uploaded_snapshot_id", id);
                self.foreign(receipt);
            }
        }
        if !completed {
            self.text(receipt, "failure_reason", receipt.failure_reason.as_ref());
        }
    }

    fn mismatch(&mut self, receipt: &Receipt) {
        let differences = self.differences(receipt);
        let sequence = receipt.sequence.value;
        let message = format!("a receipt is not of operation {sequence}, which it names");
        let problem = match &differences[..] {
            [] => return,
            [(mine, its)] => {
                let (first, second) = match self.operation_is_odd(receipt) {
                    true => (its, mine),
                    false => (mine, its),
                };
                let label = self.source.label(first.clone(), "this");
                let other = self.source.label(second.clone(), "is not this");
                Diagnostic::new(Code::CanicReceiptMismatch, message, label).with_label(other)
            }
            many => {
                let span = receipt.sequence.span.clone();
                let label = self.source.label(span, "the operation of another receipt?");
                let problem = Diagnostic::new(Code::CanicReceiptMismatch, message, label);
                many.iter().fold(problem, |problem, (mine, its)| {
                    let mine = self.source.label(mine.clone(), "this");
                    let its = self.source.label(its.clone(), "is not this");
                    problem.with_label(mine).with_label(its)
                })
            }
        };
        self.found.push(problem);
    }

    /// Whether other operations on the same member say what the receipt says.
    fn operation_is_odd(&self, receipt: &Receipt) -> bool {
        let operations = &self.journal.operations.value;
        let agree = operations.iter().any(|other| {
            other.source.value == receipt.source.value && other.target.value == receipt.target.value
        });
        let own = self.operations.get(&receipt.sequence.value);
        agree && own.is_some_and(|own| own.kind.value == receipt.kind.value)
    }

    fn text(&mut self, receipt: &Receipt, name: &str, text: Option<&Spanned<String>>) {
        let span = match text {
            Some(text) => text.value.trim().is_empty().then(|| text.span.clone()),
            None => Some(receipt.place.clone()),
        };
        self.lacks(receipt, name, span);
    }

    fn lacks(&mut self, receipt: &Receipt, name: &str, at: Option<Range<usize>>) {
        let Some(span) = at else { return };
        let (sequence, attempt) = (receipt.sequence.value, receipt.attempt.value);
        let message =
            format!("the receipt of attempt {attempt} at operation {sequence} has no `{name}`");
        let label = self.source.label(span, "missing here");
        self.found
            .push(Diagnostic::new(Code::CanicReceiptField, message, label));
    }

    /// On the IC the id of a snapshot names its canister.
    fn foreign(&mut self, receipt: &Receipt) {
        let Some(text) = &receipt.uploaded_snapshot_id else {
            return;
        };
        let target = Principal::from_text(&receipt.target.value).ok();
        let owner = text.value.trim().parse::<SnapshotId>().ok();
        let owner = owner.and_then(|id| id.owner());
        if owner.is_none() || owner != target {
            let message = format!("snapshot `{}` is not of the target", text.value);
            let label = self.source.label(text.span.clone(), "uploaded");
            let to = self.source.label(receipt.target.span.clone(), "to here");
            let problem = Diagnostic::new(Code::CanicForeignSnapshot, message, label);
            self.found.push(problem.with_label(to));
        }
    }

    /// Whatever is over has a receipt, and the latest one says so.
    fn terminal(&mut self) {
        let latest = latest(self.journal);
        for operation in &self.journal.operations.value {
            let Some(outcome) = operation.state.value.outcome() else {
                continue;
            };
            let found = match latest.get(&operation.sequence.value) {
                None => Some(self.without(operation)),
                Some(receipt) => self.stale(operation, receipt, outcome),
            };
            self.found.extend(found);
        }
    }

    /// The receipt is not there; one that is of no other operation may have lost its number.
    fn without(&self, operation: &Operation) -> Diagnostic {
        let (sequence, state) = (operation.sequence.value, operation.state.value.as_str());
        let message = format!("operation {sequence} is {state}, and its receipt is missing");
        let label = self
            .source
            .label(operation.state.span.clone(), "no receipt says so");
        let problem = Diagnostic::new(Code::CanicReceiptMissing, message, label);
        let list = self.journal.receipts.span.start;
        let list = self.source.label(list..list + 1, "not among the receipts");
        problem.with_label(list)
    }

    fn stale(
        &self,
        operation: &Operation,
        receipt: &Receipt,
        outcome: Outcome,
    ) -> Option<Diagnostic> {
        let mut wrong = Vec::new();
        if receipt.outcome.value != outcome {
            wrong.push((receipt.outcome.span.clone(), operation.state.span.clone()));
        }
        let time = |time: &Option<Spanned<String>>| time.as_ref().map(|time| time.value.clone());
        if time(&receipt.updated_at) != time(&operation.updated_at) {
            let span = |time: &Option<Spanned<String>>, place: &Range<usize>| {
                time.as_ref()
                    .map_or(place.clone(), |time| time.span.clone())
            };
            let mine = span(&receipt.updated_at, &receipt.place);
            let its = span(&operation.updated_at, &operation.place);
            wrong.push(match self.time_is_odd(operation, receipt) {
                true => (its, mine),
                false => (mine, its),
            });
        }
        wrong.extend(self.differences(receipt));
        let mut wrong = wrong.into_iter();
        let (first, second) = wrong.next()?;
        let (sequence, state) = (operation.sequence.value, operation.state.value);
        let message = format!(
            "operation {sequence} is {}, and its latest receipt is stale or mismatched",
            state.as_str()
        );
        let mut problem = match self.fitting(operation, receipt, outcome) {
            // Another attempt fits: then the numbers of the attempts are wrong.
            Some(other) => {
                let other = self
                    .source
                    .label(other.attempt.span.clone(), "this attempt fits");
                let latest = receipt.attempt.span.clone();
                let latest = self.source.label(latest, "and this one is the latest");
                let first = self.source.label(first, "this");
                Diagnostic::new(Code::CanicReceiptStale, message, other)
                    .with_label(latest)
                    .with_label(first)
            }
            None => {
                let first = self.source.label(first, "this");
                Diagnostic::new(Code::CanicReceiptStale, message, first)
            }
        };
        problem = problem.with_label(self.source.label(second, "does not fit this"));
        Some(wrong.fold(problem, |problem, (mine, its)| {
            let mine = self.source.label(mine, "this");
            problem
                .with_label(mine)
                .with_label(self.source.label(its, "does not fit this"))
        }))
    }

    /// A receipt of another attempt that is all that the operation needs.
    fn fitting(&self, operation: &Operation, not: &Receipt, outcome: Outcome) -> Option<&Receipt> {
        let time = |time: &Option<Spanned<String>>| time.as_ref().map(|time| time.value.clone());
        self.journal.receipts.value.iter().find(|receipt| {
            receipt.place != not.place
                && receipt.sequence.value == operation.sequence.value
                && receipt.outcome.value == outcome
                && time(&receipt.updated_at) == time(&operation.updated_at)
                && self.differences(receipt).is_empty()
        })
    }

    /// Whether the time of an operation, rather than that of its receipt, is the odd one.
    fn time_is_odd(&self, operation: &Operation, receipt: &Receipt) -> bool {
        let seconds = |time: &Option<Spanned<String>>| {
            let text = time.as_ref()?.value.strip_prefix("unix:")?;
            text.parse::<u64>().ok()
        };
        let (Some(its), Some(mine)) =
            (seconds(&operation.updated_at), seconds(&receipt.updated_at))
        else {
            return seconds(&operation.updated_at).is_none();
        };
        // Operations are over one after another, so times rise with the numbers.
        let near = |sequence: Option<usize>| {
            let operation = self.operations.get(&sequence?)?;
            let over = matches!(operation.state.value, State::Completed | State::Failed);
            seconds(&operation.updated_at).filter(|_| over)
        };
        let before = near(operation.sequence.value.checked_sub(1));
        let after = near(operation.sequence.value.checked_add(1));
        let fits = |time: u64| {
            before.is_none_or(|before| before <= time) && after.is_none_or(|after| time <= after)
        };
        fits(mine) && !fits(its)
    }
}
