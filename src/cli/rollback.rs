//! `rollback`: back to the safety snapshots of a restore.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::{
    Exit, Failure, dry_run,
    how::{How, Pace},
    next, open, preflight,
    progress::Progress,
    run::{self, Job},
    session::{self, Format, Program},
    signals,
    terminal::{Terminal, printable},
};
use crate::{
    diagnostic::Source,
    icp::{self, Redactor},
    id::Digest,
    journal::{self, Journal, replay::Replay},
    operation,
    plan::{self, Plan, Reading},
    rollback::{self, Back},
    runner::{self, Runner},
};

/// Take a restore back: load the safety snapshots that it took.
///
/// What it stopped and never loaded is started again. The way back is a plan of its own, made from the receipts, with a
/// journal of its own beside that of the restore. Like any run it goes on where it was cut short. It works after a half-done
/// restore and after a finished one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore rollback fleet.journal.jsonl --dry-run  # see the way back
  icp-restore rollback fleet.journal.jsonl            # take it, or go on")]
pub(super) struct Args {
    /// The journal of the restore.
    #[arg(value_name = "JOURNAL")]
    restore: Utf8PathBuf,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// The plan of the restore, if it does not lie beside the journal and names an icp project.
    #[arg(long, value_name = "FILE")]
    plan: Option<Utf8PathBuf>,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    pace: Pace,
    /// Of `--dry-run`: what to print.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: Format,
}

/// How the name of a rollback's journal ends.
const OF_ROLLBACK: &str = "-rollback.journal.jsonl";

/// Where the journal of a rollback lies: beside that of the restore, so that no run can pass it over.
pub(super) fn journal_of(restore: &Utf8Path) -> Utf8PathBuf {
    let name = restore.as_str();
    let stem = name.strip_suffix(".journal.jsonl").or_else(|| name.strip_suffix(".jsonl")).unwrap_or(name);
    Utf8PathBuf::from(format!("{stem}{OF_ROLLBACK}"))
}

/// The journal that is taken back by this one, where it is named so.
pub(super) fn restore_of(rollback: &Utf8Path) -> Option<Utf8PathBuf> {
    Some(Utf8PathBuf::from(format!("{}.journal.jsonl", rollback.as_str().strip_suffix(OF_ROLLBACK)?)))
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    super::input::journal(&args.restore)?;
    if args.dry_run {
        let replay = journal::load(&args.restore)?;
        let (back, reading) = compile(&replay)?;
        return show(args, &replay, &back, reading.as_ref(), terminal);
    }
    // Held to the end, so that no run goes on with the restore meanwhile.
    let Some(mut restore) = Journal::open(&args.restore)? else {
        return Err(super::input::no_journal(&args.restore));
    };
    let help = format!("wait for it: {} --wait 10m", next::back(&args.restore));
    open::no_orphan(&args.restore, restore.replay().iter(), args.pace.wait, &help)?;
    let (back, reading) = compile(restore.replay())?;
    let whole = whole(restore.replay())?;
    let program = icp::find(args.program.icp.as_deref());
    let program = program.map_err(|error| {
        Failure::new(Exit::Blocked, error.to_string()).with_help("install icp, or name it with `--icp`")
    })?;
    let file = file(args);
    let aim = |plan: &Plan| session::aim(program.as_str(), plan, &args.program, file);
    let redactor = || Redactor::from_environment(args.program.identity_password_file.iter().map(ToString::to_string));
    if !back.take_back.is_empty() {
        let (icp, redactor) = (aim(&whole), redactor());
        if let Some(exit) = take_back(args, &icp, &whole, reading.as_ref(), &redactor, &mut restore, terminal)? {
            return Ok(exit);
        }
    }
    let Some(reading) = reading else {
        terminal.note("nothing was loaded, so there is nothing to go back to: what was stopped runs again");
        return Ok(Exit::Done);
    };
    let with = args.program.named().into_iter().flat_map(|icp| ["--icp", icp]);
    let again = ["rollback", args.restore.as_str()].into_iter().chain(with).map(str::to_owned).collect();
    let how = How { pace: args.pace.clone(), ..How::default() };
    let job = Job {
        reading: &reading,
        what: format!("taking {} back", whole.name),
        plan: reading.plan.clone(),
        only: Vec::new(),
        file,
        icp: aim(&reading.plan),
        how: &how,
        journal: journal_of(&args.restore),
        redactor: redactor(),
        parent: Some(restore.head()),
        again,
        adopt: None,
        back: None,
        expiry: runner::Options::expiry(&reading.plan.network),
        unanswered: unanswered(restore.replay()),
        passing: false,
    };
    run::execute(&job, terminal)
}

/// The way back, and its plan where something was loaded.
fn compile(replay: &Replay) -> Result<(Back, Option<Reading>), Failure> {
    let blocked = |diagnostics| Failure { exit: Exit::Blocked, ..Failure::from(diagnostics) };
    let back = rollback::compile(replay).map_err(blocked)?;
    let read = |text: &String| plan::read(&Source::new(format!("{}-rollback", replay.opened.plan), text.as_str()));
    let reading = back.text.as_ref().map(read).transpose()?;
    Ok((back, reading))
}

/// The plan of the restore.
fn whole(replay: &Replay) -> Result<Plan, Failure> {
    let reading = plan::read(&Source::new("journal", replay.opened.text.as_str()))?;
    Ok(reading.plan.resolved(&replay.opened.targets))
}

/// Since when the restore has sent nothing more of the stops, loads and starts that were never answered.
fn unanswered(replay: &Replay) -> Option<Timestamp> {
    use operation::Kind::{LoadSnapshot, StartCanister, StopCanister};
    let now = Timestamp::now();
    let sent = replay.iter().filter(|(o, _)| matches!(o.kind, StopCanister | LoadSnapshot | StartCanister));
    sent.flat_map(|(_, slot)| [slot.unanswered(now), slot.unanswered_back(now)]).max().flatten()
}

/// Where relative paths of the plan start from.
fn file(args: &Args) -> &Utf8Path {
    args.plan.as_deref().unwrap_or(&args.restore)
}

/// Starts again what was stopped and never loaded, after a look at all that the way back needs.
fn take_back(
    args: &Args,
    icp: &icp::Icp,
    plan: &Plan,
    reading: Option<&Reading>,
    redactor: &Redactor,
    restore: &mut Journal,
    terminal: &Terminal,
) -> Result<Option<Exit>, Failure> {
    let (interrupt, signal) = signals::signals()?;
    let version = preflight::icp_version(icp, &interrupt)?;
    if let Some(reading) = reading {
        let outlook = preflight::Outlook {
            reading,
            plan: &reading.plan,
            icp,
            version: &version,
            accept_icp_change: true,
            sizes: BTreeMap::new(),
            replay: None,
            partition: None,
            journal: &args.restore,
            read_back: false,
            interrupt: &interrupt,
        };
        preflight::require(&outlook, terminal)?;
    }
    restore.record(&[open::resumed(version)])?;
    let options = runner::Options {
        until: None,
        max_steps: None,
        partition: None,
        wait: args.pace.wait,
        verify_upload: false,
        upload_memory: 0,
        expiry: runner::Options::expiry(&plan.network),
        unanswered: None,
    };
    let artifacts = BTreeMap::new();
    let runner = Runner { icp, plan, artifacts: &artifacts, options: &options, interrupt: &interrupt, redactor };
    let mut progress = Progress::new(terminal, restore.replay(), restore.path(), &artifacts);
    let troubles = runner::take_back(&runner, restore, &mut |notice, replay| progress.notice(&notice, replay))?;
    progress.finish();
    for trouble in &troubles {
        terminal.say(&printable(&format!("operation {} is not taken back: {}", trouble.operation, trouble.message)));
    }
    Ok(match troubles.iter().map(|trouble| trouble.way).max() {
        _ if interrupt.is_set() => Some(Exit::Signal(signals::number(&signal))),
        None => None,
        Some(runner::Way::Unknown | runner::Way::Orphan) => Some(Exit::Unknown),
        Some(_) => Some(Exit::Failed),
    })
}

/// What would be done.
fn show(
    args: &Args,
    replay: &Replay,
    back: &Back,
    reading: Option<&Reading>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let again: Vec<_> = back.take_back.iter().filter_map(|stop| replay.operations.get(*stop)).collect();
    let program = args.program.icp.as_ref().map_or("icp", |icp| icp.as_str());
    let lines = |plan: &Plan| {
        let icp = session::aim(program, plan, &args.program, file(args));
        let folder = journal::folder(&journal_of(&args.restore));
        let operations = operation::compile(plan);
        let line = |operation: &operation::Operation| (operation.clone(), dry_run::command(&icp, operation, &folder));
        operations.iter().map(line).collect::<Vec<_>>()
    };
    let lines = reading.map(|reading| lines(&reading.plan)).unwrap_or_default();
    let digest = reading.map(|reading| reading.plan.digest());
    match args.format {
        Format::Json => {
            let operations = lines.iter().map(|(operation, command)| {
                serde_json::json!({
                    "sequence": operation.sequence, "kind": operation.kind, "member": operation.member,
                    "source": operation.source, "target": operation.target, "after": operation.after, "command": command,
                })
            });
            terminal.print_json(&serde_json::json!({
                "version": 1,
                "plan": reading.map(|reading| serde_json::json!({ "name": reading.plan.name, "digest": digest })),
                "operations": operations.collect::<Vec<_>>(),
                "started-again": again.iter().map(|operation| &operation.member).collect::<Vec<_>>(),
                "text": back.text,
            }));
        }
        Format::Text => {
            let mut text = back.text.clone().unwrap_or_else(|| "# Nothing was loaded.\n".to_owned());
            text += &digest.map(|digest: Digest| format!("\n# digest sha256:{digest}\n")).unwrap_or_default();
            for operation in &again {
                text += &format!("# stopped and never loaded, to be started again: {}\n", operation.member);
            }
            let width = lines.iter().map(|(operation, _)| operation.member.as_str().len()).max().unwrap_or(0);
            for (operation, command) in &lines {
                let (sequence, kind, member) = (operation.sequence, operation.kind, operation.member.as_str());
                text += &format!("#{sequence:>5}  {kind:<15}  {member:<width$}  {command}\n");
            }
            terminal.print(&text);
            terminal.note(&format!("next: to do it:\n  {}", next::back(&args.restore)));
        }
    }
    Ok(Exit::Done)
}
