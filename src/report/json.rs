//! A report as one object, `"version": 1`: times in RFC 3339, durations in seconds.

use super::Report;

/// Renders a report.
///
/// # Errors
/// As serde_json: for none of our types.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}
