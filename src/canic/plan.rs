//! A plan of ours out of a manifest and its mapping: text for people, since they go on from it.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::{
    Canister,
    manifest::{Identity, Manifest, Member},
    mapping::Mapping,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    id::{Digest, Name},
    init::{Lines, Names, comment, quoted},
};

/// Indexes of the members in the order in which the ancestor restores them: parents first, else as in the manifest.
///
/// # Errors
/// When members are each other's ancestors: one diagnostic for each circle.
pub fn order(manifest: &Manifest) -> Result<Vec<usize>, Vec<Diagnostic>> {
    let parents = parents(manifest);
    let mut children = vec![Vec::new(); parents.len()];
    let mut ready = BTreeSet::new();
    for (child, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) => children[*parent].push(child),
            None => {
                ready.insert(child);
            }
        }
    }
    let mut order = Vec::with_capacity(parents.len());
    while let Some(first) = ready.pop_first() {
        order.push(first);
        ready.extend(&children[first]);
    }
    if order.len() == parents.len() { Ok(order) } else { Err(circles(manifest, &parents, &order)) }
}

/// What the manifest does not say about a plan.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Names the plan.
    pub name: &'a Name,
    /// The folder of the backup, relative to where the plan will lie.
    pub root: &'a Utf8Path,
    /// The path of the manifest as the user named it, for the first comment.
    pub manifest: &'a Utf8Path,
    /// Seals that were computed for artifacts, by the index of the member; used where the manifest has none.
    pub seals: &'a BTreeMap<usize, Digest>,
}

/// The plan as commented TOML.
///
/// It is valid TOML always. It is a valid plan once the network is filled in, and the seals of artifacts that the
/// manifest gives none for.
///
/// # Errors
/// When members are each other's ancestors.
pub fn to_toml(
    manifest: &Manifest,
    mapping: Option<&Mapping>,
    setting: Setting<'_>,
) -> Result<String, Vec<Diagnostic>> {
    let order = order(manifest)?;
    let parents = parents(manifest);
    let names = names(manifest, &order);
    let mut text = head(manifest, mapping, setting);
    for &at in &order {
        let member = &manifest.members[at];
        let target = mapping.map(|mapping| &mapping.targets[at].value);
        let parent = parents[at].map(|parent| names[parent].as_str());
        text.push('\n');
        let seal = setting.seals.get(&at);
        text.push_str(&self::member(member, &names[at], target, parent, seal));
    }
    text.push_str(&root_check(manifest, &names));
    Ok(text)
}

/// The index of each member's parent, as far as it is a member.
fn parents(manifest: &Manifest) -> Vec<Option<usize>> {
    let members = manifest.members.iter().enumerate();
    let by_id: BTreeMap<&str, usize> = members.map(|(at, member)| (member.canister.value.text(), at)).collect();
    let parent = |member: &Member| {
        let id = member.parent.as_ref()?.value.text();
        by_id.get(id).copied()
    };
    manifest.members.iter().map(parent).collect()
}

/// Every circle among the members that have no place in the order, at the parent that closes it.
fn circles(manifest: &Manifest, parents: &[Option<usize>], order: &[usize]) -> Vec<Diagnostic> {
    let mut seen: BTreeSet<usize> = order.iter().copied().collect();
    let mut found = Vec::new();
    for start in 0..parents.len() {
        let mut path = Vec::new();
        let mut next = Some(start);
        while let Some(at) = next.filter(|at| seen.insert(*at)) {
            path.push(at);
            next = parents[at];
        }
        let Some(begin) = next.and_then(|at| path.iter().position(|&p| p == at)) else {
            continue;
        };
        let spans = path[begin..].iter().filter_map(|&at| {
            let parent = manifest.members[at].parent.as_ref()?;
            Some((at, parent.span.clone()))
        });
        // The root of the fleet has no business with a parent; else the first of the circle is as good as any.
        let is_root = |at: usize| manifest.members[at].canister.value == manifest.root.value;
        let mut spans: Vec<_> = spans.collect();
        spans.sort_by_key(|(at, _)| !is_root(*at));
        let help = match spans.first() {
            Some((at, _)) if is_root(*at) => "write `null`: the root of the fleet has no parent",
            _ => "correct one of these parents",
        };
        let message =
            if spans.len() == 1 { "a member is its own parent" } else { "members are each other's ancestors" };
        let labels = spans.into_iter().map(|(at, span)| {
            let role = &manifest.members[at].role.value;
            manifest.source.label(span, format!("the parent of `{role}`"))
        });
        found.push(Diagnostic {
            code: Code::ManifestCycle,
            message: message.to_owned(),
            labels: labels.collect(),
            help: Some(help.to_owned()),
        });
    }
    found
}

/// A name for each member, by its role; a second `app` is `app-2`.
fn names(manifest: &Manifest, order: &[usize]) -> Vec<String> {
    let mut names = vec![String::new(); manifest.members.len()];
    let mut taken = Names::default();
    for &at in order {
        names[at] = taken.unique(&manifest.members[at].role.value);
    }
    names
}

fn head(manifest: &Manifest, mapping: Option<&Mapping>, setting: Setting<'_>) -> String {
    let mut text = format!(
        "# A restore of the backup {}, made {} of environment {}\n# by {} {}. From {}",
        comment(&manifest.backup_id),
        comment(&manifest.created_at),
        comment(&manifest.environment),
        comment(&manifest.tool.0),
        comment(&manifest.tool.1),
        comment(setting.manifest.as_str()),
    );
    if let Some(mapping) = mapping {
        text.push_str(&format!("\n# with the mapping {}", comment(mapping.source.name())));
    }
    let environment = quoted(&manifest.environment);
    text.push_str(&format!(
        ".\n# Members stand in restore order: parents are loaded first and started last.\n\
         version = 1\n\
         name = {name}\n\
         \n\
         # FILL IN where to restore to: exactly one of the three. The backup was made of the environment\n\
         # below, which icp knows only inside its project.\n\
         [network]\n\
         environment = {environment}\n\
         # project = \"path/of/the/icp/project\"\n\
         # name = \"ic\"\n\
         # url = \"http://127.0.0.1:4943\"\n\
         # root-key = \"fetch\"                 # with url: \"mainnet\", \"fetch\", or hex\n\
         # identity = \"name\"                  # the icp identity that controls the canisters\n\
         \n\
         [backup]\n\
         id = {id}\n\
         root = {root}\n",
        name = quoted(setting.name.as_str()),
        id = quoted(&manifest.backup_id),
        root = quoted(setting.root.as_str()),
    ));
    text
}

fn member(
    member: &Member,
    name: &str,
    target: Option<&Canister>,
    parent: Option<&str>,
    seal: Option<&Digest>,
) -> String {
    let mut lines = Lines(String::from("[[member]]\n"));
    let source = member.canister.value.id.to_text();
    let role = &member.role.value;
    if name == role {
        lines.key("name", &quoted(name), "");
    } else {
        lines.key("name", &quoted(name), &format!("role {}", comment(role)));
    }
    lines.key("source", &quoted(&source), "");
    if let Some(target) = target.map(|target| target.id.to_text()).filter(|t| *t != source) {
        lines.key("target", &quoted(&target), "by the mapping");
    }
    match member.identity.value {
        Identity::Fixed => lines.key("relocatable", "false", "fixed: restores only to itself"),
        Identity::Relocatable => lines.key("relocatable", "true", "may have another target"),
    }
    let snapshot = &member.snapshot;
    let artifact = quoted(snapshot.artifact.value.as_str());
    let was = format!("was snapshot {}", comment(&snapshot.id));
    let (sha256, note) = match (&snapshot.checksum, seal) {
        (Some(sha256), _) => (sha256.to_string(), was),
        (None, Some(sha256)) => {
            let note = format!("{was}; sealed as it is now, the manifest has no checksum");
            (sha256.to_string(), note)
        }
        (None, None) => {
            let note = format!("{was}; FILL IN the seal, the manifest has no checksum");
            (String::new(), note)
        }
    };
    let value = format!("{{ artifact = {artifact}, sha256 = \"{sha256}\" }}");
    lines.key("snapshot", &value, &note);
    let parent = parent.map(quoted).unwrap_or_default();
    match &member.parent {
        Some(id) if parent.is_empty() => {
            let note = format!("parent {} is not in the backup", id.value.id);
            lines.key("depends-on", "[]", &note);
        }
        _ => lines.key("depends-on", &format!("[{parent}]"), ""),
    }
    match &snapshot.module_hash {
        Some(hash) => {
            let note = format!("module {}", comment(hash));
            lines.key("verify", "[\"running\", \"module-hash\"]", &note);
        }
        None => lines.key("verify", "[\"running\"]", "the manifest has no module hash"),
    }
    lines.0
}

/// The ancestor's checks of the fleet ask for the status of its root, which a plan of ours proves of every member.
fn root_check(manifest: &Manifest, names: &[String]) -> String {
    if manifest.fleet_checks == 0 {
        return String::new();
    }
    let mut members = manifest.members.iter().zip(names);
    let root = members.find(|(member, _)| member.canister.value == manifest.root.value);
    match root {
        Some((_, name)) => format!(
            "\n# The fleet is checked by its root: the status of {name}, which its `verify` proves. A call says more:\n\
             # [[check]]\n# member = {}\n# call = \"health\"\n# args = \"()\"\n# expect = \"(true)\"\n",
            quoted(name),
        ),
        None => format!(
            "\n# The manifest also asks for the status of the root {}, which is not in the backup:\n\
             # see to it yourself.\n",
            manifest.root.value.id,
        ),
    }
}
