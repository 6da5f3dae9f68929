//! The receipts of a journal against its operations.
//!
//! Where a receipt and its operation differ, either may be the wrong one. What else the journal holds decides which is
//! pointed at first; both are always labelled. [`super::terminal`] has the rule on what is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::{Journal, Kind, Operation, Outcome, Receipt};
use crate::{
    canic::Spanned,
    diagnostic::{Code, Diagnostic, Source},
    id::{Principal, SnapshotId},
};

/// Operations and receipts by sequence number.
pub(super) struct Index<'a> {
    pub(super) operations: BTreeMap<usize, &'a Operation>,
    /// In the order of the file.
    pub(super) receipts: BTreeMap<usize, Vec<&'a Receipt>>,
    /// Every source with the targets that operations have for it.
    targets: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Index<'a> {
    pub(super) fn of(journal: &'a Journal) -> Self {
        let mut operations = BTreeMap::new();
        let mut targets = BTreeSet::new();
        for operation in &journal.operations.value {
            operations.entry(operation.sequence.value).or_insert(operation);
            targets.insert((operation.source.value.as_str(), operation.target.value.as_str()));
        }
        let mut receipts: BTreeMap<usize, Vec<&Receipt>> = BTreeMap::new();
        for receipt in &journal.receipts.value {
            receipts.entry(receipt.sequence.value).or_default().push(receipt);
        }
        Self { operations, receipts, targets }
    }

    /// The receipts of an operation, in the order of the file.
    pub(super) fn receipts(&self, sequence: usize) -> &[&'a Receipt] {
        self.receipts.get(&sequence).map_or(&[], Vec::as_slice)
    }

    /// The receipt of an operation with the highest attempt.
    pub(super) fn latest(&self, sequence: usize) -> Option<&'a Receipt> {
        let receipts = self.receipts(sequence).iter().copied();
        receipts.max_by_key(|receipt| receipt.attempt.value)
    }

    /// Where a receipt is not that of its operation: the place in the receipt and the one in the operation.
    pub(super) fn differences(&self, receipt: &Receipt) -> Vec<(Range<usize>, Range<usize>)> {
        let Some(operation) = self.operations.get(&receipt.sequence.value) else {
            return Vec::new();
        };
        let pair = |same: bool, mine: &Range<usize>, its: &Range<usize>| (!same).then(|| (mine.clone(), its.clone()));
        let (kind, source, target) = (&receipt.kind, &receipt.source, &receipt.target);
        let (its_source, its_target) = (&operation.source, &operation.target);
        let same = operation.kind.value == kind.value;
        [
            pair(same, &kind.span, &operation.kind.span),
            pair(source.value == its_source.value, &source.span, &its_source.span),
            pair(target.value == its_target.value, &target.span, &its_target.span),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether other operations say of source and target what the receipt says.
    fn operation_is_odd(&self, receipt: &Receipt) -> bool {
        let own = self.operations.get(&receipt.sequence.value);
        let pair = (receipt.source.value.as_str(), receipt.target.value.as_str());
        own.is_some_and(|own| own.kind.value == receipt.kind.value) && self.targets.contains(&pair)
    }
}

/// What is wrong with the receipts, and what is to be looked at.
pub(super) fn check(source: &Arc<Source>, journal: &Journal, index: &Index<'_>) -> Vec<Diagnostic> {
    let mut rules = Rules { source, index, found: Vec::new() };
    rules.attempts(journal);
    for receipt in &journal.receipts.value {
        rules.receipt(receipt);
    }
    rules.found
}

struct Rules<'a> {
    source: &'a Arc<Source>,
    index: &'a Index<'a>,
    found: Vec<Diagnostic>,
}

impl Rules<'_> {
    fn attempts(&mut self, journal: &Journal) {
        let mut seen: BTreeMap<(usize, usize), (usize, &Receipt)> = BTreeMap::new();
        let mut ordinals: BTreeMap<usize, usize> = BTreeMap::new();
        for receipt in &journal.receipts.value {
            let (sequence, attempt) = (receipt.sequence.value, receipt.attempt.value);
            // The ancestor numbers the receipts of an operation from 1: a number that is not the ordinal is wrong.
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
            let span = match self.index.differences(wrong).is_empty() {
                true => &wrong.attempt.span,
                false => &wrong.sequence.span,
            };
            let message = format!("attempt {attempt} at operation {sequence} has two receipts");
            let label = self.source.label(span.clone(), "");
            let other = self.source.label(right.attempt.span.clone(), "the other one");
            let problem = Diagnostic::new(Code::CanicReceiptAttempt, message, label);
            self.found.push(problem.with_label(other));
        }
    }

    fn receipt(&mut self, receipt: &Receipt) {
        let sequence = &receipt.sequence;
        if self.index.operations.contains_key(&sequence.value) {
            self.mismatch(receipt);
        } else {
            let message = format!("a receipt of operation {}, which is not there", sequence.value);
            let label = self.source.label(sequence.span.clone(), "no such operation");
            let problem = Diagnostic::new(Code::CanicReceiptOrphan, message, label);
            self.found.push(problem);
        }
        self.text(receipt, "updated_at", &receipt.updated_at);
        self.command(receipt);
        self.text(receipt, "status", &receipt.status);
        for (name, output) in [("stdout", &receipt.stdout), ("stderr", &receipt.stderr)] {
            self.present(receipt, name, output.value.is_some(), &output.span);
        }
        let completed = receipt.outcome.value == Outcome::CommandCompleted;
        if receipt.kind.value == Kind::UploadSnapshot {
            self.text(receipt, "source_snapshot_id", &receipt.source_snapshot_id);
            self.text(receipt, "artifact_path", &receipt.artifact);
            if completed {
                self.text(receipt, "uploaded_snapshot_id", &receipt.uploaded_snapshot_id);
                self.foreign(receipt);
            }
        }
        if !completed {
            self.text(receipt, "failure_reason", &receipt.failure_reason);
        }
    }

    fn command(&mut self, receipt: &Receipt) {
        let Some(command) = &receipt.command.value else {
            self.present(receipt, "command", false, &receipt.command.span);
            return;
        };
        let texts = [("command.program", &command.program), ("command.note", &command.note)];
        for (name, text) in texts {
            self.present(receipt, name, !text.value.trim().is_empty(), &text.span);
        }
        let args = &command.args;
        self.present(receipt, "command.args", !args.value.is_empty(), &args.span);
    }

    fn text(&mut self, receipt: &Receipt, name: &str, text: &Spanned<Option<String>>) {
        let filled = text.value.as_ref().is_some_and(|text| !text.trim().is_empty());
        self.present(receipt, name, filled, &text.span);
    }

    fn present(&mut self, receipt: &Receipt, name: &str, present: bool, at: &Range<usize>) {
        if !present {
            let (sequence, attempt) = (receipt.sequence.value, receipt.attempt.value);
            let message = format!("the receipt of attempt {attempt} at operation {sequence} has no `{name}`");
            let label = self.source.label(at.clone(), "missing here");
            let problem = Diagnostic::new(Code::CanicReceiptField, message, label);
            self.found.push(problem);
        }
    }

    fn mismatch(&mut self, receipt: &Receipt) {
        let differences = self.index.differences(receipt);
        let sequence = receipt.sequence.value;
        let message = format!("a receipt is not of operation {sequence}, which it names");
        let problem = match &differences[..] {
            [] => return,
            [(mine, its)] => {
                let (first, second) = match self.index.operation_is_odd(receipt) {
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

    /// On the IC the id of a snapshot names its canister.
    fn foreign(&mut self, receipt: &Receipt) {
        let uploaded = &receipt.uploaded_snapshot_id;
        let Some(text) = uploaded.value.as_ref().filter(|text| !text.trim().is_empty()) else {
            return;
        };
        let target = Principal::from_text(&receipt.target.value).ok();
        let owner = text.trim().parse::<SnapshotId>().ok();
        let owner = owner.and_then(|id| id.owner());
        if owner.is_none() || owner != target {
            let message = format!("snapshot `{text}` is not of the target");
            let label = self.source.label(uploaded.span.clone(), "uploaded");
            let to = self.source.label(receipt.target.span.clone(), "to here");
            let problem = Diagnostic::new(Code::CanicForeignSnapshot, message, label);
            self.found.push(problem.with_label(to));
        }
    }
}
