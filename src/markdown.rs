//! Markdown for pull requests and step summaries, of bounded length: what does not fit is counted, never cut in half.

use crate::diagnostic::display::is_unsafe;

/// A document that grows to so many bytes and no further.
#[derive(Debug)]
pub(crate) struct Bounded {
    text: String,
    /// Bytes that may be used before what must still follow: ends of folds and the last word.
    most: usize,
    /// Lines that did not fit.
    dropped: usize,
}

/// Kept back for the ends of folds and for the last word.
const RESERVE: usize = 200;

/// The longest text from elsewhere that is shown.
const LONGEST: usize = 400;

impl Bounded {
    pub(crate) fn new(most: usize) -> Self {
        Self { text: String::new(), most: most.saturating_sub(RESERVE), dropped: 0 }
    }

    /// Adds a line if it fits.
    pub(crate) fn line(&mut self, line: &str) {
        if self.dropped == 0 && self.text.len() + line.len() < self.most {
            self.text.push_str(line);
            self.text.push('\n');
        } else {
            self.dropped += 1;
        }
    }

    /// Adds rows of a table or a list for as long as they fit.
    pub(crate) fn rows(&mut self, rows: impl Iterator<Item = String>) {
        rows.for_each(|row| self.line(&row));
    }

    /// Adds a block that is of use only as a whole, such as a diagram; tells whether it did fit.
    pub(crate) fn block(&mut self, block: &str) -> bool {
        let fits = self.dropped == 0 && self.text.len() + block.len() < self.most;
        if fits {
            self.line(block);
        }
        fits
    }

    /// Adds something that is shown on demand; it is left out where not even its head fits.
    pub(crate) fn fold(&mut self, summary: &str, body: impl FnOnce(&mut Self)) {
        let head = format!("<details><summary>{}</summary>\n", html(summary));
        if !self.block(&head) {
            self.dropped += 1;
            return;
        }
        body(self);
        self.text.push_str("\n</details>\n\n");
    }

    pub(crate) fn finish(mut self) -> String {
        if self.dropped > 0 {
            self.text.push_str(&format!("\n_{} lines more did not fit here._\n", self.dropped));
        }
        self.text
    }
}

/// A text from elsewhere in one line, without anything that is not seen.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect()
}

/// A text from elsewhere as a code span, also within a table: nothing in it counts as markdown, HTML or a mention.
pub(crate) fn code(text: &str) -> String {
    let text = line(text);
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let end = text.floor_char_boundary(LONGEST);
    let more = if end < text.len() { "…" } else { "" };
    let text = &text[..end];
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // In a table a bar ends a cell even within a code span, and renderers differ in how it is escaped.
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}{more}", text.replace('|', "\u{2502}"))
}

/// A sentence of ours that may hold a word from elsewhere: everything that could count is escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // A mention needs its sign.
            '@' => escaped.push_str("&#64;"),
            c if is_unsafe(c) => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Text within HTML.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
