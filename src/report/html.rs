//! A report as one page: a timeline with a lane for each member, and a receipt behind every bar.
//!
//! The page needs nothing but itself: no script at all, no font, no picture, no network, and its own policy forbids them.
//! A bar is a link to its receipt, which opens at the side as the target of the page; in print, and in browsers that
//! know less, the same receipts are a list.

mod axis;
mod escape;
mod receipts;
mod timeline;

use super::{About, Report, Status, clock, counted, spoken};
use escape::escape;

const STYLE: &str = include_str!("html/style.css");

/// Renders a report.
pub fn render(report: &Report, about: About<'_>) -> String {
    let mut page = String::with_capacity(4096 + report.operations.len() * 1500);
    let name = report.plan.name.as_str();
    let what = if report.plan.rollback { "Rollback of" } else { "Restore of" };
    let title = format!("{what} {name}: {}", report.headline());
    page += "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    page += "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n";
    page += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n";
    page += &format!("<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n", escape(&title));
    page += &header(report, about, what);
    page += "<main>\n";
    page += &tiles(report);
    page += &troubles(report);
    page += &timeline::render(report);
    page += &facts(report);
    page += &runs(report);
    page += &receipts::render(report);
    page += "</main>\n</body>\n</html>\n";
    page
}

/// The color of a verdict.
fn mood(report: &Report) -> &'static str {
    match report.headline() {
        "done" => "good",
        "running" | "stopped early as asked" if report.counts.failed + report.counts.unknown == 0 => "calm",
        _ => "bad",
    }
}

fn header(report: &Report, about: About<'_>, what: &str) -> String {
    let plan = &report.plan;
    let only = match plan.only.as_slice() {
        [] => String::new(),
        only => format!(" · only {}", only.iter().map(|name| escape(name.as_str())).collect::<Vec<_>>().join(", ")),
    };
    format!(
        "<header>\n<div><p class=\"kicker\">{what}</p><h1>{}</h1></div>\n<p class=\"verdict {}\">{}</p>\n\
         <p class=\"meta\">{} – {}{only}<br><span class=\"mono\">sha256:{}</span><br>{} · {} · <span class=\"mono\">{}</span></p>\n</header>\n",
        escape(plan.name.as_str()),
        mood(report),
        report.headline(),
        clock(report.began),
        clock(report.until),
        plan.digest,
        escape(&plan.tool),
        escape(&plan.icp),
        escape(about.journal.as_str()),
    )
}

fn tiles(report: &Report) -> String {
    let counts = &report.counts;
    let tile = |label: &str, value: &str, note: &str, class: &str| {
        format!("<div class=\"tile {class}\"><dt>{label}</dt><dd>{}</dd><p>{}</p></div>\n", escape(value), escape(note))
    };
    let downtime = &report.downtime;
    let longest = downtime.longest.as_ref();
    let goes_on = if downtime.goes_on { "and it goes on" } else { "at least one canister closed" };
    let stuck = counts.failed + counts.unknown;
    let mut tiles = "<dl class=\"tiles\">\n".to_owned();
    tiles += &tile(
        "Operations",
        &format!("{} / {}", counts.completed, counts.total),
        &format!("completed; {} open", counts.open + counts.claimed),
        "",
    );
    tiles += &tile("Downtime", &spoken(downtime.fleet), goes_on, if downtime.goes_on { "bad" } else { "" });
    tiles += &tile(
        "Longest",
        &longest.map_or("–".to_owned(), |longest| spoken(longest.time)),
        longest.map_or("no canister was closed", |longest| longest.member.as_str()),
        "",
    );
    tiles += &tile(
        "In the way",
        &stuck.to_string(),
        &format!("{} failed, {} unknown", counts.failed, counts.unknown),
        if stuck > 0 { "bad" } else { "" },
    );
    tiles += &tile(
        "Repeated",
        &counts.repeated.to_string(),
        &format!("{} settled by asking", counted(counts.settled, "outcome")),
        "",
    );
    tiles += &tile("Canisters", &report.members.len().to_string(), &relocated(report), "");
    tiles + "</dl>\n"
}

fn relocated(report: &Report) -> String {
    match report.members.iter().filter(|member| member.relocated).count() {
        0 => "each into itself".to_owned(),
        n => format!("{n} into another one"),
    }
}

fn troubles(report: &Report) -> String {
    let rows: String = report
        .troubles()
        .map(|line| {
            let operation = &line.operation;
            format!(
                "<li><a href=\"#op-{}\">{} {}</a> <b>{}</b> {}</li>\n",
                operation.sequence,
                operation.kind,
                escape(operation.member.as_str()),
                line.status.as_str(),
                escape(line.message.as_deref().unwrap_or_default())
            )
        })
        .collect();
    match rows.is_empty() {
        true => String::new(),
        false => format!("<section class=\"trouble\"><h2>In the way</h2><ul>\n{rows}</ul></section>\n"),
    }
}

fn facts(report: &Report) -> String {
    let list = |title: &str, class: &str, lines: &[String]| match lines {
        [] => String::new(),
        lines => {
            let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", escape(line))).collect();
            format!("<div class=\"card {class}\"><h3>{title}</h3><ul>\n{items}</ul></div>\n")
        }
    };
    let left: Vec<String> = report
        .left
        .iter()
        .map(|left| format!("{}: {} {} on {}", left.member, left.what.as_str(), left.snapshot, left.canister))
        .collect();
    let mut facts = "<section><h2>What may be relied on</h2><div class=\"cards\">\n".to_owned();
    facts += &list("Proved", "proved", &report.proofs.proved);
    facts += &list("Not proved", "unproved", &report.proofs.not_proved);
    facts += &list("Does not travel to another canister", "travel", &report.proofs.does_not_travel);
    facts += "</div></section>\n";
    if !left.is_empty() {
        let items: String = left.iter().map(|line| format!("<li class=\"mono\">{}</li>\n", escape(line))).collect();
        facts += &format!(
            "<section><details class=\"left\"><summary><h2>Left on the network</h2> <span>{}</span></summary><ul>\n{items}</ul></details></section>\n",
            counted(left.len(), "snapshot")
        );
    }
    facts
}

fn runs(report: &Report) -> String {
    let rows: String = report
        .runs
        .iter()
        .map(|run| {
            let end = run.ended.map_or("no end is written".to_owned(), clock);
            let verdict = run.verdict.map_or("cut off".to_owned(), |verdict| format!("{verdict:?}").to_lowercase());
            let who = run.who.as_deref().unwrap_or_default();
            format!(
                "<tr><td>{}</td><td>{end}</td><td>{verdict}</td><td>process {} on {}</td><td>{}</td></tr>\n",
                clock(run.began),
                run.pid,
                escape(&run.host),
                escape(who)
            )
        })
        .collect();
    format!(
        "<section><h2>Runs</h2><div class=\"scroll\"><table>\n<thead><tr><th>from</th><th>to</th><th>verdict</th><th>process</th><th>job</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div></section>\n"
    )
}

/// The class of an operation's state.
fn class(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Claimed => "busy",
        Status::Completed => "ok",
        Status::Failed => "bad",
        Status::Unknown => "unknown",
    }
}
