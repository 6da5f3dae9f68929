//! What a run and a report write beside the journal, and never over it.

use super::{
    process::done,
    scene::{CAREFUL, Scene},
};

fn scene() -> Scene {
    Scene::new(&["root"], CAREFUL)
}

#[test]
fn nothing_is_written_over_the_journal_or_the_plan() {
    let scene = scene();
    scene.run(&["--max-steps", "1"]).expect(9);
    let (plan, journal) = (std::fs::read(scene.plan()).unwrap(), std::fs::read(scene.journal()).unwrap());
    for file in ["plan.toml", "fleet.journal.jsonl", "./fleet.journal.jsonl"] {
        scene.run(&["--events", file]).expect(2);
        assert_eq!(std::fs::read(scene.plan()).unwrap(), plan, "{file}");
        assert_eq!(std::fs::read(scene.journal()).unwrap(), journal, "{file}");
    }
    scene.verb(&["report", "fleet.journal.jsonl", "--output", "./fleet.journal.jsonl"]).expect(2);
    assert_eq!(std::fs::read(scene.journal()).unwrap(), journal);
    // Nor over one that is yet to be begun.
    let anew = ["--journal", "anew.journal.jsonl"];
    scene.run(&[&anew[..], &["--events", "anew.journal.jsonl"]].concat()).expect(2);
    scene.run(&anew).expect(0);
    scene.assert_restored();
}

#[test]
fn a_second_run_leaves_the_events_of_the_first_alone() {
    let scene = scene();
    scene.fault("stop-canister root: barrier gate before");
    let first = scene.command(&["--events", "events.jsonl"]).spawn().unwrap();
    scene.wait_for("gate");
    scene.run(&["--events", "events.jsonl"]).expect(8);
    scene.release("gate");
    done(first).expect(0);
    let events = std::fs::read_to_string(scene.path.join("events.jsonl")).unwrap();
    assert!(events.starts_with("{\"v\":1,") && events.contains("\"hello\""), "{events:?}");
}
