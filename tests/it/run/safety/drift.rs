//! What somebody else does between the steps of a restore.

use serde_json::Value;

use super::Scene;
use crate::run::{
    process::{done, until},
    scene::principal,
};

#[test]
fn a_canister_that_was_started_in_between_is_stopped_again_and_its_safety_snapshot_taken_anew() {
    let scene = Scene::careful();
    scene.fault("take-snapshot app: restarted after");
    scene.run(&[]).expect(0);
    scene.assert_restored();
    assert_eq!((scene.count(1, "stop_canister"), scene.count(1, "take_canister_snapshot")), (2, 2));
    assert_eq!(scene.count(1, "load_canister_snapshot"), 1);
}

#[test]
fn one_that_is_started_again_and_again_is_left_to_a_person() {
    let scene = Scene::careful();
    scene.fault("take-snapshot app: restarted after times 10");
    let run = scene.run(&[]).expect(4);
    assert!(run.stderr.contains("find out who starts it"), "{}", run.stderr);
    assert_eq!(scene.count(1, "load_canister_snapshot"), 0);
}

#[test]
fn other_controllers_or_other_code_block_the_load_and_all_runs_again() {
    for code in [false, true] {
        let scene = Scene::careful();
        scene.fault("take-snapshot db: barrier taken after");
        let run = scene.command(&[]).spawn().unwrap();
        scene.wait_for("taken");
        let change = |state: &mut icp_restore::simulate::Canister| match code {
            true => state.module_hash = Some(icp_restore::id::Digest::of("other")),
            false => state.controllers.push(principal(77)),
        };
        scene.fleet.update(scene.members[0].1, change).unwrap();
        scene.release("taken");
        let run = done(run).expect(4);
        let what = if code { "code" } else { "controllers" };
        assert!(run.stderr.contains(&format!("changed the {what} of")), "{}", run.stderr);
        for member in 0..3 {
            assert_eq!(scene.count(member, "load_canister_snapshot"), 0);
            assert_eq!(scene.status(member), super::Status::Running);
        }
    }
}

impl Scene {
    /// The safety snapshot of a member, as `status` says.
    pub(super) fn safety(&self, member: &str) -> String {
        let status = self.verb(&["status", "fleet.journal.jsonl", "--format", "json"]).expect(0);
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        let left = status["left-on-chain"].as_array().unwrap();
        let found = left.iter().find(|left| left["member"] == member && left["what"] == "safety").unwrap();
        found["snapshot-id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn status_lists_what_is_left_on_chain() {
    let scene = Scene::careful();
    scene.fault("upload-snapshot app: double-metadata");
    scene.run(&[]).expect(0);
    let status = scene.verb(&["status", "fleet.journal.jsonl", "--format", "json"]).expect(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let left = status["left-on-chain"].as_array().unwrap();
    let count = |what: &str| left.iter().filter(|left| left["what"] == what).count();
    assert_eq!((count("upload"), count("safety"), count("orphan")), (3, 3, 1), "{left:?}");
    for left in left.iter().filter(|left| left["what"] != "orphan") {
        assert!(left["size"].as_u64().unwrap() > 1000, "{left}");
    }
    let text = scene.verb(&["status", "fleet.journal.jsonl"]).expect(0).stdout;
    assert!(text.contains("left on chain") && text.contains("safety snapshot, 64.0 KiB"), "{text}");
}

#[test]
fn what_was_cleaned_up_is_not_listed() {
    let scene = Scene::new(&super::FLEET, &format!("{}[safety]\ncleanup = \"on-success\"\n", super::CAREFUL));
    scene.run(&[]).expect(0);
    let text = scene.verb(&["status", "fleet.journal.jsonl"]).expect(0).stdout;
    assert!(!text.contains(": uploaded,") && text.contains("safety snapshot"), "{text}");
}

#[test]
fn a_claim_whose_turn_is_gone_waits_for_it_again() {
    let scene = Scene::new(&super::FLEET, "[limits]\nother = 8\n[retry]\nbackoff = \"10ms\"\n");
    // Somebody starts the root while the stop of the app, which comes after that of the root, is about to be claimed.
    scene.fault("stop-canister root: restarted after");
    scene.fault("read-status app#2: barrier gate before");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("gate");
    until("it is seen", || scene.lines().iter().any(|line| line.contains("\"why\":\"drift\"")));
    scene.release("gate");
    done(run).expect(0);
    scene.assert_restored();
    assert_eq!((scene.count(0, "stop_canister"), scene.count(1, "stop_canister")), (2, 1));
    scene.verb(&["check", "fleet.journal.jsonl"]).expect(0);
}

#[test]
fn only_what_somebody_started_counts_as_started() {
    let scene = Scene::careful();
    scene.fault("stop-canister app: reject IC0210 times 2");
    scene.fault("take-snapshot app: restarted after");
    scene.run(&[]).expect(0);
    scene.assert_restored();
    assert_eq!((scene.count(1, "stop_canister"), scene.count(1, "load_canister_snapshot")), (2, 1));
}
