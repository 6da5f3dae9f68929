//! Faults in the words of an operator: `load-snapshot app#2: lose-reply`.
//!
//! `KIND MEMBER[#NTH]: WHAT [times N]`. KIND is a kind of operation, MEMBER a name, a principal or `*`, NTH the
//! first of the member's commands of that kind that it strikes (1, if it is not said), and N how many it strikes (1).

mod parse;

use std::{fmt, ops::Range};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{id::Name, operation};

/// Something that goes wrong, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fault {
    /// The commands that it strikes.
    pub kind: Kind,
    /// The canister by name or principal; none: any.
    pub member: Option<Name>,
    /// The first command struck, counted from 1 over all that match kind and member.
    pub nth: u64,
    /// How many commands are struck.
    pub times: u64,
    /// What happens to them.
    pub what: What,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The effect is there, the answer never comes. An upload then has all its bytes there, and its progress file.
    LoseReply,
    /// The request never arrives; icp says the same.
    LoseRequest,
    /// The network refuses, with this code.
    Reject(String, Point),
    /// HTTP 503 before or after the effect. In an upload, after is after its metadata, middle is at a chunk.
    Http503(Point),
    /// The request takes this long to arrive.
    Slow(SignedDuration),
    /// The canister stays Stopping.
    Stuck,
    /// The process never ends.
    Hang(Point),
    /// The process ends as by SIGKILL.
    KillIcp(Point),
    /// The parent of the process ends as by SIGKILL; the process goes on.
    KillRunner(Point),
    /// The process says that it is there and waits until it is released.
    Barrier(Name, Point),
    /// icp's own retry makes a second snapshot, which stays unfinished.
    DoubleMetadata,
    /// The process is killed while it writes its progress file.
    TornProgress,
    /// Somebody starts the canister before the command, or after it.
    Restarted(Point),
    /// The caller is not a controller, as far as this command sees.
    NoAuthority,
    /// The application's method fails.
    Warming,
}

/// When, as seen from the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before anything is done.
    Before,
    /// With half of an upload's chunks sent.
    Middle,
    /// With everything done and nothing said.
    After,
}

/// The commands that a fault strikes: those of an operation, or one of the readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Those of an operation of this kind.
    Of(operation::Kind),
    /// `status`
    ReadStatus,
    /// `snapshot list`
    ListSnapshots,
    /// `call`
    Call,
}

/// Why a text is not a [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct FaultError {
    /// The bytes of the text that are wrong; empty where something is missing.
    pub span: Range<usize>,
    /// What is wrong with them.
    pub problem: Problem,
    /// What may stand there; empty where that has no list.
    pub allowed: &'static [&'static str],
}

/// What is wrong with the text of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// Something is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A word that cannot stand there.
    #[error("`{}` is not {}", .0.escape_debug(), .1)]
    Unknown(String, &'static str),
    /// Words after the end.
    #[error("`{}` is too much", .0.escape_debug())]
    Surplus(String),
    /// A fault that commands of this kind cannot have.
    #[error("`{0}` cannot happen to {1}")]
    Misfit(String, &'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.member.as_ref().map_or("*", Name::as_str);
        write!(f, "{} {member}", self.kind.word())?;
        if self.nth > 1 {
            write!(f, "#{}", self.nth)?;
        }
        write!(f, ": ")?;
        match &self.what {
            What::LoseReply => f.write_str("lose-reply"),
            What::LoseRequest => f.write_str("lose-request"),
            What::Reject(code, at) => write!(f, "reject {code} {}", at.word()),
            What::Http503(at) => write!(f, "http-503-{}", at.word()),
            What::Slow(time) => write!(f, "slow {time}"),
            What::Stuck => f.write_str("stuck"),
            What::Hang(at) => write!(f, "hang {}", at.word()),
            What::KillIcp(at) => write!(f, "kill-icp {}", at.word()),
            What::KillRunner(Point::Middle) => f.write_str("kill-runner at middle"),
            What::KillRunner(at) => write!(f, "kill-runner at {}-effect", at.word()),
            What::Barrier(name, at) => write!(f, "barrier {name} {}", at.word()),
            What::DoubleMetadata => f.write_str("double-metadata"),
            What::TornProgress => f.write_str("torn-progress"),
            What::Restarted(at) => write!(f, "restarted {}", at.word()),
            What::NoAuthority => f.write_str("no-authority"),
            What::Warming => return write!(f, "warming {}", self.times),
        }?;
        if self.times > 1 {
            write!(f, " times {}", self.times)?;
        }
        Ok(())
    }
}

impl Kind {
    /// All of them. The fleet as a whole is looked at by the commands that look at a member.
    const ALL: [Self; 10] = [
        Self::Of(operation::Kind::UploadSnapshot),
        Self::Of(operation::Kind::StopCanister),
        Self::Of(operation::Kind::TakeSnapshot),
        Self::Of(operation::Kind::LoadSnapshot),
        Self::Of(operation::Kind::StartCanister),
        Self::Of(operation::Kind::VerifyMember),
        Self::Of(operation::Kind::DeleteSnapshot),
        Self::ReadStatus,
        Self::ListSnapshots,
        Self::Call,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Of(kind) => kind.as_str(),
            Self::ReadStatus => "read-status",
            Self::ListSnapshots => "list-snapshots",
            Self::Call => "call",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Point {
    const ALL: [Self; 3] = [Self::Before, Self::Middle, Self::After];

    const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Middle => "middle",
            Self::After => "after",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.word() == word)
    }
}

/// The words for help texts.
const KINDS: &[&str] = &{
    let (mut words, mut at) = ([""; Kind::ALL.len()], 0);
    while at < words.len() {
        words[at] = Kind::ALL[at].word();
        at += 1;
    }
    words
};

const POINTS: &[&str] = &[Point::Before.word(), Point::Middle.word(), Point::After.word()];

impl TryFrom<String> for Fault {
    type Error = FaultError;

    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}
