//! What goes wrong on the wire, and what of it the network remembers.

use loopback::{Action, Applied, CanisterSpec, DataKind, Fault, Icp, Reject, Run, SnapshotId, Status, When};

use crate::{PATIENCE, Setup, content, id_of};

#[test]
fn a_killed_upload_is_resumed_into_the_same_snapshot() {
    let Some(setup) = Setup::new() else { return };
    let content = content(9_000_000);
    let artifact = setup.artifact(&content);
    let fault = Fault::on("upload_canister_snapshot_data", Action::Hold(When::Before));
    let fault = setup.network.inject(fault.nth(3));
    let icp = Icp::new(&setup.home, &setup.network);
    let id = setup.canister.to_text();
    let upload = ["canister", "snapshot", "upload", &id, "-i", artifact.as_str(), "--json"];
    let mut child = icp.command(&upload).spawn().unwrap();
    assert!(setup.network.wait_held(fault, 1, PATIENCE));
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
    let heap = |applied: &Applied| applied.detail.data.is_some_and(|data| data.kind == DataKind::Heap);
    assert!(setup.network.log().iter().filter(|applied| heap(applied)).count() >= 5);
}

#[test]
fn a_lost_answer_leaves_the_effect_and_a_lost_request_does_not() {
    let Some(setup) = Setup::new() else { return };
    setup.network.inject(Fault::on("stop_canister", Action::Drop(When::Before)));
    let request = setup.canister("stop", &[]);
    assert_eq!(setup.network.canister(setup.canister).status, Status::Running);
    setup.network.inject(Fault::on("stop_canister", Action::Drop(When::After)));
    let answer = setup.canister("stop", &[]);
    assert_eq!(setup.network.canister(setup.canister).status, Status::Stopped);
    assert_eq!(request.code, Some(1));
    assert_eq!(request, answer);
}

#[test]
fn a_lost_answer_to_the_metadata_leaves_an_orphan() {
    let Some(setup) = Setup::new() else { return };
    let artifact = setup.artifact(&content(1_000));
    setup.network.inject(Fault::on("upload_canister_snapshot_metadata", Action::Drop(When::After)));
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
    assert!(setup.network.wait_held(fault, 1, PATIENCE));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(setup.network.canister(setup.canister).status, Status::Running);
    setup.network.release(fault);
    let late = setup.network.wait_applied(PATIENCE, Applied::changed);
    assert_eq!(late.unwrap().method, "stop_canister");
    assert_eq!(setup.network.canister(setup.canister).status, Status::Stopped);
}

#[test]
fn refusals_and_http_errors_are_passed_on() {
    let Some(setup) = Setup::new() else { return };
    let out_of_cycles = Reject::new(2, "IC0207", "Canister out of cycles: please top it up.");
    setup.network.inject(Fault::on("start_canister", Action::Reject(out_of_cycles)));
    let run = setup.canister("start", &[]);
    assert_eq!(run.code, Some(1));
    let expected = r#"reject code SysTransient, reject message Canister out of cycles: please top it up., error code Some("IC0207")"#;
    assert!(run.stderr.contains(expected), "{run:?}");
    setup.network.inject(Fault::on("start_canister", Action::Http(503, When::After)));
    let run = setup.canister("start", &[]);
    assert!(run.stderr.contains("503"), "{run:?}");
    assert_eq!(setup.changes(), ["start_canister"]);
}

#[test]
fn an_accepted_call_is_polled_for() {
    let Some(setup) = Setup::new() else { return };
    let fault = setup.network.inject(Fault::on("canister_status", Action::Accept));
    let status = setup.canister("status", &["--json"]).json();
    assert_eq!(status["status"], "Running");
    assert_eq!(setup.network.hits(fault), 1);
}

#[test]
fn a_lost_restore_is_not_sent_again_by_icp() {
    let Some(setup) = Setup::new() else { return };
    let id = setup.network.with_canister(setup.canister, |canister| {
        canister.set_status(Status::Stopped);
        canister.take_snapshot().to_string()
    });
    for (when, loads) in [(When::Before, 0), (When::After, 1)] {
        setup.network.inject(Fault::on("load_canister_snapshot", Action::Drop(when)));
        // The status call before it has opened the connection that is now closed.
        let run = setup.snapshot("restore", &[&id]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_eq!(setup.changes().len(), loads);
    }
}

#[test]
fn many_at_once_are_served_at_once() {
    let Some(setup) = Setup::new() else { return };
    let fault = setup.network.inject(Fault::on("stop_canister", Action::Hold(When::Before)).times(8));
    let icp = Icp::new(&setup.home, &setup.network);
    let children: Vec<_> = (0..8)
        .map(|_| {
            let id = setup.network.create_canister(CanisterSpec::new([setup.home.principal()]));
            icp.command(&["canister", "stop", &id.to_text()]).spawn().unwrap()
        })
        .collect();
    assert!(setup.network.wait_held(fault, 8, PATIENCE));
    assert!(setup.network.log().is_empty());
    setup.network.release(fault);
    for child in children {
        assert!(Run::from(child.wait_with_output().unwrap()).success());
    }
    assert_eq!(setup.changes().len(), 8);
}
