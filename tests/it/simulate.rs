//! The stand-in for icp, started as the runner starts it: through a link named `icp` beside a fleet.

#![cfg(test)]

mod fault;
pub(crate) mod script;

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::{
    id::{Digest, Name, Principal, SnapshotId},
    simulate::{CanisterSpec, Content, Fleet, Method, SnapshotSpec, Status},
};
use tempfile::TempDir;

/// A fleet in a folder of its own, gone when it is dropped.
struct Stage {
    _folder: TempDir,
    path: Utf8PathBuf,
    fleet: Fleet,
    icp: Utf8PathBuf,
}

/// What a command did.
struct Done {
    code: Option<i32>,
    signal: Option<i32>,
    stdout: String,
    stderr: String,
}

fn principal(number: u8) -> Principal {
    Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, number, 1, 1])
}

fn id(number: u64, canister: Principal) -> SnapshotId {
    let text = format!("{number:016x}{}", hex::encode(canister.as_slice()));
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn app() -> CanisterSpec {
    let mut app = CanisterSpec::new(principal(1));
    app.name = Some(name("app"));
    app.methods.insert("health".to_owned(), Method::Reply("(true)".to_owned()));
    app
}

impl Stage {
    fn new(canisters: &[CanisterSpec]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        let fleet = Fleet::create(&path, canisters).unwrap();
        let icp = fleet.install(Utf8Path::new(env!("CARGO_BIN_EXE_icp-restore"))).unwrap();
        Self { _folder: folder, path, fleet, icp }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.icp);
        command.env_clear().stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.args(line.split_whitespace());
        if line.starts_with("canister") && !line.contains(" -n") && !line.contains(" -e ") {
            command.args(["-n", "http://127.0.0.1:4943", "-k", "fetch"]);
        }
        command
    }

    fn run(&self, line: &str) -> Done {
        done(self.command(line).spawn().unwrap())
    }

    /// Runs a command that must succeed.
    fn ok(&self, line: &str) -> String {
        let done = self.run(line);
        assert_eq!((done.code, &*done.stderr_of_failure()), (Some(0), ""), "{line}");
        done.stdout
    }

    fn fault(&self, text: &str) {
        self.fleet.inject(&text.parse().unwrap()).unwrap();
    }

    /// The effects so far, as `method canister`.
    fn effects(&self) -> Vec<String> {
        let log = self.fleet.log().unwrap();
        log.iter().filter(|entry| entry.mutates).map(|entry| entry.method.clone()).collect()
    }

    fn status(&self, number: u8) -> Status {
        self.fleet.canister(principal(number)).unwrap().status
    }

    /// Makes an artifact of a module, a heap and a stable memory; gives its directory.
    fn artifact(&self, module: &[u8], heap: &[u8], stable: &[u8]) -> Utf8PathBuf {
        let directory = self.path.join(format!("artifact-{}", Digest::of([module, heap, stable].concat())));
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("wasm_module.bin"), module).unwrap();
        std::fs::write(directory.join("wasm_memory.bin"), heap).unwrap();
        std::fs::write(directory.join("stable_memory.bin"), stable).unwrap();
        let metadata = script::metadata()
            .replace("\"wasm_module_size\":11", &format!("\"wasm_module_size\":{}", module.len()))
            .replace("\"wasm_memory_size\":3000", &format!("\"wasm_memory_size\":{}", heap.len()))
            .replace("\"stable_memory_size\":500", &format!("\"stable_memory_size\":{}", stable.len()));
        std::fs::write(directory.join("metadata.json"), metadata).unwrap();
        directory
    }

    fn wait_for(&self, barrier: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.fleet.reached(&name(barrier)) {
            assert!(Instant::now() < deadline, "nobody comes to {barrier}");
            std::thread::yield_now();
        }
    }
}

impl Done {
    fn stderr_of_failure(&self) -> String {
        match self.code {
            Some(0) => String::new(),
            _ => self.stderr.clone(),
        }
    }
}

fn done(child: Child) -> Done {
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code(),
        signal: output.status.signal(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

const MODULE: &[u8] = b"\0asm\x01\0\0\0\0\x02\x01a";

#[test]
fn the_script_gives_what_icp_was_seen_to_give() {
    let mut target = CanisterSpec::new(principal(1));
    target.module = Some(Content::Bytes(script::module()));
    target.heap = Content::Bytes(script::HEAP.to_vec());
    for (method, reply) in script::METHODS {
        target.methods.insert(method.to_owned(), Method::Reply(reply.to_owned()));
    }
    target.methods.insert("broken".to_owned(), Method::Reject("broken".to_owned()));
    let stage = Stage::new(&[target]);
    let scratch = stage.path.join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let base = ["-n", "http://127.0.0.1:4943", "-k", "fetch"];
    let target = principal(1);
    let steps = script::run(&stage.icp, &base, &target.to_text(), target.as_slice(), &scratch);
    let text: String = steps
        .iter()
        .map(|step| {
            let code = step.code.map_or("killed".to_owned(), |code| code.to_string());
            let error_code = step.error_code.as_deref().unwrap_or_default();
            let lines: String = step.stdout.lines().map(|line| format!("| {line}\n")).collect();
            let end = match step.stdout.chars().last() {
                Some('\n') | None => "",
                Some(_) => "| (no line end)\n",
            };
            format!("$ {}\n{lines}{end}{code} {error_code}{}\n", step.command, step.error)
        })
        .collect();
    snapbox::assert_data_eq!(text, snapbox::file!["simulate/script.txt"].raw());
}

#[test]
fn a_snapshot_brings_code_and_memories_back() {
    let stage = Stage::new(&[app()]);
    stage.fleet.configure(|config| config.chunk = 1000).unwrap();
    let artifact = stage.artifact(MODULE, &[3; 2500], &[4; 10]);
    let app = principal(1);
    let answer = stage.ok(&format!("canister snapshot upload {app} --input {artifact} --json"));
    assert_eq!(answer, format!("{{\"snapshot_id\":\"{}\"}}", id(0, app)));
    let mut files: Vec<_> = artifact.read_dir_utf8().unwrap().map(|f| f.unwrap().file_name().to_owned()).collect();
    files.sort();
    let expected = [".lock", "metadata.json", "stable_memory.bin", "wasm_memory.bin", "wasm_module.bin"];
    assert_eq!(files, expected);
    // The fleet has its own copy.
    std::fs::remove_dir_all(&artifact).unwrap();
    stage.ok(&format!("canister stop {app}"));
    stage.ok(&format!("canister snapshot restore {app} {}", id(0, app)));
    let state = stage.fleet.canister(app).unwrap();
    assert_eq!(state.module_hash, Some(Digest::of(MODULE)));
    assert_eq!(state.heap.bytes().unwrap(), [3; 2500]);
    assert_eq!(state.stable.digest().unwrap(), Digest::of([4; 10]));
    let log = stage.fleet.log().unwrap();
    let chunks = log.iter().filter(|entry| entry.method == "upload_canister_snapshot_data").count();
    assert_eq!(chunks, 1 + 3 + 1);
    assert!(log.iter().enumerate().all(|(at, entry)| entry.n == at as u64 + 1));
    let load = log.last().unwrap();
    assert_eq!((&*load.method, load.status_before), ("load_canister_snapshot", Status::Stopped));
    assert_eq!(load.detail["complete"], true);
}

#[test]
fn large_artifacts_are_referred_to() {
    let stage = Stage::new(&[app()]);
    stage.fleet.configure(|config| config.copy_up_to = 100).unwrap();
    let artifact = stage.artifact(MODULE, &[3; 2500], &[]);
    let app = principal(1);
    stage.ok(&format!("canister snapshot upload {app} -i {artifact} --json"));
    let state = stage.fleet.canister(app).unwrap();
    assert_eq!(state.snapshots[0].heap.bytes().unwrap(), [3; 2500]);
    assert!(!state.snapshots[0].is_complete() || state.snapshots[0].total_size() == 2500 + MODULE.len() as u64);
    std::fs::remove_file(artifact.join("wasm_memory.bin")).unwrap();
    assert!(state.snapshots[0].heap.bytes().is_err());
}

#[test]
fn snapshots_that_are_there_already_can_be_loaded() {
    let mut spec = app();
    let wanted = Digest::of("code that nobody has");
    spec.snapshots.push(SnapshotSpec {
        id: id(4, principal(1)),
        module: Content::Digest { size: 5_000_000, digest: wanted },
        heap: Content::Bytes(vec![1; 9]),
        stable: Content::Bytes(Vec::new()),
    });
    spec.status = Status::Stopped;
    let stage = Stage::new(&[spec]);
    let app = principal(1);
    stage.ok(&format!("canister snapshot restore {app} {}", id(4, app)));
    assert_eq!(stage.fleet.canister(app).unwrap().module_hash, Some(wanted));
    assert!(stage.ok(&format!("canister snapshot create {app} --json")).contains(&id(5, app).to_string()));
}

#[test]
fn others_see_less_and_may_nothing() {
    let stage = Stage::new(&[app()]);
    let (app, other) = (principal(1), principal(9));
    stage
        .fleet
        .configure(|config| {
            config.identities.insert("other".to_owned(), other);
        })
        .unwrap();
    assert_eq!(stage.ok("identity principal --identity other"), format!("{other}\n"));
    let status = stage.run(&format!("canister status {app} --json --identity other"));
    let hash = stage.fleet.canister(app).unwrap().module_hash.unwrap();
    let expected = format!("{{\"id\":\"{app}\",\"controllers\":[\"2vxsx-fae\"],\"module_hash\":\"0x{hash}\"}}\n");
    assert_eq!((status.code, status.stdout, &*status.stderr), (Some(0), expected, ""));
    let stop = stage.run(&format!("canister stop {app} --identity other"));
    assert_eq!((stop.code, &*stop.stdout), (Some(1), ""));
    assert!(stop.stderr.contains("error code Some(\"IC0512\")"), "{}", stop.stderr);
    // A proxy that is a controller may, in words of its own.
    stage.fleet.update(app, |state| state.controllers = vec![other]).unwrap();
    stage.ok(&format!("canister stop {app} --proxy {other}"));
    let start = stage.run(&format!("canister start {app} --proxy {}", principal(8)));
    assert!(start.stderr.starts_with("Error: proxy call failed: Proxy call failed: Only"), "{}", start.stderr);
}

#[test]
fn names_need_an_environment() {
    let stage = Stage::new(&[app()]);
    let app = principal(1);
    let status = stage.ok("canister status app -e staging --json");
    assert!(status.starts_with(&format!("{{\"id\":\"{app}\",\"name\":\"app\",\"status\":\"Running\",")), "{status}");
    let all = stage.ok("canister status -e staging --json");
    assert_eq!(all, status);
    let wrong = stage.run("canister stop app");
    assert!(wrong.stderr.starts_with("Error: Specifying a network is not supported"), "{}", wrong.stderr);
    let nowhere = done(
        Command::new(&stage.icp).args(["canister", "stop", "app"]).env_clear().stderr(Stdio::piped()).spawn().unwrap(),
    );
    assert_eq!(nowhere.code, Some(1));
    assert!(nowhere.stderr.starts_with("Error: No project found"), "{}", nowhere.stderr);
    let mut fought = stage.command(&format!("canister stop {app}"));
    assert_eq!(done(fought.env("ICP_ENVIRONMENT", "staging").spawn().unwrap()).code, Some(2));
    assert_eq!(stage.run(&format!("canister stop {app} -nhttp://127.0.0.1:1")).code, Some(2));
    assert_eq!(stage.status(1), Status::Running);
}

#[test]
fn a_slow_stop_is_waited_for_and_a_stuck_one_given_up() {
    let mut slow = app();
    slow.stop_takes = Duration::from_millis(80);
    let mut stuck = CanisterSpec::new(principal(2));
    stuck.stop_takes = Duration::MAX;
    let stage = Stage::new(&[slow, stuck]);
    stage.fleet.configure(|config| config.call_timeout = Duration::from_millis(300)).unwrap();
    stage.ok(&format!("canister stop {}", principal(1)));
    assert_eq!(stage.status(1), Status::Stopped);
    let stuck = stage.run(&format!("canister stop {}", principal(2)));
    assert_eq!(stuck.code, Some(1));
    assert!(stuck.stderr.contains("The request timed out."), "{}", stuck.stderr);
    assert_eq!(stage.status(2), Status::Stopping);
    let create = stage.run(&format!("canister snapshot create {} --json", principal(2)));
    assert!(create.stderr.contains("is still stopping. Please wait for it to fully stop."), "{}", create.stderr);
    stage.ok(&format!("canister start {}", principal(2)));
    assert_eq!(stage.status(2), Status::Running);
}

#[test]
fn many_processes_work_at_once() {
    let specs: Vec<_> = (0..40).map(|number| CanisterSpec::new(principal(number))).collect();
    let stage = Stage::new(&specs);
    stage.fault("stop-canister *#7: reject IC0207 times 3");
    let start = |line: String| stage.command(&line).spawn().unwrap();
    let stops: Vec<_> = (0..40).map(|number| start(format!("canister stop {}", principal(number)))).collect();
    let refused = stops.into_iter().map(done).filter(|done| done.code != Some(0)).count();
    assert_eq!(refused, 3);
    let mut ns: Vec<u64> = stage.fleet.log().unwrap().iter().map(|entry| entry.n).collect();
    assert_eq!(ns.len(), 37);
    ns.dedup();
    assert_eq!(ns, (1..=37).collect::<Vec<_>>());
    // One canister, many at once: no snapshot is lost, and none is one too many.
    let target = (0..40).map(principal).find(|id| stage.fleet.canister(*id).unwrap().status == Status::Stopped);
    let target = target.unwrap();
    let takes: Vec<_> = (0..14).map(|_| start(format!("canister snapshot create {target} -q"))).collect();
    let taken: Vec<_> = takes.into_iter().map(done).filter(|done| done.code == Some(0)).collect();
    assert_eq!(taken.len(), 10);
    assert_eq!(stage.fleet.canister(target).unwrap().snapshots.len(), 10);
}

#[test]
fn a_killed_upload_goes_on() {
    let stage = Stage::new(&[app(), CanisterSpec::new(principal(2))]);
    stage.fleet.configure(|config| config.chunk = 100).unwrap();
    let artifact = stage.artifact(MODULE, &[3; 1000], &[4; 200]);
    let upload = format!("canister snapshot upload {} -i {artifact} --json", principal(1));
    stage.fault("upload-snapshot app: kill-icp middle");
    let killed = stage.run(&upload);
    assert_eq!((killed.signal, &*killed.stdout), (Some(9), ""));
    assert!(killed.stderr.contains(&format!("Created snapshot {} for upload", id(0, principal(1)))));
    let half = stage.fleet.canister(principal(1)).unwrap().snapshots.remove(0);
    assert!(!half.is_complete() && half.module.is_complete() && half.heap.written() == 500, "{half:?}");
    // Of another canister, the progress is believed: icp goes on with the first one's snapshot.
    let elsewhere = stage.run(&format!("canister snapshot upload {} -i {artifact} --json --resume", principal(2)));
    assert!(elsewhere.stderr.contains("IC0406"), "{}", elsewhere.stderr);
    assert_eq!(stage.ok(&format!("{upload} --resume")), format!("{{\"snapshot_id\":\"{}\"}}", id(0, principal(1))));
    let state = stage.fleet.canister(principal(1)).unwrap();
    assert!(state.snapshots[0].is_complete());
    assert_eq!(state.snapshots[0].heap.bytes().unwrap(), [3; 1000]);
    let metadata = stage.effects().iter().filter(|method| method.ends_with("metadata")).count();
    assert_eq!(metadata, 1);
    assert!(!artifact.join(".upload_progress.json").exists());
}

#[test]
fn uploads_of_one_directory_take_turns() {
    let stage = Stage::new(&[app()]);
    let artifact = stage.artifact(MODULE, &[3; 10], &[]);
    stage.fault("upload-snapshot app: barrier held middle");
    let upload = format!("canister snapshot upload {} -i {artifact} --json", principal(1));
    let first = stage.command(&upload).spawn().unwrap();
    stage.wait_for("held");
    let second = stage.command(&upload).spawn().unwrap();
    // The lock is the kernel's, so it tells whether the second could have begun.
    let lock = std::fs::File::open(artifact.join(".lock")).unwrap();
    assert!(lock.try_lock().is_err());
    stage.fleet.release(&name("held")).unwrap();
    assert_eq!((done(first).code, done(second).code), (Some(0), Some(0)));
    assert_eq!(stage.fleet.canister(principal(1)).unwrap().snapshots.len(), 2);
}

#[test]
fn kills_at_any_instant_leave_a_log_that_tells_the_truth() {
    let mut spec = app();
    spec.status = Status::Stopped;
    let stage = Stage::new(&[spec]);
    let app = principal(1);
    let take = format!("canister snapshot create {app} --json");
    for round in 0..60_u64 {
        let mut child = stage.command(&take).spawn().unwrap();
        let until = Instant::now() + Duration::from_micros(round * 60);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        stage
            .fleet
            .update(app, |state| {
                let keep = state.snapshots.len().saturating_sub(8);
                state.snapshots.drain(..keep);
            })
            .unwrap();
    }
    let taken = stage.effects().iter().filter(|method| *method == "take_canister_snapshot").count();
    assert_eq!(stage.fleet.canister(app).unwrap().next_snapshot, taken as u64);
}

#[test]
fn a_change_counts_from_its_line_in_the_log_on() {
    let stage = Stage::new(&[app()]);
    let app = principal(1);
    let directory = stage.path.join("fleet").join(app.to_text());
    let (state, next) = (directory.join("state.json"), directory.join("next.json"));
    let running = std::fs::read_to_string(&state).unwrap();
    stage.ok(&format!("canister stop {app}"));
    // Killed after the line and before the rename.
    std::fs::rename(&state, &next).unwrap();
    std::fs::write(&state, running).unwrap();
    assert_eq!(stage.status(1), Status::Stopped);
    // Killed before the line: the same change, of a line that is not there.
    let unlogged = std::fs::read_to_string(&state).unwrap();
    let unlogged = unlogged.replace("\"applied\":1", "\"applied\":2");
    std::fs::write(&next, unlogged.replace("Stopped", "Running")).unwrap();
    assert_eq!(stage.status(1), Status::Stopped);
    assert!(!next.exists());
    // Killed within the line.
    let log = stage.path.join("fleet/log.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text + "{\"n\":2,\"at").unwrap();
    stage.ok(&format!("canister start {app}"));
    assert_eq!(stage.effects(), ["stop_canister", "start_canister"]);
}

#[test]
fn a_program_of_another_name_is_not_icp() {
    let stage = Stage::new(&[app()]);
    std::fs::rename(&stage.icp, stage.path.join("other")).unwrap();
    let mut other = Command::new(stage.path.join("other"));
    let output = other.args(["canister", "stop", &principal(1).to_text(), "-n", "ic"]).output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("icp 1.5.0"));
    assert_eq!(stage.status(1), Status::Running);
}
