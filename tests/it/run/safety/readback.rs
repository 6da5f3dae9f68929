//! Uploads that are read back and compared.

use icp_restore::simulate::Blob;
use serde_json::Value;

use super::Scene;
use crate::run::process::done;

impl Scene {
    /// The notes of the receipts of completed uploads.
    fn notes(&self) -> Vec<String> {
        let lines = self.lines();
        let events = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let receipts = events.filter(|event| event["receipt"]["kind"] == "upload-snapshot");
        receipts.map(|event| event["receipt"]["notes"].to_string()).collect()
    }
}

const PROVED: &str = "proved by reading it back";

#[test]
fn an_upload_is_proved_by_reading_it_back_where_that_is_asked_for() {
    let scene = Scene::careful();
    scene.run(&["--verify-upload"]).expect(0);
    assert!(scene.notes().iter().all(|notes| notes.contains(PROVED)), "{:?}", scene.notes());
    // Nothing of it stays.
    let folder = scene.path.join("fleet.journal.jsonl.d");
    let left = folder.read_dir_utf8().unwrap().flatten().filter(|entry| entry.file_name().starts_with("readback"));
    assert_eq!(left.count(), 0);

    let scene = Scene::careful();
    scene.run(&[]).expect(0);
    assert!(!scene.notes().iter().any(|notes| notes.contains(PROVED)), "{:?}", scene.notes());
}

#[test]
fn what_was_pieced_together_is_always_read_back() {
    let scene = Scene::careful();
    scene.fault("upload-snapshot app: kill-icp middle");
    scene.run(&[]).expect(0);
    scene.assert_restored();
    let proved = scene.notes().iter().filter(|notes| notes.contains(PROVED)).count();
    assert_eq!(proved, 1, "{:?}", scene.notes());
}

#[test]
fn what_is_not_what_was_sent_is_never_loaded() {
    let scene = Scene::careful();
    scene.fault("upload-snapshot app: barrier sent after");
    let run = scene.command(&["--verify-upload"]).spawn().unwrap();
    scene.wait_for("sent");
    let app = scene.members[1].1;
    let spoil = |state: &mut icp_restore::simulate::Canister| {
        let snapshot = state.snapshots.last_mut().unwrap();
        snapshot.heap = Blob::zeros(snapshot.heap.size());
        snapshot.id.to_string()
    };
    let spoilt = scene.fleet.update(app, spoil).unwrap();
    scene.release("sent");
    let run = done(run).expect(5);
    assert!(run.stderr.contains("is not what was sent") && run.stderr.contains("wasm_memory.bin"), "{}", run.stderr);
    assert_eq!(scene.count(0, "stop_canister"), 0);
    let status = scene.verb(&["status", "fleet.journal.jsonl"]).expect(0).stdout;
    assert!(status.contains(&spoilt) && status.contains("left behind"), "{status}");
    // The next run uploads anew and goes on.
    scene.run(&["--verify-upload"]).expect(0);
    scene.assert_restored();
    let loaded = scene.effects(1).into_iter().find(|entry| entry.method == "load_canister_snapshot").unwrap();
    assert!(!loaded.detail.to_string().contains(&spoilt), "{loaded:?}");
}

#[test]
fn what_a_dead_run_has_sent_is_read_back_once() {
    let scene = Scene::careful();
    scene.fault("upload-snapshot app: kill-runner at after-effect");
    scene.run(&["--verify-upload"]);
    scene.run(&["--verify-upload", "--wait", "30s"]).expect(0);
    scene.assert_restored();
    let log = scene.fleet.log().unwrap();
    let read = |entry: &&icp_restore::simulate::Entry| {
        entry.method == "read_canister_snapshot_metadata" && entry.canister == scene.members[1].1
    };
    assert_eq!(log.iter().filter(read).count(), 1);
}
