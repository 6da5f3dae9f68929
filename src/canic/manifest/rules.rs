//! The rules between and within the values of a manifest.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use camino::{Utf8Component, Utf8Path};

use super::{
    topology,
    written::{Check, Written},
};
use crate::{
    canic::{Spanned, spelling},
    diagnostic::{Code, Diagnostic, Source},
    id::Principal,
};

const VERSION: u16 = 1;
const ALGORITHM: &str = "sha256";
const CHECK: &str = "status";

type Text = Spanned<String>;

/// What is wrong with a manifest, and what is to be looked at.
pub(super) fn check(source: &Arc<Source>, manifest: &Written) -> Vec<Diagnostic> {
    let mut rules = Rules { source, found: Vec::new() };
    rules.header(manifest);
    rules.units(manifest);
    rules.topology(manifest);
    rules.members(manifest);
    rules.roles(manifest);
    rules.found.extend(topology::check(source, manifest));
    rules.found
}

struct Rules<'a> {
    source: &'a Arc<Source>,
    found: Vec<Diagnostic>,
}

impl Rules<'_> {
    fn say(&mut self, code: Code, span: &Range<usize>, message: String, note: impl Into<String>) {
        let label = self.source.label(span.clone(), note);
        self.found.push(Diagnostic::new(code, message, label));
    }

    fn header(&mut self, manifest: &Written) {
        let version = &manifest.version;
        if version.value != VERSION {
            let message = format!("version {} of the manifest is not known", version.value);
            let note = format!("canic 0.36 writes {VERSION}");
            self.say(Code::ManifestVersion, &version.span, message, note);
        }
        self.filled("the id of the backup", &manifest.backup_id);
        self.filled("the time of the backup", &manifest.created_at);
        self.filled("the name of the tool", &manifest.tool.name);
        self.filled("the version of the tool", &manifest.tool.version);
        self.filled("the environment", &manifest.environment);
        self.principal(&manifest.root);
    }

    fn units(&mut self, manifest: &Written) {
        let units = &manifest.units;
        if units.value.is_empty() {
            let message = "no backup unit".to_owned();
            self.say(Code::ManifestEmpty, &units.span, message, "at least one");
        }
        self.unique("backup unit", units.value.iter().map(|unit| &unit.id));
        for unit in &units.value {
            self.filled("the id of a unit", &unit.id);
            if unit.roles.value.is_empty() {
                let message = format!("unit `{}` has no role", unit.id.value);
                self.say(Code::ManifestEmpty, &unit.roles.span, message, "at least one");
            }
            for role in &unit.roles.value {
                self.filled("a role", role);
            }
            self.unique("role", &unit.roles.value);
        }
    }

    /// Three hashes of the topology; the odd one is pointed at.
    fn topology(&mut self, manifest: &Written) {
        let fleet = &manifest.fleet;
        self.algorithm(&fleet.algorithm);
        self.filled("the input of the topology hash", &fleet.input);
        let hashes = [&fleet.discovery, &fleet.before, &fleet.accepted];
        let sound = hashes.map(|hash| self.hash("the topology hash", hash));
        if sound.contains(&false) || hashes.iter().all(|hash| hash.value == hashes[0].value) {
            return;
        }
        let [discovery, before, accepted] = hashes;
        let odd = if discovery.value == accepted.value {
            before
        } else if before.value == accepted.value {
            discovery
        } else {
            accepted
        };
        let label = self.source.label(odd.span.clone(), "this hash is not the others'");
        let message = "the hashes of the topology do not agree";
        let mut problem = Diagnostic::new(Code::ManifestTopology, message, label);
        for other in hashes.iter().filter(|hash| hash.span != odd.span) {
            problem = problem.with_label(self.source.label(other.span.clone(), ""));
        }
        self.found.push(problem.with_help("canisters came or went between discovery and snapshot: use another backup"));
    }

    fn members(&mut self, manifest: &Written) {
        let members = &manifest.fleet.members;
        if members.value.is_empty() {
            let message = "no member".to_owned();
            self.say(Code::ManifestEmpty, &members.span, message, "at least one");
        }
        self.unique("canister", members.value.iter().map(|m| &m.canister));
        for member in &members.value {
            self.filled("a role", &member.role);
            self.principal(&member.canister);
            let ids = [&member.parent, &member.subnet, &member.controller];
            for id in ids.into_iter().filter_map(given) {
                self.principal(&id);
            }
            if member.checks.value.is_empty() {
                let message = format!("member `{}` has no check", member.canister.value);
                let span = &member.checks.span;
                self.say(Code::ManifestEmpty, span, message, "at least one");
            }
            self.checks(&member.checks.value);
            self.snapshot(member);
        }
        self.checks(&manifest.fleet_checks.value);
        for group in &manifest.member_checks.value {
            self.filled("a role", &group.role);
            if group.checks.value.is_empty() {
                let message = format!("role `{}` has no check", group.role.value);
                let span = &group.checks.span;
                self.say(Code::ManifestEmpty, span, message, "at least one");
            }
            self.checks(&group.checks.value);
        }
    }

    fn snapshot(&mut self, member: &super::written::Member) {
        let snapshot = &member.snapshot;
        self.filled("the id of the snapshot", &snapshot.id);
        let texts = [&snapshot.module_hash, &snapshot.code_version];
        for text in texts.into_iter().filter_map(given) {
            self.filled("what is said of the code", &text);
        }
        if self.filled("the path of the artifact", &snapshot.artifact) {
            let path = Utf8Path::new(&snapshot.artifact.value);
            let inner = |part| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir);
            if !path.components().all(inner) {
                let message = format!("`{path}` leads out of the backup");
                let span = &snapshot.artifact.span;
                self.say(Code::CanicEscape, span, message, "canic would not restore it");
            }
        }
        self.algorithm(&snapshot.algorithm);
        match given(&snapshot.checksum) {
            Some(checksum) => {
                self.hash("the checksum", &checksum);
            }
            None => {
                let message = format!("the artifact of `{}` is not sealed", member.canister.value);
                self.say(Code::CanicUnsealed, &snapshot.checksum.span, message, "no checksum");
            }
        }
    }

    fn checks(&mut self, checks: &[Check]) {
        for check in checks {
            let kind = &check.kind;
            if self.filled("the kind of a check", kind) && kind.value != CHECK {
                let message = format!("no check is called `{}`", kind.value);
                let note = format!("there is only `{CHECK}`");
                self.say(Code::ManifestCheckKind, &kind.span, message, note);
            }
            for role in &check.roles.value {
                self.filled("a role", role);
            }
            self.unique("role", &check.roles.value);
        }
    }

    /// Who is named must be there, who is there must be covered.
    fn roles(&mut self, manifest: &Written) {
        let members = &manifest.fleet.members.value;
        let known: BTreeSet<&str> = members.iter().map(|m| m.role.value.as_str()).collect();
        let units = manifest.units.value.iter().flat_map(|u| &u.roles.value);
        let groups = &manifest.member_checks.value;
        let checks = (manifest.fleet_checks.value.iter())
            .chain(members.iter().flat_map(|member| &member.checks.value))
            .chain(groups.iter().flat_map(|group| &group.checks.value));
        let spoken = (groups.iter().map(|group| &group.role)).chain(checks.flat_map(|check| &check.roles.value));
        let named = units.clone().chain(spoken.clone());
        let spoken: BTreeSet<&str> = spoken.map(|role| role.value.as_str()).collect();
        let mut unknown: BTreeMap<&str, Vec<&Text>> = BTreeMap::new();
        for role in named.filter(|role| !known.contains(role.value.as_str())) {
            unknown.entry(&role.value).or_default().push(role);
        }
        let covered: BTreeSet<&str> = units.map(|role| role.value.as_str()).collect();
        let mut uncovered: BTreeMap<&str, &Text> = BTreeMap::new();
        for member in members.iter().filter(|m| !covered.contains(m.role.value.as_str())) {
            uncovered.entry(&member.role.value).or_insert(&member.role);
        }
        self.unique("role", groups.iter().map(|group| &group.role));
        for (role, names) in &unknown {
            let members = &manifest.fleet.members.span;
            self.unknown(role, names, uncovered.is_empty().then_some(members));
        }
        // Whose role it is: an unknown role elsewhere tells that the member has a wrong one, and so does a role that
        // nothing names but one member. Else it is missing in a unit.
        let list = manifest.units.value.iter().map(|unit| &unit.roles);
        let list = list.max_by_key(|roles| roles.value.len()).filter(|_| unknown.is_empty());
        let known_twice = |role: &str| {
            let having = members.iter().filter(|member| member.role.value == role);
            spoken.contains(role) || having.take(2).count() > 1
        };
        for (name, member) in uncovered {
            let message = format!("no backup unit covers the role `{name}`");
            let role = self.source.label(member.span.clone(), "of this member");
            let list = list.filter(|_| known_twice(name));
            self.found.push(match list.map(|list| list.span.start) {
                Some(start) => {
                    let open = self.source.label(start..start + 1, "in no unit");
                    Diagnostic::new(Code::ManifestCoverage, message, open).with_label(role)
                }
                None => Diagnostic::new(Code::ManifestCoverage, message, role),
            });
        }
    }

    /// A role that several places name and no member has: then rather a member is missing than all names are wrong.
    fn unknown(&mut self, role: &str, names: &[&Text], members: Option<&Range<usize>>) {
        let mut labels = Vec::new();
        if let Some(members) = members.filter(|_| names.len() > 1) {
            let open = members.start..members.start + 1;
            labels.push(self.source.label(open, "not among the members"));
        }
        let names = names.iter().map(|name| self.source.label(name.span.clone(), "named here"));
        labels.extend(names.take(8));
        let mut labels = labels.into_iter();
        let Some(primary) = labels.next() else { return };
        let message = format!("no member has the role `{role}`");
        let problem = Diagnostic::new(Code::ManifestUnknownRole, message, primary);
        self.found.push(labels.fold(problem, Diagnostic::with_label));
    }

    fn filled(&mut self, what: &str, text: &Text) -> bool {
        let filled = !text.value.trim().is_empty();
        if !filled {
            let message = format!("{what} is empty");
            self.say(Code::ManifestEmpty, &text.span, message, "");
        }
        filled
    }

    fn unique<'a>(&mut self, what: &str, texts: impl IntoIterator<Item = &'a Text>) {
        let mut seen: BTreeMap<&str, &Text> = BTreeMap::new();
        for text in texts {
            if let Some(first) = seen.get(text.value.as_str()) {
                let first = self.source.label(first.span.clone(), "first here");
                let again = self.source.label(text.span.clone(), "again here");
                let message = format!("{what} `{}` stands there twice", text.value);
                let problem = Diagnostic::new(Code::ManifestDuplicate, message, again);
                self.found.push(problem.with_label(first));
            } else {
                seen.insert(&text.value, text);
            }
        }
    }

    fn principal(&mut self, text: &Text) {
        match Principal::from_text(&text.value) {
            Err(error) => {
                let message = format!("`{}` is not a principal", text.value);
                let note = error.to_string().to_lowercase();
                self.say(Code::ManifestPrincipal, &text.span, message, note);
            }
            Ok(_) => self.found.extend(spelling(self.source, text)),
        }
    }

    fn hash(&mut self, what: &str, text: &Text) -> bool {
        let digits = text.value.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sound = digits && text.value.len() == 64;
        if !sound {
            let message = format!("{what} is not a SHA-256 digest");
            self.say(Code::ManifestHash, &text.span, message, "64 hex digits are");
        }
        sound
    }

    fn algorithm(&mut self, text: &Text) {
        if self.filled("the hash algorithm", text) && text.value != ALGORITHM {
            let message = format!("hash algorithm `{}` is not known", text.value);
            let note = format!("there is only `{ALGORITHM}`");
            self.say(Code::ManifestAlgorithm, &text.span, message, note);
        }
    }
}

/// An optional value, where it is given.
pub(super) fn given(text: &Spanned<Option<String>>) -> Option<Text> {
    Some(Spanned::new(text.value.clone()?, text.span.clone()))
}
