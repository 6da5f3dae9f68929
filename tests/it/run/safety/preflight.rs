//! Nothing is begun where anything stands in the way, and all of it is told at once.

use std::os::unix::fs::PermissionsExt as _;

use icp_restore::{id::Principal, simulate::Status};
use jiff::{SignedDuration, Timestamp};

use super::{CAREFUL, FLEET, Scene};
use crate::{run::scene::principal, said};

const GHOST: &str = "
[[member]]
name = \"ghost\"
source = \"SOURCE\"
snapshot = { id = \"00000000000000010000000000000009\" }
";

#[test]
fn everything_that_is_wrong_is_in_one_report() {
    let ghost = GHOST.replace("SOURCE", &principal(99).to_text());
    let scene = Scene::with(&["stranger", "full", "poor", "fine"], &(ghost + CAREFUL), |index, spec| match index {
        0 => spec.controllers = vec![principal(7)],
        2 => spec.cycles = 1_000_000,
        _ => {}
    });
    let full = scene.members[1].1;
    scene.fleet.update(full, |state| state.set_status(Status::Stopped)).unwrap();
    for _ in 0..9 {
        let id = full.to_text();
        let made = scene.icp(&["canister", "snapshot", "create", &id, "--json"]);
        assert!(made.status.success(), "{made:?}");
    }
    let days_ago = Timestamp::now() - SignedDuration::from_hours(5 * 24 + 12);
    let days_ago = u64::try_from(days_ago.as_nanosecond()).unwrap();
    scene.fleet.update(full, |state| state.snapshots.iter_mut().for_each(|taken| taken.taken_at = days_ago)).unwrap();
    let before = scene.changes();
    let run = scene.run(&[]).expect(4);
    for code in ["E0702", "E0703", "E0705", "E0706", "W0701"] {
        assert_eq!(run.stderr.matches(&format!("[{code}]")).count(), 1, "{code}: {}", run.stderr);
        said::hold_printed(code, &run.stderr, &scene.path);
    }
    assert_eq!(scene.changes(), before);
    assert!(!scene.journal().exists());
}

#[test]
fn another_caller_than_the_plan_expects_is_refused_at_its_place() {
    let scene = Scene::careful();
    scene.edit_plan("[network]", &format!("[network]\nexpect-principal = \"{}\"", principal(5)));
    said::hold_printed("E0701", &scene.run(&[]).expect(4).stderr, &scene.path);
    scene.edit_plan(&principal(5).to_text(), &Principal::anonymous().to_text());
    scene.run(&[]).expect(0);
}

#[test]
fn what_the_plan_asserts_must_be_so_before() {
    let scene = Scene::new(
        &["root"],
        "verify = [\"running\", \"controllers\", \"settings\"]\ncontrollers = [\"aaaaa-aa\"]\nsettings = { compute-allocation = 5, compute-alocation = 5 }\n",
    );
    let run = scene.run(&[]).expect(4);
    assert_eq!(run.stderr.matches("[E0710]").count(), 3, "{}", run.stderr);
    assert!(
        run.stderr.contains("compute_allocation of") && run.stderr.contains("no compute_alocation"),
        "{}",
        run.stderr
    );
    said::hold_printed("E0710", &run.stderr, &scene.path);
    assert!(scene.changes().is_empty());
}

#[test]
fn an_upload_that_needs_more_memory_than_there_is_is_refused() {
    let scene = Scene::new(&["root"], "[limits]\nupload-memory = \"1kB\"\n");
    said::hold_printed("E0707", &scene.run(&[]).expect(4).stderr, &scene.path);
    let rest = "[timeouts]\nupload = \"1h\"\n[limits]\nupload = 2\nupload-memory = \"16kB\"\n";
    let scene = Scene::new(&["root", "app"], rest);
    said::hold_printed("W0704", &scene.run(&[]).expect(0).stderr, &scene.path);
}

#[test]
fn a_journal_where_no_space_is_left_is_not_begun() {
    // A file system that has none.
    let scene = Scene::careful();
    let run = scene.run(&["--journal", "/proc/fleet.journal.jsonl", "--verify-upload"]).expect(4);
    said::hold_printed("E0708", &run.stderr, &scene.path);
    assert!(scene.changes().is_empty());
}

#[test]
fn a_snapshot_that_is_gone_is_missed_before_anything_is_stopped() {
    let scene = Scene::careful();
    scene.run(&["--until", "uploaded"]).expect(9);
    let app = scene.members[1].1;
    scene.fleet.update(app, |state| state.snapshots.clear()).unwrap();
    let run = scene.run(&[]).expect(4);
    assert_eq!(run.stderr.matches("[E0709]").count(), 1, "{}", run.stderr);
    said::hold_printed("E0709", &run.stderr, &scene.path);
    assert_eq!(scene.count(0, "stop_canister"), 0);
    // What is said to help does.
    scene.run(&["--journal", "anew.journal.jsonl"]).expect(0);
    scene.assert_restored();
}

#[test]
fn only_what_is_left_is_looked_at() {
    let scene = Scene::careful();
    scene.run(&[]).expect(0);
    for (_, id) in &scene.members {
        scene.fleet.update(*id, |state| state.controllers.clear()).unwrap();
    }
    scene.run(&[]).expect(0);
}

#[test]
fn another_icp_is_asked_for() {
    let scene = Scene::careful();
    scene.run(&["--max-steps", "1"]).expect(9);
    let other = scene.path.join("other-icp");
    let script =
        format!("#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'icp 0.9.0'; else exec {} \"$@\"; fi\n", scene.icp);
    std::fs::write(&other, script).unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run_other = |args: &[&str]| scene.verb(&[&["run", "plan.toml", "--icp", other.as_str()], args].concat());
    let run = run_other(&[]).expect(4);
    for code in ["E0711", "W0702"] {
        said::hold_printed(code, &run.stderr, &scene.path);
    }
    run_other(&["--accept-icp-change", "--max-steps", "1"]).expect(9);
    // It is the one of the run before now.
    run_other(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn an_answer_that_does_not_come_is_asked_for_again_and_then_told() {
    let scene = Scene::new(&FLEET, CAREFUL);
    scene.fault("read-status app: http-503-before times 2");
    scene.run(&["--until", "uploaded"]).expect(9);
    scene.fault("read-status app: http-503-before times 100");
    let run = scene.run(&[]).expect(4);
    assert_eq!(run.stderr.matches("[E0704]").count(), 1, "{}", run.stderr);
    said::hold_printed("E0704", &run.stderr, &scene.path);
    assert_eq!(scene.count(0, "stop_canister"), 0);
}
