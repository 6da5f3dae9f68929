//! The model of what is wrong: a code, a fact, the places in the texts, one action as help.
//!
//! Whatever finds a problem makes a [`Diagnostic`]; the modules below render lists of them. The first label of a
//! diagnostic is its primary one; labels may lie in several texts (a plan and a journal, say).

mod code;
pub(crate) mod display;
mod excerpt;
mod fingerprint;
pub mod github;
pub mod gitlab;
pub mod json;
mod path;
pub mod sarif;
pub mod suggest;
pub mod text;

use std::{cmp::Ordering, ops::Range, sync::Arc};

pub use code::Code;

/// A text that labels point into, under the name that the user knows it by.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    /// Offset of the first byte of each line.
    lines: Vec<usize>,
    /// Characters before each block of bytes, and in all: a column in a line of a megabyte is not counted from its start.
    counts: Vec<usize>,
}

/// Bytes of a block of [`Source::counts`].
const BLOCK: usize = 1024;

/// A place as people and machines count it: offset in bytes from 0, line and column from 1.
///
/// The column counts characters (Unicode scalar values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Position {
    /// Bytes from the start of the text.
    pub offset: usize,
    /// Lines, from 1.
    pub line: usize,
    /// Characters, from 1.
    pub column: usize,
}

impl Source {
    /// Names a text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let (name, text) = (name.into(), text.into());
        let ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        let mut counts = vec![0];
        let mut count = 0;
        for block in text.as_bytes().chunks(BLOCK) {
            count += characters(block);
            counts.push(count);
        }
        Arc::new(Self { name, text, lines, counts })
    }

    /// The name that the user knows the text by: mostly a path, as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where an offset lies; one past the end counts as the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.lines.partition_point(|&start| start <= offset);
        let start = self.lines[line - 1];
        // No editor counts a byte order mark as a column.
        let mark = usize::from(start == 0 && offset > 0 && self.text.starts_with('\u{feff}'));
        let column = self.before(offset) - self.before(start) - mark + 1;
        Position { offset, line, column }
    }

    /// Characters before an offset.
    fn before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        self.counts[block] + characters(&self.text.as_bytes()[block * BLOCK..offset])
    }

    /// The bytes of a line counted from 1, without its line end; empty beyond the last.
    pub fn line(&self, line: usize) -> Range<usize> {
        let Some(&start) = self.lines.get(line.saturating_sub(1)) else {
            return self.text.len()..self.text.len();
        };
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        let text = self.text[start..end].trim_end_matches('\r');
        start..start + text.len()
    }

    /// Points at a span of the text with a message.
    pub fn label(self: &Arc<Self>, span: Range<usize>, message: impl Into<String>) -> Label {
        Label { source: Arc::clone(self), span, message: message.into() }
    }
}

/// Characters that start in some bytes of UTF-8: all bytes but those that go on with one.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !matches!(byte, 0x80..=0xbf)).count()
}

/// A place in a text and what is to be said of it.
#[derive(Debug, Clone)]
pub struct Label {
    /// The text that it points into.
    pub source: Arc<Source>,
    /// Bytes of that text; within it.
    pub span: Range<usize>,
    /// A fragment without capital and full stop; may be empty.
    pub message: String,
}

impl Label {
    /// The span, held within its text, the right way round and on boundaries of characters.
    pub fn range(&self) -> Range<usize> {
        let text = self.source.text();
        let start = text.floor_char_boundary(self.span.start);
        start..text.ceil_char_boundary(self.span.end.max(start))
    }

    /// Where the span starts and where it ends, exclusively.
    pub fn positions(&self) -> (Position, Position) {
        let Range { start, end } = self.range();
        (self.source.position(start), self.source.position(end))
    }
}

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing may run.
    Error,
    /// May run, but somebody should look.
    Warning,
}

/// One problem.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Which kind of problem: stable over versions.
    pub code: Code,
    /// The fact, as a lowercase fragment without a full stop.
    pub message: String,
    /// Where: the first is the primary label. A problem of a file as a whole has an empty span at its start.
    pub labels: Vec<Label>,
    /// One action that mends it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// States a problem at its primary place.
    pub fn new(code: Code, message: impl Into<String>, primary: Label) -> Self {
        Self { code, message: message.into(), labels: vec![primary], help: None }
    }

    /// Adds a further place.
    #[must_use]
    pub fn with_label(mut self, label: Label) -> Self {
        self.labels.push(label);
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// How much it weighs.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The most problems that are looked for in one file: one with more is no file of its kind, or one mistake of whatever
/// wrote it.
pub const MOST: usize = 10_000;

/// Adds a problem to those of a file; of more than [`MOST`] it is said that they are there.
pub fn push(found: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
    match (found.len().cmp(&MOST), diagnostic.labels.first()) {
        (Ordering::Less, _) => found.push(diagnostic),
        (Ordering::Equal, Some(label)) => {
            found.push(too_many(&label.source, "10,000 problems, and more that are not looked for"));
        }
        _ => {}
    }
}

/// Says of a file that not all of its problems are told.
pub fn too_many(source: &Arc<Source>, message: &str) -> Diagnostic {
    Diagnostic::new(Code::TooMany, message, source.label(0..0, "in this file"))
        .with_help("mend these, then check it again")
}

/// Whether no more problems of a file are looked for.
pub fn is_full(found: &[Diagnostic]) -> bool {
    found.len() > MOST
}

/// Puts diagnostics in the order of their places: by text in the order first met, then by offset.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    let mut order: Vec<*const Source> = Vec::new();
    for label in diagnostics.iter().filter_map(|d| d.labels.first()) {
        let source = Arc::as_ptr(&label.source);
        if !order.contains(&source) {
            order.push(source);
        }
    }
    diagnostics.sort_by_key(|d| {
        d.labels.first().map(|label| {
            let source = Arc::as_ptr(&label.source);
            (order.iter().position(|&o| o == source), label.span.start, label.span.end)
        })
    });
}
