//! The decoder under [`super::document`]: takes keys out of TOML tables, with a place for everything and one diagnostic
//! for each thing that is wrong.
//!
//! Serde's derive would stop at the first problem; here every key is looked at, and what cannot be used is reported and
//! left out.

mod scalars;
mod values;

use std::{
    borrow::Cow,
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

    /// The place of the value of a key.
    pub(super) fn value(&self, key: &str) -> Option<Range<usize>> {
        self.table.get(key).map(At::span)
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
                let help = match title {
                    "`snapshot`" => "write `{ artifact = \"…\", sha256 = \"…\" }` or `{ id = \"…\" }`".to_owned(),
                    head if head.starts_with('[') => format!("write `{head}` and its keys below it"),
                    _ => "write its keys in braces".to_owned(),
                };
                self.unread_in(value);
                self.help(Code::WrongType, value.span(), message, "a table goes here", help);
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
            let Some(help) = self.advice(section, known, (key, value)) else { continue };
            let message = format!("{} has no key `{}`", section.title, name.escape_debug());
            self.help(Code::UnknownKey, key.span(), message, "not a key here", help);
        }
    }

    /// What to do with a key that a table cannot have; nothing where it is not the key that is wrong.
    fn advice(
        &mut self,
        section: &Section<'_>,
        known: &[&str],
        (key, value): (&At<Cow<'_, str>>, &At<DeValue<'_>>),
    ) -> Option<String> {
        let here = (section.span.0, section.title);
        let name = key.get_ref().as_ref();
        if let Some(near) = suggest::nearest(name, known.iter().copied().filter(|known| !section.has(known))) {
            self.mistyped.entry(here).or_default().push(near.to_owned());
            return Some(format!("write `{}`", heading(section, near)));
        }
        if let Some(near) = suggest::nearest(name, known.iter().copied()) {
            let lists = [Some(value), section.table.get(near)].map(|value| value?.get_ref().as_array());
            return Some(match lists.iter().all(Option::is_some) {
                true => format!("write `{}`", heading(section, near)),
                false => format!("remove it: `{near}` is there already"),
            });
        }
        // What members and their snapshots have is mixed up with each other first of all.
        let near = match section.title {
            "[[member]]" => "`snapshot`",
            "`snapshot`" => "[[member]]",
            _ => "",
        };
        let mut tables = self.tables.iter().filter(|table| table.keys.contains(&name));
        let Some(home) = tables.clone().find(|table| table.title == near).or_else(|| tables.next()) else {
            self.strays.entry(here).or_default().push_back(self.diagnostics.len());
            return Some(format!("remove it; {} may have {}", section.title, suggest::list(known)));
        };
        // Behind a line that may have begun its table, the key is right.
        if self.torn.iter().any(|line| section.span.0 <= line.start && line.end <= key.span().start) {
            return None;
        }
        self.misplaced.push((name.to_owned(), home.title));
        // A snapshot whose keys stand beside each other is not missing as well.
        self.mistyped.entry(here).or_default().push(home.title.trim_matches('`').to_owned());
        Some(match home.title {
            // Nor can a key of the plan itself stand behind a header.
            "the plan" => "move it above the first table".to_owned(),
            title => format!("move it to {title}"),
        })
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

    /// Whether any of some keys is there, if only under another name or as a header of one table.
    pub(super) fn has_any(&self, section: &Section<'_>, keys: &[&str]) -> bool {
        let here = (section.span.0, section.title);
        keys.iter().any(|key| section.has(key)) || self.mistyped.contains_key(&here) || !self.heads.is_empty()
    }

    /// The tables of a list that is there, if only by single brackets.
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

/// A key as it is written: of lists of tables, their header.
fn heading(section: &Section<'_>, key: &str) -> String {
    let is_list = section.title == "the plan" && LISTS.iter().any(|(list, _)| *list == key);
    if is_list { format!("[[{key}]]") } else { key.to_owned() }
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
