//! The restore plan: what a person writes, reads in review and checks in.
//!
//! The passes: TOML text → `document` (every value with its place; what is wrong with single values) → `validate`
//! (what is wrong between them) → [`Plan`], in which names are unique, members stand in restore order and nothing needs
//! checking again. The [`Places`] of a plan stay beside it, for problems that only the disk or the network shows.

mod artifacts;
mod decode;
mod digest;
mod document;
mod member;
mod named;
mod network;
mod options;
mod places;
mod requires;
mod schema;
mod syntax;
mod unknown;
mod validate;
mod warn;

use std::{collections::BTreeMap, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::{
    diagnostic::{Diagnostic, Severity, Source},
    id::{Name, Principal},
};

pub use artifacts::{Artifacts, Shelf, look, unsealed, verify};
pub use digest::Difference;
pub use member::{Check, Final, Member, Snapshot, Stated, Target, Verify};
pub use named::named;
pub use network::{Caller, Network, RootKey};
pub use options::{AmbiguousLoad, Cleanup, Limits, Orphans, Retry, Safety, Timeouts};
pub use places::{MemberPlaces, OptionPlaces, Places};
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

/// Where artifacts come from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Backup {
    /// Ties receipts to a backup.
    pub id: Option<String>,
    /// The folder that artifact paths are relative to; itself relative to the plan file.
    pub root: Utf8PathBuf,
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

impl Reading {
    /// Where a member stands.
    pub fn places_of(&self, name: &Name) -> Option<&MemberPlaces> {
        let index = self.plan.members.iter().position(|member| member.name == *name)?;
        self.places.members.get(index)
    }
}

/// The largest plan that is read: beyond it lies a mistake in the file's name, not a fleet.
pub const LARGEST: u64 = 16 << 20;

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

/// The folder that a plan's relative paths start from.
pub fn folder(file: &Utf8Path) -> &Utf8Path {
    match file.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    }
}
