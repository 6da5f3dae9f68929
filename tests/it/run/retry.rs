//! Refusals, lost answers, stops that do not end, orphans, and somebody else's hands.

use std::time::Duration;

use icp_restore::{
    id::{Digest, SnapshotId},
    journal,
    operation::{Kind, Sequence},
    simulate::{Method, SnapshotSpec, Status},
};

use super::scene::{CAREFUL, Scene, damaged};

const OWN: &str = "[safety]\norphans = \"delete-own\"\n";

fn scene(rest: &str) -> Scene {
    Scene::new(&["root", "app"], &format!("{CAREFUL}{rest}"))
}

fn attempts(scene: &Scene, kind: Kind) -> u32 {
    let replay = journal::load(&scene.journal()).unwrap();
    let sequence = replay.operations.find(kind, &"app".parse().unwrap()).unwrap().sequence;
    replay.slot(sequence).attempts
}

fn orphans(scene: &Scene) -> usize {
    let replay = journal::load(&scene.journal()).unwrap();
    replay.iter().map(|(_, slot)| slot.orphans.len()).sum()
}

fn snapshots(scene: &Scene, member: usize) -> usize {
    scene.fleet.canister(scene.members[member].1).unwrap().snapshots.len()
}

fn id(scene: &Scene, number: u64, member: usize) -> SnapshotId {
    format!("{number:016x}{}", hex::encode(scene.members[member].1.as_slice())).parse().unwrap()
}

#[test]
fn transient_refusals_are_tried_again_and_counted() {
    for (word, kind) in [
        ("upload-snapshot", Kind::UploadSnapshot),
        ("stop-canister", Kind::StopCanister),
        ("take-snapshot", Kind::TakeSnapshot),
        ("load-snapshot", Kind::LoadSnapshot),
        ("start-canister", Kind::StartCanister),
    ] {
        let scene = scene("");
        scene.fault(&format!("{word} app: reject IC0210 times 2"));
        scene.run(&[]).expect(0);
        scene.assert_restored();
        assert_eq!(attempts(&scene, kind), 3, "{word}");
    }
}

#[test]
fn what_stays_refused_is_given_up() {
    let scene = scene("");
    scene.fault("stop-canister app: reject IC0210 times 3");
    let done = scene.run(&[]).expect(5);
    assert!(done.stderr.contains("given up after 3 attempts"), "{}", done.stderr);
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn definite_refusals_are_not_tried_again_and_what_was_stopped_is_opened() {
    for (word, kind) in [
        ("stop-canister", Kind::StopCanister),
        ("take-snapshot", Kind::TakeSnapshot),
        // The first load is that of root, so nothing was loaded yet.
        ("load-snapshot", Kind::LoadSnapshot),
    ] {
        let member = if kind == Kind::LoadSnapshot { "root" } else { "app" };
        let scene = scene(OWN);
        scene.fault(&format!("{word} {member}: reject IC0207"));
        scene.run(&[]).expect(5);
        assert_eq!((scene.status(0), scene.status(1)), (Status::Running, Status::Running), "{word}");
        scene.run(&[]).expect(0);
        scene.assert_restored();
        // The safety snapshots of before the canisters were open again are gone.
        assert_eq!((snapshots(&scene, 0), snapshots(&scene, 1)), (2, 2), "{word}");
        scene.verb(&["check", scene.journal().as_str()]).expect(0);
    }
}

#[test]
fn after_a_load_canisters_stay_closed() {
    let scene = scene("");
    scene.fault("load-snapshot app: reject IC0207");
    let done = scene.run(&[]).expect(5);
    assert!(done.stderr.contains("canisters stay closed"), "{}", done.stderr);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Stopped, Status::Stopped));
    scene.run(&[]).expect(0);
    scene.assert_restored();
    assert_eq!((scene.count(0, "load_canister_snapshot"), scene.count(1, "load_canister_snapshot")), (1, 1));
}

#[test]
fn lost_answers_and_lost_requests_are_settled() {
    for what in ["lose-reply", "lose-request", "http-503-before", "http-503-after", "kill-icp before"] {
        for word in ["upload-snapshot", "stop-canister", "take-snapshot", "start-canister"] {
            let scene = scene(OWN);
            scene.fault(&format!("{word} app: {what}"));
            scene.run(&[]).expect(0);
            scene.assert_restored();
            for method in ["stop_canister", "take_canister_snapshot", "load_canister_snapshot", "start_canister"] {
                assert_eq!(scene.count(1, method), 1, "{word} {what}: {method}");
            }
            assert_eq!(snapshots(&scene, 1), 2, "{word} {what}");
        }
        let scene = scene("");
        scene.fault(&format!("load-snapshot app: {what}"));
        let done = scene.run(&[]).expect(6);
        assert!(done.stderr.contains("it is not known whether"), "{}", done.stderr);
        assert_eq!(scene.status(1), Status::Stopped);
        // To run again asks again, and nothing else.
        let calls = scene.fleet.log().unwrap().iter().filter(|entry| entry.mutates).count();
        scene.run(&[]).expect(6);
        assert_eq!(scene.fleet.log().unwrap().iter().filter(|entry| entry.mutates).count(), calls);
    }
}

#[test]
fn slow_stops_are_waited_for() {
    let scene = Scene::with(&["root", "app"], CAREFUL, |_, spec| spec.stop_takes = Duration::from_millis(600));
    scene.fleet.configure(|config| config.call_timeout = Duration::from_millis(100)).unwrap();
    scene.run(&[]).expect(0);
    scene.assert_restored();
    assert_eq!((scene.count(0, "stop_canister"), scene.count(1, "stop_canister")), (1, 1));
    assert!(scene.lines().iter().any(|line| line.contains("\"event\":\"settled\"")));
}

#[test]
fn a_stuck_stop_says_what_to_do_and_nothing_is_loaded() {
    let scene = scene("[timeouts]\nstop = \"1s\"\n");
    scene.fleet.configure(|config| config.call_timeout = Duration::from_millis(100)).unwrap();
    scene.fault("stop-canister app: stuck");
    let done = scene.run(&[]).expect(6);
    assert!(done.stderr.contains("is stuck in stopping"), "{}", done.stderr);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Running, Status::Stopping));
    assert_eq!(scene.count(1, "load_canister_snapshot"), 0);
    // Still stuck: it is asked again, and nothing done.
    scene.run(&[]).expect(6);
    scene.fleet.update(scene.members[1].1, |canister| canister.set_status(Status::Stopped)).unwrap();
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn what_was_stopped_before_is_left_so_unless_the_plan_says_otherwise() {
    for (word, status) in [("", Status::Stopped), ("final = \"running\"\n", Status::Running)] {
        let scene = Scene::with(&["root", "app"], CAREFUL, |index, spec| {
            spec.heap = damaged();
            if index == 1 {
                spec.status = Status::Stopped;
            }
        });
        let plan = std::fs::read_to_string(scene.plan()).unwrap();
        let plan = plan.replace("name = \"app\"\n", &format!("name = \"app\"\n{word}"));
        std::fs::write(scene.plan(), plan).unwrap();
        // A failure on the way opens only what was open.
        scene.fault("take-snapshot app: reject IC0207");
        scene.run(&[]).expect(5);
        assert_eq!((scene.status(0), scene.status(1)), (Status::Running, Status::Stopped));
        scene.run(&[]).expect(0);
        assert_eq!((scene.status(0), scene.status(1)), (Status::Running, status));
        assert_eq!(scene.count(1, "stop_canister"), 0);
        assert_eq!(scene.count(1, "load_canister_snapshot"), 1);
    }
}

#[test]
fn whoever_starts_a_canister_in_between_is_stopped_again() {
    // With everything at once as well: the load must wait for the new stop and the new safety snapshot.
    for limits in [CAREFUL, "[limits]\nother = 8\n[retry]\nbackoff = \"10ms\"\n"] {
        for fault in ["load-snapshot app: restarted", "stop-canister app: restarted"] {
            let scene = Scene::new(&["root", "app", "third"], &format!("{limits}{OWN}"));
            scene.fault(fault);
            scene.run(&[]).expect(0);
            scene.assert_restored();
            assert_eq!(scene.count(1, "stop_canister"), 2, "{fault}");
            assert_eq!(scene.count(1, "load_canister_snapshot"), 1, "{fault}");
            assert_eq!(snapshots(&scene, 1), 2, "{fault}");
            scene.verb(&["check", scene.journal().as_str()]).expect(0);
        }
    }
}

#[test]
fn somebody_who_always_starts_it_is_reported() {
    let scene = scene("");
    scene.fault("load-snapshot app: restarted before times 9");
    let done = scene.run(&[]);
    assert!(matches!(done.code, Some(4 | 5)), "{done:?}");
    assert!(done.stderr.contains("find out who starts it"), "{}", done.stderr);
    scene.assert_honest();
    assert_eq!(scene.count(1, "load_canister_snapshot"), 0);
}

#[test]
fn code_that_somebody_changed_is_not_loaded_over() {
    let scene = scene("");
    scene.run(&["--until", "stopped"]).expect(9);
    let other = Some(Digest::of("other code"));
    scene.fleet.update(scene.members[0].1, |canister| canister.module_hash = other).unwrap();
    let done = scene.run(&[]).expect(4);
    assert!(done.stderr.contains("somebody changed the code"), "{}", done.stderr);
    assert_eq!(scene.count(0, "load_canister_snapshot"), 0);
}

#[test]
fn what_icp_leaves_behind_is_found_and_only_deleted_where_that_is_asked_for() {
    for (safety, left) in [("", 3), (OWN, 2)] {
        let scene = scene(safety);
        scene.fault("upload-snapshot app: double-metadata");
        scene.run(&[]).expect(0);
        scene.assert_restored();
        assert_eq!(snapshots(&scene, 1), left);
        assert_eq!(orphans(&scene), left - 2);
    }
}

#[test]
fn several_orphans_of_one_upload_are_deleted_one_after_another() {
    let scene = Scene::new(&["root", "app"], &format!("[limits]\nother = 8\n[retry]\nbackoff = \"10ms\"\n{OWN}"));
    scene.fault("upload-snapshot app: double-metadata");
    scene.fault("upload-snapshot app: torn-progress");
    scene.fault("upload-snapshot app#2: double-metadata");
    scene.run(&[]).expect(0);
    scene.assert_restored();
    assert_eq!((snapshots(&scene, 1), orphans(&scene)), (2, 0));
    assert_eq!(scene.count(1, "delete_canister_snapshot"), 3);
}

#[test]
fn a_snapshot_of_somebody_else_is_never_deleted() {
    let scene = scene(OWN);
    scene.fault("upload-snapshot app: double-metadata");
    scene.fault("upload-snapshot app: barrier gate middle");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("gate");
    let theirs = id(&scene, 77, 1);
    let heap = scene.fleet.canister(scene.members[1].1).unwrap().heap;
    scene
        .fleet
        .update(scene.members[1].1, |canister| {
            let mut snapshot = canister.snapshots[0].clone();
            (snapshot.id, snapshot.heap) = (theirs.clone(), heap);
            canister.snapshots.push(snapshot);
            canister.next_snapshot = 78;
        })
        .unwrap();
    scene.release("gate");
    super::process::done(run).expect(0);
    scene.assert_restored();
    let left: Vec<_> = scene.fleet.canister(scene.members[1].1).unwrap().snapshots;
    assert!(left.iter().any(|snapshot| snapshot.id == theirs));
    assert_eq!(left.len(), 3);
}

#[test]
fn a_progress_file_that_is_torn_or_of_another_is_put_aside() {
    let torn = scene(OWN);
    torn.fault("upload-snapshot app: torn-progress");
    torn.run(&[]).expect(0);
    torn.assert_restored();
    assert_eq!((torn.count(1, "upload_canister_snapshot_metadata"), snapshots(&torn, 1)), (2, 2));
    let staging = torn.path.join("fleet.journal.jsonl.d/staging-1");
    assert!(staging.join(".upload_progress.json.aside-1").exists());

    for number in [0, 9] {
        // Of the other canister, and of no snapshot at all.
        let foreign = scene(OWN);
        foreign.fault("upload-snapshot app: barrier gate middle");
        let run = foreign.command(&[]).spawn().unwrap();
        foreign.wait_for("gate");
        super::process::kill_run(run, true);
        foreign.release("gate");
        let progress = foreign.path.join("fleet.journal.jsonl.d/staging-1/.upload_progress.json");
        let text = std::fs::read_to_string(&progress).unwrap();
        let other = id(&foreign, number, if number == 0 { 0 } else { 1 });
        std::fs::write(&progress, text.replace(&id(&foreign, 0, 1).to_string(), &other.to_string())).unwrap();
        foreign.run(&[]).expect(0);
        foreign.assert_restored();
        assert_eq!(foreign.count(1, "upload_canister_snapshot_metadata"), 2);
        assert_eq!((foreign.count(0, "upload_canister_snapshot_metadata"), snapshots(&foreign, 1)), (1, 2));
    }
}

#[test]
fn ten_snapshots_are_the_most() {
    let full = |count: u64| {
        Scene::with(&["root", "app"], CAREFUL, move |index, spec| {
            let id = |number: u64| format!("{number:016x}{}", hex::encode(spec.principal.as_slice()));
            let old = (0..count).filter(|_| index == 1).map(|number| SnapshotSpec {
                id: id(number).parse().unwrap(),
                module: spec.module.clone().unwrap(),
                heap: damaged(),
                stable: damaged(),
            });
            spec.snapshots = old.collect();
        })
    };
    let scene = full(10);
    let done = scene.run(&[]).expect(4);
    assert!(done.stderr.contains("10 snapshots"), "{}", done.stderr);
    assert_eq!((scene.count(1, "upload_canister_snapshot_metadata"), snapshots(&scene, 1)), (0, 10));
    // Room for the upload, and not for the safety snapshot: nothing is loaded, and what was stopped runs again.
    let scene = full(9);
    scene.run(&[]).expect(4);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Running, Status::Running));
    assert_eq!(scene.count(0, "load_canister_snapshot"), 0);
    scene.fleet.update(scene.members[1].1, |canister| canister.snapshots.remove(0)).unwrap();
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn no_answer_disproves_nothing() {
    let check = "[[check]]\nmember = \"app\"\ncall = \"health\"\nexpect = \"(true)\"\nquery = true\n";
    let scene = scene(check);
    scene.fault("call app: lose-request times 99");
    let done = scene.run(&[]).expect(4);
    assert!(done.stderr.contains("did not answer"), "{}", done.stderr);
    let replay = journal::load(&scene.journal()).unwrap();
    assert_eq!(replay.slot(Sequence(9)).attempts, 0);
    // What depends on nothing else stays closed.
    assert_eq!(scene.status(0), Status::Stopped);
}

#[test]
fn a_caller_who_lost_authority_is_told_so() {
    let scene = scene("");
    scene.fault("read-status app: no-authority times 99");
    let done = scene.run(&[]).expect(4);
    assert!(done.stderr.contains("no authority"), "{}", done.stderr);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Running, Status::Running));
}

#[test]
fn an_icp_that_is_killed_with_half_of_an_upload_sent_goes_on_with_it() {
    let scene = scene("");
    scene.fault("upload-snapshot app: kill-icp middle");
    scene.run(&[]).expect(0);
    scene.assert_restored();
    assert_eq!((scene.count(1, "upload_canister_snapshot_metadata"), attempts(&scene, Kind::UploadSnapshot)), (1, 2));
    assert!(scene.lines().iter().any(|line| line.contains("killed by signal 9")));
}

#[test]
fn an_identity_that_cannot_be_used_stops_nothing() {
    let scene = scene("");
    let plan = std::fs::read_to_string(scene.plan()).unwrap();
    let plan = plan.replace("root-key = \"fetch\"\n", "root-key = \"fetch\"\nidentity = \"locked\"\n");
    std::fs::write(scene.plan(), plan).unwrap();
    scene.run(&[]).expect(4);
    assert!(scene.fleet.log().unwrap().iter().all(|entry| !entry.mutates));
}

#[test]
fn a_refused_start_keeps_the_load() {
    let scene = scene("");
    scene.fault("start-canister app: reject IC0207");
    scene.run(&[]).expect(5);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Stopped, Status::Stopped));
    scene.run(&[]).expect(0);
    scene.assert_restored();
    assert_eq!((scene.count(0, "load_canister_snapshot"), scene.count(1, "load_canister_snapshot")), (1, 1));
}

#[test]
fn other_code_than_expected_is_not_opened() {
    let scene = scene("");
    scene.run(&["--until", "loaded"]).expect(9);
    let right = scene.fleet.canister(scene.members[1].1).unwrap().module_hash;
    let set = |hash| scene.fleet.update(scene.members[1].1, |canister| canister.module_hash = hash).unwrap();
    set(Some(Digest::of("other code")));
    let done = scene.run(&[]).expect(7);
    assert!(done.stderr.contains("the module hash is not"), "{}", done.stderr);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Stopped, Status::Stopped));
    set(right);
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn a_check_that_is_answered_otherwise_keeps_the_entry_closed() {
    let scene = scene("[[check]]\nmember = \"app\"\ncall = \"health\"\nexpect = \"(true)\"\nquery = true\n");
    let answer = |text: &str| {
        let reply = Method::Reply(text.to_owned());
        scene.fleet.update(scene.members[1].1, |app| app.methods.insert("health".to_owned(), reply)).unwrap();
    };
    answer("(false)");
    let done = scene.run(&[]).expect(7);
    assert!(done.stderr.contains("answered (false) and not (true)"), "{}", done.stderr);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Stopped, Status::Running));
    answer("(true)");
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn a_snapshot_that_somebody_takes_meanwhile_is_never_deleted() {
    let scene = scene(OWN);
    scene.fault("take-snapshot app: barrier gate before");
    scene.fault("take-snapshot app: lose-request");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("gate");
    let theirs = [id(&scene, 77, 1), id(&scene, 78, 1)];
    let take = |canister: &mut icp_restore::simulate::Canister| {
        for id in &theirs {
            let mut snapshot = canister.snapshots[0].clone();
            snapshot.id = id.clone();
            canister.snapshots.push(snapshot);
        }
        canister.next_snapshot = 79;
    };
    scene.fleet.update(scene.members[1].1, take).unwrap();
    scene.release("gate");
    super::process::done(run).expect(0);
    scene.assert_restored();
    let left: Vec<_> = scene.fleet.canister(scene.members[1].1).unwrap().snapshots;
    assert!(theirs.iter().all(|id| left.iter().any(|snapshot| snapshot.id == *id)), "{left:?}");
}

#[test]
fn a_start_that_takes_a_stop_back_and_is_not_known_is_told_so() {
    let scene = scene("[timeouts]\nother = \"1s\"\n");
    scene.fault("take-snapshot app: reject IC0207");
    scene.fault("start-canister root: lose-reply");
    // Of the preflight, the stop, the safety snapshot and before the start.
    scene.fault("read-status root#5: http-503-before times 999");
    let done = scene.run(&[]).expect(6);
    assert!(done.stderr.contains("to ask the network again"), "{}", done.stderr);
}

#[test]
fn times_may_be_as_long_as_a_number_goes() {
    let long = ["upload", "stop", "other"].map(|key| format!("{key} = \"9223372036854775807s\"\n")).concat();
    let scene = Scene::new(&["root", "app"], &format!("[timeouts]\n{long}"));
    scene.fault("stop-canister app: lose-reply");
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn an_orphan_that_cannot_be_deleted_is_told_of_and_deleted_by_the_next_run() {
    let scene = scene(OWN);
    scene.fault("upload-snapshot app: double-metadata");
    scene.fault("delete-snapshot app: reject IC0207");
    let done = scene.run(&[]).expect(5);
    assert!(done.stderr.contains("next: all is restored"), "{}", done.stderr);
    scene.assert_restored();
    assert_eq!(orphans(&scene), 1);
    scene.run(&[]).expect(0);
    assert_eq!((snapshots(&scene, 1), orphans(&scene)), (2, 0));
}
