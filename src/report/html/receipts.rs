//! The receipts: a line for each operation, and behind it all that was tried.

use super::{class, escape, timeline::kind};
use crate::{
    icp::Exit,
    journal::event::{Aim, Tail},
    report::{Attempt, Line, Report, phase, spoken},
};

/// Of an output that is longer, the end is shown; the journal has more.
const LONGEST: usize = 4096;

pub(super) fn render(report: &Report) -> String {
    let mut html = "<section id=\"operations\"><h2>Operations</h2>\n".to_owned();
    let mut open = "";
    let last = report.operations.len().saturating_sub(1);
    for line in &report.operations {
        let name = phase(line.operation.kind);
        if name != open {
            html += if open.is_empty() { "" } else { "</div>\n" };
            html += &format!("<h3 class=\"phase\">{name}</h3>\n<div class=\"ops\">\n");
            open = name;
        }
        html += &operation(line, last);
    }
    html += if open.is_empty() { "" } else { "</div>\n" };
    html + "</section>\n"
}

fn operation(line: &Line, last: usize) -> String {
    let operation = &line.operation;
    let (sequence, member) = (operation.sequence, escape(operation.member.as_str()));
    let took = line.attempts.last().and_then(Attempt::time).map(spoken).unwrap_or_default();
    let tries = match line.attempts.len() {
        0 | 1 => String::new(),
        n => format!("{n} attempts"),
    };
    let message = escape(line.message.as_deref().unwrap_or_default());
    let mut html = format!(
        "<details class=\"op {0}\"><summary><span class=\"n\">{sequence}</span><i class=\"k {1}\"></i><span class=\"what\">{2} <b>{member}</b></span><span class=\"state\">{3}</span><span class=\"took\">{took}</span><span class=\"say\">{tries} {message}</span></summary>\n",
        class(line.status),
        kind(operation.kind).0,
        operation.kind,
        line.status.as_str(),
    );
    let after: Vec<String> = operation.after.iter().take(12).map(|n| format!("<a href=\"#op-{n}\">{n}</a>")).collect();
    let more =
        if operation.after.len() > 12 { format!(" and {} more", operation.after.len() - 12) } else { String::new() };
    let waits = match after.is_empty() {
        true => "nothing".to_owned(),
        false => after.join(" ") + &more,
    };
    let step =
        |to: Option<usize>, sign: &str| to.map(|to| format!("<a href=\"#op-{to}\">{sign}</a>")).unwrap_or_default();
    let (before, next) = (sequence.index().checked_sub(1), Some(sequence.index() + 1).filter(|next| *next <= last));
    html += &format!(
        "<div class=\"receipt\" id=\"op-{sequence}\"><nav>{}{}<a class=\"close\" href=\"#lane-{member}\" title=\"back to the timeline\">✕</a></nav>\n<h4><i class=\"k {}\"></i>{sequence} · {} <b>{member}</b> <em class=\"{}\">{}</em></h4>\n",
        step(before, "←"),
        step(next, "→"),
        kind(operation.kind).0,
        operation.kind,
        class(line.status),
        line.status.as_str()
    );
    html += &format!(
        "<dl><dt>canister</dt><dd class=\"mono\">{}</dd><dt>waits for</dt><dd>{waits}</dd></dl>\n",
        escape(&operation.target.to_string())
    );
    for attempt in &line.attempts {
        html += &receipt(attempt);
    }
    if line.attempts.is_empty() {
        html += "<p class=\"none\">not begun</p>\n";
    }
    html + "</div></details>\n"
}

fn receipt(attempt: &Attempt) -> String {
    let title = match (attempt.number, &attempt.aim) {
        (0, _) => "taken over".to_owned(),
        (n, Aim::Do) => format!("attempt {n}"),
        (n, Aim::TakeBack) => format!("attempt {n}, to take it back"),
        (n, Aim::Clear(id)) => format!("attempt {n}, to delete {id}"),
    };
    let asked = if attempt.settled { ", settled by asking" } else { "" };
    let mut html = format!("<h5>{title}: {}{asked}</h5>\n<dl>", attempt.end.as_str());
    let mut row = |name: &str, value: String| html += &format!("<dt>{name}</dt><dd>{value}</dd>");
    let took = attempt.time().map(|time| format!(" for {}", spoken(time))).unwrap_or_default();
    row("at", format!("{}{took}", attempt.began.strftime("%Y-%m-%d %H:%M:%S%.3f UTC")));
    if let Some(command) = &attempt.command {
        row("command", format!("<code>{}</code>", escape(&command.to_string())));
    }
    if let Some(exit) = attempt.exit {
        row(
            "exit",
            match exit {
                Exit::Code(code) => format!("status {code}"),
                Exit::Signal(signal) => format!("signal {signal}"),
                Exit::Ended => "ended by this program: its time was up, or the run was interrupted".to_owned(),
            },
        );
    }
    if let Some(id) = &attempt.snapshot_id {
        row("snapshot", format!("<span class=\"mono\">{id}</span>"));
    }
    if let Some(hash) = &attempt.module_hash {
        row("module hash", format!("<span class=\"mono\">{hash}</span>"));
    }
    if let Some(rejection) = &attempt.rejection {
        row("refused", escape(rejection));
    }
    let notes = attempt.notes.iter().filter(|note| Some(*note) != attempt.rejection.as_ref());
    notes.for_each(|note| row("note", escape(note)));
    attempt.evidence.iter().for_each(|seen| row("seen", escape(seen)));
    attempt.orphans.iter().for_each(|id| row("left behind", format!("<span class=\"mono\">{id}</span>")));
    html += "</dl>\n";
    html + &output("stdout", &attempt.stdout) + &output("stderr", &attempt.stderr)
}

fn output(name: &str, tail: &Tail) -> String {
    if tail.is_empty() {
        return String::new();
    }
    let from = tail.text.ceil_char_boundary(tail.text.len().saturating_sub(LONGEST));
    let shown = &tail.text[from..];
    let of = if shown.len() < tail.bytes { format!(", the last {}", shown.len()) } else { String::new() };
    format!("<p class=\"out\">{name}: {} bytes{of}</p><pre>{}</pre>\n", tail.bytes, escape(shown))
}
