//! A simulated fleet of members m0, m1, …: a tree in which each has two below it.

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::{
    artifact::seal,
    id::Principal,
    journal::{self, event::Event},
    operation::{Kind, Operation, Sequence},
    simulate::{CanisterSpec, Fleet},
};
use loopback::{SnapshotContent, wasm_module, write_artifact};
use tempfile::TempDir;

pub(super) struct Scene {
    _folder: TempDir,
    pub(super) path: Utf8PathBuf,
    pub(super) fleet: Fleet,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// The size of the heap of every member: the largest blob.
pub(super) const HEAP: usize = 3000;

pub(super) fn principal(member: usize) -> Principal {
    Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, u8::try_from(member + 1).unwrap(), 1, 1])
}

impl Scene {
    pub(super) fn new(members: usize, rest: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
        let mut text = "version = 1\nname = \"fleet\"\n[network]\nurl = \"http://127.0.0.1:4943\"\nroot-key = \"fetch\"\n[backup]\nroot = \"backup\"\n".to_owned();
        let mut specs = Vec::new();
        for member in 0..members {
            let (id, name) = (principal(member), format!("m{member}"));
            let artifact = path.join("backup").join(&name);
            let content = SnapshotContent {
                module: wasm_module(&name),
                heap: vec![1; HEAP],
                stable: vec![2; 100],
                chunks: vec![],
            };
            write_artifact(&artifact, &content).unwrap();
            let seals = seal::all([artifact.as_path()], NonZeroUsize::MIN, &|_| ControlFlow::Continue(()));
            let digest = seals.into_values().next().unwrap().unwrap().plain;
            text += &format!(
                "[[member]]\nname = \"{name}\"\nsource = \"{id}\"\nsnapshot = {{ artifact = \"{name}\", sha256 = \"{digest}\" }}\n"
            );
            if member > 0 {
                text += &format!("depends-on = [\"m{}\"]\n", (member - 1) / 2);
            }
            let mut spec = CanisterSpec::new(id);
            spec.name = Some(name.parse().unwrap());
            specs.push(spec);
        }
        std::fs::write(path.join("plan.toml"), text + rest).unwrap();
        let fleet = Fleet::create(&path, &specs).unwrap();
        fleet.configure(|config| config.chunk = 1000).unwrap();
        fleet.install(Utf8Path::new(env!("CARGO_BIN_EXE_icp-restore"))).unwrap();
        Self { _folder: folder, path, fleet }
    }

    pub(super) fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_icp-restore"));
        command.env_clear().current_dir(&self.path).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub(super) fn verb(&self, args: &[&str]) -> Done {
        done(self.start(args))
    }

    /// `run plan.toml` with more arguments.
    pub(super) fn run(&self, args: &[&str]) -> Done {
        done(self.begin(args))
    }

    pub(super) fn begin(&self, args: &[&str]) -> Child {
        self.start(&[&["run", "plan.toml", "--icp", self.path.join("icp").as_str()], args].concat())
    }

    pub(super) fn fault(&self, text: &str) {
        self.fleet.inject(&text.parse().unwrap()).unwrap();
    }

    pub(super) fn wait_for(&self, barrier: &str) {
        until(barrier, || self.fleet.reached(&barrier.parse().unwrap()));
    }

    pub(super) fn release(&self, barrier: &str) {
        self.fleet.release(&barrier.parse().unwrap()).unwrap();
    }

    pub(super) fn journal(&self) -> Utf8PathBuf {
        self.path.join("fleet.journal.jsonl")
    }

    pub(super) fn events(&self) -> Vec<Event> {
        journal::events(&self.journal()).unwrap().into_iter().map(|(_, event)| event).collect()
    }

    pub(super) fn operations(&self) -> Vec<Operation> {
        journal::load(&self.journal()).unwrap().operations.iter().cloned().collect()
    }

    /// What was claimed, in order, but for verifications.
    pub(super) fn claimed(&self) -> Vec<Sequence> {
        let operations = self.operations();
        let claimed = self.events().into_iter().filter_map(|event| match event {
            Event::Claimed(claimed) => Some(claimed.operation),
            _ => None,
        });
        claimed.filter(|sequence| operations[sequence.index()].kind.mutates()).collect()
    }

    /// Where in the network's log the effects of an operation are: first and last.
    pub(super) fn effects(&self, operation: &Operation) -> Option<(usize, usize)> {
        let method = match operation.kind {
            Kind::UploadSnapshot => "upload_canister_snapshot_",
            Kind::StopCanister => "stop_canister",
            Kind::TakeSnapshot => "take_canister_snapshot",
            Kind::LoadSnapshot => "load_canister_snapshot",
            Kind::StartCanister => "start_canister",
            Kind::VerifyMember | Kind::VerifyFleet => return None,
            Kind::DeleteSnapshot => "delete_canister_snapshot",
        };
        let log = self.fleet.log().unwrap();
        let its = log.iter().enumerate().filter(|(_, entry)| {
            entry.canister.to_text() == operation.target.to_string() && entry.method.starts_with(method)
        });
        let its: Vec<usize> = its.map(|(at, _)| at).collect();
        Some((*its.first()?, *its.last()?))
    }

    pub(super) fn count(&self, method: &str) -> usize {
        self.fleet.log().unwrap().iter().filter(|entry| entry.method == method).count()
    }
}

impl Done {
    #[track_caller]
    pub(super) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }
}

pub(super) fn done(child: Child) -> Done {
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits until something is so, and fails a test where it never comes to be.
#[track_caller]
pub(super) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
