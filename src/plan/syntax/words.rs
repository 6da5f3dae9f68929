//! What is said of a line that is not TOML: what a person did there, and the one thing that mends it.
//!
//! The parser says what it expected; most mistakes are habits of other formats, and are seen in the line itself.

use std::{ops::Range, sync::Arc};

use crate::diagnostic::{Code, Diagnostic, Source};

/// Quotes that word processors write, and those of shells and other languages.
const QUOTES: [char; 9] = ['“', '”', '„', '‘', '’', '«', '»', '`', '´'];

/// What begins comments elsewhere.
const COMMENTS: [&str; 5] = ["//", "--", "/*", ";", "<!--"];

const BRACKETS: [char; 8] = ['[', ']', '(', ')', '{', '}', '<', '>'];

/// A line and where the parser stopped in it.
struct Torn<'t> {
    text: &'t str,
    line: Range<usize>,
    at: Range<usize>,
}

/// What is said, and where.
struct Said {
    message: String,
    at: Range<usize>,
    help: String,
}

/// Tells of a line, by what the parser says of it by itself.
pub(super) fn tell(source: &Arc<Source>, message: &str, at: Range<usize>, line: Range<usize>) -> Diagnostic {
    // The parser counts bytes.
    let at = source.label(at, "").range();
    let torn = Torn { text: source.text(), line, at };
    let said = torn.habit().or_else(|| torn.meant(message)).unwrap_or_else(|| {
        let message = message.split(", expected").next().unwrap_or(message);
        torn.said(message, "mend the TOML here")
    });
    Diagnostic::new(Code::Syntax, said.message, source.label(said.at, "here")).with_help(said.help)
}

/// Whether a line that is not TOML is a header with brackets amiss.
pub(super) fn is_header(line: &str) -> bool {
    let bare = line.trim().trim_matches(BRACKETS);
    bare.len() < line.trim().len() && is_key(bare)
}

/// Whether a text is a key without quotes.
fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// A header as it is written, of one with brackets amiss.
fn header(line: &str) -> String {
    let name = line.split('#').next().unwrap_or(line).trim().trim_matches(BRACKETS).trim();
    match super::LISTS.iter().any(|(list, _)| *list == name) {
        true => format!("[[{name}]]"),
        false => format!("[{name}]"),
    }
}

impl<'t> Torn<'t> {
    fn said(&self, message: impl Into<String>, help: impl Into<String>) -> Said {
        Said { message: message.into(), at: self.at.clone(), help: help.into() }
    }

    /// As [`Self::said`], of a part of the line.
    fn said_of(&self, part: &str, message: impl Into<String>, help: impl Into<String>) -> Said {
        let start = part.as_ptr() as usize - self.text.as_ptr() as usize;
        Said { at: start..start + part.len(), ..self.said(message, help) }
    }

    fn line(&self) -> &'t str {
        self.text[self.line.clone()].trim()
    }

    /// What the parser points at.
    fn word(&self) -> &'t str {
        &self.text[self.at.clone()]
    }

    /// What stands before it in the line.
    fn before(&self) -> &'t str {
        self.text[self.line.start..self.at.start].trim()
    }

    /// The value that begins there.
    fn value(&self) -> &'t str {
        let rest = &self.text[self.at.start..self.line.end];
        rest.split([',', ']', '}', '#']).next().unwrap_or(rest).trim()
    }

    /// A sign of another format, whatever the parser made of it.
    fn habit(&self) -> Option<Said> {
        let line = self.line();
        if let Some(sign) = COMMENTS.iter().find(|sign| line.starts_with(**sign)) {
            let message = format!("`{sign}` does not begin a comment");
            return Some(self.said_of(&line[..sign.len()], message, "write `#` there"));
        }
        if let Some((at, quote)) = self.word().char_indices().find(|(_, c)| QUOTES.contains(c)) {
            let help = format!("write \"{}\"", self.value().trim_matches(QUOTES).escape_debug());
            let message = format!("{quote} is not a quote of TOML");
            return Some(self.said_of(&self.word()[at..at + quote.len_utf8()], message, help));
        }
        let (before, word) = (self.before(), self.word());
        let key = before.strip_suffix(':').and_then(|before| before.rsplit(['{', ',']).next());
        let colon = match key.is_some_and(|key| is_key(key.trim())) {
            true => Some(&before[before.len() - 1..]),
            false => word.starts_with(':').then(|| &word[..1]),
        };
        if let Some(colon) = colon {
            return Some(self.said_of(colon, "`:` where `=` goes", "write `=` there"));
        }
        let (key, rest) = line.split_once('=')?;
        if !is_key(key.trim()) || !rest.starts_with(['=', '>']) {
            return None;
        }
        let two = &line[key.len()..key.len() + 2];
        Some(self.said_of(two, format!("`{two}` where `=` goes"), "write `=` there"))
    }

    /// What the parser means.
    fn meant(&self, message: &str) -> Option<Said> {
        let begins = |words: &[&str]| words.iter().any(|word| message.starts_with(word));
        let control = self.word().chars().next().filter(|c| c.is_control() && *c != '\r');
        if begins(&["string values must be quoted", "missing opening quote", "invalid boolean", "missing value"]) {
            return Some(self.bare_value());
        }
        if begins(&["key with no value", "missing assignment"]) {
            return Some(self.no_value());
        }
        if begins(&["invalid unquoted key"]) {
            return self.odd_key();
        }
        if begins(&["missing escaped value", "too few unicode value digits"]) {
            let text = &self.text[self.line.start..self.at.end];
            let escape = &text[text.rfind('\\')?..];
            return Some(self.said_of(
                escape,
                "`\\` begins an escape in double quotes",
                "write the text in single quotes",
            ));
        }
        if let Some(control) = control {
            let message = format!("the control character {} stands here", control.escape_unicode());
            return Some(self.said(message, "remove it"));
        }
        if begins(&["unexpected key or value", "extra comma", "unexpected content"]) {
            return Some(self.said(format!("`{}` behind the value", self.word()), "remove it"));
        }
        if begins(&["unclosed table", "unclosed array table"]) {
            return Some(self.said("the header is not closed", format!("write `{}`", header(self.line()))));
        }
        if begins(&["unexpected leading zero"]) {
            let bare = self.value().trim_start_matches('0');
            // What has more digits than any number here is an id.
            let help = if bare.len() < 10 { format!("write {bare}") } else { "write it in quotes".to_owned() };
            return Some(self.said_of(self.value(), "a number that begins with 0", help));
        }
        if begins(&["missing key for inline table"]) && self.line().contains("{{") {
            return Some(self.said("a template that is not filled in", "write what goes here"));
        }
        let (message, help) = [
            ("invalid basic string", "the text is not closed", "write the missing quote at its end"),
            ("invalid literal string", "the text is not closed", "write the missing quote at its end"),
            ("missing comma", "no `,` between these", "write `,` before this"),
            ("unexpected `=` in array", "`=` in an array", "write `{` and `}` for the brackets"),
            ("carriage return", "a carriage return that does not end a line", "save the file with line ends of Unix"),
        ]
        .into_iter()
        .find_map(|(begin, fact, help)| message.starts_with(begin).then_some((fact, help)))?;
        Some(self.said(message, help))
    }

    /// A value that is there without quotes, or not at all.
    fn bare_value(&self) -> Said {
        if matches!(self.word(), "=" | "") {
            return self.said("no value behind `=`", "write the value");
        }
        let value = self.value();
        let bare = value.trim_matches(['"', '\'']);
        let is_number = |number: &str| number.parse::<f64>().is_ok();
        let (message, help) = match bare.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => (format!("`{bare}` is not a value of TOML"), "write `true`".to_owned()),
            "false" | "no" | "off" => (format!("`{bare}` is not a value of TOML"), "write `false`".to_owned()),
            percent if percent.strip_suffix('%').is_some_and(is_number) => {
                (format!("`{bare}` is not a number"), "write a whole number".to_owned())
            }
            _ => {
                let fact =
                    if value.len() > bare.len() { "a text without its first quote" } else { "a text without quotes" };
                (fact.to_owned(), format!("write \"{}\"", bare.escape_debug()))
            }
        };
        self.said_of(value, message, help)
    }

    /// A line that is no key with its value.
    fn no_value(&self) -> Said {
        let (line, word) = (self.line(), self.word());
        if is_header(line) {
            return self.said_of(line, "not the header of a table", format!("write `{}`", header(line)));
        }
        if is_key(line) {
            return self.said_of(line, "a key without a value", "write `=` and the value behind it");
        }
        if is_key(self.before()) && (word.starts_with(['"', '\'', '[', '{']) || word.parse::<f64>().is_ok()) {
            return self.said("no `=` between key and value", "write `=` before this");
        }
        self.said_of(line, "neither a header nor `key = value`", "write `#` before it, if it is a comment")
    }

    /// A key with a character that keys do not have.
    fn odd_key(&self) -> Option<Said> {
        let fine = |c: char| c.is_ascii_alphanumeric() || " \t-_.\"'[]".contains(c);
        let (at, odd) = self.line().char_indices().find(|&(_, c)| !fine(c))?;
        let help = if odd.is_whitespace() { "write a plain space there" } else { "remove it" };
        let message = format!("`{}` cannot stand in a key", odd.escape_debug());
        Some(self.said_of(&self.line()[at..at + odd.len_utf8()], message, help))
    }
}
