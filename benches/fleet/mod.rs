//! Fleets of any size for benchmarks: the plan, its one artifact, and a network that does everything at once.
//!
//! The network keeps what a canister needs so that a restore goes through: whether it is stopped, and how many
//! snapshots it has. It is asked in the words of icp, in this process ([`NoOp`]) or by a program of the benchmark's.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
    fs, io,
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::{Arc, Mutex},
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::{
    artifact::{Seal, seal},
    diagnostic::Source,
    icp::{Command, Exit, How, Icp, Interrupt, Redactor, Reply, Run},
    id::Principal,
    journal::{Journal, event::Opened},
    operation,
    plan::{self, Reading},
    runner::{self, Artifact, Options, Runner},
};

/// What a canister is, as far as a restore asks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Canister {
    pub(crate) stopped: bool,
    pub(crate) snapshots: u64,
}

/// A network in this process.
#[derive(Debug)]
pub(crate) struct NoOp {
    /// The module that every canister has.
    pub(crate) module: String,
    canisters: Mutex<HashMap<String, Canister>>,
}

/// The id of a canister.
pub(crate) fn canister(number: usize) -> Principal {
    let mut bytes = (number as u64).to_be_bytes().to_vec();
    bytes.extend([1, 1]);
    Principal::from_slice(&bytes)
}

/// Makes the artifact that all members share, in `backup/artifact` of a folder.
pub(crate) fn artifact(folder: &Utf8Path) -> Result<(Utf8PathBuf, Seal), Box<dyn Error>> {
    let path = folder.join("backup").join("artifact");
    fs::create_dir_all(&path)?;
    fs::write(path.join("wasm_module.bin"), b"\0asm\x01\0\0\0")?;
    fs::write(path.join("wasm_memory.bin"), [7; 64])?;
    fs::write(path.join("stable_memory.bin"), [])?;
    let metadata = r#"{"source":{"taken_from_canister":null},"taken_at_timestamp":1,"wasm_module_size":8,"globals":[],"wasm_memory_size":64,
        "stable_memory_size":0,"wasm_chunk_store":[],"canister_version":7,"certified_data":[],"global_timer":"inactive",
        "on_low_wasm_memory_hook_status":"condition_not_satisfied"}"#;
    fs::write(path.join("metadata.json"), metadata)?;
    let seals = seal::all([path.as_path()], NonZeroUsize::MIN, &|_| ControlFlow::Continue(()));
    let sealed = seals.into_values().next();
    match sealed {
        Some(Ok(seal)) => Ok((path, seal)),
        other => Err(format!("{other:?}").into()),
    }
}

/// A plan of so many members, each below the one at an eighth of its place.
pub(crate) fn plan(members: usize, digest: &str) -> String {
    let mut text = "version = 1\nname = \"fleet\"\n[network]\nurl = \"http://127.0.0.1:4943\"\nroot-key = \"fetch\"\n\
        [backup]\nroot = \"backup\"\n[limits]\nupload = 8\nother = 8\n"
        .to_owned();
    for number in 0..members {
        let parent = if number == 0 { String::new() } else { format!("depends-on = [\"m{}\"]\n", (number - 1) / 8) };
        text += &format!(
            "\n[[member]]\nname = \"m{number}\"\nsource = \"{}\"\nsnapshot = {{ artifact = \"artifact\", sha256 = \"{digest}\" }}\n{parent}",
            canister(number)
        );
    }
    text
}

/// Reads a plan that is valid.
pub(crate) fn read(text: String) -> Result<Reading, Box<dyn Error>> {
    plan::read(&Source::new("fleet.toml", text)).map_err(|problems| format!("{problems:?}").into())
}

/// Restores a fleet from its one artifact, into a new journal.
pub(crate) fn restore(
    reading: &Reading,
    icp: &Icp,
    (path, seal): (Utf8PathBuf, Seal),
    file: &Utf8Path,
) -> Result<Journal, Box<dyn Error>> {
    let plan = &reading.plan;
    let artifact = Artifact { path, seal };
    let artifacts: BTreeMap<_, _> = plan.members.iter().map(|member| (member.name.clone(), artifact.clone())).collect();
    let opened = Opened {
        tool: "bench".to_owned(),
        plan: plan.name.clone(),
        digest: plan.digest(),
        text: reading.places.source.text().to_owned(),
        only: Vec::new(),
        icp: "icp 1.5.0".to_owned(),
        network: icp.selectors().to_vec(),
        targets: BTreeMap::new(),
        operations: operation::compile(plan).iter().cloned().collect(),
        parent: None,
    };
    let mut journal = Journal::create(file, opened)?;
    let options = Options {
        until: None,
        max_steps: None,
        partition: None,
        wait: Duration::ZERO,
        verify_upload: false,
        upload_memory: u64::MAX,
        expiry: Duration::ZERO,
        unanswered: None,
    };
    let runner = Runner {
        icp,
        plan,
        artifacts: &artifacts,
        options: &options,
        interrupt: &Interrupt::default(),
        redactor: &Redactor::default(),
    };
    let ending = runner::run(&runner, &mut journal, &mut |_, _| {})?;
    match journal.replay().is_complete() {
        true => Ok(journal),
        false => Err(format!("{ending:?}").into()),
    }
}

impl NoOp {
    /// A network whose canisters have the module of the artifact.
    pub(crate) fn new(module: String) -> Arc<Self> {
        Arc::new(Self { module, canisters: Mutex::default() })
    }
}

/// The network as icp.
#[derive(Debug)]
pub(crate) struct InProcess(pub(crate) Arc<NoOp>);

impl Run for InProcess {
    fn run(&self, command: &Command, _how: &How<'_>) -> io::Result<Reply> {
        let mut canisters = self.0.canisters.lock().map_err(|_| io::Error::other("a thread died"))?;
        let id = target(&command.args).to_owned();
        let stdout = answer(&command.args, &self.0.module, canisters.entry(id).or_default());
        Ok(Reply { exit: Exit::Code(0), stdout, stderr: String::new() })
    }
}

/// The canister that a command is about; of one about none, its first word.
pub(crate) fn target(args: &[String]) -> &str {
    let at = if args.get(1).is_some_and(|word| word == "snapshot") { 3 } else { 2 };
    args.get(at).or(args.first()).map_or("none", String::as_str)
}

/// What icp prints, and what becomes of the canister.
pub(crate) fn answer(args: &[String], module: &str, canister: &mut Canister) -> String {
    let words: Vec<&str> = args.iter().map(String::as_str).take(4).collect();
    let snapshot = |number: u64| {
        let owner = Principal::from_text(target(args)).map(|id| hex::encode(id.as_slice())).unwrap_or_default();
        format!("{number:016x}{owner}")
    };
    match words[..] {
        ["--version", ..] => "icp 1.5.0\n".to_owned(),
        ["canister", "stop", ..] => {
            canister.stopped = true;
            String::new()
        }
        ["canister", "start", ..] => {
            canister.stopped = false;
            String::new()
        }
        ["canister", "status", id, ..] => {
            let status = if canister.stopped { "Stopped" } else { "Running" };
            format!(
                r#"{{"id":"{id}","status":"{status}","settings":{{"controllers":["2vxsx-fae"]}},"module_hash":"0x{module}"}}"#
            )
        }
        ["canister", "snapshot", "list", ..] => {
            let all = (0..canister.snapshots).map(|number| {
                format!(r#"{{"snapshot_id":"{}","taken_at_timestamp":1,"total_size_bytes":72}}"#, snapshot(number))
            });
            format!(r#"{{"snapshots":[{}]}}"#, all.collect::<Vec<_>>().join(","))
        }
        ["canister", "snapshot", "upload" | "create", ..] => {
            canister.snapshots += 1;
            format!(r#"{{"snapshot_id":"{}"}}"#, snapshot(canister.snapshots - 1))
        }
        _ => String::new(),
    }
}
