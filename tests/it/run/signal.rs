//! Signals, dead terminals, closed pipes, and an icp that goes away.

use icp_restore::{journal, simulate::Status};
use nix::sys::signal::Signal;

use super::{
    process::{Done, done, send, until},
    scene::{CAREFUL, Scene},
};

fn scene() -> Scene {
    Scene::new(&["root", "app"], CAREFUL)
}

/// Holds a command at a barrier, sends signals to the run, lets the command go on and the run end.
fn signalled(scene: &Scene, fault: &str, signals: &[Signal]) -> Done {
    scene.fault(fault);
    let said = scene.path.join("stderr");
    let run = scene.command(&[]).stderr(std::fs::File::create(&said).unwrap()).spawn().unwrap();
    scene.wait_for("gate");
    for signal in signals {
        send(run.id(), *signal);
        if *signal != Signal::SIGHUP {
            // The run says that it has heard.
            until("the run has heard", || {
                std::fs::read_to_string(&said).unwrap().contains("signal: nothing more begins")
            });
        }
    }
    if signals.len() < 2 {
        scene.release("gate");
    }
    let done = done(run);
    Done { stderr: std::fs::read_to_string(&said).unwrap(), ..done }
}

#[test]
fn the_first_signal_lets_what_flies_land() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let scene = scene();
        let done = signalled(&scene, "stop-canister root: barrier gate before", &[signal]).expect(code);
        assert!(done.stderr.contains("to go on:\n  icp-restore run plan.toml"), "{}", done.stderr);
        // It landed, nothing came after it, and nothing was taken back.
        assert_eq!((scene.status(0), scene.status(1)), (Status::Stopped, Status::Running));
        assert_eq!(scene.count(0, "stop_canister"), 1);
        let replay = journal::load(&scene.journal()).unwrap();
        assert_eq!(replay.verdict, Some(journal::event::Verdict::Interrupted));
        scene.run(&[]).expect(0);
        scene.assert_restored();
        assert_eq!(scene.count(0, "stop_canister"), 1);
    }
}

#[test]
fn a_signal_before_the_claim_claims_nothing() {
    let scene = scene();
    signalled(&scene, "list-snapshots root#2: barrier gate before", &[Signal::SIGINT]).expect(130);
    assert!(!scene.lines().iter().any(|line| line.contains("\"event\":\"claimed\"")));
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn the_second_signal_ends_commands_and_leaves_them_unknown() {
    let scene = scene();
    let both = [Signal::SIGINT, Signal::SIGTERM];
    signalled(&scene, "stop-canister root: barrier gate before", &both).expect(130);
    assert!(scene.lines().iter().any(|line| line.contains("\"outcome\":\"unknown\"")));
    assert_eq!(scene.status(0), Status::Running);
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn a_signal_in_a_pause_fails_nothing() {
    let scene = Scene::new(&["root", "app"], "[limits]\nother = 1\n[retry]\nbackoff = \"10m\"\n");
    scene.fault("stop-canister app: reject IC0210");
    let run = scene.command(&[]).spawn().unwrap();
    let refused = || scene.journal().exists() && scene.lines().iter().any(|line| line.contains("IC0210"));
    until("the refusal is recorded", refused);
    send(run.id(), Signal::SIGINT);
    done(run).expect(130);
    assert_eq!((scene.status(0), scene.status(1)), (Status::Stopped, Status::Running));
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn a_signal_ends_the_wait_for_a_stop() {
    let scene = scene();
    scene.fleet.configure(|config| config.call_timeout = std::time::Duration::from_millis(50)).unwrap();
    scene.fault("stop-canister app: stuck");
    let run = scene.command(&[]).spawn().unwrap();
    let unknown = || scene.journal().exists() && scene.lines().iter().any(|line| line.contains("\"unknown\""));
    until("icp has given up", unknown);
    send(run.id(), Signal::SIGTERM);
    done(run).expect(143);
    assert_eq!(scene.status(1), Status::Stopping);
    scene.fleet.update(scene.members[1].1, |canister| canister.set_status(Status::Stopped)).unwrap();
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn a_dead_terminal_harms_nothing() {
    let scene = scene();
    signalled(&scene, "stop-canister root: barrier gate before", &[Signal::SIGHUP]).expect(0);
    scene.assert_restored();
}

#[test]
fn closed_pipes_harm_nothing() {
    let scene = scene();
    let mut run = scene.command(&[]).spawn().unwrap();
    drop((run.stdout.take(), run.stderr.take()));
    assert!(run.wait().unwrap().success());
    scene.assert_restored();
}

#[test]
fn an_icp_that_cannot_be_started_claims_nothing() {
    let scene = scene();
    std::fs::rename(&scene.icp, scene.path.join("elsewhere")).unwrap();
    scene.run(&[]).expect(4);
    assert!(!scene.journal().exists());
    std::fs::rename(scene.path.join("elsewhere"), &scene.icp).unwrap();
    // It goes away right before a claim.
    scene.fault("list-snapshots root#2: barrier gate after");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("gate");
    std::fs::rename(&scene.icp, scene.path.join("elsewhere")).unwrap();
    scene.release("gate");
    let done = done(run).expect(4);
    assert!(done.stderr.contains("cannot be started"), "{}", done.stderr);
    assert!(scene.lines().iter().any(|line| line.contains("\"why\":\"not-started\"")));
    std::fs::rename(scene.path.join("elsewhere"), &scene.icp).unwrap();
    scene.run(&[]).expect(0);
    scene.assert_restored();
}

#[test]
fn signals_before_anything_is_begun_begin_nothing() {
    let scene = scene();
    scene.fault("read-status root: barrier gate before");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("gate");
    send(run.id(), Signal::SIGINT);
    send(run.id(), Signal::SIGTERM);
    let done = done(run);
    assert!(matches!(done.code, Some(130 | 143)), "{done:?}");
    assert!(done.stderr.contains("before anything was begun"), "{}", done.stderr);
    assert!(!scene.journal().exists());
}
