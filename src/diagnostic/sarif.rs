//! Diagnostics as a SARIF 2.1.0 log, for code scanning.

use std::collections::BTreeSet;

use camino::Utf8Path;
use serde_json::{Value, json};

use super::{Code, Diagnostic, Label, Severity, fingerprint::Fingerprints, path};

/// GitHub refuses a run of more results.
const MOST: usize = 25_000;

/// The only fingerprint that GitHub regards, and computes from the line where it is absent.
const FINGERPRINT: &str = "primaryLocationLineHash";

/// Views diagnostics as a log of one run; URIs are relative to `root`, the directory of the repository.
pub fn log(diagnostics: &[Diagnostic], root: &Utf8Path) -> Value {
    let shown = &diagnostics[..diagnostics.len().min(MOST)];
    let codes: BTreeSet<Code> = shown.iter().map(|d| d.code).collect();
    let codes: Vec<Code> = codes.into_iter().collect();
    let mut fingerprints = Fingerprints::default();
    let results: Vec<Value> = shown.iter().map(|d| result(d, &codes, root, &mut fingerprints)).collect();
    let mut invocation = json!({ "executionSuccessful": true });
    if diagnostics.len() > MOST {
        let text = format!("and {} more", diagnostics.len() - MOST);
        invocation["toolExecutionNotifications"] = json!([{ "level": "warning", "message": { "text": text } }]);
    }
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "icp-restore",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|&code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation],
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.title() },
        "fullDescription": { "text": code.title() },
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(diagnostic: &Diagnostic, codes: &[Code], root: &Utf8Path, fingerprints: &mut Fingerprints) -> Value {
    let mut text = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!("\nhelp: {help}"));
    }
    let mut labels = diagnostic.labels.iter();
    let primary = labels.next();
    let name = primary.map_or("", |label| label.source.name());
    let path = path::relative(name, root);
    let mut result = json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": codes.iter().position(|&code| code == diagnostic.code),
        "level": level(diagnostic.severity()),
        "message": { "text": text },
        "locations": primary.map(|label| location(label, root)).as_slice(),
        "partialFingerprints": { FINGERPRINT: fingerprints.next(diagnostic, &path) },
    });
    let related: Vec<Value> = labels.map(|label| location(label, root)).collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    result
}

fn location(label: &Label, root: &Utf8Path) -> Value {
    let (start, end) = label.positions();
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": path::uri(&path::relative(label.source.name(), root)) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    });
    if !label.message.is_empty() {
        location["message"] = json!({ "text": label.message });
    }
    location
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
