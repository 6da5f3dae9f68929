//! `run`: do what a plan says, or go on with it.

use std::{
    collections::{BTreeMap, HashSet},
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::atomic::AtomicUsize,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use super::{
    Exit, Failure, adopt,
    expect::expect,
    how::How,
    input, open,
    outcome::{Format, Outcome, told},
    preflight,
    progress::{Hashing, Progress},
    session::{self, Program},
    shards::{self, Partition},
    signals,
    stream::Stream,
    targets,
    terminal::Terminal,
};
use crate::{
    events,
    icp::{self, Icp, Interrupt, Redactor},
    id::{Digest, Name},
    journal::{Journal, event::Event, replay::State},
    operation::{self, Kind},
    plan::{self, Plan, Reading},
    report::counted,
    runner::{self, Artifact, Notice, Options, Runner},
};

/// Do what a plan says, or go on where an earlier run stopped.
///
/// Everything that would stop it half way is looked at first. Each effect is claimed in the journal before it is had, and has
/// a receipt after; where an outcome is unknown, the network is asked before anything is done again.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore run fleet.toml --until uploaded       # nothing is stopped yet
  icp-restore run fleet.toml --expect 31a3653f570e  # only what was reviewed
  icp-restore run fleet.toml                        # do it, or go on")]
pub(super) struct Args {
    /// The plan.
    plan: Utf8PathBuf,
    /// Run only if the digest of the plan, or its first 12 or more digits, is this.
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    /// Restore this member, and all that it depends on, alone; may be given more than once.
    #[arg(long, value_name = "MEMBER")]
    only: Vec<String>,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    how: How,
    /// Go on with a restore that canic began: its restore-apply-journal.json, which is only read.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "with_uploads"])]
    adopt: Option<Utf8PathBuf>,
    /// Accepted for scripts that confirm; nothing is ever asked.
    #[arg(long, short)]
    yes: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: Format,
}

/// A plan that is to be run, with all that belongs to it.
pub(super) struct Job<'a> {
    pub(super) reading: &'a Reading,
    /// What is being done, in words.
    pub(super) what: String,
    /// The plan, maybe narrowed to some members.
    pub(super) plan: Plan,
    pub(super) only: Vec<Name>,
    pub(super) file: &'a Utf8Path,
    pub(super) icp: Icp,
    pub(super) how: &'a How,
    pub(super) journal: Utf8PathBuf,
    pub(super) redactor: Redactor,
    /// The journal of canic that is taken over.
    pub(super) adopt: Option<Utf8PathBuf>,
    /// Of a rollback: the digest of the last line of the journal that it takes back.
    pub(super) parent: Option<Digest>,
    /// The words of the command that goes on with it, without those of `how`.
    pub(super) again: Vec<String>,
    /// The command that takes it back, where there is one.
    pub(super) back: Option<String>,
    /// How long a request that was never answered may still take effect.
    pub(super) expiry: Duration,
    /// Of a rollback: since when the restore had sent nothing more of what was never answered.
    pub(super) unanswered: Option<Timestamp>,
    /// Whether the journal is gone when the command ends, as that of a rehearsal in a temporary folder is.
    pub(super) passing: bool,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    told(args.format, &args.how, terminal, || outcome(args, terminal))
}

fn outcome(args: &Args, terminal: &Terminal) -> Result<(Exit, Outcome), Failure> {
    let reading = input::plan(&args.plan)?;
    terminal.diagnostics(&reading.warnings);
    terminal.diagnostics(&crate::preflight::travel(&reading));
    let plan = session::narrowed(reading.plan.clone(), &args.only, terminal)?;
    args.how.check()?;
    let journal = || args.how.shard(session::journal_path(&args.plan, &plan.name, &args.only));
    let journal = args.how.journal.clone().unwrap_or_else(journal);
    if let Some(expected) = &args.expect {
        expect(expected, &plan, &journal)?;
    }
    let program = icp::find(args.program.icp.as_deref());
    let program = program.map_err(|error| {
        Failure::new(Exit::Blocked, error.to_string())
            .with_help("install icp, or name it with `--icp` or ICP_RESTORE_ICP")
    })?;
    let icp = session::aim(program.as_str(), &plan, &args.program, &args.plan);
    let secret = args.program.identity_password_file.iter().map(ToString::to_string);
    let only = args.only.iter().filter_map(|name| name.parse().ok()).collect();
    let redactor = Redactor::from_environment(secret);
    let with: Vec<&str> = args.program.named().into_iter().flat_map(|icp| ["--icp", icp]).collect();
    let narrowed = args.only.iter().flat_map(|member| ["--only", member]);
    let again = ["run", args.plan.as_str()].into_iter().chain(narrowed).chain(with.iter().copied());
    let again = again.map(str::to_owned).collect();
    let back = Some(session::ours(["rollback", journal.as_str()].into_iter().chain(with)));
    let expiry = Options::expiry(&plan.network);
    let job = Job {
        reading: &reading,
        what: format!("restoring {}", plan.name),
        plan,
        only,
        file: &args.plan,
        icp,
        how: &args.how,
        journal,
        redactor,
        adopt: args.adopt.clone(),
        parent: None,
        again,
        back,
        expiry,
        unanswered: None,
        passing: false,
    };
    perform(&job, terminal)
}

/// Takes a plan through its journal and tells what came of it.
pub(super) fn execute(job: &Job<'_>, terminal: &Terminal) -> Result<Exit, Failure> {
    let (exit, outcome) = perform(job, terminal)?;
    outcome.tell(terminal);
    Ok(exit)
}

/// Takes a plan through its journal.
pub(super) fn perform(job: &Job<'_>, terminal: &Terminal) -> Result<(Exit, Outcome), Failure> {
    if let Some(events) = &job.how.pace.events {
        input::spare(events, &[job.file, &job.journal])?;
    }
    let (interrupt, signal) = signals::signals()?;
    let version = preflight::icp_version(&job.icp, &interrupt)?;
    let opened = Journal::open(&job.journal)?;
    let (plan, mut journal) = match opened {
        Some(journal) => {
            open::same_plan(&journal, job)?;
            open::same_parent(&journal, job)?;
            open::not_taken_back(&journal)?;
            open::whole(&journal, job)?;
            (job.plan.clone().resolved(&journal.replay().opened.targets), Some(journal))
        }
        None => {
            let targets = targets::resolve(job, &interrupt)?;
            (job.plan.clone().resolved(&targets), None)
        }
    };
    if !job.how.with_uploads.is_empty() {
        journal = Some(shards::with_uploads(job, &plan, journal, &version, &interrupt, terminal)?);
    }
    terminal.note(&beginning(job, &plan, journal.as_ref(), &version));
    let unless_interrupted = |failure| match interrupt.is_set() {
        true => interrupted(&signal),
        false => failure,
    };
    let artifacts = artifacts(job, &plan, journal.as_ref(), terminal, &interrupt).map_err(unless_interrupted)?;
    let adopted = adopt::events(job.adopt.as_deref(), job, &plan, journal.as_ref(), &artifacts, &interrupt, terminal)
        .map_err(unless_interrupted)?;
    let foreseen = match adopted.is_empty() {
        true => None,
        false => Some(adopt::foreseen(open::first_line(job, &plan, &version), &adopted)?),
    };
    let outlook = preflight::Outlook {
        reading: job.reading,
        plan: &plan,
        icp: &job.icp,
        version: &version,
        accept_icp_change: job.how.pace.accept_icp_change,
        sizes: preflight::sizes(&artifacts),
        replay: foreseen.as_ref().or(journal.as_ref().map(Journal::replay)),
        partition: job.how.partition,
        journal: &job.journal,
        read_back: job.how.verify_upload,
        interrupt: &interrupt,
    };
    preflight::require(&outlook, terminal).map_err(unless_interrupted)?;
    if interrupt.is_set() {
        return Err(interrupted(&signal));
    }
    let mut journal = match journal.take() {
        Some(journal) => journal,
        None => open::create(job, &plan, &version)?,
    };
    // Only now: whoever finds another run at the journal leaves the events of that alone.
    let mut stream = Stream::open(job.how.pace.events.as_deref())?;
    // What a take-over that was cut short has written already is not written again.
    let fresh = |event: &&Event| {
        event.operation().is_some_and(|sequence| matches!(journal.replay().slot(sequence).state, State::Fresh))
    };
    let mut first: Vec<Event> = adopted.iter().filter(fresh).cloned().collect();
    first.push(open::resumed(version));
    journal.record(&first)?;
    let options = Options {
        until: job.how.pace.until,
        max_steps: job.how.pace.max_steps,
        partition: job.how.partition.map(Partition::remainder),
        wait: job.how.pace.wait,
        verify_upload: job.how.verify_upload,
        upload_memory: plan.limits.upload_memory.unwrap_or_else(|| session::free_memory() / 5 * 4),
        expiry: job.expiry,
        unanswered: job.unanswered,
    };
    let runner = Runner {
        icp: &job.icp,
        plan: &plan,
        artifacts: &artifacts,
        options: &options,
        interrupt: &interrupt,
        redactor: &job.redactor,
    };
    let mut progress = Progress::new(terminal, journal.replay(), journal.path(), &artifacts);
    stream.send(&events::hello(journal.replay(), journal.path().as_str()));
    let taken = adopted.iter().filter_map(|event| events::line(event, journal.replay()));
    taken.for_each(|line| stream.send(&line));
    let mut warned = false;
    let ending = runner::run(&runner, &mut journal, &mut |notice, replay| {
        if interrupt.is_set() && !std::mem::replace(&mut warned, true) {
            terminal.say("signal: nothing more begins, and what is under way is waited for; a second one ends it");
        }
        progress.notice(&notice, replay);
        if let Notice::Recorded(recorded) = &notice {
            recorded.iter().filter_map(|event| events::line(event, replay)).for_each(|line| stream.send(&line));
        }
    })?;
    progress.finish();
    let exit = Exit::of_run(&ending, signals::number(&signal));
    stream.send(&events::ended(journal.replay(), ending.verdict, exit.code()));
    Ok((exit, Outcome::new(&ending, &journal, exit, job)))
}

fn interrupted(signal: &AtomicUsize) -> Failure {
    Failure::new(Exit::Signal(signals::number(signal)), "interrupted before anything was begun")
}

impl Job<'_> {
    /// The digest of the plan before any name in it was resolved.
    pub(super) fn reading_digest(&self) -> Digest {
        match self.only.is_empty() {
            true => self.reading.plan.digest(),
            false => self.reading.plan.only(&self.only).digest(),
        }
    }
}

/// What is said before the network is asked: of a large fleet that takes a while.
fn beginning(job: &Job<'_>, plan: &Plan, journal: Option<&Journal>, version: &str) -> String {
    let (what, canisters) = (&job.what, counted(plan.members.len(), "canister"));
    match journal.map(Journal::replay) {
        None => {
            let operations = counted(operation::compile(plan).len(), "operation");
            format!("{what}: {operations} on {canisters}, which {version} is asked about first")
        }
        Some(replay) => {
            let completed = replay.iter().filter(|(_, slot)| slot.is_completed()).count();
            let operations = replay.operations.len();
            format!(
                "{what}: {completed} of {operations} operations are completed; {version} is asked about {canisters} first"
            )
        }
    }
}

/// Reads the artifacts that are yet to be uploaded.
fn artifacts(
    job: &Job<'_>,
    plan: &Plan,
    journal: Option<&Journal>,
    terminal: &Terminal,
    interrupt: &Interrupt,
) -> Result<BTreeMap<Name, Artifact>, Failure> {
    let share = job.how.partition.map(|share| share.members(&operation::compile(plan)));
    let members: HashSet<&Name> = plan.members.iter().map(|member| &member.name).collect();
    let open = |name: &Name| {
        let uploaded = journal.is_some_and(|journal| {
            let replay = journal.replay();
            replay
                .operations
                .find(Kind::UploadSnapshot, name)
                .is_some_and(|upload| replay.slot(upload.sequence).is_completed())
        });
        members.contains(name) && !uploaded && share.as_ref().is_none_or(|share| share.contains(name))
    };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let hashing = Hashing::new(terminal);
    let watch = |step| {
        hashing.step(step);
        if interrupt.is_set() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let found = plan::verify(&plan::Shelf::of(job.reading), plan::folder(job.file), &open, threads, &watch)?;
    found
        .into_iter()
        .map(|(name, (path, seal))| {
            let path =
                path.canonicalize_utf8().map_err(|error| Failure::new(Exit::Internal, format!("{path}: {error}")))?;
            Ok((name, Artifact { path, seal }))
        })
        .collect()
}
