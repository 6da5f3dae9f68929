//! The roles of a manifest: who is named must be there, who is there must be covered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{rules::Text, written::Written};
use crate::diagnostic::{Code, Diagnostic, Label, Source, suggest};

/// What is wrong with the roles.
pub(super) fn check(source: &Arc<Source>, manifest: &Written) -> Vec<Diagnostic> {
    let members = &manifest.fleet.members.value;
    let known: BTreeSet<&str> = members.iter().map(|member| member.role.value.as_str()).collect();
    let units = manifest.units.value.iter().flat_map(|unit| &unit.roles.value);
    let groups = &manifest.member_checks.value;
    let checks = (manifest.fleet_checks.value.iter())
        .chain(members.iter().flat_map(|member| &member.checks.value))
        .chain(groups.iter().flat_map(|group| &group.checks.value));
    let spoken = groups.iter().map(|group| &group.role).chain(checks.flat_map(|check| &check.roles.value));
    let mut unknown: BTreeMap<&str, Vec<&Text>> = BTreeMap::new();
    for role in units.clone().chain(spoken.clone()).filter(|role| !known.contains(role.value.as_str())) {
        unknown.entry(&role.value).or_default().push(role);
    }
    let covered: BTreeSet<&str> = units.map(|role| role.value.as_str()).collect();
    let mut uncovered: BTreeMap<&str, &Text> = BTreeMap::new();
    for member in members.iter().filter(|member| !covered.contains(member.role.value.as_str())) {
        uncovered.entry(&member.role.value).or_insert(&member.role);
    }
    let roles = Roles { source, manifest, known };
    if unknown.len() == 1
        && uncovered.len() == 1
        && let (Some((role, names)), Some((_, member))) = (unknown.first_key_value(), uncovered.first_key_value())
    {
        return vec![roles.renamed(role, names, member)];
    }
    // Whose role it is: an unknown role elsewhere tells that the member has a wrong one, and so does a role that
    // nothing names but one member. Else it is missing in a unit.
    let spoken: BTreeSet<&str> = spoken.map(|role| role.value.as_str()).collect();
    let having = |role: &str| members.iter().filter(|member| member.role.value == role).count();
    let is_sure = |role: &str| unknown.is_empty() && (spoken.contains(role) || having(role) > 1);
    let strangers = unknown.iter().map(|(role, names)| roles.unknown(role, names, uncovered.is_empty()));
    let uncovered = uncovered.iter().map(|(role, member)| roles.uncovered(role, member, is_sure(role)));
    strangers.chain(uncovered).collect()
}

struct Roles<'a> {
    source: &'a Arc<Source>,
    manifest: &'a Written,
    /// The roles that members have.
    known: BTreeSet<&'a str>,
}

impl Roles<'_> {
    /// One role that no member has, and one that no unit covers: a slip in one of the two. Where several places name the
    /// first, it is the member's.
    fn renamed(&self, role: &str, names: &[&Text], member: &Text) -> Diagnostic {
        let own = self.source.label(member.span.clone(), "the role of this member, which no unit covers");
        let named = self.named(names);
        let (labels, meant) = match names.len() {
            1 => (named.chain([own]).collect(), &member.value),
            _ => ([own].into_iter().chain(named).collect(), &names[0].value),
        };
        Diagnostic {
            code: Code::ManifestUnknownRole,
            message: format!("no member has the role `{role}`"),
            labels,
            help: Some(format!("write `{meant}`")),
        }
    }

    /// A role that no member has. Where several places name it, rather a member is missing than all of them are wrong.
    fn unknown(&self, role: &str, names: &[&Text], all_are_covered: bool) -> Diagnostic {
        let open = self.manifest.fleet.members.span.start;
        let missing =
            (all_are_covered && names.len() > 1).then(|| self.source.label(open..open + 1, "not among the members"));
        let help = match suggest::nearest(role, self.known.iter().copied()) {
            Some(near) => format!("write `{near}`"),
            None if missing.is_some() => "put the member back that has it".to_owned(),
            None => "remove it".to_owned(),
        };
        Diagnostic {
            code: Code::ManifestUnknownRole,
            message: format!("no member has the role `{role}`"),
            labels: missing.into_iter().chain(self.named(names)).collect(),
            help: Some(help),
        }
    }

    fn named(&self, names: &[&Text]) -> impl Iterator<Item = Label> {
        names.iter().take(8).map(|name| self.source.label(name.span.clone(), "named here"))
    }

    /// A role that no unit covers: where it is surely one, it is missing in a unit.
    fn uncovered(&self, role: &str, member: &Text, is_sure: bool) -> Diagnostic {
        let message = format!("no backup unit covers the role `{role}`");
        let own = self.source.label(member.span.clone(), "of this member");
        let longest = self.manifest.units.value.iter().map(|unit| &unit.roles).max_by_key(|roles| roles.value.len());
        let problem = match longest.filter(|_| is_sure).map(|roles| roles.span.start) {
            Some(start) => {
                let open = self.source.label(start..start + 1, "not in here");
                Diagnostic::new(Code::ManifestCoverage, message, open).with_label(own)
            }
            None => Diagnostic::new(Code::ManifestCoverage, message, own),
        };
        problem.with_help(format!("add `{role}` to the roles of a unit"))
    }
}
