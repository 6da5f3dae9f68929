//! Uploads apart from the cutover, some members alone, and a few steps at a time.

use super::scene::Scene;

#[test]
fn uploads_need_no_downtime_and_the_cutover_uploads_nothing() {
    let scene = Scene::new(3, "");
    let done = scene.run(&["--until", "uploaded"]).expect(9);
    assert!(done.stderr.contains("restoring fleet: 19 operations on 3 canisters, "), "{}", done.stderr);
    assert!(done.stderr.contains("to go on:\n  icp-restore run plan.toml"), "{}", done.stderr);
    assert_eq!((scene.count("stop_canister"), scene.count("upload_canister_snapshot_metadata")), (0, 3));
    // What is uploaded is not needed any more.
    std::fs::remove_dir_all(scene.path.join("backup")).unwrap();
    let done = scene.run(&[]).expect(0);
    assert!(done.stderr.contains("restoring fleet: 3 of 19 operations are completed; "), "{}", done.stderr);
    assert_eq!((scene.count("stop_canister"), scene.count("upload_canister_snapshot_metadata")), (3, 3));
    assert_eq!(scene.count("load_canister_snapshot"), 3);
}

#[test]
fn some_members_alone_come_with_what_they_depend_on() {
    let scene = Scene::new(5, "");
    let done = scene.run(&["--only", "m4"]).expect(0);
    assert!(done.stderr.contains("only, with what they depend on: m0, m1, m4"), "{}", done.stderr);
    assert_eq!(scene.count("load_canister_snapshot"), 3);
    assert!(scene.path.join("fleet.only-m4.journal.jsonl").exists());
}

#[test]
fn steps_are_counted() {
    let scene = Scene::new(3, "");
    scene.run(&["--max-steps", "2"]).expect(9);
    assert_eq!(scene.claimed().len(), 2);
    let mut runs = 1;
    while scene.run(&["--max-steps", "4"]).code == Some(9) {
        runs += 1;
        assert!(runs < 10);
    }
    // 19 operations: two, and four times four, and one.
    assert_eq!(runs, 5);
    assert_eq!(scene.count("load_canister_snapshot"), 3);
}

#[test]
fn progress_is_told_line_by_line_with_names_in_columns() {
    let scene = Scene::new(2, "[limits]\nupload = 1\nother = 1\n");
    let done = scene.run(&["--verbose"]).expect(0);
    let lines: Vec<&str> = done.stderr.lines().collect();
    let ends = lines.iter().filter(|line| line.contains("  done  ("));
    let columns: std::collections::BTreeSet<_> = ends.map(|line| line.find("done")).collect();
    assert_eq!(columns.len(), 1, "{}", done.stderr);
    assert_eq!(lines.iter().filter(|line| line.contains("$ ") && line.contains("snapshot restore")).count(), 2);
    assert!(!done.stderr.contains('\u{1b}'), "{}", done.stderr);
    let quiet = Scene::new(1, "");
    let done = quiet.run(&["--quiet"]).expect(0);
    assert!(!done.stderr.contains("m0"), "{}", done.stderr);
}
