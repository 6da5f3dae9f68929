//! Names that no member has: which of them are mistakes, and whose.

use std::{collections::BTreeMap, sync::Arc};

use super::{decode::At, document::Draft};
use crate::{
    diagnostic::{self, Code, Diagnostic, Source, suggest},
    id::{Name, Principal},
};

/// Names that are compared with each other: more make the suggestions no better, only late.
const MOST_COMPARED: usize = 2_000_000;

/// Reports references to members that there are not, one for each place; where several places name a member and one that
/// nobody names is nearly it, that one's name is the mistake.
pub(super) fn report(
    source: &Arc<Source>,
    draft: &Draft,
    references: Vec<At<Name>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if references.is_empty() {
        return;
    }
    let named: std::collections::HashSet<&Name> = draft
        .members
        .iter()
        .flat_map(|member| member.depends_on.iter().map(At::get_ref))
        .chain(draft.checks.iter().filter_map(|check| check.member.as_ref().map(At::get_ref)))
        .collect();
    let mut by_name: BTreeMap<Name, Vec<At<Name>>> = BTreeMap::new();
    for name in references {
        by_name.entry(name.get_ref().clone()).or_default().push(name);
    }
    let (meant, broken): (Vec<&str>, Vec<&str>) =
        draft.unread.iter().map(String::as_str).partition(|text| text.parse::<Name>().is_ok());
    let compared = MOST_COMPARED / draft.members.len().max(draft.unread.len()).max(1);
    for (at, (name, places)) in by_name.into_iter().enumerate() {
        if diagnostic::is_full(diagnostics) {
            return;
        }
        let members = draft.members.iter().filter_map(|member| member.name.as_ref());
        let nearest = |known: &mut dyn Iterator<Item = &str>| -> Option<String> {
            let known: Vec<&str> = known.filter(|_| at < compared).collect();
            suggest::nearest(name.as_str(), known.into_iter()).map(str::to_owned)
        };
        // Who names a member by its canister means its name.
        let canister = Principal::from_text(name.as_str()).ok().filter(|_| at < compared);
        let owner = canister.and_then(|canister| {
            let owners = draft.members.iter().filter(|m| m.source.as_ref().is_some_and(|s| *s.get_ref() == canister));
            owners.filter_map(|member| member.name.as_ref()).map(|name| name.get_ref().to_string()).next()
        });
        let known = owner.or_else(|| nearest(&mut members.clone().map(|name| name.get_ref().as_str())));
        let near = known.as_ref().and_then(|near| members.clone().find(|name| name.get_ref().as_str() == near));
        let close = known.or_else(|| nearest(&mut meant.iter().copied()));
        let follows = meant.contains(&name.as_str())
            || nearest(&mut broken.iter().copied()).is_some()
            || (close.is_none() && draft.nameless > 0);
        if follows {
            continue;
        }
        let message = format!("no member is named `{name}`");
        if let Some(near) = near.filter(|near| places.len() > 1 && !named.contains(near.get_ref())) {
            let primary = source.label(near.span(), "nobody names this one");
            let mut diagnostic = Diagnostic::new(Code::UnknownMember, format!("{message}, which others name"), primary);
            diagnostic.labels.extend(places.iter().take(10).map(|place| source.label(place.span(), "named here")));
            diagnostic::push(diagnostics, diagnostic.with_help(format!("write \"{name}\" here")));
            continue;
        }
        for place in places {
            let help =
                close.as_ref().map_or("name a member of this plan".to_owned(), |near| format!("write \"{near}\""));
            let mut diagnostic =
                Diagnostic::new(Code::UnknownMember, message.clone(), source.label(place.span(), "no such member"));
            if let Some(near) = near.filter(|near| !named.contains(near.get_ref())) {
                diagnostic = diagnostic.with_label(source.label(near.span(), "nobody names this one"));
            }
            diagnostic::push(diagnostics, diagnostic.with_help(help));
        }
    }
}
