//! Uploads shared out to several machines, and taken in by one.

use super::scene::{Done, Scene, principal};

fn shard(scene: &Scene, which: usize, of: usize) -> Done {
    scene.run(&["--until", "uploaded", "--partition", &format!("{which}/{of}")])
}

fn shards(scene: &Scene, of: usize) {
    for which in 1..=of {
        shard(scene, which, of).expect(9);
    }
}

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
    shard(&scene, 1, 2).expect(9);
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
    assert!(done.stderr.contains("E0753") && done.stderr.contains("`m1`") && done.stderr.contains("`m3`"));
    assert!(!scene.journal().exists());
    let done = scene.run(&["--with-uploads", "elsewhere/*.jsonl"]).expect(3);
    assert!(done.stderr.contains("E0751"), "{}", done.stderr);
}

#[test]
fn overlapping_shards_are_told() {
    let scene = Scene::new(3, "");
    shards(&scene, 2);
    shard(&scene, 1, 3).expect(9);
    let done = scene.run(&["--with-uploads", ALL]).expect(3);
    assert!(done.stderr.contains("E0754") && done.stderr.contains("`m0` was uploaded twice"), "{}", done.stderr);
    // One division alone is fine.
    scene.run(&["--with-uploads", "fleet.uploads-*-of-2.journal.jsonl"]).expect(0);
}

#[test]
fn foreign_and_damaged_shards_are_told() {
    let scene = Scene::new(2, "");
    let other = Scene::new(3, "");
    shards(&scene, 1);
    shards(&other, 1);
    let foreign = other.path.join("fleet.uploads-1-of-1.journal.jsonl");
    let done = scene.run(&["--with-uploads", foreign.as_str()]).expect(3);
    assert!(done.stderr.contains("E0752") && done.stderr.contains("another plan"), "{}", done.stderr);
    let ours = scene.path.join("fleet.uploads-1-of-1.journal.jsonl");
    let text = std::fs::read_to_string(&ours).unwrap();
    std::fs::write(&ours, text.replacen("\"outcome\":\"completed\"", "\"outcome\":\"Completed\"", 1)).unwrap();
    let done = scene.run(&["--with-uploads", ours.as_str()]).expect(3);
    assert!(done.stderr.contains("E040"), "{}", done.stderr);
    assert!(!scene.journal().exists());
}

#[test]
fn a_snapshot_that_was_deleted_since_is_told() {
    let scene = Scene::new(2, "");
    shards(&scene, 1);
    scene.fleet.update(principal(1), |canister| canister.snapshots.clear()).unwrap();
    let done = scene.run(&["--with-uploads", ALL]).expect(3);
    assert!(done.stderr.contains("E0755") && done.stderr.contains("`m1`"), "{}", done.stderr);
}
