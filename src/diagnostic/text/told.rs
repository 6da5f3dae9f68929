//! The narration.
//!
//! Not miette's: that counts columns of the display, which are wrong wherever a line is windowed, escaped or wide.

use super::{Part, severity};

/// Tells a diagnostic.
pub(super) fn render(parts: &[Part], out: &mut String) {
    for part in parts {
        if let Some((code, weight)) = part.head {
            out.push_str(&format!("{} {}: ", severity(weight), code.as_str()));
        }
        out.push_str(&part.message);
        out.push('\n');
        if let Some(excerpt) = &part.excerpt {
            let (primary, others): (Vec<_>, Vec<_>) = excerpt.marks.iter().partition(|mark| mark.primary);
            for mark in primary.into_iter().chain(others) {
                let (start, end) = (mark.start, mark.end);
                let place = if end.line > start.line {
                    format!("line {} column {} to line {} column {}", start.line, start.column, end.line, end.column)
                } else if end.column > start.column + 1 {
                    format!("line {} columns {} to {}", start.line, start.column, end.column - 1)
                } else {
                    format!("line {} column {}", start.line, start.column)
                };
                let message = &mark.message;
                let colon = if message.is_empty() { "" } else { ": " };
                out.push_str(&format!("  {} {place}{colon}{message}\n", excerpt.name));
            }
            for (number, line) in excerpt.hunks.iter().flat_map(|hunk| excerpt.lines(hunk)) {
                out.push_str(&format!("    line {number}: {}\n", line.replace('\t', " ")));
            }
        }
        if let Some(help) = &part.help {
            out.push_str(&format!("  help: {help}\n"));
        }
    }
}
