//! Manifests, mappings and journals out of the documented formats, by a seed.

use fastrand::Rng;
use icp_restore::id::Principal;
use serde_json::{Value, json};

/// The id of a made-up canister.
pub(crate) fn canister(number: u64) -> String {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend([1, 1]);
    Principal::from_slice(&bytes).to_text()
}

pub(crate) const HASH: &str = "4f0ac6a6b3f4d1bc0d9a1b5a4e4e8f3c2f1e0d9c8b7a695847362514f3e2d1c0";

const ROLES: [&str; 5] = ["root", "app", "user_hub", "user_shard", "scale"];

/// A fleet in which every member but the first has its parent before or after it in the file.
pub(crate) fn manifest(rng: &mut Rng, size: u64) -> Value {
    let roles = 1 + rng.usize(1..ROLES.len());
    let role = |at: u64| match at {
        0 => ROLES[0],
        at => ROLES[1 + (at as usize - 1) % (roles - 1)],
    };
    let check = |roles: Vec<&str>| json!({"kind": "status", "roles": roles});
    let mut members: Vec<Value> = (0..size)
        .map(|at| {
            let parent = (at > 0).then(|| canister(rng.u64(0..at)));
            json!({
                "role": role(at),
                "canister_id": canister(at),
                "parent_canister_id": parent,
                "subnet_canister_id": rng.bool().then(|| canister(900)),
                "controller_hint": rng.bool().then(|| canister(901)),
                "identity_mode": if rng.bool() { "fixed" } else { "relocatable" },
                "verification_checks": [check(if rng.bool() { vec![role(at)] } else { vec![] })],
                "source_snapshot": {
                    "snapshot_id": format!("snapshot-{at}"),
                    "module_hash": rng.bool().then_some(HASH),
                    "code_version": rng.bool().then_some("v1"),
                    "artifact_path": format!("artifacts/{at}"),
                    "checksum_algorithm": "sha256",
                    "checksum": HASH,
                },
            })
        })
        .collect();
    rng.shuffle(&mut members);
    let used: Vec<&str> = ROLES[..roles.min(size as usize)].to_vec();
    let units = match rng.bool() {
        true => json!([{"unit_id": "fleet", "kind": "subtree", "roles": used}]),
        false => json!([
            {"unit_id": "top", "kind": "single", "roles": [used[0]]},
            {"unit_id": "rest", "kind": "single", "roles": used},
        ]),
    };
    json!({
        "manifest_version": 1,
        "backup_id": "fbk_20260410",
        "created_at": "unix:1775779200",
        "tool": {"name": "canic", "version": "0.36.14"},
        "source": {"environment": "staging", "root_canister": canister(0)},
        "consistency": {"backup_units": units},
        "fleet": {
            "topology_hash_algorithm": "sha256",
            "topology_hash_input": "sorted(pid,parent_pid,role,module_hash)",
            "discovery_topology_hash": HASH,
            "pre_snapshot_topology_hash": HASH,
            "topology_hash": HASH,
            "members": members,
        },
        "verification": {
            "fleet_checks": [check(vec![])],
            "member_checks": [{"role": used[0], "checks": [check(vec![used[0]])]}],
        },
    })
}

/// A mapping of all members, which moves those that may move.
pub(crate) fn mapping(manifest: &Value) -> Value {
    let members = manifest["fleet"]["members"].as_array().unwrap();
    let entries = members.iter().enumerate().map(|(at, member)| {
        let target = match member["identity_mode"] == "fixed" {
            true => member["canister_id"].clone(),
            false => canister(500 + at as u64).into(),
        };
        json!({"source_canister": member["canister_id"], "target_canister": target})
    });
    json!({"members": entries.collect::<Vec<_>>()})
}

/// How far a journal is: so many operations done, and how the next one stands.
pub(crate) struct Progress {
    pub(crate) members: u64,
    pub(crate) completed: usize,
    pub(crate) next: &'static str,
}

pub(crate) fn journal(rng: &mut Rng, progress: &Progress) -> Value {
    let phases = ["upload-snapshot", "stop-canister", "load-snapshot", "start-canister", "verify-member"];
    let mut steps: Vec<(&str, u64)> = Vec::new();
    for phase in phases {
        let members = (0..progress.members).map(|member| (phase, member));
        match phase {
            "start-canister" => steps.extend(members.rev()),
            _ => steps.extend(members),
        }
    }
    if progress.members > 0 {
        steps.push(("verify-fleet", 0));
    }
    let mut receipts = Vec::new();
    let mut clock = 1_775_779_200;
    let mut operations = Vec::new();
    for (sequence, &(kind, member)) in steps.iter().enumerate() {
        let state = match sequence {
            at if at < progress.completed => "completed",
            at if at == progress.completed => progress.next,
            _ if progress.next == "blocked" => "blocked",
            _ => "ready",
        };
        let artifact = matches!(kind, "upload-snapshot" | "load-snapshot");
        let mut operation = json!({
            "sequence": sequence,
            "operation": kind,
            "state": state,
            "blocking_reasons": match state {
                "failed" => vec!["runner-command-exit-1"],
                "blocked" => vec!["missing-artifacts"],
                _ => vec![],
            },
            "member_order": member,
            "source_canister": canister(member),
            "target_canister": canister(member + 700),
            "role": if kind == "verify-fleet" { "fleet" } else { ROLES[member as usize % 5] },
            "snapshot_id": artifact.then(|| format!("snapshot-{member}")),
            "artifact_path": artifact.then(|| format!("artifacts/{member}")),
            "verification_kind": kind.starts_with("verify").then_some("status"),
        });
        let mut attempt = 0;
        let mut receipt = |outcome: &str, clock: u64| {
            attempt += 1;
            receipts.push(receipt(&operation, outcome, attempt, clock));
        };
        clock += 10;
        if matches!(state, "completed" | "failed") {
            if rng.u8(..4) == 0 {
                receipt("command-failed", clock - 5);
            }
            let outcome = match state {
                "completed" => "command-completed",
                _ => "command-failed",
            };
            receipt(outcome, clock);
        }
        if !matches!(state, "ready" | "blocked") {
            operation["state_updated_at"] = format!("unix:{clock}").into();
        }
        operations.push(operation);
    }
    let kind = |name: &str| steps.iter().filter(|(kind, _)| *kind == name).count();
    let state = |name: &str| operations.iter().filter(|o| o["state"] == name).count();
    let blocked = progress.next == "blocked";
    json!({
        "journal_version": 1,
        "backup_id": "fbk_20260410",
        "ready": !blocked,
        "blocked_reasons": if blocked { vec!["missing-artifacts"] } else { vec![] },
        "backup_root": "/backups/fbk_20260410",
        "operation_count": operations.len(),
        "operation_counts": {
            "canister_stops": kind("stop-canister"),
            "canister_starts": kind("start-canister"),
            "snapshot_uploads": kind("upload-snapshot"),
            "snapshot_loads": kind("load-snapshot"),
            "member_verifications": kind("verify-member"),
            "fleet_verifications": kind("verify-fleet"),
            "verification_operations": kind("verify-member") + kind("verify-fleet"),
        },
        "pending_operations": state("pending"),
        "ready_operations": state("ready"),
        "blocked_operations": state("blocked"),
        "completed_operations": state("completed"),
        "failed_operations": state("failed"),
        "operations": operations,
        "operation_receipts": receipts,
    })
}

fn receipt(operation: &Value, outcome: &str, attempt: usize, clock: u64) -> Value {
    let failed = outcome == "command-failed";
    let upload = operation["operation"] == "upload-snapshot" && !failed;
    let target = operation["target_canister"].as_str().unwrap();
    let owner = hex::encode(Principal::from_text(target).unwrap().as_slice());
    json!({
        "sequence": operation["sequence"],
        "operation": operation["operation"],
        "outcome": outcome,
        "source_canister": operation["source_canister"],
        "target_canister": operation["target_canister"],
        "attempt": attempt,
        "updated_at": format!("unix:{clock}"),
        "command": {
            "program": "icp",
            "args": ["canister", "status", target],
            "mutates": true,
            "requires_stopped_canister": false,
            "note": "as planned",
        },
        "status": if failed { "1" } else { "0" },
        "stdout": {"text": "", "truncated": false, "original_bytes": 0},
        "stderr": {"text": "", "truncated": false, "original_bytes": 0},
        "failure_reason": failed.then_some("runner-command-exit-1"),
        "source_snapshot_id": operation["snapshot_id"],
        "artifact_path": operation["artifact_path"],
        "uploaded_snapshot_id": upload.then(|| format!("{clock:016x}{owner}")),
    })
}
