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

#[test]
fn of_a_large_fleet_only_what_somebody_may_have_to_see_to_is_listed() {
    let scene = Scene::new(20, "[limits]\nother = 1\n");
    scene.fault("load-snapshot m7: reject IC0504");
    scene.run(&[]).expect(5);
    let text = scene.verb(&["status", "fleet.journal.jsonl"]).expect(0).stdout;
    let rows: Vec<&str> = text.lines().filter(|line| line.contains(" load-snapshot")).collect();
    let [kind, failed] = rows[..] else { panic!("{text}") };
    assert!(kind.ends_with("  load-snapshot    7 of 20; 7 ready, 5 waiting, 1 failed"), "{kind}");
    assert!(failed.contains("load-snapshot    m7  failed  "), "{failed}");
    assert!(text.lines().count() < 25, "{text}");
    let all = scene.verb(&["status", "fleet.journal.jsonl", "--verbose"]).expect(0).stdout;
    assert_eq!(all.lines().filter(|line| line.contains(" load-snapshot")).count(), 20, "{all}");
}
