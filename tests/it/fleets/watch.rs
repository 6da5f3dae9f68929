//! Watching a run from another shell.

use std::io::{BufRead as _, BufReader};

use super::scene::{Scene, done};

#[test]
fn a_watch_tells_changes_and_ends_with_the_run() {
    let scene = Scene::new(2, "[limits]\nupload = 1\n");
    scene.fault("upload-snapshot m0: barrier first middle");
    scene.fault("upload-snapshot m1: barrier second middle");
    let run = scene.begin(&[]);
    scene.wait_for("first");
    let mut watch = scene.start(&["status", "fleet.journal.jsonl", "--watch"]);
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    scene.release("first");
    // Told while the run is still at it.
    let line = lines.next().unwrap().unwrap();
    assert!(line.contains("upload-snapshot  m0  done"), "{line}");
    scene.wait_for("second");
    scene.release("second");
    done(run).expect(0);
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let loads = rest.iter().filter(|line| line.contains("  load-snapshot") && line.contains("  done"));
    assert_eq!(loads.count(), 2, "{rest:#?}");
    assert!(rest.iter().any(|line| line.contains("13 of 13 operations completed")), "{rest:?}");
    assert!(watch.wait().unwrap().success());
}

#[test]
fn where_no_run_is_at_work_a_watch_says_how_it_stands() {
    let scene = Scene::new(1, "");
    scene.run(&["--until", "uploaded"]).expect(9);
    let done = scene.verb(&["status", "fleet.journal.jsonl", "--watch", "--require-complete"]).expect(9);
    assert!(done.stdout.contains("1 of 7 operations completed"), "{}", done.stdout);
}
