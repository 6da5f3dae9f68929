//! A simulated fleet with artifacts, a plan and the program to run it.

use std::{num::NonZeroUsize, ops::ControlFlow, process::Command};

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::{
    artifact::seal,
    id::{Digest, Principal},
    simulate::{CanisterSpec, Content, Entry, Fleet, Method, Status},
};
use loopback::{SnapshotContent, wasm_module, write_artifact};
use tempfile::TempDir;

use super::process::{Done, done, program, until};

/// A fleet in a folder of its own, gone when it is dropped.
pub(super) struct Scene {
    _folder: TempDir,
    pub(super) path: Utf8PathBuf,
    pub(super) fleet: Fleet,
    pub(super) icp: Utf8PathBuf,
    pub(super) members: Vec<(String, Principal)>,
}

/// What goes into a plan after its members.
pub(super) const CAREFUL: &str = "
[limits]
upload = 1
other = 1
[retry]
attempts = 3
backoff = \"10ms\"
";

pub(super) fn principal(number: usize) -> Principal {
    let number = u32::try_from(number).unwrap().to_be_bytes();
    Principal::from_slice(&[&[0, 0, 0, 0], &number[..], &[1, 1]].concat())
}

/// What the artifact of a member holds.
pub(super) fn content(name: &str) -> SnapshotContent {
    let tag = name.as_bytes().iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    SnapshotContent { module: wasm_module(name), heap: vec![tag; 3000], stable: vec![tag; 1000], chunks: vec![] }
}

/// Makes an artifact and gives its seal.
pub(super) fn artifact(folder: &Utf8Path, content: &SnapshotContent) -> Digest {
    write_artifact(folder, content).unwrap();
    seal_of(folder)
}

pub(super) fn seal_of(folder: &Utf8Path) -> Digest {
    let seals = seal::all([folder], NonZeroUsize::MIN, &|_| ControlFlow::Continue(()));
    seals.into_values().next().unwrap().unwrap().plain
}

impl Scene {
    /// Members by name; each but the first depends on the one that stands half as far.
    pub(super) fn new(names: &[&str], rest: &str) -> Self {
        Self::with(names, rest, |_, _| {})
    }

    pub(super) fn with(names: &[&str], rest: &str, change: impl Fn(usize, &mut CanisterSpec)) -> Self {
        let folder = TempDir::new().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().canonicalize_utf8().unwrap();
        let mut text = "version = 1\nname = \"fleet\"\n[network]\nurl = \"http://127.0.0.1:4943\"\nroot-key = \"fetch\"\n[backup]\nroot = \"backup\"\n".to_owned();
        let mut specs = Vec::new();
        let mut members = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let id = principal(index + 1);
            let digest = artifact(&path.join("backup").join(name), &content(name));
            text += &format!(
                "[[member]]\nname = \"{name}\"\nsource = \"{id}\"\nsnapshot = {{ artifact = \"{name}\", sha256 = \"{digest}\" }}\n"
            );
            if index > 0 {
                text += &format!("depends-on = [\"{}\"]\n", names[(index - 1) / 2]);
            }
            let mut spec = CanisterSpec::new(id);
            spec.name = Some(name.parse().unwrap());
            spec.methods.insert("health".to_owned(), Method::Reply("(true)".to_owned()));
            change(index, &mut spec);
            specs.push(spec);
            members.push(((*name).to_owned(), id));
        }
        let fleet = Fleet::create(&path, &specs).unwrap();
        fleet.configure(|config| config.chunk = 1000).unwrap();
        let icp = fleet.install(Utf8Path::new(env!("CARGO_BIN_EXE_icp-restore"))).unwrap();
        std::fs::write(path.join("plan.toml"), text + rest).unwrap();
        Self { _folder: folder, path, fleet, icp, members }
    }

    pub(super) fn plan(&self) -> Utf8PathBuf {
        self.path.join("plan.toml")
    }

    pub(super) fn journal(&self) -> Utf8PathBuf {
        self.path.join("fleet.journal.jsonl")
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = program(&self.path);
        command.args(["run", "plan.toml", "--icp", self.icp.as_str()]).args(args);
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Done {
        done(self.command(args).spawn().unwrap())
    }

    /// Another verb.
    pub(super) fn verb(&self, args: &[&str]) -> Done {
        done(program(&self.path).args(args).spawn().unwrap())
    }

    pub(super) fn fault(&self, text: &str) {
        self.fleet.inject(&text.parse().unwrap()).unwrap();
    }

    #[track_caller]
    pub(super) fn wait_for(&self, barrier: &str) {
        let name = barrier.parse().unwrap();
        until(barrier, || self.fleet.reached(&name));
    }

    pub(super) fn release(&self, barrier: &str) {
        self.fleet.release(&barrier.parse().unwrap()).unwrap();
    }

    /// The lines of the journal.
    pub(super) fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.journal()).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    /// Makes the journal what it was so many lines ago.
    pub(super) fn cut(&self, lines: usize) {
        let all = self.lines();
        std::fs::write(self.journal(), all[..all.len() - lines].concat()).unwrap();
    }

    /// The effects on a member so far.
    pub(super) fn effects(&self, member: usize) -> Vec<Entry> {
        let id = self.members[member].1;
        let log = self.fleet.log().unwrap().into_iter();
        log.filter(|entry| entry.mutates && entry.canister == id && entry.detail.get("by").is_none()).collect()
    }

    /// How often a method had its effect on a member.
    pub(super) fn count(&self, member: usize, method: &str) -> usize {
        self.effects(member).iter().filter(|entry| entry.method == method).count()
    }

    pub(super) fn status(&self, member: usize) -> Status {
        self.fleet.canister(self.members[member].1).unwrap().status
    }

    /// Every member is what its artifact says and runs, and nothing unfinished was ever loaded, nor into what ran.
    #[track_caller]
    pub(super) fn assert_restored(&self) {
        for (name, id) in &self.members {
            let (state, wanted) = (self.fleet.canister(*id).unwrap(), content(name));
            assert_eq!(state.module_hash, Some(Digest::of(&wanted.module)), "{name}");
            assert_eq!(state.heap.bytes().unwrap(), wanted.heap, "{name}");
            assert_eq!(state.stable.bytes().unwrap(), wanted.stable, "{name}");
            assert_eq!(state.status, Status::Running, "{name}");
        }
        self.assert_honest();
    }

    /// No unfinished snapshot was loaded, and none into a canister that was not stopped.
    #[track_caller]
    pub(super) fn assert_honest(&self) {
        for entry in self.fleet.log().unwrap().iter().filter(|entry| entry.method == "load_canister_snapshot") {
            assert_eq!(entry.detail["complete"], true, "{entry:?}");
            assert_eq!(entry.status_before, Status::Stopped, "{entry:?}");
        }
    }
}

/// A canister without its own data: what a restore must put right.
pub(super) fn damaged() -> Content {
    Content::Bytes(vec![0; 10])
}
