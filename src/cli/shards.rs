//! Uploads that other machines have made: their journals are checked, and their receipts taken over.
//!
//! Each part of the uploads (`--partition`) has a journal of its own. What one says counts if it is sound, of this very
//! plan, and the only one to say it; and if the snapshot is on the canister still, as far as that can be asked.

use std::collections::{BTreeMap, HashMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Failure, open, run::Job, terminal::Terminal};
use crate::{
    diagnostic::{Code, Diagnostic, Label, Severity, Source},
    icp::{Asked, Icp, Interrupt},
    id::{Digest, Name, SnapshotId},
    journal::{
        self, Follower, Journal,
        event::{Adopted, Aim, Event, Outcome, Receipt},
        replay::Replay,
    },
    operation::{self, Kind, Operation, Operations, Sequence},
    parallel,
    plan::{MemberPlaces, Plan, Reading},
};

/// A share of the uploads: which, from 1, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Partition {
    pub(super) which: u32,
    pub(super) of: u32,
}

/// What the journals of uploads are held against.
pub(super) struct Wanted<'a> {
    pub(super) reading: &'a Reading,
    /// With principals for targets.
    pub(super) plan: &'a Plan,
    pub(super) digest: Digest,
    pub(super) operations: &'a Operations,
    /// How this restore stands, if it was begun.
    pub(super) replay: Option<&'a Replay>,
    pub(super) icp: &'a Icp,
    pub(super) interrupt: &'a Interrupt,
}

/// An upload that a journal says is completed.
struct Found {
    /// Its id in the receipt.
    label: Label,
    from: String,
    receipt: Receipt,
}

impl std::str::FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(which, of)| Some((which.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((which, of)) if (1..=of).contains(&which) && of <= 10_000 => Ok(Self { which, of }),
            _ => Err("write a share as 3/16: the third of sixteen".to_owned()),
        }
    }
}

impl Partition {
    /// As the runner counts: the remainder of places that count from 0, and the divisor.
    pub(super) fn remainder(self) -> (u32, u32) {
        (self.which - 1, self.of)
    }

    /// In the name of its journal.
    pub(super) fn label(self) -> String {
        format!("uploads-{}-of-{}", self.which, self.of)
    }

    /// The share that a journal is of, by its name.
    pub(super) fn of(journal: &Utf8Path) -> Option<Self> {
        let name = journal.file_name()?.strip_suffix(".journal.jsonl")?;
        let (_, label) = name.rsplit_once(".uploads-")?;
        label.replace("-of-", "/").parse().ok()
    }

    /// The journals of all shares, as `--with-uploads` takes them, by that of this one.
    pub(super) fn all(self, journal: &Utf8Path) -> Utf8PathBuf {
        let of = format!("uploads-*-of-{}", self.of);
        journal.with_file_name(journal.file_name().unwrap_or_default().replace(&self.label(), &of))
    }

    /// The members whose uploads are of this share.
    pub(super) fn members(self, operations: &Operations) -> HashSet<Name> {
        let uploads = operations.iter().filter(|operation| operation.kind == Kind::UploadSnapshot);
        let (rest, of) = self.remainder();
        uploads.skip(rest as usize).step_by(of as usize).map(|operation| operation.member.clone()).collect()
    }
}

/// Takes over what shards have uploaded, before anything else is looked at: what they have is not needed here.
pub(super) fn with_uploads(
    job: &Job<'_>,
    plan: &Plan,
    journal: Option<Journal>,
    version: &str,
    interrupt: &Interrupt,
    terminal: &Terminal,
) -> Result<Journal, Failure> {
    let replay = journal.as_ref().map(Journal::replay);
    let operations = replay.map_or_else(|| operation::compile(plan), |replay| replay.operations.clone());
    let wanted = Wanted {
        reading: job.reading,
        plan,
        digest: job.reading_digest(),
        operations: &operations,
        replay,
        icp: &job.icp,
        interrupt,
    };
    let taken = taken(&job.how.with_uploads, &wanted)?;
    let mut journal = match journal {
        Some(journal) => journal,
        None => open::create(job, plan, version)?,
    };
    journal.record(&taken)?;
    terminal.note(&format!("{} uploads are taken over from shards", taken.len()));
    Ok(journal)
}

/// The uploads of journals that match patterns, as events of ours; those that this restore has already are left out.
///
/// # Errors
/// Everything that is wrong with any of the journals, and every upload that none of them completed.
pub(super) fn taken(patterns: &[String], wanted: &Wanted<'_>) -> Result<Vec<Event>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut found: BTreeMap<Sequence, Found> = BTreeMap::new();
    for file in files(patterns, &mut diagnostics) {
        read(&file, wanted, &mut found, &mut diagnostics);
    }
    let places: HashMap<&Name, &MemberPlaces> =
        wanted.reading.plan.members.iter().map(|member| &member.name).zip(&wanted.reading.places.members).collect();
    let done = |operation: &Operation| wanted.replay.and_then(|replay| replay.slot(operation.sequence).done());
    // Where a journal could not be used, what it may hold is not missing.
    let whole = diagnostics.iter().all(|problem| problem.severity() == Severity::Warning);
    for operation in wanted.operations.iter().filter(|operation| operation.kind == Kind::UploadSnapshot) {
        let ours = done(operation);
        match (ours, found.get(&operation.sequence)) {
            (Some(ours), Some(theirs)) if ours.snapshot != theirs.receipt.snapshot_id => {
                let twice = twice(operation, theirs, "this restore", ours.snapshot.as_ref());
                diagnostics.push(twice.with_help("leave this journal out"));
            }
            (None, None) if whole => {
                let Some(places) = places.get(&operation.member) else { continue };
                let source = &wanted.reading.places.source;
                let message = format!("the snapshot of `{}` was uploaded by none of the shards", operation.member);
                let label = source.label(places.snapshot.clone(), "not uploaded");
                let help = "run the shard that it belongs to again";
                diagnostics.push(Diagnostic::new(Code::UploadMissing, message, label).with_help(help));
            }
            _ => {}
        }
    }
    found.retain(|sequence, _| wanted.operations.get(*sequence).is_some_and(|operation| done(operation).is_none()));
    diagnostics.extend(gone(&found, wanted));
    if diagnostics.iter().any(|problem| problem.severity() == Severity::Error) {
        crate::diagnostic::sort(&mut diagnostics);
        return Err(diagnostics);
    }
    let events = found
        .into_iter()
        .map(|(operation, Found { from, receipt, .. })| Event::Adopted(Box::new(Adopted { operation, from, receipt })));
    Ok(events.collect())
}

/// The files of patterns, in order and each once: `*` in a file's name stands for anything.
fn files(patterns: &[String], diagnostics: &mut Vec<Diagnostic>) -> Vec<Utf8PathBuf> {
    let mut files = Vec::new();
    for pattern in patterns {
        let path = Utf8Path::new(pattern);
        let name = path.file_name().unwrap_or_default();
        let before = files.len();
        if path.is_file() {
            files.push(path.to_owned());
        } else if name.contains('*') {
            let entries = crate::plan::folder(path).read_dir_utf8().into_iter().flatten().flatten();
            let fits = entries.filter(|entry| matches(name, entry.file_name()) && entry.path().is_file());
            files.extend(fits.map(|entry| path.with_file_name(entry.file_name())));
        }
        if files.len() == before {
            let message = format!("no journal of uploads is at `{}`", pattern.escape_debug());
            let label = Source::new(pattern.as_str(), "").label(0..0, "named with `--with-uploads`");
            diagnostics.push(
                Diagnostic::new(Code::ShardMissing, message, label).with_help("fetch the journals of all shards first"),
            );
        }
    }
    files.sort();
    files.dedup();
    files
}

/// Whether a name is as a pattern says.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| matches(rest, &name[at..]))
        }),
    }
}

/// Checks a journal and takes its completed uploads.
fn read(
    file: &Utf8Path,
    wanted: &Wanted<'_>,
    found: &mut BTreeMap<Sequence, Found>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let text = match std::fs::read(file) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return diagnostics.extend(journal::check::bytes(file.as_str(), error.into_bytes())),
        },
        Err(error) => {
            let label = Source::new(file.as_str(), "").label(0..0, "");
            let diagnostic = Diagnostic::new(Code::Unreadable, format!("{file} cannot be read: {error}"), label);
            return diagnostics.push(diagnostic.with_help("mend its permissions"));
        }
    };
    let source = Source::new(file.as_str(), text);
    let problems = journal::check::journal(&source, &[]);
    let sound = problems.iter().all(|problem| problem.severity() == Severity::Warning);
    diagnostics.extend(problems);
    let (Ok(follower), true) = (Follower::new(file), sound) else { return };
    let (Ok(replay), Some(head)) = (follower.replay(), follower.head()) else { return };
    if replay.opened.digest != wanted.digest {
        let message = format!("{file} is of another plan: sha256:{}", replay.opened.digest);
        let label = source.label(journal::check::field(&source, 1, &["digest"]), "of another plan");
        let help = format!("leave it out: the plan is sha256:{}", wanted.digest);
        return diagnostics.push(Diagnostic::new(Code::ForeignShard, message, label).with_help(help));
    }
    let from = format!("{} sha256:{head}", file.file_name().unwrap_or_default());
    for (line, receipt, operation) in receipts(file, replay) {
        let label = |path: &[&str], message| source.label(journal::check::field(&source, line, path), message);
        let id = label(&["receipt", "snapshot-id"], "uploaded here");
        let theirs = Found { label: id, from: from.clone(), receipt };
        let same = |ours: &&Operation| replay.operations.get(operation) == Some(*ours);
        let Some(ours) = wanted.operations.get(operation).filter(same) else {
            let message = format!("operation {operation} of {file} is not that of this restore");
            let label = label(&["receipt", "target"], "of another target");
            let help = "leave it out: it was made for another network, or with other names of canisters";
            diagnostics.push(Diagnostic::new(Code::ForeignShard, message, label).with_help(help));
            continue;
        };
        match found.get(&operation) {
            Some(other) if other.receipt.snapshot_id == theirs.receipt.snapshot_id => {}
            Some(other) => {
                let (who, snapshot) = (other.label.source.name(), other.receipt.snapshot_id.as_ref());
                let twice = twice(ours, &theirs, who, snapshot).with_label(other.label.clone());
                diagnostics.push(twice.with_help("leave one of the two journals out"));
            }
            None => {
                found.insert(operation, theirs);
            }
        }
    }
}

/// The receipts that count of the uploads that a journal completed, each with its line.
fn receipts(file: &Utf8Path, replay: &Replay) -> Vec<(usize, Receipt, Sequence)> {
    let mut latest: BTreeMap<Sequence, (usize, Receipt)> = BTreeMap::new();
    // What was deleted of an upload has a receipt of its own, which is none of the upload.
    let mut clearing: BTreeMap<Sequence, bool> = BTreeMap::new();
    for (index, (_, event)) in journal::events(file).unwrap_or_default().into_iter().enumerate() {
        let (operation, receipt) = match event {
            Event::Claimed(claimed) => {
                clearing.insert(claimed.operation, claimed.aim != Aim::Do);
                continue;
            }
            Event::Finished(event) => (event.operation, event.receipt),
            Event::Settled(event) => (event.operation, event.receipt),
            Event::Adopted(event) => (event.operation, event.receipt),
            Event::Opened(_) | Event::Resumed(_) | Event::Released(_) | Event::Closed(_) => continue,
        };
        let upload = receipt.kind == Kind::UploadSnapshot && receipt.outcome == Outcome::Completed;
        if upload && clearing.get(&operation) != Some(&true) {
            latest.insert(operation, (index + 1, receipt));
        }
    }
    let completed = latest.into_iter().filter(|(operation, _)| replay.slot(*operation).is_completed());
    completed.map(|(operation, (line, receipt))| (line, receipt, operation)).collect()
}

fn twice(operation: &Operation, theirs: &Found, who: &str, other: Option<&SnapshotId>) -> Diagnostic {
    let id = |id: Option<&SnapshotId>| id.map_or("none".to_owned(), ToString::to_string);
    let message = format!(
        "the snapshot of `{}` was uploaded twice: {} here, and {} by {who}",
        operation.member,
        id(theirs.receipt.snapshot_id.as_ref()),
        id(other),
    );
    Diagnostic::new(Code::UploadTwice, message, theirs.label.clone())
}

/// What was uploaded and is not on its canister any more. Canisters that do not answer are left to preflight.
fn gone(found: &BTreeMap<Sequence, Found>, wanted: &Wanted<'_>) -> Vec<Diagnostic> {
    let found: Vec<(&Sequence, &Found)> = found.iter().collect();
    let gone = parallel::map(&found, wanted.plan.limits.other, |(sequence, theirs)| {
        let operation = wanted.operations.get(**sequence).filter(|_| !wanted.interrupt.is_set())?;
        let timeout = wanted.plan.timeouts.other;
        let Asked::Known(listed) = wanted.icp.snapshots(&operation.target, timeout, wanted.interrupt) else {
            return None;
        };
        let id = theirs.receipt.snapshot_id.as_ref()?;
        if listed.iter().any(|listed| listed.id == *id) {
            return None;
        }
        let message = format!("the snapshot {id} of `{}` is not on its canister", operation.member);
        let help = "somebody deleted it: run the shard anew with another `--journal`";
        Some(Diagnostic::new(Code::UploadGone, message, theirs.label.clone()).with_help(help))
    });
    gone.into_iter().flatten().collect()
}
