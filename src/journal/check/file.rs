//! What is wrong with a file as a whole: it is of another kind, or an editor has put something before or behind every line.

use std::sync::Arc;

use super::RESTORE;
use crate::{
    diagnostic::{Code, Diagnostic, Source},
    journal::line,
    json::Json,
};

/// The byte order mark.
pub(super) const MARK: char = '\u{feff}';

/// Lines that are looked at to tell a journal from another file.
const MOST: usize = 1000;

/// A file that is no journal, not even a damaged one, or that was laid out anew: to tell what is wrong with each of its lines would help nobody.
pub(super) fn other(source: &Arc<Source>) -> Option<Diagnostic> {
    let text = source.text();
    let first = text.lines().next()?;
    let hello = Json::parse(first)
        .ok()
        .filter(|json| json.get("event").and_then(|event| event.as_str()).as_deref() == Some("hello"));
    if let Some(hello) = hello {
        let journal = hello.get("journal").and_then(|journal| journal.as_str());
        let help = journal.map_or("name the journal".to_owned(), |journal| format!("name its journal, {journal}"));
        let message = "this is the stream of events of a run, not its journal";
        let label = source.label(hello.span(), "the first line of a stream");
        return Some(Diagnostic::new(Code::UnknownFile, message, label).with_help(help));
    }
    if matches!(first.trim_end(), "{" | "[") {
        let label = source.label(0..first.len(), "no event in this line");
        let message = "the journal was laid out anew: an event takes one line";
        return Some(Diagnostic::new(Code::JournalLine, message, label).with_help(RESTORE));
    }
    let is_event = |line: &str| line.trim_start().starts_with("{\"v\":") || line.contains("\"event\"");
    if text.lines().take(MOST).any(is_event) || line::BEGINNING.starts_with(first) {
        return None;
    }
    let label = source.label(0..first.len(), "not an event");
    let message = "no line of this file is an event of a journal";
    Some(Diagnostic::new(Code::UnknownFile, message, label).with_help("name a journal, or a plan, which is TOML"))
}

/// What an editor did to the whole file; the lines themselves are as they were.
pub(super) fn edited(source: &Arc<Source>) -> Vec<Diagnostic> {
    let (text, name) = (source.text(), source.name());
    let mut diagnostics = Vec::new();
    if text.starts_with(MARK) {
        let label = source.label(0..MARK.len_utf8(), "a mark before this");
        let message = "a byte order mark was put before the journal";
        let help = format!("take it away: `sed -i '1s/^\\xEF\\xBB\\xBF//' {name}`");
        diagnostics.push(Diagnostic::new(Code::JournalSum, message, label).with_help(help));
    }
    if let Some(end) = text.find('\n').filter(|_| has_returns(text)) {
        let label = source.label(end - 1..end, "the end of a line");
        let message = "the lines of the journal were given the ends of Windows";
        let help = format!("take them away: `sed -i 's/\\r$//' {name}`");
        diagnostics.push(Diagnostic::new(Code::JournalSum, message, label).with_help(help));
    }
    diagnostics
}

/// Whether lines end as those of Windows do.
pub(super) fn has_returns(text: &str) -> bool {
    text.find('\n').is_some_and(|end| text[..end].ends_with('\r'))
}
