//! What came of a run, for people and as one object, with the next thing to do.

use serde::Serialize;

use super::{
    Exit, Failure,
    how::How,
    next,
    run::Job,
    session,
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
    /// Nothing where it was that of a rehearsal and is gone.
    journal: Option<String>,
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

/// How a run says what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people, to stderr.
    Text,
    /// One object, to stdout.
    Json,
}

impl Outcome {
    pub(super) fn new(ending: &Ending, journal: &Journal, exit: Exit, job: &Job<'_>) -> Self {
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
        let own = job.how.again();
        let again = session::ours(job.again.iter().chain(&own).map(String::as_str));
        let back = job.back.clone();
        let (advice, next) = match ending.verdict {
            Verdict::Done => (None, Vec::new()),
            _ if job.passing => (Some("to look into it, or to go on, rehearse in a folder that is kept"), vec![again]),
            Verdict::Stopped if let Some(share) = job.how.partition => {
                let all = share.all(journal.path());
                let words = job.again.iter().map(String::as_str).chain(["--with-uploads", all.as_str()]);
                (Some("once all shards are done, with the journals of all"), vec![session::ours(words)])
            }
            Verdict::Stopped | Verdict::Interrupted => (Some("to go on"), vec![again]),
            Verdict::Failed if replay.is_complete() => {
                (Some("all is restored; to delete what is left behind, once the cause is gone"), vec![again])
            }
            Verdict::Failed if replay.has_loaded() => {
                (Some("canisters stay closed; once the cause is gone"), [again].into_iter().chain(back).collect())
            }
            Verdict::Failed => (Some("once the cause is gone"), vec![again]),
            Verdict::Unverified => {
                (Some("canisters stay closed; to look again"), [again].into_iter().chain(back).collect())
            }
            Verdict::Unknown if ending.troubles.iter().any(|trouble| trouble.way == Way::Orphan) => {
                (Some("once it has ended, or waiting for it"), vec![format!("{again} --wait 10m")])
            }
            Verdict::Unknown => {
                let resolve = troubles.first().map(|trouble| next::resolve(journal.path(), trouble.operation));
                (Some("to ask the network again"), [again].into_iter().chain(resolve).collect())
            }
        };
        Self {
            version: 1,
            exit: ExitLine { code: exit.code(), reason: exit.reason() },
            verdict: ending.verdict,
            plan: PlanLine { name: replay.opened.plan.clone(), digest: replay.opened.digest },
            journal: (!job.passing).then(|| journal.path().to_string()),
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
            let what = terminal.paint("1;31", &format!("{way}: operation {operation}, {kind} {member}"));
            terminal.say(&terminal.broken(&format!("{what}: {}", printable(message)), 2));
        }
        let Counts { completed, total, .. } = self.counts;
        let receipts = match &self.journal {
            Some(journal) => format!("receipts are in {journal}"),
            None => "the rehearsal is gone with its receipts: `--keep FOLDER` keeps them".to_owned(),
        };
        let counts = format!("{completed} of {total} operations are completed; {receipts}");
        terminal.note(&terminal.broken(&counts, 2));
        // Commands stand on lines of their own and are never broken, so that they can be taken as they are.
        if let (Some(advice), Some((first, others))) = (&self.advice, self.next.split_first()) {
            let mut text = format!("next: {advice}:\n  {first}");
            for other in others {
                let when = match other.contains(" rollback ") {
                    true => "or go back",
                    false => next::RESOLVE,
                };
                text += &format!("\n{when}:\n  {other}");
            }
            terminal.say(&text);
        }
    }
}

/// Tells what came of a run in the form that was asked for.
pub(super) fn told(
    format: Format,
    how: &How,
    terminal: &Terminal,
    run: impl FnOnce() -> Result<(Exit, Outcome), Failure>,
) -> Result<Exit, Failure> {
    if format == Format::Json && how.pace.events.as_ref().is_some_and(|place| place == "-") {
        return Err(Failure::new(Exit::Usage, "`--format json` and `--events -` would both write to stdout")
            .with_help("write the events to a file"));
    }
    match (run(), format) {
        (Ok((exit, outcome)), Format::Text) => {
            outcome.tell(terminal);
            Ok(exit)
        }
        (Ok((exit, outcome)), Format::Json) => {
            terminal.print_json(&outcome);
            Ok(exit)
        }
        (Err(failure), Format::Text) => Err(failure),
        (Err(failure), Format::Json) => {
            unbegun(&failure, terminal);
            Err(failure)
        }
    }
}

/// The object of a run that did not begin.
fn unbegun(failure: &Failure, terminal: &Terminal) {
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
