//! When canisters were closed.
//!
//! A canister refuses calls from some time after the claim of its stop until some time before the proof of its start.
//! What is told is the whole of that: never less than in truth.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    icp::status::State,
    id::Name,
    journal::event::{Aim, Event, Outcome, Receipt, Why},
    operation::{Kind, Operation, Operations, Sequence},
};

/// A time in which a canister was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Closure {
    /// From when.
    pub from: Timestamp,
    /// To when: as long as it goes on, to the last event.
    pub to: Timestamp,
    /// Whether it goes on.
    pub open: bool,
}

/// How a member was closed.
#[derive(Debug, Default)]
pub(super) struct Closed {
    pub(super) closures: Vec<Closure>,
    pub(super) was_stopped: bool,
    /// A stop was claimed, and nothing is known of it yet.
    claimed: Option<Timestamp>,
    since: Option<Timestamp>,
}

impl Closed {
    fn shut(&mut self, from: Timestamp) {
        self.since = self.since.or(Some(from)).filter(|_| !self.was_stopped);
    }

    fn open(&mut self, to: Timestamp) {
        if let Some(from) = self.since.take() {
            self.closures.push(Closure { from, to: to.max(from), open: false });
        }
    }

    fn receipt(&mut self, operation: &Operation, aim: &Aim, receipt: &Receipt, at: Timestamp) {
        match (operation.kind, receipt.outcome) {
            (Kind::StopCanister, Outcome::Completed) if *aim == Aim::TakeBack => self.open(at),
            (Kind::StopCanister, Outcome::Completed | Outcome::Unknown) if *aim == Aim::Do => {
                self.shut(self.claimed.unwrap_or(receipt.started));
            }
            (Kind::StopCanister, _) => self.claimed = None,
            (Kind::StartCanister, Outcome::Completed) => self.open(at),
            _ => {}
        }
    }
}

/// Goes through the events of a journal.
pub(super) fn members(
    events: &[(Timestamp, Event)],
    operations: &Operations,
    last: Timestamp,
) -> BTreeMap<Name, Closed> {
    let mut members: BTreeMap<Name, Closed> = BTreeMap::new();
    let mut aims: BTreeMap<Sequence, Aim> = BTreeMap::new();
    for (at, event) in events {
        let Some(operation) = event.operation().and_then(|sequence| operations.get(sequence)) else { continue };
        let closed = members.entry(operation.member.clone()).or_default();
        let aim = aims.get(&operation.sequence).cloned().unwrap_or_default();
        match event {
            Event::Claimed(claimed) => {
                if operation.kind == Kind::StopCanister && claimed.aim == Aim::Do {
                    closed.was_stopped = claimed.before.status == Some(State::Stopped);
                    closed.claimed = Some(*at);
                }
                aims.insert(operation.sequence, claimed.aim.clone());
            }
            Event::Finished(finished) => closed.receipt(operation, &aim, &finished.receipt, *at),
            Event::Settled(settled) => closed.receipt(operation, &aim, &settled.receipt, *at),
            Event::Adopted(adopted) => closed.receipt(operation, &Aim::Do, &adopted.receipt, adopted.receipt.ended),
            Event::Released(released) if operation.kind == Kind::StopCanister => match released.why {
                // Somebody has started it since.
                Why::Drift => closed.open(*at),
                Why::NotStarted | Why::NotApplied | Why::Resolved if aim == Aim::Do => closed.since = None,
                Why::NotStarted | Why::NotApplied | Why::Resolved => {}
            },
            Event::Released(_) | Event::Opened(_) | Event::Resumed(_) | Event::Closed(_) => {}
        }
    }
    for closed in members.values_mut() {
        if let Some(from) = closed.since {
            closed.closures.push(Closure { from, to: last.max(from), open: true });
        }
    }
    members
}

/// How long at least one of some canisters was closed.
pub(super) fn union(closures: impl Iterator<Item = Closure>) -> SignedDuration {
    let mut all: Vec<Closure> = closures.collect();
    all.sort_by_key(|closure| closure.from);
    let (mut total, mut until) = (SignedDuration::ZERO, None);
    for closure in all {
        let from = until.map_or(closure.from, |until: Timestamp| until.max(closure.from));
        if closure.to > from {
            total += closure.to.duration_since(from);
        }
        until = until.max(Some(closure.to));
    }
    total
}
