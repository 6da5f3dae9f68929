//! From what is written to what holds: everything that values mean for each other.
//!
//! Reports all that is wrong and yields a plan only where nothing is missing.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    ops::Range,
    sync::Arc,
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::{
    Backup, Check, Member, MemberPlaces, Network, Places, Plan, Snapshot, Stated, Target, Verify,
    decode::At,
    document::{Draft, DraftMember, DraftSnapshot, Proof},
};
use crate::{
    diagnostic::{self, Code, Diagnostic, Source, suggest},
    id::{Name, Principal},
};

/// Checks a draft and makes a plan of it.
pub(super) fn plan(
    source: &Arc<Source>,
    mut draft: Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(Plan, Places)> {
    let mut v = Validator { source, diagnostics, unknown: Vec::new() };
    let index = v.names(&draft);
    // Of two members of one name, one was to have another.
    draft.nameless += draft.members.iter().filter(|member| member.name.is_some()).count() - index.len();
    v.targets(&draft);
    v.checks(&draft, &index);
    draft.members.iter().for_each(|member| v.member(member));
    let parents: Vec<Vec<(usize, Range<usize>)>> =
        draft.members.iter().map(|member| v.parents(member, &index)).collect();
    super::unknown::report(source, &draft, std::mem::take(&mut v.unknown), v.diagnostics);
    let order = v.order(&draft, &parents);
    nearly(source, &draft, v.diagnostics);
    super::warn::plan(source, &draft, v.diagnostics);

    let mut place = vec![0; draft.members.len()];
    order.iter().enumerate().for_each(|(position, &index)| place[index] = position);
    let mut checks: Vec<Vec<Check>> = vec![Vec::new(); draft.members.len()];
    for check in draft.checks {
        let member = check.member.and_then(|name| index.get(name.get_ref()).copied())?;
        checks[member].push(check.check?);
    }
    let name = draft.name.as_ref().map_or(draft.place.clone(), At::span);
    let root = draft.root.as_ref().map_or(draft.place.clone(), At::span);
    let backup_id = draft.backup_id.as_ref().map_or(root.clone(), At::span);
    let mut members: Vec<Option<(Member, MemberPlaces)>> = Vec::new();
    for ((member, parents), checks) in draft.members.into_iter().zip(parents).zip(checks) {
        let mut depends_on: Vec<usize> = parents.into_iter().map(|(parent, _)| place[parent]).collect();
        depends_on.sort_unstable();
        members.push(Some(finish(member, depends_on, checks)?));
    }
    let ordered = order.into_iter().map(|index| members[index].take());
    let (members, places) = ordered.collect::<Option<Vec<_>>>()?.into_iter().unzip();
    let plan = Plan {
        name: draft.name?.into_inner(),
        network: draft.network?,
        caller: draft.caller,
        backup: Backup {
            id: draft.backup_id.map(At::into_inner),
            root: draft.root.map_or_else(|| Utf8PathBuf::from("."), |root| normal(root.get_ref())),
        },
        members,
        limits: draft.limits,
        timeouts: draft.timeouts,
        retry: draft.retry,
        safety: draft.safety,
    };
    Some((plan, Places { source: Arc::clone(source), members: places, name, root, options: draft.options, backup_id }))
}

struct Validator<'a> {
    source: &'a Arc<Source>,
    diagnostics: &'a mut Vec<Diagnostic>,
    /// Names that no member has.
    unknown: Vec<At<Name>>,
}

impl Validator<'_> {
    fn report(&mut self, code: Code, at: Range<usize>, message: String, label: &str, help: impl Into<String>) {
        diagnostic::push(
            self.diagnostics,
            Diagnostic::new(code, message, self.source.label(at, label)).with_help(help),
        );
    }

    fn twice(&mut self, code: Code, first: Range<usize>, again: Range<usize>, message: String, help: &str) {
        let diagnostic = Diagnostic::new(code, message, self.source.label(again, "again here"));
        diagnostic::push(
            self.diagnostics,
            diagnostic.with_label(self.source.label(first, "first here")).with_help(help),
        );
    }

    fn names(&mut self, draft: &Draft) -> HashMap<Name, usize> {
        let mut index: HashMap<Name, usize> = HashMap::new();
        for (at, member) in draft.members.iter().enumerate() {
            let Some(name) = &member.name else { continue };
            if let Some(&first) = index.get(name.get_ref()) {
                let first = draft.members[first].name.as_ref().map_or(0..0, At::span);
                let message = format!("two members are named `{}`", name.get_ref());
                self.twice(Code::DuplicateName, first, name.span(), message, "give one of them another name");
            } else {
                index.insert(name.get_ref().clone(), at);
            }
        }
        index
    }

    fn targets(&mut self, draft: &Draft) {
        let mut seen: HashMap<String, (Range<usize>, &DraftMember)> = HashMap::new();
        let name = |member: &DraftMember| member.name.as_ref().map(|name| name.get_ref().clone());
        for member in &draft.members {
            let Some(target) = effective_target(member) else { continue };
            let text = target.get_ref().to_string();
            if let Some((first, other)) = seen.get(&text) {
                // A member that stands there twice is told of by its name.
                if name(member).is_some() && name(member) == name(other) {
                    continue;
                }
                let message = format!("two members restore {text}");
                let help = "a canister is restored once: remove one member, or give it a `target` of its own";
                self.twice(Code::DuplicateTarget, first.clone(), target.span(), message, help);
            } else {
                seen.insert(text, (target.span(), member));
            }
            if let Target::Named(name) = target.get_ref()
                && matches!(draft.network, Some(Network::Url { .. } | Network::Name(_)))
            {
                let message = format!("`{name}` is a name, and this network knows only principals");
                let help = "write the principal, or use `environment` in [network]";
                self.report(Code::TargetName, target.span(), message, "not a principal", help);
            }
        }
    }

    fn member(&mut self, member: &DraftMember) {
        for principal in [&member.source, &canister(member)].into_iter().flatten() {
            let bytes = principal.get_ref().as_slice();
            // The last byte of a principal is its class: 2 is a key's, 4 anonymous, and the empty one is the IC itself.
            if bytes.is_empty() || matches!(bytes.last(), Some(2 | 4)) {
                let message = format!("{} is not a canister", principal.get_ref());
                self.report(
                    Code::NotACanister,
                    principal.span(),
                    message,
                    "no canister has this id",
                    "write the id of a canister",
                );
            }
        }
        if let (Some(source), Some(target)) = (&member.source, canister(member))
            && source.get_ref() != target.get_ref()
            && !member.relocatable
        {
            let message = format!("the snapshot of {} goes to another canister", source.get_ref());
            let primary = self.source.label(target.span(), "not where it came from");
            let diagnostic = Diagnostic::new(Code::Relocation, message, primary);
            let diagnostic = diagnostic.with_label(self.source.label(source.span(), "it came from here"));
            diagnostic::push(self.diagnostics, diagnostic.with_help("if that is meant, add `relocatable = true`"));
        }
        if let Some(DraftSnapshot::Artifact { path, .. }) = &member.snapshot
            && escapes(path.get_ref())
        {
            let message = format!("`{}` leads out of the backup", path.get_ref());
            let help = "write a path below the root of the backup, without `..`";
            self.report(Code::PathEscape, path.span(), message, "leads out", help);
        }
        let mut seen: Vec<&At<Proof>> = Vec::new();
        for proof in member.verify.iter().flatten() {
            match seen.iter().find(|first| first.get_ref() == proof.get_ref()) {
                Some(first) => self.twice(
                    Code::DuplicateName,
                    first.span(),
                    proof.span(),
                    "named twice in `verify`".into(),
                    "remove one",
                ),
                None => seen.push(proof),
            }
        }
    }

    fn checks(&mut self, draft: &Draft, index: &HashMap<Name, usize>) {
        for check in &draft.checks {
            self.unknown.extend(check.member.clone().filter(|name| !index.contains_key(name.get_ref())));
        }
    }

    fn parents(&mut self, member: &DraftMember, index: &HashMap<Name, usize>) -> Vec<(usize, Range<usize>)> {
        let mut parents: Vec<(usize, Range<usize>)> = Vec::new();
        let mut seen: HashMap<usize, Range<usize>> = HashMap::new();
        for name in &member.depends_on {
            let Some(&parent) = index.get(name.get_ref()) else {
                self.unknown.push(name.clone());
                continue;
            };
            match seen.get(&parent) {
                Some(first) => {
                    let message = format!("`{}` is named twice in `depends-on`", name.get_ref());
                    self.twice(Code::DuplicateName, first.clone(), name.span(), message, "remove one");
                }
                None => {
                    seen.insert(parent, name.span());
                    parents.push((parent, name.span()));
                }
            }
        }
        parents
    }

    /// Members in restore order, parents first, else as written; rings are reported.
    fn order(&mut self, draft: &Draft, parents: &[Vec<(usize, Range<usize>)>]) -> Vec<usize> {
        let mut children = vec![Vec::new(); parents.len()];
        let mut waiting: Vec<usize> = parents.iter().map(Vec::len).collect();
        for (child, parents) in parents.iter().enumerate() {
            parents.iter().for_each(|&(parent, _)| children[parent].push(child));
        }
        let free = |waiting: &[usize]| (0..waiting.len()).filter(|&i| waiting[i] == 0).map(Reverse).collect();
        let mut ready: BinaryHeap<Reverse<usize>> = free(&waiting);
        let mut order = Vec::new();
        while let Some(Reverse(next)) = ready.pop() {
            order.push(next);
            for &child in &children[next] {
                waiting[child] -= 1;
                if waiting[child] == 0 {
                    ready.push(Reverse(child));
                }
            }
        }
        let mut told = vec![false; parents.len()];
        for start in 0..parents.len() {
            if waiting[start] > 0 && !told[start] {
                self.ring(start, draft, parents, &waiting, &mut told);
            }
        }
        order
    }

    /// Follows parents that never become ready from a member on until one comes again: that is a ring.
    fn ring(
        &mut self,
        start: usize,
        draft: &Draft,
        parents: &[Vec<(usize, Range<usize>)>],
        waiting: &[usize],
        told: &mut [bool],
    ) {
        let mut path: Vec<(usize, Range<usize>)> = Vec::new();
        let mut position = HashMap::new();
        let mut at = start;
        let from = loop {
            if told[at] {
                path.iter().for_each(|&(member, _)| told[member] = true);
                return;
            }
            if let Some(&from) = position.get(&at) {
                break from;
            }
            // Every member that waits for ever has a parent that does.
            let Some((parent, span)) = parents[at].iter().find(|&&(parent, _)| waiting[parent] > 0) else { return };
            position.insert(at, path.len());
            path.push((at, span.clone()));
            at = *parent;
        };
        path.iter().for_each(|&(member, _)| told[member] = true);
        let ring = &path[from..];
        let name = |member: usize| draft.members[member].name.as_ref().map_or("?", |name| name.get_ref().as_str());
        let first = ring.iter().enumerate().min_by_key(|(_, (_, span))| span.start).map_or(0, |(at, _)| at);
        let turned: Vec<&(usize, Range<usize>)> = ring[first..].iter().chain(&ring[..first]).collect();
        let names: Vec<&str> = turned.iter().map(|(member, _)| name(*member)).collect();
        let message = format!("members depend on each other in a ring: {} → {}", names.join(" → "), names[0]);
        let labels = turned
            .iter()
            .take(20)
            .map(|(member, span)| self.source.label(span.clone(), format!("`{}` depends on this", name(*member))));
        let diagnostic = Diagnostic {
            code: Code::Cycle,
            message,
            labels: labels.collect(),
            help: Some("remove one of these".into()),
        };
        diagnostic::push(self.diagnostics, diagnostic);
    }
}

/// Principals that are compared with each other.
const MOST_COMPARED: usize = 2_000_000;

/// Says of each principal that is none which of those in the plan it nearly is.
fn nearly(source: &Arc<Source>, draft: &Draft, diagnostics: &mut [Diagnostic]) {
    let mut bad = diagnostics.iter_mut().filter(|d| d.code == Code::BadPrincipal).peekable();
    if bad.peek().is_none() {
        return;
    }
    let sources = draft.members.iter().filter_map(|member| member.source.as_ref()).map(|at| at.get_ref().to_text());
    let targets = draft.members.iter().filter_map(canister).map(|at| at.get_ref().to_text());
    let caller = [draft.caller.proxy, draft.caller.expect_principal];
    let known: Vec<String> = sources.chain(targets).chain(caller.iter().flatten().map(Principal::to_text)).collect();
    for diagnostic in bad.take(MOST_COMPARED / known.len().max(1)) {
        let span = diagnostic.labels[0].span.clone();
        let text = source.text()[span].trim_matches(['"', '\'']);
        if let Some(near) = suggest::nearest_principal(text, known.iter().map(String::as_str)) {
            diagnostic.help =
                Some(format!("it is nearly {near}, which the plan names too: write that, if it is meant"));
        }
    }
}

fn finish(member: DraftMember, depends_on: Vec<usize>, checks: Vec<Check>) -> Option<(Member, MemberPlaces)> {
    let target = effective_target(&member)?;
    let name = member.name?;
    let (snapshot, at, digest) = match member.snapshot? {
        DraftSnapshot::Artifact { path, sha256 } => {
            let (at, digest) = (path.span(), sha256.span());
            (Snapshot::Artifact { path: normal(path.get_ref()), sha256: sha256.into_inner() }, at, digest)
        }
        DraftSnapshot::OnChain { id, module_hash } => {
            let (at, digest) = (id.span(), module_hash.as_ref().map_or(id.span(), At::span));
            (Snapshot::OnChain { id: id.into_inner(), module_hash: module_hash.map(At::into_inner) }, at, digest)
        }
    };
    let proofs = member.verify.map_or_else(
        || vec![Proof::Running, Proof::ModuleHash],
        |proofs| proofs.into_iter().map(At::into_inner).collect(),
    );
    let controllers = member.controllers.as_ref().map(At::span);
    let settings = member.settings.map(At::into_inner);
    let places = MemberPlaces {
        name: name.span(),
        target: target.span(),
        snapshot: at,
        digest,
        relocatable: member.relocatable,
        controllers,
        settings: settings.iter().flatten().map(|(key, value)| (key.clone(), value.span())).collect(),
    };
    let settings =
        settings.map(|settings| settings.into_iter().map(|(key, value)| (key, value.into_inner())).collect());
    let verify = Verify {
        running: proofs.contains(&Proof::Running),
        module_hash: proofs.contains(&Proof::ModuleHash),
        controllers: proofs.contains(&Proof::Controllers).then(|| stated(member.controllers.map(At::into_inner))),
        settings: proofs.contains(&Proof::Settings).then(|| stated(settings)),
    };
    let source = member.source?.into_inner();
    let member = Member {
        name: name.into_inner(),
        source,
        target: target.into_inner(),
        snapshot,
        depends_on,
        r#final: member.r#final,
        verify,
        checks,
    };
    Some((member, places))
}

fn stated<T>(written: Option<T>) -> Stated<T> {
    written.map_or(Stated::AsBefore, Stated::As)
}

/// Where the member goes: its target, or without one its source.
pub(super) fn effective_target(member: &DraftMember) -> Option<At<Target>> {
    if member.has_target {
        return member.target.clone();
    }
    member.source.as_ref().map(|source| At::new(source.span(), Target::Canister(*source.get_ref())))
}

/// The target that is written, where it is a principal.
pub(super) fn canister(member: &DraftMember) -> Option<At<Principal>> {
    match member.target.as_ref()?.get_ref() {
        Target::Canister(principal) => Some(At::new(member.target.as_ref()?.span(), *principal)),
        Target::Named(_) => None,
    }
}

/// Whether a path can lead out of the folder that it is joined to.
pub(super) fn escapes(path: &Utf8Path) -> bool {
    !path.components().all(|part| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir))
}

/// The path without `.` and double separators: the same place, and one way to write it.
pub(super) fn normal(path: &Utf8Path) -> Utf8PathBuf {
    let parts: Utf8PathBuf = path.components().filter(|part| *part != Utf8Component::CurDir).collect();
    if parts.as_str().is_empty() { Utf8PathBuf::from(".") } else { parts }
}
