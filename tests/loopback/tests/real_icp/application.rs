//! Calls of a canister's own methods, and through a proxy.

use loopback::{CanisterSpec, Method, Options, Response, SnapshotId, Status};

use crate::Setup;

#[test]
fn application_methods_answer_calls_and_queries_while_the_canister_runs() {
    let warming = Response::reply(("warming",));
    let Some(setup) = Setup::with(Options::default(), |spec| {
        spec.method("health", Method::query(Response::reply((true,))))
            .method("ready", Method::update(Response::reply(("yes",))).first(2, &warming))
            .method("broken", Method::update(Response::trap("it broke")))
    }) else {
        return;
    };
    let call = |method: &str| setup.canister("call", &[method, "()"]);
    assert_eq!(call("health").stdout, "(true)\n");
    let query = setup.canister("call", &["health", "()", "--query"]);
    assert_eq!(query.stdout, "(true)\n");
    for expected in ["warming", "warming", "yes", "yes"] {
        assert_eq!(call("ready").stdout, format!("(\"{expected}\")\n"));
    }
    assert!(call("broken").stderr.contains("it broke"));
    let query = setup.canister("call", &["ready", "()", "--query"]);
    assert!(query.stderr.contains("IC0536"), "{query:?}");
    assert!(setup.canister("stop", &[]).success());
    assert!(call("health").stderr.contains("IC0508"));
}

#[test]
fn a_proxy_canister_acts_for_its_controllers() {
    let Some(setup) = Setup::with(Options::default(), |spec| spec.method("proxy", Method::proxy())) else {
        return;
    };
    let proxy = setup.canister.to_text();
    let target = setup.network.create_canister(CanisterSpec::new([setup.canister]));
    let text = target.to_text();
    let run = |args: &[&str]| setup.icp(&[args, &["--proxy", &proxy]].concat());
    let status = run(&["canister", "status", &text, "--json"]).json();
    assert_eq!(status["status"], "Running");
    assert!(run(&["canister", "stop", &text]).success());
    assert_eq!(setup.network.canister(target).status, Status::Stopped);
    let missing = SnapshotId::new(7, target).to_string();
    let restore = run(&["canister", "snapshot", "restore", &text, &missing]);
    assert!(restore.stderr.contains("proxy call failed"), "{restore:?}");
    assert!(restore.stderr.contains("IC0305"), "{restore:?}");
    let log = setup.network.log();
    assert!(log.iter().all(|applied| applied.via == Some(setup.canister)));
}
