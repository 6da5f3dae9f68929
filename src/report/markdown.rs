//! A report for the summary of a CI step: counts first, then what is in the way, the rest folded; bounded.
//!
//! Whatever comes from elsewhere stands in code spans, where neither markdown nor HTML nor mentions count.

use super::{About, Report, Status, clock, counted, spoken};
use crate::{
    diagnostic::display::printable,
    markdown::{self, Bounded, code},
};

/// Renders a report in at most so many bytes.
pub fn render(report: &Report, about: About<'_>, most: usize) -> String {
    let mut out = Bounded::new(most);
    let (plan, counts) = (&report.plan, &report.counts);
    let sign = match (report.headline(), counts.failed + counts.unknown) {
        ("done", _) => "✅",
        ("running" | "stopped early as asked", 0) => "⏸️",
        _ => "❌",
    };
    let what = if plan.rollback { "Rollback of" } else { "Restore of" };
    out.line(&format!("## {sign} {what} `{}`: {}\n", plan.name, report.headline()));
    out.line("| operations | completed | failed | unknown | open | repeated | settled | downtime | longest |");
    out.line("|--:|--:|--:|--:|--:|--:|--:|--:|:--|");
    let longest =
        report.downtime.longest.as_ref().map_or("–".to_owned(), |l| format!("`{}` {}", l.member, spoken(l.time)));
    out.line(&format!(
        "| {} | {} | {} | {} | {} | {} | {} | {}{} | {longest} |\n",
        counts.total,
        counts.completed,
        counts.failed,
        counts.unknown,
        counts.open + counts.claimed,
        counts.repeated,
        counts.settled,
        spoken(report.downtime.fleet),
        if report.downtime.goes_on { ", goes on" } else { "" },
    ));
    out.line(&format!(
        "Digest `sha256:{}`, journal {}, {} to {}.\n",
        plan.digest,
        code(about.journal.as_str()),
        clock(report.began),
        clock(report.until)
    ));
    let mut troubles = report.troubles().peekable();
    if troubles.peek().is_some() {
        out.line("### In the way\n");
        out.line("| # | operation | member | is | what is known |");
        out.line("|--:|:--|:--|:--|:--|");
        out.rows(troubles.map(|line| {
            let operation = &line.operation;
            let message = line.message.as_deref().unwrap_or_default();
            format!(
                "| {} | {} | `{}` | {} | {} |",
                operation.sequence,
                operation.kind,
                operation.member,
                line.status.as_str(),
                code(message)
            )
        }));
        out.line("");
    }
    section(&mut out, "Proved", &report.proofs.proved);
    section(&mut out, "Not proved", &report.proofs.not_proved);
    section(&mut out, "Does not travel to another canister", &report.proofs.does_not_travel);
    out.fold("Downtime by canister", |out| {
        out.line("| member | canister | closed | |");
        out.line("|:--|:--|--:|:--|");
        out.rows(report.members.iter().map(|member| {
            let open = member.closed.iter().any(|closure| closure.open);
            let note = match (member.was_stopped, open, member.stays_stopped) {
                (true, ..) => "stopped before",
                (_, true, true) => "stays stopped, as planned",
                (_, true, false) => "**still closed**",
                _ => "",
            };
            format!("| `{}` | `{}` | {} | {note} |", member.name, member.target, spoken(member.downtime))
        }));
    });
    if !report.left.is_empty() {
        out.fold(&format!("Left on the network: {}", counted(report.left.len(), "snapshot")), |out| {
            out.line("| member | canister | snapshot | what |");
            out.line("|:--|:--|:--|:--|");
            out.rows(report.left.iter().map(|left| {
                format!("| `{}` | `{}` | `{}` | {} |", left.member, left.canister, left.snapshot, left.what.as_str())
            }));
        });
    }
    out.fold(&format!("All {} operations", counts.total), |out| {
        out.line("| # | operation | member | is | attempts | took | said |");
        out.line("|--:|:--|:--|:--|--:|--:|:--|");
        out.rows(report.operations.iter().map(|line| {
            let operation = &line.operation;
            let time = line.attempts.last().and_then(super::Attempt::time).map(spoken).unwrap_or_default();
            let said = match line.status {
                Status::Completed => line.attempts.iter().flat_map(super::Attempt::said).collect::<Vec<_>>().join("; "),
                _ => line.message.clone().unwrap_or_default(),
            };
            format!(
                "| {} | {} | `{}` | {} | {} | {time} | {} |",
                operation.sequence,
                operation.kind,
                operation.member,
                line.status.as_str(),
                line.attempts.len(),
                code(&printable(&said))
            )
        }));
    });
    out.finish()
}

fn section(out: &mut Bounded, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    out.line(&format!("**{title}**\n"));
    out.rows(lines.iter().map(|line| format!("- {}", markdown::plain(line))));
    out.line("");
}
