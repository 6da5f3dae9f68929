//! Stopping a canister, and settling it: the network goes on with a stop when icp has given up.

use std::time::{Duration, Instant};

use super::worker::{End, Found, Proof, Ready, Worker};
use crate::{
    icp::{Call, status::State},
    journal::event::Before,
};

impl Worker<'_> {
    pub(super) fn prepare_stop(&mut self) -> Result<Ready, End> {
        let status = self.status()?;
        // Settings as well: a verification may compare them with what was before.
        let before = Before { settings: status.settings.clone(), ..Before::of(&status) };
        // A canister that we stopped ourselves in an earlier attempt was running before this restore.
        let before = match &self.facts.before {
            Some(first) if self.facts.attempts > 0 => Before { status: first.status, ..before },
            _ => before,
        };
        let command = self.command(Call::Stop(self.target()));
        Ok(match status.state {
            State::Stopped => Ready::Already(command, before, Proof::noting("it was stopped already")),
            State::Running | State::Stopping => Ready::Run(command, before, self.runner.plan.timeouts.stop),
        })
    }

    /// Stopped: done. Stopping: wait as long as the attempt may take; one of an earlier run, as long again. Running:
    /// nothing came of it.
    pub(super) fn settle_stop(&mut self, evidence: &mut Vec<String>) -> Result<Found, End> {
        let timeout = self.runner.plan.timeouts.stop;
        let begun = self.begun.unwrap_or_else(Instant::now);
        let mut pause = Duration::from_millis(250);
        loop {
            let state = self.settling_status()?.state;
            match state {
                State::Stopped => {
                    evidence.push("status: stopped".to_owned());
                    return Ok(Found::Completed(Proof::default()));
                }
                State::Running => {
                    evidence.push("status: running".to_owned());
                    return Ok(Found::NotApplied(Vec::new()));
                }
                State::Stopping if begun.elapsed() >= timeout => {
                    return Ok(Found::Open(format!(
                        "{} is stuck in stopping after {timeout:?}: it waits for calls that it has made to be answered; run again to go on waiting, \
                         or start it again, which cancels the stop",
                        self.target()
                    )));
                }
                State::Stopping => {}
            }
            if !self.runner.interrupt.wait(pause.min(timeout.saturating_sub(begun.elapsed()))) {
                return Err(End::Interrupted);
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}
