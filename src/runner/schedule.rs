//! What is ready: operations whose predecessors are all completed, kept up to date in time that does not grow with the
//! fleet.

use std::collections::BTreeSet;

use super::Options;
use crate::{
    journal::replay::{Replay, Slot, State},
    operation::{Kind, Operation, Sequence},
};

/// The operations that may begin.
pub(super) struct Schedule {
    /// Uploads.
    pub(super) upload: BTreeSet<Sequence>,
    /// All others.
    pub(super) other: BTreeSet<Sequence>,
    /// How many predecessors of each are not completed.
    waiting: Vec<usize>,
    followers: Vec<Vec<Sequence>>,
    /// Whether an operation is of this run at all.
    selected: Vec<bool>,
}

impl Schedule {
    /// From how a restore stands; what is `busy` is not ready.
    pub(super) fn new(replay: &Replay, options: &Options, busy: impl Fn(Sequence) -> bool) -> Self {
        let count = replay.operations.len();
        let mut schedule = Self {
            upload: BTreeSet::new(),
            other: BTreeSet::new(),
            waiting: vec![0; count],
            followers: vec![Vec::new(); count],
            selected: Vec::with_capacity(count),
        };
        let mut uploads = 0;
        for (operation, slot) in replay.iter() {
            let index = operation.sequence.index();
            for after in replay.waits_for(operation).filter(|after| !replay.slot(*after).is_completed()) {
                schedule.waiting[index] += 1;
                schedule.followers[after.index()].push(operation.sequence);
            }
            schedule.selected.push(selected(operation, options, uploads));
            uploads += u32::from(operation.kind == Kind::UploadSnapshot);
            if is_open(slot) && schedule.waiting[index] == 0 && !busy(operation.sequence) {
                schedule.ready(operation);
            }
        }
        schedule
    }

    /// An operation is completed: those that waited for it alone are ready.
    pub(super) fn completed(&mut self, sequence: Sequence, replay: &Replay) {
        for follower in std::mem::take(&mut self.followers[sequence.index()]) {
            self.waiting[follower.index()] -= 1;
            // What was taken over may be completed before something that it waits for.
            if self.waiting[follower.index()] == 0
                && !replay.slot(follower).is_completed()
                && let Some(operation) = replay.operations.get(follower)
                // One that was completed before what it waits for was undone still is.
                && is_open(replay.slot(follower))
            {
                self.ready(operation);
            }
        }
    }

    fn ready(&mut self, operation: &Operation) {
        if self.selected[operation.sequence.index()] {
            match operation.kind {
                Kind::UploadSnapshot => self.upload.insert(operation.sequence),
                _ => self.other.insert(operation.sequence),
            };
        }
    }
}

fn is_open(slot: &Slot) -> bool {
    matches!(slot.state, State::Fresh | State::Failed(_))
}

fn selected(operation: &Operation, options: &Options, uploads: u32) -> bool {
    let near = match (options.until, operation.kind.phase()) {
        (Some(until), Some(phase)) => phase <= until,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let ours = match (options.partition, operation.kind) {
        (Some((rest, of)), Kind::UploadSnapshot) => uploads % of == rest,
        _ => true,
    };
    near && ours
}
