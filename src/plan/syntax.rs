//! TOML with mistakes in it, read as far as it goes: each mistake is told once, its line is left out, and what is left is
//! parsed again, so that what a broken line does to the lines after it is never told.
//!
//! Lines are left out by writing over them in a copy of the same length: places stay what they are.

mod heads;
mod words;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::Arc,
};

use toml::de::{DeTable, DeValue, Error};

use crate::diagnostic::{self, Code, Diagnostic, Source};

pub(super) use heads::LISTS;

/// A text that is not TOML after so many rounds is not a plan.
const MOST_ROUNDS: usize = 30;

/// Bytes that all rounds parse together: a text of megabytes is not parsed thirty times.
const MOST_PARSED: usize = 32 << 20;

/// Lines that are looked at in a round: behind the first mistakes, most are only what comes of them.
const MOST_JUDGED: usize = 100_000;

/// How far behind a bracket that is never closed the parser may notice it.
const MOST_LINES: usize = 200;

/// A text without the lines that are not TOML.
pub(super) struct Mended<'s> {
    /// TOML, as long as the source.
    pub(super) text: Cow<'s, str>,
    /// What was wrong.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The lines that were left out.
    pub(super) torn: Vec<Range<usize>>,
    /// Headers that were written over with those that are meant: see [`LISTS`].
    pub(super) heads: Vec<Range<usize>>,
    /// Whether all was found: what is left of a text with more mistakes than were looked for makes no sense.
    pub(super) whole: bool,
}

impl Mended<'_> {
    /// Leaves lines out.
    fn tear(&mut self, source: &Arc<Source>, lines: Range<usize>) {
        let over = cover(&source.text()[lines.clone()], self.torn.len());
        self.text.to_mut().replace_range(lines.clone(), &over);
        self.torn.push(lines);
    }
}

/// What a header that cannot be read is written over with: a table of which nothing is told.
pub(super) const LOST: &str = "lost";

/// Finds what is not TOML.
pub(super) fn mend(source: &Arc<Source>) -> Mended<'_> {
    let text = Cow::Borrowed(source.text());
    let (diagnostics, heads) = heads::single(source);
    let mut mended = Mended { text, diagnostics, torn: Vec::new(), heads: Vec::new(), whole: true };
    for (at, over) in heads {
        mended.text.to_mut().replace_range(at.clone(), &over);
        mended.heads.push(at);
    }
    for (diagnostic, lines) in heads::conflicts(source) {
        diagnostic::push(&mut mended.diagnostics, diagnostic);
        lines.into_iter().for_each(|lines| mended.tear(source, lines));
    }
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    let rounds = MOST_PARSED / source.text().len().max(1);
    for _ in 0..rounds.clamp(2, MOST_ROUNDS) {
        let culprits = culprits(source, &mended.text);
        let fresh: Vec<_> = culprits.into_iter().filter(|(line, _)| gone.insert(line.start)).collect();
        if fresh.is_empty() {
            return mended;
        }
        for (line, diagnostic) in fresh {
            diagnostic::push(&mut mended.diagnostics, diagnostic);
            if diagnostic::is_full(&mended.diagnostics) {
                return Mended { whole: false, ..mended };
            }
            mended.tear(source, line);
        }
    }
    mended.diagnostics.push(diagnostic::too_many(source, "mistakes that hide others, which are not looked for"));
    Mended { whole: false, ..mended }
}

/// Lines that are mistakes for sure, by one run of the parser; of those that only follow, none.
fn culprits(source: &Arc<Source>, text: &str) -> Vec<(Range<usize>, Diagnostic)> {
    let (root, mut errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Vec::new();
    }
    errors.sort_by_key(|error| span(error).start);
    // All that follows is inside the string for the parser, and nothing can be told of it before the next round.
    if errors.iter().any(|error| error.message().starts_with("invalid multi-line"))
        && let Some(at) = open_string(text)
    {
        let help = format!("write `{}` at its end", &text[at..at + 3]);
        return vec![(line_of(text, at), plain(source, "this string is never closed", at..at + 3, help))];
    }
    let mut found: Vec<(Range<usize>, Diagnostic)> = Vec::new();
    let lines = by_line(text, errors.iter().filter(|error| error.message() != "duplicate key"));
    for (line, _) in lines.take(MOST_JUDGED) {
        // What is told is what the line is by itself: in an array that an earlier line left open all is about commas.
        if let Err(alone) = DeTable::parse(&text[line.clone()]) {
            let at = span(&alone);
            let at = widened(text, &(line.start + at.start..line.start + at.end), &line);
            found.push((line.clone(), words::tell(source, alone.message(), at, line)));
        }
    }
    if let Some(first) = errors.first() {
        let line = line_of(text, span(first).start);
        if let Some((open, at)) = unclosed(text, line.start).filter(|(open, _)| open.start <= line.start) {
            let (bracket, closing) = (&text[at..=at], if text[at..].starts_with('[') { ']' } else { '}' });
            let message = format!("`{bracket}` is never closed");
            let help = format!("write `{closing}` at its end");
            found.retain(|(line, _)| line.start != open.start && line.end < open.start);
            found.push((open, plain(source, &message, at..at + 1, help)));
        }
    }
    if !found.is_empty() {
        return found;
    }
    let mut places = HashMap::new();
    places_of(root.get_ref(), &mut places);
    heads_of(text, &mut places);
    places.values_mut().for_each(|places| places.sort_by_key(|place| place.start));
    let twice = by_line(text, errors.iter().filter(|error| error.message() == "duplicate key"));
    found.extend(twice.map(|(line, error)| (line, again(source, span(error), &places))));
    if let (true, Some(first)) = (found.is_empty(), errors.first()) {
        let line = line_of(text, span(first).start);
        let at = widened(text, &span(first), &line);
        found.push((line.clone(), words::tell(source, first.message(), at, line)));
    }
    found
}

fn span(error: &Error) -> Range<usize> {
    error.span().unwrap_or(0..0)
}

/// The lines of errors that are in order of place, each with its first.
fn by_line<'e>(text: &str, errors: impl Iterator<Item = &'e Error>) -> impl Iterator<Item = (Range<usize>, &'e Error)> {
    let mut end = None;
    errors.filter_map(move |error| {
        let start = span(error).start;
        if end.is_some_and(|end| start <= end) {
            return None;
        }
        let line = line_of(text, start);
        end = Some(line.end);
        Some((line, error))
    })
}

fn plain(source: &Arc<Source>, message: &str, at: Range<usize>, help: String) -> Diagnostic {
    Diagnostic::new(Code::Syntax, message, source.label(at, "here")).with_help(help)
}

/// Tells of a key that is there already, with the place of the one before it.
fn again(source: &Arc<Source>, span: Range<usize>, places: &HashMap<String, Vec<Range<usize>>>) -> Diagnostic {
    let key = source.text().get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
    let diagnostic = Diagnostic::new(Code::Syntax, "duplicate key", source.label(span.clone(), "again here"))
        .with_help(format!("keep one `{}`", key.escape_debug()));
    let places = places.get(key).map_or(&[][..], Vec::as_slice);
    match places[..places.partition_point(|place| place.end <= span.start)].last() {
        Some(first) => diagnostic.with_label(source.label(first.clone(), "first here")),
        None => diagnostic,
    }
}

/// What a line is written over with, of the same length.
fn cover(line: &str, number: usize) -> String {
    let header = format!("[{LOST}{number}]");
    let is_header = line.trim_start().starts_with('[') || words::is_header(line);
    let start = if is_header && header.len() <= line.len() { header } else { String::new() };
    format!("{start}{}", " ".repeat(line.len() - start.len()))
}

/// The line of an offset, without its end.
fn line_of(text: &str, offset: usize) -> Range<usize> {
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
    start..end
}

/// The line at or before a place that opens a bracket which the lines up to the place do not close, though one of them
/// begins a key or a table again, with the place of the bracket.
fn unclosed(text: &str, place: usize) -> Option<(Range<usize>, usize)> {
    let mut line = line_of(text, place);
    let mut after: Vec<Range<usize>> = Vec::new();
    for _ in 0..MOST_LINES {
        if begins_key(&text[line.clone()])
            && let Some(open) = open_bracket(text, line.clone(), &[])
            && open_bracket(text, line.clone(), &after).is_some()
        {
            let next = line_of(text, (line.end + 1).min(text.len()));
            let goes_on = line.end < text.len() && !begins(&text[next]);
            return (!goes_on).then_some((line, open));
        }
        if line.start == 0 {
            return None;
        }
        let before = line_of(text, line.start - 1);
        after.insert(0, std::mem::replace(&mut line, before));
    }
    None
}

/// The opening quotes of a string of many lines that nothing closes.
fn open_string(text: &str) -> Option<usize> {
    let mut open: Option<(usize, &str)> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut from = if open.is_none() && line.trim_start().starts_with('#') { line.len() } else { 0 };
        while let Some((at, quotes)) = match open {
            Some((_, quotes)) => line[from..].find(quotes).map(|at| (from + at, quotes)),
            None => ["\"\"\"", "'''"].into_iter().filter_map(|q| Some((from + line[from..].find(q)?, q))).min(),
        } {
            open = if open.is_some() { None } else { Some((start + at, quotes)) };
            from = at + quotes.len();
        }
        start += line.len();
    }
    // Quotes in a comment or in another string are none: the line must be wrong by itself.
    open.map(|(at, _)| at).filter(|at| DeTable::parse(&text[line_of(text, *at)]).is_err())
}

/// Whether a line begins a key or a table, or is empty: no line of an array does.
fn begins(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('[') || begins_key(line)
}

fn begins_key(line: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let rest = line.trim_start().trim_start_matches(word);
    rest.len() < line.trim_start().len() && rest.trim_start().starts_with('=')
}

/// The first bracket of a line that neither it nor the lines after it close; strings and comments do not count.
fn open_bracket(text: &str, line: Range<usize>, after: &[Range<usize>]) -> Option<usize> {
    let mut open: Vec<usize> = Vec::new();
    for part in std::iter::once(&line).chain(after) {
        let mut quote: Option<u8> = None;
        let bytes = &text.as_bytes()[part.clone()];
        let mut at = 0;
        while at < bytes.len() {
            match (quote, bytes[at]) {
                (Some(b'"'), b'\\') => at += 1,
                (Some(open), byte) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
                (None, b'#') => break,
                (None, b'[' | b'{') => open.push(part.start + at),
                (None, b']' | b'}') => drop(open.pop()),
                (None, _) => {}
            }
            at += 1;
        }
    }
    open.first().copied().filter(|at| line.contains(at))
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

/// The places of the names of all tables: of a header that stands there twice, the parser forgets the first.
fn heads_of(text: &str, places: &mut HashMap<String, Vec<Range<usize>>>) {
    for (line, head) in heads::lines(text).filter(|(_, line)| line.starts_with('[')) {
        let name = head.trim_start_matches('[').split(']').next().unwrap_or_default();
        let start = line.start + head.len() - head.trim_start_matches('[').len();
        places.entry(name.to_owned()).or_default().push(start..start + name.len());
    }
}

/// The places of all keys.
fn places_of(table: &DeTable<'_>, places: &mut HashMap<String, Vec<Range<usize>>>) {
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
