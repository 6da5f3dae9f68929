//! Which of the ancestor's files a text is, told by what it holds: names of files may be anything.

use crate::json::Json;

/// One of the ancestor's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A manifest.
    Manifest,
    /// A mapping.
    Mapping,
    /// A journal.
    Journal,
}

impl Kind {
    /// What a text is, if it is one of them. One that was cut off or mistyped is told by its version.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if !text.starts_with('{') || is_event(text) {
            return None;
        }
        let keys = Json::parse(text).ok().map(|json| json.entries());
        let has = |key: &str| match &keys {
            Some(keys) => keys.iter().any(|entry| entry.key == key),
            None => text.contains(&format!("\"{key}\"")),
        };
        match () {
            () if has("manifest_version") || has("topology_hash_algorithm") || has("consistency") => {
                Some(Self::Manifest)
            }
            () if has("journal_version") || has("operation_receipts") || has("operations") => Some(Self::Journal),
            () if has("members") => Some(Self::Mapping),
            () => None,
        }
    }
}

/// Whether a text begins as a journal of ours does.
fn is_event(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    match Json::parse(line) {
        Ok(json) => json.get("event").is_some(),
        // Cut off, or laid out in several lines.
        Err(_) => text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with("\"v\":")),
    }
}
