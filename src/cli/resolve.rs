//! `resolve`: the word of a person on what only a person can know.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::ValueEnum;
use jiff::Timestamp;

use super::{Exit, Failure, next, open, terminal::Terminal};
use crate::{
    journal::{
        Journal,
        event::{Event, Outcome, Receipt, Released, Settled, Tail, Why},
        replay::State,
    },
    operation::{Kind, Sequence},
    plan::Target,
};

/// Say what became of an operation, where only a person can know.
///
/// It is for one whose outcome is unknown, or that failed; what you say is recorded in the journal, with your reason.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore resolve fleet.journal.jsonl 12 --as ready --because harmless
  icp-restore resolve fleet.journal.jsonl 12 --as failed --because OPS-341")]
pub(super) struct Args {
    /// The journal.
    journal: Utf8PathBuf,
    /// The number of the operation, as `status` lists it.
    #[arg(value_parser = sequence)]
    operation: Sequence,
    /// What became of it.
    #[arg(long = "as", value_enum, value_name = "OUTCOME")]
    outcome: Word,
    /// How you know.
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    because: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    /// It was done.
    Completed,
    /// It was not done.
    Failed,
    /// It was not done, or may be done again: the next run does it.
    Ready,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    super::input::journal(&args.journal)?;
    let Some(mut journal) = Journal::open(&args.journal)? else {
        return Err(super::input::no_journal(&args.journal));
    };
    open::not_taken_back(&journal)?;
    let sequence = args.operation;
    let replay = journal.replay();
    let Some(operation) = replay.operations.get(sequence) else {
        let message =
            format!("there is no operation {sequence}: the last is {}", replay.operations.len().saturating_sub(1));
        return Err(Failure::new(Exit::Usage, message));
    };
    let slot = replay.slot(sequence);
    if !matches!(slot.state, State::Claimed(_) | State::Unknown(..) | State::Failed(_)) {
        let message =
            format!("operation {sequence}, {} {}, is neither unknown nor failed", operation.kind, operation.member);
        return Err(Failure::new(Exit::Usage, message).with_help(format!("see `icp-restore status {}`", args.journal)));
    }
    open::no_orphan(&args.journal, std::iter::once((operation, slot)), Duration::ZERO, "wait for it, then try again")?;
    let makes = matches!(operation.kind, Kind::UploadSnapshot | Kind::TakeSnapshot);
    if args.outcome == Word::Completed && makes {
        let message = "a snapshot that was made must be proved, not said: only then may it be loaded";
        return Err(Failure::new(Exit::Usage, message).with_help("say `--as ready`: the next run makes it anew"));
    }
    let (attempt, now) = (slot.attempts, Timestamp::now());
    let evidence = vec![format!("a person says so: {}", args.because)];
    let receipt = |outcome| Receipt {
        kind: operation.kind,
        source: operation.source,
        target: match operation.target {
            Target::Canister(target) => target,
            Target::Named(_) => operation.source,
        },
        outcome,
        exit: None,
        rejection: None,
        notes: vec![args.because.clone()],
        snapshot_id: replay.snapshot(operation).cloned(),
        snapshot_size: None,
        module_hash: None,
        orphans: Vec::new(),
        started: now,
        ended: now,
        stdout: Tail::default(),
        stderr: Tail::default(),
    };
    let event = match args.outcome {
        Word::Completed => Event::Settled(Box::new(Settled {
            operation: sequence,
            attempt,
            evidence,
            receipt: receipt(Outcome::Completed),
        })),
        Word::Failed => Event::Settled(Box::new(Settled {
            operation: sequence,
            attempt,
            evidence,
            receipt: receipt(Outcome::Rejected),
        })),
        Word::Ready => Event::Released(Released {
            operation: sequence,
            attempt,
            why: Why::Resolved,
            evidence,
            orphans: Vec::new(),
        }),
    };
    let said = format!("operation {sequence}, {} {}: recorded", operation.kind, operation.member);
    let again = next::again(&args.journal, &replay.opened);
    journal.record(&[event])?;
    terminal.note(&format!("{said}\nnext: to go on:\n  {again}"));
    Ok(Exit::Done)
}

fn sequence(text: &str) -> Result<Sequence, String> {
    text.parse().map(Sequence).map_err(|_| "write the number that `status` lists it with".to_owned())
}
