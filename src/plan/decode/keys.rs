//! Keys that a table cannot have: mistyped, in the wrong table, or behind a header that is missing.

use std::{borrow::Cow, ops::Range};

use toml::de::DeValue;

use super::{
    super::syntax::{LISTS, LOST},
    At, Decoder, Keys, Section,
};
use crate::diagnostic::{self, Code, Diagnostic, suggest};

/// Strange keys of a table that are looked at for being those of another.
const MOST_TOGETHER: usize = 50;

impl Decoder<'_> {
    /// Reports the keys that a table cannot have.
    pub(in crate::plan) fn known(&mut self, section: &Section<'_>, known: &[&str]) {
        let strange = section.table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref()));
        let mut strange: Vec<_> = strange.collect();
        strange.iter().for_each(|(_, value)| self.unread_in(value));
        strange.retain(|(key, _)| !self.is_ours(key));
        if strange.is_empty() || diagnostic::is_full(&self.diagnostics) {
            return;
        }
        let together = self.together(section, known, strange.iter().map(|(key, _)| *key));
        for (key, value) in strange {
            let name = key.get_ref().as_ref();
            if diagnostic::is_full(&self.diagnostics) {
                return;
            }
            if together.is_some_and(|home| home.keys.contains(&name)) {
                continue;
            }
            let Some(help) = self.advice(section, known, (key, value)) else { continue };
            let message = format!("{} has no key `{}`", section.title, name.escape_debug());
            self.help(Code::UnknownKey, key.span(), message, "not a key here", help);
        }
    }

    /// Whether a key is one that we wrote over what could not be read.
    fn is_ours(&self, key: &At<Cow<'_, str>>) -> bool {
        let name = key.get_ref().as_ref();
        let within = |lines: &[Range<usize>]| lines.iter().any(|line| line.contains(&key.span().start));
        (LISTS.iter().any(|(_, short)| *short == name) && within(&self.heads))
            || (name.starts_with(LOST) && within(&self.torn))
    }

    /// Reports keys of another table that stand together where they do not belong, for its header is missing; yields that
    /// table.
    fn together<'k>(
        &mut self,
        section: &Section<'_>,
        known: &[&str],
        keys: impl Iterator<Item = &'k At<Cow<'k, str>>>,
    ) -> Option<&'static Keys> {
        let free = || known.iter().copied().filter(|known| !section.has(known));
        let far: Vec<_> =
            keys.take(MOST_TOGETHER).filter(|key| suggest::meant(key.get_ref(), free()).is_none()).collect();
        let of = |table: &Keys| far.iter().filter(|key| table.keys.contains(&key.get_ref().as_ref())).count();
        let home = self.tables[1..].iter().rev().max_by_key(|table| of(table)).filter(|table| of(table) > 1)?;
        let mut far: Vec<_> = far.into_iter().filter(|key| home.keys.contains(&key.get_ref().as_ref())).collect();
        far.sort_by_key(|key| key.span().start);
        let names: Vec<&str> = far.iter().map(|key| key.get_ref().as_ref()).collect();
        for name in &names {
            self.misplaced.push(((*name).to_owned(), home.title));
        }
        // What its header would be a part of does not lack it.
        let of = if home.title.starts_with('[') { (0, self.tables[0].title) } else { (section.span.0, section.title) };
        self.mistyped.entry(of).or_default().push(home.title.replace(['[', ']', '`'], ""));
        if !self.is_behind_torn(section, far[0]) {
            let message = format!("{} has no keys {}", section.title, suggest::list(&names));
            let help = match home.title.starts_with('[') {
                true => format!("write `{}` above this", home.title),
                false => format!("move them to {}", home.title),
            };
            let mut labels = far.iter().map(|key| self.source.label(key.span(), "not a key here"));
            let primary = labels.next()?;
            let mut diagnostic = Diagnostic::new(Code::UnknownKey, message, primary).with_help(help);
            diagnostic.labels.extend(labels);
            self.push(diagnostic);
        }
        Some(home)
    }

    /// Whether a line before a key, in its table, may have begun another one: then the key is right.
    fn is_behind_torn(&self, section: &Section<'_>, key: &At<Cow<'_, str>>) -> bool {
        self.torn.iter().any(|line| section.span.0 <= line.start && line.end <= key.span().start)
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
        if let Some(near) = suggest::meant(name, known.iter().copied().filter(|known| !section.has(known))) {
            self.mistyped.entry(here).or_default().push(near.to_owned());
            return Some(format!("write `{}`", heading(section, near)));
        }
        if let Some(near) = suggest::meant(name, known.iter().copied()) {
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
        if self.is_behind_torn(section, key) {
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
}

/// A key as it is written: of lists of tables, their header.
fn heading(section: &Section<'_>, key: &str) -> String {
    let is_list = section.title == "the plan" && LISTS.iter().any(|(list, _)| *list == key);
    if is_list { format!("[[{key}]]") } else { key.to_owned() }
}
