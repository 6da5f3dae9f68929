//! `dry-run --live`: what the network says to each operation.

use serde_json::Value;

use super::Scene;
use crate::{run::scene::principal, said};

fn live(scene: &Scene, code: i32) -> Value {
    let run = scene.verb(&["dry-run", "plan.toml", "--live", "--format", "json", "--icp", scene.icp.as_str()]);
    serde_json::from_str(&run.expect(code).stdout).unwrap()
}

fn says(report: &Value, kind: &str, member: &str) -> String {
    let operations = report["operations"].as_array().unwrap();
    let found = operations.iter().find(|o| o["kind"] == kind && o["member"] == member).unwrap();
    let lines = report["live"]["operations"].as_array().unwrap();
    let line = lines.iter().find(|line| line["sequence"] == found["sequence"]).unwrap();
    assert!(!line["why"].as_str().unwrap().is_empty());
    line["says"].as_str().unwrap().to_owned()
}

#[test]
fn each_operation_will_run_is_already_true_or_cannot_be_known() {
    let scene = Scene::careful();
    scene.fleet.update(scene.members[1].1, |state| state.set_status(super::Status::Stopped)).unwrap();
    let report = live(&scene, 0);
    assert_eq!(report["live"]["blocked"], false);
    assert_eq!(report["live"]["icp"], "icp 1.5.0");
    assert_eq!(report["live"]["caller"], "2vxsx-fae");
    assert_eq!(says(&report, "upload-snapshot", "app"), "will-run");
    assert_eq!(says(&report, "stop-canister", "root"), "will-run");
    assert_eq!(says(&report, "stop-canister", "app"), "already-true");
    assert_eq!(says(&report, "start-canister", "app"), "already-true");
    assert_eq!(says(&report, "load-snapshot", "app"), "will-run");
    assert_eq!(says(&report, "verify-member", "app"), "cannot-know");
    assert!(scene.changes().is_empty() && !scene.journal().exists());
    scene.run(&["--until", "uploaded"]).expect(9);
    assert_eq!(says(&live(&scene, 0), "upload-snapshot", "app"), "already-true");
    // With a journal elsewhere nothing of that has been done.
    let elsewhere = ["dry-run", "plan.toml", "--live", "--journal", "else.jsonl", "--icp", scene.icp.as_str()];
    let text = scene.verb(&elsewhere).expect(0).stdout;
    assert!(!text.contains("completed, as the journal says"), "{text}");
    assert!(
        text.contains("--input else.jsonl.d/staging-0") && text.contains(" --journal else.jsonl --expect "),
        "{text}"
    );
}

#[test]
fn what_would_block_a_run_blocks_it_too() {
    let scene = Scene::careful();
    scene.fleet.update(scene.members[1].1, |state| state.controllers = vec![principal(9)]).unwrap();
    let report = live(&scene, 4);
    assert_eq!(report["live"]["blocked"], true);
    assert_eq!(report["live"]["findings"][0]["code"], "E0702");
    assert_eq!(says(&report, "stop-canister", "app"), "cannot-know");
    assert_eq!(says(&report, "stop-canister", "root"), "will-run");
}

#[test]
fn a_copy_says_what_does_not_travel() {
    let scene = Scene::new(&["root"], "relocatable = true\n");
    let id = principal(1).to_text();
    scene.edit_plan(&format!("source = \"{id}\""), &format!("source = \"{}\"\ntarget = \"{id}\"", principal(50)));
    let run = scene.verb(&["dry-run", "plan.toml"]).expect(0);
    said::hold_printed("W0703", &run.stderr, &scene.path);
    assert!(scene.run(&[]).expect(0).stderr.contains("[W0703]"));
}

#[test]
fn what_an_upload_costs_is_not_known_where_the_backup_is_not() {
    let scene = Scene::careful();
    std::fs::remove_dir_all(scene.path.join("backup")).unwrap();
    let run = scene.verb(&["dry-run", "plan.toml", "--live", "--icp", scene.icp.as_str()]).expect(0);
    assert_eq!(run.stderr.matches("[W0705]").count(), 3, "{}", run.stderr);
    said::hold_printed("W0705", &run.stderr, &scene.path);
}
