//! A report for a terminal: plain lines, everything from elsewhere made printable.

use std::fmt::Write as _;

use super::{About, Report, Status, clock, spoken};
use crate::diagnostic::display::printable;

/// Renders a report.
pub fn render(report: &Report, about: About<'_>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _infallible = write(&mut text, report, about);
    printable(&text)
}

fn write(out: &mut String, report: &Report, about: About<'_>) -> std::fmt::Result {
    let (plan, counts) = (&report.plan, &report.counts);
    let what = if plan.rollback { "rollback of plan" } else { "plan" };
    writeln!(out, "{what} {}: {}", plan.name, report.headline())?;
    writeln!(out, "digest sha256:{}", plan.digest)?;
    let took = spoken(report.until.duration_since(report.began));
    writeln!(out, "{} to {} ({took}), journal {}", clock(report.began), clock(report.until), about.journal)?;
    writeln!(
        out,
        "{} of {} operations completed, {} failed, {} unknown, {} at work, {} open; {} repeated, {} settled",
        counts.completed,
        counts.total,
        counts.failed,
        counts.unknown,
        counts.claimed,
        counts.open,
        counts.repeated,
        counts.settled
    )?;
    let more = if report.downtime.goes_on { ", and it goes on" } else { "" };
    write!(out, "downtime at most {}{more}", spoken(report.downtime.fleet))?;
    match &report.downtime.longest {
        Some(longest) => writeln!(out, "; longest: {}, {}", longest.member, spoken(longest.time))?,
        None => writeln!(out)?,
    }
    let troubles: Vec<_> = report.troubles().collect();
    if !troubles.is_empty() {
        writeln!(out, "\nin the way")?;
        for line in troubles {
            let (operation, message) = (&line.operation, line.message.as_deref().unwrap_or_default());
            let word = line.status.as_str();
            writeln!(
                out,
                "  {word}: operation {}, {} {}: {message}",
                operation.sequence, operation.kind, operation.member
            )?;
        }
    }
    writeln!(out, "\ndowntime")?;
    let width = report.members.iter().map(|member| member.name.as_str().len()).max().unwrap_or(0);
    for member in &report.members {
        let time = match (member.was_stopped, member.closed.is_empty()) {
            (true, _) => "stopped before".to_owned(),
            (false, true) => "none".to_owned(),
            (false, false) => spoken(member.downtime),
        };
        let open = member.closed.iter().any(|closure| closure.open);
        let note = match (open, member.stays_stopped) {
            (true, true) => "  stays stopped, as planned",
            (true, false) => "  still closed",
            (false, _) => "",
        };
        writeln!(out, "  {:<width$}  {time}{note}", member.name.as_str())?;
    }
    writeln!(out, "\noperations")?;
    for line in &report.operations {
        let operation = &line.operation;
        let time = line.attempts.last().and_then(super::Attempt::time).map(spoken).unwrap_or_default();
        let tries = match line.attempts.len() {
            0 | 1 => String::new(),
            n => format!("  {n} attempts"),
        };
        let said = match line.status {
            Status::Completed => line.attempts.iter().flat_map(super::Attempt::said).collect::<Vec<_>>().join("; "),
            _ => line.message.clone().unwrap_or_default(),
        };
        let row = format!(
            "{:>5}  {:<15}  {:<width$}  {:<9}  {time:>12}{tries}  {said}",
            operation.sequence,
            operation.kind,
            operation.member.as_str(),
            line.status.as_str()
        );
        writeln!(out, "{}", row.trim_end())?;
    }
    list(out, "proved", &report.proofs.proved)?;
    list(out, "not proved", &report.proofs.not_proved)?;
    list(out, "does not travel", &report.proofs.does_not_travel)?;
    let left: Vec<String> = report
        .left
        .iter()
        .map(|l| format!("{:<width$}  {} on {}, {}", l.member.as_str(), l.snapshot, l.canister, l.what.as_str()))
        .collect();
    list(out, "left on the network", &left)?;
    writeln!(out, "\nruns")?;
    for run in &report.runs {
        let end = run.ended.map_or("no end is written".to_owned(), clock);
        let who = run.who.as_ref().map(|who| format!(", {who}")).unwrap_or_default();
        writeln!(out, "  {} to {end}: process {} on {}{who}", clock(run.began), run.pid, run.host)?;
    }
    Ok(())
}

fn list(out: &mut String, title: &str, lines: &[String]) -> std::fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
}
