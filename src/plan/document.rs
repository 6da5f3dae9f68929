//! The plan as it is written: the only place that knows TOML.
//!
//! Yields a [`Draft`], in which every value is of its type and has its place, and what could not be used is left out
//! and reported. What values mean for each other is the matter of [`super::validate`].

mod check;
mod member;
mod network;
mod options;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use camino::Utf8PathBuf;
use toml::de::{DeTable, DeValue};

use super::{
    Caller, Limits, Network, OptionPlaces, Retry, Safety, Timeouts,
    decode::{At, Decoder, Keys, Section},
};
use crate::{
    diagnostic::{Code, Diagnostic, Source},
    id::Name,
};

pub(super) use check::{CHECK, DraftCheck};
pub(super) use member::{DraftMember, DraftSnapshot, MEMBER, Proof, SNAPSHOT};
pub(super) use network::NETWORK;
pub(super) use options::{LIMITS, RETRY, SAFETY, TIMEOUTS};

/// A plan as written.
pub(super) struct Draft {
    pub(super) name: Option<At<Name>>,
    pub(super) network: Option<Network>,
    pub(super) caller: Caller,
    pub(super) backup_id: Option<At<String>>,
    pub(super) root: Option<At<Utf8PathBuf>>,
    /// Whether a root is written that could not be read.
    pub(super) lost_root: bool,
    pub(super) members: Vec<DraftMember>,
    pub(super) checks: Vec<DraftCheck>,
    /// Whether checks are written that could not be read.
    pub(super) lost_checks: bool,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) retry: Retry,
    pub(super) safety: Safety,
    /// A place for what is said of the plan as a whole.
    pub(super) place: Range<usize>,
    /// Where `[safety]` and its keys stand, for warnings.
    pub(super) safety_place: BTreeMap<&'static str, Range<usize>>,
    pub(super) options: OptionPlaces,
    /// Names that members seem to have, though they could not be read: what refers to them is no second mistake.
    pub(super) unread: Vec<String>,
    /// Members of whose names nothing is left.
    pub(super) nameless: usize,
}

pub(super) const PLAN: &[&str] =
    &["version", "name", "requires", "network", "backup", "member", "check", "limits", "timeouts", "retry", "safety"];
pub(super) const BACKUP: &[&str] = &["id", "root"];

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
    let mut mended = super::syntax::mend(source);
    if !mended.whole {
        return (None, mended.diagnostics);
    }
    let text = std::mem::take(&mut mended.text);
    let (root, _) = DeTable::parse_recoverable(&text);
    let mut decoder = Decoder::new(source, TABLES, mended);
    let draft = plan(&mut decoder, root.get_ref());
    (draft, decoder.finish())
}

fn plan<'a>(d: &mut Decoder<'_>, table: &'a DeTable<'a>) -> Option<Draft> {
    let root = Section { table, span: (0, 0), title: "the plan" };
    let requires = d.optional(&root, "requires", |d, value| super::requires::read(d, value));
    d.known(&root, PLAN);
    if let Some(strange) = no_plan(d, &root) {
        d.diagnostics = vec![strange];
        return None;
    }
    let version = |d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>| d.number(value, 0..=u32::MAX);
    let version = d.required(&root, "version", version, "write `version = 1` first");
    if let Some(version) = version.filter(|version| *version.get_ref() != 1) {
        let message = format!("version {} of the plan format", version.get_ref());
        d.help(Code::UnknownVersion, version.span(), message, "not known to this program", "write 1");
        return None;
    }
    let name = |d: &mut Decoder<'_>, value: &'a At<DeValue<'a>>| plan_name(d, value);
    let name = d.required(&root, "name", name, "name the plan: `name = \"my-fleet\"`");
    let place = root.place("name");
    let network = table_of(d, &root, "network", "[network]", NETWORK);
    if !root.has("network") {
        d.missing(&root, "network", "say which network: `[network]` with `name = \"ic\"`, a `url` or an `environment`");
    }
    let called = |key| network.and_then(|section| section.value(key));
    let (identity, expect_principal) = (called("identity"), called("expect-principal"));
    let (network, caller) = network.map_or((None, Caller::default()), |section| network::network(d, &section));
    let backup = table_of(d, &root, "backup", "[backup]", BACKUP);
    let backup_id = backup.and_then(|s| d.optional(&s, "id", |d, value| d.text(value)));
    let root_path = backup.and_then(|s| d.optional(&s, "root", |d, value| d.text(value).map(Utf8PathBuf::from)));
    let may_have_root = backup.map_or_else(|| d.may_have(&root, "backup"), |s| d.may_have(&s, "root"));
    let limits = table_of(d, &root, "limits", "[limits]", LIMITS);
    let timeouts = table_of(d, &root, "timeouts", "[timeouts]", TIMEOUTS);
    let retry = table_of(d, &root, "retry", "[retry]", RETRY);
    let safety = table_of(d, &root, "safety", "[safety]", SAFETY);
    let safety_place = |key| Some((key, safety.filter(|s| s.has(key))?.place(key)));
    let safety_place = ["snapshot", "cleanup", "orphans"].into_iter().filter_map(safety_place).collect();
    let limited = |key| limits.and_then(|section| section.value(key));
    let (upload, upload_memory) = (limited("upload"), limited("upload-memory"));
    let members = tables(d, &root, "member", "[[member]]", MEMBER);
    if d.lists(&root, "member").is_empty() {
        d.missing(&root, "member", "add a `[[member]]` for each canister");
    }
    let members: Vec<DraftMember> = members.iter().map(|section| member::member(d, section)).collect();
    let checks = tables(d, &root, "check", "[[check]]", CHECK);
    let checks = checks.iter().map(|section| check::check(d, section)).collect();
    if let Some(requires) = requires.filter(|requires| !requires.get_ref().is_met()) {
        super::requires::refuse(d, &requires);
        return None;
    }
    if members.is_empty() && root.has("member") && d.diagnostics.is_empty() {
        let message = "the plan has no member";
        d.help(
            Code::MissingKey,
            root.place("member"),
            message.into(),
            "none in here",
            "add a `[[member]]` for each canister",
        );
    }
    Some(Draft {
        name,
        network,
        caller,
        backup_id,
        lost_root: root_path.is_none() && may_have_root,
        root: root_path,
        limits: options::limits(d, limits.as_ref()),
        timeouts: options::timeouts(d, timeouts.as_ref()),
        retry: options::retry(d, retry.as_ref()),
        safety: options::safety(d, safety.as_ref()),
        place,
        safety_place,
        options: OptionPlaces { identity, expect_principal, upload, upload_memory },
        nameless: d.nameless + members.iter().filter(|member| member.nameless).count(),
        unread: std::mem::take(&mut d.unread),
        members,
        lost_checks: d.may_have(&root, "check"),
        checks,
    })
}

/// A text that has no key of a plan, nor one like it: nothing that is said of its lines would help.
fn no_plan(d: &Decoder<'_>, root: &Section<'_>) -> Option<Diagnostic> {
    if d.has_any(root, PLAN) {
        return None;
    }
    let first = d.diagnostics.first().and_then(|first| first.labels.first()).map(|label| label.span.clone());
    let (code, message, label, help) = match first {
        Some(_) => {
            let help = "name a plan: it is TOML, and begins with `version = 1`";
            (Code::UnknownFile, "no key in this file is one of a plan", "not of a plan", help)
        }
        None => (Code::MissingKey, "the plan is empty", "nothing here", "write a first one with `icp-restore init`"),
    };
    Some(Diagnostic::new(code, message, d.source.label(first.unwrap_or(0..0), label)).with_help(help))
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

fn table_of<'a>(
    d: &mut Decoder<'_>,
    root: &Section<'a>,
    key: &str,
    title: &'static str,
    known: &[&str],
) -> Option<Section<'a>> {
    let section = d.section(root.table.get(key)?, title)?;
    d.known(&section, known);
    Some(section)
}

fn tables<'a>(
    d: &mut Decoder<'_>,
    root: &Section<'a>,
    key: &str,
    title: &'static str,
    known: &[&str],
) -> Vec<Section<'a>> {
    let mut sections = Vec::new();
    for value in d.lists(root, key) {
        let Some(items) = value.get_ref().as_array() else {
            let message = format!("`{key}` is not a list of tables");
            d.unread_in(value);
            d.help(Code::WrongType, root.place(key), message, "here", format!("write `{title}`"));
            continue;
        };
        for item in items.iter() {
            if let Some(section) = d.section(item, title) {
                d.known(&section, known);
                sections.push(section);
            }
        }
    }
    sections.sort_by_key(|section| section.span.0);
    sections
}

fn each<'a, T>(
    d: &mut Decoder<'_>,
    value: &'a At<DeValue<'a>>,
    mut parse: impl FnMut(&mut Decoder<'_>, &'a At<DeValue<'a>>) -> Option<T>,
) -> Vec<At<T>> {
    let Some(items) = d.array(value) else { return Vec::new() };
    items.filter_map(|item| parse(d, item).map(|parsed| At::new(item.span(), parsed))).collect()
}
