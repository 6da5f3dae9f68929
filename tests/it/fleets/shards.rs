//! Uploads shared out to several machines, and taken in by one.

use super::scene::{Done, Scene, principal};
use crate::{measure::journal::rechain, said};

fn shard(scene: &Scene, which: usize, of: usize) -> Done {
    scene.run(&["--until", "uploaded", "--partition", &format!("{which}/{of}")])
}

fn shards(scene: &Scene, of: usize) {
    for which in 1..=of {
        shard(scene, which, of).expect(9);
    }
}

/// Holds what is said of the journals of shards; only what their lines follow is of the day.
#[track_caller]
fn hold(code: &str, scene: &Scene, done: &Done) {
    let mut parts = done.stderr.split("\"prev\":\"");
    let first = parts.next().unwrap().to_owned();
    let text = parts
        .fold(first, |text, part| text + "\"prev\":\"[DAY]" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    said::hold_printed(code, &text, &scene.path);
}

/// Makes journals what they would be had one version written them in one instant.
fn in_one_instant(scene: &Scene) {
    for entry in scene.path.read_dir_utf8().unwrap().map(Result::unwrap) {
        if !entry.file_name().ends_with(".journal.jsonl") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let version = concat!("\"icp-restore ", env!("CARGO_PKG_VERSION"), "\"");
        let mut lines: Vec<String> = text.lines().map(|line| line.replacen(version, "\"icp-restore\"", 1)).collect();
        for line in &mut lines {
            let at = line.find("\"at\":\"").unwrap() + 6;
            let end = at + line[at..].find('"').unwrap();
            line.replace_range(at..end, "2026-04-10T00:00:00Z");
        }
        rechain(&mut lines, 0);
        std::fs::write(entry.path(), lines.join("\n") + "\n").unwrap();
    }
}

/// One upload after another, so that lines come in one order.
const ONE: &str = "[limits]\nupload = 1\nother = 1\n";

const ALL: &str = "fleet.uploads-*.journal.jsonl";

#[test]
fn shards_upload_and_one_run_does_the_rest() {
    let scene = Scene::new(5, "");
    shards(&scene, 3);
    assert_eq!(scene.count("upload_canister_snapshot_metadata"), 5);
    assert!(!scene.journal().exists());
    // The machine of the cutover has no artifacts.
    std::fs::remove_dir_all(scene.path.join("backup")).unwrap();
    let done = scene.run(&["--with-uploads", ALL]).expect(0);
    assert!(done.stderr.contains("5 uploads are taken over from shards"), "{}", done.stderr);
    assert_eq!((scene.count("upload_canister_snapshot_metadata"), scene.count("load_canister_snapshot")), (5, 5));
    scene.verb(&["check", "fleet.journal.jsonl"]).expect(0);
    // Again, as a script would.
    scene.run(&["--with-uploads", ALL]).expect(0);
}

#[test]
fn a_share_needs_its_own_artifacts_alone() {
    let scene = Scene::new(4, "");
    for other in ["m1", "m3"] {
        std::fs::remove_dir_all(scene.path.join("backup").join(other)).unwrap();
    }
    let done = shard(&scene, 1, 2).expect(9);
    assert!(!done.stderr.contains("W0705"), "{}", done.stderr);
    assert!(scene.path.join("fleet.uploads-1-of-2.journal.jsonl").exists());
}

#[test]
fn only_uploads_are_shared_out() {
    let scene = Scene::new(2, "");
    let done = scene.run(&["--until", "stopped", "--partition", "1/2"]).expect(2);
    assert!(done.stderr.contains("only uploads can be shared out"), "{}", done.stderr);
    scene.run(&["--partition", "1/2"]).expect(2);
    scene.run(&["--until", "uploaded", "--partition", "3/2"]).expect(2);
    scene.run(&["--until", "uploaded", "--partition", "0/2"]).expect(2);
}

#[test]
fn a_missing_shard_is_told() {
    let scene = Scene::new(4, "");
    shard(&scene, 1, 2).expect(9);
    let done = scene.run(&["--with-uploads", ALL]).expect(3);
    assert!(done.stderr.contains("`m1`") && done.stderr.contains("`m3`"), "{}", done.stderr);
    hold("E0753", &scene, &done);
    assert!(!scene.journal().exists());
    let done = scene.run(&["--with-uploads", "elsewhere/*.jsonl"]).expect(3);
    hold("E0751", &scene, &done);
}

#[test]
fn overlapping_shards_are_told() {
    let scene = Scene::new(3, ONE);
    shards(&scene, 2);
    shard(&scene, 1, 3).expect(9);
    in_one_instant(&scene);
    let done = scene.run(&["--with-uploads", ALL]).expect(3);
    hold("E0754", &scene, &done);
    // One division alone is fine.
    scene.run(&["--with-uploads", "fleet.uploads-*-of-2.journal.jsonl"]).expect(0);
}

#[test]
fn foreign_and_damaged_shards_are_told() {
    let scene = Scene::new(2, ONE);
    let other = Scene::new(3, ONE);
    shards(&scene, 1);
    shards(&other, 1);
    in_one_instant(&other);
    let foreign = other.path.join("fleet.uploads-1-of-1.journal.jsonl");
    std::fs::rename(foreign, scene.path.join("other.journal.jsonl")).unwrap();
    let done = scene.run(&["--with-uploads", "other.journal.jsonl"]).expect(3);
    hold("E0752", &scene, &done);
    let ours = scene.path.join("fleet.uploads-1-of-1.journal.jsonl");
    let text = std::fs::read_to_string(&ours).unwrap();
    std::fs::write(&ours, text.replacen("\"outcome\":\"completed\"", "\"outcome\":\"Completed\"", 1)).unwrap();
    let done = scene.run(&["--with-uploads", ours.as_str()]).expect(3);
    assert!(done.stderr.contains("E040"), "{}", done.stderr);
    assert!(!scene.journal().exists());
}

#[test]
fn a_snapshot_that_was_deleted_since_is_told() {
    let scene = Scene::new(2, ONE);
    shards(&scene, 1);
    in_one_instant(&scene);
    scene.fleet.update(principal(1), |canister| canister.snapshots.clear()).unwrap();
    let done = scene.run(&["--with-uploads", ALL]).expect(3);
    hold("E0755", &scene, &done);
}
