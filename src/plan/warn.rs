//! What a plan may do, but somebody should look at.

use std::sync::Arc;

use super::{
    Cleanup,
    document::{Draft, DraftSnapshot, Proof},
};
use crate::diagnostic::{Code, Diagnostic, Source};

/// Adds the warnings of a draft.
pub(super) fn plan(source: &Arc<Source>, draft: &Draft, diagnostics: &mut Vec<Diagnostic>) {
    let mut warn = |code, at, message: &str, label: &str, help: &str| {
        diagnostics.push(Diagnostic::new(code, message, source.label(at, label)).with_help(help));
    };
    let safety = |key| draft.safety_place.get(key).cloned().unwrap_or(draft.place.clone());
    if !draft.safety.snapshot {
        let message = "no safety snapshot is taken: this restore cannot be rolled back";
        warn(Code::SafetyOff, safety("snapshot"), message, "switched off", "remove this line");
    }
    let artifacts = draft.members.iter().any(|m| !matches!(m.snapshot, Some(DraftSnapshot::OnChain { .. })));
    if draft.safety.cleanup == Cleanup::OnSuccess && !artifacts {
        let message = "nothing is uploaded, so there is nothing to clean up";
        warn(Code::CleanupOfNothing, safety("cleanup"), message, "without effect", "remove this line");
    }
    if draft.checks.is_empty() && !draft.lost_checks && !draft.members.is_empty() {
        let message = "no `[[check]]` asks the application: a module hash proves code, not data";
        warn(
            Code::NoChecks,
            draft.place.clone(),
            message,
            "this plan",
            "add a `[[check]]` with a call that reads restored data",
        );
    }
    for member in &draft.members {
        let Some(DraftSnapshot::OnChain { id, module_hash }) = &member.snapshot else { continue };
        let stated = member.verify.iter().flatten().find(|proof| *proof.get_ref() == Proof::ModuleHash);
        if let (Some(proof), None) = (stated, module_hash) {
            let message = "no module hash is stated for this snapshot, so none can be compared";
            warn(
                Code::NoModuleHash,
                proof.span(),
                message,
                "nothing to compare with",
                "add `module-hash` to the snapshot",
            );
        }
        let owner = id.get_ref().owner();
        let places = [
            member.source.as_ref().map(|s| *s.get_ref()),
            super::validate::canister(member).map(super::decode::At::into_inner),
        ];
        if owner.is_none_or(|owner| !places.contains(&Some(owner))) && places[0].is_some() {
            let message = match owner {
                Some(owner) => format!("the id says that this snapshot belongs to {owner}"),
                None => "the id has not the form that the IC gives to snapshots".to_owned(),
            };
            warn(
                Code::ForeignSnapshot,
                id.span(),
                &message,
                "of another canister",
                "copy the id from `icp canister snapshot list`",
            );
        }
    }
}
