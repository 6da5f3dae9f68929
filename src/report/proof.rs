//! What may be relied on, and what not: a module hash proves code and not data, and some things never travel.

use serde::Serialize;

use super::{Line, MemberLine, Status, counted};
use crate::{
    operation::Kind,
    plan::{Plan, Snapshot},
};

/// What may be relied on, and what not.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Proofs {
    /// What the network has shown.
    pub proved: Vec<String>,
    /// What nobody has looked at, or nobody can.
    pub not_proved: Vec<String>,
    /// What a snapshot does not hold, where members went to other canisters.
    pub does_not_travel: Vec<String>,
}

pub(super) fn proofs(plan: Option<&Plan>, lines: &[Line], members: &[MemberLine]) -> Proofs {
    let mut proofs = Proofs::default();
    let done =
        |kind: Kind| lines.iter().filter(move |line| line.operation.kind == kind && line.status == Status::Completed);
    let all = |kind: Kind| lines.iter().filter(|line| line.operation.kind == kind).count();
    let verified = |want: &dyn Fn(&crate::plan::Member) -> bool| {
        let member = |line: &&Line| plan.and_then(|plan| plan.member(&line.operation.member)).is_some_and(want);
        done(Kind::VerifyMember).filter(member).count()
    };
    let wanted = |want: &dyn Fn(&crate::plan::Member) -> bool| {
        plan.map_or(0, |plan| plan.members.iter().filter(|m| want(m)).count())
    };
    let mut tell = |fact: &str, proved: usize, of: usize| {
        if proved > 0 {
            proofs.proved.push(format!("{fact}: {proved} of {}", counted(of, "canister")));
        }
        if proved < of {
            proofs.not_proved.push(format!("{fact}: not verified for {} of {}", of - proved, counted(of, "canister")));
        }
    };
    let code = |member: &crate::plan::Member| member.verify.module_hash;
    tell("the code is that of the snapshot, by its module hash", verified(&code), wanted(&code));
    let state = |member: &crate::plan::Member| member.verify.running;
    tell("the canister runs, or is stopped, as the plan says", verified(&state), wanted(&state));
    let controllers = |member: &crate::plan::Member| member.verify.controllers.is_some();
    tell("the controllers are as planned", verified(&controllers), wanted(&controllers));
    let settings = |member: &crate::plan::Member| member.verify.settings.is_some();
    tell("the settings are as planned", verified(&settings), wanted(&settings));
    let checks = |member: &crate::plan::Member| !member.checks.is_empty();
    tell("the application answered as planned", verified(&checks), wanted(&checks));

    let loads = done(Kind::LoadSnapshot).count();
    if loads > 0 {
        proofs.not_proved.push(format!(
            "the data in {}: a module hash proves code, not heap or stable memory; only checks of the application look at data",
            counted(loads, "loaded canister")
        ));
    }
    let (uploads, read_back) = done(Kind::UploadSnapshot).fold((0, 0), |(uploads, read_back), line| {
        let note = |note: &str| note == "proved by reading it back";
        let seen = line.attempts.iter().any(|attempt| attempt.said().any(note));
        (uploads + 1, read_back + usize::from(seen))
    });
    if read_back > 0 {
        proofs.proved.push(format!("{read_back} of {} read back and compared", counted(uploads, "upload")));
    }
    if read_back < uploads {
        proofs.not_proved.push(format!(
            "the bytes of {} on the network: icp reported them complete, and nobody read them back",
            counted(uploads - read_back, "upload")
        ));
    }
    let on_chain = plan.map_or(0, |plan| {
        plan.members
            .iter()
            .filter(|member| matches!(member.snapshot, Snapshot::OnChain { module_hash: None, .. }))
            .count()
    });
    if on_chain > 0 {
        proofs.not_proved.push(format!(
            "what {} holds that was on the network before: the plan states no module hash of it",
            counted(on_chain, "snapshot")
        ));
    }
    if all(Kind::VerifyFleet) > 0 && done(Kind::VerifyFleet).count() == 0 {
        proofs.not_proved.push("the fleet as a whole: it was not looked at once more in the end".to_owned());
    }
    let relocated: Vec<&str> = members.iter().filter(|member| member.relocated).map(|m| m.name.as_str()).collect();
    if !relocated.is_empty() {
        let mut names = relocated.iter().take(8).copied().collect::<Vec<_>>().join(", ");
        if relocated.len() > 8 {
            names += &format!(" and {} more", relocated.len() - 8);
        }
        proofs.does_not_travel = vec![
            format!("{names}: restored into another canister than the one that the snapshot came from"),
            "controllers, settings, environment variables and cycles stay those of the target".to_owned(),
            "keys that the network derives from the canister id (threshold ECDSA and Schnorr, vetKD) are others"
                .to_owned(),
            "ledger accounts, allow-lists and addresses that name the old id do not follow".to_owned(),
            "logs and the history of the canister stay behind".to_owned(),
        ];
    }
    proofs
}
