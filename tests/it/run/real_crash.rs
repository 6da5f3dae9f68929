//! Kills of the runner, and of the real icp with it, while a call is held on the wire.

use std::time::Duration;

use loopback::{Action, Fault, When};

use super::{
    process::{is_alive, kill_run, until},
    real::Light,
};

const REST: &str = "[limits]\nupload = 1\nother = 1\n[retry]\nbackoff = \"20ms\"\n[safety]\norphans = \"delete-own\"\n";

/// One case: the call of a method on `left` is held before or after its effect, the run killed, and run again.
fn case(method: &str, nth: usize, when: When, child: bool) -> Option<()> {
    let case = format!("{method}, held {when:?} its effect, icp killed: {child}");
    let light = Light::new(REST)?;
    let fault = Fault::on(method, Action::Hold(when)).canister(light.id("left")).nth(nth);
    let held = light.network.inject(fault);
    let run = light.command(&[]).spawn().unwrap();
    assert!(light.network.wait_held(held, 1, Duration::from_secs(60)), "{case}");
    let orphans = kill_run(run, child);
    if !child {
        let done = light.run(&[]).expect(8);
        assert!(done.stderr.contains("still at work"), "{case}: {}", done.stderr);
        light.network.release(held);
        until("icp has ended", || !orphans.iter().any(|orphan| is_alive(*orphan)));
    } else if when == When::Before {
        // Nobody hears of a call that was lost with its connection.
        light.network.discard(held);
    } else {
        light.network.release(held);
    }
    let done = light.run(&["--wait", "30s"]);
    let halted = method == "load_canister_snapshot" && child;
    assert_eq!(done.code, Some(if halted { 6 } else { 0 }), "{case}\n{}", done.stderr);
    if halted {
        let operation = done.stderr.split_once("unknown: operation ").unwrap().1.split(',').next().unwrap();
        let word = if light.count("left", method) == 0 { "ready" } else { "completed" };
        let journal = light.journal();
        light.verb(&["resolve", journal.as_str(), operation, "--as", word, "--because", "I looked"]).expect(0);
        light.run(&[]).expect(0);
    }
    light.assert_restored();
    for method in ["stop_canister", "take_canister_snapshot", "load_canister_snapshot", "start_canister"] {
        for (name, ..) in &light.members {
            assert_eq!(light.count(name, method), 1, "{case}: {method} of {name}");
        }
    }
    // Of the uploads one, or one that was never heard of: then it is gone again.
    assert_eq!(light.network.canister(light.id("left")).snapshots.len(), 2, "{case}");
    light.verb(&["check", light.journal().as_str(), "--quiet"]).expect(0);
    Some(())
}

fn all(method: &str, nth: usize) {
    std::thread::scope(|scope| {
        for when in [When::Before, When::After] {
            scope.spawn(move || [false, true].into_iter().try_for_each(|child| case(method, nth, when, child)));
        }
    });
}

#[test]
fn the_metadata_of_an_upload() {
    all("upload_canister_snapshot_metadata", 1);
}

#[test]
fn the_data_of_an_upload() {
    all("upload_canister_snapshot_data", 3);
}

#[test]
fn stops() {
    all("stop_canister", 1);
}

#[test]
fn safety_snapshots() {
    all("take_canister_snapshot", 1);
}

#[test]
fn loads() {
    all("load_canister_snapshot", 1);
}

#[test]
fn starts() {
    all("start_canister", 1);
}
