//! The timeline: a lane for each member, a bar for each attempt, downtime shaded.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{axis::Axis, class, escape};
use crate::{
    journal::event::Outcome,
    operation::Kind,
    report::{Attempt, End, Line, MemberLine, Report, Status, spoken},
};

/// With more members than this, lanes are low.
const DENSE: usize = 40;

pub(super) fn render(report: &Report) -> String {
    // Of an attempt whose run died nobody saw the end: the time until somebody asked is not one of work.
    let end = |attempt: &Attempt| match attempt.settled && attempt.exit.is_none() {
        true => attempt.began,
        false => attempt.ended.unwrap_or(report.until),
    };
    let attempts = report.operations.iter().flat_map(|line| &line.attempts);
    let busy = attempts.map(|attempt| (attempt.began, end(attempt))).collect();
    let axis = Axis::new(report.began, report.until, busy);
    let mut lines: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in &report.operations {
        lines.entry(line.operation.member.as_str()).or_default().push(line);
    }
    let dense = if report.members.len() > DENSE { " dense" } else { "" };
    let mut html =
        format!("<section id=\"timeline\" class=\"timeline{dense}\">\n<div class=\"bar\"><h2>Timeline</h2>\n");
    html += &legend();
    html += "<label><input type=\"checkbox\" id=\"only\"> only where something was repeated, settled or went wrong</label></div>\n";
    html += "<div class=\"chart\">\n";
    html += &head(&axis);
    html += &grid(report, &axis);
    html += &crowd(report, &axis);
    for member in &report.members {
        let lines = lines.get(member.name.as_str()).map_or(&[][..], Vec::as_slice);
        html += &lane(member, lines, &axis, report.until);
    }
    html + "</div></section>\n"
}

/// The class of a kind, and its word in the legend.
pub(super) fn kind(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::UploadSnapshot => ("upload", "upload"),
        Kind::StopCanister => ("stop", "stop"),
        Kind::TakeSnapshot => ("take", "safety snapshot"),
        Kind::LoadSnapshot => ("load", "load"),
        Kind::StartCanister => ("start", "start"),
        Kind::VerifyMember => ("verify", "verify"),
        Kind::VerifyFleet => ("fleet", "verify the fleet"),
        Kind::DeleteSnapshot => ("delete", "delete"),
    }
}

fn legend() -> String {
    let kinds: String = Kind::ALL
        .iter()
        .filter(|k| **k != Kind::VerifyFleet)
        .map(|k| format!("<li><i class=\"k {}\"></i>{}</li>", kind(*k).0, kind(*k).1))
        .collect();
    format!(
        "<ul class=\"legend\">{kinds}<li><i class=\"k down\"></i>closed</li><li><i class=\"k wrong\">✕</i>failed</li><li><i class=\"k doubt\">?</i>unknown</li><li><i class=\"k settled\">◆</i>settled</li></ul>\n"
    )
}

fn head(axis: &Axis) -> String {
    let mut head = "<div class=\"row head\"><span class=\"name\">UTC</span><div class=\"track\">".to_owned();
    for tick in axis.ticks() {
        head += &format!("<i class=\"tick\" style=\"left:{:.2}%\">{}</i>", tick.left, tick.label);
    }
    for pause in axis.pauses() {
        let time = spoken(pause.to.duration_since(pause.from));
        head += &format!(
            "<i class=\"idle\" style=\"left:{:.2}%;width:{:.2}%\" title=\"nothing was at work for {time}\">{time}</i>",
            pause.left, pause.width
        );
    }
    head + "</div><span class=\"time\">closed</span></div>\n"
}

/// Lines behind all lanes: times of day, pauses, beginnings of runs.
fn grid(report: &Report, axis: &Axis) -> String {
    let mut grid = "<div class=\"grid\" aria-hidden=\"true\">".to_owned();
    for tick in axis.ticks() {
        grid += &format!("<i class=\"line\" style=\"left:{:.2}%\"></i>", tick.left);
    }
    for pause in axis.pauses() {
        grid += &format!("<i class=\"pause\" style=\"left:{:.2}%;width:{:.2}%\"></i>", pause.left, pause.width);
    }
    for run in report.runs.iter().skip(1) {
        grid += &format!("<i class=\"run\" style=\"left:{:.2}%\"></i>", axis.at(run.began));
    }
    grid + "</div>\n"
}

/// How many canisters are closed at a time, as steps.
fn crowd(report: &Report, axis: &Axis) -> String {
    let mut changes: BTreeMap<Timestamp, i64> = BTreeMap::new();
    for closure in report.members.iter().flat_map(|member| &member.closed) {
        *changes.entry(closure.from).or_default() += 1;
        if !closure.open {
            *changes.entry(closure.to).or_default() -= 1;
        }
    }
    let all = i64::try_from(report.members.len()).unwrap_or(i64::MAX).max(1);
    let height = |count: i64| 20 - 19 * count.clamp(0, all) / all;
    let (mut points, mut count, mut most) = ("0,20".to_owned(), 0, 0);
    for (at, change) in changes {
        let x = axis.at(at);
        points += &format!(" {x:.2},{}", height(count));
        count += change;
        most = most.max(count);
        points += &format!(" {x:.2},{}", height(count));
    }
    let x = axis.at(report.until);
    points += &format!(" {x:.2},{} {x:.2},20", height(count));
    format!(
        "<div class=\"row crowd\"><span class=\"name\">closed at once</span><div class=\"track\"><svg viewBox=\"0 0 100 20\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"canisters closed over time, at most {most}\"><polygon points=\"{points}\"/></svg></div><span class=\"time\">at most {most}</span></div>\n"
    )
}

fn lane(member: &MemberLine, lines: &[&Line], axis: &Axis, until: Timestamp) -> String {
    let odd = lines.iter().any(|line| {
        matches!(line.status, Status::Failed | Status::Unknown)
            || line.attempts.len() > 1
            || line.attempts.iter().any(|attempt| attempt.settled)
    });
    let name = escape(member.name.as_str());
    let class = if odd { " odd" } else { "" };
    let to = if member.relocated { format!("{} → {}", member.source, member.target) } else { member.target.clone() };
    let mark = if member.relocated { "<sup title=\"into another canister\">↷</sup>" } else { "" };
    let mut row = format!(
        "<div class=\"row lane{class}\" id=\"lane-{name}\"><span class=\"name\" title=\"{}\">{name}{mark}</span><div class=\"track\">",
        escape(&to)
    );
    for closure in &member.closed {
        let (left, right) = (axis.at(closure.from), axis.at(closure.to));
        let open = if closure.open && !member.stays_stopped { " goes" } else { "" };
        let title = format!("closed for {}", spoken(closure.to.duration_since(closure.from)));
        row += &format!(
            "<i class=\"down{open}\" style=\"left:{left:.2}%;width:{:.2}%\" title=\"{title}\"></i>",
            right - left
        );
    }
    for line in lines {
        for attempt in &line.attempts {
            row += &bar(line, attempt, axis, until);
        }
    }
    let open = member.closed.iter().any(|closure| closure.open);
    let time = match (member.was_stopped, open, member.stays_stopped) {
        (true, ..) => "<span class=\"time\">stopped before</span>".to_owned(),
        (_, true, true) => "<span class=\"time\">stays stopped</span>".to_owned(),
        (_, true, false) => format!("<span class=\"time still\">{} …</span>", spoken(member.downtime)),
        (_, false, _) if member.closed.is_empty() => "<span class=\"time none\">–</span>".to_owned(),
        (_, false, _) => format!("<span class=\"time\">{}</span>", spoken(member.downtime)),
    };
    row + "</div>" + &time + "</div>\n"
}

fn bar(line: &Line, attempt: &Attempt, axis: &Axis, until: Timestamp) -> String {
    let operation = &line.operation;
    let (left, right) = (axis.at(attempt.began), axis.at(attempt.ended.unwrap_or(until)));
    let (end, sign) = match attempt.end {
        _ if attempt.settled => ("settled", "◆"),
        End::Outcome(Outcome::Completed) => ("ok", ""),
        End::Outcome(Outcome::Rejected | Outcome::NotSent | Outcome::Disproved) => ("wrong", "✕"),
        End::Outcome(Outcome::Unknown) => ("doubt", "?"),
        End::Released(_) => ("wrong", "↺"),
        End::Open if line.status == Status::Claimed => ("going", ""),
        End::Open => ("doubt", "?"),
    };
    let took = attempt.time().map_or("no end".to_owned(), spoken);
    let title = format!(
        "{} {}, attempt {}: {} ({took})",
        operation.kind,
        operation.member,
        attempt.number,
        attempt.end.as_str()
    );
    format!(
        "<a class=\"b {} {end} {}\" href=\"#op-{}\" style=\"left:{left:.2}%;width:{:.2}%\" title=\"{}\"><b>{sign}</b></a>",
        kind(operation.kind).0,
        class(line.status),
        operation.sequence,
        right - left,
        escape(&title)
    )
}
