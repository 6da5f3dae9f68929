//! The mapping file beside a manifest: which canister each member goes to.
//!
//! All or nothing: a mapping names every member once, and no target twice. It takes part in a restore only with its
//! manifest, so the two are checked together and the labels lie in both texts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Canister, Reading, Spanned,
    manifest::{Identity, Manifest, Member},
    reader::{Form, Need::Required, Reader},
    spelling,
};
use crate::{
    diagnostic::{Code, Diagnostic, Source},
    id::{Principal, not_a_principal},
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
    super::fold(&mut notes);
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
            if let Err(wrong) = Principal::from_text(&id.value) {
                let (message, help) = not_a_principal(&id.value, &wrong);
                let label = source.label(id.span.clone(), "not a principal");
                found.push(Diagnostic::new(Code::ManifestPrincipal, message, label).with_help(help));
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
                let problem = Diagnostic::new(Code::MappingDuplicate, message, one).with_label(two);
                found.push(problem.with_help(format!("write another {side} in one of the two")));
            }
        }
    }
    found
}

/// Every member has its entry, every entry its member, and who is fixed stays.
fn between(source: &Arc<Source>, entries: &Spanned<Vec<Entry>>, manifest: &Manifest) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut members: BTreeMap<&str, _> =
        (manifest.members.iter()).map(|member| (member.canister.value.text(), member)).collect();
    let known: BTreeSet<&str> = members.keys().copied().collect();
    let (mut strangers, mut strays) = (Vec::new(), 0);
    for entry in &entries.value {
        // A second entry for a member says nothing new: the ancestor takes the first.
        let Some(member) = members.remove(entry.source.value.as_str()) else {
            strays += 1;
            if !known.contains(entry.source.value.as_str()) && Canister::parse(&entry.source.value).is_some() {
                strangers.push(&entry.source);
            }
            continue;
        };
        if member.identity.value == Identity::Fixed && entry.target.value != entry.source.value {
            let message = format!("`{}` is fixed and cannot move", entry.source.value);
            let target = source.label(entry.target.span.clone(), "another canister");
            let fixed = manifest.source.label(member.identity.span.clone(), "fixed here");
            let problem = Diagnostic::new(Code::MappingFixed, message, target).with_label(fixed);
            found.push(problem.with_help(format!("write `{}`", entry.source.value)));
        }
    }
    // In the order of the manifest.
    let mut left: Vec<&Member> = members.into_values().collect();
    left.sort_by_key(|member| member.canister.span.start);
    let member = |member: &&Member| manifest.source.label(member.canister.span.clone(), "this member is not mapped");
    for stranger in strangers {
        let message = format!("`{}` is no member of the manifest", stranger.value);
        let label = source.label(stranger.span.clone(), "not in the manifest");
        let problem = Diagnostic::new(Code::MappingUnknownSource, message, label);
        found.push(match &left[..] {
            [only] if strays == 1 => {
                problem.with_label(member(only)).with_help(format!("write `{}`", only.canister.value.text()))
            }
            _ => problem.with_help("remove the entry"),
        });
    }
    // An entry that is for no member is meant for one of those that have none.
    if left.len() > strays {
        let open = match entries.value.is_empty() {
            true => entries.span.clone(),
            false => entries.span.start..entries.span.start + 1,
        };
        let (message, each) = match &left[..] {
            [only] => (format!("`{}` is not mapped", only.canister.value.text()), "an entry for it"),
            many => (format!("{} members are not mapped", many.len()), "an entry for each"),
        };
        let list = source.label(open, "a mapping names every member or there is none");
        let problem = Diagnostic::new(Code::MappingMissingSource, message, list);
        let problem = left.iter().map(member).fold(problem, Diagnostic::with_label);
        found.push(problem.with_help(format!("add {each}: a member that stays has its own id as its target")));
    }
    found
}
