//! The lines around some labels of one text, as a copy that is fit to be shown, with the labels' places in the copy.
//!
//! Only the lines that are shown are read, found by the line index of the [`Source`], and of long lines only what is
//! near a label: the cost does not grow with the text. Unsafe characters are escaped, line ends are `\n`, a byte order
//! mark is left out, and every label has something to be drawn under.

mod window;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{Label, Position, Source, display};

/// A label of more lines than this is drawn under its first.
const MOST_LINES: usize = 6;

/// Characters of a label's message that are shown.
const MOST_MESSAGE: usize = 500;

/// Some lines of a text, ready to be shown.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// The name of the text, escaped.
    pub name: String,
    /// The lines of all hunks, each with its end.
    pub text: String,
    /// Runs of neighbouring lines.
    pub hunks: Vec<Hunk>,
    /// The labels in the order of their places, none over another on one line.
    pub marks: Vec<Mark>,
}

/// Neighbouring lines.
#[derive(Debug)]
pub(super) struct Hunk {
    /// Bytes of the excerpt's text.
    pub span: Range<usize>,
    /// Number of the first line, from 1.
    pub first: usize,
}

/// A label in the excerpt.
#[derive(Debug)]
pub(super) struct Mark {
    /// Bytes of the excerpt's text; never empty.
    pub span: Range<usize>,
    /// The true start.
    pub start: Position,
    /// The true end, exclusive.
    pub end: Position,
    /// What is said of it, escaped; may be empty.
    pub message: String,
    /// Whether it is the primary label of its diagnostic.
    pub primary: bool,
}

/// How an excerpt is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Half of the characters of a long line that are shown.
    pub reach: usize,
    /// What stands for those that are not.
    pub gap: &'static str,
}

impl Excerpt {
    /// Excerpts a text around labels of it, each told whether it is the primary one.
    pub(super) fn new(source: &Source, labels: &[(&Label, bool)], cut: Cut) -> Self {
        let drawn: Vec<_> = labels.iter().map(|(label, _)| Drawn::new(source, label)).collect();
        let mut lines: BTreeMap<usize, BTreeSet<(usize, usize)>> = BTreeMap::new();
        let last = last_line(source);
        for d in &drawn {
            for line in d.first.saturating_sub(1).max(1)..=(d.last + 1).min(last) {
                lines.entry(line).or_default();
            }
            let Range { start, end } = d.span;
            if d.first == d.last {
                lines.entry(d.first).or_default().insert((start, end));
            } else {
                lines.entry(d.first).or_default().insert((start, start));
                lines.entry(d.last).or_default().insert((end, end));
            }
        }
        let mut excerpt = Self {
            name: display::line(source.name(), 1000),
            text: String::new(),
            hunks: Vec::new(),
            marks: Vec::new(),
        };
        let ends = drawn.iter().flat_map(|d| [d.span.start, d.span.end]);
        let mut places: BTreeMap<usize, usize> = ends.map(|end| (end, 0)).collect();
        let mut expected = 0;
        for (&line, spans) in &lines {
            if line != expected {
                let span = excerpt.text.len()..excerpt.text.len();
                excerpt.hunks.push(Hunk { span, first: line });
            }
            expected = line + 1;
            let content = content(source, line);
            let windows = window::of(source.text(), &content, spans, cut.reach);
            excerpt.push_line((source.text(), &content), windows, cut.gap, &mut places);
            if let Some(hunk) = excerpt.hunks.last_mut() {
                hunk.span.end = excerpt.text.len();
            }
        }
        for (drawn, &(_, primary)) in drawn.into_iter().zip(labels) {
            let place = |offset| places.get(&offset).copied().unwrap_or(0);
            let start = place(drawn.span.start);
            let next = excerpt.text[start..].chars().next();
            let end = place(drawn.span.end).max(start + next.map_or(0, char::len_utf8));
            excerpt.marks.push(Mark {
                span: start..end,
                start: source.position(drawn.span.start),
                end: source.position(drawn.close),
                message: drawn.message,
                primary,
            });
        }
        excerpt.part_marks();
        excerpt
    }

    /// The hunk's lines with their numbers.
    pub(super) fn lines(&self, hunk: &Hunk) -> impl Iterator<Item = (usize, &str)> {
        (hunk.first..).zip(self.text[hunk.span.clone()].lines())
    }

    /// Adds a line as its windows show it, and notes where in the excerpt the places lie that are asked for.
    fn push_line(
        &mut self,
        (text, line): (&str, &Range<usize>),
        windows: Vec<Range<usize>>,
        gap: &str,
        places: &mut BTreeMap<usize, usize>,
    ) {
        let mut at = line.start;
        for window in windows {
            if at < window.start {
                self.text.push_str(gap);
            }
            for (offset, c) in text[window.clone()].char_indices() {
                if let Some(place) = places.get_mut(&(window.start + offset)) {
                    *place = self.text.len();
                }
                if c == '\t' {
                    self.text.push(c);
                } else {
                    display::push(&mut self.text, c);
                }
            }
            at = window.end;
            if let Some(place) = places.get_mut(&at) {
                *place = self.text.len();
            }
        }
        if at < line.end {
            self.text.push_str(gap);
        }
        self.text.push('\n');
    }

    /// Draws no label over another: the outer one up to the inner, two of one place as one.
    fn part_marks(&mut self) {
        let text = &self.text;
        let on_one_line = |mark: &Mark| !text[mark.span.clone()].trim_end_matches('\n').contains('\n');
        self.marks.sort_by_key(|mark| (mark.span.start, mark.span.end));
        let mut parted: Vec<Mark> = Vec::new();
        for mut mark in std::mem::take(&mut self.marks) {
            if let Some(left) = parted.last_mut()
                && left.span.end > mark.span.start
                && on_one_line(left)
                && on_one_line(&mark)
            {
                if left.span.start < mark.span.start {
                    left.span.end = mark.span.start;
                } else if left.span.end < mark.span.end {
                    mark.span.start = left.span.end;
                } else {
                    if !left.message.is_empty() && !mark.message.is_empty() {
                        left.message.push_str("; ");
                    }
                    left.message.push_str(&mark.message);
                    left.primary |= mark.primary;
                    continue;
                }
            }
            parted.push(mark);
        }
        self.marks = parted;
    }
}

/// What of a label can be drawn: within lines that are shown, not empty where there is a character.
struct Drawn {
    span: Range<usize>,
    /// Where the label ends; after the span where that is cut.
    close: usize,
    first: usize,
    last: usize,
    message: String,
}

impl Drawn {
    fn new(source: &Source, label: &Label) -> Self {
        let text = source.text();
        let Range { start, end } = label.range();
        let breaks = ['\r', '\n'];
        let mut message = display::line(&label.message, MOST_MESSAGE);
        // At the end of a file that ends its last line there is no line to draw under: the end of the last one is meant.
        let before = text.strip_suffix('\n').unwrap_or(text).len();
        let start = start.min(before);
        let mut end = start + text[start..end.max(start)].trim_end_matches(breaks).len();

        let first = source.position(start).line;
        let mut last = source.position(end).line;
        let head = content(source, first);
        let start = start.clamp(head.start, head.end);
        let tail = content(source, last);
        end = end.clamp(tail.start, tail.end).max(start);
        if end == start && start < head.end {
            end = text.ceil_char_boundary(start + 1);
        }
        let close = end;
        if last - first >= MOST_LINES {
            message.push_str(&format!(" (to line {last})"));
            message = message.trim_start().to_owned();
            (last, end) = (first, head.end);
        }
        Self { span: start..end, close, first, last, message }
    }
}

/// The bytes of a line without its end and without a byte order mark.
fn content(source: &Source, line: usize) -> Range<usize> {
    let span = source.line(line);
    let marked = line == 1 && source.text().starts_with('\u{feff}');
    span.start + if marked { '\u{feff}'.len_utf8() } else { 0 }..span.end
}

/// The last line that holds anything, or the first.
fn last_line(source: &Source) -> usize {
    let last = source.position(source.text().len()).line;
    let empty = last > 1 && source.line(last).is_empty();
    last - usize::from(empty)
}
