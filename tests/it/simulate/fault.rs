//! Faults: what they do to a command, how often, and how they are written.

use icp_restore::simulate::{CanisterSpec, Fault, Status};

use super::{MODULE, Stage, app, done, id, principal};

#[test]
fn a_lost_answer_and_a_lost_request_sound_alike() {
    let stage = Stage::new(&[app()]);
    let stop = format!("canister stop {}", principal(1));
    stage.fault("stop-canister app: lose-request");
    stage.fault("stop-canister app#2: lose-reply");
    let request = stage.run(&stop);
    assert_eq!((request.code, stage.status(1)), (Some(1), Status::Running));
    let reply = stage.run(&stop);
    assert_eq!((reply.code, stage.status(1)), (Some(1), Status::Stopped));
    assert_eq!(request.stderr, reply.stderr);
    assert!(reply.stderr.contains("error sending request for url"), "{}", reply.stderr);
    assert_eq!(stage.effects(), ["stop_canister"]);
    stage.ok(&stop);
}

#[test]
fn a_refusal_is_definite_and_as_frequent_as_it_says() {
    let stage = Stage::new(&[app(), CanisterSpec::new(principal(2))]);
    stage.fault(&format!("start-canister {}: reject IC0207 times 2", principal(2)));
    let start = format!("canister start {}", principal(2));
    stage.ok(&format!("canister start {}", principal(1)));
    for _ in 0..2 {
        let refused = stage.run(&start);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("error code Some(\"IC0207\")"), "{}", refused.stderr);
    }
    stage.ok(&start);
    stage.fault("verify-member app: reject IC0207");
    let status = stage.run(&format!("canister status {} --json", principal(1)));
    let expected = format!("Error: Error looking up canister {}: Some(\"IC0207\") - ", principal(1));
    assert!(status.stderr.starts_with(&expected), "{}", status.stderr);
}

#[test]
fn http_errors_come_before_and_after() {
    let stage = Stage::new(&[app()]);
    stage.fault("stop-canister app: http-503-before");
    stage.fault("stop-canister app#2: http-503-after");
    let stop = format!("canister stop {}", principal(1));
    assert!(stage.run(&stop).stderr.contains("503"));
    assert_eq!(stage.status(1), Status::Running);
    assert!(stage.run(&stop).stderr.contains("503"));
    assert_eq!(stage.status(1), Status::Stopped);
}

#[test]
fn the_process_dies_before_and_after_the_effect() {
    let stage = Stage::new(&[app()]);
    stage.fault("stop-canister *: kill-icp before");
    stage.fault("stop-canister *#2: kill-icp after");
    let stop = format!("canister stop {}", principal(1));
    assert_eq!((stage.run(&stop).signal, stage.status(1)), (Some(9), Status::Running));
    assert_eq!((stage.run(&stop).signal, stage.status(1)), (Some(9), Status::Stopped));
}

#[test]
fn the_runner_dies_and_the_command_goes_on() {
    let stage = Stage::new(&[app()]);
    stage.fault("stop-canister app: kill-runner at before-effect");
    stage.fault("stop-canister app: barrier done after");
    // A shell stands for the runner: it must not become the command itself.
    let shell = format!("{} canister stop {} -n ic; true", stage.icp, principal(1));
    let runner = std::process::Command::new("sh").args(["-c", &shell]).spawn().unwrap();
    assert_eq!(done(runner).signal, Some(9));
    stage.wait_for("done");
    assert_eq!(stage.status(1), Status::Stopped);
    stage.fleet.release(&super::name("done")).unwrap();
}

#[test]
fn a_barrier_holds_the_command_before_its_effect() {
    let stage = Stage::new(&[app()]);
    stage.fault("stop-canister app: barrier gate before");
    let child = stage.command(&format!("canister stop {}", principal(1))).spawn().unwrap();
    stage.wait_for("gate");
    assert_eq!(stage.status(1), Status::Running);
    stage.fleet.release(&super::name("gate")).unwrap();
    assert_eq!((done(child).code, stage.status(1)), (Some(0), Status::Stopped));
}

#[test]
fn a_hanging_command_ends_when_it_is_killed() {
    let stage = Stage::new(&[app()]);
    stage.fault("stop-canister app: barrier there before");
    stage.fault("stop-canister app: hang");
    let mut child = stage.command(&format!("canister stop {}", principal(1))).spawn().unwrap();
    stage.wait_for("there");
    stage.fleet.release(&super::name("there")).unwrap();
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    assert_eq!((done(child).signal, stage.status(1)), (Some(9), Status::Running));
}

#[test]
fn somebody_starts_the_canister_behind_our_back() {
    let mut spec = app();
    spec.status = Status::Stopped;
    let stage = Stage::new(&[spec]);
    stage.fault("load-snapshot app: restarted");
    let load = stage.run(&format!("canister snapshot restore {} {}", principal(1), id(0, principal(1))));
    assert!(load.stderr.contains("is currently running. Please stop the canister first"), "{}", load.stderr);
    stage.fault("stop-canister app: restarted");
    stage.ok(&format!("canister stop {}", principal(1)));
    assert_eq!(stage.status(1), Status::Running);
    assert_eq!(stage.effects(), ["start_canister", "stop_canister", "start_canister"]);
}

#[test]
fn a_stuck_stop_stays_stopping() {
    let stage = Stage::new(&[app()]);
    stage.fleet.configure(|config| config.call_timeout = std::time::Duration::from_millis(50)).unwrap();
    stage.fault("stop-canister app: stuck");
    assert_eq!(stage.run(&format!("canister stop {}", principal(1))).code, Some(1));
    assert_eq!(stage.status(1), Status::Stopping);
}

#[test]
fn authority_is_gone_for_one_command() {
    let stage = Stage::new(&[app()]);
    stage.fault("read-status app: no-authority");
    let status = format!("canister status {} --json", principal(1));
    assert!(!stage.ok(&status).contains("\"status\""));
    assert!(stage.ok(&status).contains("\"status\":\"Running\""));
}

#[test]
fn an_application_warms_up() {
    let stage = Stage::new(&[app()]);
    stage.fault("verify-member app: warming 2");
    stage.ok(&format!("canister status {} --json", principal(1)));
    let call = format!("canister call {} health () --query", principal(1));
    assert_eq!(stage.run(&call).code, Some(1));
    assert_eq!(stage.run(&call).code, Some(1));
    assert_eq!(stage.ok(&call), "(true)\n");
    let json = stage.ok(&format!("{call} --json"));
    assert_eq!(json, r#"{"response_bytes":"","response_text":null,"response_candid":"(true)"}"#);
}

#[test]
fn uploads_fail_in_ways_of_their_own() {
    let stage = Stage::new(&[app()]);
    let artifact = stage.artifact(MODULE, &[3; 10], &[]);
    let progress = artifact.join(".upload_progress.json");
    let app = principal(1);
    let upload = format!("canister snapshot upload {app} -i {artifact} --json");
    let snapshots = || stage.fleet.canister(app).unwrap().snapshots;

    stage.fault("upload-snapshot app: double-metadata");
    assert!(stage.ok(&upload).contains(&id(1, app).to_string()));
    let complete: Vec<_> = snapshots().iter().map(|snapshot| snapshot.is_complete()).collect();
    assert_eq!(complete, [false, true]);

    stage.fault("upload-snapshot app: http-503-after");
    assert_eq!((stage.run(&upload).code, snapshots().len(), progress.exists()), (Some(1), 3, false));

    stage.fault("upload-snapshot app: lose-request");
    assert_eq!((stage.run(&upload).code, snapshots().len(), progress.exists()), (Some(1), 3, false));

    stage.fault("upload-snapshot app: lose-reply");
    assert_eq!((stage.run(&upload).code, snapshots().len(), progress.exists()), (Some(1), 4, true));
    assert!(snapshots()[3].is_complete());

    stage.fault("upload-snapshot app: torn-progress");
    assert_eq!((stage.run(&upload).signal, snapshots().len()), (Some(9), 5));
    let torn = std::fs::read(&progress).unwrap();
    assert!(!torn.is_empty() && serde_json::from_slice::<serde_json::Value>(&torn).is_err());
    assert_eq!(stage.run(&format!("{upload} --resume")).code, Some(1));

    stage.fault("upload-snapshot app: kill-icp after");
    let killed = stage.run(&upload);
    assert_eq!((killed.signal, &*killed.stdout, progress.exists()), (Some(9), "", false));
    assert!(snapshots()[5].is_complete());

    stage.fault("upload-snapshot app: reject IC0408 middle");
    let refused = stage.run(&upload);
    assert!(refused.stderr.contains("IC0408") && progress.exists(), "{}", refused.stderr);
}

#[test]
fn slowness_delays_and_does_no_harm() {
    let stage = Stage::new(&[app()]);
    stage.fault("stop-canister app: slow 120ms");
    let begin = std::time::Instant::now();
    stage.ok(&format!("canister stop {}", principal(1)));
    assert!(begin.elapsed() >= std::time::Duration::from_millis(120));
}

#[test]
fn faults_are_written_as_they_are_read() {
    for text in [
        "load-snapshot app: lose-reply",
        "load-snapshot *#3: lose-request times 2",
        "start-canister rrkah-fqaaa-aaaaa-aaaaq-cai: reject IC0207 before times 4",
        "upload-snapshot app: reject IC0408 middle",
        "upload-snapshot app: http-503-middle",
        "stop-canister app: stuck",
        "stop-canister app: hang after",
        "take-snapshot app: kill-icp before",
        "delete-snapshot app: kill-runner at after-effect",
        "upload-snapshot app: barrier b.1 middle",
        "verify-member app: warming 3",
        "list-snapshots app: no-authority",
        "stop-canister app: restarted after",
    ] {
        assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
    }
    let slow: Fault = " stop-canister  app :  slow 1m30s ".parse().unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(slow.to_string().parse::<Fault>().unwrap(), slow);
}

#[test]
fn what_is_wrong_with_a_fault_is_shown_at_its_place() {
    let wrong = |text: &str| {
        let error = text.parse::<Fault>().unwrap_err();
        let allowed = error.allowed.first().copied().unwrap_or_default();
        (text[error.span].to_owned(), error.problem.to_string(), allowed)
    };
    let case = |at: &str, problem: &str, allowed| (at.to_owned(), problem.to_owned(), allowed);
    assert_eq!(wrong(""), case("", "an operation is missing", "upload-snapshot"));
    assert_eq!(wrong("lod app: stuck"), case("lod", "`lod` is not an operation", "upload-snapshot"));
    assert_eq!(wrong("call ä: stuck"), case("ä", "`ä` is not a member", "*"));
    assert_eq!(wrong("call app#0: stuck"), case("app#0", "`app#0` is not a member", "*"));
    assert_eq!(wrong("call app"), case("", "a fault is missing", "lose-reply"));
    assert_eq!(wrong("call app b: stuck"), case("b", "`b` is too much", ""));
    assert_eq!(wrong("call app: stuk"), case("stuk", "`stuk` is not a fault", "lose-reply"));
    assert_eq!(wrong("call app: slow x"), case("x", "`x` is not a duration such as 3s", ""));
    assert_eq!(wrong("call app: kill-icp"), case("", "a point is missing", "before"));
    assert_eq!(wrong("call app: reject 17"), case("17", "`17` is not an error code such as IC0207", ""));
    assert_eq!(wrong("call app: lose-reply times 0"), case("0", "`0` is not a number", ""));
    assert_eq!(wrong("call app: lose-reply now"), case("now", "`now` is too much", ""));
    assert_eq!(wrong("call app: stuck"), case("stuck", "`stuck` cannot happen to call", "stop-canister"));
    assert_eq!(
        wrong("stop-canister app: kill-icp middle"),
        case("kill-icp middle", "`kill-icp middle` cannot happen to stop-canister", "upload-snapshot")
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_fault_or_an_error_within_it(
        text in "(upload-snapshot|stop-canister|call|\\PC{0,4})? ?(app|\\*|ä)?(#[0-9]{1,2})? ?:?[\\s\\PC]{0,3}(reject IC0207|slow|barrier b|kill-runner at|hang|warming)?[\\s\\PC]{0,9}",
    ) {
        match text.parse::<Fault>() {
            Ok(fault) => assert_eq!(fault.to_string().parse(), Ok(fault)),
            Err(error) => assert!(text.get(error.span).is_some()),
        }
    }
}
