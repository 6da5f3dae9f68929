//! `dry-run --against`: another plan to compare with, from a file or from git.

use camino::Utf8Path;

use super::{Exit, Failure, input, session, terminal::Terminal};
use crate::{
    diagnostic::Source,
    icp::git,
    plan::{self, Plan},
    review::{Changes, changes},
};

/// Reads the other plan: a file of that name where there is one, else this plan's file at that commit.
pub(super) fn against(
    place: &str,
    file: &Utf8Path,
    plan: &Plan,
    only: &[String],
    terminal: &Terminal,
) -> Result<Changes, Failure> {
    let other = Utf8Path::new(place);
    let reading = if other.is_file() {
        input::plan(other)?
    } else {
        let text = git::show(place, file).map_err(|error| {
            Failure::new(Exit::Invalid, error.to_string()).with_help("name a file, or a commit that has the plan")
        })?;
        plan::read(&Source::new(format!("{place}:{file}"), text))?
    };
    // A member that the other plan does not have is none of its members to keep.
    let theirs: Vec<String> = only
        .iter()
        .filter(|name| reading.plan.members.iter().any(|m| m.name.as_str() == name.as_str()))
        .cloned()
        .collect();
    let narrowed = if only.is_empty() || theirs.is_empty() {
        reading.plan
    } else {
        session::narrowed(reading.plan, &theirs, terminal)?
    };
    Ok(changes(&narrowed, plan))
}

/// For people.
pub(super) fn text(reference: &str, changes: &Changes) -> String {
    let (added, removed, changed) = changes.counts();
    if changes.was == changes.is {
        return format!("\nagainst {reference}: nothing changed, the digest is the same\n");
    }
    let mut text =
        format!("\nagainst {reference}, sha256:{}: {added} added, {removed} removed, {changed} changed\n", changes.was);
    for change in &changes.operations {
        let because =
            if change.because.is_empty() { String::new() } else { format!(": {}", change.because.join(", ")) };
        text += &format!("  {:<7}  {:<15}  {}{because}\n", change.what.as_str(), change.kind, change.member);
    }
    text += "what it means:\n";
    text + &differences(&changes.meaning)
}

/// What two plans say differently, a line each.
pub(super) fn differences(differences: &[plan::Difference]) -> String {
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
    let line = |d: &plan::Difference| format!("  {}: was {}, is {}\n", d.what, side(&d.was), side(&d.is));
    differences.iter().map(line).collect()
}
