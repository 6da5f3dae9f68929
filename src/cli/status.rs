//! `status`: where a run stands, without its lock.

mod text;

use std::time::Duration;

use camino::Utf8PathBuf;
use serde::Serialize;

use super::{
    Exit, Failure,
    left::{self, Remnant},
    next,
    progress::Progress,
    session::Format,
    terminal::Terminal,
};
use crate::{
    id::{Digest, Name, SnapshotId},
    journal::{
        self, Follower,
        event::{Event, Resumed, Verdict},
        replay::{Replay, State},
    },
    operation::{Kind, Sequence},
};

/// Show where a restore stands, while it runs or after.
///
/// Of a large fleet only the operations are listed that are at work, failed or unknown; `--verbose` lists all.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore status fleet.journal.jsonl
  icp-restore status fleet.journal.jsonl --watch  # while it runs
  icp-restore status fleet.journal.jsonl --require-complete && echo restored")]
pub(super) struct Args {
    /// The journal; one of canic will do as well.
    journal: Utf8PathBuf,
    /// Follow a run until it ends: changes as they happen, then where it stands.
    #[arg(long)]
    watch: bool,
    /// Exit with 9 unless everything is completed.
    #[arg(long)]
    require_complete: bool,
    /// Exit with 9 if anything needs a person.
    #[arg(long)]
    require_no_attention: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: Format,
}

/// Where a restore stands, for machines.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Report<'a> {
    version: u32,
    plan: PlanLine<'a>,
    /// Whether a run is at it now.
    running: bool,
    holder: Option<&'a Resumed>,
    verdict: Option<Verdict>,
    complete: bool,
    attention: bool,
    counts: Counts,
    operations: Vec<Line<'a>>,
    left_on_chain: Vec<Remnant<'a>>,
}

#[derive(Debug, Serialize)]
struct PlanLine<'a> {
    name: &'a Name,
    digest: Digest,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    waiting: usize,
    ready: usize,
    claimed: usize,
    completed: usize,
    failed: usize,
    unknown: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line<'a> {
    sequence: Sequence,
    kind: Kind,
    member: &'a Name,
    status: Word,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_id: Option<&'a SnapshotId>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    orphans: &'a [SnapshotId],
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Waiting,
    Ready,
    Claimed,
    Completed,
    Failed,
    Unknown,
}

impl Counts {
    fn count(&mut self, status: Word) {
        *match status {
            Word::Waiting => &mut self.waiting,
            Word::Ready => &mut self.ready,
            Word::Claimed => &mut self.claimed,
            Word::Completed => &mut self.completed,
            Word::Failed => &mut self.failed,
            Word::Unknown => &mut self.unknown,
        } += 1;
    }

    fn total(&self) -> usize {
        let Self { waiting, ready, claimed, completed, failed, unknown } = self;
        waiting + ready + claimed + completed + failed + unknown
    }
}

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Claimed => "at work",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    super::input::journal(&args.journal)?;
    if let Some(report) = super::canic::status(&args.journal)? {
        match args.format {
            Format::Json => terminal.print_json(&report),
            Format::Text => terminal.print(&report.text()),
        }
        let unmet =
            (args.require_complete && !report.is_complete()) || (args.require_no_attention && report.needs_attention());
        return Ok(if unmet { Exit::Stopped } else { Exit::Done });
    }
    let mut follower = Follower::new(&args.journal)?;
    if args.watch {
        watch(args, &mut follower, terminal)?;
    }
    let replay = follower.replay()?;
    let report = report(replay, journal::is_locked(&args.journal));
    match args.format {
        Format::Json => terminal.print_json(&report),
        Format::Text => {
            let mut next = vec![("next: to go on", next::again(&args.journal, &replay.opened))];
            if replay.has_loaded() && replay.opened.parent.is_none() {
                next.push(("or go back", next::back(&args.journal)));
            }
            terminal.print(&text::render(&report, &args.journal, next, terminal.is_verbose()));
        }
    }
    let unmet = (args.require_complete && !report.complete) || (args.require_no_attention && report.attention);
    Ok(if unmet { Exit::Stopped } else { Exit::Done })
}

/// Reads on until no run is at the journal, or the one that is has come to its end.
fn watch(args: &Args, follower: &mut Follower, terminal: &Terminal) -> Result<(), Failure> {
    const PAUSE: Duration = Duration::from_millis(200);
    let mut progress = match args.format {
        Format::Text => Some(Progress::of_another(terminal, follower.replay()?, &args.journal)),
        Format::Json => None,
    };
    loop {
        // The lock first: what a run wrote before it let go is read after.
        let running = journal::is_locked(&args.journal);
        let events = follower.read_on()?;
        let closed = events.iter().any(|event| matches!(event, Event::Closed(_)));
        if let Some(progress) = &mut progress {
            progress.follow(&events, follower.replay()?);
        }
        if closed || !running {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    if let Some(mut progress) = progress {
        progress.finish();
    }
    Ok(())
}

fn report(replay: &Replay, running: bool) -> Report<'_> {
    let mut counts = Counts::default();
    let operations = replay.iter().map(|(operation, slot)| {
        let (status, message) = match &slot.state {
            State::Fresh if replay.is_free(operation) => (Word::Ready, None),
            State::Fresh => (Word::Waiting, None),
            // What a dead run has claimed is not known to be at work.
            State::Claimed(_) if running => (Word::Claimed, None),
            State::Claimed(_) => (Word::Unknown, Some("claimed, and no receipt was written".to_owned())),
            State::Unknown(_, why) => (Word::Unknown, Some(why.clone())),
            State::Completed(_) => (Word::Completed, None),
            State::Failed(failure) => {
                let said = failure.rejection.as_ref().map(|rejection| rejection.message.clone());
                (Word::Failed, Some(said.unwrap_or_else(|| failure.notes.join("; "))))
            }
        };
        counts.count(status);
        Line {
            sequence: operation.sequence,
            kind: operation.kind,
            member: &operation.member,
            status,
            attempts: slot.attempts,
            snapshot_id: slot.done().and_then(|done| done.snapshot.as_ref()),
            orphans: &slot.orphans,
            message,
        }
    });
    let operations: Vec<Line<'_>> = operations.collect();
    Report {
        version: 1,
        plan: PlanLine { name: &replay.opened.plan, digest: replay.opened.digest },
        running,
        holder: replay.holder.as_ref().map(|(holder, _)| holder),
        verdict: replay.verdict,
        complete: replay.is_complete(),
        attention: counts.failed > 0 || counts.unknown > 0,
        counts,
        operations,
        left_on_chain: left::left_on_chain(replay),
    }
}
