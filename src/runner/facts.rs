//! What a worker is given of the journal when it begins, so that it needs it no more.

use camino::Utf8PathBuf;
use jiff::Timestamp;

use crate::{
    icp::status,
    id::{Digest, SnapshotId},
    journal::{
        self, Journal,
        event::Before,
        replay::{Flight, State},
    },
    operation::{Kind, Operation, Sequence},
    plan::{Final, Member, Plan, Snapshot},
};

/// What the journal knows that an operation needs.
pub(super) struct Facts {
    /// Attempts so far.
    pub(super) attempts: u32,
    /// Before the latest attempt.
    pub(super) before: Option<Before>,
    pub(super) flight: Option<Flight>,
    /// What earlier attempts left behind.
    pub(super) orphans: Vec<SnapshotId>,
    /// Whether an earlier attempt may have had its effect.
    pub(super) touched: bool,
    /// Since when nothing more was sent of what was never answered, and would undo this.
    pub(super) unanswered: Option<Timestamp>,
    /// Before this restore stopped the canister.
    pub(super) stopped: Option<Before>,
    pub(super) snapshot: Option<SnapshotId>,
    /// What is known of each member of the fleet, or of this one alone.
    pub(super) expected: Vec<Expected>,
    /// The operation that stopped the canister, its attempts so far, and how often somebody undid it in this run.
    pub(super) stop: Option<Sequence>,
    pub(super) stops: u32,
    pub(super) drifts: u32,
    /// Whether the latest attempt may have gone on with an upload of an earlier one.
    pub(super) pieced: bool,
    /// Where outputs and staging lie.
    pub(super) folder: Utf8PathBuf,
}

/// What a member must be in the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) code: Option<Digest>,
    pub(super) running: bool,
}

impl Facts {
    pub(super) fn gather(
        plan: &Plan,
        member: &Member,
        journal: &Journal,
        operation: &Operation,
    ) -> Result<Self, journal::Error> {
        let (replay, now) = (journal.replay(), Timestamp::now());
        let slot = replay.slot(operation.sequence);
        let of =
            |kind, member: &Member| replay.operations.find(kind, &member.name).map(|found| replay.slot(found.sequence));
        let expected = |member: &Member| {
            let code = match &member.snapshot {
                Snapshot::Artifact { .. } => of(Kind::UploadSnapshot, member).and_then(|slot| slot.done()?.module_hash),
                Snapshot::OnChain { module_hash, .. } => *module_hash,
            };
            // Where nothing is stated of the code, it must at least stay what the load made it.
            let code = code.or_else(|| of(Kind::LoadSnapshot, member)?.done()?.module_hash);
            let before = of(Kind::StopCanister, member).and_then(|slot| slot.before.as_ref()?.status);
            let running = match member.r#final {
                Final::Running => true,
                Final::Stopped => false,
                Final::AsBefore => before.is_none_or(|before| before == status::State::Running),
            };
            Expected { code, running }
        };
        let (stop, load) = (of(Kind::StopCanister, member), of(Kind::LoadSnapshot, member));
        Ok(Self {
            attempts: slot.attempts,
            before: slot.before.as_deref().cloned(),
            flight: match &slot.state {
                State::Claimed(flight) | State::Unknown(flight, _) => Some(flight.clone()),
                State::Fresh | State::Completed(_) | State::Failed(_) => None,
            },
            orphans: slot.orphans.clone(),
            touched: slot.may_be_applied(),
            unanswered: match operation.kind {
                // To be made twice does a load no harm.
                Kind::LoadSnapshot => stop.and_then(|stop| stop.unanswered_back(now)),
                _ => stop.into_iter().chain(load).filter_map(|slot| slot.unanswered(now)).max(),
            },
            stopped: stop.and_then(|stop| stop.before.as_deref().cloned()),
            snapshot: replay.snapshot(operation).cloned(),
            expected: match operation.kind {
                Kind::VerifyFleet => plan.members.iter().map(expected).collect(),
                _ => vec![expected(member)],
            },
            stop: replay.operations.find(Kind::StopCanister, &operation.member).map(|stop| stop.sequence),
            stops: stop.map_or(0, |stop| stop.attempts),
            drifts: stop.map_or(0, |stop| stop.drifts),
            pieced: slot.attempts > 1,
            folder: journal.folder()?,
        })
    }
}
