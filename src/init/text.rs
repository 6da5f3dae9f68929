//! The hand that first plans are written in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::id::Name;

/// Lines of a plan.
pub(crate) struct Lines(pub(crate) String);

impl Lines {
    /// A key with its value, and a note where there is one.
    pub(crate) fn key(&mut self, key: &str, value: &str, note: &str) {
        let pad = if note.is_empty() { "" } else { "  # " };
        // Writing to a String does not fail.
        let _: Result<(), std::fmt::Error> = writeln!(self.0, "{key} = {value}{pad}{note}");
    }

    /// A line for people.
    pub(crate) fn comment(&mut self, text: &str) {
        let _: Result<(), std::fmt::Error> = writeln!(self.0, "# {}", comment(text));
    }
}

/// Names of members, each given once: a second `app` is `app-2`.
#[derive(Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
    /// Where the next search for a free number begins, so that ten thousand `app`s cost ten thousand steps.
    numbers: BTreeMap<String, usize>,
}

impl Names {
    /// A name that no member has yet.
    pub(crate) fn unique(&mut self, text: &str) -> String {
        let base = sanitised(text);
        let number = self.numbers.entry(base.clone()).or_insert(1);
        let mut name = base.clone();
        while !self.taken.insert(name.clone()) {
            *number += 1;
            name = format!("{base}-{number}");
        }
        name
    }
}

/// A name for a plan, in the letters that those have: a-z, 0-9 and `-`.
pub(crate) fn name(text: &str) -> Option<Name> {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = text.trim().chars().map(letter).take(80).collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "restore" } else { text }.parse().ok()
}

/// A text as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A text that is safe within a comment line.
pub(crate) fn comment(text: &str) -> String {
    text.escape_debug().to_string()
}

/// A text in the letters of a [`Name`], short enough for a number after it.
fn sanitised(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let letters = text.trim().chars().map(|c| if safe(c) { c } else { '-' });
    let text: String = letters.take(80).collect();
    let text = text.trim_start_matches(['-', '_', '.']).trim_end_matches('-');
    match text {
        "" => "member".to_owned(),
        text => text.to_owned(),
    }
}
