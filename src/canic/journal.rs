//! The journal of a restore that the ancestor began, `restore-apply-journal.json`, version 1.
//!
//! The passes: JSON text → [`Journal`] as it is written (`written`) → what is wrong with its header and operations
//! (`rules`), its counts (`counts`) and its receipts (`receipts`, `terminal`). Each pass finds all that is wrong. Texts
//! stay texts here: the ancestor asks no more of a canister's id than that it is not empty.

mod counts;
mod receipts;
mod rules;
mod terminal;
mod written;

use std::{collections::HashSet, ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Reading, Spanned, reader::Reader};
use crate::diagnostic::{Code, Diagnostic, Source};

/// The name of the file in a backup's folder, unless the user gave another.
pub const FILE_NAME: &str = "restore-apply-journal.json";

/// A journal that the ancestor would accept.
#[derive(Debug)]
pub struct Journal {
    /// The version of the format: 1.
    pub version: Spanned<u16>,
    /// The backup that is restored.
    pub backup_id: Spanned<String>,
    /// Whether the ancestor would run it.
    pub ready: Spanned<bool>,
    /// Why not.
    pub blocked_reasons: Spanned<Vec<Spanned<String>>>,
    /// The folder that artifact paths are relative to, as the ancestor was given it.
    pub backup_root: Spanned<Option<String>>,
    /// In the order of the file, which need not be that of their sequence numbers.
    pub operations: Spanned<Vec<Operation>>,
    /// Of each attempt that came to an end.
    pub receipts: Spanned<Vec<Receipt>>,
    counts: Counts,
}

/// The counts as the file states them.
#[derive(Debug)]
struct Counts {
    operations: Spanned<usize>,
    kinds: [Spanned<usize>; 7],
    states: [Spanned<usize>; 5],
}

/// A step of the restore. What it leaves out has the place of a null, of a key that may be a slip, or of its first byte.
#[derive(Debug)]
pub struct Operation {
    /// Its number: from 0 without a gap.
    pub sequence: Spanned<usize>,
    /// What it does.
    pub kind: Spanned<Kind>,
    /// Where it stands.
    pub state: Spanned<State>,
    /// When it came to stand there, mostly `unix:SECONDS`; any text.
    pub updated_at: Spanned<Option<String>>,
    /// Why it is blocked or failed.
    pub reasons: Spanned<Vec<Spanned<String>>>,
    /// The place of its member in restore order.
    pub member_order: usize,
    /// The canister that the snapshot came from.
    pub source: Spanned<String>,
    /// The canister that it acts on.
    pub target: Spanned<String>,
    /// What the canister is in the fleet; `fleet` for checks of the whole.
    pub role: Spanned<String>,
    /// The id of the snapshot on its source: no id to load.
    pub snapshot_id: Spanned<Option<String>>,
    /// Relative to the folder of the backup.
    pub artifact: Spanned<Option<String>>,
    /// What is verified: always `status`.
    pub verification: Spanned<Option<String>>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Stops the target.
    StopCanister,
    /// Starts the target.
    StartCanister,
    /// Uploads an artifact to the target.
    UploadSnapshot,
    /// Loads what was uploaded.
    LoadSnapshot,
    /// Asks for the status of a member.
    VerifyMember,
    /// Asks for the status of the fleet's root.
    VerifyFleet,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Begun; nobody knows how it ended.
    Pending,
    /// Not begun.
    Ready,
    /// Not to be begun.
    Blocked,
    /// Done.
    Completed,
    /// Tried without success.
    Failed,
}

/// What became of one attempt at an operation.
#[derive(Debug)]
pub struct Receipt {
    /// Its first byte, which stands for the whole.
    pub place: Range<usize>,
    /// The number of its operation.
    pub sequence: Spanned<usize>,
    /// What the operation did.
    pub kind: Spanned<Kind>,
    /// How it ended.
    pub outcome: Spanned<Outcome>,
    /// The operation's source.
    pub source: Spanned<String>,
    /// The operation's target.
    pub target: Spanned<String>,
    /// Which attempt at the operation it was; the ancestor counts from 1.
    pub attempt: Spanned<usize>,
    /// When it ended: the operation's time, to the letter.
    pub updated_at: Spanned<Option<String>>,
    /// What was run.
    pub command: Spanned<Option<Command>>,
    /// The exit status, as text.
    pub status: Spanned<Option<String>>,
    /// What the command said.
    pub stdout: Spanned<Option<Output>>,
    /// What the command said of errors.
    pub stderr: Spanned<Option<Output>>,
    /// Why it failed.
    pub failure_reason: Spanned<Option<String>>,
    /// The id of the snapshot on its source.
    pub source_snapshot_id: Spanned<Option<String>>,
    /// The operation's artifact.
    pub artifact: Spanned<Option<String>>,
    /// The id that the upload got on the target: what is to be loaded.
    pub uploaded_snapshot_id: Spanned<Option<String>>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With success. What a receipt without an outcome means.
    CommandCompleted,
    /// Without.
    CommandFailed,
}

/// The command of an attempt.
#[derive(Debug)]
pub struct Command {
    /// The program.
    pub program: Spanned<String>,
    /// Its arguments.
    pub args: Spanned<Vec<Spanned<String>>>,
    /// Whether it changes the target.
    pub mutates: bool,
    /// Whether the target must be stopped first.
    pub requires_stopped: bool,
    /// What it was for.
    pub note: Spanned<String>,
}

/// The end of what a command said.
#[derive(Debug)]
pub struct Output {
    /// The last 64 KiB at most.
    pub text: String,
    /// Whether something before it is left out.
    pub truncated: bool,
    /// The size of the whole, in bytes.
    pub original_bytes: usize,
}

/// Reads a journal.
///
/// # Errors
/// All that is wrong with it.
pub fn read(source: &Arc<Source>) -> Reading<Journal> {
    let (journal, mut notes) = Reader::read(source, &written::FORM, written::journal)?;
    notes.extend(rules::check(source, &journal));
    let index = receipts::Index::of(&journal);
    notes.extend(counts::check(source, &journal, &index));
    notes.extend(receipts::check(source, &journal, &index));
    notes.extend(terminal::check(source, &journal, &index));
    super::fold(&mut notes);
    fold(&journal, &mut notes);
    if notes.iter().all(super::is_warning) { Ok((journal, notes)) } else { Err(notes) }
}

/// What puts the counts wrong is one problem: whatever else points at it follows from it, and the counts follow from an
/// operation that is missing. Where operations have wrong numbers, so seems all that goes by them.
fn fold(journal: &Journal, notes: &mut Vec<Diagnostic>) {
    let wrong_numbers = notes.iter().any(|note| note.code == Code::CanicSequence);
    let is_missing = |note: &Diagnostic| note.code == Code::CanicSequence && note.labels.len() == 1;
    let lost = notes.iter().any(is_missing).then_some(journal.operations.span.start);
    let slips = notes.iter().filter(|note| note.code == Code::CanicCount);
    let slips: HashSet<_> = slips.map(|note| note.labels[0].span.clone()).collect();
    let by_number = [
        Code::CanicReceiptOrphan,
        Code::CanicReceiptAttempt,
        Code::CanicReceiptMismatch,
        Code::CanicReceiptMissing,
        Code::CanicReceiptStale,
        Code::CanicOrder,
    ];
    notes.retain(|note| match note.code {
        Code::CanicCount => Some(note.labels[0].span.start) != lost,
        code if wrong_numbers && by_number.contains(&code) => false,
        _ => !note.labels.iter().any(|label| slips.contains(&label.span)),
    });
}

impl Journal {
    /// The latest receipt of an operation, by the number of the attempt.
    pub fn latest_receipt(&self, sequence: usize) -> Option<&Receipt> {
        let receipts = self.receipts.value.iter();
        receipts.filter(|receipt| receipt.sequence.value == sequence).max_by_key(|receipt| receipt.attempt.value)
    }

    /// The operation that everything waits for: the first that is ready, pending or failed.
    pub fn next(&self) -> Option<&Operation> {
        let open = |o: &&Operation| !matches!(o.state.value, State::Completed | State::Blocked);
        let operations = self.operations.value.iter();
        operations.filter(open).min_by_key(|o| o.sequence.value)
    }

    /// The completed upload that a load operation builds on, latest attempt first; its receipt has the id to load.
    ///
    /// The ancestor takes the first such receipt of the file, which may be of an upload that was superseded.
    pub fn upload_of(&self, load: &Operation) -> Option<&Receipt> {
        let completed = |sequence| {
            self.operations.value.iter().any(|operation| {
                operation.sequence.value == sequence
                    && operation.kind.value == Kind::UploadSnapshot
                    && operation.state.value == State::Completed
            })
        };
        let receipts = self.receipts.value.iter().filter(|receipt| {
            receipt.kind.value == Kind::UploadSnapshot
                && receipt.outcome.value == Outcome::CommandCompleted
                && load.kind.value == Kind::LoadSnapshot
                && receipt.source.value == load.source.value
                && receipt.target.value == load.target.value
                && receipt.source_snapshot_id.value == load.snapshot_id.value
                && receipt.artifact.value == load.artifact.value
                && completed(receipt.sequence.value)
        });
        receipts.max_by_key(|receipt| (receipt.sequence.value, receipt.attempt.value))
    }
}

impl State {
    /// How an attempt must have ended for an operation to stand here; nothing, where none need have.
    fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Completed => Some(Outcome::CommandCompleted),
            Self::Failed => Some(Outcome::CommandFailed),
            Self::Pending | Self::Ready | Self::Blocked => None,
        }
    }

    /// The state as the file names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl Kind {
    /// The kind as the file names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StopCanister => "stop-canister",
            Self::StartCanister => "start-canister",
            Self::UploadSnapshot => "upload-snapshot",
            Self::LoadSnapshot => "load-snapshot",
            Self::VerifyMember => "verify-member",
            Self::VerifyFleet => "verify-fleet",
        }
    }
}
