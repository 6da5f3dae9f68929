//! The plan as it is written: the only place that knows TOML.
//!
//! Yields a [`Draft`], in which every value is of its type and has its place, and what could not be used is left out
//! and reported. What values mean for each other is the matter of [`super::validate`].

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use camino::Utf8PathBuf;
use toml::de::{DeTable, DeValue};

use super::{
    AmbiguousLoad, Caller, Cleanup, Final, Limits, Network, Orphans, Retry, RootKey, Safety, Target, Timeouts,
    decode::{At, Decoder, Keys, Section},
};
use crate::{
    diagnostic::{Code, Diagnostic, Source},
    id::{Digest, Name, Principal, SnapshotId},
};

/// A plan as written.
pub(super) struct Draft {
    pub(super) name: Option<At<Name>>,
    pub(super) network: Option<Network>,
    pub(super) caller: Caller,
    pub(super) backup_id: Option<String>,
    pub(super) root: Option<At<Utf8PathBuf>>,
    pub(super) members: Vec<DraftMember>,
    pub(super) checks: Vec<DraftCheck>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) retry: Retry,
    pub(super) safety: Safety,
    /// A place for what is said of the plan as a whole.
    pub(super) place: Range<usize>,
    /// Where `[safety]` and its keys stand, for warnings.
    pub(super) safety_place: BTreeMap<&'static str, Range<usize>>,
    /// The text does not parse, so parts of it may be missing here.
    pub(super) broken: bool,
}

/// A member as written.
pub(super) struct DraftMember {
    pub(super) span: Range<usize>,
    pub(super) name: Option<At<Name>>,
    pub(super) source: Option<At<Principal>>,
    pub(super) target: Option<At<Target>>,
    /// Whether a target is written at all, if only a bad one.
    pub(super) has_target: bool,
    pub(super) relocatable: bool,
    pub(super) snapshot: Option<DraftSnapshot>,
    pub(super) depends_on: Vec<At<Name>>,
    pub(super) r#final: Final,
    pub(super) verify: Option<Vec<At<Proof>>>,
    pub(super) controllers: Option<At<Vec<Principal>>>,
    pub(super) settings: Option<At<BTreeMap<String, String>>>,
}

/// A snapshot as written.
pub(super) enum DraftSnapshot {
    Artifact { path: At<Utf8PathBuf>, sha256: At<Digest> },
    OnChain { id: At<SnapshotId>, module_hash: Option<At<Digest>> },
}

/// A check as written.
pub(super) struct DraftCheck {
    pub(super) member: Option<At<Name>>,
    pub(super) check: Option<super::Check>,
}

/// What `verify` may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Running,
    ModuleHash,
    Controllers,
    Settings,
}

pub(super) const PLAN: &[&str] =
    &["version", "name", "requires", "network", "backup", "member", "check", "limits", "timeouts", "retry", "safety"];
pub(super) const NETWORK: &[&str] =
    &["url", "name", "environment", "root-key", "identity", "expect-principal", "proxy", "project", "subnet-nodes"];
pub(super) const BACKUP: &[&str] = &["id", "root"];
pub(super) const MEMBER: &[&str] = &[
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
pub(super) const SNAPSHOT: &[&str] = &["artifact", "sha256", "id", "module-hash"];
pub(super) const CHECK: &[&str] = &["member", "call", "args", "query", "expect", "timeout", "attempts"];
pub(super) const LIMITS: &[&str] = &["upload", "other", "max-failures", "upload-memory"];
pub(super) const TIMEOUTS: &[&str] = &["upload", "stop", "other"];
pub(super) const RETRY: &[&str] = &["attempts", "backoff"];
pub(super) const SAFETY: &[&str] = &["snapshot", "ambiguous-load", "orphans", "cleanup"];

const TABLES: &[Keys] = &[
    Keys { title: "the plan", keys: PLAN },
    Keys { title: "[network]", keys: NETWORK },
    Keys { title: "[backup]", keys: BACKUP },
    Keys { title: "[[member]]", keys: MEMBER },
    Keys { title: "`snapshot`", keys: SNAPSHOT },
    Keys { title: "[[check]]", keys: CHECK },
    Keys { title: "[limits]", keys: LIMITS },
    Keys { title: "[timeouts]", keys: TIMEOUTS },
    Keys { title: "[retry]", keys: RETRY },
    Keys { title: "[safety]", keys: SAFETY },
];

/// Reads what is written. No draft where the text holds nothing to go on with.
pub(super) fn read(source: &Arc<Source>) -> (Option<Draft>, Vec<Diagnostic>) {
    let (root, errors) = DeTable::parse_recoverable(source.text());
    let mut decoder = Decoder::new(source);
    decoder.broken = !errors.is_empty();
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        decoder.push(syntax(source, root.get_ref(), error.message(), &span));
    }
    let draft = plan(&mut decoder, root.get_ref());
    (draft, decoder.diagnostics)
}

fn syntax(source: &Arc<Source>, root: &DeTable<'_>, message: &str, span: &Range<usize>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::Syntax, message, source.label(span.clone(), "here"));
    if message != "duplicate key" {
        return diagnostic.with_help("mend the TOML here");
    }
    let key = source.text().get(span.clone()).unwrap_or_default();
    let mut before = Vec::new();
    places_of(root, key, &mut before);
    let first = before.into_iter().filter(|place| place.end <= span.start).max_by_key(|place| place.start);
    let diagnostic = diagnostic.with_help(format!("keep one `{}`", key.escape_debug()));
    match first {
        Some(first) => diagnostic.with_label(source.label(first, "first here")),
        None => diagnostic,
    }
}

fn places_of(table: &DeTable<'_>, wanted: &str, places: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        if key.get_ref() == wanted {
            places.push(key.span());
        }
        match value.get_ref() {
            DeValue::Table(inner) => places_of(inner, wanted, places),
            DeValue::Array(items) => {
                let tables = items.iter().filter_map(|item| item.get_ref().as_table());
                tables.for_each(|inner| places_of(inner, wanted, places));
            }
            _ => {}
        }
    }
}

fn plan<'a>(d: &mut Decoder<'_>, table: &'a DeTable<'a>) -> Option<Draft> {
    let title = "the plan";
    let root = Section { table, span: (0, 0), title };
    let requires = d.optional(&root, "requires", |d, value| d.text(value)).map(toml::Spanned::into_inner);
    d.known(&root, PLAN, TABLES, requires.as_deref());
    let version = |d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>| d.number(value, 0..=u32::MAX);
    let version = d.required(&root, "version", version, "write `version = 1` first");
    if let Some(version) = version.filter(|version| *version.get_ref() != 1) {
        let message = format!("version {} of the plan format", version.get_ref());
        d.help(Code::UnknownVersion, version.span(), message, "not known to this program", "write 1");
        return None;
    }
    let name = |d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>| plan_name(d, value);
    let name = d.required(&root, "name", name, "name the plan: `name = \"my-fleet\"`");
    let place = name.as_ref().map_or(0..0, toml::Spanned::span);
    let section = |d: &mut Decoder<'_>, key: &str, title, known: &[&str]| {
        let section = d.section(table.get(key)?, title)?;
        d.known(&section, known, TABLES, requires.as_deref());
        Some(section)
    };
    if !root.has("network") {
        d.missing(&root, "network", "say which network: `[network]` with `name = \"ic\"`, a `url` or an `environment`");
    }
    let network = section(d, "network", "[network]", NETWORK);
    let (network, caller) = network.map_or((None, Caller::default()), |section| super::document::network(d, &section));
    let backup = section(d, "backup", "[backup]", BACKUP);
    let backup_id = backup.and_then(|s| d.optional(&s, "id", |d, value| d.text(value))).map(toml::Spanned::into_inner);
    let root_path = backup.and_then(|s| d.optional(&s, "root", |d, value| d.text(value).map(Utf8PathBuf::from)));
    let limits_section = section(d, "limits", "[limits]", LIMITS);
    let limits = limits(d, limits_section.as_ref());
    let timeouts_section = section(d, "timeouts", "[timeouts]", TIMEOUTS);
    let timeouts = timeouts(d, timeouts_section.as_ref());
    let retry_section = section(d, "retry", "[retry]", RETRY);
    let retry = retry(d, retry_section.as_ref());
    let safety_section = section(d, "safety", "[safety]", SAFETY);
    let safety = safety(d, safety_section.as_ref());
    let safety_place = |key| Some((key, safety_section.filter(|s| s.has(key))?.key_span(key)));
    let safety_place = ["snapshot", "cleanup", "orphans"].into_iter().filter_map(safety_place).collect();
    if !root.has("member") {
        d.missing(&root, "member", "add a `[[member]]` for each canister");
    }
    let members = tables(d, &root, "member", "[[member]]", MEMBER, requires.as_deref());
    let members = members.iter().map(|section| member(d, section)).collect();
    let checks = tables(d, &root, "check", "[[check]]", CHECK, requires.as_deref());
    let checks = checks.iter().map(|section| check(d, section)).collect();
    let broken = d.broken;
    Some(Draft {
        name,
        network,
        caller,
        backup_id,
        root: root_path,
        members,
        checks,
        limits,
        timeouts,
        retry,
        safety,
        place,
        safety_place,
        broken,
    })
}

fn plan_name<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<Name> {
    let name = d.name(value)?;
    let odd = name.as_str().chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'));
    if let Some(odd) = odd {
        let message = format!("`{odd}` cannot stand in the name of a plan");
        d.help(Code::BadName, value.span(), message, "this name", "use a-z, 0-9 and `-`");
        return None;
    }
    Some(name)
}

fn tables<'a>(
    d: &mut Decoder<'_>,
    root: &Section<'a>,
    key: &str,
    title: &'static str,
    known: &[&str],
    requires: Option<&str>,
) -> Vec<Section<'a>> {
    let Some(value) = root.table.get(key) else { return Vec::new() };
    let Some(items) = value.get_ref().as_array() else {
        d.help(
            Code::WrongType,
            root.key_span(key),
            format!("`{key}` is not a list of tables"),
            "here",
            format!("write {title}"),
        );
        return Vec::new();
    };
    let mut sections = Vec::new();
    for item in items.iter() {
        if let Some(section) = d.section(item, title) {
            d.known(&section, known, TABLES, requires);
            sections.push(section);
        }
    }
    sections
}

fn network(d: &mut Decoder<'_>, section: &Section<'_>) -> (Option<Network>, Caller) {
    const ONE: &str = "keep one of `url`, `name` and `environment`";
    let identity = d.optional(section, "identity", |d, value| d.name(value)).map(toml::Spanned::into_inner);
    let expect_principal =
        d.optional(section, "expect-principal", |d, value| d.principal(value)).map(toml::Spanned::into_inner);
    let proxy = d.optional(section, "proxy", |d, value| d.principal(value)).map(toml::Spanned::into_inner);
    let subnet_nodes = d.optional(section, "subnet-nodes", |d, value| d.number(value, 1..=1000));
    let subnet_nodes = subnet_nodes.map_or(13, toml::Spanned::into_inner);
    let caller = Caller { identity, expect_principal, proxy, subnet_nodes };
    let url = d.optional(section, "url", |d, value| url(d, value)).map(toml::Spanned::into_inner);
    let name = d.optional(section, "name", |d, value| d.name(value)).map(toml::Spanned::into_inner);
    let environment = d.optional(section, "environment", |d, value| d.name(value)).map(toml::Spanned::into_inner);
    let project = d.optional(section, "project", |d, value| d.text(value).map(Utf8PathBuf::from));
    let root_key = d.optional(section, "root-key", |d, value| root_key(d, value)).map(toml::Spanned::into_inner);
    let ways: Vec<&str> = ["url", "name", "environment"].into_iter().filter(|key| section.has(key)).collect();
    match ways[..] {
        [] => d.missing(section, "url", "add `name = \"ic\"`, or `url` with `root-key`, or `environment`"),
        [_] => {}
        [first, ..] => {
            let places = ways[1..].iter().map(|key| d.source.label(section.key_span(key), "one of them"));
            let primary = d.source.label(section.key_span(ways[ways.len() - 1]), "and this");
            let mut conflict =
                Diagnostic::new(Code::KeyConflict, "more than one network is named", primary).with_help(ONE);
            conflict.labels.push(d.source.label(section.key_span(first), "this"));
            conflict.labels.extend(places.take(ways.len() - 2));
            d.push(conflict);
        }
    }
    for (key, with) in [("root-key", "url"), ("project", "environment")] {
        if section.has(key) && !section.has(with) && !ways.is_empty() {
            let message = format!("`{key}` goes with `{with}` only");
            d.help(
                Code::KeyConflict,
                section.key_span(key),
                message,
                "not with this network",
                format!("remove `{key}`"),
            );
        }
    }
    if section.has("url") && !section.has("root-key") {
        d.missing(section, "root-key", "add `root-key = \"fetch\"` for a test network, \"mainnet\" or the key in hex");
    }
    let network = match ways[..] {
        ["url"] => url.zip(root_key).map(|(url, root_key)| Network::Url { url, root_key }),
        ["name"] => name.map(Network::Name),
        ["environment"] => {
            environment.map(|name| Network::Environment { name, project: project.map(toml::Spanned::into_inner) })
        }
        _ => None,
    };
    (network, caller)
}

fn url<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<String> {
    let text = d.text(value)?;
    let parsed = text.parse::<http::Uri>().ok();
    if parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|h| !h.is_empty())
    }) {
        return Some(text);
    }
    let message = format!("`{}` is not the address of a network", text.escape_debug());
    d.help(Code::BadUrl, value.span(), message, "not an address", "write http:// or https:// and a host");
    None
}

fn root_key<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<RootKey> {
    match d.string(value)? {
        "mainnet" => Some(RootKey::Mainnet),
        "fetch" => Some(RootKey::Fetch),
        // 37 bytes of DER head and 96 of a BLS12-381 public key (IC interface specification).
        hex if hex.len() == 266 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Some(RootKey::Hex(hex.to_ascii_lowercase()))
        }
        other => {
            let message = format!(
                "a root key is 266 hex digits, `fetch` or `mainnet`; this has {} characters",
                other.chars().count()
            );
            let near = crate::diagnostic::suggest::nearest(other, ["mainnet", "fetch"].into_iter());
            let help = near.map_or("write \"fetch\" for a test network, \"mainnet\" for the IC".into(), |near| {
                format!("write \"{near}\"")
            });
            d.help(Code::BadRootKey, value.span(), message, "not a root key", help);
            None
        }
    }
}

fn member(d: &mut Decoder<'_>, s: &Section<'_>) -> DraftMember {
    let name = d.required(s, "name", |d, value| d.name(value), "name the member");
    let source = d.required(s, "source", |d, value| d.principal(value), "say which canister the snapshot came from");
    let target = d.optional(s, "target", |d, value| target(d, value));
    let relocatable = d.optional(s, "relocatable", |d, value| d.boolean(value)).is_some_and(toml::Spanned::into_inner);
    let snapshot = d.required(
        s,
        "snapshot",
        snapshot,
        "add `snapshot = { artifact = \"…\", sha256 = \"…\" }` or `{ id = \"…\" }`",
    );
    let depends_on = d.optional(s, "depends-on", |d, value| Some(each(d, value, |d, item| d.name(item))));
    let finals = [("running", Final::Running), ("stopped", Final::Stopped)];
    let r#final = d.optional(s, "final", |d, value| d.word(value, &finals));
    let proofs = [
        ("running", Proof::Running),
        ("module-hash", Proof::ModuleHash),
        ("controllers", Proof::Controllers),
        ("settings", Proof::Settings),
    ];
    let verify = d.optional(s, "verify", |d, value| Some(each(d, value, |d, item| d.word(item, &proofs))));
    let controllers = d.optional(s, "controllers", |d, value| {
        Some(each(d, value, |d, item| d.principal(item)).into_iter().map(toml::Spanned::into_inner).collect())
    });
    DraftMember {
        span: s.range(),
        name,
        source,
        target,
        has_target: s.has("target"),
        relocatable,
        snapshot: snapshot.map(toml::Spanned::into_inner),
        depends_on: depends_on.map(toml::Spanned::into_inner).unwrap_or_default(),
        r#final: r#final.map(toml::Spanned::into_inner).unwrap_or_default(),
        verify: verify.map(toml::Spanned::into_inner),
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
    d.known(&s, SNAPSHOT, TABLES, None);
    let path = d.optional(&s, "artifact", |d, value| d.text(value).map(Utf8PathBuf::from));
    let id = d.optional(&s, "id", |d, value| d.snapshot_id(value));
    let sha256 = d.optional(&s, "sha256", |d, value| d.digest(value));
    let module_hash = d.optional(&s, "module-hash", |d, value| d.digest(value));
    if s.has("artifact") && s.has("id") {
        let primary = d.source.label(s.key_span("id"), "and on chain");
        let conflict = Diagnostic::new(Code::KeyConflict, "the snapshot is both on disk and on chain", primary);
        let first = d.source.label(s.key_span("artifact"), "on disk");
        d.push(conflict.with_label(first).with_help("keep `artifact` or `id`"));
        return None;
    }
    for (key, with) in [("sha256", "artifact"), ("module-hash", "id")] {
        if s.has(key) && !s.has(with) && (s.has("artifact") || s.has("id")) {
            let message = format!("`{key}` goes with `{with}`");
            d.help(Code::KeyConflict, s.key_span(key), message, "not with this snapshot", format!("remove `{key}`"));
        }
    }
    if s.has("artifact") {
        if !s.has("sha256") {
            d.missing(&s, "sha256", "add the seal of the artifact; `icp-restore init` computes it");
        }
        let (path, sha256) = path.zip(sha256)?;
        return Some(DraftSnapshot::Artifact { path, sha256 });
    }
    if !s.has("id") {
        d.missing(&s, "artifact", "add `artifact` and `sha256`, or the `id` of a snapshot on chain");
    }
    Some(DraftSnapshot::OnChain { id: id?, module_hash })
}

/// Settings as `icp canister status --json` names and writes them, compared as text.
fn settings<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<BTreeMap<String, String>> {
    let s = d.section(value, "`settings`")?;
    let mut settings = BTreeMap::new();
    for (key, value) in s.table {
        let text = match value.get_ref() {
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            _ => d.text(value),
        };
        if let Some(text) = text {
            // icp groups the digits of numbers by underscores and names its settings with them.
            settings.insert(key.get_ref().replace('-', "_"), text.replace('_', ""));
        }
    }
    Some(settings)
}

fn check(d: &mut Decoder<'_>, s: &Section<'_>) -> DraftCheck {
    let member = d.required(s, "member", |d, value| d.name(value), "name the member that is called");
    let call = d.required(s, "call", |d, value| d.text(value), "name the method");
    let args = d.optional(s, "args", candid);
    let query = d.optional(s, "query", |d, value| d.boolean(value)).is_some_and(toml::Spanned::into_inner);
    let expect = d.optional(s, "expect", candid).map(toml::Spanned::into_inner);
    let timeout = d.optional(s, "timeout", |d, value| d.duration(value));
    let attempts = d.optional(s, "attempts", |d, value| d.number(value, 1..=1000));
    let check = call.map(|call| super::Check {
        call: call.into_inner(),
        args: args.map_or_else(|| "()".to_owned(), toml::Spanned::into_inner),
        query,
        expect,
        timeout: timeout.map_or(Duration::from_secs(60), toml::Spanned::into_inner),
        attempts: attempts.map_or(10, toml::Spanned::into_inner),
    });
    DraftCheck { member, check }
}

fn candid<'a>(d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>) -> Option<String> {
    let text = d.text(value)?;
    if !(text.starts_with('(') && text.ends_with(')')) {
        let message = format!("`{}` is not Candid text", text.escape_debug());
        d.help(
            Code::BadText,
            value.span(),
            message,
            "not in parentheses",
            "write the values in parentheses: \"()\", \"(true)\"",
        );
        return None;
    }
    Some(text)
}

fn limits(d: &mut Decoder<'_>, s: Option<&Section<'_>>) -> Limits {
    let mut number =
        |key, allowed| d.optional(s?, key, |d, value| d.number(value, allowed)).map(toml::Spanned::into_inner);
    Limits {
        upload: number("upload", 1..=1000).unwrap_or(2),
        other: number("other", 1..=1000).unwrap_or(8),
        max_failures: number("max-failures", 0..=u32::MAX).unwrap_or(0),
        upload_memory: s
            .and_then(|s| d.optional(s, "upload-memory", |d, value| d.bytes(value)))
            .map(toml::Spanned::into_inner),
    }
}

fn timeouts(d: &mut Decoder<'_>, s: Option<&Section<'_>>) -> Timeouts {
    let mut time = |key, default| {
        let written = s.and_then(|s| d.optional(s, key, |d, value| d.duration(value)));
        written.map_or(Duration::from_secs(default), toml::Spanned::into_inner)
    };
    Timeouts { upload: time("upload", 2 * 3600), stop: time("stop", 600), other: time("other", 120) }
}

fn retry(d: &mut Decoder<'_>, s: Option<&Section<'_>>) -> Retry {
    let attempts = s.and_then(|s| d.optional(s, "attempts", |d, value| d.number(value, 1..=100)));
    let backoff = s.and_then(|s| d.optional(s, "backoff", |d, value| d.duration(value)));
    Retry {
        attempts: attempts.map_or(3, toml::Spanned::into_inner),
        backoff: backoff.map_or(Duration::from_secs(2), toml::Spanned::into_inner),
    }
}

fn safety(d: &mut Decoder<'_>, s: Option<&Section<'_>>) -> Safety {
    fn word<T: Copy + Default>(d: &mut Decoder<'_>, s: Option<&Section<'_>>, key: &str, words: &[(&str, T)]) -> T {
        let written = s.and_then(|s| d.optional(s, key, |d, value| d.word(value, words)));
        written.map(toml::Spanned::into_inner).unwrap_or_default()
    }
    let snapshot = s.and_then(|s| d.optional(s, "snapshot", |d, value| d.boolean(value)));
    Safety {
        snapshot: snapshot.is_none_or(toml::Spanned::into_inner),
        ambiguous_load: word(
            d,
            s,
            "ambiguous-load",
            &[("halt", AmbiguousLoad::Halt), ("reload", AmbiguousLoad::Reload)],
        ),
        orphans: word(d, s, "orphans", &[("report", Orphans::Report), ("delete-own", Orphans::DeleteOwn)]),
        cleanup: word(d, s, "cleanup", &[("never", Cleanup::Never), ("on-success", Cleanup::OnSuccess)]),
    }
}

fn each<'a, T>(
    d: &mut Decoder<'_>,
    value: &'a At<DeValue<'a>>,
    mut parse: impl FnMut(&mut Decoder<'_>, &'a At<DeValue<'a>>) -> Option<T>,
) -> Vec<At<T>> {
    let Some(items) = d.array(value) else { return Vec::new() };
    items.filter_map(|item| parse(d, item).map(|parsed| At::new(item.span(), parsed))).collect()
}
