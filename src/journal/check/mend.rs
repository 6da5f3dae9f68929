//! What was changed in a line: the one change that would make its sum right again.
//!
//! A line's sum says that it was changed, and proves a guess at how. Guesses are made a token at a time: what the same
//! field holds in other lines, a character replaced, left out or added, a key renamed, a value retyped. A guess that
//! the 64 bits of the sum confirm is no guess any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use sha2::{Digest as _, Sha256};

use crate::{
    id::Digest,
    journal::line::{SUM, is_whole, sum},
    json::Json,
};

/// Bytes that are hashed for one line, and for all lines of a journal: a second's work at most.
const MOST_OF_LINE: usize = 48 << 20;
const MOST: usize = 96 << 20;

/// Values of a field that are tried.
const MOST_VALUES: usize = 40;

/// Strings longer than this are not gone through by character.
const MOST_LENGTH: usize = 100;

/// Words that fields can hold, whether or not the journal has them elsewhere.
const WORDS: &[&str] = &[
    "opened",
    "resumed",
    "claimed",
    "finished",
    "settled",
    "released",
    "adopted",
    "closed",
    "completed",
    "rejected",
    "not-sent",
    "disproved",
    "unknown",
    "done",
    "failed",
    "unverified",
    "stopped",
    "interrupted",
    "running",
];

/// How a line was changed.
pub(super) struct Change {
    /// What is there now.
    pub(super) span: Range<usize>,
    /// What was there.
    pub(super) was: String,
    /// The line as it was.
    pub(super) line: String,
}

impl Change {
    pub(super) fn label(&self) -> String {
        if self.was.is_empty() { "added since".to_owned() } else { format!("changed since: it was {}", self.was) }
    }
}

/// What the lines of a journal hold, by key.
pub(super) struct Mender<'a> {
    values: BTreeMap<String, BTreeSet<&'a str>>,
    budget: usize,
}

impl<'a> Mender<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut mender = Self { values: BTreeMap::new(), budget: MOST };
        for line in text.lines().take(2000).filter(|line| is_whole(line)) {
            if let Ok(json) = Json::parse(line) {
                mender.learn(json);
            }
        }
        mender
    }

    fn learn(&mut self, json: Json<'a>) {
        for entry in json.entries() {
            let values = self.values.entry(entry.key.into_owned()).or_default();
            if values.len() < MOST_VALUES && entry.value.raw().len() <= MOST_LENGTH {
                values.insert(entry.value.raw());
            }
            self.learn(entry.value);
        }
        json.items().into_iter().for_each(|item| self.learn(item));
    }

    /// Finds the change, if it is one of those that are tried. `prev` is the digest of the line before, `next` what the
    /// line after says of this one.
    pub(super) fn mend(&mut self, line: &str, prev: Digest, next: Option<Digest>) -> Option<Change> {
        let (before, written) = line.rsplit_once(SUM)?;
        let start = before.len() + SUM.len();
        let right = sum(before);
        let repaired = format!("{before}{SUM}{right}\"}}");
        if next == Some(Digest::of(&repaired)) {
            let end = written.find('"').map_or(line.len(), |at| start + at);
            return Some(Change { span: start..end, was: right, line: repaired });
        }
        let wanted = written.strip_suffix("\"}").filter(|sum| sum.len() == 16)?;
        let allowed = MOST_OF_LINE.min(self.budget);
        let mut search = Search::new(before, &line[before.len()..], wanted, allowed);
        let found = self.search(&mut search, prev);
        self.budget -= allowed - search.left;
        match found {
            Err(Stop::Found(change)) => Some(change),
            Ok(()) | Err(Stop::Spent) => None,
        }
    }

    fn search(&self, search: &mut Search<'_>, prev: Digest) -> Result<(), Stop> {
        let before = search.before;
        let closed = format!("{before}}}");
        let Ok(json) = Json::parse(&closed) else { return search.structure() };
        let mut tokens = Vec::new();
        tokens_of(json, "", &mut tokens);
        // What only the added brace makes a value is none.
        tokens.retain(|(_, span, _)| span.end <= before.len());
        // What is likely first: the hash of the line before, then what other lines hold, then slips.
        for (key, span, is_key) in &tokens {
            if *is_key {
                for other in self.values.keys() {
                    search.attempt(span.clone(), &format!("\"{other}\""))?;
                }
                continue;
            }
            if key == "prev" {
                search.attempt(span.clone(), &format!("\"{prev}\""))?;
            }
            for value in self.values.get(key).into_iter().flatten() {
                search.attempt(span.clone(), value)?;
            }
            let raw = &before[span.clone()];
            match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
                Some(bare) => {
                    search.attempt(span.clone(), bare)?;
                    for word in WORDS {
                        search.attempt(span.clone(), &format!("\"{word}\""))?;
                    }
                }
                None => search.attempt(span.clone(), &format!("\"{raw}\""))?,
            }
        }
        tokens.iter().filter(|(_, span, _)| span.len() <= MOST_LENGTH).try_for_each(|(_, span, _)| search.slips(span))
    }
}

/// Why a search ends early.
enum Stop {
    Found(Change),
    /// It would take too long.
    Spent,
}

/// Guesses at one line.
struct Search<'l> {
    before: &'l str,
    /// From the sum on.
    rest: &'l str,
    wanted: &'l str,
    /// The hash of the line up to every so many bytes.
    states: Vec<Sha256>,
    /// Bytes that may yet be hashed.
    left: usize,
}

/// Bytes between the states that are kept.
const STEP: usize = 128;

impl<'l> Search<'l> {
    fn new(before: &'l str, rest: &'l str, wanted: &'l str, left: usize) -> Self {
        let mut states = vec![Sha256::new()];
        for chunk in before.as_bytes().chunks_exact(STEP) {
            let mut state = states.last().cloned().unwrap_or_default();
            state.update(chunk);
            states.push(state);
        }
        Self { before, rest, wanted, states, left }
    }

    /// Whether the line would be whole with something else at a place.
    fn attempt(&mut self, span: Range<usize>, text: &str) -> Result<(), Stop> {
        let at = span.start / STEP;
        let Some(state) = self.states.get(at) else { return Ok(()) };
        let bytes = self.before.as_bytes();
        self.left = self.left.checked_sub(bytes.len() - at * STEP + STEP).ok_or(Stop::Spent)?;
        let mut state = state.clone();
        state.update(&bytes[at * STEP..span.start]);
        state.update(text);
        state.update(&bytes[span.end..]);
        if hex::encode(&state.finalize()[..8]) != self.wanted {
            return Ok(());
        }
        let line = format!("{}{text}{}{}", &self.before[..span.start], &self.before[span.end..], self.rest);
        Err(Stop::Found(Change { span, was: text.to_owned(), line }))
    }

    /// Tries a word with one character replaced, left out or added; the change is the whole word.
    fn slips(&mut self, span: &Range<usize>) -> Result<(), Stop> {
        const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz-_.:";
        let word = &self.before[span.clone()];
        if !word.is_ascii() {
            return Ok(());
        }
        let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'"');
        let alphabet = if hex { &DIGITS[..16] } else { DIGITS };
        let quoted = usize::from(word.starts_with('"'));
        for at in quoted..word.len() + 1 - quoted {
            let (head, tail) = word.split_at(at);
            for &digit in alphabet {
                let digit = char::from(digit);
                self.attempt(span.clone(), &format!("{head}{digit}{tail}"))?;
                if at + quoted < word.len() {
                    self.attempt(span.clone(), &format!("{head}{digit}{}", &tail[1..]))?;
                }
            }
            if at + quoted < word.len() {
                self.attempt(span.clone(), &format!("{head}{}", &tail[1..]))?;
            }
        }
        Ok(())
    }

    /// Of a line that is not JSON: a sign that is missing, or one too many.
    fn structure(&mut self) -> Result<(), Stop> {
        let places: Vec<(usize, char)> = self.before.char_indices().collect();
        for (at, c) in places {
            for sign in ["\"", ",", ":", "{", "}", "[", "]", "\\"] {
                if let Err(Stop::Found(change)) = self.attempt(at..at, sign) {
                    // A gap cannot be labelled: what stands behind it is.
                    return Err(Stop::Found(Change {
                        span: at..at + c.len_utf8(),
                        was: format!("{sign}{c}"),
                        ..change
                    }));
                }
            }
            self.attempt(at..at + c.len_utf8(), "")?;
        }
        Ok(())
    }
}

/// Keys and scalar values of a line with their places.
fn tokens_of(json: Json<'_>, key: &str, tokens: &mut Vec<(String, Range<usize>, bool)>) {
    let (entries, items) = (json.entries(), json.items());
    if entries.is_empty() && items.is_empty() {
        tokens.push((key.to_owned(), json.span(), false));
    }
    for entry in entries {
        tokens.push((entry.key.to_string(), entry.key_span.clone(), true));
        tokens_of(entry.value, &entry.key, tokens);
    }
    items.into_iter().for_each(|item| tokens_of(item, key, tokens));
}
