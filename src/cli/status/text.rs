//! Where a restore stands, for people.

use camino::Utf8Path;

use super::{Counts, Report, Word};
use crate::{
    cli::{left, next, terminal::printable},
    operation::Kind,
    report,
};

/// Operations that are listed one by one: of more, how far each kind is, and what somebody may have to see to.
const MOST: usize = 100;

/// Renders where a restore stands, with what may be done next, where anything may.
pub(super) fn render(
    report: &Report<'_>,
    journal: &Utf8Path,
    commands: Vec<(&'static str, String)>,
    all: bool,
) -> String {
    let mut text = format!("plan {}, digest sha256:{}\n", report.plan.name, report.plan.digest);
    text += &match (report.running, report.holder) {
        (true, Some(holder)) => format!("a run is at it: process {} on {}\n", holder.pid, holder.host),
        (true, None) => "a run is at it\n".to_owned(),
        (false, None) => "no run is at it\n".to_owned(),
        (false, Some(_)) => format!("no run is at it; the last one: {}\n", report::verdict(report.verdict)),
    };
    let Counts { completed, .. } = report.counts;
    text += &format!("{completed} of {} operations completed{}\n", report.operations.len(), others(&report.counts));
    let all = all || report.operations.len() <= MOST;
    if !all {
        text += &kinds(report);
    }
    let listed = report
        .operations
        .iter()
        .filter(|line| all || matches!(line.status, Word::Claimed | Word::Failed | Word::Unknown));
    let listed: Vec<_> = listed.collect();
    let width = listed.iter().map(|line| line.member.as_str().len()).max().unwrap_or(0);
    for line in listed {
        let status = line.status.as_str();
        let message = line.message.as_ref().map(|message| format!("  {message}")).unwrap_or_default();
        let orphans: String = line.orphans.iter().map(|id| format!("  left behind: {id}")).collect();
        let (sequence, kind, member) = (line.sequence, line.kind, line.member.as_str());
        let row = format!("{sequence:>5}  {kind:<15}  {member:<width$}  {status}{message}{orphans}");
        text += printable(row.trim_end()).as_str();
        text.push('\n');
    }
    text += &left::text(&report.left_on_chain, all);
    if !report.running && !report.complete {
        let resolve = resolve(report, journal).map(|resolve| (next::RESOLVE, resolve));
        for (when, command) in commands.into_iter().chain(resolve) {
            text += &printable(&format!("{when}:\n  {command}\n"));
        }
    }
    text
}

/// What is not completed, in counts.
fn others(counts: &Counts) -> String {
    let Counts { waiting, ready, claimed, completed: _, failed, unknown } = *counts;
    let all = [(claimed, "at work"), (ready, "ready"), (waiting, "waiting"), (failed, "failed"), (unknown, "unknown")];
    let some: Vec<String> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if some.is_empty() { String::new() } else { format!("; {}", some.join(", ")) }
}

/// How far each kind of operation is, in the order in which they come.
fn kinds(report: &Report<'_>) -> String {
    let mut kinds: Vec<(Kind, Counts)> = Vec::new();
    for line in &report.operations {
        let at = kinds.iter().position(|(kind, _)| *kind == line.kind).unwrap_or_else(|| {
            kinds.push((line.kind, Counts::default()));
            kinds.len() - 1
        });
        kinds[at].1.count(line.status);
    }
    let lines = kinds.iter().map(|(kind, counts)| {
        let (completed, total) = (counts.completed, counts.total());
        format!("       {kind:<15}  {completed} of {total}{}\n", others(counts))
    });
    lines.collect()
}

/// The command that says what became of the first operation whose outcome is unknown.
fn resolve(report: &Report<'_>, journal: &Utf8Path) -> Option<String> {
    let unknown = report.operations.iter().find(|line| line.status == Word::Unknown)?;
    Some(next::resolve(journal, unknown.sequence))
}
