//! What is not taken over, or taken over in part.

use std::fs;

use icp_restore::simulate::Status;
use serde_json::Value;

use super::{
    ancestor::Then,
    world::{World, principal, said},
};
use crate::said::hold_printed;

const NO_SAFETY: &str = "[safety]\nsnapshot = false\n";

fn refused(world: &World, exit: i32, code: &str) -> String {
    let output = world.adopt();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(exit), "{said}");
    assert!(said.contains(code), "{said}");
    assert!(!world.ours().exists(), "a journal of ours was begun");
    said
}

#[test]
fn a_load_without_its_safety_snapshot_is_refused_with_the_way_on() {
    let world = World::new(2);
    world.ancestor(5, Then::Stop);
    world.init("");
    hold_printed("E0622", &refused(&world, 4, "E0622"), &world.path);
}

#[test]
fn uploads_whose_snapshot_is_gone_are_done_again() {
    let world = World::new(2);
    world.ancestor(3, Then::Stop);
    world.fleet.update(principal(1), |canister| canister.snapshots.clear()).unwrap();
    world.init("");
    let output = world.adopt();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("W0608"), "{}", said(&output));
    assert_eq!(world.count("upload_canister_snapshot_metadata", 0), 1);
    assert_eq!(world.count("upload_canister_snapshot_metadata", 1), 2);
    assert!(world.is_restored());
}

#[test]
fn what_an_upload_may_have_left_behind_is_told() {
    let world = World::new(2);
    world.ancestor(1, Then::DieAfter);
    world.init("");
    let output = world.adopt();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    hold_printed("W0609", &said(&output), &world.path);
    // The one that the ancestor lost, ours, and the safety snapshot.
    assert_eq!(world.canister(1).snapshots.len(), 3);
}

#[test]
fn a_canister_that_somebody_started_is_stopped_again() {
    let world = World::new(2);
    world.ancestor(4, Then::Stop);
    world.fleet.update(principal(0), |canister| canister.status = Status::Running).unwrap();
    world.init("");
    let output = world.adopt();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    hold_printed("W0608", &said(&output), &world.path);
    assert_eq!((world.count("stop_canister", 0), world.count("stop_canister", 1)), (2, 1));
    assert!(world.is_restored());
}

#[test]
fn a_loaded_canister_that_somebody_started_needs_a_person() {
    for then in [Then::Stop, Then::DieAfter] {
        let world = World::new(2);
        world.ancestor(if then == Then::Stop { 5 } else { 4 }, then);
        world.fleet.update(principal(0), |canister| canister.status = Status::Running).unwrap();
        world.init(NO_SAFETY);
        let said = refused(&world, 4, "E0623");
        if then == Then::Stop {
            hold_printed("E0623", &said, &world.path);
        }
    }
}

#[test]
fn a_reload_is_made_where_the_plan_allows_it() {
    let world = World::new(2);
    world.ancestor(4, Then::LoseReply);
    world.init("[safety]\nsnapshot = false\nambiguous-load = \"reload\"\n");
    let output = world.adopt();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(world.count("load_canister_snapshot", 0), 2);
    assert!(world.is_restored());
}

#[test]
fn a_load_that_was_released_by_hand_counts_as_begun() {
    let world = World::new(2);
    world.ancestor(4, Then::DieAfter);
    let config = canic_backup::restore::RestoreRunnerConfig {
        journal: world.journal().into(),
        command: canic_backup::restore::RestoreApplyCommandConfig::default(),
        max_steps: None,
        updated_at: None,
    };
    canic_backup::restore::restore_run_unclaim_pending(&config).unwrap();
    world.init("");
    // That a load comes before its safety snapshot is no second problem.
    let said = refused(&world, 4, "E0622");
    assert!(said.contains("error: 1 error"), "{said}");
}

#[test]
fn other_members_artifacts_and_backups_are_pointed_at() {
    let change = |from: &str, to: &str, code: &str| {
        let world = World::new(2);
        world.ancestor(1, Then::Stop);
        world.init("");
        let text = fs::read_to_string(world.plan()).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(world.plan(), text.replace(from, to)).unwrap();
        let artifacts = world.backup().join("artifacts");
        fs::rename(artifacts.join("root"), artifacts.join("root-2")).unwrap_or_default();
        if !to.contains("root-2") {
            fs::rename(artifacts.join("root-2"), artifacts.join("root")).unwrap();
        }
        (refused(&world, 3, code), world.path.clone())
    };
    let (app, other) = (principal(1).to_text(), principal(7).to_text());
    let (member, folder) = change(&app, &other, "E0620");
    hold_printed("E0620", &member, &folder);
    assert!(member.contains("error: 1 error"), "{member}");
    change("artifacts/root", "artifacts/root-2", "E0621");
    let (backup, folder) = change("fbk_20260410\"\nroot", "fbk_other\"\nroot", "E0621");
    hold_printed("E0621", &backup, &folder);
}

#[test]
fn a_network_that_says_nothing_is_named() {
    let world = World::new(2);
    world.ancestor(3, Then::Stop);
    world.init("");
    world.fleet.update(principal(1), |canister| canister.controllers.clear()).unwrap();
    hold_printed("E0624", &refused(&world, 4, "E0624"), &world.path);
}

#[test]
fn a_lock_is_respected_unless_its_process_is_gone() {
    let world = World::new(2);
    world.ancestor(2, Then::Stop);
    world.init("");
    let lock = world.journal().with_extension("json.lock");
    let mine = format!("pid={}\n", std::process::id());
    for text in [mine.as_str(), "torn", ""] {
        fs::write(&lock, text).unwrap();
        let output = world.adopt();
        assert_eq!(output.status.code(), Some(8), "{}", said(&output));
        assert!(!world.ours().exists());
    }
    let status = world.run(&["status", world.journal().as_str(), "--format", "json"]);
    assert!(status.status.success());
    fs::write(&lock, mine).unwrap();
    let status = world.run(&["status", world.journal().as_str(), "--format", "json"]);
    let report: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(report["lock"]["pid"], std::process::id());
    assert_eq!(report["lock"]["alive"], true);
    // No process has the greatest number that there can be.
    fs::write(&lock, format!("pid={}\n", i32::MAX)).unwrap();
    let output = world.adopt();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(lock.exists(), "the lock is the ancestor's");
}

#[test]
fn an_invalid_journal_is_refused_and_ours_is_taken_over_once() {
    let world = World::new(2);
    world.ancestor(2, Then::Stop);
    world.init("");
    let text = fs::read_to_string(world.journal()).unwrap();
    fs::write(world.journal(), text.replace("\"completed_operations\": 2", "\"completed_operations\": 3")).unwrap();
    refused(&world, 3, "E0607");
    fs::write(world.journal(), text).unwrap();
    assert_eq!(world.adopt().status.code(), Some(0));
    let output = world.adopt();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn check_and_status_know_the_files_of_the_ancestor() {
    let world = World::new(2);
    world.ancestor(3, Then::DieAfter);
    let journal = world.journal();
    let checked = world.run(&["check", journal.as_str(), "backup/fleet-backup-manifest.json"]);
    assert!(checked.status.success(), "{}", said(&checked));
    let status = world.run(&["status", journal.as_str(), "--format", "json", "--require-no-attention"]);
    assert_eq!(status.status.code(), Some(9));
    let report: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!((&report["version"], &report["outcome"]), (&1.into(), &"pending".into()));
    assert_eq!(report["attention_required"], true);
    let text = said(&world.run(&["status", journal.as_str()]));
    assert!(text.contains("pending") && text.contains("stop-canister"), "{text}");

    let mapping = |target: usize| {
        let entry = |at: usize, to: usize| serde_json::json!({"source_canister": principal(at).to_text(), "target_canister": principal(to).to_text()});
        serde_json::to_string_pretty(&serde_json::json!({"members": [entry(0, 0), entry(1, target)]})).unwrap()
    };
    let codes = |files: &[&str]| {
        let output = world.run(&[&["check", "--format", "json"], files].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let all = report["diagnostics"].as_array().unwrap().iter();
        all.map(|diagnostic| diagnostic["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    fs::write(world.path.join("mapping.json"), mapping(5)).unwrap();
    assert_eq!(codes(&["mapping.json"]), ["E0524"]);
    hold_printed("E0524", &said(&world.run(&["check", "mapping.json"])), &world.path);
    assert_eq!(codes(&["mapping.json", "backup/fleet-backup-manifest.json"]), ["E0523"]);
    fs::write(world.backup().join("mapping.json"), mapping(1)).unwrap();
    assert_eq!(codes(&["backup/mapping.json"]), [] as [&str; 0]);
    fs::write(world.path.join("other.json"), "{ \"hello\": \"world\" }").unwrap();
    assert_eq!(codes(&["other.json"]), ["E0004"]);
    let torn = fs::read_to_string(&journal).unwrap();
    fs::write(world.path.join("torn.json"), &torn[..torn.len() / 2]).unwrap();
    assert_eq!(codes(&["torn.json"]), ["E0601"]);
}
