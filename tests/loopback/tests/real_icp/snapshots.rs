//! Snapshots: taken, uploaded, downloaded and loaded.

use std::{collections::BTreeMap, fs};

use camino::Utf8Path;
use loopback::{CanisterSpec, Options, SnapshotId, Status, wasm_module};

use crate::{Setup, content, id_of};

#[test]
fn a_snapshot_is_taken_listed_replaced_and_deleted() {
    let Some(setup) = Setup::new() else { return };
    let running = setup.snapshot("create", &["--json"]);
    assert!(running.stderr.contains("is currently running"), "{running:?}");
    assert!(setup.canister("stop", &[]).success());
    let first = id_of(&setup.snapshot("create", &["--json"]));
    assert_eq!(first, SnapshotId::new(0, setup.canister));
    let second = id_of(&setup.snapshot("create", &["--json", "--replace", &first.to_string()]));
    let list = setup.snapshot("list", &["--json"]).json();
    assert_eq!(list["snapshots"].as_array().unwrap().len(), 1);
    assert_eq!(list["snapshots"][0]["snapshot_id"], second.to_string());
    assert!(setup.snapshot("delete", &[&second.to_string()]).success());
    let gone = setup.snapshot("delete", &[&second.to_string()]);
    assert!(gone.stderr.contains(r#"Some("IC0305")"#), "{gone:?}");
    let list = setup.snapshot("list", &["--json"]);
    assert_eq!(list.stdout, r#"{"snapshots":[]}"#);
}

#[test]
fn an_eleventh_snapshot_is_refused_but_not_a_replacement() {
    let Some(setup) = Setup::new() else { return };
    let oldest = setup.network.with_canister(setup.canister, |canister| {
        canister.set_status(Status::Stopped);
        let ids: Vec<_> = (0..10).map(|_| canister.take_snapshot()).collect();
        ids[0].to_string()
    });
    let refused = setup.snapshot("create", &["--json"]);
    assert!(refused.stderr.contains(r#"Some("IC0406")"#), "{refused:?}");
    assert_eq!(refused.stdout, "");
    let replaced = setup.snapshot("create", &["--json", "--replace", &oldest]);
    assert_eq!(id_of(&replaced), SnapshotId::new(10, setup.canister));
}

#[test]
fn an_upload_arrives_whole_and_a_restore_changes_the_canister() {
    let Some(setup) = Setup::new() else { return };
    let content = content(5_000_000);
    let artifact = setup.artifact(&content);
    let upload = setup.snapshot("upload", &["-i", artifact.as_str(), "--json"]);
    let id = id_of(&upload);
    let canister = setup.network.canister(setup.canister);
    let snapshot = canister.snapshot(&id).unwrap();
    assert!(snapshot.is_complete(), "{:?}", snapshot.missing());
    assert_eq!(snapshot.heap.bytes(), content.heap);
    assert_eq!(snapshot.stable.bytes(), content.stable);
    assert_eq!(snapshot.chunks.len(), 2);

    assert!(setup.canister("stop", &[]).success());
    let restore = setup.snapshot("restore", &[&id.to_string()]);
    assert_eq!(restore.code, Some(0));
    assert_eq!(restore.stdout, "");
    let name = setup.canister;
    assert_eq!(restore.stderr, format!("Restored canister {name} ({name}) from snapshot {id}\n"));
    let canister = setup.network.canister(setup.canister);
    assert_eq!(canister.heap.bytes(), content.heap);
    assert_eq!(canister.loads(), std::slice::from_ref(&id));
    let load = setup.network.log().pop().unwrap();
    assert_eq!(load.method, "load_canister_snapshot");
    assert_eq!(load.detail.snapshot, Some(id));
    assert_eq!(load.status_before, Some(Status::Stopped));
}

#[test]
fn an_artifact_is_what_icp_itself_downloads() {
    let content = content(200_000);
    let Some(setup) = Setup::with(Options::default(), |spec| CanisterSpec {
        module: Some(content.module.clone()),
        heap: content.heap.clone(),
        stable: content.stable.clone(),
        chunks: content.chunks.clone(),
        ..spec
    }) else {
        return;
    };
    assert!(setup.canister("stop", &[]).success());
    let id = id_of(&setup.snapshot("create", &["--json"])).to_string();
    let downloaded = setup.home.path().join("downloaded");
    let run = setup.snapshot("download", &[&id, "-o", downloaded.as_str()]);
    assert!(run.success(), "{run:?}");
    let written = setup.artifact(&content);
    assert_eq!(files(&downloaded), files(&written));
}

/// The files under a directory; the time of the snapshot is blanked out.
fn files(directory: &Utf8Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in directory.read_dir_utf8().expect("a directory") {
        let entry = entry.expect("an entry with a name in UTF-8");
        if entry.path().is_dir() {
            found.extend(files(entry.path()));
            continue;
        }
        let bytes = fs::read(entry.path()).expect("a file that can be read");
        let text = match String::from_utf8(bytes) {
            Ok(text) => text.lines().filter(|line| !line.contains("taken_at_timestamp")).collect::<Vec<_>>().join("\n"),
            Err(error) => hex::encode(error.into_bytes()),
        };
        found.insert(entry.file_name().to_owned(), text);
    }
    found
}

#[test]
fn a_short_blob_leaves_zeros_that_nothing_but_the_test_can_see() {
    let Some(setup) = Setup::new() else { return };
    let artifact = setup.artifact(&content(100_000));
    fs::write(artifact.join("wasm_memory.bin"), vec![1; 40_000]).unwrap();
    let id = id_of(&setup.snapshot("upload", &["-i", artifact.as_str(), "--json"]));
    let canister = setup.network.canister(setup.canister);
    let snapshot = canister.snapshot(&id).unwrap();
    assert_eq!(snapshot.missing(), [("heap", 40_000..100_000)]);
}

#[test]
fn a_foreign_snapshot_is_loaded_only_where_that_is_allowed() {
    for foreign_load in [false, true] {
        let options = Options { foreign_load, ..Options::default() };
        let Some(setup) = Setup::with(options, |spec| CanisterSpec { status: Status::Stopped, ..spec }) else {
            return;
        };
        let other = CanisterSpec { module: Some(wasm_module("other")), ..CanisterSpec::new([setup.home.principal()]) };
        let other = setup.network.create_canister(other);
        let id = setup.network.with_canister(other, |canister| canister.take_snapshot());
        let run = setup.snapshot("restore", &[&id.to_string()]);
        assert_eq!(run.success(), foreign_load, "{run:?}");
        assert_eq!(run.stderr.contains("IC0406"), !foreign_load);
    }
}
