//! Journals that are cut, changed, removed, full, locked, or of something else.

use std::{os::unix::fs::PermissionsExt as _, process::Stdio};

use icp_restore::{
    diagnostic::Severity,
    journal::{self, Journal, check},
};

use super::{
    process::{done, kill_run, program},
    scene::{CAREFUL, Scene},
};

const RELOAD: &str = "[safety]\nambiguous-load = \"reload\"\n";

fn scene() -> Scene {
    Scene::new(&["root", "app"], &format!("{CAREFUL}{RELOAD}"))
}

/// A journal of a run that went through.
fn whole() -> (Scene, String) {
    let scene = scene();
    scene.run(&[]).expect(0);
    let text = std::fs::read_to_string(scene.journal()).unwrap();
    (scene, text)
}

#[test]
fn every_prefix_is_what_its_whole_lines_say() {
    let (scene, text) = whole();
    let path = scene.path.join("prefix.jsonl");
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    let near = |at: usize| ends.iter().any(|end| at.abs_diff(*end) < 3);
    for at in (0..=text.len()).filter(|at| near(*at) || at % 61 == 0) {
        std::fs::write(&path, &text[..at]).unwrap();
        let lines = ends.iter().filter(|end| **end <= at).count();
        let whole = lines.checked_sub(1).map_or(0, |last| ends[last]);
        match Journal::open(&path).unwrap() {
            None => assert_eq!(lines, 0, "at byte {at}"),
            Some(_) => assert!(lines > 0, "at byte {at}"),
        }
        // The torn line is gone, and no other: of a journal without any, the next run writes over what there is.
        let left = std::fs::read(&path).unwrap().len();
        assert_eq!(left, if lines == 0 { at } else { whole }, "at byte {at}");
    }
}

#[test]
fn runs_go_on_from_every_line() {
    let (scene, text) = whole();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::thread::scope(|scope| {
        for first in 0..3 {
            let (scene, lines) = (&scene, &lines);
            scope.spawn(move || {
                for count in (first..lines.len()).step_by(3) {
                    // A fleet that is ahead of its journal: the tail of that was lost.
                    let path = scene.path.join(format!("line-{count}.jsonl"));
                    std::fs::write(&path, lines[..count].concat()).unwrap();
                    let done = scene.run(&["--journal", path.as_str(), "--max-steps", "1"]);
                    assert!(matches!(done.code, Some(0 | 4 | 6 | 9)), "line {count}: {done:?}");
                    let found = check::bytes("", std::fs::read(&path).unwrap());
                    let errors = found.iter().any(|found| found.code.severity() == Severity::Error);
                    assert!(!errors, "line {count}: {}", done.stderr);
                }
            });
        }
    });
    scene.assert_honest();
}

#[test]
fn a_changed_byte_is_found_anywhere() {
    let (scene, text) = whole();
    let path = scene.path.join("changed.jsonl");
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..400 {
        let mut bytes = text.clone().into_bytes();
        let at = random.usize(..bytes.len() - 1);
        bytes[at] ^= random.u8(1..);
        let found = check::bytes("changed", bytes.clone());
        assert!(!found.is_empty(), "seed {seed}, byte {at}");
        std::fs::write(&path, bytes).unwrap();
        assert!(Journal::open(&path).is_err(), "seed {seed}, byte {at}");
    }
    // The very last byte is the end of the last line: that line then counts as never written, and is told of.
    let mut bytes = text.into_bytes();
    *bytes.last_mut().unwrap() = b' ';
    assert!(!check::bytes("changed", bytes).is_empty());
}

#[test]
fn lines_that_are_missing_swapped_or_twice_are_found() {
    let (scene, text) = whole();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let path = scene.path.join("changed.jsonl");
    for at in 1..lines.len() - 1 {
        let without = [&lines[..at], &lines[at + 1..]].concat();
        let twice = [&lines[..=at], &lines[at..]].concat();
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        for changed in [without, twice, swapped] {
            std::fs::write(&path, changed.concat()).unwrap();
            assert!(matches!(Journal::open(&path), Err(journal::Error::Invalid(_))), "line {at}");
        }
    }
    scene.run(&["--journal", path.as_str()]).expect(3);
}

#[test]
fn of_two_runs_at_once_the_second_says_who_is_there() {
    let scene = scene();
    scene.fault("stop-canister root: barrier gate before");
    let first = scene.command(&[]).spawn().unwrap();
    scene.wait_for("gate");
    let second = scene.run(&[]).expect(8);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let who = format!("process {} on {}, since 20", first.id(), host.trim());
    assert!(second.stderr.contains(&who), "{}", second.stderr);
    // Whoever only looks is not kept out.
    scene.verb(&["status", scene.journal().as_str()]).expect(0);
    scene.release("gate");
    done(first).expect(0);
    scene.assert_restored();
}

#[test]
fn a_full_disk_lets_nothing_happen_without_its_claim() {
    let (_, text) = whole();
    let size = text.len();
    std::thread::scope(|scope| {
        for eighth in 2..8 {
            scope.spawn(move || {
                let scene = scene();
                // In units of 512 bytes. The journal is the largest file by far.
                let limit = (size * eighth / 8 / 512).to_string();
                let mut shell = program(&scene.path);
                let mut command = std::process::Command::new("sh");
                command.args(["-c", "trap '' XFSZ; ulimit -f $0; exec \"$@\"", &limit]);
                command.arg(shell.get_program()).args(["run", "plan.toml", "--icp", scene.icp.as_str()]);
                command.env_clear().envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
                command.current_dir(&scene.path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
                shell.env_clear();
                let full = done(command.spawn().unwrap()).expect(1);
                assert!(full.stderr.contains("cannot write"), "{}", full.stderr);
                // Every effect has its claim, as far as it got.
                let replay = journal::load(&scene.journal()).unwrap();
                let claims: u32 = replay.iter().map(|(_, slot)| slot.attempts).sum();
                let methods = ["upload_canister_snapshot_metadata", "stop_canister", "take_canister_snapshot"];
                let more = ["load_canister_snapshot", "start_canister"];
                let effects = methods.iter().chain(&more).map(|method| scene.count(0, method) + scene.count(1, method));
                assert!(effects.sum::<usize>() <= claims as usize, "{eighth} of 8");
                scene.run(&[]).expect(0);
                scene.assert_restored();
                for method in &methods[1..] {
                    assert_eq!((scene.count(0, method), scene.count(1, method)), (1, 1), "{method}, {eighth} of 8");
                }
            });
        }
    });
}

#[test]
fn a_journal_that_goes_away_ends_the_run() {
    for replaced in [false, true] {
        let scene = scene();
        scene.fault("stop-canister root: barrier gate before");
        let run = scene.command(&[]).spawn().unwrap();
        scene.wait_for("gate");
        let aside = scene.path.join("aside.jsonl");
        std::fs::rename(scene.journal(), &aside).unwrap();
        if replaced {
            std::fs::copy(&aside, scene.journal()).unwrap();
        }
        scene.release("gate");
        done(run).expect(1);
        assert_eq!((scene.count(0, "stop_canister"), scene.count(1, "stop_canister")), (1, 0));
        std::fs::rename(&aside, scene.journal()).unwrap();
        scene.run(&[]).expect(0);
        scene.assert_restored();
        assert_eq!(scene.count(0, "stop_canister"), 1);
    }
}

#[test]
fn modes_are_kept_and_private_at_first() {
    let scene = scene();
    let mode = || scene.journal().metadata().unwrap().permissions().mode() & 0o777;
    scene.run(&["--until", "uploaded"]).expect(9);
    assert_eq!(mode(), 0o600);
    let folder = scene.path.join("fleet.journal.jsonl.d");
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::set_permissions(scene.journal(), std::fs::Permissions::from_mode(0o640)).unwrap();
    scene.run(&[]).expect(0);
    assert_eq!(mode(), 0o640);
}

#[test]
fn a_newer_format_is_refused() {
    let scene = scene();
    scene.run(&["--until", "uploaded"]).expect(9);
    let text = std::fs::read_to_string(scene.journal()).unwrap().replace("{\"v\":1,", "{\"v\":2,");
    std::fs::write(scene.journal(), &text).unwrap();
    let refused = scene.run(&[]).expect(3);
    assert!(refused.stderr.contains("version") || refused.stderr.contains("newer"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(scene.journal()).unwrap(), text);
}

#[test]
fn an_edited_plan_is_refused_with_what_differs() {
    let scene = scene();
    scene.run(&["--until", "uploaded"]).expect(9);
    let plan = std::fs::read_to_string(scene.plan()).unwrap();
    // What means the same is the same plan.
    std::fs::write(scene.plan(), format!("# A word more.\n{plan}")).unwrap();
    scene.run(&["--until", "uploaded"]).expect(9);
    std::fs::write(scene.plan(), format!("{plan}[timeouts]\nstop = \"7m\"\n")).unwrap();
    let refused = scene.run(&[]).expect(4);
    assert!(refused.stderr.contains("timeouts"), "{}", refused.stderr);
    assert!(refused.stderr.contains("7m") || refused.stderr.contains("420"), "{}", refused.stderr);
    // Nor does a journal serve another network.
    std::fs::write(scene.plan(), plan.replace(":4943", ":4944")).unwrap();
    let refused = scene.run(&[]).expect(4);
    assert!(refused.stderr.contains(":4944"), "{}", refused.stderr);
    assert_eq!(scene.count(0, "stop_canister"), 0);
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let scene = scene();
    let utf16: Vec<u8> = "{\"v\":1}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for other in [b"my notes".to_vec(), b"my notes\n".to_vec(), b"\xff\xfe\x00".to_vec(), utf16, b"{}\n".to_vec()] {
        let path = scene.path.join("other");
        std::fs::write(&path, &other).unwrap();
        scene.run(&["--journal", path.as_str()]).expect(3);
        assert_eq!(std::fs::read(&path).unwrap(), other);
    }
    let folder = scene.path.join("backup");
    scene.run(&["--journal", folder.as_str()]).expect(1);
    assert!(scene.fleet.log().unwrap().iter().all(|entry| !entry.mutates));
    // An empty one is as good as none.
    let empty = scene.path.join("empty");
    std::fs::write(&empty, "").unwrap();
    scene.run(&["--journal", empty.as_str()]).expect(0);
    scene.assert_restored();
}

/// Outputs and staging are lost with the host, the journal is not: nothing is taken for proved.
#[test]
fn a_journal_without_its_folder_goes_on() {
    let scene = scene();
    scene.fault("upload-snapshot app: barrier gate middle");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("gate");
    kill_run(run, true);
    scene.release("gate");
    std::fs::remove_dir_all(scene.path.join("fleet.journal.jsonl.d")).unwrap();
    scene.run(&[]).expect(0);
    scene.assert_restored();
    let replay = journal::load(&scene.journal()).unwrap();
    assert_eq!(replay.iter().map(|(_, slot)| slot.orphans.len()).sum::<usize>(), 1);
}
