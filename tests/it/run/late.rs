//! Requests that were never answered and may still arrive: on a network that is not on this machine they are waited for.

#![cfg(test)]

use icp_restore::simulate::Status;
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
