//! Diagnostics as a code quality report of GitLab: a JSON array.

use camino::Utf8Path;
use serde::Serialize;

use super::{Diagnostic, Severity, fingerprint::Fingerprints, path};

/// One entry of the array.
#[derive(Debug, Serialize)]
pub struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: usize,
}

/// Views diagnostics as the entries of the report; files are named relative to `root`, the directory of the repository.
pub fn issues(diagnostics: &[Diagnostic], root: &Utf8Path) -> Vec<Issue> {
    let mut fingerprints = Fingerprints::default();
    let issue = |diagnostic: &Diagnostic| {
        let primary = diagnostic.labels.first();
        let name = primary.map_or("", |label| label.source.name());
        let path = path::relative(name, root);
        let mut description = diagnostic.message.clone();
        if let Some(help) = &diagnostic.help {
            description.push_str(&format!(" (help: {help})"));
        }
        Issue {
            description,
            check_name: diagnostic.code.as_str(),
            fingerprint: fingerprints.next(diagnostic, &path),
            severity: match diagnostic.severity() {
                Severity::Error => "major",
                Severity::Warning => "minor",
            },
            location: Location { path, lines: Lines { begin: primary.map_or(1, |label| label.positions().0.line) } },
        }
    };
    diagnostics.iter().map(issue).collect()
}
