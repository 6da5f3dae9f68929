//! The real `icp` 1.5.0 against the network: what it prints, and what it does to the fleet.

mod application;
mod faults;
mod lifecycle;
mod snapshots;

use std::time::Duration;

use camino::Utf8PathBuf;
use loopback::{
    Applied, CanisterSpec, Icp, IcpHome, Network, Options, Principal, Run, SnapshotContent, SnapshotId, require_icp,
    wasm_module, write_artifact,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A network with one running canister, and an operator who controls it.
struct Setup {
    network: Network,
    home: IcpHome,
    canister: Principal,
}

impl Setup {
    fn new() -> Option<Self> {
        Self::with(Options::default(), |spec| spec)
    }

    fn with(options: Options, change: impl FnOnce(CanisterSpec) -> CanisterSpec) -> Option<Self> {
        let home = IcpHome::new(&require_icp()?);
        let network = Network::start(options);
        let canister = network.create_canister(change(CanisterSpec::new([home.principal()])));
        Some(Self { network, home, canister })
    }

    fn icp(&self, args: &[&str]) -> Run {
        Icp::new(&self.home, &self.network).run(args)
    }

    /// `icp canister ACTION CANISTER ARGS`.
    fn canister(&self, action: &str, args: &[&str]) -> Run {
        self.icp(&[&["canister", action, &self.canister.to_text()], args].concat())
    }

    /// `icp canister snapshot ACTION CANISTER ARGS`.
    fn snapshot(&self, action: &str, args: &[&str]) -> Run {
        let id = self.canister.to_text();
        self.icp(&[&["canister", "snapshot", action, &id], args].concat())
    }

    fn artifact(&self, content: &SnapshotContent) -> Utf8PathBuf {
        let directory = self.home.path().join("artifact");
        write_artifact(&directory, content).expect("a home that can be written to");
        directory
    }

    /// The methods of the calls that changed something.
    fn changes(&self) -> Vec<String> {
        let log = self.network.log();
        let changed = log.into_iter().filter(Applied::changed);
        changed.map(|applied| applied.method).collect()
    }
}

fn content(heap: usize) -> SnapshotContent {
    SnapshotContent {
        module: wasm_module("second"),
        heap: (0..heap).map(|n| (n % 251 + 1) as u8).collect(),
        stable: vec![5; 65_536],
        chunks: vec![b"one chunk".to_vec(), b"another".to_vec()],
    }
}

fn id_of(run: &Run) -> SnapshotId {
    assert!(run.success(), "{run:?}");
    let json = run.json();
    let text = json["snapshot_id"].as_str().expect("a snapshot id");
    text.parse().expect("a snapshot id in hex")
}
