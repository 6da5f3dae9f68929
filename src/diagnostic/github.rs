//! Diagnostics as annotations of GitHub: workflow commands on the output of a step.

use camino::Utf8Path;

use super::{Diagnostic, Severity, display, path};

/// GitHub keeps ten annotations of each weight of a step and drops the others without a word.
const MOST: usize = 9;

/// Characters of an annotation's text; GitHub cuts somewhere above 4,000 bytes.
const MOST_TEXT: usize = 900;

/// Renders one command a line: the first nine errors and warnings, each followed by a count of the others.
///
/// Files are named relative to `root`, the directory of the repository.
pub fn render(diagnostics: &[Diagnostic], root: &Utf8Path) -> String {
    let mut out = String::new();
    for (severity, command) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let all: Vec<_> = diagnostics.iter().filter(|d| d.severity() == severity).collect();
        for diagnostic in all.iter().take(MOST) {
            push(&mut out, command, diagnostic, root);
        }
        if let Some(hidden) = all.len().checked_sub(MOST).filter(|&hidden| hidden > 0) {
            out.push_str(&format!("::{command} title=icp-restore::and {hidden} more\n"));
        }
    }
    out
}

fn push(out: &mut String, command: &str, diagnostic: &Diagnostic, root: &Utf8Path) {
    let code = diagnostic.code;
    let mut properties = Vec::new();
    let mut text = display::lines(&diagnostic.message, MOST_TEXT);
    if let Some(label) = diagnostic.labels.first() {
        let (start, end) = label.positions();
        let file = path::relative(label.source.name(), root);
        properties.push(format!("file={}", property(&display::line(&file, 1000))));
        properties.push(format!("line={},endLine={}", start.line, end.line));
        // GitHub refuses columns of an annotation over several lines.
        if start.line == end.line {
            properties.push(format!("col={},endColumn={}", start.column, end.column));
        }
        if !label.message.is_empty() {
            text.push_str(&format!(": {}", display::line(&label.message, MOST_TEXT)));
        }
    }
    let title = format!("{} {}", code.as_str(), code.title());
    properties.push(format!("title={}", property(&title)));
    for label in diagnostic.labels.iter().skip(1).take(5) {
        let start = label.positions().0;
        let file = display::line(&path::relative(label.source.name(), root), 200);
        let message = display::line(&label.message, 200);
        text.push_str(&format!("\n{file}:{}:{}: {message}", start.line, start.column));
    }
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!("\nhelp: {}", display::lines(help, MOST_TEXT)));
    }
    out.push_str(&format!("::{command} {}::{}\n", properties.join(","), data(&text)));
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
