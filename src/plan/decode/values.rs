//! Texts with a grammar of their own in a plan: principals, names, digests, snapshot ids, durations and sizes.

use std::{ops::Range, str::FromStr, time::Duration};

use jiff::{SignedDuration, fmt::friendly::SpanParser};
use toml::de::DeValue;

use super::{At, Decoder};
use crate::{
    diagnostic::{Code, Diagnostic, suggest},
    id::{self, Digest, DigestError, Name, NameError, Principal, SnapshotId, SnapshotIdError},
};

impl Decoder<'_> {
    pub(in crate::plan) fn principal<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<Principal> {
        let text = self.string_or(value, "write the principal of a canister")?;
        let mut odd = None;
        let (message, help) = match Principal::from_text(text) {
            Ok(principal) if principal.to_text() == text => return Some(principal),
            Ok(principal) => ("this is not how the principal is written".to_owned(), format!("write \"{principal}\"")),
            Err(wrong) => {
                odd = id::odd_character(text);
                id::not_a_principal(text, &wrong)
            }
        };
        let label = self.source.label(value.span(), "not a principal");
        let diagnostic = Diagnostic::new(Code::BadPrincipal, message, label).with_help(help);
        self.push_within(diagnostic, text, value.span(), odd.map(|(at, c)| (at, c.len_utf8())));
        None
    }

    pub(in crate::plan) fn name<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<Name> {
        let text = self.string(value)?;
        let span = value.span();
        self.parsed(
            text,
            span,
            Code::BadName,
            "use letters, digits, `-`, `_` and `.`, a letter or digit first",
            |wrong| match wrong {
                NameError::Character(at, c) => Some((*at, c.len_utf8())),
                NameError::Empty | NameError::Long(_) => None,
            },
        )
    }

    pub(in crate::plan) fn digest<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<Digest> {
        let help = "write the 64 hex digits of a SHA-256 digest";
        let text = self.string_or(value, help)?;
        self.parsed(text, value.span(), Code::BadDigest, help, |wrong| match wrong {
            DigestError::Digit(at, c) => Some((*at, c.len_utf8())),
            DigestError::Length(_) => None,
        })
    }

    pub(in crate::plan) fn snapshot_id<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<SnapshotId> {
        let help = "copy the id from `icp canister snapshot list`";
        let text = self.string_or(value, help)?;
        self.parsed(text, value.span(), Code::BadSnapshotId, help, |wrong| match wrong {
            SnapshotIdError::Digit(at, c) => Some((*at, c.len_utf8())),
            SnapshotIdError::Length(_) => None,
        })
    }

    pub(in crate::plan) fn duration<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<Duration> {
        const HELP: &str = "write a duration such as \"90s\", \"10m\" or \"1h30m\"";
        static PARSER: SpanParser = SpanParser::new();

        let text = self.string_or(value, HELP)?;
        let parsed = PARSER.parse_duration(text).ok().filter(|d: &SignedDuration| !d.is_negative());
        match parsed.and_then(|duration| Duration::try_from(duration).ok()) {
            Some(Duration::ZERO) => {
                self.help(Code::BadDuration, value.span(), "no time at all".into(), "zero", HELP);
                None
            }
            Some(duration) => Some(duration),
            None => {
                let message = format!("`{}` is not a duration", suggest::shown(text));
                self.help(Code::BadDuration, value.span(), message, "not a duration", HELP);
                None
            }
        }
    }

    /// Bytes, as `4GiB` or `500 MB`.
    pub(in crate::plan) fn bytes<'a>(&mut self, value: &'a At<DeValue<'a>>) -> Option<u64> {
        const HELP: &str = "write a size such as \"4GiB\"";
        let text = self.string_or(value, HELP)?;
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let unit: Option<u64> = match text[digits..].trim() {
            "B" => Some(1),
            "kB" => Some(1_000),
            "KiB" => Some(1 << 10),
            "MB" => Some(1_000_000),
            "MiB" => Some(1 << 20),
            "GB" => Some(1_000_000_000),
            "GiB" => Some(1 << 30),
            _ => None,
        };
        let size = unit.and_then(|unit| text[..digits].parse::<u64>().ok()?.checked_mul(unit));
        if size.is_none() {
            let message = format!("`{}` is not a size", suggest::shown(text));
            self.help(Code::BadText, value.span(), message, "not a size", HELP);
        }
        size
    }

    /// A text with a grammar of its own; `within` tells the offset and length of the character that breaks it.
    fn parsed<T: FromStr>(
        &mut self,
        text: &str,
        span: Range<usize>,
        code: Code,
        help: &str,
        within: impl Fn(&T::Err) -> Option<(usize, usize)>,
    ) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(wrong) => {
                let label = self.source.label(span.clone(), "this text");
                let diagnostic = Diagnostic::new(code, wrong.to_string(), label).with_help(help);
                self.push_within(diagnostic, text, span, within(&wrong));
                None
            }
        }
    }

    /// Reports what is wrong with a string, and with which of its bytes, where those can be found in the text.
    fn push_within(&mut self, diagnostic: Diagnostic, text: &str, span: Range<usize>, within: Option<(usize, usize)>) {
        // Only in a string without escapes do offsets in the value lead to places in the text.
        let quote = &self.source.text()[span.clone()];
        let plain = quote.get(1..quote.len().saturating_sub(1)) == Some(text);
        self.push(match within.filter(|_| plain) {
            Some((offset, length)) => {
                let at = span.start + 1 + offset;
                diagnostic.with_label(self.source.label(at..at + length, "this character"))
            }
            None => diagnostic,
        });
    }
}
