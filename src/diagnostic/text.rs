//! Diagnostics for people: drawn by miette in Unicode or ASCII, or told in plain sentences.
//!
//! miette is given display copies of the lines around the labels, never the texts themselves: it would scan the whole
//! text for each label, pass escape codes through, and draw lines of any length.

mod drawn;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Code, Diagnostic, Label, Severity, display,
    excerpt::{Cut, Excerpt},
};

/// Labels of one diagnostic that are shown.
const MOST_LABELS: usize = 20;

/// Characters of a message or help that are shown.
const MOST_TEXT: usize = 2000;

/// Characters that are shown of a long line on either side of a label's ends, at most.
const MOST_REACH: usize = 100;

/// How diagnostics look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// What they are drawn with.
    pub form: Form,
    /// Whether ANSI colors are used; no other escape code ever is.
    pub color: bool,
    /// Columns at which messages are wrapped; lines of the user's texts are not.
    pub width: usize,
}

/// What diagnostics are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lines and arrows of Unicode.
    Unicode,
    /// The same in ASCII.
    Ascii,
    /// Sentences without any drawing or color, for screen readers and braille.
    Narrated,
}

/// Renders diagnostics in their order, with an empty line between two.
///
/// Of more than `most`, the errors are shown first of all, and a last line counts the others.
pub fn render(diagnostics: &[Diagnostic], style: &Style, most: usize) -> String {
    let shown = choose(diagnostics, most);
    // What is shown of a long line fits the width, beside the line's number and the marks of what is left out.
    let reach = (style.width.saturating_sub(12) / 2).clamp(20, MOST_REACH);
    let mut out = String::new();
    for &index in &shown {
        if !out.is_empty() {
            out.push('\n');
        }
        let parts = parts(&diagnostics[index], reach, style.form);
        match style.form {
            Form::Unicode | Form::Ascii => drawn::render(parts, style, &mut out),
            Form::Narrated => told::render(&parts, &mut out),
        }
    }
    let hidden = diagnostics.len() - shown.len();
    if hidden > 0 {
        out.push_str(&format!("\nand {hidden} more\n"));
    }
    out
}

/// Counts problems on one line: how many, in how many files, and of many the most frequent codes.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    if diagnostics.is_empty() {
        return "no problems".to_owned();
    }
    let warns = |d: &&Diagnostic| d.severity() == Severity::Warning;
    let warnings = diagnostics.iter().filter(warns).count();
    let mut counts = Vec::new();
    if warnings < diagnostics.len() {
        counts.push(count(diagnostics.len() - warnings, "error"));
    }
    if warnings > 0 {
        counts.push(count(warnings, "warning"));
    }
    let primaries = diagnostics.iter().filter_map(|d| d.labels.first());
    let files: BTreeSet<_> = primaries.map(|label| label.source.name()).collect();
    let mut line = format!("{} in {}", counts.join(", "), count(files.len(), "file"));

    let mut codes: BTreeMap<Code, usize> = BTreeMap::new();
    for d in diagnostics {
        *codes.entry(d.code).or_default() += 1;
    }
    if diagnostics.len() > 9 && codes.len() > 1 {
        let mut codes: Vec<_> = codes.into_iter().collect();
        codes.sort_by_key(|&(code, times)| (std::cmp::Reverse(times), code));
        let most: Vec<_> = codes.iter().take(3).map(|(code, times)| format!("{} ({times})", code.as_str())).collect();
        line.push_str(&format!("; most frequent: {}", most.join(", ")));
    }
    line
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The indices of those that are shown: errors before warnings where not all can be.
fn choose(diagnostics: &[Diagnostic], most: usize) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..diagnostics.len()).collect();
    order.sort_by_key(|&index| diagnostics[index].severity());
    order.into_iter().take(most).collect()
}

/// What is shown of a diagnostic for one of its texts; the first part is that of the primary label.
#[derive(Debug)]
struct Part {
    /// Code and severity, on the first part.
    head: Option<(Code, Severity)>,
    message: String,
    /// None where there is no line to show.
    excerpt: Option<Excerpt>,
    /// On the last part.
    help: Option<String>,
}

fn parts(diagnostic: &Diagnostic, reach: usize, form: Form) -> Vec<Part> {
    let cut = Cut { reach, gap: if form == Form::Ascii { "..." } else { "…" } };
    // What is said has two signs that are not ASCII.
    let words = |words: String| match form {
        Form::Ascii => words.replace('…', "...").replace('→', "->"),
        Form::Unicode | Form::Narrated => words,
    };

    let mut texts: Vec<Vec<(&Label, bool)>> = Vec::new();
    for (index, label) in diagnostic.labels.iter().take(MOST_LABELS).enumerate() {
        let same = |text: &&mut Vec<(&Label, bool)>| {
            text.first().is_some_and(|(first, _)| Arc::ptr_eq(&first.source, &label.source))
        };
        match texts.iter_mut().find(same) {
            Some(text) => text.push((label, index == 0)),
            None => texts.push(vec![(label, index == 0)]),
        }
    }
    let mut message = words(display::lines(&diagnostic.message, MOST_TEXT));
    if let Some(hidden) = diagnostic.labels.len().checked_sub(MOST_LABELS + 1) {
        message.push_str(&format!(" (and {} more)", count(hidden + 1, "place")));
    }
    let mut parts =
        vec![Part { head: Some((diagnostic.code, diagnostic.severity())), message, excerpt: None, help: None }];
    for (index, labels) in texts.iter().enumerate() {
        let source = &labels[0].0.source;
        if index > 0 {
            parts.push(Part {
                head: None,
                message: format!("see also {}", display::line(source.name(), 1000)),
                excerpt: None,
                help: None,
            });
        }
        let Some(part) = parts.last_mut() else { break };
        if source.text().trim_start_matches('\u{feff}').is_empty() {
            part.message.push_str(&format!("\nin {}", display::line(source.name(), 1000)));
            for (label, _) in labels.iter().filter(|(label, _)| !label.message.is_empty()) {
                part.message.push_str(&format!(": {}", display::line(&label.message, 500)));
            }
        } else {
            let mut excerpt = Excerpt::new(source, labels, cut);
            excerpt.marks.iter_mut().for_each(|mark| mark.message = words(std::mem::take(&mut mark.message)));
            part.excerpt = Some(excerpt);
        }
    }
    if let Some(last) = parts.last_mut() {
        last.help = diagnostic.help.as_ref().map(|help| words(display::lines(help, MOST_TEXT)));
    }
    parts
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
