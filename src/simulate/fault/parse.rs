//! Reads a fault in the words of an operator; what is wrong is named with its place and with what may stand there.

use std::str::FromStr;

use jiff::SignedDuration;

use super::{Fault, FaultError, KINDS, Kind, POINTS, Point, Problem, What};
use crate::{id::Name, operation};

const RUNNER_POINTS: &[&str] = &["before-effect", "middle", "after-effect"];

const WHATS: &[&str] = &[
    "lose-reply",
    "lose-request",
    "reject IC0207 [before|middle]",
    "http-503-before",
    "http-503-middle",
    "http-503-after",
    "slow 3s",
    "stuck",
    "hang [before|middle|after]",
    "kill-icp before|middle|after",
    "kill-runner at before-effect|middle|after-effect",
    "barrier NAME before|middle|after",
    "double-metadata",
    "torn-progress",
    "restarted [before|after]",
    "no-authority",
    "warming N",
];

impl Fault {
    /// The kinds of commands, for a help text.
    pub const KINDS: &'static [&'static str] = KINDS;

    /// What can happen to them, for a help text.
    pub const WHATS: &'static [&'static str] = WHATS;
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let colon = text.find(':').unwrap_or(text.len());
        let mut head = Words::new(&text[..colon], 0);
        let kind = head.expect("an operation", KINDS, Kind::of)?;
        let (member, nth) = head.expect("a member", &["*"], member)?;
        if colon == text.len() && head.end().is_err() {
            let problem = Problem::Missing("a colon before the fault");
            return Err(FaultError { span: head.at..head.at, problem, allowed: &[] });
        }
        head.end()?;
        let mut tail = Words::new(text.get(colon + 1..).unwrap_or_default(), text.len().min(colon + 1));
        let (at, word) = tail.next("a fault", WHATS)?;
        let (what, mut times) = what(word, at, kind, &mut tail)?;
        if tail.skip("times") {
            times = tail.expect("a number", &[], positive)?;
        }
        tail.end()?;
        if let Some(allowed) = misfit(kind, &what) {
            return Err(FaultError {
                span: at..text.trim_end().len(),
                problem: Problem::Misfit(text[at..].trim_end().to_owned(), kind.word()),
                allowed,
            });
        }
        Ok(Self { kind, member, nth, times, what })
    }
}

fn what(word: &str, at: usize, kind: Kind, tail: &mut Words<'_>) -> Result<(What, u64), FaultError> {
    let what = match word {
        "lose-reply" => What::LoseReply,
        "lose-request" => What::LoseRequest,
        "reject" => {
            let code = tail.expect("an error code such as IC0207", &[], error_code)?;
            What::Reject(code, tail.point()?.unwrap_or(Point::Before))
        }
        "http-503-before" => What::Http503(Point::Before),
        "http-503-middle" => What::Http503(Point::Middle),
        "http-503-after" => What::Http503(Point::After),
        "slow" => What::Slow(tail.expect("a duration such as 3s", &[], duration)?),
        "stuck" => What::Stuck,
        "hang" => What::Hang(tail.point()?.unwrap_or(Point::Before)),
        "kill-icp" => What::KillIcp(tail.expect("a point", POINTS, Point::of)?),
        "kill-runner" => {
            tail.skip("at");
            What::KillRunner(
                tail.expect("a point", RUNNER_POINTS, |word| Point::of(word.strip_suffix("-effect").unwrap_or(word)))?,
            )
        }
        "barrier" => {
            let name = tail.expect("a name", &[], |word| word.parse().ok())?;
            What::Barrier(name, tail.expect("a point", POINTS, Point::of)?)
        }
        "double-metadata" => What::DoubleMetadata,
        "torn-progress" => What::TornProgress,
        "restarted" => {
            let closes =
                matches!(kind, Kind::Of(operation::Kind::StopCanister) | Kind::Of(operation::Kind::TakeSnapshot));
            let usual = if closes { Point::After } else { Point::Before };
            What::Restarted(tail.point()?.unwrap_or(usual))
        }
        "no-authority" => What::NoAuthority,
        "warming" => return Ok((What::Warming, tail.expect("a number", &[], positive)?)),
        _ => {
            return Err(FaultError {
                span: at..at + word.len(),
                problem: Problem::Unknown(word.to_owned(), "a fault"),
                allowed: WHATS,
            });
        }
    };
    Ok((what, 1))
}

/// What commands of a kind cannot have, as the list of kinds (or points) that could.
fn misfit(kind: Kind, what: &What) -> Option<&'static [&'static str]> {
    const UPLOAD: &[&str] = &[operation::Kind::UploadSnapshot.as_str()];
    const STOP: &[&str] = &[operation::Kind::StopCanister.as_str()];
    const CALLS: &[&str] = &[operation::Kind::VerifyMember.as_str(), Kind::Call.word()];
    const ENDS: &[&str] = &[Point::Before.word(), Point::After.word()];
    const NOT_AFTER: &[&str] = &[Point::Before.word(), Point::Middle.word()];
    let (fits, allowed) = match what {
        What::DoubleMetadata | What::TornProgress => (kind == Kind::Of(operation::Kind::UploadSnapshot), UPLOAD),
        What::Stuck => (kind == Kind::Of(operation::Kind::StopCanister), STOP),
        What::Warming => (matches!(kind, Kind::Of(operation::Kind::VerifyMember) | Kind::Call), CALLS),
        What::Restarted(point) => (*point != Point::Middle, ENDS),
        What::Reject(_, point) => match point {
            Point::After => (false, NOT_AFTER),
            Point::Middle => (kind == Kind::Of(operation::Kind::UploadSnapshot), UPLOAD),
            Point::Before => (true, UPLOAD),
        },
        What::Http503(point)
        | What::Hang(point)
        | What::KillIcp(point)
        | What::KillRunner(point)
        | What::Barrier(_, point) => {
            (*point != Point::Middle || kind == Kind::Of(operation::Kind::UploadSnapshot), UPLOAD)
        }
        What::LoseReply | What::LoseRequest | What::Slow(_) | What::NoAuthority => (true, UPLOAD),
    };
    (!fits).then_some(allowed)
}

fn member(word: &str) -> Option<(Option<Name>, u64)> {
    let (name, nth) = match word.split_once('#') {
        Some((name, nth)) => (name, positive(nth)?),
        None => (word, 1),
    };
    match name {
        "*" => Some((None, nth)),
        name => Some((Some(name.parse().ok()?), nth)),
    }
}

fn positive(word: &str) -> Option<u64> {
    word.parse().ok().filter(|&number| number > 0)
}

fn duration(word: &str) -> Option<SignedDuration> {
    word.parse().ok().filter(SignedDuration::is_positive)
}

fn error_code(word: &str) -> Option<String> {
    let digits = word.strip_prefix("IC")?;
    let fits = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit());
    fits.then(|| word.to_owned())
}

/// Words of a text with their places.
struct Words<'a> {
    text: &'a str,
    /// Where `text` begins.
    at: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        let trimmed = text.trim_start();
        Self { at: at + text.len() - trimmed.len(), text: trimmed }
    }

    fn next(&mut self, noun: &'static str, allowed: &'static [&'static str]) -> Result<(usize, &'a str), FaultError> {
        let end = self.text.find(char::is_whitespace).unwrap_or(self.text.len());
        let (word, at) = (&self.text[..end], self.at);
        if word.is_empty() {
            return Err(FaultError { span: at..at, problem: Problem::Missing(noun), allowed });
        }
        *self = Self::new(&self.text[end..], at + end);
        Ok((at, word))
    }

    fn expect<T>(
        &mut self,
        noun: &'static str,
        allowed: &'static [&'static str],
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, FaultError> {
        let (at, word) = self.next(noun, allowed)?;
        parse(word).ok_or_else(|| FaultError {
            span: at..at + word.len(),
            problem: Problem::Unknown(word.to_owned(), noun),
            allowed,
        })
    }

    fn skip(&mut self, word: &str) -> bool {
        let rest = self.text.strip_prefix(word);
        let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) else {
            return false;
        };
        *self = Self::new(rest, self.at + word.len());
        true
    }

    fn point(&mut self) -> Result<Option<Point>, FaultError> {
        if self.text.is_empty() || self.text.starts_with("times") {
            return Ok(None);
        }
        self.expect("a point", POINTS, Point::of).map(Some)
    }

    fn end(&self) -> Result<(), FaultError> {
        let rest = self.text.trim_end();
        if rest.is_empty() {
            return Ok(());
        }
        Err(FaultError {
            span: self.at..self.at + rest.len(),
            problem: Problem::Surplus(rest.to_owned()),
            allowed: &[],
        })
    }
}
