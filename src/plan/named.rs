//! Targets that are names, once they are known: what holds for written principals holds for them too.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use super::{Reading, Target};
use crate::{
    diagnostic::{Code, Diagnostic},
    id::{Name, Principal},
};

/// Everything that is wrong with what the names of targets stand for: canisters that two members restore, and others than
/// the source without consent.
pub fn named(reading: &Reading, targets: &BTreeMap<Name, Principal>) -> Vec<Diagnostic> {
    let source = &reading.places.source;
    let mut seen: HashMap<Principal, Range<usize>> = HashMap::new();
    let mut diagnostics = Vec::new();
    for (member, places) in reading.plan.members.iter().zip(&reading.places.members) {
        let (target, name) = match &member.target {
            Target::Canister(target) => (*target, None),
            Target::Named(name) => match targets.get(name) {
                Some(target) => (*target, Some(name)),
                None => continue,
            },
        };
        if let Some(first) = seen.get(&target) {
            let message = format!("two members restore {target}");
            let diagnostic =
                Diagnostic::new(Code::DuplicateTarget, message, source.label(places.target.clone(), "again"));
            let diagnostic = diagnostic.with_label(source.label(first.clone(), "first here"));
            diagnostics.push(diagnostic.with_help("remove one member, or give it a `target` of its own"));
        } else {
            seen.insert(target, places.target.clone());
        }
        if let Some(name) = name.filter(|_| target != member.source && !places.relocatable) {
            let message = format!("`{name}` is {target}, and the snapshot is of {}", member.source);
            let label = source.label(places.target.clone(), "not where it came from");
            let help = "if that is meant, add `relocatable = true`";
            diagnostics.push(Diagnostic::new(Code::Relocation, message, label).with_help(help));
        }
    }
    diagnostics
}
