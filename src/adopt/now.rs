//! How the canisters that the ancestor touched are now.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Adopter, pair::Pair};
use crate::{
    canic::journal::State,
    icp::{Asked, Snapshots, Status},
};

/// What the network says of a canister, or why it says nothing.
pub(super) struct Now {
    pub(super) status: Result<Status, Unseen>,
    /// Asked for only where an upload was completed.
    pub(super) snapshots: Result<Snapshots, Unseen>,
}

/// Why the network says nothing of a canister, and what may help.
pub(super) struct Unseen {
    pub(super) why: String,
    pub(super) help: &'static str,
}

/// Asks for every member that was touched, as many at once as the plan allows; by the index of the member.
pub(super) fn see(adopter: &Adopter<'_>, pairs: &[Pair<'_>]) -> BTreeMap<usize, Now> {
    let touched: Vec<&Pair<'_>> = pairs.iter().filter(|pair| pair.is_touched()).collect();
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..touched.len().min(adopter.plan.limits.other as usize) {
            scope.spawn(|| {
                while let Some(pair) = touched.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let now = ask(adopter, pair);
                    if let Ok(mut seen) = seen.lock() {
                        seen.insert(pair.index, now);
                    }
                }
            });
        }
    });
    seen.into_inner().unwrap_or_default()
}

fn ask(adopter: &Adopter<'_>, pair: &Pair<'_>) -> Now {
    let (target, timeout) = (&pair.member.target, adopter.plan.timeouts.other);
    let status = known(adopter.icp.status(target, timeout, adopter.interrupt));
    let snapshots = match pair.upload.state() {
        State::Completed if status.is_ok() => known(adopter.icp.snapshots(target, timeout, adopter.interrupt)),
        _ => Ok(Snapshots::new()),
    };
    Now { status, snapshots }
}

fn known<T>(asked: Asked<T>) -> Result<T, Unseen> {
    let network = "see that the network can be reached and adopt again";
    let (why, help) = match asked {
        Asked::Known(answer) => return Ok(answer),
        Asked::NoAuthority => (
            "no authority: the caller is not one of its controllers".to_owned(),
            "name the identity that controls it in `[network]` and adopt again",
        ),
        Asked::Rejected(rejection) => (rejection.message, network),
        Asked::Silent(why) => (why, network),
    };
    Err(Unseen { why, help })
}
