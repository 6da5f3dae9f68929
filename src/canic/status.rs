//! Where a restore that the ancestor began stands, in the ancestor's words and by its rules.

use serde::Serialize;

use super::journal::{Journal, Kind, Operation, State};

/// Where a restore stands. Serialised, it has the ancestor's keys where the ancestor has one for the thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The backup that is restored.
    pub backup_id: String,
    /// All in one word.
    pub outcome: Outcome,
    /// Whether somebody has to do something: the outcome is failed, blocked or pending.
    pub attention_required: bool,
    /// Whether the ancestor would run the journal at all.
    pub ready: bool,
    /// Whether everything is done.
    pub complete: bool,
    /// Why the journal is not ready.
    pub blocked_reasons: Vec<String>,
    /// How many operations there are in all.
    pub operation_count: usize,
    /// How many of each kind.
    pub operation_counts: Kinds,
    /// How far it is.
    pub progress: Progress,
    /// Operations that are begun; nobody knows how they ended.
    pub pending_operations: usize,
    /// Operations that are not begun.
    pub ready_operations: usize,
    /// Operations that may not begin.
    pub blocked_operations: usize,
    /// Operations that are done.
    pub completed_operations: usize,
    /// Operations that failed.
    pub failed_operations: usize,
    /// What the ancestor would have its user do.
    pub next_action: NextAction,
    /// The operation that everything waits for.
    pub next_transition: Option<Step>,
    /// The pending operations.
    pub pending: Vec<Step>,
    /// The failed operations.
    pub failed: Vec<Step>,
    /// The blocked operations.
    pub blocked: Vec<Step>,
}

/// A journal in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// There is nothing to do.
    Empty,
    /// Everything is done.
    Complete,
    /// An operation failed.
    Failed,
    /// The journal or an operation may not begin.
    Blocked,
    /// An operation was begun, and nobody knows how it ended.
    Pending,
    /// It can go on.
    InProgress,
}

/// What the ancestor recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextAction {
    /// Nothing.
    Done,
    /// Take away what blocks.
    FixBlockedJournal,
    /// Try the failed operation again.
    RetryFailed,
    /// Go on.
    Rerun,
    /// Release the pending operation; here, it is settled instead.
    UnclaimPending,
}

/// How many operations of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each name says all")]
pub struct Kinds {
    pub canister_stops: usize,
    pub canister_starts: usize,
    pub snapshot_uploads: usize,
    pub snapshot_loads: usize,
    pub member_verifications: usize,
    pub fleet_verifications: usize,
    pub verification_operations: usize,
}

/// How far a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// All operations.
    pub operation_count: usize,
    /// Those that are done.
    pub completed_operations: usize,
    /// Those that are not.
    pub remaining_operations: usize,
    /// Those that are ready or pending.
    pub transitionable_operations: usize,
    /// Those that are pending, blocked or failed.
    pub attention_operations: usize,
    /// What is done of all, in hundredths of a per cent, rounded down.
    pub completion_basis_points: usize,
}

/// An operation in a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its number, from 0.
    pub sequence: usize,
    /// What it does.
    pub operation: Kind,
    /// Where it stands.
    pub state: State,
    /// The place of its member in restore order.
    pub member_order: usize,
    /// What the canister is in the fleet.
    pub role: String,
    /// The canister that the snapshot came from.
    pub source_canister: String,
    /// The canister that it acts on.
    pub target_canister: String,
    /// When it came to stand there, mostly `unix:SECONDS`.
    pub state_updated_at: Option<String>,
    /// Why it is blocked or failed.
    pub reasons: Vec<String>,
}

impl Status {
    /// The status of a journal.
    pub fn of(journal: &Journal) -> Self {
        let operations = &journal.operations.value;
        let total = operations.len();
        let count = |state| operations.iter().filter(|o| o.state.value == state).count();
        let kind = |kind| operations.iter().filter(|o| o.kind.value == kind).count();
        let steps = |state| {
            let those = operations.iter().filter(|o| o.state.value == state);
            those.map(Step::of).collect::<Vec<_>>()
        };
        let [pending, ready, blocked, completed, failed] =
            [State::Pending, State::Ready, State::Blocked, State::Completed, State::Failed].map(count);
        let complete = total > 0 && completed == total;
        let stuck = !journal.ready.value || blocked > 0;
        let outcome = match () {
            () if total == 0 => Outcome::Empty,
            () if complete => Outcome::Complete,
            () if failed > 0 => Outcome::Failed,
            () if stuck => Outcome::Blocked,
            () if pending > 0 => Outcome::Pending,
            () => Outcome::InProgress,
        };
        // Not the order of the outcomes: what is pending goes before what is blocked.
        let next_action = match () {
            () if complete => NextAction::Done,
            () if failed > 0 => NextAction::RetryFailed,
            () if pending > 0 => NextAction::UnclaimPending,
            () if stuck => NextAction::FixBlockedJournal,
            () => NextAction::Rerun,
        };
        let members = kind(Kind::VerifyMember);
        let fleet = kind(Kind::VerifyFleet);
        let reasons = journal.blocked_reasons.value.iter();
        Self {
            backup_id: journal.backup_id.value.clone(),
            outcome,
            attention_required: matches!(outcome, Outcome::Failed | Outcome::Blocked | Outcome::Pending),
            ready: journal.ready.value,
            complete,
            blocked_reasons: reasons.map(|reason| reason.value.clone()).collect(),
            operation_count: total,
            operation_counts: Kinds {
                canister_stops: kind(Kind::StopCanister),
                canister_starts: kind(Kind::StartCanister),
                snapshot_uploads: kind(Kind::UploadSnapshot),
                snapshot_loads: kind(Kind::LoadSnapshot),
                member_verifications: members,
                fleet_verifications: fleet,
                verification_operations: members + fleet,
            },
            progress: Progress {
                operation_count: total,
                completed_operations: completed,
                remaining_operations: total - completed,
                transitionable_operations: ready + pending,
                attention_operations: pending + blocked + failed,
                completion_basis_points: (completed * 10_000).checked_div(total).unwrap_or(0),
            },
            pending_operations: pending,
            ready_operations: ready,
            blocked_operations: blocked,
            completed_operations: completed,
            failed_operations: failed,
            next_action,
            next_transition: journal.next().map(Step::of),
            pending: steps(State::Pending),
            failed: steps(State::Failed),
            blocked: steps(State::Blocked),
        }
    }
}

impl Step {
    fn of(operation: &Operation) -> Self {
        let reasons = operation.reasons.value.iter();
        Self {
            sequence: operation.sequence.value,
            operation: operation.kind.value,
            state: operation.state.value,
            member_order: operation.member_order,
            role: operation.role.value.clone(),
            source_canister: operation.source.value.clone(),
            target_canister: operation.target.value.clone(),
            state_updated_at: operation.updated_at.value.clone(),
            reasons: reasons.map(|reason| reason.value.clone()).collect(),
        }
    }
}
