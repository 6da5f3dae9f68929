//! The rules of a journal's header and operations.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::{Journal, Kind, Operation, State};
use crate::{
    canic::{Spanned, spelling},
    diagnostic::{Code, Diagnostic, Source},
};

const VERSION: u16 = 1;
const CHECK: &str = "status";

type Text = Spanned<String>;

/// What is wrong with the header and the operations, and what is to be looked at.
pub(super) fn check(source: &Arc<Source>, journal: &Journal) -> Vec<Diagnostic> {
    let mut rules = Rules { source, found: Vec::new() };
    rules.header(journal);
    rules.sequences(&journal.operations);
    for operation in &journal.operations.value {
        rules.operation(operation);
    }
    rules.targets(&journal.operations.value);
    rules.order(&journal.operations.value);
    rules.found
}

struct Rules<'a> {
    source: &'a Arc<Source>,
    found: Vec<Diagnostic>,
}

impl Rules<'_> {
    fn say(&mut self, code: Code, span: &Range<usize>, message: String, note: impl Into<String>) {
        let label = self.source.label(span.clone(), note);
        self.found.push(Diagnostic::new(code, message, label));
    }

    fn filled(&mut self, what: &str, text: &Text) {
        if text.value.trim().is_empty() {
            let message = format!("{what} is empty");
            self.say(Code::CanicEmpty, &text.span, message, "");
        }
    }

    fn filled_if_any(&mut self, what: &str, text: &Spanned<Option<String>>) {
        if text.value.as_ref().is_some_and(|text| text.trim().is_empty()) {
            let message = format!("{what} is empty");
            self.say(Code::CanicEmpty, &text.span, message, "");
        }
    }

    fn header(&mut self, journal: &Journal) {
        let version = &journal.version;
        if version.value != VERSION {
            let message = format!("version {} of the journal is not known", version.value);
            let note = format!("canic 0.36 writes {VERSION}");
            self.say(Code::CanicVersion, &version.span, message, note);
        }
        self.filled("the id of the backup", &journal.backup_id);
        self.filled_if_any("the folder of the backup", &journal.backup_root);
        let reasons = !journal.blocked_reasons.value.is_empty();
        let blocked = journal.counts.states[2].value > 0;
        if journal.ready.value && (reasons || blocked) {
            let ready = self.source.label(journal.ready.span.clone(), "ready");
            let why = match reasons {
                true => &journal.blocked_reasons.span,
                false => &journal.counts.states[2].span,
            };
            let why = self.source.label(why.clone(), "and blocked");
            // Both reasons and blocked operations outvote the one word.
            let (first, second) = match reasons && blocked {
                true => (ready, why),
                false => (why, ready),
            };
            let message = "the journal is ready and blocked at once";
            let problem = Diagnostic::new(Code::CanicReady, message, first);
            self.found.push(problem.with_label(second));
        }
    }

    fn sequences(&mut self, operations: &Spanned<Vec<Operation>>) {
        let mut seen: BTreeMap<usize, (usize, &Spanned<usize>)> = BTreeMap::new();
        for (at, operation) in operations.value.iter().enumerate() {
            let number = &operation.sequence;
            let Some(&(before, first)) = seen.get(&number.value) else {
                seen.insert(number.value, (at, number));
                continue;
            };
            // Of two, the one that does not stand at its own place is the wrong one.
            let (wrong, right) = match before == number.value || at != number.value {
                true => (number, first),
                false => (first, number),
            };
            let label = self.source.label(wrong.span.clone(), "again here");
            let message = format!("operation {} stands there twice", number.value);
            let problem = Diagnostic::new(Code::CanicSequence, message, label);
            self.found.push(problem.with_label(self.source.label(right.span.clone(), "")));
        }
        let missing = (0..operations.value.len()).filter(|number| !seen.contains_key(number));
        for number in missing {
            let stray = operations.value.get(number);
            let span = stray.map_or(&operations.span, |operation| &operation.sequence.span);
            let message = format!("operation {number} is missing");
            self.say(Code::CanicSequence, span, message, format!("{number} should stand here"));
        }
    }

    fn operation(&mut self, operation: &Operation) {
        self.filled("the source", &operation.source);
        self.filled("the target", &operation.target);
        self.filled("the role", &operation.role);
        self.filled_if_any("the time of the state", &operation.updated_at);
        for id in [&operation.source, &operation.target] {
            if !id.value.trim().is_empty() {
                self.found.extend(spelling(self.source, id));
            }
        }
        match operation.kind.value {
            Kind::UploadSnapshot => {
                self.required(operation, "artifact_path", &operation.artifact);
            }
            Kind::LoadSnapshot => {
                self.required(operation, "snapshot_id", &operation.snapshot_id);
            }
            Kind::StopCanister | Kind::StartCanister => {}
            Kind::VerifyMember | Kind::VerifyFleet => {
                let kind = &operation.verification;
                if let Some(text) = self.required(operation, "verification_kind", kind)
                    && text != CHECK
                {
                    let message = format!("no verification is called `{text}`");
                    let note = format!("there is only `{CHECK}`");
                    self.say(Code::CanicCheckKind, &kind.span, message, note);
                }
            }
        }
        self.reasons(operation);
    }

    fn required<'a>(
        &mut self,
        operation: &Operation,
        field: &str,
        text: &'a Spanned<Option<String>>,
    ) -> Option<&'a str> {
        let filled = text.value.as_deref().filter(|text| !text.trim().is_empty());
        if filled.is_none() {
            let kind = format!("{} needs it", operation.kind.value.as_str());
            let message = format!("operation {} has no `{field}`", operation.sequence.value);
            let label = self.source.label(text.span.clone(), "missing here");
            let kind = self.source.label(operation.kind.span.clone(), kind);
            let problem = Diagnostic::new(Code::CanicKindField, message, label);
            self.found.push(problem.with_label(kind));
        }
        filled
    }

    fn reasons(&mut self, operation: &Operation) {
        let (state, reasons) = (&operation.state, &operation.reasons);
        let (sequence, word) = (operation.sequence.value, state.value.as_str());
        let (code, message) = match state.value {
            State::Blocked | State::Failed if reasons.value.is_empty() => {
                (Code::CanicReasonMissing, format!("operation {sequence} is {word} without a reason"))
            }
            State::Pending | State::Ready | State::Completed if !reasons.value.is_empty() => {
                (Code::CanicReasonStray, format!("operation {sequence} is {word} but gives reasons"))
            }
            _ => return,
        };
        let label = self.source.label(reasons.span.clone(), "");
        let state = self.source.label(state.span.clone(), format!("{word} here"));
        let problem = Diagnostic::new(code, message, label);
        self.found.push(problem.with_label(state));
    }

    /// A canister goes to one place only: the ancestor does not ask, so this warns.
    fn targets(&mut self, operations: &[Operation]) {
        let mut targets: BTreeMap<&str, &Text> = BTreeMap::new();
        for operation in operations {
            let target = &operation.target;
            let first = *targets.entry(&operation.source.value).or_insert(target);
            if first.value != target.value {
                let message = format!("`{}` goes to two canisters", operation.source.value);
                let other = self.source.label(target.span.clone(), "here");
                let first = self.source.label(first.span.clone(), "and here");
                let problem = Diagnostic::new(Code::CanicTargets, message, other);
                self.found.push(problem.with_label(first));
            }
        }
    }

    /// The ancestor goes by number; something done after something undone was put there by hand.
    fn order(&mut self, operations: &[Operation]) {
        let done = |operation: &&Operation| operation.state.value == State::Completed;
        let undone =
            operations.iter().filter(|operation| !done(operation)).min_by_key(|operation| operation.sequence.value);
        let Some(undone) = undone else { return };
        let later = operations.iter().filter(done);
        for operation in later.filter(|o| o.sequence.value > undone.sequence.value) {
            let (later, earlier) = (operation.sequence.value, undone.sequence.value);
            let message = format!("operation {later} is done and operation {earlier} is not");
            let label = self.source.label(operation.state.span.clone(), "done");
            let problem = Diagnostic::new(Code::CanicOrder, message, label);
            let state = self.source.label(undone.state.span.clone(), undone.state.value.as_str());
            self.found.push(problem.with_label(state));
        }
    }
}
