//! `[[member]]`: a canister, its snapshot and what is proved of it.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use toml::de::DeValue;

use super::{
    super::{
        Final, Target,
        decode::{At, Decoder, Section},
    },
    each,
};
use crate::{
    diagnostic::{Code, Diagnostic},
    id::{Digest, Name, Principal, SnapshotId},
};

pub(in crate::plan) const MEMBER: &[&str] = &[
    "name",
    "source",
    "target",
    "relocatable",
    "snapshot",
    "depends-on",
    "final",
    "verify",
    "controllers",
    "settings",
];
pub(in crate::plan) const SNAPSHOT: &[&str] = &["artifact", "sha256", "id", "module-hash"];

/// A member as written.
pub(in crate::plan) struct DraftMember {
    /// Its name is missing, or is nothing that a name could be seen in.
    pub(in crate::plan) nameless: bool,
    pub(in crate::plan) name: Option<At<Name>>,
    pub(in crate::plan) source: Option<At<Principal>>,
    pub(in crate::plan) target: Option<At<Target>>,
    /// Whether a target is written at all, if only a bad one.
    pub(in crate::plan) has_target: bool,
    pub(in crate::plan) relocatable: bool,
    pub(in crate::plan) snapshot: Option<DraftSnapshot>,
    pub(in crate::plan) depends_on: Vec<At<Name>>,
    pub(in crate::plan) r#final: Final,
    pub(in crate::plan) verify: Option<Vec<At<Proof>>>,
    pub(in crate::plan) controllers: Option<At<Vec<Principal>>>,
    pub(in crate::plan) settings: Option<At<BTreeMap<String, At<String>>>>,
}

/// A snapshot as written.
pub(in crate::plan) enum DraftSnapshot {
    Artifact { path: At<Utf8PathBuf>, sha256: At<Digest> },
    OnChain { id: At<SnapshotId>, module_hash: Option<At<Digest>> },
}

/// What `verify` may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) enum Proof {
    Running,
    ModuleHash,
    Controllers,
    Settings,
}

pub(super) fn member(d: &mut Decoder<'_>, s: &Section<'_>) -> DraftMember {
    let name = d.required(s, "name", |d, value| d.name(value), "name the member");
    let source = d.required(s, "source", |d, value| d.principal(value), "say which canister the snapshot came from");
    let target = d.optional(s, "target", |d, value| target(d, value));
    let relocatable =
        d.take(s, "relocatable", |d, value| d.boolean(value)).unwrap_or_else(|| d.may_have(s, "relocatable"));
    let snapshot = d.required(
        s,
        "snapshot",
        snapshot,
        "add `snapshot = { artifact = \"…\", sha256 = \"…\" }` or `{ id = \"…\" }`",
    );
    let depends_on = d.take(s, "depends-on", |d, value| Some(each(d, value, |d, item| d.name(item))));
    let finals = [("running", Final::Running), ("stopped", Final::Stopped)];
    let r#final = d.take(s, "final", |d, value| d.word(value, &finals));
    let proofs = [
        ("running", Proof::Running),
        ("module-hash", Proof::ModuleHash),
        ("controllers", Proof::Controllers),
        ("settings", Proof::Settings),
    ];
    let verify = d.take(s, "verify", |d, value| Some(each(d, value, |d, item| d.word(item, &proofs))));
    let controllers = d.optional(s, "controllers", |d, value| {
        Some(each(d, value, |d, item| d.principal(item)).into_iter().map(At::into_inner).collect())
    });
    let written = s.table.get("name").and_then(|value| value.get_ref().as_str());
    if name.is_none() {
        d.unread.extend(written.map(str::to_owned));
    }
    DraftMember {
        nameless: name.is_none() && (s.has("name") || !d.may_have(s, "name")),
        name,
        source,
        target,
        has_target: d.may_have(s, "target"),
        relocatable,
        snapshot: snapshot.map(At::into_inner),
        depends_on: depends_on.unwrap_or_default(),
        r#final: r#final.unwrap_or_default(),
        verify,
        controllers,
        settings: d.optional(s, "settings", settings),
    }
}

/// A principal, or the name of a canister: a text that is neither long nor grouped like a principal is a name.
fn target<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<Target> {
    let text = d.string(value)?;
    let grouped = text.len() > 11 && text.split('-').rev().skip(1).all(|group| group.len() == 5);
    match text.parse::<Name>() {
        Ok(name) if !grouped && Principal::from_text(text).is_err() => Some(Target::Named(name)),
        _ => d.principal(value).map(Target::Canister),
    }
}

fn snapshot<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<DraftSnapshot> {
    let s = d.section(value, "`snapshot`")?;
    d.known(&s, SNAPSHOT);
    let path = d.optional(&s, "artifact", |d, value| d.text(value).map(Utf8PathBuf::from));
    let id = d.optional(&s, "id", |d, value| d.snapshot_id(value));
    let sha256 = d.optional(&s, "sha256", |d, value| d.digest(value));
    let module_hash = d.optional(&s, "module-hash", |d, value| d.digest(value));
    if s.has("artifact") && s.has("id") {
        let primary = d.source.label(s.place("id"), "and on chain");
        let conflict = Diagnostic::new(Code::KeyConflict, "the snapshot is both on disk and on chain", primary);
        let first = d.source.label(s.place("artifact"), "on disk");
        d.push(conflict.with_label(first).with_help("keep `artifact` or `id`"));
        return None;
    }
    for (key, with) in [("sha256", "artifact"), ("module-hash", "id")] {
        if s.has(key) && !s.has(with) && (s.has("artifact") || s.has("id")) {
            let message = format!("`{key}` goes with `{with}`");
            d.help(Code::KeyConflict, s.place(key), message, "not with this snapshot", format!("remove `{key}`"));
        }
    }
    if s.has("artifact") {
        if !s.has("sha256") {
            d.missing(&s, "sha256", "add the seal of the artifact; `icp-restore init` computes it");
        }
        let (path, sha256) = path.zip(sha256)?;
        return Some(DraftSnapshot::Artifact { path, sha256 });
    }
    if !d.may_have(&s, "id") {
        d.missing(&s, "artifact", "add `artifact` and `sha256`, or the `id` of a snapshot on chain");
    }
    Some(DraftSnapshot::OnChain { id: id?, module_hash })
}

/// Settings as `icp canister status --json` names and writes them, compared as text.
fn settings<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<BTreeMap<String, At<String>>> {
    let s = d.section(value, "`settings`")?;
    let mut settings = BTreeMap::new();
    for (key, value) in s.table {
        let text = match value.get_ref() {
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            _ => d.text(value),
        };
        if let Some(text) = text {
            // icp groups the digits of numbers by underscores and names its settings with them.
            settings.insert(key.get_ref().replace('-', "_"), At::new(value.span(), text.replace('_', "")));
        }
    }
    Some(settings)
}
