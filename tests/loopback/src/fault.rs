//! Faults: what goes wrong on the way to an effect, or on the way back.
//!
//! A [`Fault`] waits for a call that it matches. The first one in the list that is still armed for
//! a call takes it; the others do not see it.

use std::time::Duration;

use candid::Principal;
use tokio::sync::watch;

use crate::Reject;

/// Something that is to go wrong, once unless told otherwise.
#[derive(Debug, Clone)]
pub struct Fault {
    method: String,
    canister: Option<Principal>,
    skip: usize,
    times: usize,
    action: Action,
}

/// On which side of the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing has happened yet.
    Before,
    /// It is done, and only the answer is at stake.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Action {
    /// A certified refusal in place of the effect.
    Reject(Reject),
    /// The connection closes without an answer.
    Drop(When),
    /// The effect comes late.
    Delay(Duration),
    /// The call waits for `release` or `discard`; its caller may be dead by then, and the effect
    /// still comes.
    Hold(When),
    /// A plain HTTP answer with that status.
    Http(u16, When),
    /// The effect, but answered by 202: the caller has to poll for the reply.
    Accept,
}

impl Fault {
    /// A fault at the next call of a method; `*` is any method.
    ///
    /// The names are those of the management canister, such as `load_canister_snapshot`, or a
    /// canister's own. Polling is `read_state`.
    pub fn on(method: &str, action: Action) -> Self {
        Self { method: method.to_owned(), canister: None, skip: 0, times: 1, action }
    }

    /// Only at calls about this canister.
    #[must_use]
    pub fn canister(mut self, id: Principal) -> Self {
        self.canister = Some(id);
        self
    }

    /// Lets matching calls pass before the `n`th, counted from 1.
    #[must_use]
    pub fn nth(mut self, n: usize) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// At so many calls in place of one.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// At every call from now on.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    fn matches(&self, method: &str, canister: Principal) -> bool {
        (self.method == "*" || self.method == method) && self.canister.is_none_or(|own| own == canister)
    }
}

/// Names an injected fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultId(u64);

/// Whether a held call may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Shut,
    Open,
    Discarded,
}

/// A fault that has taken a call.
pub(crate) struct Taken {
    pub(crate) id: FaultId,
    pub(crate) action: Action,
    pub(crate) gate: watch::Receiver<Gate>,
}

struct Armed {
    id: FaultId,
    fault: Fault,
    hits: usize,
    held: usize,
    gate: watch::Sender<Gate>,
}

/// The faults of a network, in the order of their injection.
#[derive(Default)]
pub(crate) struct Faults {
    armed: Vec<Armed>,
    next: u64,
}

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault) -> FaultId {
        let id = FaultId(self.next);
        self.next += 1;
        self.armed.push(Armed { id, fault, hits: 0, held: 0, gate: watch::Sender::new(Gate::Shut) });
        id
    }

    /// Dropping a gate discards what it holds.
    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    pub(crate) fn take(&mut self, method: &str, canister: Principal) -> Option<Taken> {
        for armed in &mut self.armed {
            let fault = &mut armed.fault;
            if fault.times == 0 || !fault.matches(method, canister) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times = match fault.times {
                usize::MAX => usize::MAX,
                times => times - 1,
            };
            armed.hits += 1;
            return Some(Taken { id: armed.id, action: fault.action.clone(), gate: armed.gate.subscribe() });
        }
        None
    }

    /// How often the fault struck.
    pub(crate) fn hits(&self, id: FaultId) -> usize {
        self.find(id).map_or(0, |armed| armed.hits)
    }

    /// How many calls it holds now.
    pub(crate) fn held(&self, id: FaultId) -> usize {
        self.find(id).map_or(0, |armed| armed.held)
    }

    pub(crate) fn begin_hold(&mut self, id: FaultId) {
        if let Some(armed) = self.armed.iter_mut().find(|armed| armed.id == id) {
            armed.held += 1;
        }
    }

    pub(crate) fn end_hold(&mut self, id: FaultId) {
        if let Some(armed) = self.armed.iter_mut().find(|armed| armed.id == id) {
            armed.held = armed.held.saturating_sub(1);
        }
    }

    /// From now on the fault holds nothing any more.
    pub(crate) fn set_gate(&self, id: FaultId, gate: Gate) {
        if let Some(armed) = self.find(id) {
            armed.gate.send_replace(gate);
        }
    }

    fn find(&self, id: FaultId) -> Option<&Armed> {
        self.armed.iter().find(|armed| armed.id == id)
    }
}

#[cfg(test)]
mod tests {
    use candid::Principal;

    use super::{Action, Fault, Faults, When};

    #[test]
    fn a_fault_strikes_the_nth_matching_call_and_then_no_more() {
        let (one, other) = (Principal::from_slice(&[1]), Principal::management_canister());
        let mut faults = Faults::default();
        let fault = Fault::on("stop_canister", Action::Drop(When::After));
        let id = faults.inject(fault.canister(one).nth(2));
        assert!(faults.take("stop_canister", one).is_none());
        assert!(faults.take("stop_canister", other).is_none());
        assert!(faults.take("start_canister", one).is_none());
        assert!(faults.take("stop_canister", one).is_some());
        assert!(faults.take("stop_canister", one).is_none());
        assert_eq!(faults.hits(id), 1);
    }
}
