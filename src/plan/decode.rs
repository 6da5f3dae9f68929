//! The decoder under [`super::document`]: takes keys out of TOML tables, with a place for everything and one diagnostic
//! for each thing that is wrong.
//!
//! Serde's derive would stop at the first problem; here every key is looked at, and what cannot be used is reported and
//! left out.

mod values;

use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::Arc,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::syntax::{LISTS, LOST, Mended};
use crate::diagnostic::{self, Code, Diagnostic, Source, suggest};

/// A value with its place.
pub(super) type At<T> = Spanned<T>;

/// A table with the keys that it may have.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) table: &'a DeTable<'a>,
    pub(super) span: (usize, usize),
    /// As people name it: `[network]`, say.
    pub(super) title: &'static str,
}

/// Collects what is wrong.
pub(super) struct Decoder<'s> {
    pub(super) source: &'s Arc<Source>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Texts that could not be read where a member may have its name.
    pub(super) unread: Vec<String>,
    /// Members of whose names nothing is left.
    pub(super) nameless: usize,
    /// All tables with their keys.
    tables: &'static [Keys],
    /// Lines that are not TOML.
    torn: Vec<Range<usize>>,
    /// Headers that are read as what was meant.
    heads: Vec<Range<usize>>,
    /// Keys that are there under a mistyped name, by their table: they are not missing as well.
    mistyped: HashMap<Place, Vec<String>>,
    /// Unknown keys that are like no known one, by their table, with the index of their diagnostic.
    strays: HashMap<Place, VecDeque<usize>>,
    /// Keys that stand in the wrong table, with the title of theirs.
    misplaced: Vec<(String, &'static str)>,
    /// Diagnostics of missing keys, by index, with key and title of the table.
    missing: Vec<(usize, (String, &'static str))>,
}

/// A table is told by where it begins and by its title, for the plan as a whole begins where its first table may.
type Place = (usize, &'static str);

/// What the keys of each table are, for telling where a misplaced one belongs.
pub(super) struct Keys {
    pub(super) title: &'static str,
    pub(super) keys: &'static [&'static str],
}

/// Texts kept of what could not be read.
const MOST_UNREAD: usize = 1000;

impl Section<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        self.span.0..self.span.1
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The place of a key, or of the table where the key is not there.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or(self.range(), |(key, _)| key.span())
    }
}

impl<'s> Decoder<'s> {
    /// Begins with what is known of the text already: what is wrong with it as TOML, and its lines that were left out.
    pub(super) fn new(source: &'s Arc<Source>, tables: &'static [Keys], mended: Mended<'_>) -> Self {
        let lines = mended.torn.iter().map(|line| &source.text()[line.clone()]);
        let names: Vec<Vec<String>> = lines.filter_map(lost_names).collect();
        let nameless = names.iter().filter(|names| names.is_empty()).count();
        Self {
            source,
            diagnostics: mended.diagnostics,
            unread: names.into_iter().flatten().collect(),
            nameless,
            tables,
            torn: mended.torn,
            heads: mended.heads,
            mistyped: HashMap::new(),
            strays: HashMap::new(),
            misplaced: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// All that was found, without the keys that are missing only because they stand in another table.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let mut follows = vec![false; self.diagnostics.len()];
        for misplaced in self.misplaced {
            let missing = self.missing.iter().find(|(index, key)| *key == misplaced && !follows[*index]);
            if let Some((index, _)) = missing {
                follows[*index] = true;
            }
        }
        let told = self.diagnostics.into_iter().zip(follows).filter(|(_, follows)| !follows);
        told.map(|(diagnostic, _)| diagnostic).collect()
    }

    pub(super) fn report(&mut self, code: Code, at: Range<usize>, message: impl Into<String>, label: &str) {
        self.push(Diagnostic::new(code, message, self.source.label(at, label)));
    }

    pub(super) fn help(&mut self, code: Code, at: Range<usize>, message: String, label: &str, help: impl Into<String>) {
        self.push(Diagnostic::new(code, message, self.source.label(at, label)).with_help(help));
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        diagnostic::push(&mut self.diagnostics, diagnostic);
    }

    /// A table; what is none is reported.
    pub(super) fn section<'a>(&mut self, value: &'a At<DeValue<'a>>, title: &'static str) -> Option<Section<'a>> {
        match value.get_ref() {
            DeValue::Table(table) => {
                let span = value.span();
                Some(Section { table, span: (span.start, span.end), title })
            }
            other => {
                let message = format!("{title} is a table, not {}", kind(other));
                self.unread_in(value);
                self.report(Code::WrongType, value.span(), message, "a table goes here");
                None
            }
        }
    }

    /// Keeps the texts of what is not read: one of them may be the name that others refer to.
    pub(super) fn unread_in(&mut self, value: &At<DeValue<'_>>) {
        if self.unread.len() >= MOST_UNREAD {
            return;
        }
        match value.get_ref() {
            DeValue::String(text) => self.unread.push(text.to_string()),
            DeValue::Array(items) => items.iter().for_each(|item| self.unread_in(item)),
            DeValue::Table(table) => table.values().for_each(|value| self.unread_in(value)),
            _ => {}
        }
    }

    /// Reports the keys that a table cannot have.
    pub(super) fn known(&mut self, section: &Section<'_>, known: &[&str]) {
        let here = (section.span.0, section.title);
        let strange = section.table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref()));
        for (key, value) in strange {
            if diagnostic::is_full(&self.diagnostics) {
                return;
            }
            let name = key.get_ref().as_ref();
            self.unread_in(value);
            let within = |lines: &[Range<usize>]| lines.iter().any(|line| line.contains(&key.span().start));
            let is_head = LISTS.iter().any(|(_, short)| *short == name) && within(&self.heads);
            if is_head || (name.starts_with(LOST) && within(&self.torn)) {
                continue;
            }
            let message = format!("{} has no key `{}`", section.title, name.escape_debug());
            let free = known.iter().copied().filter(|known| !section.has(known));
            let mut tables = self.tables.iter();
            let help = if let Some(near) = suggest::nearest(name, free) {
                self.mistyped.entry(here).or_default().push(near.to_owned());
                format!("write `{near}`")
            } else if let Some(near) = suggest::nearest(name, known.iter().copied()) {
                let lists = [Some(value), section.table.get(near)].map(|value| value?.get_ref().as_array());
                match lists.iter().all(Option::is_some) {
                    true => format!("write `{near}`"),
                    false => format!("remove it: `{near}` is there already"),
                }
            } else if let Some(table) = tables.find(|table| table.keys.contains(&name)) {
                // Behind a line that may have begun its table, it is not the key that is wrong.
                if self.torn.iter().any(|line| section.span.0 <= line.start && line.end <= key.span().start) {
                    continue;
                }
                self.misplaced.push((name.to_owned(), table.title));
                format!("move it to {}", table.title)
            } else {
                self.strays.entry(here).or_default().push_back(self.diagnostics.len());
                format!("remove it; {} may have {}", section.title, list(known))
            };
            self.help(Code::UnknownKey, key.span(), message, "not a key here", help);
        }
    }

    /// A value that may be left out, without its place.
    pub(super) fn take<'a, T>(
        &mut self,
        section: &Section<'a>,
        key: &str,
        parse: impl FnOnce(&mut Self, &'a At<DeValue<'a>>) -> Option<T>,
    ) -> Option<T> {
        self.optional(section, key, parse).map(At::into_inner)
    }

    /// A value that may be left out.
    pub(super) fn optional<'a, T>(
        &mut self,
        section: &Section<'a>,
        key: &str,
        parse: impl FnOnce(&mut Self, &'a At<DeValue<'a>>) -> Option<T>,
    ) -> Option<At<T>> {
        let value = section.table.get(key)?;
        parse(self, value).map(|parsed| At::new(value.span(), parsed))
    }

    /// A value that must be there.
    pub(super) fn required<'a, T>(
        &mut self,
        section: &Section<'a>,
        key: &str,
        parse: impl FnOnce(&mut Self, &'a At<DeValue<'a>>) -> Option<T>,
        help: &str,
    ) -> Option<At<T>> {
        if !section.has(key) {
            self.missing(section, key, help);
        }
        self.optional(section, key, parse)
    }

    /// Reports a key that must be there, unless it is there in another guise or its lines could not be read.
    pub(super) fn missing(&mut self, section: &Section<'_>, key: &str, help: &str) {
        let here = (section.span.0, section.title);
        if diagnostic::is_full(&self.diagnostics) || self.may_have(section, key) {
            return;
        }
        if let Some(index) = self.strays.get_mut(&here).and_then(VecDeque::pop_front) {
            if let Some(diagnostic) = self.diagnostics.get_mut(index) {
                diagnostic.help = Some(format!("write `{key}`, which is missing here, if that is meant"));
            }
            return;
        }
        let message = format!("{} has no `{key}`", section.title);
        self.missing.push((self.diagnostics.len(), (key.to_owned(), section.title)));
        self.help(Code::MissingKey, section.range(), message, &format!("`{key}` is missing here"), help);
    }

    /// Whether a key may be there after all: under another name, or in a line that could not be read.
    pub(super) fn may_have(&self, section: &Section<'_>, key: &str) -> bool {
        let here = (section.span.0, section.title);
        section.has(key)
            || self.is_torn(section)
            || self.mistyped.get(&here).is_some_and(|keys| keys.iter().any(|near| near == key))
    }

    /// Whether a list of tables is there, if only by single brackets.
    pub(super) fn lists<'a>(&self, section: &Section<'a>, key: &str) -> Vec<&'a At<DeValue<'a>>> {
        let short = LISTS.iter().find(|(list, _)| *list == key && !self.heads.is_empty()).map(|(_, short)| *short);
        [Some(key), short].into_iter().flatten().filter_map(|key| section.table.get(key)).collect()
    }

    /// Whether lines of a table could not be read.
    fn is_torn(&self, section: &Section<'_>) -> bool {
        if self.torn.is_empty() {
            return false;
        }
        let text = self.source.text();
        let root = section.title == "the plan";
        let start = text.floor_char_boundary(section.span.0.min(text.len()));
        let end = text[start..].find("\n[").map_or(text.len(), |at| start + at);
        let header = |line: &Range<usize>| text[line.clone()].trim_start().starts_with('[');
        self.torn.iter().any(|line| (line.start < end && line.end >= start) || (root && header(line)))
    }

    pub(super) fn string<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<&'a str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(value, "a string");
        }
        text
    }

    /// Text for people or for icp: nothing that could pass for a flag or drive a terminal.
    pub(super) fn text<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<String> {
        let text = self.string(value)?;
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            let message = format!("the control character {} cannot stand in this text", control.escape_unicode());
            self.help(Code::BadText, value.span(), message, "in here", "remove it");
            return None;
        }
        if text.is_empty() || text.starts_with('-') {
            let message = if text.is_empty() { "an empty text" } else { "icp would take this for a flag" };
            self.help(Code::BadText, value.span(), message.into(), "here", "write another text");
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn boolean<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<bool> {
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type(value, "true or false");
        }
        boolean
    }

    pub(super) fn number<'a>(
        &mut self,
        value: &'a At<DeValue<'a>>,
        allowed: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(value, "a whole number");
            return None;
        };
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fitting = number.and_then(|n| u32::try_from(n).ok()).filter(|n| allowed.contains(n));
        if fitting.is_none() {
            let message = format!("{} is not from {} to {}", integer.as_str(), allowed.start(), allowed.end());
            let help = format!("write a number from {} to {}", allowed.start(), allowed.end());
            self.help(Code::OutOfRange, value.span(), message, "out of range", help);
        }
        fitting
    }

    pub(super) fn array<'a>(
        &mut self,
        value: &'a At<DeValue<'a>>,
    ) -> Option<impl Iterator<Item = &'a At<DeValue<'a>>> + use<'a>> {
        let array = value.get_ref().as_array();
        if array.is_none() {
            self.wrong_type(value, "an array");
        }
        array.map(|array| array.iter())
    }

    /// One of some words.
    pub(super) fn word<'a, T: Copy>(&mut self, value: &'a At<DeValue<'a>>, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(value)?;
        if let Some(&(_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Some(meaning);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let help = match suggest::nearest(text, known.iter().copied()) {
            Some(near) => format!("write \"{near}\""),
            None => format!("write one of {}", list(&known)),
        };
        let message = format!("`{}` is none of {}", shown(text), list(&known));
        self.help(Code::UnknownValue, value.span(), message, "not known here", help);
        None
    }

    fn wrong_type(&mut self, value: &At<DeValue<'_>>, wanted: &str) {
        let message = format!("{} where {wanted} goes", kind(value.get_ref()));
        self.help(Code::WrongType, value.span(), message, &format!("{wanted} goes here"), format!("write {wanted}"));
    }
}

/// The beginning of a text that was written where something short goes.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let shown: String = text.chars().take(MOST).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{}{more}", shown.escape_debug())
}

/// Words in a row: `a`, `b` and `c`.
pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What may be the name in a line that is not TOML, if the line is about a name: `"name = "app"`, `name app`, `nme "app`.
fn lost_names(line: &str) -> Option<Vec<String>> {
    let line = line.replace(char::is_control, "");
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    let mut words = words.filter(|word| !word.is_empty());
    let first = words.next()?;
    let is_name = first == "name" || suggest::nearest(first, ["name"].into_iter()).is_some();
    is_name.then(|| words.map(str::to_owned).collect())
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
