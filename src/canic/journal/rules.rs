//! The rules of a journal's header and operations.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::{Journal, Kind, Operation, State};
use crate::{
    canic::{Spanned, reader::absent, spelling},
    diagnostic::{Code, Diagnostic, Source},
    id::Principal,
};

const VERSION: u16 = 1;
const CHECK: &str = "status";

const FILL: &str = "fill it in, as in the manifest of the backup";

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
    fn say(&mut self, code: Code, span: &Range<usize>, message: String, note: impl Into<String>, help: &str) {
        let label = self.source.label(span.clone(), note);
        self.found.push(Diagnostic::new(code, message, label).with_help(help));
    }

    fn filled(&mut self, what: &str, text: &Text) {
        if text.value.trim().is_empty() {
            let message = format!("{what} is empty");
            self.say(Code::CanicEmpty, &text.span, message, "nothing in it", FILL);
        }
    }

    fn filled_if_any(&mut self, what: &str, text: &Spanned<Option<String>>) {
        if text.value.as_ref().is_some_and(|text| text.trim().is_empty()) {
            let message = format!("{what} is empty");
            self.say(Code::CanicEmpty, &text.span, message, "nothing in it", FILL);
        }
    }

    fn header(&mut self, journal: &Journal) {
        let version = &journal.version;
        if version.value != VERSION {
            let message = format!("version {} of the journal is not known", version.value);
            let note = format!("canic 0.36 writes {VERSION}");
            let help = "go on with the canic that wrote it";
            self.say(Code::CanicVersion, &version.span, message, note, help);
        }
        self.filled("the id of the backup", &journal.backup_id);
        self.filled_if_any("the folder of the backup", &journal.backup_root);
        if journal.ready.value {
            self.ready(journal);
        }
    }

    fn ready(&mut self, journal: &Journal) {
        let blocked = journal.operations.value.iter().find(|operation| operation.state.value == State::Blocked);
        let blocked = blocked.map(|operation| &operation.state.span);
        let reasons = Some(&journal.blocked_reasons).filter(|reasons| !reasons.value.is_empty());
        let ready = self.source.label(journal.ready.span.clone(), "ready");
        let why = |span: &Range<usize>| self.source.label(span.clone(), "and blocked");
        // Both reasons and blocked operations outvote the one word.
        let (first, second, help) = match (reasons, blocked) {
            (Some(reasons), Some(_)) => (ready, why(&reasons.span), "write `false`"),
            (Some(reasons), None) => (why(&reasons.span), ready, "remove the reasons"),
            (None, Some(state)) => (why(state), ready, "write `ready`"),
            (None, None) => return,
        };
        let problem = Diagnostic::new(Code::CanicReady, "the journal is ready and blocked at once", first);
        self.found.push(problem.with_label(second).with_help(help));
    }

    fn sequences(&mut self, operations: &Spanned<Vec<Operation>>) {
        let numbers: BTreeSet<usize> = operations.value.iter().map(|operation| operation.sequence.value).collect();
        let mut missing: BTreeSet<usize> =
            (0..operations.value.len()).filter(|number| !numbers.contains(number)).collect();
        let mut seen: BTreeMap<usize, (usize, &Spanned<usize>)> = BTreeMap::new();
        for (at, operation) in operations.value.iter().enumerate() {
            let number = &operation.sequence;
            let Some(&(before, first)) = seen.get(&number.value) else {
                seen.insert(number.value, (at, number));
                continue;
            };
            // Of two, the one that does not stand at its own place is the wrong one.
            let (place, wrong, right) = match before == number.value || at != number.value {
                true => (at, number, first),
                false => (before, first, number),
            };
            let twice = format!("operation {} stands there twice", number.value);
            let (message, note, help) = match missing.remove(&place) {
                true => (
                    format!("{twice}, and operation {place} is missing"),
                    format!("{place} should stand here"),
                    format!("write {place}"),
                ),
                false => (twice, "again here".to_owned(), "remove one of the two".to_owned()),
            };
            let label = self.source.label(wrong.span.clone(), note);
            let right = self.source.label(right.span.clone(), "at its place");
            let problem = Diagnostic::new(Code::CanicSequence, message, label).with_label(right);
            self.found.push(problem.with_help(help));
        }
        for number in missing {
            let stray = operations.value.get(number).map(|operation| &operation.sequence);
            let message = format!("operation {number} is missing");
            let help = match stray.is_some_and(|stray| stray.value > operations.value.len()) {
                true => format!("write {number}"),
                false => "take the operation from another copy of the journal".to_owned(),
            };
            let span = stray.map_or(&operations.span, |stray| &stray.span);
            self.say(Code::CanicSequence, span, message, format!("{number} should stand here"), &help);
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
                    let help = format!("write `{CHECK}`");
                    self.say(Code::CanicCheckKind, &kind.span, message, "not known here", &help);
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
            let (label, help) = absent(self.source, text.span.clone(), field);
            let kind = self.source.label(operation.kind.span.clone(), kind);
            let problem = Diagnostic::new(Code::CanicKindField, message, label).with_label(kind);
            self.found.push(problem.with_help(help.unwrap_or_else(|| FILL.to_owned())));
        }
        filled
    }

    fn reasons(&mut self, operation: &Operation) {
        let (state, reasons) = (&operation.state, &operation.reasons);
        let (sequence, word) = (operation.sequence.value, state.value.as_str());
        let (code, message, note, help) = match state.value {
            State::Blocked | State::Failed if reasons.value.is_empty() => {
                let message = format!("operation {sequence} is {word} without a reason");
                (Code::CanicReasonMissing, message, "no reason", "write down why")
            }
            State::Pending | State::Ready | State::Completed if !reasons.value.is_empty() => {
                let message = format!("operation {sequence} is {word} but gives reasons");
                (Code::CanicReasonStray, message, "these reasons", "remove the reasons")
            }
            _ => return,
        };
        let label = self.source.label(reasons.span.clone(), note);
        let state = self.source.label(state.span.clone(), format!("{word} here"));
        self.found.push(Diagnostic::new(code, message, label).with_label(state).with_help(help));
    }

    /// A canister goes to one place only: the ancestor does not ask, so this warns. Most of its operations are right.
    fn targets(&mut self, operations: &[Operation]) {
        let mut sources: BTreeMap<&str, BTreeMap<String, Vec<&Text>>> = BTreeMap::new();
        for operation in operations {
            let target = &operation.target;
            // How an id is written, or that it is none, is another matter.
            if let Ok(id) = Principal::from_text(&target.value) {
                sources.entry(&operation.source.value).or_default().entry(id.to_text()).or_default().push(target);
            }
        }
        for (source, mut targets) in sources {
            let most = targets.iter().max_by_key(|(_, places)| places.len()).map(|(target, _)| target.clone());
            let Some((most, right)) = most.and_then(|most| targets.remove_entry(&most)) else { continue };
            let odd = targets.into_values().flatten().map(|target| self.source.label(target.span.clone(), "another"));
            let mut labels: Vec<_> = odd.take(8).collect();
            if labels.is_empty() {
                continue;
            }
            labels.extend(
                right.first().map(|target| self.source.label(target.span.clone(), "as most of its operations")),
            );
            self.found.push(Diagnostic {
                code: Code::CanicTargets,
                message: format!("`{source}` goes to more than one canister"),
                labels,
                help: Some(format!("write `{most}`")),
            });
        }
    }

    /// The ancestor goes by number; something done after something undone was put there by hand.
    fn order(&mut self, operations: &[Operation]) {
        let done = |operation: &&Operation| operation.state.value == State::Completed;
        let undone =
            operations.iter().filter(|operation| !done(operation)).min_by_key(|operation| operation.sequence.value);
        let Some(undone) = undone else { return };
        let later = operations.iter().filter(done).filter(|o| o.sequence.value > undone.sequence.value);
        let mut later = later.map(|operation| self.source.label(operation.state.span.clone(), "done"));
        let Some(first) = later.next() else { return };
        let message = format!("operation {} is not done, and later ones are", undone.sequence.value);
        let label = self.source.label(undone.state.span.clone(), undone.state.value.as_str());
        let problem = Diagnostic::new(Code::CanicOrder, message, label).with_label(first);
        let problem = later.take(7).fold(problem, Diagnostic::with_label);
        self.found.push(problem.with_help("see on the network what was done"));
    }
}
