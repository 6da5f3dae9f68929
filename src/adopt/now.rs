//! How the canisters that the ancestor touched are now.

use std::collections::BTreeMap;

use super::{Adopter, pair::Pair};
use crate::{
    canic::journal::State,
    icp::{Asked, Snapshots, Status},
    parallel,
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

const AGAIN: &str = "see that the network can be reached and adopt again";

/// Asks for every member that was touched, as many at once as the plan allows; by the index of the member.
pub(super) fn see(adopter: &Adopter<'_>, pairs: &[Pair<'_>]) -> BTreeMap<usize, Now> {
    let touched: Vec<&Pair<'_>> = pairs.iter().filter(|pair| pair.is_touched()).collect();
    let seen = parallel::map(&touched, adopter.plan.limits.other, |pair| ask(adopter, pair));
    touched.iter().map(|pair| pair.index).zip(seen).collect()
}

fn ask(adopter: &Adopter<'_>, pair: &Pair<'_>) -> Now {
    if adopter.interrupt.is_set() {
        let unseen = Unseen { why: "interrupted".to_owned(), help: AGAIN };
        return Now { status: Err(unseen), snapshots: Ok(Snapshots::new()) };
    }
    let (target, timeout) = (&pair.member.target, adopter.plan.timeouts.other);
    let status = known(adopter.icp.status(target, timeout, adopter.interrupt));
    let snapshots = match pair.upload.state() {
        State::Completed if status.is_ok() => known(adopter.icp.snapshots(target, timeout, adopter.interrupt)),
        _ => Ok(Snapshots::new()),
    };
    Now { status, snapshots }
}

fn known<T>(asked: Asked<T>) -> Result<T, Unseen> {
    let (why, help) = match asked {
        Asked::Known(answer) => return Ok(answer),
        Asked::NoAuthority => (
            "no authority: the caller is not one of its controllers".to_owned(),
            "name the identity that controls it in `[network]` and adopt again",
        ),
        Asked::Rejected(rejection) => (rejection.message, AGAIN),
        Asked::Silent(why) => (why, AGAIN),
    };
    Err(Unseen { why, help })
}
