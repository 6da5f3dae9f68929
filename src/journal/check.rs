//! Everything that is wrong with a journal, each problem on its field.
//!
//! The same transition as everywhere decides what may follow; here it goes on after a breach, and leaves out what only
//! follows from one that was told.

use std::{ops::Range, sync::Arc};

use super::{
    event::Event,
    line::{self, START, Unreadable},
    replay::{Breach, Replay, State},
};
use crate::{
    diagnostic::{Code, Diagnostic, Source},
    id::Digest,
    json::Json,
    operation, plan,
};

/// Checks the bytes of a journal under the name of its file.
pub fn bytes(name: &str, bytes: Vec<u8>) -> Vec<Diagnostic> {
    match String::from_utf8(bytes) {
        Ok(text) => journal(&Source::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let source = Source::new(name, text);
            let message = format!("byte {at}, in line {line}, is not UTF-8");
            let span = source.line(line);
            let label = source.label(span, "this line was changed");
            vec![Diagnostic::new(Code::NotUtf8, message, label).with_help(RESTORE)]
        }
    }
}

/// Checks a journal: form, chain, and what its events say of each other and of the plan in it.
pub fn journal(source: &Arc<Source>) -> Vec<Diagnostic> {
    let mut checker =
        Checker { source, diagnostics: Vec::new(), lines: Vec::new(), replay: None, broken: false, told: Vec::new() };
    let text = source.text();
    let mut start = 0;
    for piece in text.split_inclusive('\n') {
        let span = start..start + piece.trim_end_matches('\n').len();
        start += piece.len();
        if piece.ends_with('\n') {
            checker.line(span);
        } else {
            let label = source.label(span, "no line end");
            let message = "the last line was not written to its end, and counts as never written";
            let help = "nothing to do: the next run drops it";
            checker.diagnostics.push(Diagnostic::new(Code::TornLine, message, label).with_help(help));
        }
    }
    checker.end();
    checker.diagnostics
}

const RESTORE: &str = "put the journal back from an unchanged copy; never mend it by hand";

struct Checker<'a> {
    source: &'a Arc<Source>,
    diagnostics: Vec<Diagnostic>,
    lines: Vec<Range<usize>>,
    replay: Option<Replay>,
    /// Lines are missing or strange, so what follows cannot be judged by what went before.
    broken: bool,
    /// Operations with a breach: what comes of it is not told again.
    told: Vec<operation::Sequence>,
}

impl Checker<'_> {
    fn line(&mut self, span: Range<usize>) {
        let text = &self.source.text()[span.clone()];
        self.lines.push(span.clone());
        let number = self.lines.len();
        let (head, event) = match line::read(text) {
            Ok(read) => read,
            Err(error) => {
                self.unreadable(error, text, &span);
                self.broken = true;
                return;
            }
        };
        let before = match number {
            1 => START,
            _ => Digest::of(&self.source.text()[self.lines[number - 2].clone()]),
        };
        // A line before that was changed is told of there.
        let whole_before = number == 1 || line::is_whole(&self.source.text()[self.lines[number - 2].clone()]);
        let known = self.diagnostics.len();
        if head.prev != before && whole_before && head.sum {
            let at = self.field(number, &["prev"]);
            let message = match number {
                1 => "the first line does not begin a journal".to_owned(),
                _ => format!(
                    "line {number} does not follow line {}: lines are missing, added or out of order",
                    number - 1
                ),
            };
            let mut diagnostic =
                Diagnostic::new(Code::JournalChain, message, self.source.label(at, "follows another line"));
            if number > 1 {
                diagnostic = diagnostic.with_label(self.source.label(self.lines[number - 2].clone(), "not this one"));
            }
            self.diagnostics.push(diagnostic.with_help(RESTORE));
            self.broken = true;
        }
        self.event(&event, head.at, number);
        if !head.sum && self.diagnostics.len() == known {
            let message = format!("line {number} is not as it was written");
            let label = self.source.label(span, "changed since");
            self.diagnostics.push(Diagnostic::new(Code::JournalSum, message, label).with_help(RESTORE));
        }
    }

    fn event(&mut self, event: &Event, at: jiff::Timestamp, number: usize) {
        match (&mut self.replay, event) {
            (None, Event::Opened(opened)) => {
                self.plan(opened, number);
                match Replay::new((**opened).clone(), at) {
                    Ok(replay) => self.replay = Some(replay),
                    Err(breach) => self.breach(&breach, number),
                }
            }
            (None, _) if number == 1 => {
                let at = self.field(number, &["event"]);
                let label = self.source.label(at, "not `opened`");
                let diagnostic = Diagnostic::new(Code::JournalStart, "the journal does not begin with `opened`", label);
                self.diagnostics.push(diagnostic.with_help(RESTORE));
                self.broken = true;
            }
            (None, _) => {}
            (Some(replay), event) => {
                let breach = replay.apply(event, at, number).err();
                let told = event.operation().is_some_and(|operation| self.told.contains(&operation));
                if let Some(breach) = breach.filter(|_| !self.broken && !told) {
                    self.told.extend(event.operation());
                    self.breach(&breach, number);
                }
            }
        }
    }

    /// The plan in the journal must be the one that its digest and its operations are of.
    fn plan(&mut self, opened: &super::event::Opened, number: usize) {
        let text = Source::new("the plan in the journal", opened.text.as_str());
        let Ok(reading) = plan::read(&text) else {
            let at = self.field(number, &["text"]);
            let label = self.source.label(at, "not a valid plan");
            let diagnostic = Diagnostic::new(Code::PlanDigest, "the plan in the journal cannot be read", label);
            self.diagnostics.push(diagnostic.with_help(RESTORE));
            return;
        };
        let mut plan = reading.plan;
        if !opened.only.is_empty() {
            plan = plan.only(&opened.only);
        }
        if plan.digest() != opened.digest {
            let digest =
                self.source.label(self.field(number, &["digest"]), "not the digest of the plan in this journal");
            let message = format!("the digest of the journal is not that of its plan, {}", plan.digest());
            let text = self.source.label(self.field(number, &["plan"]), "this plan");
            self.diagnostics
                .push(Diagnostic::new(Code::PlanDigest, message, digest).with_label(text).with_help(RESTORE));
        }
        let compiled = operation::compile(&plan.resolved(&opened.targets));
        let differs = compiled.iter().zip(&opened.operations).position(|(wanted, is)| wanted != is);
        let differs = differs
            .or((compiled.len() != opened.operations.len()).then_some(compiled.len().min(opened.operations.len())));
        if let Some(index) = differs {
            let line = &self.source.text()[self.lines[number - 1].clone()];
            let start = self.lines[number - 1].start;
            let items =
                Json::parse(line).ok().and_then(|json| json.get("operations")).map(|json| (json.span(), json.items()));
            let span = items.map(|(all, items)| items.get(index).map_or(all, Json::span)).unwrap_or(0..line.len());
            let label = self.source.label(start + span.start..start + span.end, "not what the plan compiles to");
            let message = format!("operation {index} of the journal is not the plan's");
            self.diagnostics.push(Diagnostic::new(Code::JournalOperations, message, label).with_help(RESTORE));
        }
    }

    fn unreadable(&mut self, error: Unreadable, text: &str, span: &Range<usize>) {
        let (code, message, at) = match error {
            Unreadable::Json(error) => {
                let at = crate::json::offset(text, error.line(), error.column());
                let whole = Json::parse(text).is_ok();
                let at = if whole { value_at(text, at) } else { at..text.len().min(at + 1) };
                let message = error.to_string();
                (Code::JournalLine, message.split(" at line ").next().unwrap_or_default().to_owned(), at)
            }
            Unreadable::Version(version) => {
                let message = format!("the journal is of format {version}, which this program does not know");
                (Code::JournalVersion, message, pointer(text, &["v"]))
            }
            Unreadable::Event(word) => {
                (Code::JournalLine, format!("there is no event `{}`", word.escape_debug()), pointer(text, &["event"]))
            }
        };
        let help = if code == Code::JournalVersion {
            "use the version of icp-restore that wrote it, or a newer one"
        } else {
            RESTORE
        };
        let label = self.source.label(span.start + at.start..span.start + at.end, "here");
        self.diagnostics.push(Diagnostic::new(code, message, label).with_help(help));
    }

    fn breach(&mut self, breach: &Breach, number: usize) {
        let label = self.source.label(self.field(number, breach.at), breach.label.clone());
        let mut diagnostic = Diagnostic::new(breach.code, breach.message.clone(), label);
        if let Some((line, at, message)) = &breach.other
            && *line > 0
        {
            diagnostic = diagnostic.with_label(self.source.label(self.field(*line, at), message.clone()));
        }
        self.diagnostics.push(diagnostic.with_help(RESTORE));
    }

    fn end(&mut self) {
        let Some(replay) = &self.replay else {
            if self.lines.is_empty() {
                let label = self.source.label(0..0, "nothing here");
                let diagnostic = Diagnostic::new(Code::JournalStart, "the journal is empty", label);
                self.diagnostics.push(diagnostic.with_help("remove it, or put it back from a copy"));
            }
            return;
        };
        if self.broken || self.diagnostics.iter().any(|d| d.severity() == crate::diagnostic::Severity::Error) {
            return;
        }
        let open = replay.iter().filter(|(_, slot)| matches!(slot.state, State::Claimed(_) | State::Unknown(..)));
        let open: Vec<_> = open
            .map(|(operation, slot)| (operation.sequence, operation.kind, operation.member.clone(), slot.line))
            .collect();
        for (sequence, kind, member, line) in open {
            let label = self.source.label(self.field(line, &["operation"]), "claimed here");
            let message = format!("the outcome of operation {sequence}, {kind} {member}, is not known");
            let help = "run the plan again: it asks the network first";
            self.diagnostics.push(Diagnostic::new(Code::OutcomeOpen, message, label).with_help(help));
        }
    }

    /// Where a field of a line stands in the journal: the deepest part of its path that is there.
    fn field(&self, number: usize, path: &[&str]) -> Range<usize> {
        let Some(span) = self.lines.get(number.saturating_sub(1)) else { return 0..0 };
        let at = pointer(&self.source.text()[span.clone()], path);
        span.start + at.start..span.start + at.end
    }
}

fn pointer(text: &str, path: &[&str]) -> Range<usize> {
    Json::parse(text).map_or(0..text.len(), |json| json.locate(path).span())
}

/// The innermost value of a JSON text that ends at or holds an offset: serde_json stops behind what it objects to.
fn value_at(text: &str, offset: usize) -> Range<usize> {
    let Ok(mut at) = Json::parse(text) else { return offset..offset };
    loop {
        let children = at.entries().into_iter().map(|entry| entry.value).chain(at.items());
        match children.into_iter().find(|child| child.span().start <= offset && offset <= child.span().end) {
            Some(child) => at = child,
            None => return at.span(),
        }
    }
}
