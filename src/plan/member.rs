//! A canister to be put back: from what, to where, and what is proved of it.

use std::{collections::BTreeMap, time::Duration};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::options::millis;
use crate::id::{Digest, Name, Principal, SnapshotId};

/// A canister to be put back.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Member {
    /// Unique in the plan.
    pub name: Name,
    /// The canister that the snapshot came from.
    pub source: Principal,
    /// The canister that it goes to.
    pub target: Target,
    /// What is loaded.
    pub snapshot: Snapshot,
    /// Indexes of the members that are loaded before this one and started after it.
    pub depends_on: Vec<usize>,
    /// How the canister is left.
    pub r#final: Final,
    /// What is proved of it.
    pub verify: Verify,
    /// What it must answer once it runs.
    pub checks: Vec<Check>,
}

/// The canister that a member is restored to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// By its id.
    Canister(Principal),
    /// By its name in the icp project; resolved once, before anything else.
    Named(Name),
}

/// What is loaded into a canister.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Snapshot {
    /// Uploaded from disk first.
    Artifact {
        /// Relative to the root of the backup.
        path: Utf8PathBuf,
        /// The seal: see [`crate::artifact`].
        sha256: Digest,
    },
    /// On the canister already.
    OnChain {
        /// Its id.
        id: SnapshotId,
        /// The code that it is stated to hold.
        module_hash: Option<Digest>,
    },
}

/// How a canister is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Final {
    /// Started, unless it was stopped before this run.
    #[default]
    AsBefore,
    /// Started in any case.
    Running,
    /// Not started.
    Stopped,
}

/// What is proved of a member, before what it depends on opens.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verify {
    /// Its status is the final one.
    pub running: bool,
    /// Its code is that of the snapshot.
    pub module_hash: bool,
    /// Its controllers are these, or where none are stated, those of before.
    pub controllers: Option<Stated<Vec<Principal>>>,
    /// Its settings are these, or where none are stated, those of before.
    pub settings: Option<Stated<BTreeMap<String, String>>>,
}

/// What a verification compares with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stated<T> {
    /// What was true before this run.
    AsBefore,
    /// What the plan says.
    As(T),
}

/// A call to the application and its answer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    /// The method.
    pub call: String,
    /// Its arguments as Candid text.
    pub args: String,
    /// Whether it is made as a query.
    pub query: bool,
    /// The answer as Candid text, compared without regard to white space; any answer will do where none is stated.
    pub expect: Option<String>,
    /// How long one call may take.
    #[serde(serialize_with = "millis")]
    pub timeout: Duration,
    /// How many calls may be made while the canister warms up.
    pub attempts: u32,
}

impl Member {
    /// Whether the snapshot goes to another canister than the one that it came from; of a name that is not resolved yet,
    /// that is not known.
    pub fn is_relocated(&self) -> bool {
        matches!(self.target, Target::Canister(target) if target != self.source)
    }
}

impl TryFrom<String> for Target {
    type Error = crate::id::NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match Principal::from_text(&text) {
            Ok(principal) => Ok(Self::Canister(principal)),
            Err(_) => text.parse().map(Self::Named),
        }
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Canister(principal) => principal.fmt(f),
            Self::Named(name) => name.fmt(f),
        }
    }
}
