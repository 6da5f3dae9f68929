//! Keys that stand there twice, with the places of the first ones; where they are those of a table, it is its header that is
//! missing.

use std::{collections::HashMap, ops::Range, sync::Arc};

use toml::de::{DeTable, DeValue, Error};

use super::{heads, span};
use crate::diagnostic::{Code, Diagnostic, Source};

/// The places of each key, in order.
type Places = HashMap<String, Vec<Range<usize>>>;

/// Tells of keys that are there already, by line, with the lines that make no sense with them.
pub(super) fn tell<'e>(
    source: &Arc<Source>,
    text: &str,
    root: &DeTable<'_>,
    mut errors: impl Iterator<Item = (Range<usize>, &'e Error)>,
) -> Vec<(Range<usize>, Diagnostic)> {
    let mut errors = errors.by_ref().peekable();
    if errors.peek().is_none() {
        return Vec::new();
    }
    let mut places = Places::new();
    places_of(root, &mut places);
    heads_of(text, &mut places);
    places.values_mut().for_each(|places| places.sort_by_key(|place| place.start));
    let headers: Vec<_> = heads::lines(text).filter(|(_, line)| line.trim_start().starts_with('[')).collect();
    let mut found: Vec<(Range<usize>, Diagnostic)> = Vec::new();
    while let Some((line, error)) = errors.next() {
        let next = headers.partition_point(|(header, _)| header.start <= line.start);
        let end = headers.get(next).map_or(text.len(), |(header, _)| header.start);
        let list = next.checked_sub(1).map(|at| headers[at].1.trim()).filter(|header| header.starts_with("[["));
        let diagnostic = again(source, span(error), &places);
        let more = errors.peek().filter(|(next, _)| next.start < end);
        let (Some(list), Some(_)) = (list, more) else {
            found.push((line, diagnostic));
            continue;
        };
        let mut diagnostic = diagnostic.with_help(format!("write `{list}` above this, if another one begins here"));
        while let Some((_, error)) = errors.next_if(|(next, _)| next.start < end) {
            diagnostic = diagnostic.with_label(source.label(span(error), "and this"));
        }
        diagnostic.message = format!("duplicate keys in one {list}");
        found.push((line.start..text[..end].trim_end().len(), diagnostic));
    }
    found
}

/// Tells of a key that is there already, with the place of the one before it.
fn again(source: &Arc<Source>, span: Range<usize>, places: &Places) -> Diagnostic {
    let key = source.text().get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
    let diagnostic = Diagnostic::new(Code::Syntax, "duplicate key", source.label(span.clone(), "again here"))
        .with_help(format!("keep one `{}`", key.escape_debug()));
    let places = places.get(key).map_or(&[][..], Vec::as_slice);
    match places[..places.partition_point(|place| place.end <= span.start)].last() {
        Some(first) => diagnostic.with_label(source.label(first.clone(), "first here")),
        None => diagnostic,
    }
}

/// The places of the names of all tables: of a header that stands there twice, the parser forgets the first.
fn heads_of(text: &str, places: &mut Places) {
    for (line, head) in heads::lines(text).filter(|(_, line)| line.starts_with('[')) {
        let name = head.trim_start_matches('[').split(']').next().unwrap_or_default();
        let start = line.start + head.len() - head.trim_start_matches('[').len();
        places.entry(name.to_owned()).or_default().push(start..start + name.len());
    }
}

/// The places of all keys.
fn places_of(table: &DeTable<'_>, places: &mut Places) {
    for (key, value) in table {
        places.entry(key.get_ref().to_string()).or_default().push(key.span());
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
