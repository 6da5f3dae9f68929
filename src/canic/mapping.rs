//! The mapping file beside a manifest: which canister each member goes to.
//!
//! All or nothing: a mapping names every member once, and no target twice. It takes part in a restore only with its
//! manifest, so the two are checked together and the labels lie in both texts.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Canister, Reading, Spanned,
    manifest::{Identity, Manifest},
    reader::{Form, Need::Required, Reader},
    spelling,
};
use crate::{
    diagnostic::{Code, Diagnostic, Source},
    json::Json,
};

const FORM: Form = Form {
    name: "a mapping",
    syntax: Code::ManifestSyntax,
    kind: Code::ManifestType,
    missing: Code::ManifestMissingKey,
    duplicate: Code::ManifestDuplicateKey,
};

/// A mapping that fits its manifest.
#[derive(Debug)]
pub struct Mapping {
    /// The text that the places lie in.
    pub source: Arc<Source>,
    /// The canister that each member goes to, in the order of the manifest's members.
    pub targets: Vec<Spanned<Canister>>,
}

struct Entry {
    source: Spanned<String>,
    target: Spanned<String>,
}

/// Reads a mapping for a manifest.
///
/// # Errors
/// All that is wrong with it, or between the two.
pub fn read(source: &Arc<Source>, manifest: &Manifest) -> Reading<Mapping> {
    let (entries, mut notes) = Reader::read(source, &FORM, entries)?;
    notes.extend(values(source, &entries.value));
    notes.extend(between(source, &entries, manifest));
    let targets = manifest.members.iter().map(|member| {
        let entry = entries.value.iter().find(|entry| entry.source.value == member.canister.value.text())?;
        let target = Canister::parse(&entry.target.value)?;
        Some(Spanned::new(target, entry.target.span.clone()))
    });
    match targets.collect::<Option<_>>() {
        Some(targets) if notes.iter().all(super::is_warning) => {
            let source = Arc::clone(source);
            Ok((Mapping { source, targets }, notes))
        }
        _ => Err(notes),
    }
}

fn entries(reader: &mut Reader, json: Json<'_>) -> Option<Spanned<Vec<Entry>>> {
    let [members] = reader.fields(json, [("members", Required)])?;
    reader.list(members, |reader, json| {
        let wanted = [("source_canister", Required), ("target_canister", Required)];
        let [source, target] = reader.fields(json, wanted)?;
        let (source, target) = (reader.text(source), reader.text(target));
        Some(Entry { source: source?, target: target? })
    })
}

/// Every id is a principal, and stands there once on its side.
fn values(source: &Arc<Source>, entries: &[Entry]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let (mut sources, mut targets) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        let sides = [("source", &entry.source, &mut sources), ("target", &entry.target, &mut targets)];
        // Of two entries for one canister, the one that leaves it where it is, is the right one.
        let stays = entry.source.value == entry.target.value;
        for (side, id, seen) in sides {
            if Canister::parse(&id.value).is_none() {
                let message = format!("`{}` is not a principal", id.value);
                let label = source.label(id.span.clone(), "");
                found.push(Diagnostic::new(Code::ManifestPrincipal, message, label));
                continue;
            }
            found.extend(spelling(source, id));
            if let Some((first, stayed)) = seen.insert(id.value.as_str(), (id, stays)) {
                let message = format!("{side} `{}` stands there twice", id.value);
                let again = source.label(id.span.clone(), "again here");
                let first = source.label(first.span.clone(), "first here");
                let (one, two) = match stays && !stayed {
                    true => (first, again),
                    false => (again, first),
                };
                let problem = Diagnostic::new(Code::MappingDuplicate, message, one);
                found.push(problem.with_label(two));
            }
        }
    }
    found
}

/// Every member has its entry, every entry its member, and who is fixed stays.
fn between(source: &Arc<Source>, entries: &Spanned<Vec<Entry>>, manifest: &Manifest) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut members: BTreeMap<&str, _> =
        (manifest.members.iter()).map(|member| (member.canister.value.text(), Some(member))).collect();
    for entry in &entries.value {
        let Some(member) = members.get_mut(entry.source.value.as_str()) else {
            if Canister::parse(&entry.source.value).is_some() {
                let message = format!("`{}` is no member of the manifest", entry.source.value);
                let label = source.label(entry.source.span.clone(), "not in the manifest");
                found.push(Diagnostic::new(Code::MappingUnknownSource, message, label));
            }
            continue;
        };
        // A second entry for a member says nothing new: the ancestor takes the first.
        let Some(member) = member.take() else {
            continue;
        };
        if member.identity.value == Identity::Fixed && entry.target.value != entry.source.value {
            let message = format!("`{}` is fixed and cannot move", entry.source.value);
            let target = source.label(entry.target.span.clone(), "another canister");
            let fixed = manifest.source.label(member.identity.span.clone(), "fixed here");
            let problem = Diagnostic::new(Code::MappingFixed, message, target).with_label(fixed);
            found.push(problem.with_help(format!("map it to `{}`", entry.source.value)));
        }
    }
    for member in members.into_values().flatten() {
        let id = member.canister.value.text();
        let open = match entries.value.is_empty() {
            true => entries.span.clone(),
            false => entries.span.start..entries.span.start + 1,
        };
        let list = source.label(open, "a mapping names every member or there is none");
        let member = manifest.source.label(member.canister.span.clone(), "this member");
        let problem = Diagnostic::new(Code::MappingMissingSource, format!("`{id}` is not mapped"), list);
        found.push(problem.with_label(member));
    }
    found
}
