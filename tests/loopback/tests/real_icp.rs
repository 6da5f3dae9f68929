//! The real `icp` 1.5.0 against the network: what it prints, and what it does to the fleet.

use std::{collections::BTreeMap, fs, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use loopback::{
    Action, Applied, CanisterSpec, DataKind, Fault, Icp, IcpHome, Method, Network, Options,
    Outcome, Principal, Reject, Response, Run, SnapshotContent, SnapshotId, Status, When,
    require_icp, wasm_module, write_artifact,
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
        Some(Self {
            network,
            home,
            canister,
        })
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
        write_artifact(&directory, content).unwrap();
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
    run.json()["snapshot_id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_status_has_every_field_that_icp_asks_for() {
    let Some(setup) = Setup::new() else { return };
    let status = setup.canister("status", &["--json"]).json();
    assert_eq!(status["status"], "Running");
    assert_eq!(status["cycles"], "3_000_000_000_000");
    let hash = setup
        .network
        .canister(setup.canister)
        .module_hash()
        .unwrap();
    assert_eq!(status["module_hash"], format!("0x{}", hex::encode(hash)));
    assert_eq!(
        status["settings"]["controllers"][0],
        setup.home.principal().to_text()
    );
}

#[test]
fn a_root_key_can_be_fetched_and_a_wrong_one_is_refused_after_the_effect() {
    let Some(setup) = Setup::new() else { return };
    let url = setup.network.url();
    let other = Network::start(Options {
        key_seed: 1,
        ..Options::default()
    });
    let stop = |key: &str| {
        let mut command = setup.home.command();
        command.args(["canister", "stop", &setup.canister.to_text()]);
        Run::from(command.args(["-n", &url, "-k", key]).output().unwrap())
    };
    let run = stop(&other.root_key_hex());
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("Certificate verification failed"),
        "{run:?}"
    );
    assert_eq!(setup.changes(), ["stop_canister"]);
    assert!(stop("fetch").success());
}

#[test]
fn a_stranger_sees_the_public_part_of_a_status_and_may_do_nothing() {
    let Some(setup) = Setup::new() else { return };
    setup.home.new_identity("stranger");
    let status = setup.canister("status", &["--json", "--identity", "stranger"]);
    assert_eq!(status.json()["status"], serde_json::Value::Null);
    assert_eq!(
        status.json()["controllers"][0],
        setup.home.principal().to_text()
    );
    let stop = setup.canister("stop", &["--identity", "stranger"]);
    assert_eq!(stop.code, Some(1));
    assert!(
        stop.stderr.contains(r#"error code Some("IC0512")"#),
        "{stop:?}"
    );
    assert!(setup.changes().is_empty());
}

#[test]
fn an_unknown_canister_is_said_to_be_unknown() {
    let Some(setup) = Setup::new() else { return };
    setup.network.remove_canister(setup.canister);
    let status = setup.canister("status", &["--json"]);
    assert_eq!(status.code, Some(1));
    let expected = format!("Error: Canister {} was not found.", setup.canister);
    assert!(status.stderr.contains(&expected), "{status:?}");
}

#[test]
fn stop_and_start_print_nothing_and_change_the_status() {
    let Some(setup) = Setup::new() else { return };
    let silent = Run {
        code: Some(0),
        stdout: String::new(),
        stderr: String::new(),
    };
    assert_eq!(setup.canister("stop", &[]), silent);
    assert_eq!(
        setup.network.canister(setup.canister).status,
        Status::Stopped
    );
    assert_eq!(setup.canister("start", &[]), silent);
    assert_eq!(
        setup.network.canister(setup.canister).status,
        Status::Running
    );
    assert_eq!(setup.changes(), ["stop_canister", "start_canister"]);
}

#[test]
fn a_slow_stop_is_polled_for() {
    let Some(setup) = Setup::with(Options::default(), |spec| CanisterSpec {
        stop_delay: Duration::from_millis(700),
        ..spec
    }) else {
        return;
    };
    assert!(setup.canister("stop", &[]).success());
    assert_eq!(
        setup.network.canister(setup.canister).status,
        Status::Stopped
    );
    let log = setup.network.log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].outcome, Outcome::Pending);
}

#[test]
fn a_start_cancels_a_stop_that_never_ends() {
    let Some(setup) = Setup::with(Options::default(), |spec| CanisterSpec {
        stop_delay: Duration::MAX,
        ..spec
    }) else {
        return;
    };
    let icp = Icp::new(&setup.home, &setup.network);
    let stop = icp.command(&["canister", "stop", &setup.canister.to_text()]);
    let stop = { stop }.spawn().unwrap();
    let pending = |applied: &Applied| applied.outcome == Outcome::Pending;
    setup.network.wait_applied(PATIENCE, pending).unwrap();
    assert_eq!(
        setup.canister("status", &["--json"]).json()["status"],
        "Stopping"
    );
    assert!(setup.canister("start", &[]).success());
    let stop = Run::from(stop.wait_with_output().unwrap());
    assert_eq!(stop.code, Some(1));
    assert!(stop.stderr.contains("IC0511"), "{stop:?}");
}

#[test]
fn a_snapshot_is_taken_listed_replaced_and_deleted() {
    let Some(setup) = Setup::new() else { return };
    let running = setup.snapshot("create", &["--json"]);
    assert!(
        running.stderr.contains("is currently running"),
        "{running:?}"
    );
    assert!(setup.canister("stop", &[]).success());
    let first = id_of(&setup.snapshot("create", &["--json"]));
    assert_eq!(first, SnapshotId::new(0, setup.canister));
    let second = id_of(&setup.snapshot("create", &["--json", "--replace", &first.to_string()]));
    let list = setup.snapshot("list", &["--json"]).json();
    assert_eq!(list["snapshots"].as_array().unwrap().len(), 1);
    assert_eq!(list["snapshots"][0]["snapshot_id"], second.to_string());
    assert!(setup.snapshot("delete", &[&second.to_string()]).success());
    let gone = setup.snapshot("delete", &[&second.to_string()]);
    assert!(gone.stderr.contains(r#"Some("IC0305")"#), "{gone:?}");
    let list = setup.snapshot("list", &["--json"]);
    assert_eq!(list.stdout, r#"{"snapshots":[]}"#);
}

#[test]
fn an_eleventh_snapshot_is_refused_but_not_a_replacement() {
    let Some(setup) = Setup::new() else { return };
    let oldest = setup.network.with_canister(setup.canister, |canister| {
        canister.set_status(Status::Stopped);
        let ids: Vec<_> = (0..10).map(|_| canister.take_snapshot()).collect();
        ids[0].to_string()
    });
    let refused = setup.snapshot("create", &["--json"]);
    assert!(refused.stderr.contains(r#"Some("IC0406")"#), "{refused:?}");
    assert_eq!(refused.stdout, "");
    let replaced = setup.snapshot("create", &["--json", "--replace", &oldest]);
    assert_eq!(id_of(&replaced), SnapshotId::new(10, setup.canister));
}

#[test]
fn an_upload_arrives_whole_and_a_restore_changes_the_canister() {
    let Some(setup) = Setup::new() else { return };
    let content = content(5_000_000);
    let artifact = setup.artifact(&content);
    let upload = setup.snapshot("upload", &["-i", artifact.as_str(), "--json"]);
    let id = id_of(&upload);
    let canister = setup.network.canister(setup.canister);
    let snapshot = canister.snapshot(&id).unwrap();
    assert!(snapshot.is_complete(), "{:?}", snapshot.missing());
    assert_eq!(snapshot.heap.bytes(), content.heap);
    assert_eq!(snapshot.stable.bytes(), content.stable);
    assert_eq!(snapshot.chunks.len(), 2);

    assert!(setup.canister("stop", &[]).success());
    let restore = setup.snapshot("restore", &[&id.to_string()]);
    assert_eq!(restore.code, Some(0));
    assert_eq!(restore.stdout, "");
    let name = setup.canister;
    assert_eq!(
        restore.stderr,
        format!("Restored canister {name} ({name}) from snapshot {id}\n")
    );
    let canister = setup.network.canister(setup.canister);
    assert_eq!(canister.heap.bytes(), content.heap);
    assert_eq!(canister.loads(), [id.clone()]);
    let load = setup.network.log().pop().unwrap();
    assert_eq!(load.method, "load_canister_snapshot");
    assert_eq!(load.detail.snapshot, Some(id));
    assert_eq!(load.status_before, Some(Status::Stopped));
}

#[test]
fn an_artifact_is_what_icp_itself_downloads() {
    let content = content(200_000);
    let Some(setup) = Setup::with(Options::default(), |spec| CanisterSpec {
        module: Some(content.module.clone()),
        heap: content.heap.clone(),
        stable: content.stable.clone(),
        chunks: content.chunks.clone(),
        ..spec
    }) else {
        return;
    };
    assert!(setup.canister("stop", &[]).success());
    let id = id_of(&setup.snapshot("create", &["--json"])).to_string();
    let downloaded = setup.home.path().join("downloaded");
    let run = setup.snapshot("download", &[&id, "-o", downloaded.as_str()]);
    assert!(run.success(), "{run:?}");
    let written = setup.artifact(&content);
    assert_eq!(files(&downloaded), files(&written));
}

/// The files under a directory; the time of the snapshot is blanked out.
fn files(directory: &Utf8Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in directory.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            found.extend(files(entry.path()));
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        let text = match String::from_utf8(bytes) {
            Ok(text) => text
                .lines()
                .filter(|line| !line.contains("taken_at_timestamp"))
                .collect::<Vec<_>>()
                .join("\n"),
            Err(error) => hex::encode(error.into_bytes()),
        };
        found.insert(entry.file_name().to_owned(), text);
    }
    found
}

#[test]
fn a_killed_upload_is_resumed_into_the_same_snapshot() {
    let Some(setup) = Setup::new() else { return };
    let content = content(9_000_000);
    let artifact = setup.artifact(&content);
    let fault = Fault::on("upload_canister_snapshot_data", Action::Hold(When::Before));
    let fault = setup.network.inject(fault.nth(3));
    let icp = Icp::new(&setup.home, &setup.network);
    let id = setup.canister.to_text();
    let upload = [
        "canister",
        "snapshot",
        "upload",
        &id,
        "-i",
        artifact.as_str(),
        "--json",
    ];
    let mut child = icp.command(&upload).spawn().unwrap();
    assert!(setup.network.wait_held(fault, PATIENCE));
    child.kill().unwrap();
    child.wait().unwrap();
    setup.network.discard(fault);
    let canister = setup.network.canister(setup.canister);
    assert!(!canister.snapshots[0].is_complete());
    assert!(artifact.join(".upload_progress.json").exists());

    let run = icp.run(&[&upload[..], &["--resume"]].concat());
    assert_eq!(id_of(&run), SnapshotId::new(0, setup.canister));
    let canister = setup.network.canister(setup.canister);
    assert_eq!(canister.snapshots.len(), 1);
    assert!(canister.snapshots[0].is_complete());
    assert_eq!(canister.snapshots[0].heap.bytes(), content.heap);
    let heap = |applied: &Applied| {
        applied
            .detail
            .data
            .is_some_and(|data| data.kind == DataKind::Heap)
    };
    assert!(
        setup
            .network
            .log()
            .iter()
            .filter(|applied| heap(applied))
            .count()
            >= 5
    );
}

#[test]
fn a_short_blob_leaves_zeros_that_nothing_but_the_test_can_see() {
    let Some(setup) = Setup::new() else { return };
    let artifact = setup.artifact(&content(100_000));
    fs::write(artifact.join("wasm_memory.bin"), vec![1; 40_000]).unwrap();
    let id = id_of(&setup.snapshot("upload", &["-i", artifact.as_str(), "--json"]));
    let canister = setup.network.canister(setup.canister);
    let snapshot = canister.snapshot(&id).unwrap();
    assert_eq!(snapshot.missing(), [("heap", 40_000..100_000)]);
}

#[test]
fn a_lost_answer_leaves_the_effect_and_a_lost_request_does_not() {
    let Some(setup) = Setup::new() else { return };
    setup
        .network
        .inject(Fault::on("stop_canister", Action::Drop(When::Before)));
    let request = setup.canister("stop", &[]);
    assert_eq!(
        setup.network.canister(setup.canister).status,
        Status::Running
    );
    setup
        .network
        .inject(Fault::on("stop_canister", Action::Drop(When::After)));
    let answer = setup.canister("stop", &[]);
    assert_eq!(
        setup.network.canister(setup.canister).status,
        Status::Stopped
    );
    assert_eq!(request.code, Some(1));
    assert_eq!(request, answer);
}

#[test]
fn a_lost_answer_to_the_metadata_leaves_an_orphan() {
    let Some(setup) = Setup::new() else { return };
    let artifact = setup.artifact(&content(1_000));
    setup.network.inject(Fault::on(
        "upload_canister_snapshot_metadata",
        Action::Drop(When::After),
    ));
    let id = id_of(&setup.snapshot("upload", &["-i", artifact.as_str(), "--json"]));
    assert_eq!(id, SnapshotId::new(1, setup.canister));
    let canister = setup.network.canister(setup.canister);
    assert_eq!(canister.snapshots.len(), 2);
    assert!(!canister.snapshots[0].is_complete());
}

#[test]
fn a_held_call_has_its_effect_after_its_caller_is_dead() {
    let Some(setup) = Setup::new() else { return };
    let fault = Fault::on("stop_canister", Action::Hold(When::Before));
    let fault = setup.network.inject(fault.canister(setup.canister));
    let icp = Icp::new(&setup.home, &setup.network);
    let mut command = icp.command(&["canister", "stop", &setup.canister.to_text()]);
    let mut child = command.spawn().unwrap();
    assert!(setup.network.wait_held(fault, PATIENCE));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        setup.network.canister(setup.canister).status,
        Status::Running
    );
    setup.network.release(fault);
    let late = setup.network.wait_applied(PATIENCE, Applied::changed);
    assert_eq!(late.unwrap().method, "stop_canister");
    assert_eq!(
        setup.network.canister(setup.canister).status,
        Status::Stopped
    );
}

#[test]
fn refusals_and_http_errors_are_passed_on() {
    let Some(setup) = Setup::new() else { return };
    let out_of_cycles = Reject::new(2, "IC0207", "Canister out of cycles: please top it up.");
    setup
        .network
        .inject(Fault::on("start_canister", Action::Reject(out_of_cycles)));
    let run = setup.canister("start", &[]);
    assert_eq!(run.code, Some(1));
    let expected = r#"reject code SysTransient, reject message Canister out of cycles: please top it up., error code Some("IC0207")"#;
    assert!(run.stderr.contains(expected), "{run:?}");
    setup
        .network
        .inject(Fault::on("start_canister", Action::Http(503, When::After)));
    let run = setup.canister("start", &[]);
    assert!(run.stderr.contains("503"), "{run:?}");
    assert_eq!(setup.changes(), ["start_canister"]);
}

#[test]
fn an_accepted_call_is_polled_for() {
    let Some(setup) = Setup::new() else { return };
    let fault = setup
        .network
        .inject(Fault::on("canister_status", Action::Accept));
    let status = setup.canister("status", &["--json"]).json();
    assert_eq!(status["status"], "Running");
    assert_eq!(setup.network.hits(fault), 1);
}

#[test]
fn application_methods_answer_calls_and_queries_while_the_canister_runs() {
    let warming = Response::reply(("warming",));
    let Some(setup) = Setup::with(Options::default(), |spec| {
        spec.method("health", Method::query(Response::reply((true,))))
            .method(
                "ready",
                Method::update(Response::reply(("yes",))).first(2, &warming),
            )
            .method("broken", Method::update(Response::trap("it broke")))
    }) else {
        return;
    };
    let call = |method: &str| setup.canister("call", &[method, "()"]);
    assert_eq!(call("health").stdout, "(true)\n");
    let query = setup.canister("call", &["health", "()", "--query"]);
    assert_eq!(query.stdout, "(true)\n");
    for expected in ["warming", "warming", "yes", "yes"] {
        assert_eq!(call("ready").stdout, format!("(\"{expected}\")\n"));
    }
    assert!(call("broken").stderr.contains("it broke"));
    let query = setup.canister("call", &["ready", "()", "--query"]);
    assert!(query.stderr.contains("IC0536"), "{query:?}");
    assert!(setup.canister("stop", &[]).success());
    assert!(call("health").stderr.contains("IC0508"));
}

#[test]
fn a_proxy_canister_acts_for_its_controllers() {
    let Some(setup) = Setup::with(Options::default(), |spec| {
        spec.method("proxy", Method::proxy())
    }) else {
        return;
    };
    let proxy = setup.canister.to_text();
    let target = setup
        .network
        .create_canister(CanisterSpec::new([setup.canister]));
    let text = target.to_text();
    let run = |args: &[&str]| setup.icp(&[args, &["--proxy", &proxy]].concat());
    let status = run(&["canister", "status", &text, "--json"]).json();
    assert_eq!(status["status"], "Running");
    assert!(run(&["canister", "stop", &text]).success());
    assert_eq!(setup.network.canister(target).status, Status::Stopped);
    let missing = SnapshotId::new(7, target).to_string();
    let restore = run(&["canister", "snapshot", "restore", &text, &missing]);
    assert!(restore.stderr.contains("proxy call failed"), "{restore:?}");
    assert!(restore.stderr.contains("IC0305"), "{restore:?}");
    let log = setup.network.log();
    assert!(
        log.iter()
            .all(|applied| applied.via == Some(setup.canister))
    );
}

#[test]
fn a_foreign_snapshot_is_loaded_only_where_that_is_allowed() {
    for foreign_load in [false, true] {
        let options = Options {
            foreign_load,
            ..Options::default()
        };
        let Some(setup) = Setup::with(options, |spec| CanisterSpec {
            status: Status::Stopped,
            ..spec
        }) else {
            return;
        };
        let other = CanisterSpec {
            module: Some(wasm_module("other")),
            ..CanisterSpec::new([setup.home.principal()])
        };
        let other = setup.network.create_canister(other);
        let id = setup
            .network
            .with_canister(other, |canister| canister.take_snapshot());
        let run = setup.snapshot("restore", &[&id.to_string()]);
        assert_eq!(run.success(), foreign_load, "{run:?}");
        assert_eq!(run.stderr.contains("IC0406"), !foreign_load);
    }
}
