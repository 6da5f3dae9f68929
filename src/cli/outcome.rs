//! What came of a run, for people and as one object, with the next thing to do.

use serde::Serialize;

use super::{
    Exit, Failure,
    terminal::{Terminal, printable},
};
use crate::{
    diagnostic::json,
    id::{Digest, Name},
    journal::{Journal, event::Verdict, replay::State},
    operation::{Kind, Sequence},
    runner::{Ending, Way},
};

/// What came of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Outcome {
    version: u32,
    exit: ExitLine,
    verdict: Verdict,
    plan: PlanLine,
    journal: String,
    counts: Counts,
    troubles: Vec<Trouble>,
    /// What to do next, in words; nothing where all is done.
    advice: Option<String>,
    /// Commands to choose from; the first is the usual one.
    next: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct ExitLine {
    code: u8,
    reason: &'static str,
}

#[derive(Debug, Serialize)]
struct PlanLine {
    name: Name,
    digest: Digest,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    total: usize,
    completed: usize,
    failed: usize,
    unknown: usize,
    open: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Trouble {
    operation: Sequence,
    kind: Kind,
    member: Name,
    way: &'static str,
    message: String,
}

/// A run that did not begin.
#[derive(Debug, Serialize)]
struct Unbegun<'a> {
    version: u32,
    exit: ExitLine,
    verdict: Option<Verdict>,
    message: &'a str,
    help: Option<&'a str>,
    diagnostics: Vec<json::Problem<'a>>,
}

impl Outcome {
    /// Given the command that goes on with it, and the one that takes it back, if that may be.
    pub(super) fn new(ending: &Ending, journal: &Journal, exit: Exit, again: &str, back: Option<String>) -> Self {
        let replay = journal.replay();
        let mut counts = Counts { total: replay.operations.len(), ..Counts::default() };
        for (_, slot) in replay.iter() {
            *match slot.state {
                State::Completed(_) => &mut counts.completed,
                State::Failed(_) => &mut counts.failed,
                State::Claimed(_) | State::Unknown(..) => &mut counts.unknown,
                State::Fresh => &mut counts.open,
            } += 1;
        }
        let trouble = |trouble: &crate::runner::Trouble| {
            let operation = replay.operations.get(trouble.operation)?;
            Some(Trouble {
                operation: operation.sequence,
                kind: operation.kind,
                member: operation.member.clone(),
                way: word(trouble.way),
                message: trouble.message.clone(),
            })
        };
        let troubles: Vec<Trouble> = ending.troubles.iter().filter_map(trouble).collect();
        let again = again.to_owned();
        let (advice, next) = match ending.verdict {
            Verdict::Done => (None, Vec::new()),
            Verdict::Stopped | Verdict::Interrupted => (Some("to go on"), vec![again]),
            Verdict::Failed if replay.has_loaded() => {
                (Some("canisters stay closed; once the cause is gone"), [again].into_iter().chain(back).collect())
            }
            Verdict::Failed => (Some("once the cause is gone"), vec![again]),
            Verdict::Unverified => {
                (Some("canisters stay closed; to look again"), [again].into_iter().chain(back).collect())
            }
            Verdict::Unknown => {
                let operation = troubles.first().map_or_else(String::new, |trouble| trouble.operation.to_string());
                let resolve = format!(
                    "icp-restore resolve {} {operation} --as completed|failed|ready --because TEXT",
                    journal.path()
                );
                (Some("to ask the network again"), vec![again, resolve])
            }
        };
        Self {
            version: 1,
            exit: ExitLine { code: exit.code(), reason: exit.reason() },
            verdict: ending.verdict,
            plan: PlanLine { name: replay.opened.plan.clone(), digest: replay.opened.digest },
            journal: journal.path().to_string(),
            counts,
            troubles,
            advice: advice.map(str::to_owned),
            next,
        }
    }

    /// For people.
    pub(super) fn tell(&self, terminal: &Terminal) {
        for trouble in &self.troubles {
            let Trouble { operation, kind, member, way, message } = trouble;
            let line = format!("{way}: operation {operation}, {kind} {member}: {message}");
            terminal.say(&terminal.paint("1;31", &printable(&line)));
        }
        let Counts { completed, total, .. } = self.counts;
        terminal.note(&format!("{completed} of {total} operations are completed; receipts are in {}", self.journal));
        if let (Some(advice), Some((first, others))) = (&self.advice, self.next.split_first()) {
            let mut text = format!("next: {advice}: {first}");
            for other in others {
                let when = if other.contains(" rollback ") { "or go back" } else { "or, once you know" };
                text += &format!("\n      {when}: {other}");
            }
            terminal.say(&text);
        }
    }
}

/// The object of a run that did not begin.
pub(super) fn unbegun(failure: &Failure, terminal: &Terminal) {
    terminal.print_json(&Unbegun {
        version: 1,
        exit: ExitLine { code: failure.exit.code(), reason: failure.exit.reason() },
        verdict: None,
        message: &failure.message,
        help: failure.help.as_deref(),
        diagnostics: json::problems(&failure.diagnostics),
    });
}

fn word(way: Way) -> &'static str {
    match way {
        Way::Blocked => "blocked",
        Way::Failed => "failed",
        Way::Unverified => "not as planned",
        Way::Unknown => "unknown",
        Way::Orphan => "still at work",
    }
}
