//! Requests that were never answered and may still arrive: on a network that is not on this machine they are waited for.

#![cfg(test)]

use icp_restore::{journal, operation::Kind, simulate::Status};
use nix::sys::signal::Signal;

use super::{
    process::{Done, done, program, send, until},
    scene::{CAREFUL, Scene},
};

fn scene(safety: &str) -> Scene {
    let scene = Scene::new(&["root", "app"], &format!("{CAREFUL}{safety}"));
    let text = std::fs::read_to_string(scene.plan()).unwrap();
    std::fs::write(scene.plan(), text.replace("http://127.0.0.1:4943", "https://icp.example")).unwrap();
    scene
}

/// Runs a verb until it says that it waits, and interrupts it there.
fn interrupted(scene: &Scene, args: &[&str]) -> Done {
    let said = scene.path.join("stderr");
    let mut command = program(&scene.path);
    command.args(args).args(["--icp", scene.icp.as_str()]);
    let run = command.stderr(std::fs::File::create(&said).unwrap()).spawn().unwrap();
    until("it waits", || std::fs::read_to_string(&said).unwrap().contains("may arrive until then"));
    send(run.id(), Signal::SIGINT);
    let done = done(run);
    Done { stderr: std::fs::read_to_string(&said).unwrap(), ..done }
}

#[test]
fn a_canister_opens_when_no_lost_load_can_arrive_any_more() {
    let scene = scene("[safety]\nambiguous-load = \"reload\"\n");
    scene.fault("load-snapshot app: lose-request");
    let done = interrupted(&scene, &["run", "plan.toml"]).expect(130);
    assert!(done.stderr.contains("waits 4 min 5"), "{}", done.stderr);
    assert_eq!((scene.count(1, "load_canister_snapshot"), scene.count(1, "start_canister")), (1, 0));
    assert_eq!(scene.status(1), Status::Stopped);
    // The time goes on from the loss, over runs.
    interrupted(&scene, &["run", "plan.toml"]).expect(130);
    assert_eq!((scene.count(1, "load_canister_snapshot"), scene.count(1, "start_canister")), (1, 0));
}

#[test]
fn nothing_is_waited_for_where_every_request_was_answered() {
    let scene = scene("");
    scene.fault("load-snapshot app: reject IC0210");
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn a_rollback_loads_when_no_lost_load_of_the_restore_can_arrive_any_more() {
    let scene = scene("");
    scene.fault("load-snapshot app: lose-reply");
    scene.run(&[]).expect(6);
    interrupted(&scene, &["rollback", "fleet.journal.jsonl"]).expect(130);
    assert_eq!(scene.count(1, "load_canister_snapshot"), 1);
    assert_eq!(scene.status(1), Status::Stopped);
}

#[test]
fn what_is_taken_back_opens_when_no_lost_stop_can_arrive_any_more() {
    let scene = scene("");
    scene.fault("stop-canister app: lose-request");
    scene.fault("take-snapshot app: reject IC0207");
    interrupted(&scene, &["run", "plan.toml"]).expect(5);
    assert_eq!((scene.count(1, "stop_canister"), scene.count(1, "start_canister")), (1, 0));
    interrupted(&scene, &["rollback", "fleet.journal.jsonl"]).expect(130);
    assert_eq!((scene.status(1), scene.count(1, "start_canister")), (Status::Stopped, 0));
}

#[test]
fn a_canister_is_loaded_when_no_lost_start_can_arrive_any_more() {
    let scene = scene("");
    scene.fault("take-snapshot app: reject IC0207");
    scene.fault("start-canister app: lose-request");
    scene.run(&[]).expect(5);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Running, Status::Running));
    interrupted(&scene, &["run", "plan.toml"]).expect(130);
    assert_eq!((scene.count(0, "load_canister_snapshot"), scene.count(1, "load_canister_snapshot")), (1, 0));
}

#[test]
fn a_rollback_loads_when_no_lost_stop_of_the_restore_can_arrive_any_more() {
    let scene = scene("");
    scene.fault("stop-canister app: lose-request");
    scene.fault("load-snapshot app: reject IC0207");
    scene.run(&[]).expect(5);
    interrupted(&scene, &["rollback", "fleet.journal.jsonl"]).expect(130);
    assert_eq!((scene.count(0, "load_canister_snapshot"), scene.count(1, "start_canister")), (1, 0));
}

#[test]
fn what_a_person_says_was_not_done_may_still_arrive() {
    let scene = scene("");
    scene.fault("load-snapshot app: lose-request");
    scene.run(&[]).expect(6);
    let replay = journal::load(&scene.journal()).unwrap();
    let load = replay.operations.find(Kind::LoadSnapshot, &"app".parse().unwrap()).unwrap();
    let load = load.sequence.to_string();
    scene.verb(&["resolve", "fleet.journal.jsonl", &load, "--as", "failed", "--because", "I looked"]).expect(0);
    interrupted(&scene, &["run", "plan.toml"]).expect(130);
    assert_eq!((scene.count(1, "load_canister_snapshot"), scene.count(1, "start_canister")), (1, 0));
}
