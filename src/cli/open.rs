//! Journals of runs as they are begun and taken up: what their first lines say, and which plans they go on with.

use std::{
    io,
    time::{Duration, Instant},
};

use camino::Utf8Path;

use super::{Exit, Failure, rollback, run::Job, targets};
use crate::{
    diagnostic::Source,
    icp::process,
    journal::{
        self, Journal,
        event::{Event, Opened, Resumed},
        replay::Slot,
    },
    operation::{self, Kind, Operation},
    plan::{self, Plan},
};

/// Begins the journal of a job.
pub(super) fn create(job: &Job<'_>, plan: &Plan, version: &str) -> Result<Journal, Failure> {
    Ok(Journal::create(&job.journal, first_line(job, plan, version))?)
}

/// What the first line of a journal says.
pub(super) fn first_line(job: &Job<'_>, plan: &Plan, version: &str) -> Opened {
    Opened {
        tool: concat!("icp-restore ", env!("CARGO_PKG_VERSION")).to_owned(),
        plan: plan.name.clone(),
        digest: job.reading_digest(),
        text: job.reading.places.source.text().to_owned(),
        only: job.only.clone(),
        icp: version.to_owned(),
        network: job.redactor.args(job.icp.selectors()),
        targets: targets::named_targets(job.reading, plan),
        operations: operation::compile(plan).iter().cloned().collect(),
        parent: job.parent,
    }
}

/// Who takes a journal up.
pub(super) fn resumed(version: String) -> Event {
    Event::Resumed(Resumed {
        pid: std::process::id(),
        host: sysinfo::System::host_name().unwrap_or_else(|_| "unknown".to_owned()),
        icp: version,
        who: who(),
    })
}

/// The journal must be of this very plan.
pub(super) fn same_plan(journal: &Journal, job: &Job<'_>) -> Result<(), Failure> {
    let opened = &journal.replay().opened;
    if opened.digest == job.reading_digest() {
        return Ok(());
    }
    let before = plan::read(&Source::new("journal", opened.text.as_str()));
    let differences = before.map(|before| before.plan.differences(&job.plan)).unwrap_or_default();
    let mut message = format!(
        "{} is of another plan: sha256:{}, and this is sha256:{}",
        journal.path(),
        opened.digest,
        job.reading_digest()
    );
    for difference in differences.iter().take(20) {
        let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        message += &format!("\n  {}: was {}, is {}", difference.what, text(&difference.was), text(&difference.is));
    }
    let help = "go on with the plan as it was, or begin anew with another `--journal`";
    Err(Failure::new(Exit::Blocked, message).with_help(help))
}

/// What was taken over of the ancestor's restore in part would be done twice in the rest.
pub(super) fn whole(journal: &Journal, job: &Job<'_>) -> Result<(), Failure> {
    let replay = journal.replay();
    let begun = |(operation, slot): (&Operation, &Slot)| {
        operation.kind != Kind::UploadSnapshot && (slot.is_completed() || slot.is_unsettled())
    };
    // A run takes up a journal once all is in it that it took over.
    if replay.holder.is_some() || job.adopt.is_some() || !replay.iter().any(begun) {
        return Ok(());
    }
    let message = format!("the take-over into {} was cut short", journal.path());
    Err(Failure::new(Exit::Blocked, message).with_help("run again with the same `--adopt`"))
}

/// A rollback is of the restore as it stands.
pub(super) fn same_parent(journal: &Journal, job: &Job<'_>) -> Result<(), Failure> {
    if journal.replay().opened.parent == job.parent {
        return Ok(());
    }
    let message = format!("{} takes back another state of the restore than it has now", journal.path());
    let help = "see what was done since with `icp-restore status`, and move that journal away to begin a new rollback";
    Err(Failure::new(Exit::Blocked, message).with_help(help))
}

/// What was taken back is not gone on with as if its loads still held, and nothing more is said of it.
pub(super) fn not_taken_back(journal: &Journal) -> Result<(), Failure> {
    let rollback = rollback::journal_of(journal.path());
    match journal::load(&rollback) {
        Ok(replay) if replay.opened.parent == Some(journal.head()) => {
            let message = format!("{} was taken back, or is being so, by {rollback}", journal.path());
            Err(Failure::new(Exit::Blocked, message).with_help("begin a new restore with another `--journal`"))
        }
        Ok(_) | Err(journal::Error::Empty(_)) => Ok(()),
        Err(journal::Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        // It may be one of this very restore.
        Err(error) => Err(error.into()),
    }
}

/// A command of a dead run that is still at work could have its effect after what is done now; it is waited for so long.
pub(super) fn no_orphan<'a>(
    journal: &Utf8Path,
    operations: impl Iterator<Item = (&'a Operation, &'a Slot)>,
    wait: Duration,
    help: &str,
) -> Result<(), Failure> {
    let (folder, begun) = (journal::folder(journal), Instant::now());
    for (operation, slot) in operations {
        let (sequence, kind, member) = (operation.sequence, operation.kind, &operation.member);
        let files = folder.join(format!("{sequence}.{}", slot.attempts));
        while slot.is_unsettled() && process::is_alive(&files) {
            if begun.elapsed() >= wait {
                let message = format!("the command of operation {sequence}, {kind} {member}, is still at work");
                return Err(Failure::new(Exit::Locked, message).with_help(help));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// The CI job, as its environment names it.
fn who() -> Option<String> {
    let var = |name| std::env::var(name).ok();
    let github = || {
        Some(format!(
            "{}/{}/actions/runs/{}",
            var("GITHUB_SERVER_URL")?,
            var("GITHUB_REPOSITORY")?,
            var("GITHUB_RUN_ID")?
        ))
    };
    var("CI_JOB_URL").or_else(github).or_else(|| var("BUILD_URL"))
}
