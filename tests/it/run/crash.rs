//! The crash matrix: the run is killed by SIGKILL at each instant of each kind of operation, and run again.
//!
//! Barriers in the simulated icp hold a command before or after its effect. The instants inside the runner are journals
//! that end at a line's end: what is on disk before and after a claim is the journal up to that line, beside a fleet that
//! has not moved.

use icp_restore::simulate::Status;

use super::{
    process::{children, done, is_alive, kill_run, until},
    scene::{CAREFUL, Scene},
};

/// Where the run is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instant {
    BeforeClaim,
    AfterClaim,
    ChildRunning,
    EffectDone,
    ReceiptUnwritten,
    ReceiptWritten,
}

use Instant::{AfterClaim, BeforeClaim, ChildRunning, EffectDone, ReceiptUnwritten, ReceiptWritten};

/// A kind of operation.
struct Kind {
    word: &'static str,
    method: &'static str,
    /// How many operations come to be when this one, of `app`, is the last.
    steps: usize,
    /// Its number.
    sequence: &'static str,
}

const UPLOAD: Kind =
    Kind { word: "upload-snapshot", method: "upload_canister_snapshot_metadata", steps: 2, sequence: "1" };
const STOP: Kind = Kind { word: "stop-canister", method: "stop_canister", steps: 4, sequence: "3" };
const TAKE: Kind = Kind { word: "take-snapshot", method: "take_canister_snapshot", steps: 6, sequence: "5" };
const LOAD: Kind = Kind { word: "load-snapshot", method: "load_canister_snapshot", steps: 8, sequence: "7" };
const START: Kind = Kind { word: "start-canister", method: "start_canister", steps: 9, sequence: "8" };
const DELETE: Kind = Kind { word: "delete-snapshot", method: "delete_canister_snapshot", steps: 15, sequence: "14" };

const ORPHANS: &str = "[safety]\norphans = \"delete-own\"\ncleanup = \"on-success\"\n";

fn scene(safety: &str) -> Scene {
    let check = "[[check]]\nmember = \"app\"\ncall = \"health\"\nexpect = \"(true)\"\nquery = true\n";
    Scene::new(&["root", "app"], &format!("{check}{CAREFUL}{ORPHANS}{safety}"))
}

/// Brings a fleet to an instant.
fn kill_at(scene: &Scene, kind: &Kind, instant: Instant, child: bool) {
    let fault = |point: &str| scene.fault(&format!("{} app: barrier gate {point}", kind.word));
    match instant {
        BeforeClaim | AfterClaim => {
            fault("before");
            let run = scene.command(&[]).spawn().unwrap();
            scene.wait_for("gate");
            kill_run(run, true);
            scene.release("gate");
            for end in ["stdout", "stderr"] {
                let output = scene.path.join(format!("fleet.journal.jsonl.d/{}.1.{end}", kind.sequence));
                std::fs::remove_file(output).unwrap();
            }
            assert!(scene.lines().last().unwrap().contains("\"event\":\"claimed\""));
            if instant == BeforeClaim {
                scene.cut(1);
            }
        }
        ChildRunning | EffectDone => {
            fault(if instant == ChildRunning { "before" } else { "after" });
            let run = scene.command(&[]).spawn().unwrap();
            scene.wait_for("gate");
            let orphans = kill_run(run, child);
            if !child {
                // The child of the dead run is seen, and left alone.
                let done = scene.run(&[]).expect(8);
                assert!(done.stderr.contains("still at work"), "{}", done.stderr);
                assert!(orphans.iter().all(|orphan| is_alive(*orphan)));
            }
            scene.release("gate");
        }
        ReceiptUnwritten => {
            fault("after");
            let run = scene.command(&[]).spawn().unwrap();
            scene.wait_for("gate");
            let orphans = kill_run(run, false);
            scene.release("gate");
            until("the child has ended", || !orphans.iter().any(|orphan| is_alive(*orphan)));
        }
        ReceiptWritten => {
            let done = scene.run(&["--max-steps", &kind.steps.to_string()]);
            assert!(matches!(done.code, Some(0 | 9)), "{done:?}");
            let lines = scene.lines();
            let receipt = "\"event\":\"finished\",";
            let at = lines.iter().rposition(|line| {
                line.contains(receipt) && line.contains(&format!("\"operation\":{},", kind.sequence))
            });
            scene.cut(lines.len() - 1 - at.unwrap());
        }
    }
}

/// Every instant, with the child of the run left alive and killed as well.
fn instants() -> impl Iterator<Item = (Instant, bool)> {
    let all = [BeforeClaim, AfterClaim, ChildRunning, EffectDone, ReceiptUnwritten, ReceiptWritten];
    let second = [(ChildRunning, true), (EffectDone, true)];
    all.into_iter().map(|instant| (instant, false)).chain(second)
}

/// Runs until it is done; the wait is for the child of the dead run.
fn again(scene: &Scene, case: &str) {
    let done = scene.run(&["--wait", "30s"]);
    assert_eq!(done.code, Some(0), "{case}\n{}", done.stderr);
}

#[track_caller]
fn once(scene: &Scene, case: &str) {
    scene.assert_restored();
    for method in ["stop_canister", "take_canister_snapshot", "load_canister_snapshot", "start_canister"] {
        for member in 0..2 {
            assert_eq!(scene.count(member, method), 1, "{case}: {method} of {member}");
        }
    }
    scene.verb(&["check", scene.journal().as_str()]).expect(0);
    scene.verb(&["status", scene.journal().as_str(), "--require-complete"]).expect(0);
}

fn matrix(kind: &Kind) {
    std::thread::scope(|scope| {
        for (instant, child) in instants() {
            scope.spawn(move || {
                let case = format!("{} {instant:?}, child killed: {child}", kind.word);
                let scene = scene("");
                kill_at(&scene, kind, instant, child);
                again(&scene, &case);
                once(&scene, &case);
                assert!(scene.count(1, kind.method) >= 1, "{case}");
                // What is left on chain: the safety snapshot alone.
                assert_eq!(scene.fleet.canister(scene.members[1].1).unwrap().snapshots.len(), 1, "{case}");
                // Killed when all was sent and nothing said: there is no proof, so it is never loaded.
                let unproved = kind.word == UPLOAD.word && instant == EffectDone && child;
                assert_eq!(scene.count(1, UPLOAD.method), if unproved { 2 } else { 1 }, "{case}");
            });
        }
    });
}

#[test]
fn uploads_survive_every_kill() {
    matrix(&UPLOAD);
}

#[test]
fn an_upload_killed_with_half_of_it_sent_goes_on_with_the_same_snapshot() {
    for child in [false, true] {
        let scene = scene("");
        scene.fault("upload-snapshot app: barrier gate middle");
        let run = scene.command(&[]).spawn().unwrap();
        scene.wait_for("gate");
        kill_run(run, child);
        scene.release("gate");
        again(&scene, "middle");
        once(&scene, "middle");
        assert_eq!(scene.count(1, UPLOAD.method), 1);
        if child {
            assert!(scene.lines().iter().any(|line| line.contains("\"--resume\"")));
        }
    }
}

#[test]
fn stops_survive_every_kill() {
    matrix(&STOP);
}

#[test]
fn safety_snapshots_survive_every_kill() {
    matrix(&TAKE);
}

#[test]
fn starts_survive_every_kill() {
    matrix(&START);
}

#[test]
fn deletions_survive_every_kill() {
    matrix(&DELETE);
}

/// Nothing on the network tells of a load: where no words of icp are left either, the run halts, and a person says.
#[test]
fn loads_halt_where_nothing_tells() {
    std::thread::scope(|scope| {
        for (instant, child) in instants() {
            scope.spawn(move || {
                let case = format!("load {instant:?}, child killed: {child}");
                let scene = scene("");
                kill_at(&scene, &LOAD, instant, child);
                let known = matches!(instant, BeforeClaim | ReceiptUnwritten | ReceiptWritten) || !child;
                if instant == AfterClaim || !known {
                    let done = scene.run(&["--wait", "30s"]);
                    assert_eq!(done.code, Some(6), "{case}\n{}", done.stderr);
                    assert!(done.stderr.contains("icp-restore resolve"), "{}", done.stderr);
                    assert_eq!(scene.status(1), Status::Stopped, "{case}");
                    let word = if scene.count(1, LOAD.method) == 0 { "ready" } else { "completed" };
                    let journal = scene.journal();
                    let word = ["resolve", journal.as_str(), LOAD.sequence, "--as", word, "--because", "I looked"];
                    scene.verb(&word).expect(0);
                }
                again(&scene, &case);
                once(&scene, &case);
            });
        }
    });
}

/// Where the plan allows it, the same snapshot is loaded again into the canister that is still stopped.
#[test]
fn loads_are_repeated_where_the_plan_says_so() {
    std::thread::scope(|scope| {
        for (instant, child) in [(AfterClaim, false), (ChildRunning, true), (EffectDone, true)] {
            scope.spawn(move || {
                let case = format!("reload {instant:?}, child killed: {child}");
                let scene = scene("ambiguous-load = \"reload\"\n");
                kill_at(&scene, &LOAD, instant, child);
                again(&scene, &case);
                scene.assert_restored();
                let loads: Vec<_> = scene.effects(1).into_iter().filter(|entry| entry.method == LOAD.method).collect();
                assert_eq!(loads.len(), if instant == EffectDone { 2 } else { 1 }, "{case}");
                assert!(loads.iter().all(|load| load.detail["snapshot"] == loads[0].detail["snapshot"]), "{case}");
            });
        }
    });
}

/// A verification is recorded once it is made: killed before, between and after its two lines, it is made again or not.
#[test]
fn verifications_survive_every_kill() {
    // Of `app`, and of the fleet.
    for (steps, sequence) in [(10, 9), (13, 12)] {
        for lost in 0..=2 {
            let scene = scene("");
            scene.run(&["--max-steps", &steps.to_string()]).expect(9);
            let last = &scene.lines()[scene.lines().len() - 2];
            assert!(last.contains("\"event\":\"finished\"") && last.contains(&format!(":{sequence},")));
            scene.cut(1 + lost);
            again(&scene, "verify");
            once(&scene, "verify");
        }
    }
}

/// The call of the application hangs when the run is killed: nothing was claimed yet.
#[test]
fn a_check_that_was_killed_is_made_again() {
    for child in [false, true] {
        let scene = scene("");
        scene.fault("call app: barrier gate before");
        let run = scene.command(&[]).spawn().unwrap();
        scene.wait_for("gate");
        kill_run(run, child);
        scene.release("gate");
        again(&scene, "check");
        once(&scene, "check");
    }
}

/// Of a run that is told to end by its parent's death nothing is left but what flies.
#[test]
fn a_killed_run_leaves_one_command_at_most() {
    let scene = scene("");
    scene.fault("stop-canister root: barrier gate before");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("gate");
    assert_eq!(children(run.id()).len(), 1);
    let orphans = kill_run(run, false);
    assert_eq!(orphans.len(), 1);
    scene.release("gate");
    let second = scene.command(&["--wait", "30s"]).spawn().unwrap();
    done(second).expect(0);
    once(&scene, "orphan");
}
