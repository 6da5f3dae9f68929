//! The rules between and within the values of a manifest.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use camino::{Utf8Component, Utf8Path};

use super::{
    roles, topology,
    written::{Check, Written},
};
use crate::{
    canic::{Spanned, reader::absent, spelling},
    diagnostic::{Code, Diagnostic, Source},
    id::{self, Digest, Principal},
};

const VERSION: u16 = 1;
const ALGORITHM: &str = "sha256";
const CHECK: &str = "status";

const UNFINISHED: &str = "use another backup: this one was never finished";
const CHECKED: &str = "add `{ \"kind\": \"status\", \"roles\": [] }`";

pub(super) type Text = Spanned<String>;

/// What is wrong with a manifest, and what is to be looked at.
pub(super) fn check(source: &Arc<Source>, manifest: &Written) -> Vec<Diagnostic> {
    let mut rules = Rules { source, found: Vec::new() };
    rules.header(manifest);
    rules.units(manifest);
    rules.topology(manifest);
    rules.members(manifest);
    rules.unique("role", manifest.member_checks.value.iter().map(|group| &group.role));
    rules.found.extend(roles::check(source, manifest));
    // Where an id or a role is wrong, no tree is whole either: that is told once the cause is mended.
    let causes = [Code::ManifestPrincipal, Code::ManifestDuplicate, Code::ManifestUnknownRole];
    if !rules.found.iter().any(|problem| causes.contains(&problem.code)) {
        let trees = topology::check(source, manifest);
        rules.found.retain(|problem| !is_told(problem, &trees));
        let uncovered = rules.found.iter().any(|problem| problem.code == Code::ManifestCoverage);
        rules.found.extend(trees.into_iter().filter(|tree| !uncovered || tree.code != Code::ManifestSubtree));
    }
    rules.found
}

/// Whether a role that no unit covers is that of a member that a subtree leaves out, which says more.
fn is_told(problem: &Diagnostic, trees: &[Diagnostic]) -> bool {
    let left_out = trees.iter().filter(|tree| tree.code == Code::ManifestDescendant).map(|tree| &tree.labels[0].span);
    problem.code == Code::ManifestCoverage
        && left_out.into_iter().any(|place| problem.labels.iter().any(|label| label.span == *place))
}

struct Rules<'a> {
    source: &'a Arc<Source>,
    found: Vec<Diagnostic>,
}

impl Rules<'_> {
    fn say(&mut self, code: Code, span: &Range<usize>, message: String, note: impl Into<String>, help: &str) {
        let label = self.source.label(span.clone(), note);
        self.found.push(Diagnostic::new(code, message, label).with_help(help));
    }

    /// A list has at least one item.
    fn at_least_one<T>(&mut self, list: &Spanned<Vec<T>>, message: impl FnOnce() -> String, help: &str) {
        if list.value.is_empty() {
            self.say(Code::ManifestEmpty, &list.span, message(), "at least one goes here", help);
        }
    }

    fn header(&mut self, manifest: &Written) {
        let version = &manifest.version;
        if version.value != VERSION {
            let message = format!("version {} of the manifest is not known", version.value);
            let note = format!("canic 0.36 writes {VERSION}");
            let help = "restore it with the canic that wrote it";
            self.say(Code::ManifestVersion, &version.span, message, note, help);
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
        self.at_least_one(units, || "no backup unit".to_owned(), UNFINISHED);
        self.unique("backup unit", units.value.iter().map(|unit| &unit.id));
        for unit in &units.value {
            self.filled("the id of a unit", &unit.id);
            let help = "write the roles that were backed up together";
            self.at_least_one(&unit.roles, || format!("unit `{}` has no role", unit.id.value), help);
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
        let label = self.source.label(odd.span.clone(), "differs from these");
        let message = "the hashes of the topology do not agree";
        let mut problem = Diagnostic::new(Code::ManifestTopology, message, label);
        for other in hashes.iter().filter(|hash| hash.span != odd.span) {
            problem = problem.with_label(self.source.label(other.span.clone(), ""));
        }
        self.found.push(problem.with_help("use another backup: canisters came or went while this one was made"));
    }

    fn members(&mut self, manifest: &Written) {
        let members = &manifest.fleet.members;
        self.at_least_one(members, || "no member".to_owned(), UNFINISHED);
        self.unique("canister", members.value.iter().map(|m| &m.canister));
        for member in &members.value {
            self.filled("a role", &member.role);
            self.principal(&member.canister);
            let ids = [&member.parent, &member.subnet, &member.controller];
            for id in ids.into_iter().filter_map(given) {
                self.principal(&id);
            }
            self.at_least_one(&member.checks, || format!("member `{}` has no check", member.canister.value), CHECKED);
            self.checks(&member.checks.value);
            self.snapshot(member);
        }
        self.checks(&manifest.fleet_checks.value);
        for group in &manifest.member_checks.value {
            self.filled("a role", &group.role);
            self.at_least_one(&group.checks, || format!("role `{}` has no check", group.role.value), CHECKED);
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
                let help = "put the artifact into the folder of the backup, and write its path there";
                self.say(Code::CanicEscape, span, message, "canic would not restore it", help);
            }
        }
        self.algorithm(&snapshot.algorithm);
        match given(&snapshot.checksum) {
            Some(checksum) => {
                self.hash("the checksum", &checksum);
            }
            None => {
                let message = format!("the artifact of `{}` has no checksum", member.canister.value);
                let (label, help) = absent(self.source, snapshot.checksum.span.clone(), "checksum");
                let help = help.unwrap_or_else(|| {
                    "make the plan by `icp-restore init --from`: it seals the artifact as it is now".into()
                });
                self.found.push(Diagnostic::new(Code::CanicUnsealed, message, label).with_help(help));
            }
        }
    }

    fn checks(&mut self, checks: &[Check]) {
        for check in checks {
            let kind = &check.kind;
            if self.filled("the kind of a check", kind) && kind.value != CHECK {
                let message = format!("no check is called `{}`", kind.value);
                self.say(Code::ManifestCheckKind, &kind.span, message, "not known here", &format!("write `{CHECK}`"));
            }
            for role in &check.roles.value {
                self.filled("a role", role);
            }
            self.unique("role", &check.roles.value);
        }
    }

    fn filled(&mut self, what: &str, text: &Text) -> bool {
        let filled = !text.value.trim().is_empty();
        if !filled {
            let message = format!("{what} is empty");
            self.say(Code::ManifestEmpty, &text.span, message, "nothing in it", "fill it in");
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
                let problem = Diagnostic::new(Code::ManifestDuplicate, message, again).with_label(first);
                self.found.push(problem.with_help("remove one of the two"));
            } else {
                seen.insert(&text.value, text);
            }
        }
    }

    fn principal(&mut self, text: &Text) {
        match Principal::from_text(&text.value) {
            Err(wrong) => {
                let (message, help) = id::not_a_principal(&text.value, &wrong);
                self.say(Code::ManifestPrincipal, &text.span, message, "not a principal", &help);
            }
            Ok(_) => self.found.extend(spelling(self.source, text)),
        }
    }

    fn hash(&mut self, what: &str, text: &Text) -> bool {
        let digits = text.value.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sound = digits && text.value.len() == 64;
        if !sound {
            let message = format!("{what} is not a SHA-256 digest");
            let help = match text.value.parse::<Digest>() {
                Ok(_) => "remove `sha256:`",
                Err(_) => "take it from another copy of the manifest",
            };
            self.say(Code::ManifestHash, &text.span, message, "64 hex digits go here", help);
        }
        sound
    }

    fn algorithm(&mut self, text: &Text) {
        if self.filled("the hash algorithm", text) && text.value != ALGORITHM {
            let message = format!("hash algorithm `{}` is not known", text.value);
            self.say(Code::ManifestAlgorithm, &text.span, message, "not known here", &format!("write `{ALGORITHM}`"));
        }
    }
}

/// An optional value, where it is given.
pub(super) fn given(text: &Spanned<Option<String>>) -> Option<Text> {
    Some(Spanned::new(text.value.clone()?, text.span.clone()))
}
