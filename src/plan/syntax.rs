//! What is said of a text that is not TOML: where, and what only follows from it.

use std::ops::Range;

use toml::de::{DeTable, DeValue, Error};

use super::decode::Decoder;
use crate::diagnostic::{Code, Diagnostic};

/// Texts with more errors than this are not TOML at all; the first ones say so.
const MOST: usize = 100;

/// Reports the errors of the parser, one a line, and notes for the decoder where the text is torn.
pub(super) fn report(d: &mut Decoder<'_>, root: &DeTable<'_>, errors: &[Error]) {
    let text = d.source.text();
    let mut told: Option<Range<usize>> = None;
    let mut header_lost = false;
    let mut places: Option<Vec<(String, Range<usize>)>> = None;
    let mut errors: Vec<(Range<usize>, &Error)> = errors.iter().map(|e| (e.span().unwrap_or(0..0), e)).collect();
    errors.sort_by_key(|(span, _)| span.start);
    for (span, error) in errors.into_iter().take(MOST) {
        let line = line_of(text, span.start);
        d.torn(line.clone());
        // Keys under a header that could not be read go to the table before it, where they may stand already.
        header_lost = match told.as_ref() {
            Some(told) if told.contains(&span.start) || told.end == span.start => continue,
            Some(told) => header_lost && !has_header(&text[told.end..line.start]),
            None => false,
        };
        let duplicate = error.message() == "duplicate key";
        if duplicate && header_lost {
            continue;
        }
        header_lost |= !duplicate && text[line.clone()].trim_start().starts_with('[');
        let diagnostic = if duplicate {
            let places = places.get_or_insert_with(|| {
                let mut places = Vec::new();
                places_of(root, &mut places);
                places
            });
            twice(d, span.clone(), places)
        } else {
            let at = widened(text, &span, &line);
            Diagnostic::new(Code::Syntax, error.message(), d.source.label(at, "here")).with_help("mend the TOML here")
        };
        told = Some(line);
        d.push(diagnostic);
    }
}

fn twice(d: &Decoder<'_>, span: Range<usize>, places: &[(String, Range<usize>)]) -> Diagnostic {
    let key = d.source.text().get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
    let diagnostic = Diagnostic::new(Code::Syntax, "duplicate key", d.source.label(span.clone(), "again here"))
        .with_help(format!("keep one `{}`", key.escape_debug()));
    let before = places.iter().filter(|(name, place)| name == key && place.end <= span.start);
    match before.max_by_key(|(_, place)| place.start) {
        Some((_, first)) => diagnostic.with_label(d.source.label(first.clone(), "first here")),
        None => diagnostic,
    }
}

/// The line of an offset, without its end.
fn line_of(text: &str, offset: usize) -> Range<usize> {
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
    start..end
}

fn has_header(text: &str) -> bool {
    text.lines().any(|line| line.trim_start().starts_with('['))
}

/// The parser points between characters where something is missing, or at the end of what it could not finish: the word
/// there is what a person looks for.
fn widened(text: &str, span: &Range<usize>, line: &Range<usize>) -> Range<usize> {
    if span.end > span.start && text.get(span.clone()).is_some_and(|at| !at.trim().is_empty()) {
        return span.clone();
    }
    let start = text.floor_char_boundary(span.start.clamp(line.start, line.end));
    let after = text[start..line.end].find(|c: char| c.is_whitespace()).map_or(line.end, |at| start + at);
    if after > start {
        return start..after;
    }
    let before = text[line.start..start].trim_end();
    let from = before.rfind(|c: char| c.is_whitespace() || c == '=').map_or(line.start, |at| line.start + at + 1);
    from..line.start + before.len()
}

/// The places of all keys.
fn places_of(table: &DeTable<'_>, places: &mut Vec<(String, Range<usize>)>) {
    for (key, value) in table {
        places.push((key.get_ref().to_string(), key.span()));
        match value.get_ref() {
            DeValue::Table(inner) => places_of(inner, places),
            DeValue::Array(items) => {
                let tables = items.iter().filter_map(|item| item.get_ref().as_table());
                tables.for_each(|inner| places_of(inner, places));
            }
            _ => {}
        }
    }
}
