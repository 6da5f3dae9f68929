//! First light: a damaged fleet of five, the loopback network and the real icp.

use std::{collections::BTreeMap, process::Command};

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::id::Digest;
use loopback::{
    Action, Applied, CanisterSpec, Fault, IcpHome, Network, Options, Principal, Reject, SnapshotContent, Status,
    require_icp, wasm_module,
};
use tempfile::TempDir;

use super::{
    process::{Done, done, program},
    scene::artifact,
};

/// The network, a home of icp, the fleet and its plan.
pub(super) struct Light {
    folder: TempDir,
    pub(super) network: Network,
    pub(super) home: IcpHome,
    pub(super) icp: Utf8PathBuf,
    /// What each member is to be again, with its canister.
    pub(super) members: Vec<(&'static str, Principal, SnapshotContent)>,
    /// Every file of the artifacts.
    files: BTreeMap<Utf8PathBuf, Digest>,
}

/// An uploaded heap of several chunks, so that there is a middle.
fn content(name: &str) -> SnapshotContent {
    let seed = name.bytes().fold(1_usize, |sum, byte| sum * 31 % 65_521 + usize::from(byte));
    let bytes = |size: usize| (0..size).map(|at| ((at * seed) % 251 + 1) as u8).collect::<Vec<u8>>();
    SnapshotContent {
        module: wasm_module(name),
        heap: bytes(2_500_000),
        stable: bytes(65_536),
        chunks: vec![format!("a chunk of {name}").into_bytes()],
    }
}

fn files(folder: &Utf8Path) -> BTreeMap<Utf8PathBuf, Digest> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            match path.is_dir() {
                true => folders.push(path),
                false => _ = found.insert(path.clone(), Digest::of(std::fs::read(&path).unwrap())),
            }
        }
    }
    found
}

impl Light {
    /// root ← left, right; left ← leaf; right ← twin. `twin` goes to another canister than its source, `leaf` comes from a
    /// snapshot on chain.
    pub(super) fn new(rest: &str) -> Option<Self> {
        let icp = require_icp()?;
        let home = IcpHome::new(&icp);
        let folder = TempDir::new().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        let network = Network::start(Options { foreign_load: true, ..Options::default() });
        let mut text = format!(
            "version = 1\nname = \"light\"\n[network]\nurl = \"{}\"\nroot-key = \"{}\"\n[backup]\nroot = \"backup\"\n",
            network.url(),
            network.root_key_hex()
        );
        let mut members = Vec::new();
        for (name, parent) in [("root", ""), ("left", "root"), ("right", "root"), ("leaf", "left"), ("twin", "right")] {
            let wanted = content(name);
            let good = CanisterSpec {
                module: Some(wanted.module.clone()),
                heap: wanted.heap.clone(),
                stable: wanted.stable.clone(),
                chunks: wanted.chunks.clone(),
                ..CanisterSpec::new([home.principal()])
            };
            let id = network.create_canister(good);
            let mut source = id;
            let snapshot = if name == "leaf" {
                let id = network.with_canister(id, |canister| canister.take_snapshot());
                format!("{{ id = \"{id}\" }}")
            } else {
                if name == "twin" {
                    source = network.create_canister(CanisterSpec::new([home.principal()]));
                }
                let digest = artifact(&path.join("backup").join(name), &wanted);
                format!("{{ artifact = \"{name}\", sha256 = \"{digest}\" }}")
            };
            text += &format!("[[member]]\nname = \"{name}\"\nsource = \"{source}\"\nsnapshot = {snapshot}\n");
            if source != id {
                text += &format!("target = \"{id}\"\nrelocatable = true\n");
            }
            if !parent.is_empty() {
                text += &format!("depends-on = [\"{parent}\"]\n");
            }
            // The damage: a bad upgrade that lost data.
            network.with_canister(id, |canister| {
                canister.module = Some(wasm_module("bad").into());
                canister.heap = vec![0; 65_536].into();
                canister.stable = vec![].into();
                canister.chunks.clear();
            });
            members.push((name, id, wanted));
        }
        std::fs::write(path.join("light.toml"), text + rest).unwrap();
        let files = files(&path.join("backup"));
        Some(Self { folder, network, home, icp, members, files })
    }

    pub(super) fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).unwrap()
    }

    pub(super) fn journal(&self) -> Utf8PathBuf {
        self.path().join("light.journal.jsonl")
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = program(self.path());
        command.env("ICP_HOME", self.home.path());
        command.args(["run", "light.toml", "--icp", self.icp.as_str()]).args(args);
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Done {
        done(self.command(args).spawn().unwrap())
    }

    pub(super) fn verb(&self, args: &[&str]) -> Done {
        done(program(self.path()).args(args).spawn().unwrap())
    }

    pub(super) fn id(&self, name: &str) -> Principal {
        self.members.iter().find(|member| member.0 == name).unwrap().1
    }

    /// The effects on a member, by method.
    pub(super) fn count(&self, name: &str, method: &str) -> usize {
        let id = self.id(name);
        let log = self.network.log();
        log.iter().filter(|call| call.changed() && call.canister == id && call.method == method).count()
    }

    /// The members on which a method had its effect, in order.
    fn order(&self, method: &str) -> Vec<&str> {
        let log = self.network.log();
        let calls = log.iter().filter(|call| call.changed() && call.method == method);
        let name = |call: &Applied| self.members.iter().find(|member| member.1 == call.canister).unwrap().0;
        calls.map(name).collect()
    }

    /// Module, heap, stable memory and chunk store of every canister are back, and the artifacts are as they were.
    #[track_caller]
    pub(super) fn assert_restored(&self) {
        for (name, id, wanted) in &self.members {
            let canister = self.network.canister(*id);
            assert!(canister.status == Status::Running, "{name}");
            assert!(canister.module.as_ref().is_some_and(|module| module.bytes() == wanted.module), "{name}");
            assert!(canister.heap.bytes() == wanted.heap, "{name}");
            assert!(canister.stable.bytes() == wanted.stable, "{name}");
            assert_eq!(canister.chunks.len(), wanted.chunks.len(), "{name}");
        }
        for load in self.network.log().iter().filter(|call| call.method == "load_canister_snapshot") {
            assert_eq!(load.status_before, Some(Status::Stopped), "{load:?}");
        }
        assert_eq!(files(&self.path().join("backup")), self.files);
    }
}

const ONE_AT_A_TIME: &str = "[limits]\nupload = 1\nother = 1\n[retry]\nbackoff = \"20ms\"\n";

#[test]
fn a_damaged_fleet_is_put_back() {
    let Some(light) = Light::new(ONE_AT_A_TIME) else { return };
    light.run(&[]).expect(0);
    light.assert_restored();
    let down = ["root", "left", "right", "leaf", "twin"];
    assert_eq!(light.order("upload_canister_snapshot_metadata"), ["root", "left", "right", "twin"]);
    assert_eq!(light.order("stop_canister"), down);
    assert_eq!(light.order("take_canister_snapshot"), down);
    assert_eq!(light.order("load_canister_snapshot"), down);
    assert_eq!(light.order("start_canister"), ["twin", "leaf", "right", "left", "root"]);
    // All uploads before all stops, and so on: what is open is closed as short as can be.
    let log = light.network.log();
    let phase = |call: &Applied| match &*call.method {
        "stop_canister" => 1,
        "take_canister_snapshot" => 2,
        "load_canister_snapshot" => 3,
        "start_canister" => 4,
        _ => 0,
    };
    assert!(log.iter().filter(|call| call.changed()).map(phase).is_sorted());
    let events = icp_restore::journal::events(&light.journal()).unwrap();
    let receipts = events.iter().filter(|(_, event)| event.word() == "finished").count();
    assert_eq!(receipts, icp_restore::journal::load(&light.journal()).unwrap().operations.len());
    // A second run finds everything done.
    let calls = light.network.log().iter().filter(|call| call.changed()).count();
    light.run(&[]).expect(0);
    assert_eq!(light.network.log().iter().filter(|call| call.changed()).count(), calls);
}

#[test]
fn a_fleet_is_put_back_with_all_at_once() {
    let Some(light) = Light::new("[limits]\nupload = 4\nother = 8\n") else { return };
    light.run(&[]).expect(0);
    light.assert_restored();
}

/// Whether the first load or a later one is refused decides whether the fleet is opened again.
#[test]
fn a_refused_load_stops_the_run_and_the_next_completes_it() {
    for (refused, untouched, open) in
        [("root", vec!["left", "right", "leaf", "twin"], true), ("left", vec!["leaf"], false)]
    {
        let Some(light) = Light::new(ONE_AT_A_TIME) else { return };
        let reject = Action::Reject(Reject::new(5, "IC0413", "the snapshot is inconsistent"));
        light.network.inject(Fault::on("load_canister_snapshot", reject).canister(light.id(refused)));
        let done = light.run(&[]).expect(5);
        assert!(done.stderr.contains("IC0413") || done.stderr.contains("inconsistent"), "{}", done.stderr);
        assert!(done.stderr.contains("icp-restore run light.toml"), "{}", done.stderr);
        for name in untouched {
            assert_eq!(light.count(name, "load_canister_snapshot"), 0, "{name}");
            let status = light.network.canister(light.id(name)).status;
            assert_eq!(status, if open { Status::Running } else { Status::Stopped }, "{name}");
        }
        light.verb(&["check", "light.journal.jsonl"]).expect(0);
        light.run(&[]).expect(0);
        light.assert_restored();
        for (name, ..) in &light.members {
            assert_eq!(light.count(name, "load_canister_snapshot"), 1, "{name}");
        }
    }
}
