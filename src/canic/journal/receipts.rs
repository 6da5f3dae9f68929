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
    canic::{Spanned, reader::absent},
    diagnostic::{Code, Diagnostic, Source},
    id::{Principal, SnapshotId},
};

/// Operations and receipts by sequence number.
pub(super) struct Index<'a> {
    pub(super) operations: BTreeMap<usize, &'a Operation>,
    /// By the operation that they are of, which need not be the one that they name; in the order of the file.
    pub(super) receipts: BTreeMap<usize, Vec<&'a Receipt>>,
    /// Every source with the targets that operations have for it.
    targets: BTreeSet<(&'a str, &'a str)>,
    /// Operations by kind, source and target.
    does: BTreeMap<(Kind, &'a str, &'a str), &'a Operation>,
}

impl<'a> Index<'a> {
    pub(super) fn of(journal: &'a Journal) -> Self {
        let mut index = Self {
            operations: BTreeMap::new(),
            receipts: BTreeMap::new(),
            targets: BTreeSet::new(),
            does: BTreeMap::new(),
        };
        for operation in &journal.operations.value {
            index.operations.entry(operation.sequence.value).or_insert(operation);
            let (source, target) = (operation.source.value.as_str(), operation.target.value.as_str());
            index.targets.insert((source, target));
            index.does.insert((operation.kind.value, source, target), operation);
        }
        for receipt in &journal.receipts.value {
            index.receipts.entry(index.number(receipt)).or_default().push(receipt);
        }
        index
    }

    /// The operation that a receipt is of where it names another: what it did is that operation's, and so is its time.
    fn home(&self, receipt: &Receipt) -> Option<&'a Operation> {
        let does = (receipt.kind.value, receipt.source.value.as_str(), receipt.target.value.as_str());
        let home = self.does.get(&does).filter(|home| home.sequence.value != receipt.sequence.value)?;
        let named = self.operations.get(&receipt.sequence.value);
        let ended = |operation: &Operation| operation.updated_at.value == receipt.updated_at.value;
        (ended(home) && named.is_none_or(|named| !ended(named))).then_some(*home)
    }

    /// The number of the operation that a receipt is of.
    fn number(&self, receipt: &Receipt) -> usize {
        self.home(receipt).map_or(receipt.sequence.value, |home| home.sequence.value)
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

    /// Where a receipt is not that of the operation that it names: the place in the receipt and the one in the operation.
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
            let (sequence, attempt) = (self.index.number(receipt), receipt.attempt.value);
            // The ancestor numbers the receipts of an operation from 1: a number that is not the ordinal is wrong.
            let ordinal = ordinals.entry(sequence).or_default();
            *ordinal += 1;
            let Some(&(before, first)) = seen.get(&(sequence, attempt)) else {
                seen.insert((sequence, attempt), (*ordinal, receipt));
                continue;
            };
            let (number, wrong, right) = match before != attempt && *ordinal == attempt {
                true => (before, first, receipt),
                false => (*ordinal, receipt, first),
            };
            // A receipt that is not of its operation has the wrong sequence; its attempt may be right.
            let (span, note, help) = match self.index.differences(wrong).is_empty() {
                true => (&wrong.attempt.span, format!("{number} should stand here"), format!("write {number}")),
                false => {
                    let help = "write the number of the operation that it is of";
                    (&wrong.sequence.span, "another operation?".to_owned(), help.to_owned())
                }
            };
            let message = format!("attempt {attempt} at operation {sequence} has two receipts");
            let label = self.source.label(span.clone(), note);
            let other = self.source.label(right.attempt.span.clone(), "the other one");
            let problem = Diagnostic::new(Code::CanicReceiptAttempt, message, label).with_label(other);
            self.found.push(problem.with_help(help));
        }
    }

    fn receipt(&mut self, receipt: &Receipt) {
        let sequence = &receipt.sequence;
        if let Some(home) = self.index.home(receipt) {
            self.astray(receipt, home);
        } else if self.index.operations.contains_key(&sequence.value) {
            self.mismatch(receipt);
        } else {
            let message = format!("a receipt of operation {}, which is not there", sequence.value);
            let label = self.source.label(sequence.span.clone(), "no such operation");
            let problem = Diagnostic::new(Code::CanicReceiptOrphan, message, label);
            self.found.push(problem.with_help("write the number of the operation that it is of"));
        }
        self.text(receipt, "updated_at", &receipt.updated_at);
        self.command(receipt);
        self.text(receipt, "status", &receipt.status);
        for (name, output) in [("stdout", &receipt.stdout), ("stderr", &receipt.stderr)] {
            self.present(receipt, name, output.value.is_some(), &output.span);
        }
        let upload = receipt.kind.value == Kind::UploadSnapshot;
        if upload {
            self.text(receipt, "source_snapshot_id", &receipt.source_snapshot_id);
            self.text(receipt, "artifact_path", &receipt.artifact);
        }
        // Where the outcome is not that of the operation, it may be the wrong one: nothing is asked on its account.
        match receipt.outcome.value {
            outcome if self.is_contradicted(receipt, outcome) => {}
            Outcome::CommandFailed => self.text(receipt, "failure_reason", &receipt.failure_reason),
            Outcome::CommandCompleted if upload => {
                self.text(receipt, "uploaded_snapshot_id", &receipt.uploaded_snapshot_id);
                self.foreign(receipt);
            }
            Outcome::CommandCompleted => {}
        }
    }

    /// Whether a receipt is the latest of its operation, which ended in the other way.
    fn is_contradicted(&self, receipt: &Receipt, outcome: Outcome) -> bool {
        let number = self.index.number(receipt);
        let ended = self.index.operations.get(&number).and_then(|operation| operation.state.value.outcome());
        let latest = self.index.latest(number).is_some_and(|latest| latest.place == receipt.place);
        latest && ended.is_some_and(|ended| ended != outcome)
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
            let (label, help) = absent(self.source, at.clone(), name);
            let help = help.unwrap_or_else(|| match name {
                "uploaded_snapshot_id" => {
                    format!("write the id that `icp canister snapshot list {}` shows", receipt.target.value)
                }
                _ => "take the receipt from another copy of the journal".to_owned(),
            });
            self.found.push(Diagnostic::new(Code::CanicReceiptField, message, label).with_help(help));
        }
    }

    /// A receipt that names another operation than the one that it is of.
    fn astray(&mut self, receipt: &Receipt, home: &Operation) {
        let (named, its) = (receipt.sequence.value, home.sequence.value);
        let (code, message) = match self.index.operations.contains_key(&named) {
            true => (Code::CanicReceiptMismatch, format!("a receipt is not of operation {named}, which it names")),
            false => (Code::CanicReceiptOrphan, format!("a receipt of operation {named}, which is not there")),
        };
        let label = self.source.label(receipt.sequence.span.clone(), format!("not {named}"));
        let home = self.source.label(home.sequence.span.clone(), "it is of this one");
        self.found.push(
            Diagnostic::new(code, message, label).with_label(home).with_help(format!("write {its} in the receipt")),
        );
    }

    fn mismatch(&mut self, receipt: &Receipt) {
        let differences = self.index.differences(receipt);
        let sequence = receipt.sequence.value;
        let message = format!("a receipt is not of operation {sequence}, which it names");
        let mine = |span: &Range<usize>| self.source.label(span.clone(), "of the receipt");
        let its = |span: &Range<usize>| self.source.label(span.clone(), "of the operation");
        let text = |span: &Range<usize>| self.source.text()[span.clone()].replace('"', "`");
        let problem = match &differences[..] {
            [] => return,
            [(receipts, operations)] => {
                let (first, second, help) = match self.index.operation_is_odd(receipt) {
                    true => (its(operations), mine(receipts), format!("write {} in the operation", text(receipts))),
                    false => (mine(receipts), its(operations), format!("write {} in the receipt", text(operations))),
                };
                // Where the operation is the odd one, its other receipts say so as well.
                if let Some(told) = self.found.last_mut().filter(|told| told.labels[0].span == first.span) {
                    told.labels.push(second);
                    return;
                }
                Diagnostic::new(Code::CanicReceiptMismatch, message, first).with_label(second).with_help(help)
            }
            many => {
                let label = self.source.label(receipt.sequence.span.clone(), "another operation?");
                let problem = Diagnostic::new(Code::CanicReceiptMismatch, message, label);
                let problem = many.iter().fold(problem, |problem, (receipts, operations)| {
                    problem.with_label(mine(receipts)).with_label(its(operations))
                });
                problem.with_help("write the number of the operation that it is of")
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
            let problem = Diagnostic::new(Code::CanicForeignSnapshot, message, label).with_label(to);
            let list = format!("icp canister snapshot list {}", receipt.target.value);
            self.found.push(problem.with_help(format!("look at `{list}` before anything is loaded")));
        }
    }
}
