//! Asking the network what changes nothing, again and again while there is no answer.

use std::{
    fmt,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    Way,
    worker::{End, Worker, blocked},
};
use crate::{
    icp::{Asked, Snapshots, Status},
    plan::Target,
};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// A signal came.
    Interrupted,
    /// Only controllers are answered, and the caller is none.
    NoAuthority(Target),
    /// What was asked was refused, or nothing came back.
    Silent(String),
}

impl From<Unanswered> for End {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Interrupted => Self::Interrupted,
            Unanswered::NoAuthority(_) | Unanswered::Silent(_) => blocked(unanswered.to_string()),
        }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::NoAuthority(target) => {
                write!(f, "no authority over {target}: the caller is not one of its controllers")
            }
            Self::Silent(why) => f.write_str(why),
        }
    }
}

impl Worker<'_> {
    /// How the canister is; asked again while there is no answer.
    pub(super) fn status(&self) -> Result<Status, Unanswered> {
        self.status_of(self.target())
    }

    /// Which snapshots the canister has; asked again while there is no answer.
    pub(super) fn snapshots(&self) -> Result<Snapshots, Unanswered> {
        let ask = |timeout| self.runner.icp.snapshots(self.target(), timeout, self.runner.interrupt);
        self.asked(self.target(), "snapshots", ask)
    }

    pub(super) fn status_of(&self, target: &Target) -> Result<Status, Unanswered> {
        let ask = |timeout| self.runner.icp.status(target, timeout, self.runner.interrupt);
        self.asked(target, "status", ask)
    }

    fn asked<T>(&self, target: &Target, what: &str, ask: impl Fn(Duration) -> Asked<T>) -> Result<T, Unanswered> {
        let mut tried = 0;
        loop {
            tried += 1;
            let why = match ask(self.timeout()) {
                Asked::Known(answer) => return Ok(answer),
                Asked::NoAuthority => return Err(Unanswered::NoAuthority(target.clone())),
                Asked::Rejected(rejection) if !rejection.is_transient() => {
                    let why = format!("the {what} of {target} cannot be asked for: {}", rejection.message);
                    return Err(Unanswered::Silent(why));
                }
                Asked::Rejected(rejection) => rejection.message,
                Asked::Silent(why) => why,
            };
            if self.runner.interrupt.is_set() || (tried < self.runner.plan.retry.attempts && !self.pause(tried)) {
                return Err(Unanswered::Interrupted);
            }
            if tried >= self.runner.plan.retry.attempts {
                return Err(Unanswered::Silent(format!("no answer to what the {what} of {target} is: {why}")));
            }
        }
    }

    /// Waits before the next attempt, twice as long as before it and by chance up to half as long again; `false` where
    /// the run was interrupted.
    pub(super) fn pause(&self, tried: u32) -> bool {
        let pause = self.runner.plan.retry.pause(tried);
        self.runner.interrupt.wait(pause.saturating_add(pause.mul_f64(fastrand::f64() / 2.0)))
    }

    /// Waits until nothing can arrive any more that was sent before and never answered: it would undo what comes now.
    pub(super) fn outlast(&self) -> Result<(), End> {
        let Some(sent) = self.facts.unanswered.max(self.runner.options.unanswered) else { return Ok(()) };
        // Where the clock was set back, all of the time is left.
        let since = Duration::try_from(Timestamp::now().duration_since(sent)).unwrap_or_default();
        let rest = self.runner.options.expiry.saturating_sub(since);
        if rest.is_zero() {
            return Ok(());
        }
        self.desk.held(rest);
        match self.runner.interrupt.wait(rest) {
            true => Ok(()),
            false => Err(End::Interrupted),
        }
    }

    /// How the canister is, for settling: asked until the time for other things is up, since all waits for the answer.
    pub(super) fn settling_status(&self) -> Result<Status, End> {
        self.settling(|| self.status())
    }

    /// Asks as long as there is no answer, and leaves open what has none in the end.
    pub(super) fn settling<T>(&self, ask: impl Fn() -> Result<T, Unanswered>) -> Result<T, End> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(500);
        loop {
            let why = match ask() {
                Ok(answer) => return Ok(answer),
                Err(Unanswered::Interrupted) => return Err(End::Interrupted),
                Err(why) => why,
            };
            let lasting = matches!(why, Unanswered::NoAuthority(_));
            if lasting || begun.elapsed() >= self.timeout() {
                return Err(End::Trouble(Way::Unknown, format!("the outcome is unknown: {why}")));
            }
            if !self.runner.interrupt.wait(pause) {
                return Err(End::Interrupted);
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}
