//! What a finished command proves about the network.
//!
//! icp exits with 1 for whatever goes wrong; a lost request and a lost answer read the same. So only three things are
//! certain: success, a rejection with a code of the IC, and a usage error, before which nothing is sent.

use serde::{Deserialize, Serialize};

use super::{Exit, Reply};

/// What a command proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done,
    /// The network, or icp after asking it, refused: what was asked for was not applied.
    Rejected(Rejection),
    /// Nothing was sent.
    NotSent(String),
    /// Only the network knows.
    Unknown(String),
}

/// A definite refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rejection {
    /// The IC's error code, such as `IC0305`; none where icp itself refused.
    pub code: Option<String>,
    /// The first line of what was said.
    pub message: String,
}

impl Answer {
    /// Reads a reply.
    pub fn of(reply: &Reply) -> Self {
        let said = said(&reply.stderr);
        match reply.exit {
            Exit::Code(0) => Self::Done,
            Exit::Code(2) => Self::NotSent(said),
            Exit::Code(1) => match code(&reply.stderr) {
                Some(code) => Self::Rejected(Rejection { code: Some(code), message: said }),
                None if refused(&reply.stderr) => Self::Rejected(Rejection { code: None, message: said }),
                None => Self::Unknown(said),
            },
            Exit::Code(other) => Self::Unknown(format!("icp ended with status {other}: {said}")),
            Exit::Signal(signal) => Self::Unknown(format!("icp was killed by signal {signal}")),
            Exit::Ended => Self::Unknown("icp was ended before it answered".to_owned()),
        }
    }
}

impl Rejection {
    /// Whether the same call may succeed in a while: a snapshot that is not loadable before the next checkpoint, the
    /// limit on changed memory in a round, a long execution under way, too many requests.
    pub fn is_transient(&self) -> bool {
        let message = self.message.to_lowercase();
        self.code.as_deref() == Some("IC0210")
            || ["not currently loadable", "heap delta", "long execution", "long-running", "429"]
                .iter()
                .any(|sign| message.contains(sign))
    }

    /// Whether it was refused because the canister was not stopped.
    pub fn is_not_stopped(&self) -> bool {
        self.code.as_deref() == Some("IC0510") || (self.code.is_none() && refused(&self.message))
    }
}

/// The code in `error code Some("IC0305")`, or in `Some("IC0207") - …` of the status command.
fn code(stderr: &str) -> Option<String> {
    let at = stderr.find("Some(\"IC")? + "Some(\"".len();
    let code = &stderr[at..][..stderr[at..].find('"')?];
    (code.len() == 6).then(|| code.to_owned())
}

/// icp asks for the status before it takes or loads a snapshot, and refuses by itself.
fn refused(stderr: &str) -> bool {
    stderr.contains("is currently running. Please stop") || stderr.contains("is still stopping. Please wait")
}

/// The line that says what went wrong.
fn said(stderr: &str) -> String {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().find_map(|line| line.strip_prefix("Error: ").or_else(|| line.strip_prefix("error: ")));
    let said = error.or_else(|| lines().next_back()).unwrap_or("nothing was said");
    said.chars().take(1000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: i32, stderr: &str) -> Answer {
        Answer::of(&Reply { exit: Exit::Code(code), stdout: String::new(), stderr: stderr.to_owned() })
    }

    #[test]
    fn only_codes_of_the_ic_and_refusals_are_definite() {
        let text = "Error: direct update call failed: … error code Some(\"IC0305\")\n\nCaused by:\n    …";
        assert!(matches!(reply(1, text), Answer::Rejected(Rejection { code: Some(code), .. }) if code == "IC0305"));
        assert!(
            matches!(reply(1, "Error: Canister a (b) is currently running. Please stop the"), Answer::Rejected(r) if r.is_not_stopped())
        );
        assert!(matches!(
            reply(1, "Error: An error happened during communication with the replica"),
            Answer::Unknown(_)
        ));
        assert!(matches!(reply(2, "error: unexpected argument"), Answer::NotSent(_)));
        assert!(matches!(reply(101, "panicked"), Answer::Unknown(_)));
    }
}
