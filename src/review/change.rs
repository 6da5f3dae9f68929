//! What another plan does otherwise: in operations, and in meaning.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    id::{Digest, Name},
    operation::{self, Kind},
    plan::{Difference, Plan},
};

/// What a plan does otherwise than another one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Changes {
    /// The digest of the other one.
    pub was: Digest,
    /// The digest of this one: where both are the same, so is all that is done.
    pub is: Digest,
    /// Operations that are added, removed or changed.
    pub operations: Vec<Change>,
    /// What the plans say differently.
    pub meaning: Vec<Difference>,
}

/// An operation that is not the same in both plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// What becomes of it.
    pub what: What,
    /// Which kind.
    pub kind: Kind,
    /// For whom.
    pub member: Name,
    /// In which way it is changed: keys of the member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Only this plan has it.
    Added,
    /// Only the other plan had it.
    Removed,
    /// Both have it, and it does something else.
    Changed,
}

/// Compares two plans.
pub fn changes(was: &Plan, is: &Plan) -> Changes {
    let meaning = was.differences(is);
    let mut because: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for difference in &meaning {
        if let Some((member, key)) = difference.what.strip_prefix("member ").and_then(|rest| rest.split_once(": ")) {
            because.entry(member).or_default().push(key);
        }
    }
    let (before, after) = (operation::compile(was), operation::compile(is));
    let mut operations = Vec::new();
    for old in before.iter().filter(|old| after.find(old.kind, &old.member).is_none()) {
        operations.push(Change { what: What::Removed, kind: old.kind, member: old.member.clone(), because: vec![] });
    }
    for new in &after {
        let change = |what, because| Change { what, kind: new.kind, member: new.member.clone(), because };
        if before.find(new.kind, &new.member).is_none() {
            operations.push(change(What::Added, Vec::new()));
            continue;
        }
        let keys = because.get(new.member.as_str()).map_or(&[][..], Vec::as_slice);
        let own: Vec<String> = keys.iter().filter(|key| concerns(key, new.kind)).map(|key| (*key).to_owned()).collect();
        if !own.is_empty() {
            operations.push(change(What::Changed, own));
        }
    }
    Changes { was: was.digest(), is: is.digest(), operations, meaning }
}

/// Whether a key of a member says something about what an operation of a kind does.
fn concerns(key: &str, kind: Kind) -> bool {
    let is = |name: &str| key == name || key.strip_prefix(name).is_some_and(|rest| rest.starts_with(": "));
    match kind {
        Kind::VerifyFleet => false,
        _ if is("source") || is("target") => true,
        Kind::UploadSnapshot | Kind::DeleteSnapshot => is("snapshot"),
        Kind::LoadSnapshot => is("snapshot") || is("depends-on"),
        Kind::StopCanister => is("depends-on"),
        Kind::TakeSnapshot => false,
        Kind::StartCanister => is("final") || is("depends-on"),
        Kind::VerifyMember => is("verify") || is("checks") || is("final") || is("snapshot"),
    }
}

impl Changes {
    /// How many operations are added, removed and changed.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |what| self.operations.iter().filter(|change| change.what == what).count();
        (count(What::Added), count(What::Removed), count(What::Changed))
    }
}

impl What {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}
