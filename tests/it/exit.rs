//! Every exit code, through the built program.
#![cfg(test)]

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::reports::{code, folder, journal, program, ran, rehearsed};

#[test]
fn done_is_0() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &[], &[]), 0);
    // And once more: nothing is left to do.
    assert_eq!(rehearsed(&folder, &[], &[]), 0);
    for args in [&["check", "plans/demo.toml"][..], &["dry-run", "plans/demo.toml"], &["--help"], &["--version"]] {
        assert_eq!(code(&ran(args)), 0, "{args:?}");
    }
}

#[test]
fn files_that_cannot_be_written_are_1() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &[], &[]), 0);
    assert_eq!(code(&ran(&["report", &journal(&folder), "--output", "/nowhere/report.html"])), 1);
}

#[test]
fn usage_is_2() {
    for args in [
        &["nonsense"][..],
        &["run"],
        &["run", "plans/demo.toml", "--max-steps", "0"],
        &["rehearse", "plans/demo.toml", "--fault", "nonsense"],
        &["dry-run", "plans/demo.toml", "--only", "nobody"],
        &["explain", "E9999"],
    ] {
        assert_eq!(code(&ran(args)), 2, "{args:?}");
    }
}

#[test]
fn what_is_invalid_is_3() {
    let (_keep, folder) = folder();
    let plan = folder.join("plan.toml");
    std::fs::write(&plan, "version = 1\nnme = 'x'\n").unwrap();
    for verb in ["check", "dry-run", "run", "rehearse"] {
        assert_eq!(code(&ran(&[verb, plan.as_str()])), 3, "{verb}");
    }
    assert_eq!(rehearsed(&folder, &[], &["--max-steps", "2"]), 9);
    let file = journal(&folder);
    let text = std::fs::read_to_string(&file).unwrap().replacen("rrkah", "rrkbh", 1);
    std::fs::write(&file, text).unwrap();
    for verb in ["check", "status", "report"] {
        assert_eq!(code(&ran(&[verb, &file])), 3, "{verb}");
    }
}

#[test]
fn what_is_blocked_is_4() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &["read-status app: no-authority times 99"], &[]), 4);
    assert!(!folder.join("demo.journal.jsonl").exists(), "nothing was begun");
    assert_eq!(code(&ran(&["run", "plans/demo.toml", "--icp", "/nowhere/icp"])), 4);
    assert_eq!(code(&ran(&["run", "plans/demo.toml", "--expect", "000000000000"])), 4);
}

#[test]
fn a_failed_operation_is_5() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &["load-snapshot app: reject IC0504"], &[]), 5);
}

#[test]
fn an_unknown_outcome_is_6_until_somebody_knows() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &["load-snapshot app: lose-reply"], &[]), 6);
    assert_eq!(rehearsed(&folder, &[], &[]), 6);
    let (file, number) = (journal(&folder), "16");
    assert_eq!(code(&ran(&["resolve", &file, number, "--as", "completed", "--because", "seen"])), 0);
    assert_eq!(rehearsed(&folder, &[], &[]), 0);
}

#[test]
fn what_is_not_as_planned_is_7() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &["call app: reject IC0504 times 99"], &[]), 7);
}

#[test]
fn a_journal_that_another_run_is_at_is_8() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &[], &["--max-steps", "1"]), 9);
    let held = File::open(journal(&folder)).unwrap();
    held.lock().unwrap();
    assert_eq!(rehearsed(&folder, &[], &[]), 8);
    assert_eq!(code(&ran(&["resolve", &journal(&folder), "0", "--as", "ready", "--because", "x"])), 8);
    // Looking needs no lock.
    assert_eq!(code(&ran(&["status", &journal(&folder)])), 0);
    drop(held);
    assert_eq!(rehearsed(&folder, &[], &[]), 0);
}

#[test]
fn stopped_as_asked_and_gates_unmet_are_9() {
    let (_keep, folder) = folder();
    let status = |gate: &str| code(&ran(&["status", &journal(&folder), gate]));
    assert_eq!(rehearsed(&folder, &[], &["--max-steps", "3"]), 9);
    assert_eq!(status("--require-complete"), 9);
    assert_eq!(status("--require-no-attention"), 0);
    for phase in ["uploaded", "stopped", "loaded"] {
        assert_eq!(rehearsed(&folder, &[], &["--until", phase]), 9, "{phase}");
    }
    assert_eq!(rehearsed(&folder, &["start-canister root: reject IC0504"], &[]), 5);
    assert_eq!(status("--require-no-attention"), 9);
    assert_eq!(rehearsed(&folder, &[], &[]), 0);
    assert_eq!(status("--require-complete"), 0);
    assert_eq!(status("--require-no-attention"), 0);
}

#[test]
fn max_steps_begins_so_many_operations() {
    let (_keep, folder) = folder();
    for done in 1..=3 {
        assert_eq!(rehearsed(&folder, &[], &["--max-steps", "1"]), 9);
        let status = ran(&["status", &journal(&folder), "--format", "json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
        assert_eq!(status["counts"]["completed"], done);
    }
}

#[test]
fn signals_are_128_and_their_number() {
    for (signal, wanted) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let (_keep, folder) = folder();
        let mut run = program()
            .args(["rehearse", "plans/demo.toml", "--quiet", "--keep", folder.as_str(), "--events", "-"])
            .args(["--fault", "stop-canister root: slow 2s"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(run.stdout.take().unwrap()).lines();
        let mut at = None;
        let mut last = String::new();
        for line in lines {
            last = line.unwrap();
            if last.contains(r#""event":"claimed""#) && last.contains("stop-canister") {
                at = Some(last.clone());
                kill(Pid::from_raw(i32::try_from(run.id()).unwrap()), signal).unwrap();
            }
        }
        assert!(at.is_some());
        assert_eq!(run.wait().unwrap().code(), Some(wanted), "{last}");
        assert!(last.contains(&format!(r#""verdict":"interrupted","exit":{wanted}"#)), "{last}");
        // What was under way came to its end, and the next run goes on.
        assert_eq!(rehearsed(&folder, &[], &[]), 0);
    }
}
