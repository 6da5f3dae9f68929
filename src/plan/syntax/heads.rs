//! Lines that are seen to be wrong before anything is parsed: headers with one bracket too few, and conflicts of git.
//!
//! What follows such a line is right by itself, and is to be read: so the line is made right in the copy that is parsed, at the
//! same length, or it is left out.

use std::{ops::Range, sync::Arc};

use crate::diagnostic::{Code, Diagnostic, Source};

/// Tables of which there are many, with the key that stands for each where `[member]` was written for `[[member]]`: the
/// header has as many characters then.
pub(in crate::plan) const LISTS: [(&str, &str); 2] = [("member", "memb"), ("check", "chk")];

/// Lines with what they are written over with.
pub(super) type Covers = Vec<(Range<usize>, String)>;

/// Lines of a text with their places, without their ends.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let span = start..start + line.trim_end_matches('\n').len();
        start += line.len();
        (span.clone(), &text[span])
    })
}

/// Headers of one table where many are meant, each kind of them as one mistake; in a text with strings of many lines
/// nothing is sure to be a header.
pub(super) fn single(source: &Arc<Source>) -> (Vec<Diagnostic>, Covers) {
    let (mut diagnostics, mut covers) = (Vec::new(), Vec::new());
    let text = source.text();
    if text.contains("\"\"\"") || text.contains("'''") {
        return (diagnostics, covers);
    }
    for (list, short) in LISTS {
        let mut places = Vec::new();
        let mut inside = false;
        for (span, line) in lines(text).filter(|(_, line)| line.trim_start().starts_with('[')) {
            let head = line.split('#').next().unwrap_or(line);
            let name = head.trim().trim_start_matches('[').split([']', '.']).next().unwrap_or_default().trim();
            let is_single =
                head.trim().strip_prefix('[').and_then(|h| h.strip_suffix(']')).map(str::trim) == Some(list);
            let is_part = head.contains('.') && name == list;
            if is_single {
                let end = span.start + head.trim_end().len();
                let start = end - head.trim().len();
                places.push(start..end);
                covers.push((start..end, format!("[[{short}]]{}", " ".repeat(end - start - short.len() - 4))));
            } else if is_part && inside {
                let at = span.start + line.find(list).unwrap_or_default();
                covers.push((at..at + list.len(), format!("{short}{}", " ".repeat(list.len() - short.len()))));
            }
            inside = is_single || (is_part && inside);
        }
        let mut labels = places.into_iter().map(|at| source.label(at, "one table"));
        let Some(first) = labels.next() else { continue };
        let message = format!("`[{list}]` is one table, and there may be many");
        let mut diagnostic = Diagnostic::new(Code::WrongType, message, first).with_help(format!("write `[[{list}]]`"));
        diagnostic.labels.extend(labels);
        diagnostics.push(diagnostic);
    }
    (diagnostics, covers)
}

/// Conflicts that git left to be settled, with the lines that are left out: of each the first side is read.
pub(super) fn conflicts(source: &Arc<Source>) -> Vec<(Diagnostic, [Range<usize>; 2])> {
    let mut conflicts = Vec::new();
    let mut open: Option<(Range<usize>, Option<Range<usize>>)> = None;
    for (span, line) in lines(source.text()) {
        open = match open.take() {
            _ if line.starts_with("<<<<<<< ") => Some((span, None)),
            Some((first, None)) if line.trim_end() == "=======" => Some((first, Some(span))),
            Some((first, Some(middle))) if line.starts_with(">>>>>>> ") => {
                let primary = source.label(first.clone(), "one side");
                let diagnostic = Diagnostic::new(Code::Syntax, "a conflict of git", primary)
                    .with_label(source.label(middle.clone(), "the other side"))
                    .with_label(source.label(span.clone(), "its end"))
                    .with_help("keep one of both sides");
                conflicts.push((diagnostic, [first, middle.start..span.end]));
                None
            }
            open => open,
        };
    }
    conflicts
}
