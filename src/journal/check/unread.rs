//! Lines that are no events.

use std::ops::Range;

use super::{Checker, RESTORE, fit, pointer};
use crate::{
    diagnostic::{Code, Diagnostic},
    journal::line::Unreadable,
    json::Json,
};

impl Checker<'_> {
    pub(super) fn unreadable(&mut self, error: Unreadable, number: usize, text: &str, span: &Range<usize>) {
        let (code, message, at, help) = match error {
            Unreadable::Json(_) if text.trim().is_empty() => {
                let label = self.source.label(span.clone(), "nothing here");
                let diagnostic = Diagnostic::new(Code::JournalLine, format!("line {number} is empty"), label);
                return self.run("are empty", number, diagnostic.with_help(RESTORE));
            }
            Unreadable::Json(error) => {
                let at = crate::json::offset(text, error.line(), error.column());
                let message = in_words(&error.to_string());
                if Json::parse(text).is_err() {
                    let label = self.source.label(span.start + at..span.start + text.len().min(at + 1), "here");
                    let message = format!("line {number} is not JSON: {message}");
                    let diagnostic = Diagnostic::new(Code::JournalLine, message, label);
                    return self.run("are not JSON", number, diagnostic.with_help(RESTORE));
                }
                let (at, message) = fit::misfit(text, &message).unwrap_or_else(|| (value_at(text, at), message));
                (Code::JournalLine, message, at, RESTORE)
            }
            Unreadable::Version(version) => {
                // What else a newer format means is not known either.
                self.ended = true;
                let message = format!("the journal is of format {version}, which this program does not know");
                let help = "use the version of icp-restore that wrote it, or a newer one";
                (Code::JournalVersion, message, pointer(text, &["v"]), help)
            }
            Unreadable::Event(word) => {
                let message = format!("there is no event `{}`", word.escape_debug());
                (Code::JournalLine, message, pointer(text, &["event"]), RESTORE)
            }
        };
        let label = self.source.label(span.start + at.start..span.start + at.end, "here");
        self.push(Diagnostic::new(code, message, label).with_help(help));
    }
}

/// What serde_json says, without its place and without the names of Rust.
fn in_words(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or_default();
    match message.split_once("expected ") {
        Some((before, "u32" | "u64" | "i32")) => format!("{before}expected a whole number"),
        Some((before, wanted)) if wanted.starts_with("struct ") => format!("{before}expected an object"),
        _ => message.to_owned(),
    }
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
