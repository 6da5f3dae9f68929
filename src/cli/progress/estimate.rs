//! How long a run will still take, as far as what it has done so far can tell.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::time;
use crate::{
    journal::replay::Replay,
    operation::{Kind, Phase},
};

/// What the run has shown of its own speed.
#[derive(Debug)]
pub(super) struct Estimate {
    kinds: HashMap<Kind, Pace>,
    /// Bytes that were to be uploaded when the run began.
    pub(super) total: u64,
    /// Bytes that have arrived, at first and by now.
    first: Option<(Instant, u64)>,
    pub(super) arrived: u64,
}

#[derive(Debug)]
struct Pace {
    begun: Instant,
    last: Instant,
    ended: u32,
}

impl Estimate {
    pub(super) fn new(total: u64) -> Self {
        Self { kinds: HashMap::new(), total, first: None, arrived: 0 }
    }

    pub(super) fn begun(&mut self, kind: Kind) {
        let now = Instant::now();
        self.kinds.entry(kind).or_insert(Pace { begun: now, last: now, ended: 0 });
    }

    pub(super) fn ended(&mut self, kind: Kind) {
        if let Some(pace) = self.kinds.get_mut(&kind) {
            pace.last = Instant::now();
            pace.ended += 1;
        }
    }

    pub(super) fn bytes(&mut self, arrived: u64) {
        // What arrived in an earlier run says nothing of the speed of this one.
        if self.kinds.contains_key(&Kind::UploadSnapshot) {
            self.first.get_or_insert((Instant::now(), arrived));
        }
        self.arrived = arrived;
    }

    /// Bytes a second.
    pub(super) fn speed(&self) -> Option<f64> {
        let (since, first) = self.first?;
        let seconds = since.elapsed().as_secs_f64();
        (self.arrived > first && seconds >= 1.0).then(|| (self.arrived - first) as f64 / seconds)
    }

    /// What is left, in words. Kinds of which nothing was seen yet make it a lower bound; with nothing seen at all, or
    /// nothing left, there is nothing to say.
    pub(super) fn left(&self, replay: &Replay) -> Option<String> {
        let mut open: HashMap<Kind, u32> = HashMap::new();
        for (operation, slot) in replay.iter() {
            *open.entry(operation.kind).or_default() += u32::from(!slot.is_completed());
        }
        let (mut left, mut seen, mut all) = (Duration::ZERO, false, true);
        for (kind, count) in open.into_iter().filter(|(_, count)| *count > 0) {
            let by_bytes = (kind == Kind::UploadSnapshot).then(|| self.speed()).flatten();
            let needed = match (by_bytes, self.kinds.get(&kind).filter(|pace| pace.ended > 0)) {
                (Some(speed), _) => {
                    let seconds = self.total.saturating_sub(self.arrived) as f64 / speed;
                    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
                }
                (None, Some(pace)) => (pace.last - pace.begun) * count / pace.ended,
                (None, None) => {
                    // The fleet is looked at once, and cleaning up is short: neither spoils the rest.
                    all &= kind == Kind::VerifyFleet || kind.phase().is_none_or(|phase| phase > Phase::Started);
                    continue;
                }
            };
            left = left.saturating_add(needed);
            seen = true;
        }
        let about = if all { "about" } else { "more than" };
        (seen && left >= Duration::from_secs(1)).then(|| format!("{about} {} left", time(left)))
    }
}
