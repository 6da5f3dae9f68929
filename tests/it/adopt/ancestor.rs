//! The ancestor at work: its manifest, its journal, and its own runner over some icp.

use std::{fs, io, process::Output};

use camino::{Utf8Path, Utf8PathBuf};
use canic_backup::{
    artifacts::ArtifactChecksum,
    manifest::FleetBackupManifest,
    restore::{
        RestoreApplyCommandConfig, RestoreApplyDryRun, RestoreApplyJournal, RestoreApplyRunnerCommand, RestorePlanner,
        RestoreRunnerCommandExecutor, RestoreRunnerCommandOutput, RestoreRunnerConfig,
        restore_run_execute_result_with_executor,
    },
};
use icp_restore::id::Principal;
use serde_json::{Value, json};

const HASH: &str = "4f0ac6a6b3f4d1bc0d9a1b5a4e4e8f3c2f1e0d9c8b7a695847362514f3e2d1c0";

/// Where the ancestor's journal of a backup lies.
pub(crate) fn journal(backup: &Utf8Path) -> Utf8PathBuf {
    backup.join("restore-apply-journal.json")
}

/// The manifest of members, parents first, each with the index of its parent; sealed by the ancestor's own function.
pub(crate) fn manifest(backup: &Utf8Path, members: &[(&str, Principal, Option<usize>)]) -> Value {
    let check = json!({"kind": "status", "roles": []});
    let entries = members.iter().enumerate().map(|(at, (role, id, parent))| {
        let artifact = format!("artifacts/{role}");
        let seal = ArtifactChecksum::from_path(backup.join(&artifact).as_std_path()).unwrap();
        json!({
            "role": role,
            "canister_id": id.to_text(),
            "parent_canister_id": parent.map(|parent| members[parent].1.to_text()),
            "subnet_canister_id": null,
            "controller_hint": null,
            "identity_mode": "fixed",
            "verification_checks": [check],
            "source_snapshot": {
                "snapshot_id": format!("snapshot-{at}"),
                "module_hash": HASH,
                "code_version": null,
                "artifact_path": artifact,
                "checksum_algorithm": "sha256",
                "checksum": seal.hash,
            },
        })
    });
    let roles: Vec<&str> = members.iter().map(|(role, ..)| *role).collect();
    json!({
        "manifest_version": 1,
        "backup_id": "fbk_20260410",
        "created_at": "unix:1775779200",
        "tool": {"name": "canic", "version": "0.36.14"},
        "source": {"environment": "staging", "root_canister": members[0].1.to_text()},
        "consistency": {"backup_units": [{"unit_id": "fleet", "kind": "subtree", "roles": roles}]},
        "fleet": {
            "topology_hash_algorithm": "sha256",
            "topology_hash_input": "sorted(pid,parent_pid,role,module_hash)",
            "discovery_topology_hash": HASH,
            "pre_snapshot_topology_hash": HASH,
            "topology_hash": HASH,
            "members": entries.collect::<Vec<_>>(),
        },
        "verification": {"fleet_checks": [check], "member_checks": []},
    })
}

/// The ancestor's journal of a restore that was not begun.
pub(crate) fn prepare(backup: &Utf8Path) -> RestoreApplyJournal {
    let text = fs::read_to_string(backup.join("fleet-backup-manifest.json")).unwrap();
    let manifest: FleetBackupManifest = serde_json::from_str(&text).unwrap();
    let plan = RestorePlanner::plan(&manifest, None).unwrap();
    let dry = RestoreApplyDryRun::try_from_plan_with_artifacts(&plan, backup.as_std_path()).unwrap();
    let fresh = RestoreApplyJournal::from_dry_run(&dry);
    fs::write(journal(backup), serde_json::to_string_pretty(&fresh).unwrap()).unwrap();
    fresh
}

/// Lets the ancestor's runner do so many operations, and one more in some way.
pub(crate) fn run(backup: &Utf8Path, network: &str, icp: &dyn Fn(&[String]) -> Output, operations: usize, then: Then) {
    prepare(backup);
    let mut executor = Executor { icp, then: None };
    let mut run = |steps: usize, then| {
        executor.then = then;
        let config = RestoreRunnerConfig {
            journal: journal(backup).into(),
            command: RestoreApplyCommandConfig { program: "icp".to_owned(), network: Some(network.to_owned()) },
            max_steps: Some(steps),
            // Of no day, for texts are held that show it.
            updated_at: Some("unix:1775779300".to_owned()),
        };
        restore_run_execute_result_with_executor(&config, &mut executor)
    };
    if operations > 0 {
        assert!(run(operations, None).unwrap().error.is_none());
    }
    if then != Then::Stop {
        let done = run(1, Some(then));
        assert!(done.is_err() || done.unwrap().error.is_some());
    }
}

/// How the ancestor's last operation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// There is none: it stops in order.
    Stop,
    /// It dies before its command is run.
    DieBefore,
    /// It dies after its command was run.
    DieAfter,
    /// The command is run, and its answer lost.
    LoseReply,
    /// The network refuses the command.
    Refused,
}

struct Executor<'a> {
    icp: &'a dyn Fn(&[String]) -> Output,
    then: Option<Then>,
}

impl RestoreRunnerCommandExecutor for Executor<'_> {
    fn execute(&mut self, command: &RestoreApplyRunnerCommand) -> Result<RestoreRunnerCommandOutput, io::Error> {
        // The status before a load is part of the operation.
        let then = self.then.filter(|_| command.mutates || !command.note.contains("stopped"));
        let failed = |stderr: &str| RestoreRunnerCommandOutput {
            success: false,
            status: "1".to_owned(),
            stdout: Vec::new(),
            stderr: stderr.as_bytes().to_vec(),
        };
        match then {
            Some(Then::DieBefore) => return Err(io::Error::other("died")),
            Some(Then::Refused) => {
                return Ok(failed("Error: direct update call failed: error code Some(\"IC0305\")"));
            }
            _ => {}
        }
        let output = (self.icp)(&command.args);
        assert!(output.status.success(), "{:?}: {}", command.args, String::from_utf8_lossy(&output.stderr));
        match then {
            Some(Then::DieAfter) => Err(io::Error::other("died")),
            Some(Then::LoseReply) => {
                Ok(failed("Error: An error happened during communication with the replica: error sending request"))
            }
            _ => Ok(RestoreRunnerCommandOutput {
                success: true,
                status: "0".to_owned(),
                stdout: output.stdout,
                stderr: output.stderr,
            }),
        }
    }
}
