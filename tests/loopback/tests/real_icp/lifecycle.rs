//! Status, stop and start.

use std::time::Duration;

use loopback::{Applied, CanisterSpec, Icp, Network, Options, Outcome, Run, Settings, Status};

use crate::{PATIENCE, Setup};

#[test]
fn a_status_has_every_field_that_icp_asks_for() {
    let Some(setup) = Setup::with(Options::default(), |spec| CanisterSpec {
        settings: Settings {
            compute_allocation: 5,
            environment_variables: vec![("COLOUR".to_owned(), "blue".to_owned())],
            ..Settings::default()
        },
        ..spec
    }) else {
        return;
    };
    let status = setup.canister("status", &["--json"]).json();
    let settings = &status["settings"];
    assert_eq!(settings["compute_allocation"], "5");
    assert_eq!(settings["environment_variables"][0]["value"], "blue");
    assert_eq!(status["status"], "Running");
    assert_eq!(status["cycles"], "3_000_000_000_000");
    let hash = setup.network.canister(setup.canister).module_hash().unwrap();
    assert_eq!(status["module_hash"], format!("0x{}", hex::encode(hash)));
    assert_eq!(status["settings"]["controllers"][0], setup.home.principal().to_text());
}

#[test]
fn a_root_key_can_be_fetched_and_a_wrong_one_is_refused_after_the_effect() {
    let Some(setup) = Setup::new() else { return };
    let url = setup.network.url();
    let other = Network::start(Options { key_seed: 1, ..Options::default() });
    let stop = |key: &str| {
        let mut command = setup.home.command();
        command.args(["canister", "stop", &setup.canister.to_text()]);
        Run::from(command.args(["-n", &url, "-k", key]).output().unwrap())
    };
    let run = stop(&other.root_key_hex());
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("Certificate verification failed"), "{run:?}");
    assert_eq!(setup.changes(), ["stop_canister"]);
    assert!(stop("fetch").success());
}

#[test]
fn a_stranger_sees_the_public_part_of_a_status_and_may_do_nothing() {
    let Some(setup) = Setup::new() else { return };
    setup.home.new_identity("stranger");
    let status = setup.canister("status", &["--json", "--identity", "stranger"]);
    assert_eq!(status.json()["status"], serde_json::Value::Null);
    assert_eq!(status.json()["controllers"][0], setup.home.principal().to_text());
    let stop = setup.canister("stop", &["--identity", "stranger"]);
    assert_eq!(stop.code, Some(1));
    assert!(stop.stderr.contains(r#"error code Some("IC0512")"#), "{stop:?}");
    assert!(setup.changes().is_empty());
}

#[test]
fn an_unknown_canister_is_said_to_be_unknown() {
    let Some(setup) = Setup::new() else { return };
    setup.network.remove_canister(setup.canister);
    let status = setup.canister("status", &["--json"]);
    assert_eq!(status.code, Some(1));
    let expected = format!("Error: Canister {} was not found.", setup.canister);
    assert!(status.stderr.contains(&expected), "{status:?}");
}

#[test]
fn stop_and_start_print_nothing_and_change_the_status() {
    let Some(setup) = Setup::new() else { return };
    let silent = Run { code: Some(0), stdout: String::new(), stderr: String::new() };
    assert_eq!(setup.canister("stop", &[]), silent);
    assert_eq!(setup.network.canister(setup.canister).status, Status::Stopped);
    assert_eq!(setup.canister("start", &[]), silent);
    assert_eq!(setup.network.canister(setup.canister).status, Status::Running);
    assert_eq!(setup.changes(), ["stop_canister", "start_canister"]);
}

#[test]
fn a_slow_stop_is_polled_for() {
    let Some(setup) =
        Setup::with(Options::default(), |spec| CanisterSpec { stop_delay: Duration::from_millis(700), ..spec })
    else {
        return;
    };
    assert!(setup.canister("stop", &[]).success());
    assert_eq!(setup.network.canister(setup.canister).status, Status::Stopped);
    let log = setup.network.log();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].outcome, Outcome::Pending);
}

#[test]
fn a_start_cancels_a_stop_that_never_ends() {
    let Some(setup) = Setup::with(Options::default(), |spec| CanisterSpec { stop_delay: Duration::MAX, ..spec }) else {
        return;
    };
    let icp = Icp::new(&setup.home, &setup.network);
    let stop = icp.command(&["canister", "stop", &setup.canister.to_text()]);
    let stop = { stop }.spawn().unwrap();
    let pending = |applied: &Applied| applied.outcome == Outcome::Pending;
    setup.network.wait_applied(PATIENCE, pending).unwrap();
    assert_eq!(setup.canister("status", &["--json"]).json()["status"], "Stopping");
    assert!(setup.canister("start", &[]).success());
    let stop = Run::from(stop.wait_with_output().unwrap());
    assert_eq!(stop.code, Some(1));
    assert!(stop.stderr.contains("IC0511"), "{stop:?}");
}
