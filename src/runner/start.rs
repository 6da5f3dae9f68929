//! Starting a canister, at the end of its restore or to take a stop back.

use super::worker::{End, Found, Proof, Ready, Worker};
use crate::{
    icp::{Call, status::State},
    journal::event::{Aim, Before},
};

impl Worker<'_> {
    /// The code is proved before the canister opens.
    pub(super) fn prepare_start(&mut self) -> Result<Ready, End> {
        let is_left_stopped = self.aim == Aim::Do && !self.facts.expected.iter().all(|expected| expected.running);
        if !is_left_stopped {
            // A stop or a load that arrived after the start would undo what the canister does from then on.
            self.outlast()?;
        }
        let status = self.status()?;
        let (command, before) = (self.command(Call::Start(self.target())), Before::of(&status));
        if self.aim == Aim::Do {
            if let Some(wrong) = self.wrong_code(&status) {
                return Ok(Ready::Disproved(command, before, vec![wrong]));
            }
            if is_left_stopped {
                let note = "it was stopped before this restore, and is left so";
                return Ok(Ready::Already(command, before, Proof::noting(note)));
            }
        }
        Ok(match status.state {
            State::Running => Ready::Already(command, before, Proof::noting("it was running already")),
            // Starting a canister that is still stopping cancels the stop.
            State::Stopped | State::Stopping => Ready::Run(command, before, self.timeout()),
        })
    }

    pub(super) fn settle_start(&mut self, evidence: &mut Vec<String>) -> Result<Found, End> {
        let state = self.settling_status()?.state;
        evidence.push(format!("status: {state:?}").to_lowercase());
        Ok(match state {
            State::Running => Found::Completed(Proof::default()),
            State::Stopped | State::Stopping => Found::NotApplied(Vec::new()),
        })
    }
}
