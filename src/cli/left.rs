//! What a restore leaves on chain: snapshots take up room and cost cycles for as long as they are there.

use serde::Serialize;

use super::terminal::printable;
use crate::{
    id::{Name, SnapshotId},
    journal::replay::Replay,
    operation::{Kind, Which},
    plan::Target,
    preflight::words::bytes,
    report::counted,
};

/// A snapshot that this restore made and that is still there, as far as its receipts say.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Remnant<'a> {
    member: &'a Name,
    target: &'a Target,
    what: What,
    snapshot_id: &'a SnapshotId,
    /// In bytes, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    /// Uploaded, and not cleaned up.
    Upload,
    /// Taken before a load; a rollback needs it.
    Safety,
    /// Left behind by an attempt that came to nothing.
    Orphan,
}

/// Everything that this restore made and did not delete.
pub(super) fn left_on_chain(replay: &Replay) -> Vec<Remnant<'_>> {
    let mut left = Vec::new();
    for (operation, slot) in replay.iter() {
        let what = match operation.kind {
            Kind::UploadSnapshot => What::Upload,
            Kind::TakeSnapshot => What::Safety,
            _ => continue,
        };
        let deleted = replay.operations.find(Kind::DeleteSnapshot, &operation.member).is_some_and(|delete| {
            delete.snapshot == Some(Which::MadeBy(operation.sequence)) && replay.slot(delete.sequence).is_completed()
        });
        let (member, target) = (&operation.member, &operation.target);
        let made = slot.done().filter(|_| !deleted);
        if let Some((snapshot_id, size)) = made.and_then(|done| Some((done.snapshot.as_ref()?, done.size))) {
            left.push(Remnant { member, target, what, snapshot_id, size });
        }
        let orphans = slot.orphans.iter();
        left.extend(orphans.map(|snapshot_id| Remnant { member, target, what: What::Orphan, snapshot_id, size: None }));
    }
    left
}

/// For people, one by one or in counts; nothing where nothing is left.
pub(super) fn text(left: &[Remnant<'_>], all: bool) -> String {
    if left.is_empty() {
        return String::new();
    }
    let known: u64 = left.iter().filter_map(|remnant| remnant.size).sum();
    let mut text = format!("left on chain, {} in all as far as known:\n", bytes(known));
    if !all {
        for what in [What::Upload, What::Safety, What::Orphan] {
            let count = left.iter().filter(|remnant| remnant.what == what).count();
            let counted = match what {
                What::Safety => counted(count, what.as_str()),
                What::Upload | What::Orphan => format!("{count} {}", what.as_str()),
            };
            if count > 0 {
                text += &format!("       {counted}\n");
            }
        }
        return text;
    }
    for Remnant { member, target, what, snapshot_id, size } in left {
        let size = size.map_or_else(|| "size unknown".to_owned(), bytes);
        let what = what.as_str();
        text += &printable(&format!("  {snapshot_id}  on {target} ({member}): {what}, {size}"));
        text.push('\n');
    }
    text
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "uploaded",
            Self::Safety => "safety snapshot",
            Self::Orphan => "left behind",
        }
    }
}
