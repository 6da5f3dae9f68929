//! `resolve`: the word of a person on what only a person can know.

use camino::Utf8PathBuf;
use clap::ValueEnum;
use jiff::Timestamp;

use super::{Exit, Failure, open, terminal::Terminal};
use crate::{
    journal::{
        Journal,
        event::{Event, Outcome, Receipt, Released, Settled, Tail, Why},
        replay::State,
    },
    operation::{Kind, Sequence},
    plan::Target,
};

/// Say what became of an operation whose outcome is unknown, or that failed; it is recorded, with your reason.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore resolve fleet.journal.jsonl 12 --as completed --because 'the data is that of the snapshot: see OPS-341'
  icp-restore resolve fleet.journal.jsonl 12 --as ready --because 'loading it again is fine'")]
pub(super) struct Args {
    /// The journal.
    journal: Utf8PathBuf,
    /// The number of the operation.
    operation: u32,
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
    super::input::regular(&args.journal)?;
    let Some(mut journal) = Journal::open(&args.journal)? else {
        return Err(Failure::new(Exit::Invalid, format!("{} holds no restore", args.journal)));
    };
    open::not_taken_back(&journal)?;
    let sequence = Sequence(args.operation);
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
    open::no_orphan(&args.journal, std::iter::once((operation, slot)))?;
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
    journal.record(&[event])?;
    terminal.note(&said);
    Ok(Exit::Done)
}
