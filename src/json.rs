//! Places in JSON text, by borrowed raw values: serde_json stays the only parser.
//!
//! A [`Json`] is a value that knows where it lies in its text. Children are parsed when they are asked for, so a
//! deeply nested text costs nothing but what is looked at.

use std::{borrow::Cow, fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// A JSON value at its place in a text.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    text: &'a str,
    raw: &'a str,
}

/// A key of an object with its value; keys may stand there twice.
#[derive(Clone)]
pub struct Entry<'a> {
    /// The key, unescaped.
    pub key: Cow<'a, str>,
    /// The bytes of the key, quotes included.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Json<'a>,
}

impl<'a> Json<'a> {
    /// The one value that a text consists of.
    ///
    /// # Errors
    /// As serde_json says, with line and column in the text.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self { text, raw: raw.get() })
    }

    /// The value's own text.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The bytes of the value in its text.
    pub fn span(&self) -> Range<usize> {
        let start = self.offset(self.raw);
        start..start + self.raw.len()
    }

    /// The entries of an object in order; none where it is not one.
    pub fn entries(&self) -> Vec<Entry<'a>> {
        let Ok(Entries(entries)) = serde_json::from_str(self.raw) else {
            return Vec::new();
        };
        let mut after = self.offset(self.raw) + 1;
        entries
            .into_iter()
            .map(|(key, raw)| {
                let value = Self { text: self.text, raw: raw.get() };
                let span = value.span();
                let between = &self.text[after..span.start];
                let open = after + between.find('"').unwrap_or(0);
                let close = after + between.rfind('"').map_or(between.len(), |at| at + 1);
                after = span.end;
                Entry { key, key_span: open..close, value }
            })
            .collect()
    }

    /// The items of an array in order; none where it is not one.
    pub fn items(&self) -> Vec<Self> {
        let raws: Vec<&RawValue> = serde_json::from_str(self.raw).unwrap_or_default();
        raws.into_iter().map(|raw| Self { text: self.text, raw: raw.get() }).collect()
    }

    /// The value of a key of an object; the last one, as serde_json takes it, where it stands there twice.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The entry of a key of an object.
    pub fn entry(&self, key: &str) -> Option<Entry<'a>> {
        self.entries().into_iter().rfind(|entry| entry.key == key)
    }

    /// The string that the value is.
    pub fn as_str(&self) -> Option<String> {
        self.decode()
    }

    /// The value as a type.
    pub fn decode<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(self.raw).ok()
    }

    /// Where a pointer of keys leads, as far as it leads anywhere: the deepest value that is there.
    pub fn locate(&self, keys: &[&str]) -> Self {
        let mut at = *self;
        for key in keys {
            match at.get(key) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    fn offset(&self, part: &str) -> usize {
        part.as_ptr() as usize - self.text.as_ptr() as usize
    }
}

/// The offset in a text of a place that serde_json names: lines from 1, columns in bytes from 1 (0: before the line).
pub fn offset(text: &str, line: usize, column: usize) -> usize {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let start = starts.into_iter().nth(line.saturating_sub(1)).unwrap_or(text.len());
    text.floor_char_boundary(start + column.saturating_sub(1))
}

struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// A key borrowed where it has no escapes; `Cow` alone always copies.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_knows_its_place() {
        let text = r#" { "a" : [1, {"b\"c": "x"}], "a": null } "#;
        let root = Json::parse(text).unwrap();
        let entries = root.entries();
        assert_eq!(&text[entries[0].key_span.clone()], r#""a""#);
        let inner = entries[0].value.items()[1].entries().remove(0);
        assert_eq!(inner.key, "b\"c");
        assert_eq!(&text[inner.key_span], r#""b\"c""#);
        assert_eq!(&text[inner.value.span()], r#""x""#);
        assert_eq!(root.get("a").unwrap().raw(), "null");
    }

    #[test]
    fn nesting_without_end_is_an_error_and_not_a_crash() {
        let deep = "[".repeat(1_000_000);
        assert!(Json::parse(&deep).is_err());
    }
}
