//! The restore plan: what a person writes, reads in review and checks in.
//!
//! The passes: TOML text → `document` (every value with its place; what is wrong with single values) → `validate`
//! (what is wrong between them) → [`Plan`], in which names are unique, members stand in restore order and nothing needs
//! checking again. The [`Places`] of a plan stay beside it, for problems that only the disk or the network shows.

mod artifacts;
mod decode;
mod digest;
mod document;
mod schema;
mod validate;
mod warn;

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::{
    diagnostic::{Diagnostic, Severity, Source},
    id::{Digest, Name, Principal, SnapshotId},
};

pub use artifacts::{Artifacts, look, verify};
pub use digest::Difference;
pub use schema::schema;

/// A plan, valid by construction.
///
/// What is serialised here is the canonical form that [`Plan::digest`] is the SHA-256 of: its meaning, with defaults
/// filled in, and nothing of how or where it was written.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// Names the journal and the reports.
    pub name: Name,
    /// The network that the canisters live on.
    pub network: Network,
    /// Who calls, and by which way.
    pub caller: Caller,
    /// The backup that artifacts come from.
    pub backup: Backup,
    /// In restore order: a member stands after all that it depends on.
    pub members: Vec<Member>,
    /// How much may happen at once.
    pub limits: Limits,
    /// How long a thing may take.
    pub timeouts: Timeouts,
    /// How often, and after which pause, what was surely not applied is tried again.
    pub retry: Retry,
    /// How careful the run is.
    pub safety: Safety,
}

/// The network, as it is always named to icp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// By the address of its API and its root key.
    Url {
        /// `http://…` or `https://…`.
        url: String,
        /// What certificates are checked against.
        root_key: RootKey,
    },
    /// By a name that icp knows, such as `ic`.
    Name(Name),
    /// By an environment of an icp project.
    Environment {
        /// The environment's name.
        name: Name,
        /// The folder of the project, relative to the plan; without one, icp looks for it from where it is run.
        project: Option<Utf8PathBuf>,
    },
}

/// The key that a network's certificates are checked against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootKey {
    /// That of the IC.
    Mainnet,
    /// Whatever the network says: for test networks.
    Fetch,
    /// 133 bytes of DER in hex.
    Hex(String),
}

/// The identity behind the calls.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Caller {
    /// `--identity` of icp; without one, the default identity of its home.
    pub identity: Option<Name>,
    /// The principal that the identity must turn out to be.
    pub expect_principal: Option<Principal>,
    /// The canister that calls are made through.
    pub proxy: Option<Principal>,
    /// How many nodes the subnets have: what an upload costs grows with them.
    pub subnet_nodes: u32,
}

/// Where artifacts come from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Backup {
    /// Ties receipts to a backup.
    pub id: Option<String>,
    /// The folder that artifact paths are relative to; itself relative to the plan file.
    pub root: Utf8PathBuf,
}

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// How much may happen at once.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Limits {
    /// Uploads.
    pub upload: u32,
    /// Everything else.
    pub other: u32,
    /// Failed uploads and verifications that do not end the run.
    pub max_failures: u32,
    /// Bytes of memory that uploads may use together; by default, from what is free.
    pub upload_memory: Option<u64>,
}

/// How long a thing may take before it is ended and its outcome counts as unknown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Timeouts {
    /// An upload.
    #[serde(serialize_with = "millis")]
    pub upload: Duration,
    /// A stop, with all the time that the canister takes to finish its calls.
    #[serde(serialize_with = "millis")]
    pub stop: Duration,
    /// Everything else.
    #[serde(serialize_with = "millis")]
    pub other: Duration,
}

/// Trying again what was surely not applied.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Retry {
    /// Attempts in all in one run, the first included.
    pub attempts: u32,
    /// The pause before the second; it doubles with each.
    #[serde(serialize_with = "millis")]
    pub backoff: Duration,
}

/// How careful the run is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Safety {
    /// Whether a snapshot of each target is taken before its load, for rollback.
    pub snapshot: bool,
    /// What to do with a load whose outcome is unknown.
    pub ambiguous_load: AmbiguousLoad,
    /// What to do with unfinished snapshots that uploads of ours left behind.
    pub orphans: Orphans,
    /// Whether the snapshots that this run uploaded go away in the end.
    pub cleanup: Cleanup,
}

/// What to do with a load whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AmbiguousLoad {
    /// Ask a person.
    #[default]
    Halt,
    /// Load the same snapshot again, while the canister is still stopped.
    Reload,
}

/// What to do with orphans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orphans {
    /// Name them.
    #[default]
    Report,
    /// Delete those that are provably ours.
    DeleteOwn,
}

/// What becomes of the uploaded snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cleanup {
    /// They stay.
    #[default]
    Never,
    /// They are deleted once all is verified.
    OnSuccess,
}

/// Where in the text of a plan its members stand.
#[derive(Debug, Clone)]
pub struct Places {
    /// The text.
    pub source: Arc<Source>,
    /// By the index of the member in [`Plan::members`].
    pub members: Vec<MemberPlaces>,
    /// The root of the backup, or the name of the plan where none is written.
    pub root: Range<usize>,
}

/// Where the parts of a member stand, in bytes of the plan's text.
#[derive(Debug, Clone)]
pub struct MemberPlaces {
    /// Its name.
    pub name: Range<usize>,
    /// Its target, or its source where none is written.
    pub target: Range<usize>,
    /// The path of its artifact or the id of its snapshot.
    pub snapshot: Range<usize>,
    /// The digest of its artifact, or its snapshot's stated module hash, or the place of the snapshot.
    pub digest: Range<usize>,
}

/// A plan that was read, with its places and what is to be warned of.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The plan.
    pub plan: Plan,
    /// Where its parts stand.
    pub places: Places,
    /// Warnings, in order of place.
    pub warnings: Vec<Diagnostic>,
}

/// The largest plan that is read: beyond it lies a mistake in the file's name, not a fleet.
pub const LARGEST: u64 = 64 << 20;

/// Reads a plan.
///
/// # Errors
/// Every problem of the text, in order of place, warnings among them.
pub fn read(source: &Arc<Source>) -> Result<Reading, Vec<Diagnostic>> {
    let (draft, mut diagnostics) = document::read(source);
    let reading = draft.and_then(|draft| validate::plan(source, draft, &mut diagnostics));
    crate::diagnostic::sort(&mut diagnostics);
    match reading {
        Some((plan, places)) if diagnostics.iter().all(|d| d.severity() == Severity::Warning) => {
            Ok(Reading { plan, places, warnings: diagnostics })
        }
        _ => Err(diagnostics),
    }
}

impl Plan {
    /// The member of a name.
    pub fn member(&self, name: &Name) -> Option<&Member> {
        self.members.iter().find(|member| member.name == *name)
    }

    /// The plan of some members alone and of all that they depend on.
    #[must_use]
    pub fn only(&self, names: &[Name]) -> Self {
        let mut keep = vec![false; self.members.len()];
        for (index, member) in self.members.iter().enumerate().rev() {
            keep[index] |= names.contains(&member.name);
            if keep[index] {
                member.depends_on.iter().for_each(|&parent| keep[parent] = true);
            }
        }
        let mut place = vec![0; self.members.len()];
        let mut members = Vec::new();
        for (index, member) in self.members.iter().enumerate().filter(|&(index, _)| keep[index]) {
            place[index] = members.len();
            let depends_on = member.depends_on.iter().map(|&parent| place[parent]).collect();
            members.push(Member { depends_on, ..member.clone() });
        }
        Self { members, ..self.clone() }
    }

    /// The plan with every target that is a name replaced by its principal; those not in the map stay.
    #[must_use]
    pub fn resolved(mut self, principals: &BTreeMap<Name, Principal>) -> Self {
        for member in &mut self.members {
            if let Target::Named(name) = &member.target
                && let Some(principal) = principals.get(name)
            {
                member.target = Target::Canister(*principal);
            }
        }
        self
    }
}

impl Member {
    /// Whether the snapshot goes to another canister than the one that it came from.
    pub fn is_relocated(&self) -> bool {
        self.target != Target::Canister(self.source)
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

/// The folder that a plan's relative paths start from.
pub fn folder(file: &Utf8Path) -> &Utf8Path {
    match file.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    }
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
