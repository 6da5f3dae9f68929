//! Single values of a plan: strings, numbers, booleans and lists of them, with what to write in the place of another type.

use toml::de::DeValue;

use super::{At, Decoder, kind};
use crate::diagnostic::{Code, suggest};

impl Decoder<'_> {
    pub(in crate::plan) fn string<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<&'a str> {
        let help = match value.get_ref() {
            DeValue::String(text) => return Some(text),
            DeValue::Array(items) if items.len() == 1 => format!("write {}", self.raw(&items[0])),
            DeValue::Array(_) | DeValue::Table(_) => "write a string".to_owned(),
            _ => format!("write \"{}\"", self.raw(value)),
        };
        self.string_or(value, &help)
    }

    /// A string of a kind that the help tells.
    pub(in crate::plan) fn string_or<'a>(&mut self, value: &'a At<DeValue<'a>>, help: &str) -> Option<&'a str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(value, "a string", help.to_owned());
        }
        text
    }

    /// The beginning of a value as it is written.
    pub(in crate::plan) fn raw(&self, value: &At<DeValue<'_>>) -> String {
        suggest::clipped(&self.source.text()[value.span()])
    }

    /// Text for people or for icp: nothing that could pass for a flag or drive a terminal.
    pub(in crate::plan) fn text<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<String> {
        let text = self.string(value)?;
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            let message = format!("the control character {} cannot stand in this text", control.escape_unicode());
            let is_escape = self.raw(value).contains('\\');
            let help = if is_escape { "write the text in single quotes, without escapes" } else { "remove it" };
            self.help(Code::BadText, value.span(), message, "in here", help);
            return None;
        }
        if text.is_empty() || text.starts_with('-') {
            let message = if text.is_empty() { "an empty text" } else { "icp would take this for a flag" };
            self.help(Code::BadText, value.span(), message.into(), "here", "write another text");
            return None;
        }
        Some(text.to_owned())
    }

    pub(in crate::plan) fn boolean<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<bool> {
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            let word = value.get_ref().as_str().map(str::to_ascii_lowercase);
            let help = match word.as_deref().or(value.get_ref().as_integer().map(|number| number.as_str())) {
                Some("true" | "yes" | "on" | "1") => "write `true`",
                Some("false" | "no" | "off" | "0") => "write `false`",
                _ => "write `true` or `false`",
            };
            self.wrong_type(value, "true or false", help.to_owned());
        }
        boolean
    }

    pub(in crate::plan) fn number<'a>(
        &mut self,
        value: &'a At<DeValue<'a>>,
        allowed: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let Some(integer) = value.get_ref().as_integer() else {
            let text = value.get_ref().as_str().filter(|text| text.parse::<u32>().is_ok());
            let help = text.map_or("write a whole number".to_owned(), |number| format!("write {number}"));
            self.wrong_type(value, "a whole number", help);
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

    pub(in crate::plan) fn array<'a>(
        &mut self,
        value: &'a At<DeValue<'a>>,
    ) -> Option<impl Iterator<Item = &'a At<DeValue<'a>>> + use<'a>> {
        let array = value.get_ref().as_array();
        if array.is_none() {
            let is_one = value.get_ref().is_str();
            let help = if is_one { format!("write [{}]", self.raw(value)) } else { "write an array".to_owned() };
            self.wrong_type(value, "an array", help);
        }
        array.map(|array| array.iter())
    }

    /// One of some words.
    pub(in crate::plan) fn word<'a, T: Copy>(&mut self, value: &'a At<DeValue<'a>>, words: &[(&str, T)]) -> Option<T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let text = self.string_or(value, &format!("write one of {}", suggest::list(&known)))?;
        if let Some(&(_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Some(meaning);
        }
        let (message, help) = suggest::none_of(text, &known);
        self.help(Code::UnknownValue, value.span(), message, "not known here", help);
        None
    }

    fn wrong_type(&mut self, value: &At<DeValue<'_>>, wanted: &str, help: String) {
        let message = format!("{} where {wanted} goes", kind(value.get_ref()));
        self.help(Code::WrongType, value.span(), message, &format!("{wanted} goes here"), help);
    }
}
