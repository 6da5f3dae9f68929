//! From what is written and found valid to the types that the rest of the program works with.

use std::sync::Arc;

use super::{
    Manifest, Member, Snapshot, Unit,
    rules::given,
    written::{Check, Written},
};
use crate::{
    canic::{Canister, Spanned},
    diagnostic::Source,
};

/// The manifest of what was written, which the rules found nothing wrong with.
pub(super) fn accept(source: &Arc<Source>, written: Written) -> Option<Manifest> {
    let groups = &written.member_checks.value;
    let applies = |check: &Check, role: &str| {
        let roles = &check.roles.value;
        roles.is_empty() || roles.iter().any(|named| named.value == role)
    };
    let members = written.fleet.members.value.into_iter().map(|member| {
        let role = member.role.value.as_str();
        let groups = groups.iter().filter(|group| group.role.value == role);
        let checks = (member.checks.value.iter())
            .chain(groups.flat_map(|group| &group.checks.value))
            .filter(|check| applies(check, role))
            .count();
        let snapshot = member.snapshot;
        Some(Member {
            checks,
            canister: canister(member.canister)?,
            parent: match given(&member.parent) {
                Some(parent) => Some(canister(parent)?),
                None => None,
            },
            identity: member.identity,
            snapshot: Snapshot {
                id: snapshot.id.value,
                module_hash: snapshot.module_hash.value,
                code_version: snapshot.code_version.value,
                artifact: Spanned::new(snapshot.artifact.value.into(), snapshot.artifact.span),
                checksum: match snapshot.checksum.value {
                    Some(text) => Some(text.parse().ok()?),
                    None => None,
                },
            },
            role: member.role,
        })
    });
    let members = members.collect::<Option<_>>()?;
    let units = written.units.value.into_iter().map(|unit| Unit {
        id: unit.id.value,
        kind: unit.kind.value,
        roles: unit.roles.value.into_iter().map(|r| r.value).collect(),
    });
    Some(Manifest {
        source: Arc::clone(source),
        backup_id: written.backup_id.value,
        created_at: written.created_at.value,
        tool: (written.tool.name.value, written.tool.version.value),
        environment: written.environment.value,
        root: canister(written.root)?,
        topology: written.fleet.accepted.value.parse().ok()?,
        units: units.collect(),
        members,
        fleet_checks: written.fleet_checks.value.len(),
    })
}

fn canister(text: Spanned<String>) -> Option<Spanned<Canister>> {
    Some(Spanned::new(Canister::parse(&text.value)?, text.span))
}
