//! The way back, from wherever a restore stands.

use icp_restore::{id::Digest, simulate::Status};
use serde_json::Value;

use super::{CAREFUL, FLEET, Scene};
use crate::{
    run::{
        eio::fault_layer,
        process::{Done, done, kill_run, program},
    },
    said,
};

impl Scene {
    fn back(&self, args: &[&str]) -> Done {
        self.verb(&[&["rollback", "fleet.journal.jsonl", "--icp", self.icp.as_str()], args].concat())
    }

    /// The number of an operation.
    fn operation(&self, kind: &str, member: &str) -> String {
        let status = self.verb(&["status", "fleet.journal.jsonl", "--format", "json"]).expect(0);
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        let mut all = status["operations"].as_array().unwrap().iter();
        all.find(|o| o["kind"] == kind && o["member"] == member).unwrap()["sequence"].to_string()
    }
}

#[test]
fn a_half_done_restore_is_taken_back() {
    let scene = Scene::careful();
    scene.fault("load-snapshot app: reject IC0305");
    let run = scene.run(&[]).expect(5);
    assert!(run.stderr.contains("rollback"), "{}", run.stderr);
    assert_eq!((scene.count(0, "load_canister_snapshot"), scene.count(2, "load_canister_snapshot")), (1, 0));
    scene.back(&[]).expect(0);
    scene.assert_untouched();
    scene.assert_honest();
    // What was never loaded was only started again.
    assert_eq!(scene.count(2, "load_canister_snapshot"), 0);
    assert_eq!((scene.count(2, "stop_canister"), scene.count(2, "start_canister")), (1, 1));
    scene.verb(&["check", "fleet.journal.jsonl", "fleet-rollback.journal.jsonl"]).expect(0);
    // Once more is nothing more, and the restore cannot go on as if its loads still held.
    let before = scene.changes();
    scene.back(&[]).expect(0);
    let run = scene.run(&[]).expect(4);
    assert!(run.stderr.contains("was taken back"), "{}", run.stderr);
    assert_eq!(scene.changes(), before);
}

#[test]
fn a_finished_restore_is_taken_back_and_names_its_parent() {
    let scene = Scene::careful();
    scene.run(&[]).expect(0);
    scene.assert_restored();
    scene.back(&[]).expect(0);
    scene.assert_untouched();
    let journal = std::fs::read_to_string(scene.path.join("fleet-rollback.journal.jsonl")).unwrap();
    let opened: Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    let last = scene.lines().pop().unwrap();
    assert_eq!(opened["parent"], Digest::of(last.trim_end()).to_string());
    assert_eq!(opened["plan"], "fleet-rollback");
}

#[test]
fn a_rollback_that_was_cut_short_goes_on() {
    let scene = Scene::careful();
    scene.fault("load-snapshot db: reject IC0305");
    scene.run(&[]).expect(5);
    let cut = scene.back(&["--max-steps", "2"]).expect(9);
    assert!(cut.stderr.contains("icp-restore rollback fleet.journal.jsonl"), "{}", cut.stderr);
    scene.fault("load-snapshot root: kill-runner at after-effect");
    let killed = scene.back(&[]);
    assert_eq!(killed.signal, Some(9), "{killed:?}");
    // Whether it was loaded is not known, and the plan says to ask; a person says so.
    let asked = scene.back(&["--wait", "10s"]);
    if asked.code == Some(6) {
        let journal = "fleet-rollback.journal.jsonl";
        let status = scene.verb(&["status", journal, "--format", "json"]).expect(0);
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        let open = status["operations"].as_array().unwrap().iter().find(|o| o["status"] == "unknown").unwrap();
        let open = open["sequence"].to_string();
        scene.verb(&["resolve", journal, &open, "--as", "ready", "--because", "the same again"]).expect(0);
        scene.back(&[]).expect(0);
    } else {
        asked.expect(0);
    }
    scene.assert_untouched();
    scene.assert_honest();
}

#[test]
fn before_any_load_what_was_stopped_is_simply_started_again() {
    let scene = Scene::with(&FLEET, CAREFUL, |index, spec| {
        if index == 1 {
            spec.status = Status::Stopped;
        }
    });
    scene.run(&["--until", "stopped"]).expect(9);
    assert_eq!(scene.status(0), Status::Stopped);
    scene.back(&[]).expect(0);
    assert_eq!(scene.status(0), Status::Running);
    // It was stopped before.
    assert_eq!(scene.status(1), Status::Stopped);
    assert!(!scene.path.join("fleet-rollback.journal.jsonl").exists());
    // The restore can go on all the same.
    scene.run(&[]).expect(0);
}

#[test]
fn what_cannot_be_proved_is_refused_before_anything_is_done() {
    let scene = Scene::careful();
    scene.run(&[]).expect(0);
    let (safety, app) = (scene.safety("app"), scene.members[1].1);
    scene.fleet.update(app, |state| state.snapshots.retain(|snapshot| snapshot.id.to_string() != safety)).unwrap();
    let before = scene.changes();
    let run = scene.back(&[]).expect(4);
    assert!(run.stderr.contains("[E0709]") && run.stderr.contains(&safety), "{}", run.stderr);
    assert_eq!(scene.changes(), before);
    scene.assert_restored();
}

#[test]
fn without_safety_snapshots_there_is_no_way_back() {
    let scene = Scene::new(&FLEET, &format!("{CAREFUL}[safety]\nsnapshot = false\n"));
    scene.run(&[]).expect(0);
    let run = scene.back(&[]).expect(4);
    assert_eq!(run.stderr.matches("[E0712]").count(), 3, "{}", run.stderr);
    said::hold_printed("E0712", &run.stderr, &scene.path);
    scene.assert_restored();
}

#[test]
fn a_run_that_is_at_it_is_not_taken_back() {
    let scene = Scene::careful();
    scene.fault("load-snapshot app: barrier loading before");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("loading");
    scene.back(&[]).expect(8);
    // Nor one whose command is still at work.
    kill_run(run, false);
    let orphan = scene.back(&[]).expect(8);
    assert!(orphan.stderr.contains("still at work"), "{}", orphan.stderr);
    let wait = "icp-restore rollback fleet.journal.jsonl --icp ./icp --wait 10m";
    assert!(orphan.stderr.contains(wait), "{}", orphan.stderr);
    let mut waiting = program(&scene.path);
    waiting.args(["rollback", "fleet.journal.jsonl", "--icp", scene.icp.as_str(), "--wait", "30s"]);
    let waiting = waiting.spawn().unwrap();
    scene.release("loading");
    done(waiting).expect(0);
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let scene = Scene::careful();
    scene.fault("load-snapshot app: reject IC0305");
    scene.run(&[]).expect(5);
    let (changes, lines) = (scene.changes(), scene.lines());
    let shown = scene.verb(&["rollback", "fleet.journal.jsonl", "--dry-run"]).expect(0).stdout;
    assert!(shown.contains("name = \"fleet-rollback\"") && shown.contains("started again: db"), "{shown}");
    assert!(shown.contains("stop = \"10m\"\n") && shown.contains("backoff = \"10ms\"\n"), "{shown}");
    // What is shown is a plan.
    std::fs::write(scene.path.join("shown.toml"), &shown).unwrap();
    scene.verb(&["check", "shown.toml"]).expect(0);
    let json = scene.verb(&["rollback", "fleet.journal.jsonl", "--dry-run", "--format", "json"]).expect(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["started-again"][0], "db");
    assert_eq!(json["operations"][0]["kind"], "stop-canister");
    assert!(json["operations"][0]["command"]["args"].is_array());
    assert_eq!((scene.changes(), scene.lines()), (changes, lines));
}

#[test]
fn a_restore_that_went_on_meanwhile_is_not_taken_back_to_where_it_was() {
    let scene = Scene::careful();
    scene.fault("load-snapshot app: reject IC0305");
    scene.run(&[]).expect(5);
    scene.back(&["--max-steps", "1"]).expect(9);
    let kept = scene.path.join("kept.jsonl");
    std::fs::rename(scene.path.join("fleet-rollback.journal.jsonl"), &kept).unwrap();
    scene.run(&[]).expect(0);
    std::fs::rename(&kept, scene.path.join("fleet-rollback.journal.jsonl")).unwrap();
    let run = scene.back(&[]).expect(4);
    assert_eq!(run.signal, None);
    scene.assert_restored();
}

#[test]
fn nobody_s_word_brings_back_what_was_taken_back() {
    let scene = Scene::careful();
    scene.fault("load-snapshot app: reject IC0305");
    scene.run(&[]).expect(5);
    scene.back(&[]).expect(0);
    let load = scene.operation("load-snapshot", "app");
    let word = ["resolve", "fleet.journal.jsonl", &load, "--as", "ready", "--because", "once more"];
    let refused = scene.verb(&word).expect(4);
    assert!(refused.stderr.contains("was taken back"), "{}", refused.stderr);
    scene.run(&[]).expect(4);
    scene.assert_untouched();
}

#[test]
fn a_rollback_that_cannot_be_read_is_one_all_the_same() {
    let scene = Scene::careful();
    scene.fault("load-snapshot app: reject IC0305");
    scene.run(&[]).expect(5);
    scene.back(&[]).expect(0);
    let file = scene.path.join("fleet-rollback.journal.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("fleet-rollback", "fleet-rollbacc", 1)).unwrap();
    scene.run(&[]).expect(3);
    scene.assert_untouched();
}

#[test]
fn a_plan_of_the_longest_name_has_a_way_back() {
    let scene = Scene::careful();
    let name = "f".repeat(100);
    scene.edit_plan("name = \"fleet\"", &format!("name = \"{name}\""));
    scene.run(&["--until", "loaded"]).expect(9);
    scene.verb(&["rollback", &format!("{name}.journal.jsonl"), "--icp", scene.icp.as_str()]).expect(0);
    scene.assert_untouched();
}

#[test]
fn nobody_s_word_is_taken_while_the_command_is_at_work() {
    let scene = Scene::careful();
    scene.fault("load-snapshot app: barrier loading before");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("loading");
    kill_run(run, false);
    let load = scene.operation("load-snapshot", "app");
    let word = ["resolve", "fleet.journal.jsonl", &load, "--as", "ready", "--because", "it is dead"];
    let refused = scene.verb(&word).expect(8);
    assert!(refused.stderr.contains("still at work"), "{}", refused.stderr);
    scene.release("loading");
    // A wait may be as long as a number goes.
    scene.run(&["--wait", "9223372036854775807s"]).expect(0);
    scene.assert_restored();
    assert_eq!(scene.count(1, "load_canister_snapshot"), 1);
}

/// The folder of a journal that was moved away holds what its commands printed.
#[test]
fn what_was_printed_for_another_journal_proves_nothing() {
    let scene = Scene::careful();
    scene.run(&["--until", "loaded"]).expect(9);
    scene.back(&[]).expect(0);
    let loads = scene.count(0, "load_canister_snapshot");
    let journal = scene.path.join("fleet-rollback.journal.jsonl");
    let layer = fault_layer(&scene.path);
    let mut claimed = false;
    for nth in 1..20 {
        std::fs::remove_file(&journal).unwrap();
        let mut command = program(&scene.path);
        command.args(["rollback", "fleet.journal.jsonl", "--icp", scene.icp.as_str()]);
        command.env("LD_PRELOAD", layer.as_str()).env("KILL_SYNC", nth.to_string());
        done(command.spawn().unwrap());
        let text = std::fs::read_to_string(&journal).unwrap();
        let last = text.lines().last().unwrap();
        claimed = last.contains("\"event\":\"claimed\"") && last.contains("\"restore\"");
        if claimed {
            break;
        }
    }
    assert!(claimed);
    let halted = scene.back(&[]).expect(6);
    assert!(halted.stderr.contains("it is not known whether"), "{}", halted.stderr);
    assert_eq!(scene.count(0, "load_canister_snapshot"), loads);
}

#[test]
fn a_command_of_a_journal_that_was_moved_away_is_seen_at_work() {
    let scene = Scene::careful();
    scene.fault("stop-canister root: barrier stopping before");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("stopping");
    kill_run(run, false);
    std::fs::remove_file(scene.journal()).unwrap();
    let second = scene.run(&[]).expect(8);
    assert!(second.stderr.contains("still at work"), "{}", second.stderr);
    assert!(!scene.lines().iter().any(|line| line.contains("claimed") && line.contains("\"stop\"")));
    scene.release("stopping");
}

#[test]
fn a_stop_whose_run_was_killed_is_settled_and_taken_back() {
    for point in ["before", "after"] {
        let scene = Scene::careful();
        scene.fault(&format!("stop-canister app: barrier gate {point}"));
        let run = scene.command(&[]).spawn().unwrap();
        scene.wait_for("gate");
        kill_run(run, true);
        scene.release("gate");
        let shown = scene.verb(&["rollback", "fleet.journal.jsonl", "--dry-run"]).expect(0).stdout;
        assert!(shown.contains("started again: app"), "{shown}");
        scene.back(&[]).expect(0);
        scene.assert_untouched();
        scene.run(&[]).expect(0);
        scene.assert_restored();
    }
}
