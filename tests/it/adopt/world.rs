//! A backup as the ancestor made it, a damaged fleet, and the ancestor at work on it.

use std::{
    fs, io,
    process::{Command, Output, Stdio},
};

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
use icp_restore::{
    id::{Digest, Principal},
    simulate::{Canister, CanisterSpec, Content, Fleet, Status},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const HASH: &str = "4f0ac6a6b3f4d1bc0d9a1b5a4e4e8f3c2f1e0d9c8b7a695847362514f3e2d1c0";
pub(crate) const NETWORK: &str = "http://127.0.0.1:4943";

/// The members, parents first, and of each the index of its parent.
const MEMBERS: [(&str, Option<usize>); 3] = [("root", None), ("app", Some(0)), ("user_hub", Some(0))];

pub(crate) struct World {
    _folder: TempDir,
    pub(crate) path: Utf8PathBuf,
    pub(crate) fleet: Fleet,
    pub(crate) icp: Utf8PathBuf,
    pub(crate) members: usize,
}

pub(crate) fn principal(number: usize) -> Principal {
    Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, u8::try_from(number).unwrap() + 1, 1, 1])
}

/// The built program, which nothing of the environment drives.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null());
    command
}

impl World {
    /// Snapshots are taken of a fleet that is whole and downloaded; then there is another one of the same ids.
    pub(crate) fn new(members: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        let (whole, icp) = fleet(&path.join("whole"), members, 1);
        for (at, (role, _)) in MEMBERS[..members].iter().enumerate() {
            let id = principal(at).to_text();
            let run = |args: &[&str]| {
                let output = command(icp.as_str()).args(args).args(["-n", NETWORK, "-k", "fetch"]).output().unwrap();
                assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8(output.stdout).unwrap()
            };
            run(&["canister", "stop", &id]);
            let made: Value = serde_json::from_str(&run(&["canister", "snapshot", "create", &id, "--json"])).unwrap();
            let artifact = path.join("backup/artifacts").join(role);
            let snapshot = made["snapshot_id"].as_str().unwrap();
            run(&["canister", "snapshot", "download", &id, snapshot, "--output", artifact.as_str()]);
        }
        drop(whole);
        let (fleet, icp) = fleet(&path.join("damaged"), members, 9);
        let world = Self { _folder: folder, path, fleet, icp, members };
        world.write_manifest(&world.manifest());
        world
    }

    pub(crate) fn backup(&self) -> Utf8PathBuf {
        self.path.join("backup")
    }

    pub(crate) fn journal(&self) -> Utf8PathBuf {
        self.backup().join("restore-apply-journal.json")
    }

    pub(crate) fn plan(&self) -> Utf8PathBuf {
        self.path.join("backup.toml")
    }

    pub(crate) fn ours(&self) -> Utf8PathBuf {
        self.path.join("fbk-20260410.journal.jsonl")
    }

    /// The manifest, sealed by the ancestor's own function.
    pub(crate) fn manifest(&self) -> Value {
        let check = json!({"kind": "status", "roles": []});
        let members = MEMBERS[..self.members].iter().enumerate().map(|(at, (role, parent))| {
            let artifact = format!("artifacts/{role}");
            let seal = ArtifactChecksum::from_path(self.backup().join(&artifact).as_std_path()).unwrap();
            json!({
                "role": role,
                "canister_id": principal(at).to_text(),
                "parent_canister_id": parent.map(|parent| principal(parent).to_text()),
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
        let roles: Vec<&str> = MEMBERS[..self.members].iter().map(|(role, _)| *role).collect();
        json!({
            "manifest_version": 1,
            "backup_id": "fbk_20260410",
            "created_at": "unix:1775779200",
            "tool": {"name": "canic", "version": "0.36.14"},
            "source": {"environment": "staging", "root_canister": principal(0).to_text()},
            "consistency": {"backup_units": [{"unit_id": "fleet", "kind": "subtree", "roles": roles}]},
            "fleet": {
                "topology_hash_algorithm": "sha256",
                "topology_hash_input": "sorted(pid,parent_pid,role,module_hash)",
                "discovery_topology_hash": HASH,
                "pre_snapshot_topology_hash": HASH,
                "topology_hash": HASH,
                "members": members.collect::<Vec<_>>(),
            },
            "verification": {"fleet_checks": [check], "member_checks": []},
        })
    }

    pub(crate) fn write_manifest(&self, manifest: &Value) {
        let text = serde_json::to_string_pretty(manifest).unwrap();
        fs::write(self.backup().join("fleet-backup-manifest.json"), text).unwrap();
    }

    /// The ancestor's journal of a restore that was not begun.
    pub(crate) fn prepare(&self) -> RestoreApplyJournal {
        let text = fs::read_to_string(self.backup().join("fleet-backup-manifest.json")).unwrap();
        let manifest: FleetBackupManifest = serde_json::from_str(&text).unwrap();
        let plan = RestorePlanner::plan(&manifest, None).unwrap();
        let dry = RestoreApplyDryRun::try_from_plan_with_artifacts(&plan, self.backup().as_std_path()).unwrap();
        let journal = RestoreApplyJournal::from_dry_run(&dry);
        fs::write(self.journal(), serde_json::to_string_pretty(&journal).unwrap()).unwrap();
        journal
    }

    /// Lets the ancestor's runner do so many operations, and one more in some way.
    pub(crate) fn ancestor(&self, operations: usize, then: Then) {
        self.prepare();
        let mut executor = Executor { icp: self.icp.clone(), then: None };
        let mut run = |steps: usize, then| {
            executor.then = then;
            let config = RestoreRunnerConfig {
                journal: self.journal().into(),
                command: RestoreApplyCommandConfig { program: "icp".to_owned(), network: Some(NETWORK.to_owned()) },
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

    /// Writes the plan by `init --from` with the network filled in, and something after it.
    pub(crate) fn init(&self, more: &str) {
        let output = self.run(&["init", "--from", self.backup().as_str()]);
        assert!(output.status.success(), "{}", said(&output));
        let text = fs::read_to_string(self.plan()).unwrap();
        let filled = text.replace("environment = \"staging\"", &format!("url = \"{NETWORK}\"\nroot-key = \"fetch\""));
        assert_ne!(text, filled);
        fs::write(self.plan(), format!("{filled}\n[retry]\nbackoff = \"10ms\"\n{more}")).unwrap();
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        command(env!("CARGO_BIN_EXE_icp-restore")).args(args).current_dir(&self.path).output().unwrap()
    }

    pub(crate) fn adopt(&self) -> Output {
        let (journal, plan) = (self.journal(), self.plan());
        self.run(&["run", "--adopt", journal.as_str(), plan.as_str(), "--icp", self.icp.as_str()])
    }

    pub(crate) fn again(&self) -> Output {
        self.run(&["run", self.plan().as_str(), "--icp", self.icp.as_str()])
    }

    pub(crate) fn canister(&self, at: usize) -> Canister {
        self.fleet.canister(principal(at)).unwrap()
    }

    /// Whether all canisters run with the data of their snapshots.
    pub(crate) fn is_restored(&self) -> bool {
        (0..self.members).all(|at| {
            let canister = self.canister(at);
            canister.status == Status::Running && canister.heap.digest().unwrap() == Digest::of(heap(at, 1))
        })
    }

    /// How often a method changed a canister.
    pub(crate) fn count(&self, method: &str, at: usize) -> usize {
        let log = self.fleet.log().unwrap();
        log.iter().filter(|e| e.mutates && e.method == method && e.canister == principal(at)).count()
    }

    /// What a stopped journal of ours has as events of a kind.
    pub(crate) fn events(&self, kind: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.ours()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == kind).collect()
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn heap(at: usize, seed: u8) -> Vec<u8> {
    vec![seed + u8::try_from(at).unwrap(); 65_536]
}

fn fleet(path: &Utf8Path, members: usize, seed: u8) -> (Fleet, Utf8PathBuf) {
    let specs = (0..members).map(|at| {
        let mut spec = CanisterSpec::new(principal(at));
        spec.name = Some(MEMBERS[at].0.parse().unwrap());
        spec.module =
            Some(Content::Bytes([b"\0asm\x01\0\0\0".as_slice(), &[seed, u8::try_from(at).unwrap()]].concat()));
        spec.heap = Content::Bytes(heap(at, seed));
        spec
    });
    fs::create_dir_all(path).unwrap();
    let fleet = Fleet::create(path, &specs.collect::<Vec<_>>()).unwrap();
    let icp = fleet.install(Utf8Path::new(env!("CARGO_BIN_EXE_icp-restore"))).unwrap();
    (fleet, icp)
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

struct Executor {
    icp: Utf8PathBuf,
    then: Option<Then>,
}

impl RestoreRunnerCommandExecutor for Executor {
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
        let output = self::command(self.icp.as_str()).args(&command.args).args(["-k", "fetch"]).output()?;
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
