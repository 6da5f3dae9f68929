//! The command that goes on with a journal, as far as the journal and what lies beside it tell.

use camino::{Utf8Path, Utf8PathBuf};

use super::{how::How, rollback, session, shards::Partition};
use crate::{journal::event::Opened, operation::Sequence, plan, simulate::Fleet};

/// What stands for a plan that does not lie beside its journal under its name.
const UNKNOWN: &str = "PLAN";

/// When a person's word is wanted.
pub(super) const RESOLVE: &str = "or say what you know, as completed, failed or ready";

/// The command that goes on with a journal.
pub(super) fn again(journal: &Utf8Path, opened: &Opened) -> String {
    if let Some(restore) = rollback::restore_of(journal).filter(|_| opened.parent.is_some()) {
        return back(&restore);
    }
    let beside = journal.with_file_name(format!("{}.toml", opened.plan));
    let known = beside.is_file();
    let plan = if known { beside.as_str() } else { UNKNOWN };
    if stand_in(journal).is_some() {
        return session::ours(["rehearse", plan, "--keep", plan::folder(journal).as_str()]);
    }
    let only: Vec<String> = opened.only.iter().map(ToString::to_string).collect();
    let usual = How { partition: Partition::of(journal), ..How::default() };
    let own = known && usual.shard(session::journal_path(&beside, &opened.plan, &only)) == journal;
    let how = How { journal: (!own).then(|| journal.to_owned()), ..usual }.again();
    let only = only.iter().flat_map(|member| ["--only", member]);
    session::ours(["run", plan].into_iter().chain(only).chain(how.iter().map(String::as_str)))
}

/// The command that takes a restore back.
pub(super) fn back(journal: &Utf8Path) -> String {
    let icp = stand_in(journal);
    let with = icp.iter().flat_map(|icp| ["--icp", icp.as_str()]);
    session::ours(["rollback", journal.as_str()].into_iter().chain(with))
}

/// The command that says what became of an operation; `ready` is what may be said of any.
pub(super) fn resolve(journal: &Utf8Path, operation: Sequence) -> String {
    let operation = operation.to_string();
    session::ours(["resolve", journal.as_str(), &operation, "--as", "ready", "--because", "how you know"])
}

/// The stand-in for icp, beside the journal of a rehearsal. What was rehearsed must never be gone on with over a network,
/// whose canisters may be of the same plan.
fn stand_in(journal: &Utf8Path) -> Option<Utf8PathBuf> {
    let folder = plan::folder(journal);
    Some(folder.join("icp")).filter(|icp| icp.exists() && Fleet::open(folder).is_ok())
}
