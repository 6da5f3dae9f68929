//! Asking the network what changes nothing, again and again while there is no answer.

use std::time::{Duration, Instant};

use super::{
    Way,
    worker::{End, Worker, blocked},
};
use crate::{
    icp::{Asked, Snapshots, Status},
    journal::event::Before,
    plan::Target,
};

impl Worker<'_> {
    /// How the canister is; asked again while there is no answer.
    pub(super) fn status(&self) -> Result<Status, End> {
        self.status_of(self.target())
    }

    /// Which snapshots the canister has; asked again while there is no answer.
    pub(super) fn snapshots(&self) -> Result<Snapshots, End> {
        let ask = |timeout| self.runner.icp.snapshots(self.target(), timeout, self.runner.interrupt);
        self.asked(self.target(), "snapshots", ask)
    }

    pub(super) fn status_of(&self, target: &Target) -> Result<Status, End> {
        let ask = |timeout| self.runner.icp.status(target, timeout, self.runner.interrupt);
        self.asked(target, "status", ask)
    }

    fn asked<T>(&self, target: &Target, what: &str, ask: impl Fn(Duration) -> Asked<T>) -> Result<T, End> {
        let mut tried = 0;
        loop {
            tried += 1;
            let why = match ask(self.timeout()) {
                Asked::Known(answer) => return Ok(answer),
                Asked::NoAuthority => {
                    return Err(blocked(format!(
                        "no authority over {target}: the caller is not one of its controllers"
                    )));
                }
                Asked::Rejected(rejection) if !rejection.is_transient() => {
                    return Err(blocked(format!("the {what} of {target} cannot be asked for: {}", rejection.message)));
                }
                Asked::Rejected(rejection) => rejection.message,
                Asked::Silent(why) => why,
            };
            if self.runner.interrupt.is_set() || (tried < self.runner.plan.retry.attempts && !self.pause(tried)) {
                return Err(End::Interrupted);
            }
            if tried >= self.runner.plan.retry.attempts {
                return Err(blocked(format!("no answer to what the {what} of {target} is: {why}")));
            }
        }
    }

    /// Waits before the next attempt, twice as long as before it and by chance up to half as long again; `false` where
    /// the run was interrupted.
    pub(super) fn pause(&self, tried: u32) -> bool {
        let pause = self.runner.plan.retry.pause(tried);
        self.runner.interrupt.wait(pause.mul_f64(1.0 + fastrand::f64() / 2.0))
    }

    /// How the canister is, for settling: asked until the time for other things is up, since all waits for the answer.
    pub(super) fn settling_status(&self) -> Result<Status, End> {
        self.settling(|| self.status())
    }

    /// Asks as long as there is no answer, and leaves open what has none in the end.
    pub(super) fn settling<T>(&self, ask: impl Fn() -> Result<T, End>) -> Result<T, End> {
        let until = Instant::now() + self.timeout();
        let mut pause = Duration::from_millis(500);
        loop {
            match ask() {
                Err(End::Trouble(Way::Blocked, why)) if Instant::now() >= until => {
                    return Err(End::Trouble(Way::Unknown, format!("the outcome is unknown, and {why}")));
                }
                Err(End::Trouble(Way::Blocked, why)) if why.starts_with("no authority") => {
                    return Err(End::Trouble(Way::Unknown, format!("the outcome is unknown, and there is {why}")));
                }
                Err(End::Trouble(Way::Blocked, _)) => std::thread::sleep(pause),
                other => return other,
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}

/// What was true of a canister, for a claim.
pub(super) fn before(status: &Status) -> Before {
    Before {
        status: Some(status.state),
        module_hash: status.module_hash,
        controllers: status.controllers.clone(),
        ..Before::default()
    }
}
