//! A plan → what a reviewer is to know before saying yes: how much it touches, what it risks, what it may cost, and what
//! changed since another plan. Pure, but for the sizes of artifacts, which the caller looks up.

pub mod change;
mod estimate;
pub mod markdown;
mod waves;

use serde::Serialize;

use crate::{
    operation::{Kind, Operations},
    plan::{AmbiguousLoad, Plan},
};

pub use change::{Change, Changes, changes};
pub use estimate::{Estimate, sizes};
pub use waves::{Wave, waves};

/// How much a plan touches, and how carefully.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Risk {
    /// Canisters that are stopped.
    pub stopped: usize,
    /// Canisters whose state is replaced by a snapshot of their own.
    pub in_place: usize,
    /// Canisters that get the snapshot of another one.
    pub relocated: usize,
    /// Canisters that are loaded without a safety snapshot: there is no way back.
    pub without_safety: usize,
    /// Canisters whose code is not verified after the load.
    pub without_proof: usize,
    /// Canisters that stay stopped.
    pub left_stopped: usize,
    /// Snapshots that are deleted in the end.
    pub deleted: usize,
    /// Whether a load whose outcome is unknown is made again without asking.
    pub reloads: bool,
}

impl Risk {
    /// Of a plan and its operations.
    pub fn of(plan: &Plan, operations: &Operations) -> Self {
        let count = |kind| operations.iter().filter(|operation| operation.kind == kind).count();
        let (loads, takes) = (count(Kind::LoadSnapshot), count(Kind::TakeSnapshot));
        let relocated = plan.members.iter().filter(|member| member.is_relocated()).count();
        Self {
            stopped: count(Kind::StopCanister),
            in_place: loads.saturating_sub(relocated),
            relocated,
            without_safety: loads.saturating_sub(takes),
            without_proof: plan.members.iter().filter(|member| !member.verify.module_hash).count(),
            left_stopped: loads.saturating_sub(count(Kind::StartCanister)),
            deleted: count(Kind::DeleteSnapshot),
            reloads: plan.safety.ambiguous_load == AmbiguousLoad::Reload,
        }
    }
}
