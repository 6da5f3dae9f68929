//! What must not be kept: key material, paths of password files, and the secrets that a CI job has in its environment.

use std::ops::Range;

use super::Command;

/// Replaces secrets in texts that outlive a run.
#[derive(Debug, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

const HIDDEN: &str = "[redacted]";

/// Shorter values are no secrets, and replacing them would garble everything.
const SHORTEST: usize = 6;

/// Lines of a secret of many lines are hidden one by one from this length on: keys are printed in parts.
const SHORTEST_LINE: usize = 16;

/// The flag whose value is a path that nobody needs to know.
const PASSWORD_FILE: &str = "--identity-password-file";

impl Redactor {
    /// Hides these values, and all that stands between the marks of a PEM block.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut hidden = Vec::new();
        for secret in secrets {
            let lines = secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
            hidden.extend(lines.map(str::to_owned));
            // What prints a secret mostly leaves out the line end that a file or a variable has.
            hidden.push(secret.trim().to_owned());
        }
        hidden.retain(|secret| secret.len() >= SHORTEST);
        hidden.sort_unstable();
        hidden.dedup();
        Self { secrets: hidden }
    }

    /// Hides the values of variables that are named like secrets.
    pub fn from_environment(more: impl IntoIterator<Item = String>) -> Self {
        let named = |name: &str| {
            let name = name.to_ascii_uppercase();
            ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "PRIVATE_KEY", "API_KEY", "CREDENTIAL", "SEED"]
                .iter()
                .any(|sign| name.contains(sign))
        };
        let secrets =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::new(secrets.filter(|(name, _)| named(name)).map(|(_, value)| value).chain(more))
    }

    /// The text without secrets. Of secrets that overlap nothing is left, either.
    pub fn redact(&self, text: &str) -> String {
        let mut found: Vec<Range<usize>> = Vec::new();
        for secret in &self.secrets {
            let mut from = 0;
            while let Some(at) = text[from..].find(secret.as_str()).map(|at| from + at) {
                found.push(at..at + secret.len());
                // A secret can overlap itself.
                from = at + text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        found.extend(keys(text));
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let (mut out, mut end) = (String::with_capacity(text.len()), 0);
        for range in found {
            if range.end <= end {
                continue;
            }
            if range.start >= end {
                out.push_str(&text[end..range.start]);
                out.push_str(HIDDEN);
            }
            end = range.end;
        }
        out.push_str(&text[end..]);
        out
    }

    /// The arguments without secrets, and without the path of a password file.
    pub fn args(&self, args: &[String]) -> Vec<String> {
        let mut hide = false;
        let mut shown = Vec::with_capacity(args.len());
        for arg in args {
            shown.push(match std::mem::replace(&mut hide, arg == PASSWORD_FILE) {
                true => HIDDEN.to_owned(),
                false => self.redact(arg),
            });
        }
        shown
    }

    /// The command without secrets.
    pub fn command(&self, command: &Command) -> Command {
        Command { program: self.redact(&command.program), args: self.args(&command.args) }
    }
}

/// From the begin mark of each PEM block to the end of the line of its end mark, or of the text.
fn keys(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(begin) = text[from..].find("-----BEGIN ").map(|at| from + at) {
        let end = text[begin..].find("-----END ").map_or(text.len(), |at| {
            let end = begin + at;
            text[end..].find('\n').map_or(text.len(), |line| end + line)
        });
        found.push(begin..end);
        from = end;
    }
    found
}
