//! The rule on operations that are over: there is a receipt, and the latest one says the same as the operation.

use std::{ops::Range, sync::Arc};

use super::{Journal, Operation, Outcome, Receipt, State, receipts::Index};
use crate::diagnostic::{Code, Diagnostic, Label, Source};

/// Operations that are over without a receipt that says so.
pub(super) fn check(source: &Arc<Source>, journal: &Journal, index: &Index<'_>) -> Vec<Diagnostic> {
    let rule = Rule { source, journal, index };
    if journal.receipts.value.is_empty() {
        return rule.without_any().into_iter().collect();
    }
    let problem = |operation: &Operation| {
        let outcome = operation.state.value.outcome()?;
        match index.latest(operation.sequence.value) {
            None => Some(rule.without(operation)),
            Some(receipt) => rule.stale(operation, receipt, outcome),
        }
    };
    let operations = journal.operations.value.iter();
    operations.filter_map(problem).collect()
}

struct Rule<'a> {
    source: &'a Arc<Source>,
    journal: &'a Journal,
    index: &'a Index<'a>,
}

impl Rule<'_> {
    fn label(&self, span: &Range<usize>, note: impl Into<String>) -> Label {
        self.source.label(span.clone(), note)
    }

    /// No receipts at all: one problem, however many operations are over.
    fn without_any(&self) -> Option<Diagnostic> {
        let over = |o: &&Operation| o.state.value.outcome().is_some();
        let operations = &self.journal.operations.value;
        let state = &operations.iter().find(over)?.state;
        let many = operations.iter().filter(over).count();
        let message = format!("{many} operations are over, and all receipts are missing");
        let list = self.label(&self.journal.receipts.span, "no receipt");
        let state = self.label(&state.span, format!("{} here", state.value.as_str()));
        let problem = Diagnostic::new(Code::CanicReceiptMissing, message, list).with_label(state);
        Some(problem.with_help("take another copy of the journal"))
    }

    /// The receipt of one operation is not there: points at where it should stand.
    fn without(&self, operation: &Operation) -> Diagnostic {
        let (sequence, state) = (operation.sequence.value, &operation.state);
        let after = self.index.receipts.range(sequence..).next();
        let end = self.journal.receipts.span.end;
        let label = match after.and_then(|(_, receipts)| receipts.first()) {
            Some(receipt) => self.label(&receipt.place, "missing before this"),
            None => self.label(&(end.saturating_sub(1)..end), "missing here"),
        };
        let word = state.value.as_str();
        let message = format!("operation {sequence} is {word}, and its receipt is missing");
        let state = self.label(&state.span, "no receipt says so");
        let problem = Diagnostic::new(Code::CanicReceiptMissing, message, label).with_label(state);
        problem.with_help("see on the network whether it was done, and write `ready` if it was not")
    }

    fn stale(&self, operation: &Operation, receipt: &Receipt, outcome: Outcome) -> Option<Diagnostic> {
        let (sequence, word) = (operation.sequence.value, operation.state.value.as_str());
        let say = |message: String, first: Label, second: Label, help: String| {
            Some(Diagnostic::new(Code::CanicReceiptStale, message, first).with_label(second).with_help(help))
        };
        let same_outcome = receipt.outcome.value == outcome;
        if same_outcome && is_on_time(operation, receipt) {
            return None;
        }
        if let Some(fitting) = self.fitting(operation, receipt, outcome) {
            // Another attempt fits: then one of the two has the wrong number.
            let message = format!("the receipt that fits operation {sequence} is not that of its latest attempt");
            let fits = self.label(&fitting.attempt.span, "this one fits");
            let latest = self.label(&receipt.attempt.span, "the latest");
            return match self.ordinal(receipt) {
                ordinal if ordinal == receipt.attempt.value => {
                    say(message, fits, latest, format!("write {} for the one that fits", self.ordinal(fitting)))
                }
                ordinal => say(message, latest, fits, format!("write {ordinal} for the latest")),
            };
        }
        if same_outcome {
            let message = format!("operation {sequence} is {word} at another time than its latest receipt says");
            let mine = self.label(&receipt.updated_at.span, "of the receipt");
            let its = self.label(&operation.updated_at.span, "of the operation");
            let text = |label: &Label| self.source.text()[label.range()].replace('"', "`");
            return match self.time_is_odd(operation, receipt) {
                true => say(message, its, mine.clone(), format!("write {} in the operation", text(&mine))),
                false => say(message, mine, its.clone(), format!("write {} in the receipt", text(&its))),
            };
        }
        let ended = match receipt.outcome.value {
            Outcome::CommandCompleted => "succeeded",
            Outcome::CommandFailed => "failed",
        };
        let message = format!("operation {sequence} is {word}, and its latest receipt says that it {ended}");
        let mine = self.label(&receipt.outcome.span, "of the receipt");
        let its = self.label(&operation.state.span, "of the operation");
        say(message, mine, its, "see on the network which of the two is right".to_owned())
    }

    /// Which of the receipts of its operation a receipt is, from 1: what the ancestor would have numbered it.
    fn ordinal(&self, receipt: &Receipt) -> usize {
        let receipts = self.index.receipts(receipt.sequence.value).iter();
        receipts.take_while(|other| other.place.start <= receipt.place.start).count()
    }

    /// A receipt of another attempt that is all that the operation needs.
    fn fitting(&self, operation: &Operation, not: &Receipt, outcome: Outcome) -> Option<&Receipt> {
        let receipts = self.index.receipts(operation.sequence.value).iter().copied();
        receipts
            .filter(|receipt| receipt.place != not.place)
            .find(|receipt| receipt.outcome.value == outcome && is_on_time(operation, receipt))
    }

    /// Whether the time of an operation, rather than that of its receipt, is the odd one.
    fn time_is_odd(&self, operation: &Operation, receipt: &Receipt) -> bool {
        let seconds = |time: &Option<String>| {
            let seconds = time.as_ref()?.strip_prefix("unix:")?;
            seconds.parse::<u64>().ok()
        };
        let its = seconds(&operation.updated_at.value);
        let (Some(its), Some(mine)) = (its, seconds(&receipt.updated_at.value)) else {
            return its.is_none();
        };
        // Operations are over one after another, so times rise with the numbers.
        let near = |sequence: Option<usize>| {
            let operation = self.index.operations.get(&sequence?)?;
            let over = matches!(operation.state.value, State::Completed | State::Failed);
            seconds(&operation.updated_at.value).filter(|_| over)
        };
        let before = near(operation.sequence.value.checked_sub(1));
        let after = near(operation.sequence.value.checked_add(1));
        let fits = |time: u64| before.is_none_or(|before| before <= time) && after.is_none_or(|after| time <= after);
        fits(mine) && !fits(its)
    }
}

/// Whether a receipt has the time of its operation; one without a time is told of as such.
fn is_on_time(operation: &Operation, receipt: &Receipt) -> bool {
    receipt.updated_at.value.is_none() || receipt.updated_at.value == operation.updated_at.value
}
