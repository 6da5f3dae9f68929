use icp_restore::{
    artifact::{
        metadata::{self, Document, Problem, Unreadable},
        readback::{self, Difference},
    },
    id::Digest,
};

use super::{Directory, Files, directory, seal, snapshot, told, write};

fn document(root: &Directory) -> Document {
    metadata::read(root, &seal(root)).unwrap()
}

fn text(files: &Files) -> String {
    String::from_utf8(files["metadata.json"].clone()).unwrap()
}

/// The problems of a snapshot whose metadata have one text in place of another, each with what its span covers.
fn problems(from: &str, to: &str) -> Vec<(String, String)> {
    let mut files = snapshot();
    let changed = text(&files).replacen(from, to, 1);
    assert_ne!(changed, text(&files), "{from}");
    files.insert("metadata.json".into(), changed.clone().into());
    let root = directory(&files);
    let problems = metadata::compare(&document(&root), &seal(&root));
    let covered = |problem: &Problem| {
        changed[match problem {
            Problem::BlobSize { span, .. }
            | Problem::BlobMissing { span, .. }
            | Problem::ChunkHash { span, .. }
            | Problem::ChunkMissing { span, .. }
            | Problem::ChunkContent { span, .. }
            | Problem::ChunkUnstated { span, .. }
            | Problem::Global { span, .. } => span.clone(),
        }]
        .to_owned()
    };
    problems.iter().map(|problem| (problem.to_string(), covered(problem))).collect()
}

#[test]
fn true_metadata_have_no_problem_and_unknown_fields_do_not_matter() {
    let root = directory(&snapshot());
    let read = document(&root);
    assert_eq!(metadata::compare(&read, &seal(&root)), []);
    assert_eq!((read.metadata.wasm_memory_size, read.metadata.canister_version), (1024, 3));
    assert_eq!(problems("\"source\"", "\"new\": [1], \"source\""), []);
    assert_eq!(problems("\"global_timer\": \"inactive\",", ""), []);
    assert_eq!(problems("\"inactive\"", "{\"active\": 18446744073709551615}"), []);
}

#[test]
fn a_blob_of_another_size_is_told_at_its_number() {
    assert_eq!(
        problems("1024", "2048"),
        [("wasm_memory.bin has 1024 bytes, its metadata say 2048".into(), "2048".into())]
    );
    assert_eq!(
        problems("\"stable_memory_size\": 0", "\"stable_memory_size\": 65536"),
        [("stable_memory.bin has 0 bytes, its metadata say 65536".into(), "65536".into())]
    );
}

#[test]
fn a_missing_blob_is_a_problem_unless_it_is_empty() {
    let mut files = snapshot();
    files.remove("stable_memory.bin");
    let root = directory(&files);
    assert_eq!(metadata::compare(&document(&root), &seal(&root)), []);
    files.remove("wasm_module.bin");
    let root = directory(&files);
    let problems = metadata::compare(&document(&root), &seal(&root));
    assert_eq!(told(problems, &root), ["wasm_module.bin is not there, its metadata say 4 bytes"]);
}

#[test]
fn globals_without_a_value_are_told() {
    assert_eq!(problems("{\"i32\": -1}", "null"), [("global 0 has no value".into(), "null".into())]);
    // A global that is not a number: serde_json writes null, which icp cannot read.
    assert_eq!(
        problems("{\"v128\": [1, 2, 3, 4]}", "{\"f32\": null}"),
        [("global 1 has no value".into(), "{\"f32\": null}".into())]
    );
}

#[test]
fn chunks_are_held_against_their_names_and_the_list() {
    let mut files = snapshot();
    let path = format!("wasm_chunk_store/{}.bin", Digest::of("chunk"));
    files.insert(path.clone(), b"chunk, but another".to_vec());
    files.insert("wasm_chunk_store/stray.bin".into(), Vec::new());
    let root = directory(&files);
    let found = metadata::compare(&document(&root), &seal(&root));
    assert!(matches!(&found[..], [Problem::ChunkContent { .. }, Problem::ChunkUnstated { .. }]), "{found:?}");
    files.remove(&path);
    let root = directory(&files);
    let found = metadata::compare(&document(&root), &seal(&root));
    assert!(matches!(&found[..], [Problem::ChunkMissing { .. }, Problem::ChunkUnstated { .. }]), "{found:?}");
    let short = problems("{\"hash\": [", "{\"hash\": [1, 2]}, {\"hash\": [");
    assert_eq!(short, [("the hash of a chunk has 2 bytes where SHA-256 has 32".into(), "{\"hash\": [1, 2]}".into())]);
}

#[test]
fn what_icp_would_not_read_is_unreadable_at_its_place() {
    let good = text(&snapshot());
    let cases = [
        // Each with the text that ends where the problem is met.
        (good.replace("\"canister_version\": 3,", ""), "missing field `canister_version`", "\n"),
        (good.replace("1024", "\"1024\""), "invalid type: string \"1024\", expected u64", "\"1024"),
        (
            good.replace("\"certified_data\": []", "\"certified_data\": [256]"),
            "invalid value: integer `256`, expected u8",
            "25",
        ),
        (good[..100].to_owned(), "EOF while parsing", &good[..99]),
        (String::new(), "EOF while parsing a value", ""),
    ];
    for (bad, expected, until) in cases {
        match metadata::parse("metadata.json".into(), bad.clone()) {
            Err(Unreadable::Syntax { offset, reason, .. }) => {
                assert!(reason.starts_with(expected) && !reason.contains(" line "), "{reason}");
                assert!(bad[..offset].ends_with(until), "{:?}", &bad[..offset]);
            }
            other => panic!("{bad}: {other:?}"),
        }
    }
}

#[test]
fn metadata_that_changed_since_the_seal_are_not_believed() {
    let root = directory(&snapshot());
    let sealed = seal(&root);
    write(&root, "metadata.json", text(&snapshot()).replace("1024", "1025"));
    assert!(matches!(metadata::read(&root, &sealed), Err(Unreadable::Changed { .. })));
    let mut files = snapshot();
    files.remove("metadata.json");
    let root = directory(&files);
    assert!(matches!(metadata::read(&root, &seal(&root)), Err(Unreadable::Missing { .. })));
}

#[test]
fn a_download_of_what_was_sent_has_no_difference() {
    let sent = directory(&snapshot());
    let mut files = snapshot();
    // What icp does of itself: a time and a source of its own, an empty heap that is not written, a lock.
    let metadata = text(&files).replace("1775779200000000000", "1").replace("taken_from_canister", "metadata_upload");
    files.insert("metadata.json".into(), metadata.into());
    files.remove("stable_memory.bin");
    files.insert(".lock".into(), Vec::new());
    let got = directory(&files);
    assert_eq!(readback::blobs(&seal(&sent), &seal(&got)), []);
    assert_eq!(readback::metadata(&document(&sent).metadata, &document(&got).metadata), []);
}

#[test]
fn every_difference_of_a_download_is_told() {
    let sent = directory(&snapshot());
    let mut files = snapshot();
    let chunk = format!("wasm_chunk_store/{}.bin", Digest::of("chunk"));
    files.remove(&chunk);
    let new = format!("wasm_chunk_store/{}.bin", Digest::of("new"));
    files.insert(new.clone(), b"new".to_vec());
    files.get_mut("wasm_memory.bin").unwrap()[1023] = 0;
    let metadata = text(&files).replace("{\"i32\": -1}", "{\"i32\": 1}").replace("\"inactive\"", "{\"active\": 5}");
    files.insert("metadata.json".into(), metadata.into());
    let got = directory(&files);
    let blobs = readback::blobs(&seal(&sent), &seal(&got));
    assert!(
        matches!(&blobs[0], Difference::Content { path, sent, got } if path == "wasm_memory.bin" && sent.size == got.size)
    );
    assert_eq!(
        blobs[1..],
        [Difference::Chunk { path: chunk.into(), sent: true }, Difference::Chunk { path: new.into(), sent: false },]
    );
    let fields = readback::metadata(&document(&sent).metadata, &document(&got).metadata);
    assert_eq!(told(fields, &got), ["globals is not what was sent", "global_timer is not what was sent"]);
}
