//! Operations at once, and never against their order: the network's own log is asked.

use std::collections::BTreeSet;

use icp_restore::{
    journal::event::Event,
    operation::{Kind, Operation, Sequence},
};

use super::scene::{HEAP, Scene, done};

const WIDE: &str = "[limits]\nupload = 8\nother = 8\n";
const NARROW: &str = "[limits]\nupload = 1\nother = 1\n";

/// Everything that an operation waits for, however far.
fn before(operations: &[Operation], of: &Operation) -> BTreeSet<Sequence> {
    let mut all = BTreeSet::new();
    let mut open = of.after.clone();
    while let Some(sequence) = open.pop() {
        if all.insert(sequence) {
            open.extend(&operations[sequence.index()].after);
        }
    }
    all
}

/// How many operations of a kind were under way at once, at most.
fn at_once(scene: &Scene, kind: Kind) -> usize {
    let operations = scene.operations();
    let (mut open, mut most) = (0_usize, 0);
    for event in scene.events() {
        match event {
            Event::Claimed(claimed) if operations[claimed.operation.index()].kind == kind => open += 1,
            Event::Finished(finished) if operations[finished.operation.index()].kind == kind => open -= 1,
            _ => {}
        }
        most = most.max(open);
    }
    most
}

#[test]
fn the_networks_log_never_breaks_the_order_of_dependencies() {
    let scene = Scene::new(11, WIDE);
    // Two uploads wait for each other, so that they surely are at once.
    scene.fault("upload-snapshot m0: barrier first middle");
    scene.fault("upload-snapshot m1: barrier second middle");
    let child = scene.begin(&[]);
    scene.wait_for("first");
    scene.wait_for("second");
    scene.release("first");
    scene.release("second");
    done(child).expect(0);
    let operations = scene.operations();
    let mut compared = 0;
    for operation in &operations {
        let Some((first, _)) = scene.effects(operation) else { continue };
        for earlier in before(&operations, operation) {
            let earlier = &operations[earlier.index()];
            let Some((_, last)) = scene.effects(earlier) else { continue };
            assert!(last < first, "{earlier:?} was to be over before {operation:?}");
            compared += 1;
        }
    }
    assert!(compared > 1000, "{compared}");
    assert!(at_once(&scene, Kind::UploadSnapshot) >= 2);
}

#[test]
fn one_at_a_time_the_order_is_the_sequence() {
    let scene = Scene::new(7, NARROW);
    scene.run(&[]).expect(0);
    let claimed = scene.claimed();
    assert!(claimed.is_sorted() && claimed.len() == 7 * 5, "{claimed:?}");
    let operations = scene.operations();
    let effects: Vec<_> = operations.iter().filter_map(|operation| scene.effects(operation)).collect();
    assert!(effects.windows(2).all(|pair| pair[0].1 < pair[1].0), "{effects:?}");
}

#[test]
fn a_failure_stops_new_claims_and_lets_the_others_land() {
    let scene = Scene::new(5, "[limits]\nupload = 2\n");
    scene.fault("upload-snapshot m0: barrier held middle");
    scene.fault("upload-snapshot m1: reject IC0504");
    let child = scene.begin(&[]);
    scene.wait_for("held");
    super::scene::until("the other one fails", || {
        scene.journal().exists()
            && scene
                .events()
                .iter()
                .any(|event| matches!(event, Event::Finished(finished) if finished.operation.0 == 1))
    });
    scene.release("held");
    let done = done(child).expect(5);
    assert!(done.stderr.contains("failed: operation 1, upload-snapshot m1"), "{}", done.stderr);
    assert_eq!(scene.claimed().into_iter().collect::<BTreeSet<_>>(), [Sequence(0), Sequence(1)].into());
    let replay = icp_restore::journal::load(&scene.journal()).unwrap();
    assert!(replay.slot(Sequence(0)).is_completed());
    scene.run(&[]).expect(0);
    assert_eq!(scene.count("load_canister_snapshot"), 5);
}

#[test]
fn failed_uploads_may_be_tolerated_but_nothing_is_stopped_then() {
    let scene = Scene::new(5, "[limits]\nupload = 1\nmax-failures = 1\n");
    scene.fault("upload-snapshot m1: reject IC0504");
    scene.run(&[]).expect(5);
    assert_eq!(scene.claimed().into_iter().collect::<BTreeSet<_>>(), (0..5).map(Sequence).collect());
    assert_eq!(scene.count("stop_canister"), 0);
    scene.run(&[]).expect(0);
}

#[test]
fn uploads_queue_for_memory() {
    // Each takes five times its largest blob: one fits, and not two.
    let scene = Scene::new(4, &format!("[limits]\nupload = 4\nupload-memory = \"{}kB\"\n", HEAP * 9 / 1000));
    scene.run(&["--until", "uploaded"]).expect(9);
    assert_eq!(at_once(&scene, Kind::UploadSnapshot), 1);
    assert_eq!(scene.claimed().len(), 4);
}

#[test]
fn every_upload_has_a_staging_of_its_own() {
    let scene = Scene::new(6, WIDE);
    scene.run(&["--until", "uploaded"]).expect(9);
    let inputs = scene.events().into_iter().filter_map(|event| match event {
        Event::Claimed(claimed) => {
            let at = claimed.command.args.iter().position(|arg| arg == "--input")?;
            Some(claimed.command.args[at + 1].clone())
        }
        _ => None,
    });
    assert_eq!(inputs.collect::<BTreeSet<_>>().len(), 6);
}
