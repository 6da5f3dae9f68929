//! `run --expect`: nothing but what was reviewed.

use camino::Utf8Path;

use super::{Exit, Failure, against};
use crate::{
    diagnostic::Source,
    journal,
    plan::{self, Plan},
    review,
};

/// Nothing but what was reviewed; where the journal is of that, the difference is told.
pub(super) fn expect(expected: &str, plan: &Plan, path: &Utf8Path) -> Result<(), Failure> {
    let wanted = expected.trim_start_matches("sha256:").to_ascii_lowercase();
    if wanted.len() < 12 || wanted.len() > 64 || !wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        let message = format!("`{}` is not a digest, nor 12 or more digits of one", expected.escape_debug());
        return Err(Failure::new(Exit::Usage, message));
    }
    let digest = plan.digest();
    if digest.to_string().starts_with(&wanted) {
        return Ok(());
    }
    let mut message = format!("the digest of the plan is sha256:{digest}, and sha256:{wanted} was to run");
    // Of what was reviewed only its digest is known, unless a run of it was begun.
    if let Ok(replay) = journal::load(path)
        && replay.opened.digest.to_string().starts_with(&wanted)
        && let Ok(reviewed) = plan::read(&Source::new("journal", replay.opened.text.as_str()))
    {
        let reviewed = match replay.opened.only.as_slice() {
            [] => reviewed.plan,
            only => reviewed.plan.only(only),
        };
        let changes = review::changes(&reviewed, plan);
        message += &format!("\nsince the plan that {path} is of:");
        message += against::text("it", &changes).trim_end();
    }
    Err(Failure::new(Exit::Blocked, message)
        .with_help("have the plan reviewed as it is now: see `icp-restore dry-run`"))
}
