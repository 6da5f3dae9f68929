//! `requires = ">=0.4"`: which version of the program a plan needs.
//!
//! Looked at before anything else is told: to an older program, all that is new looks like a mistake.

use toml::de::DeValue;

use super::decode::{At, Decoder};
use crate::diagnostic::Code;

/// The version that is needed at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Requires([u64; 3]);

/// Unknown keys that are labelled.
const MOST: usize = 5;

impl Requires {
    /// Whether this program will do.
    pub(super) fn is_met(self) -> bool {
        parse(env!("CARGO_PKG_VERSION")).is_none_or(|ours| self <= ours)
    }
}

/// Reads it.
pub(super) fn read<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<Requires> {
    let text = d.string(value)?;
    let parsed = parse(text.trim_start().trim_start_matches(">=").trim());
    if parsed.is_none() {
        let message = format!("`{}` is not a version", text.escape_debug());
        d.help(
            Code::BadText,
            value.span(),
            message,
            "not a version",
            "write the oldest version that will do: \">=0.4\"",
        );
    }
    parsed
}

/// Puts one diagnostic in the place of all that an older program cannot judge.
pub(super) fn refuse(d: &mut Decoder<'_>, requires: &At<Requires>) {
    let [major, minor, patch] = requires.get_ref().0;
    let ours = env!("CARGO_PKG_VERSION");
    let message = format!("the plan requires icp-restore {major}.{minor}.{patch} or newer, and this is {ours}");
    let unknown = |d: &crate::diagnostic::Diagnostic| d.code == Code::UnknownKey;
    let keys: Vec<_> = d.take_back().into_iter().filter(unknown).filter_map(|d| d.labels.into_iter().next()).collect();
    d.help(Code::TooOld, requires.span(), message, "newer than this program", "use that version");
    if let Some(diagnostic) = d.diagnostics.last_mut() {
        diagnostic.labels.extend(
            keys.into_iter()
                .take(MOST)
                .map(|label| crate::diagnostic::Label { message: "not known to this version".to_owned(), ..label }),
        );
    }
}

fn parse(text: &str) -> Option<Requires> {
    let mut numbers = [0; 3];
    let mut parts = text.split('.');
    for (number, part) in numbers.iter_mut().zip(parts.by_ref()) {
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(Requires(numbers))
}
