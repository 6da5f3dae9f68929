//! A backup as the ancestor made it, a damaged fleet, and the ancestor at work on it.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use camino::{Utf8Path, Utf8PathBuf};
use canic_backup::restore::RestoreApplyJournal;
use icp_restore::{
    id::{Digest, Principal},
    simulate::{Canister, CanisterSpec, Content, Fleet, Status},
};
use serde_json::Value;
use tempfile::TempDir;

use super::ancestor::{self, Then};

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
        ancestor::journal(&self.backup())
    }

    pub(crate) fn plan(&self) -> Utf8PathBuf {
        self.path.join("backup.toml")
    }

    pub(crate) fn ours(&self) -> Utf8PathBuf {
        self.path.join("fbk-20260410.journal.jsonl")
    }

    /// The manifest, sealed by the ancestor's own function.
    pub(crate) fn manifest(&self) -> Value {
        let members: Vec<_> = (0..self.members).map(|at| (MEMBERS[at].0, principal(at), MEMBERS[at].1)).collect();
        ancestor::manifest(&self.backup(), &members)
    }

    pub(crate) fn write_manifest(&self, manifest: &Value) {
        let text = serde_json::to_string_pretty(manifest).unwrap();
        fs::write(self.backup().join("fleet-backup-manifest.json"), text).unwrap();
    }

    /// The ancestor's journal of a restore that was not begun.
    pub(crate) fn prepare(&self) -> RestoreApplyJournal {
        ancestor::prepare(&self.backup())
    }

    /// Lets the ancestor's runner do so many operations, and one more in some way.
    pub(crate) fn ancestor(&self, operations: usize, then: Then) {
        let icp = |args: &[String]| command(self.icp.as_str()).args(args).args(["-k", "fetch"]).output().unwrap();
        ancestor::run(&self.backup(), NETWORK, &icp, operations, then);
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
