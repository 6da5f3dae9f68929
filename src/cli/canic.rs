//! What the verbs do with the ancestor's files.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use super::{Exit, Failure, init::LARGEST, input, terminal::printable};
use crate::{
    canic::{
        Kind, journal, lock, manifest, mapping, plan,
        status::{Outcome, Status, Step},
    },
    diagnostic::{Code, Diagnostic, Source},
};

/// All that is wrong with a file of the ancestor's; nothing where it is none. `others` are the files that were named
/// with it: a mapping looks for its manifest among them.
pub(super) fn check(file: &Utf8Path, others: &[Utf8PathBuf]) -> Option<Vec<Diagnostic>> {
    // Plans are read as such.
    if file.extension() == Some("toml") {
        return None;
    }
    let source = text(file)?;
    Some(match Kind::of(source.text())? {
        Kind::Manifest => match manifest::read(&source) {
            Ok((manifest, mut warnings)) => {
                warnings.extend(plan::order(&manifest).err().unwrap_or_default());
                warnings
            }
            Err(diagnostics) => diagnostics,
        },
        Kind::Mapping => check_mapping(&source, file, others),
        Kind::Journal => match journal::read(&source) {
            Ok((_, diagnostics)) | Err(diagnostics) => diagnostics,
        },
    })
}

/// A mapping says something only of the members of its manifest.
fn check_mapping(source: &Arc<Source>, file: &Utf8Path, others: &[Utf8PathBuf]) -> Vec<Diagnostic> {
    let beside = file.with_file_name(manifest::FILE_NAME);
    let named = others.iter().filter(|other| other.as_path() != file);
    let manifest = named.chain([&beside]).filter_map(|other| {
        let source = text(other)?;
        (Kind::of(source.text()) == Some(Kind::Manifest)).then_some(source)
    });
    let alone = |message: &str, help: String| {
        vec![Diagnostic::new(Code::MappingAlone, message, source.label(0..0, "")).with_help(help)]
    };
    let Some(found) = { manifest }.next() else {
        let help = format!("name both: icp-restore check {} {file}", manifest::FILE_NAME);
        return alone("this is a mapping, and its manifest is neither named nor beside it", help);
    };
    match manifest::read(&found) {
        Ok((manifest, _)) => match mapping::read(source, &manifest) {
            Ok((_, diagnostics)) | Err(diagnostics) => diagnostics,
        },
        Err(_) => {
            let help = format!("mend {} first", found.name());
            alone("the manifest of this mapping is not valid, so the mapping cannot be checked", help)
        }
    }
}

/// The text of a file that may be one of the ancestor's; a journal of ours is told by its first bytes, however large.
fn text(file: &Utf8Path) -> Option<Arc<Source>> {
    if input::begin(file, 5)? == b"{\"v\":" {
        return None;
    }
    input::read(file, LARGEST).ok()
}

/// Where a restore of the ancestor's stands.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    canic: bool,
    #[serde(flatten)]
    status: Status,
    lock: Option<Locked>,
}

#[derive(Debug, Serialize)]
struct Locked {
    path: Utf8PathBuf,
    pid: Option<i32>,
    alive: Option<bool>,
}

impl Report {
    /// Whether all is done.
    pub(super) fn is_complete(&self) -> bool {
        self.status.complete
    }

    /// Whether a person is needed.
    pub(super) fn needs_attention(&self) -> bool {
        self.status.attention_required
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let status = &self.status;
        let mut text = format!("backup {}, a restore of canic: {}\n", status.backup_id, word(status.outcome));
        text += &match &self.lock {
            Some(Locked { path, pid: Some(pid), alive: Some(true) }) => {
                format!("locked by process {pid}, which is there: {path}\n")
            }
            Some(Locked { path, pid: Some(pid), .. }) => {
                format!("the lock of process {pid} was left behind, and no process here has that number: {path}\n")
            }
            Some(Locked { path, .. }) => format!("locked, and the lock does not say by whom: {path}\n"),
            None => "not locked\n".to_owned(),
        };
        text += &format!(
            "{} of {} operations completed; {} pending, {} ready, {} blocked, {} failed\n",
            status.completed_operations,
            status.operation_count,
            status.pending_operations,
            status.ready_operations,
            status.blocked_operations,
            status.failed_operations,
        );
        for reason in &status.blocked_reasons {
            text += &format!("blocked: {reason}\n");
        }
        let mut steps = Vec::new();
        steps.extend(status.failed.iter().chain(&status.pending).chain(&status.blocked));
        let listed = |step: &Step| steps.iter().any(|other| other.sequence == step.sequence);
        for step in &steps {
            text += &line(step);
        }
        if let Some(next) = status.next_transition.as_ref().filter(|next| !listed(next)) {
            text += &format!("next:\n{}", line(next));
        }
        printable(&text)
    }

    /// For machines.
    pub(super) fn json(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// For a pull request or the summary of a job.
    pub(super) fn markdown(&self) -> String {
        let status = &self.status;
        let cell = |text: &str| printable(text).replace(['\n', '|', '`', '<'], " ");
        let mut text = format!(
            "### canic: {} of {} operations of {} completed, {}\n\n| operation | state | canister | reasons |\n|---|---|---|---|\n",
            status.completed_operations,
            status.operation_count,
            cell(&status.backup_id),
            word(status.outcome),
        );
        for step in status.failed.iter().chain(&status.pending).chain(&status.blocked) {
            text += &format!(
                "| {} {} | {} | {} | {} |\n",
                step.sequence,
                step.operation.as_str(),
                step.state.as_str(),
                cell(&step.target_canister),
                cell(&step.reasons.join("; ")),
            );
        }
        text
    }
}

/// The status of a journal of the ancestor's; nothing where the file is none.
pub(super) fn status(file: &Utf8Path) -> Result<Option<Report>, Failure> {
    let Some(source) = text(file).filter(|source| Kind::of(source.text()) == Some(Kind::Journal)) else {
        return Ok(None);
    };
    let (journal, _) = journal::read(&source)?;
    let lock = lock::read(file).map_err(|error| Failure::new(Exit::Internal, error.to_string()))?;
    let lock = lock.map(|lock| {
        let (pid, alive) = match lock.holder {
            lock::Holder::Alive(pid) => (Some(pid), Some(true)),
            lock::Holder::Gone(pid) => (Some(pid), Some(false)),
            lock::Holder::Unknown => (None, None),
        };
        Locked { path: lock.path, pid, alive }
    });
    Ok(Some(Report { version: 1, canic: true, status: Status::of(&journal), lock }))
}

fn line(step: &Step) -> String {
    let reasons = if step.reasons.is_empty() { String::new() } else { format!("  {}", step.reasons.join("; ")) };
    format!(
        "{:>5}  {:<15}  {}  {}  {}{reasons}\n",
        step.sequence,
        step.operation.as_str(),
        step.role,
        step.target_canister,
        step.state.as_str(),
    )
}

/// The ancestor's word.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Empty => "empty",
        Outcome::Complete => "complete",
        Outcome::Failed => "failed",
        Outcome::Blocked => "blocked",
        Outcome::Pending => "pending",
        Outcome::InProgress => "in-progress",
    }
}
