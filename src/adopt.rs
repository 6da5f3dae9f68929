//! Taking over a restore that the ancestor began: its journal becomes the first events of one of ours.
//!
//! The passes: its operations are paired with those of the plan (`pair`); the network is asked how every canister that
//! was touched is now (`now`); what is completed and still holds is taken over, what is pending or failed is settled by
//! what the network shows, and the rest is left to be done (`decide`). Nothing is changed on the network, and nothing
//! is written: the events go into a journal only once all of that went well. The ancestor's verifications proved no more
//! than that `icp` could ask, so ours are made in any case.

mod decide;
mod now;
mod pair;

use std::{collections::BTreeMap, sync::Arc};

use camino::Utf8Path;

use crate::{
    canic::journal::Journal,
    diagnostic::{Diagnostic, Severity, Source},
    icp::{Icp, Interrupt, Redactor},
    id::{Digest, Name},
    journal::event::Event,
    operation::Operations,
    plan::{Places, Plan},
};

/// What is taken over, and by which plan.
pub struct Adopter<'a> {
    /// The ancestor's journal.
    pub journal: &'a Journal,
    /// Its text.
    pub source: &'a Arc<Source>,
    /// The plan, with principals for targets.
    pub plan: &'a Plan,
    /// Where the members of the plan stand, by name.
    pub places: &'a Places,
    /// The operations of the plan.
    pub operations: &'a Operations,
    /// The code in the artifacts, by member.
    pub modules: &'a BTreeMap<Name, Digest>,
    /// Asks the network.
    pub icp: &'a Icp,
    /// Signals.
    pub interrupt: &'a Interrupt,
    /// Hides secrets in what is taken over.
    pub redactor: &'a Redactor,
}

/// What is taken over.
#[derive(Debug, Default)]
pub struct Adoption {
    /// For the journal, in order; a claim of what only a settlement or a person can tell comes last.
    pub events: Vec<Event>,
    /// What was completed and is done again.
    pub warnings: Vec<Diagnostic>,
}

/// Why nothing is taken over.
#[derive(Debug)]
pub enum Refusal {
    /// The plan is not one of this restore.
    Foreign(Vec<Diagnostic>),
    /// The restore is in a state that cannot be taken over, or cannot be seen.
    Blocked(Vec<Diagnostic>),
}

/// Finds out what can be taken over.
///
/// # Errors
/// Everything that keeps it from being taken over.
pub fn adopt(adopter: &Adopter<'_>) -> Result<Adoption, Refusal> {
    let members = pair::members(adopter).map_err(Refusal::Foreign)?;
    let seen = now::see(adopter, &members);
    let (adoption, problems) = decide::all(adopter, &members, &seen);
    match problems.iter().any(|problem| problem.severity() == Severity::Error) {
        true => Err(Refusal::Blocked(problems)),
        false => Ok(Adoption { warnings: problems, ..adoption }),
    }
}

/// What the receipts say where they come from: the name of the file and the digest of its text.
fn origin(source: &Source) -> String {
    let name = Utf8Path::new(source.name()).file_name().unwrap_or(source.name());
    format!("{name} sha256:{}", Digest::of(source.text()))
}
