//! Reads JSON the way serde's derive does, but keeps the place of every value and goes on after a problem.
//!
//! The rules of the derive: a struct is an object, or an array of its fields in order; unknown keys are passed over,
//! known ones may stand once; an optional field may be null or left out of an object, but not cut off an array.

use std::{ops::Range, sync::Arc};

use serde::de::DeserializeOwned;

use super::Reading;
use crate::{
    diagnostic::{Code, Diagnostic, Label, Source, suggest},
    json::{self, Entry, Json},
};

/// A value and the bytes of the text where it stands.
///
/// A value that the text leaves out has the place of what it is left out of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Bytes of the text.
    pub span: Range<usize>,
}

impl<T> Spanned<T> {
    pub(super) fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }
}

/// How much a struct insists on a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Must be there.
    Required,
    /// May be left out of an object.
    Nullable,
    /// May be left out.
    Defaulted,
}

/// The codes of what can be wrong with the form of a format.
pub(super) struct Form {
    /// The name of the format, with its article.
    pub(super) name: &'static str,
    pub(super) syntax: Code,
    pub(super) kind: Code,
    pub(super) missing: Code,
    pub(super) duplicate: Code,
}

/// Reads one text; what is wrong with it gathers here.
pub(super) struct Reader {
    source: Arc<Source>,
    form: &'static Form,
    problems: Vec<Diagnostic>,
    absent: Range<usize>,
}

/// A field as it was found, if it was.
pub(super) type Field<'a> = Option<Json<'a>>;

impl Reader {
    /// Reads a whole text by a function for its outermost value. What is only to be looked at comes back as warnings.
    pub(super) fn read<T>(
        source: &Arc<Source>,
        form: &'static Form,
        read: impl FnOnce(&mut Self, Json<'_>) -> Option<T>,
    ) -> Reading<T> {
        let json = Json::parse(source.text()).map_err(|error| vec![syntax(source, form, &error)])?;
        let mut reader = Self { source: Arc::clone(source), form, problems: Vec::new(), absent: 0..0 };
        let value = read(&mut reader, json);
        match value {
            Some(value) if reader.problems.iter().all(super::is_warning) => Ok((value, reader.problems)),
            _ => Err(reader.problems),
        }
    }

    /// The fields of a struct, in the order in which they are declared.
    pub(super) fn fields<'a, const N: usize>(
        &mut self,
        json: Json<'a>,
        wanted: [(&'static str, Need); N],
    ) -> Option<[Field<'a>; N]> {
        match json.raw().as_bytes().first() {
            Some(b'{') => self.object(json, wanted),
            Some(b'[') => self.sequence(json, wanted),
            _ => {
                self.wrong(json, "an object");
                None
            }
        }
    }

    /// The place of what the struct leaves out whose fields were read last: a key that may be a slip of it, else the
    /// opening brace.
    pub(super) fn absent(&self) -> Range<usize> {
        self.absent.clone()
    }

    fn object<'a, const N: usize>(
        &mut self,
        json: Json<'a>,
        wanted: [(&'static str, Need); N],
    ) -> Option<[Field<'a>; N]> {
        let entries = json.entries();
        if entries.is_empty() && json.raw().contains('"') {
            self.wrong(json, "an object whose keys are text");
            return None;
        }
        let mut found = [None; N];
        let mut keys: [Option<Range<usize>>; N] = [const { None }; N];
        let mut strangers = Vec::new();
        for entry in entries {
            let Some(at) = wanted.iter().position(|(name, _)| *name == entry.key) else {
                strangers.push(entry);
                continue;
            };
            if let Some(first) = &keys[at] {
                let first = self.source.label(first.clone(), "first here");
                let again = self.source.label(entry.key_span, "again here");
                let message = format!("key `{}` stands there twice", entry.key);
                let problem = Diagnostic::new(self.form.duplicate, message, again).with_label(first);
                self.problems.push(problem.with_help(format!("keep one `{}`", entry.key)));
            } else {
                keys[at] = Some(entry.key_span);
                found[at] = Some(entry.value);
            }
        }
        if found.iter().all(Option::is_none) && self.nothing(json, &wanted) {
            return None;
        }
        for ((name, need), value) in wanted.iter().zip(&found) {
            if value.is_none() && *need == Need::Required {
                self.missing(json, name, &mut strangers);
            }
        }
        self.absent = match &strangers[..] {
            [only] => only.key_span.clone(),
            _ => opening(json),
        };
        for stranger in strangers {
            let unset = wanted.iter().zip(&found).filter(|(_, value)| value.is_none()).map(|((name, _), _)| *name);
            let help = match suggest::nearest(&stranger.key, unset) {
                Some(near) => format!("write `{near}`"),
                None => "remove it".to_owned(),
            };
            let message = format!("{} has no key `{}`", self.form.name, stranger.key);
            let label = self.source.label(stranger.key_span, "passed over");
            self.problems.push(Diagnostic::new(Code::CanicUnknownKey, message, label).with_help(help));
        }
        Some(found)
    }

    fn sequence<'a, const N: usize>(
        &mut self,
        json: Json<'a>,
        wanted: [(&'static str, Need); N],
    ) -> Option<[Field<'a>; N]> {
        self.absent = opening(json);
        let items = json.items();
        if let Some(extra) = items.get(N) {
            self.wrong(*extra, "no further item");
            return None;
        }
        if items.len() < N && self.nothing(json, &wanted) {
            return None;
        }
        let mut found = [None; N];
        for (slot, item) in found.iter_mut().zip(&items) {
            *slot = Some(*item);
        }
        for ((name, need), value) in wanted.iter().zip(&found) {
            if value.is_none() && *need != Need::Defaulted {
                self.missing(json, name, &mut Vec::new());
            }
        }
        Some(found)
    }

    /// A value of a few letters that has little of what is wanted is one problem, not one for each key.
    fn nothing(&mut self, json: Json<'_>, wanted: &[(&'static str, Need)]) -> bool {
        let required = wanted.iter().filter(|(_, need)| *need == Need::Required);
        let keys: Vec<String> = required.map(|(name, _)| format!("`{name}`")).collect();
        let short = json.raw().len() <= 40 && !keys.is_empty();
        if short {
            let label = self.source.label(json.span(), "missing here");
            let message = format!("expected an object with {}", keys.join(", "));
            let help = format!("write {}", keys.join(", "));
            self.problems.push(Diagnostic::new(self.form.missing, message, label).with_help(help));
        }
        short
    }

    /// A required key is missing: points at the stranger that it may be a slip of, else at the opening brace.
    fn missing(&mut self, json: Json<'_>, name: &str, strangers: &mut Vec<Entry<'_>>) {
        let likeness = |key: &str| strsim::normalized_damerau_levenshtein(name, key);
        let best =
            (0..strangers.len()).max_by(|&a, &b| likeness(&strangers[a].key).total_cmp(&likeness(&strangers[b].key)));
        let stranger = best.map(|at| strangers.remove(at).key_span);
        let (label, help) = absent(&self.source, stranger.unwrap_or_else(|| opening(json)), name);
        let problem = Diagnostic::new(self.form.missing, format!("key `{name}` is missing"), label);
        self.problems.push(problem.with_help(help.unwrap_or_else(|| format!("add `{name}`"))));
    }

    fn wrong(&mut self, json: Json<'_>, wanted: &str) {
        let found = match json.raw().as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a text",
            Some(b't' | b'f') => "a truth value",
            Some(b'n') => "null",
            _ => "a number",
        };
        let label = self.source.label(json.span(), format!("{wanted} goes here"));
        let message = format!("{found} where {wanted} goes");
        self.problems.push(Diagnostic::new(self.form.kind, message, label).with_help(format!("write {wanted}")));
    }

    /// A value of a type that serde reads from one token; `wanted` says which, for the message.
    pub(super) fn value<T: DeserializeOwned>(&mut self, field: Field<'_>, wanted: &str) -> Option<Spanned<T>> {
        let json = field?;
        let value = json.decode();
        if value.is_none() {
            self.wrong(json, wanted);
        }
        Some(Spanned::new(value?, json.span()))
    }

    /// One of some words.
    pub(super) fn word<T: DeserializeOwned>(&mut self, field: Field<'_>, words: &[&str]) -> Option<Spanned<T>> {
        let json = field?;
        let value = json.decode();
        if value.is_none() {
            match json.as_str() {
                Some(text) => {
                    let (message, help) = suggest::none_of(&text, words);
                    let label = self.source.label(json.span(), "not known here");
                    self.problems.push(Diagnostic::new(self.form.kind, message, label).with_help(help));
                }
                None => self.wrong(json, &format!("one of {}", suggest::list(words))),
            }
        }
        Some(Spanned::new(value?, json.span()))
    }

    /// A text.
    pub(super) fn text(&mut self, field: Field<'_>) -> Option<Spanned<String>> {
        self.value(field, "a text")
    }

    /// A count: a whole number, not negative.
    pub(super) fn count(&mut self, field: Field<'_>) -> Option<Spanned<usize>> {
        self.value(field, "a whole number")
    }

    /// A value that may be null or left out; its place is then that of the null, or the one that [`Self::absent`] gave.
    pub(super) fn optional<'a, T>(
        &mut self,
        field: Field<'a>,
        absent: &Range<usize>,
        read: impl FnOnce(&mut Self, Json<'a>) -> Option<T>,
    ) -> Option<Spanned<Option<T>>> {
        match field {
            None => Some(Spanned::new(None, absent.clone())),
            Some(json) if json.raw() == "null" => Some(Spanned::new(None, json.span())),
            Some(json) => Some(Spanned::new(Some(read(self, json)?), json.span())),
        }
    }

    /// A text that may be null or left out.
    pub(super) fn optional_text(&mut self, field: Field<'_>, absent: &Range<usize>) -> Option<Spanned<Option<String>>> {
        self.optional(field, absent, |reader, json| Some(reader.text(Some(json))?.value))
    }

    /// A list; a problem in one item does not keep the others from being read.
    pub(super) fn list<T>(
        &mut self,
        field: Field<'_>,
        mut read: impl FnMut(&mut Self, Json<'_>) -> Option<T>,
    ) -> Option<Spanned<Vec<T>>> {
        let json = field?;
        if !json.raw().starts_with('[') {
            self.wrong(json, "an array");
            return None;
        }
        let items = json.items();
        let values: Vec<Option<T>> = items.into_iter().map(|item| read(self, item)).collect();
        let values = values.into_iter().collect::<Option<_>>()?;
        Some(Spanned::new(values, json.span()))
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, field: Field<'_>) -> Option<Spanned<Vec<Spanned<String>>>> {
        self.list(field, |reader, item| reader.text(Some(item)))
    }
}

/// The first byte of a value, which stands for the whole.
pub(super) fn opening(json: Json<'_>) -> Range<usize> {
    let start = json.span().start;
    start..start + 1
}

/// What is said at the place of a value that is not there, and of a key in that place, which may be a slip of it.
pub(super) fn absent(source: &Arc<Source>, place: Range<usize>, name: &str) -> (Label, Option<String>) {
    let text = source.text();
    if !text[place.end..].trim_start().starts_with(':') {
        return (source.label(place, "missing here"), None);
    }
    let label = format!("{} is not known here", &text[place.clone()].replace('"', "`"));
    (source.label(place, label), Some(format!("if this is it, write `{name}`")))
}

/// A text that is not JSON: the comma that is too many, else the token at which serde_json gave up.
fn syntax(source: &Arc<Source>, form: &Form, error: &serde_json::Error) -> Diagnostic {
    let text = source.text();
    let at = json::offset(text, error.line(), error.column());
    let before = text[..at].trim_end();
    // What serde_json says without the place, which the label shows.
    let said = error.to_string();
    let reason = said.rfind(" at line ").map_or(said.as_str(), |end| &said[..end]);
    let (span, label, help) = if error.is_eof() {
        let reason = reason.replace("EOF while parsing", "the file ends within");
        (token(text, at), reason, "take another copy of the file: this one was cut off")
    } else if before.ends_with(',') && text[at..].starts_with(['}', ']']) {
        (before.len() - 1..before.len(), "nothing follows it".to_owned(), "remove this comma")
    } else {
        (token(text, at), reason.to_owned(), "mend the JSON here")
    };
    Diagnostic::new(form.syntax, "the text is not JSON", source.label(span, label)).with_help(help)
}

/// The token at a place, or the character.
fn token(text: &str, at: usize) -> Range<usize> {
    let word = |c: char| c.is_alphanumeric() || "_.+-".contains(c);
    let start = at - text[..at].chars().rev().take_while(|&c| word(c)).map(char::len_utf8).sum::<usize>();
    let rest: usize = text[at..].chars().take_while(|&c| word(c)).map(char::len_utf8).sum();
    let one = text[at..].chars().next().map_or(0, char::len_utf8);
    start..at + rest.max(one)
}
