//! Everything that is wrong with a journal, each problem on its field.
//!
//! The same transition as everywhere decides what may follow; here it goes on after a breach, and leaves out what only
//! follows from one that was told.

mod file;
mod fit;
mod mend;
mod plan;
mod unread;

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    event::Event,
    line::{self, START},
    replay::{Breach, Replay, State},
};
use crate::{
    diagnostic::{self, Code, Diagnostic, Source},
    id::{Digest, Name},
    json::Json,
    operation::Sequence,
    plan::Reading,
};

/// Checks the bytes of a journal under the name of its file.
pub fn bytes(name: &str, bytes: Vec<u8>) -> Vec<Diagnostic> {
    with_plans(name, bytes, &[])
}

/// Checks the bytes of a journal beside plans: the one that it is of is shown as it is on disk, and one of the same name
/// that is another by now is told of.
pub fn with_plans(name: &str, bytes: Vec<u8>, plans: &[&Reading]) -> Vec<Diagnostic> {
    match String::from_utf8(bytes) {
        Ok(text) => journal(&Source::new(name, text), plans),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
            let help = if utf16 { "it is UTF-16: save it as UTF-8" } else { RESTORE };
            let source = Source::new(name, text);
            let message = format!("byte {at}, in line {line}, is not UTF-8");
            let span = source.line(line);
            let label = source.label(span, "this line was changed");
            vec![Diagnostic::new(Code::NotUtf8, message, label).with_help(help)]
        }
    }
}

/// Checks a journal: form, chain, and what its events say of each other and of the plan in it.
pub fn journal(source: &Arc<Source>, plans: &[&Reading]) -> Vec<Diagnostic> {
    let mut checker = Checker {
        source,
        plans,
        diagnostics: file::edited(source),
        lines: Vec::new(),
        digests: HashMap::new(),
        head: (0, START),
        same: None,
        ended: false,
        replay: None,
        canisters: HashMap::new(),
        places: None,
        broken: false,
        told: HashSet::new(),
        clock: None,
        mender: None,
    };
    if let Some(other) = file::other(source) {
        return vec![other];
    }
    let (text, returns) = (source.text(), file::has_returns(source.text()));
    let mut start = if text.starts_with(file::MARK) { file::MARK.len_utf8() } else { 0 };
    for piece in text[start..].split_inclusive('\n') {
        let whole = piece.strip_suffix('\n');
        let line = whole.unwrap_or(piece);
        let line = line.strip_suffix('\r').filter(|_| returns).unwrap_or(line);
        let span = start..start + line.len();
        start += piece.len();
        if checker.ended || diagnostic::is_full(&checker.diagnostics) {
            break;
        }
        if whole.is_some() {
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

/// Where the names of members stand in a plan.
type Names = HashMap<Name, Range<usize>>;

const RESTORE: &str = "put the journal back from an unchanged copy; never mend it by hand";

/// Lines that follow each other and have the same problem.
struct Run {
    what: &'static str,
    first: usize,
    last: usize,
    /// Where it is told.
    index: usize,
}

struct Checker<'a> {
    source: &'a Arc<Source>,
    plans: &'a [&'a Reading],
    diagnostics: Vec<Diagnostic>,
    lines: Vec<Range<usize>>,
    /// The digest of each line but the latest, with its number.
    digests: HashMap<Digest, usize>,
    /// The latest line that is no copy of another, with its digest.
    head: (usize, Digest),
    /// The lines before that have one problem together.
    same: Option<Run>,
    /// What follows cannot be read at all.
    ended: bool,
    replay: Option<Replay>,
    canisters: fit::Canisters,
    /// Lines are missing or strange, so what follows cannot be judged by what went before.
    broken: bool,
    /// Operations with a breach: what comes of it is not told again.
    told: HashSet<Sequence>,
    /// The plan's text and where the names of its members stand.
    places: Option<(Arc<Source>, Names)>,
    /// The latest time that is not itself in doubt, with its line.
    clock: Option<(Timestamp, usize)>,
    /// Made when the first line is found changed.
    mender: Option<mend::Mender<'a>>,
}

impl Checker<'_> {
    fn line(&mut self, span: Range<usize>) {
        let text = &self.source.text()[span.clone()];
        self.lines.push(span.clone());
        let number = self.lines.len();
        let (before, prev) = std::mem::replace(&mut self.head, (number, Digest::of(text)));
        if before > 0 {
            self.digests.entry(prev).or_insert(before);
        }
        let is_whole = line::is_whole(text);
        if let Some(&first) = self.digests.get(&self.head.1).filter(|_| is_whole) {
            self.twice(first, number);
            // It counts for nothing.
            self.head = (before, prev);
            return;
        }
        let written = if is_whole { None } else { self.mended(text, &span, prev) };
        let known = self.diagnostics.len();
        if let Some(change) = &written {
            let label = self.source.label(change.span.clone(), change.label());
            let message = format!("line {number} is not as it was written");
            self.push(Diagnostic::new(Code::JournalSum, message, label).with_help(RESTORE));
        }
        let (head, event) = match line::read(written.as_ref().map_or(text, |change| &change.line)) {
            Ok(read) => read,
            Err(error) => {
                self.unreadable(error, number, text, &span);
                self.broken = true;
                return;
            }
        };
        // Of a line before that was changed it is told there.
        let whole_before = before == 0 || line::is_whole(&self.source.text()[self.lines[before - 1].clone()]);
        if head.prev != prev && whole_before && head.sum && written.is_none() {
            self.chain(number, before, head.prev, &event);
        }
        let late = if self.broken { None } else { self.time(head.at, number) };
        // After a line that was too late, the clock goes on from this one.
        let set_back = late.as_ref().is_some_and(|late| late.labels[0].span.start < span.start);
        if set_back || self.clock.is_none_or(|(clock, _)| clock < head.at) {
            self.clock = Some((head.at, number));
        }
        late.into_iter().for_each(|late| self.push(late));
        self.event(&event, head.at, number);
        if !head.sum && self.diagnostics.len() == known {
            let message = format!("line {number} is not as it was written");
            let label = self.source.label(span, "changed since");
            let diagnostic = Diagnostic::new(Code::JournalSum, message, label).with_help(RESTORE);
            self.run("are not as they were written", number, diagnostic);
        }
    }

    /// Adds a problem of a line, or to that of the lines before it where it is the same.
    fn run(&mut self, what: &'static str, number: usize, diagnostic: Diagnostic) {
        match &mut self.same {
            Some(run) if run.what == what && run.last + 1 == number => {
                run.last = number;
                if let Some(first) = self.diagnostics.get_mut(run.index) {
                    first.message = format!("lines {} to {number} {what}", run.first);
                }
            }
            _ => {
                self.same = Some(Run { what, first: number, last: number, index: self.diagnostics.len() });
                self.push(diagnostic);
            }
        }
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        diagnostic::push(&mut self.diagnostics, diagnostic);
    }

    /// What one change would make a line whole again, if there is such a change.
    fn mended(&mut self, text: &str, span: &Range<usize>, prev: Digest) -> Option<mend::Change> {
        let next = self.source.text().get(span.end + 1..).and_then(|rest| rest.lines().next());
        let next = next.and_then(|next| line::read(next).ok()).map(|(head, _)| head.prev);
        let mender = self.mender.get_or_insert_with(|| mend::Mender::new(self.source.text()));
        let mut change = mender.mend(text, prev, next)?;
        change.span = span.start + change.span.start..span.start + change.span.end;
        Some(change)
    }

    /// Tells of a line that is the copy of another.
    fn twice(&mut self, first: usize, number: usize) {
        let message = format!("line {number} stands there twice: it is line {first}");
        let label = self.source.label(self.field(number, &["prev"]), "follows another line");
        let diagnostic = Diagnostic::new(Code::JournalChain, message, label)
            .with_label(self.source.label(self.lines[first - 1].clone(), "the same line"));
        self.run("stand there twice", number, diagnostic.with_help(RESTORE));
    }

    /// Tells of a line that does not follow the one before.
    fn chain(&mut self, number: usize, before: usize, prev: Digest, event: &Event) {
        let label = self.source.label(self.field(number, &["prev"]), "follows another line");
        let diagnostic = match self.digests.get(&prev) {
            // That it is not the first event is told as such.
            _ if number == 1 && !matches!(event, Event::Opened(_)) => return,
            _ if number == 1 => Diagnostic::new(Code::JournalChain, "the first line does not begin a journal", label),
            Some(&line) => {
                let message = format!("line {number} follows line {line}: what lies between was added or moved");
                let other = self.source.label(self.lines[line - 1].clone(), "it follows this one");
                Diagnostic::new(Code::JournalChain, message, label).with_label(other)
            }
            None => {
                let message = format!("line {number} does not follow line {before}: a line is missing or moved");
                let other = self.source.label(self.lines[before - 1].clone(), "not this one");
                Diagnostic::new(Code::JournalChain, message, label).with_label(other)
            }
        };
        self.broken = true;
        self.run("do not follow each other", number, diagnostic.with_help(RESTORE));
    }

    /// A journal's clock never runs backwards. Of two lines, the one is wrong that also contradicts a third.
    fn time(&self, at: Timestamp, number: usize) -> Option<Diagnostic> {
        let (before, first) = self.clock?;
        if at >= before {
            return None;
        }
        let end = self.lines.get(number - 1)?.end;
        let next = self.source.text().get(end + 1..).and_then(|rest| rest.lines().next());
        let next = next.and_then(|next| line::read(next).ok()).map(|(head, _)| head.at);
        // The earlier line is too late where what follows is before it too.
        let earlier = next.is_some_and(|next| next < before) && first + 1 == number;
        let (wrong, other) = if earlier { (first, number) } else { (number, first) };
        let label = self.source.label(self.field(wrong, &["at"]), if earlier { "too late" } else { "too early" });
        let other = self.source.label(self.field(other, &["at"]), "the line beside it");
        let message = "time runs backwards in the journal";
        Some(Diagnostic::new(Code::TimeBackwards, message, label).with_label(other).with_help(RESTORE))
    }

    fn event(&mut self, event: &Event, at: Timestamp, number: usize) {
        match (&mut self.replay, event) {
            (None, Event::Opened(opened)) => {
                let mut opened = (**opened).clone();
                if let Some(compiled) = self.plan(&opened, number) {
                    opened.operations = compiled;
                }
                match Replay::new(opened, at) {
                    Ok(replay) => {
                        let canisters = replay.operations.iter().map(|o| (o.target.clone(), o.member.clone()));
                        self.canisters = canisters.collect();
                        self.replay = Some(replay);
                    }
                    Err(breach) => self.breach(&breach, number, None),
                }
            }
            (None, _) if number == 1 => {
                let at = self.field(number, &["event"]);
                let label = self.source.label(at, "not `opened`");
                let diagnostic = Diagnostic::new(Code::JournalStart, "the journal does not begin with `opened`", label);
                self.push(diagnostic.with_help(RESTORE));
                self.broken = true;
            }
            (None, _) => {}
            (Some(replay), event) => {
                let odd = fit::check(event, number, replay, &self.canisters);
                let at = at.max(replay.last());
                let breach = match &odd {
                    Some(_) => None,
                    None => replay
                        .apply(event, at, number)
                        .err()
                        .map(|breach| fit::refine(breach, event, replay, &self.canisters)),
                };
                let others = odd.as_ref().or(breach.as_ref()).and_then(|breach| breach.meant);
                let about = event.operation();
                let operation = about.and_then(|about| replay.operations.get(about));
                let follows = operation.is_some_and(|operation| {
                    let mut causes = replay.waits_for(operation).chain([operation.sequence]);
                    causes.any(|cause| self.told.contains(&cause))
                });
                let follows = follows || (about.is_none() && !self.told.is_empty());
                let Some(found) = odd.or(breach) else { return };
                // What was meant is taken in, so that nothing that only follows is told.
                let meant = fit::meant(event, &found, replay);
                if meant.is_none_or(|meant| replay.apply(&meant, at, number).is_err()) {
                    self.told.extend(about);
                    self.told.extend(others);
                }
                if !self.broken && !follows {
                    self.breach(&found.breach, number, about);
                }
            }
        }
    }

    fn breach(&mut self, breach: &Breach, number: usize, operation: Option<Sequence>) {
        let label = self.source.label(self.field(number, breach.at), breach.label.clone());
        let mut diagnostic = Diagnostic::new(breach.code, breach.message.clone(), label);
        if let Some((line, at, message)) = &breach.other
            && *line > 0
        {
            diagnostic = diagnostic.with_label(self.source.label(self.field(*line, at), message.clone()));
        }
        let of_plan = matches!(breach.code, Code::ReceiptMismatch | Code::ForeignLoad | Code::ClaimMismatch);
        let operations = self.replay.as_ref().map(|replay| &replay.operations);
        let operation = operation.filter(|_| of_plan).and_then(|operation| operations?.get(operation));
        let member = operation.map(|operation| operation.member.clone());
        self.push_with_plan(diagnostic.with_help(RESTORE), member.as_ref());
    }

    fn end(&mut self) {
        let Some(replay) = &self.replay else {
            if self.lines.is_empty() {
                let label = self.source.label(0..0, "nothing here");
                let diagnostic = Diagnostic::new(Code::JournalStart, "the journal is empty", label);
                self.push(diagnostic.with_help("remove it, or put it back from a copy"));
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
            let label = self.source.label(self.field(line, &["operation"]), "the latest word on it");
            let message = format!("the outcome of operation {sequence}, {kind} {member}, is not known");
            let help = "run the plan again: it asks the network first";
            self.push(Diagnostic::new(Code::OutcomeOpen, message, label).with_help(help));
        }
    }

    fn field(&self, number: usize, path: &[&str]) -> Range<usize> {
        field(self.source, number, path)
    }
}

/// Where a field of a line of a journal, from 1, stands in it: the deepest part of its path that is there.
pub(crate) fn field(journal: &Source, number: usize, path: &[&str]) -> Range<usize> {
    let line = journal.line(number);
    let at = pointer(&journal.text()[line.clone()], path);
    line.start + at.start..line.start + at.end
}

fn pointer(text: &str, path: &[&str]) -> Range<usize> {
    Json::parse(text).map_or(0..text.len(), |json| json.locate(path).span())
}
