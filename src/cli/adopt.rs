//! `run --adopt`: going on with a restore that canic began.

use std::collections::BTreeMap;

use camino::Utf8Path;
use jiff::Timestamp;

use super::{Exit, Failure, init::LARGEST, input, run::Job, terminal::Terminal};
use crate::{
    adopt::{Adopter, Refusal, adopt},
    canic::{journal, lock},
    icp::Interrupt,
    id::{Digest, Name},
    journal::{
        Journal,
        event::{Event, Opened},
        replay::{Breach, Replay},
    },
    operation,
    plan::Plan,
    runner::Artifact,
};

/// The events that take over what canic did; none where nothing is to be taken over.
pub(super) fn events(
    file: Option<&Utf8Path>,
    job: &Job<'_>,
    plan: &Plan,
    journal: Option<&Journal>,
    artifacts: &BTreeMap<Name, Artifact>,
    interrupt: &Interrupt,
    terminal: &Terminal,
) -> Result<Vec<Event>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    // A run that died before it took the journal up, or right after, has begun nothing.
    let begun = |journal: &&Journal| {
        let replay = journal.replay();
        replay.holder.is_some() && replay.iter().any(|(_, slot)| slot.attempts > 0 || slot.is_completed())
    };
    if let Some(journal) = journal.filter(begun) {
        let message = format!("{} has begun already: a restore is taken over once, at its start", journal.path());
        return Err(Failure::new(Exit::Usage, message).with_help("go on without `--adopt`"));
    }
    respect(file, terminal)?;
    let source = input::read(file, LARGEST)?;
    let (theirs, warnings) = journal::read(&source)?;
    terminal.diagnostics(&warnings);
    let modules: BTreeMap<Name, Digest> =
        artifacts.iter().filter_map(|(name, artifact)| Some((name.clone(), artifact.seal.module_hash()?))).collect();
    let operations = operation::compile(plan);
    let adopter = Adopter {
        journal: &theirs,
        source: &source,
        plan,
        places: &job.reading.places,
        operations: &operations,
        modules: &modules,
        icp: &job.icp,
        interrupt,
        redactor: &job.redactor,
    };
    let adoption = adopt(&adopter).map_err(|refusal| match refusal {
        Refusal::Foreign(diagnostics) => Failure::from(diagnostics),
        Refusal::Blocked(diagnostics) => Failure { exit: Exit::Blocked, ..diagnostics.into() },
    })?;
    // Somebody may have gone on with it while we looked.
    respect(file, terminal)?;
    if input::read(file, LARGEST)?.text() != source.text() {
        return Err(Failure::new(Exit::Locked, format!("{file} was changed while it was read: canic is at it")));
    }
    terminal.diagnostics(&adoption.warnings);
    let taken = adoption.events.iter().filter(|event| matches!(event, Event::Adopted(_))).count();
    terminal.note(&format!("{taken} of {} operations are taken over from {file}", operations.len()));
    Ok(adoption.events)
}

/// How a restore will stand once it is taken over.
pub(super) fn foreseen(opened: Opened, events: &[Event]) -> Result<Replay, Failure> {
    let now = Timestamp::now();
    let failed = |breach: Breach| Failure::from(crate::journal::Error::Refused(breach));
    let mut replay = Replay::new(opened, now).map_err(failed)?;
    for (index, event) in events.iter().enumerate() {
        replay.apply(event, now, index + 2).map_err(failed)?;
    }
    Ok(replay)
}

/// Refuses a journal that canic is at, unless the process that locked it is gone.
fn respect(file: &Utf8Path, terminal: &Terminal) -> Result<(), Failure> {
    let lock = lock::read(file).map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let Some(lock) = lock else { return Ok(()) };
    let locked = |who: String| {
        let help = format!("let it end; if it is surely gone, remove {}", lock.path);
        Err(Failure::new(Exit::Locked, format!("{file} is locked by {who}")).with_help(help))
    };
    match lock.holder {
        lock::Holder::Alive(pid) => locked(format!("process {pid} of this machine, which is there")),
        lock::Holder::Unknown => locked(format!("somebody: {} does not say by whom", lock.path)),
        lock::Holder::Gone(pid) => {
            terminal.note(&format!("the lock of process {pid} was left behind: no such process is there any more"));
            Ok(())
        }
    }
}
