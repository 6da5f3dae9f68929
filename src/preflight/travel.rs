//! What a snapshot does not take along to another canister.

use crate::{
    diagnostic::{Code, Diagnostic},
    plan::Reading,
};

/// A warning for each member whose snapshot goes to another canister than the one that it came from.
pub fn travel(reading: &Reading) -> Vec<Diagnostic> {
    let members = reading.plan.members.iter().zip(&reading.places.members);
    let relocated = members.filter(|(member, _)| member.is_relocated());
    let warnings = relocated.map(|(member, places)| {
        let message = format!(
            "`{}` goes from {} to {}: controllers, settings, environment variables, cycles and timers do not travel, \
             and keys and accounts derived from the canister id change",
            member.name, member.source, member.target
        );
        let label = reading.places.source.label(places.target.clone(), "another canister");
        Diagnostic::new(Code::DoesNotTravel, message, label).with_help("see to these by hand")
    });
    warnings.collect()
}
