//! What a restore may cost, roughly, with what that is reckoned from.

use camino::Utf8Path;
use jiff::SignedDuration;
use serde::Serialize;

use crate::{
    artifact,
    operation::{Kind, Operations},
    plan::{Plan, Snapshot},
    report::spoken,
};

/// What an uploaded byte costs its target on a subnet of 13 nodes, in cycles (cycles account manager of the replica).
const CYCLES: u128 = 2_000;

/// What an update call and its answer take on the network, in seconds: a few rounds of consensus. Assumed.
const CALL: u64 = 5;

/// What a restore may cost.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Estimate {
    /// Bytes to upload, as far as artifacts are there.
    pub bytes: u64,
    /// Artifacts that are not there, and so are not counted.
    pub unseen: usize,
    /// Cycles that the targets pay for that.
    pub cycles: u128,
    /// Seconds between the first stop and the last start, without the time that canisters take to finish their calls.
    pub downtime: u64,
}

/// Bytes of the artifacts of a plan, by member, in order; nothing where one is not there or none is needed.
pub fn sizes(plan: &Plan, folder: &Utf8Path) -> Vec<Option<u64>> {
    let root = folder.join(&plan.backup.root);
    let size = |path: &Utf8Path| {
        let path = artifact::find(&root, path).ok()?;
        let data = path.metadata().ok()?;
        if data.is_file() {
            return Some(data.len());
        }
        let files = walk(&path, 0);
        (files > 0).then_some(files)
    };
    let sizes = plan.members.iter().map(|member| match &member.snapshot {
        Snapshot::Artifact { path, .. } => size(path),
        Snapshot::OnChain { .. } => None,
    });
    sizes.collect()
}

fn walk(folder: &Utf8Path, depth: u32) -> u64 {
    let entries = folder.read_dir_utf8().into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_file() => data.len(),
        Ok(data) if data.is_dir() && depth < 8 => walk(entry.path(), depth + 1),
        _ => 0,
    });
    sizes.sum()
}

impl Estimate {
    /// Of a plan, its operations and the sizes of its artifacts.
    pub fn of(plan: &Plan, operations: &Operations, sizes: &[Option<u64>]) -> Self {
        let bytes: u64 = sizes.iter().flatten().sum();
        let artifacts =
            plan.members.iter().filter(|member| matches!(member.snapshot, Snapshot::Artifact { .. })).count();
        let cycles = u128::from(bytes).saturating_mul(CYCLES).saturating_mul(u128::from(plan.caller.subnet_nodes)) / 13;
        let other = u64::from(plan.limits.other.max(1));
        let closed = |kind| !matches!(kind, Kind::UploadSnapshot | Kind::DeleteSnapshot | Kind::VerifyFleet);
        // In each wave as many go at once as the limit allows.
        let rounds: u64 = super::waves(operations)
            .iter()
            .filter(|wave| closed(wave.kind))
            .map(|wave| u64::try_from(wave.members.len()).unwrap_or(u64::MAX).div_ceil(other))
            .sum();
        Self { bytes, unseen: artifacts - sizes.iter().flatten().count(), cycles, downtime: rounds * CALL }
    }

    /// The time that canisters are stopped, as people say it.
    pub fn spoken_downtime(&self) -> String {
        spoken(SignedDuration::from_secs(i64::try_from(self.downtime).unwrap_or(i64::MAX)))
    }
}
