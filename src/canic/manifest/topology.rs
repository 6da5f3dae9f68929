//! Backup units of the kind subtree: one tree, whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::written::{Member, Unit, UnitKind, Written};
use crate::diagnostic::{Code, Diagnostic, Source};

/// What is wrong with the subtree units of a manifest.
pub(super) fn check(source: &Arc<Source>, manifest: &Written) -> Vec<Diagnostic> {
    let members = &manifest.fleet.members.value;
    let by_id = members.iter().map(|m| (m.canister.value.as_str(), m));
    let tree = Tree { source, root: &manifest.root.value, members, by_id: by_id.collect() };
    let units = manifest.units.value.iter();
    units.filter(|unit| unit.kind.value == UnitKind::Subtree).flat_map(|unit| tree.unit(unit)).collect()
}

struct Tree<'a> {
    source: &'a Arc<Source>,
    /// The root of the fleet.
    root: &'a str,
    members: &'a [Member],
    by_id: BTreeMap<&'a str, &'a Member>,
}

impl<'a> Tree<'a> {
    fn unit(&self, unit: &Unit) -> Vec<Diagnostic> {
        let roles: BTreeSet<&str> = unit.roles.value.iter().map(|r| r.value.as_str()).collect();
        let (within, without): (Vec<&Member>, Vec<&Member>) =
            (self.members.iter()).partition(|member| roles.contains(member.role.value.as_str()));
        let ids: BTreeSet<&str> = within.iter().map(|m| m.canister.value.as_str()).collect();
        let roots: Vec<&Member> = (within.iter().copied())
            .filter(|member| parent(member).is_none_or(|parent| !ids.contains(parent)))
            .collect();
        if roots.len() != 1 {
            return vec![self.disconnected(unit, &within, &roots)];
        }
        let missing = without.into_iter().filter(|member| {
            // A canister that stands there twice may be within the unit by the other of its roles.
            !ids.contains(member.canister.value.as_str())
        });
        missing
            .filter_map(|member| Some((member, self.ancestor(member, &ids)?)))
            .map(|(member, ancestor)| {
                let id = &unit.id.value;
                let span = member.role.span.clone();
                let message = format!("unit `{id}` leaves out `{}`", member.canister.value);
                let label = self.source.label(span, "its role is not in the unit");
                let problem = Diagnostic::new(Code::ManifestDescendant, message, label);
                let mut problem =
                    problem.with_label(self.source.label(unit.roles.span.clone(), "the roles of the unit"));
                if let Some(ancestor) = self.by_id.get(ancestor) {
                    let span = ancestor.canister.span.clone();
                    problem = problem.with_label(self.source.label(span, "it is below this one"));
                }
                problem.with_help(format!("add `{}` to the roles of the unit", member.role.value))
            })
            .collect()
    }

    /// The nearest ancestor of a member that is among some canisters.
    fn ancestor(&self, member: &'a Member, ids: &BTreeSet<&str>) -> Option<&'a str> {
        let mut visited = BTreeSet::new();
        let mut next = parent(member);
        while let Some(id) = next {
            if ids.contains(id) {
                return Some(id);
            }
            if !visited.insert(id) {
                return None;
            }
            next = self.by_id.get(id).and_then(|member| parent(member));
        }
        None
    }

    /// A unit without one root: points at what most likely cuts or closes the tree.
    fn disconnected(&self, unit: &Unit, within: &[&Member], roots: &[&Member]) -> Diagnostic {
        let message = match roots.len() {
            0 if within.is_empty() => format!("no member is in unit `{}`", unit.id.value),
            0 => format!("unit `{}` goes round in a circle", unit.id.value),
            many => format!("unit `{}` falls into {many} trees", unit.id.value),
        };
        let (span, note, help) = self.suspect(unit, within, roots);
        let label = self.source.label(span.clone(), note);
        let mut problem = Diagnostic::new(Code::ManifestSubtree, message, label);
        let others = [&unit.kind.span, &unit.id.span];
        for other in others.into_iter().filter(|other| **other != span).take(1) {
            let label = self.source.label(other.clone(), "a subtree is one tree");
            problem = problem.with_label(label);
        }
        for root in roots.iter().filter(|root| place(root) != span).take(8) {
            problem = problem.with_label(self.source.label(place(root), "a tree begins here"));
        }
        problem.with_help(help)
    }

    /// What is most likely wrong: the place, what it is and what mends it.
    fn suspect(&self, unit: &Unit, within: &[&Member], roots: &[&Member]) -> (Range<usize>, &'static str, String) {
        const PARENT: &str = "write the member of the unit that is its parent";
        if within.is_empty() {
            let help = "write the roles of the members that were backed up together";
            return (unit.roles.span.clone(), "no member has one of these roles", help.to_owned());
        }
        if roots.is_empty() {
            let root = within.iter().find(|member| member.canister.value == self.root);
            let help = if root.is_some() { "write `null`: the root of the fleet has no parent" } else { PARENT };
            let closes = root.or(within.first()).map_or(unit.kind.span.clone(), |member| place(member));
            return (closes, "its parent is below it", help.to_owned());
        }
        let lost = |root: &&&Member| {
            parent(root).is_none_or(|id| id != self.root && !self.by_id.contains_key(id))
                && root.canister.value != self.root
        };
        let orphans =
            roots.iter().filter(|root| parent(root) == Some(self.root) && !self.by_id.contains_key(self.root));
        // Children of a root that is no member: it is the parentless one that has the wrong id.
        if orphans.count() > 0
            && let Some(root) = roots.iter().find(|root| parent(root).is_none())
        {
            let note = "not the canister that the others are below";
            return (root.canister.span.clone(), note, format!("write `{}`", self.root));
        }
        if let Some(member) = roots.iter().rfind(lost) {
            let note = if parent(member).is_some() { "its parent is not in the unit" } else { "it has no parent" };
            return (place(member), note, PARENT.to_owned());
        }
        let between = roots.iter().find_map(|root| self.by_id.get(parent(root)?));
        let help = match between {
            Some(member) => format!("add `{}` to the roles of the unit", member.role.value),
            None => "write `single`".to_owned(),
        };
        (unit.kind.span.clone(), "these members are not one tree", help)
    }
}

fn parent(member: &Member) -> Option<&str> {
    member.parent.value.as_deref()
}

/// Where the parent of a member stands, or would.
fn place(member: &Member) -> Range<usize> {
    member.parent.span.clone()
}
