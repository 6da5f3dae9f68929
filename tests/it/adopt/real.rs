//! The ancestor's runner and ours over the loopback network, both by the real icp.

use std::{
    fs,
    process::{Command, Output},
};

use camino::{Utf8Path, Utf8PathBuf};
use loopback::{CanisterSpec, Icp, IcpHome, Network, Options, Principal, Status, require_icp, wasm_module};
use tempfile::TempDir;

use super::{
    ancestor::{self, Then},
    world::said,
};

struct Real {
    _folder: TempDir,
    path: Utf8PathBuf,
    network: Network,
    home: IcpHome,
    icp: Utf8PathBuf,
    /// With the heap that each is to have again.
    members: Vec<(&'static str, Principal, Vec<u8>)>,
}

impl Real {
    /// A root and an app below it: snapshots of both are downloaded, then both lose their data.
    fn new() -> Option<Self> {
        let icp = require_icp()?;
        let home = IcpHome::new(&icp);
        let folder = TempDir::new().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        let network = Network::start(Options::default());
        let members: Vec<_> = ["root", "app"]
            .map(|role| {
                let heap = role.as_bytes().repeat(100_000);
                let spec = CanisterSpec {
                    module: Some(wasm_module(role)),
                    heap: heap.clone(),
                    ..CanisterSpec::new([home.principal()])
                };
                (role, network.create_canister(spec), heap)
            })
            .into();
        let real = Self { _folder: folder, path, network, home, icp, members };
        for (role, id, _) in &real.members {
            let snapshot = real.network.with_canister(*id, |canister| canister.take_snapshot()).to_string();
            let artifact = real.backup().join("artifacts").join(role);
            let args = ["canister", "snapshot", "download", &id.to_text(), &snapshot, "--output", artifact.as_str()];
            let done = Icp::new(&real.home, &real.network).run(&args);
            assert!(done.success(), "{done:?}");
            real.network.with_canister(*id, |canister| canister.heap = vec![0; 65_536].into());
        }
        let members = [("root", real.members[0].1, None), ("app", real.members[1].1, Some(0))];
        let manifest = ancestor::manifest(&real.backup(), &members);
        fs::write(real.backup().join("fleet-backup-manifest.json"), manifest.to_string()).unwrap();
        Some(real)
    }

    fn backup(&self) -> Utf8PathBuf {
        self.path.join("backup")
    }

    /// The ancestor's runner does so many operations, and one more in some way.
    fn ancestor(&self, operations: usize, then: Then) {
        let key = self.network.root_key_hex();
        let icp = |args: &[String]| self.home.command().args(args).args(["-k", &key]).output().unwrap();
        ancestor::run(&self.backup(), &self.network.url(), &icp, operations, then);
    }

    fn program(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_icp-restore"));
        command.env_clear().env("ICP_HOME", self.home.path()).current_dir(&self.path);
        command.args(args).output().unwrap()
    }

    fn count(&self, method: &str, at: usize) -> usize {
        let log = self.network.log();
        log.iter().filter(|call| call.changed() && call.canister == self.members[at].1 && call.method == method).count()
    }
}

#[test]
fn a_restore_of_the_ancestor_goes_on_by_the_real_icp() {
    // After the uploads and a stop; after the stops, while the second upload was lost; after all but the verification.
    for (operations, then) in [(3, Then::Stop), (1, Then::LoseReply), (8, Then::Stop)] {
        let Some(real) = Real::new() else { return };
        let about = format!("{operations} and {then:?}");
        real.ancestor(operations, then);
        let init = real.program(&["init", "--from", "backup"]);
        assert!(init.status.success(), "{about}: {}", said(&init));
        let plan = real.path.join("backup.toml");
        let url = format!("url = \"{}\"\nroot-key = \"{}\"", real.network.url(), real.network.root_key_hex());
        let text = fs::read_to_string(&plan).unwrap().replace("environment = \"staging\"", &url);
        // Once something is loaded, no snapshot from before can be taken any more.
        let safety = if operations > 4 { "\n[safety]\nsnapshot = false\n" } else { "" };
        fs::write(&plan, text + safety).unwrap();
        let journal = ancestor::journal(Utf8Path::new("backup"));
        let run = real.program(&["run", "backup.toml", "--adopt", journal.as_str(), "--icp", real.icp.as_str()]);
        assert_eq!(run.status.code(), Some(0), "{about}: {}", said(&run));
        for (at, (role, id, heap)) in real.members.iter().enumerate() {
            let canister = real.network.canister(*id);
            assert!(canister.status == Status::Running && canister.heap.bytes() == heap.as_slice(), "{about}: {role}");
            assert_eq!(
                (real.count("stop_canister", at), real.count("load_canister_snapshot", at)),
                (1, 1),
                "{about}: {role}"
            );
        }
        let again = usize::from(then == Then::LoseReply);
        assert_eq!(real.count("upload_canister_snapshot_metadata", 0), 1, "{about}");
        assert_eq!(real.count("upload_canister_snapshot_metadata", 1), 1 + again, "{about}");
        let checked = real.program(&["check", "fbk-20260410.journal.jsonl"]);
        assert!(checked.status.success(), "{about}: {}", said(&checked));
    }
}
