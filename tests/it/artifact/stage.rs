use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use camino::Utf8Path;
use icp_restore::{
    artifact::{
        progress::{self, Progress},
        stage::{self, Problem},
    },
    id::Digest,
};

use super::{Directory, THREADS, directory, empty, seal, silent, snapshot, told, write};

const PROGRESS: &str = r#"{"snapshot_id":"000000000000000300000000099900000101","metadata_uploaded":true,"wasm_module_offset":4,
    "wasm_memory_offset":512,"stable_memory_offset":0,"wasm_chunks_uploaded":[]}"#;

/// An artifact, and a place for its staging.
fn staged() -> (Directory, Directory) {
    let (artifact, work) = (directory(&snapshot()), empty());
    let staging = work.join("journal.d/upload-0");
    stage::stage(&artifact, &seal(&artifact), &staging).unwrap();
    (artifact, work)
}

fn staging(work: &Directory) -> camino::Utf8PathBuf {
    work.join("journal.d/upload-0")
}

fn verify(artifact: &Directory, sealed: &icp_restore::artifact::Seal, staging: &Utf8Path) -> Vec<Problem> {
    stage::verify(artifact, sealed, staging, THREADS, &silent).err().unwrap_or_default()
}

#[test]
fn staging_is_private_and_made_of_links_to_every_file() {
    let (artifact, work) = staged();
    let staging = staging(&work);
    for path in snapshot().keys() {
        assert_eq!(staging.join(path).read_link_utf8().unwrap(), artifact.join(path));
    }
    for path in ["", "wasm_chunk_store"] {
        let mode = fs::metadata(staging.join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    assert!(verify(&artifact, &seal(&artifact), &staging).is_empty());
}

#[test]
fn staging_again_changes_nothing_and_leaves_the_files_of_icp() {
    let (artifact, work) = staged();
    let staging = staging(&work);
    write(&staging, ".lock", "");
    write(&staging, ".upload_progress.json", PROGRESS);
    let aside = progress::put_aside(&staging).unwrap().unwrap();
    write(&staging, ".upload_progress.json", PROGRESS);
    stage::stage(&artifact, &seal(&artifact), &staging).unwrap();
    assert!(verify(&artifact, &seal(&artifact), &staging).is_empty());
    assert_eq!(fs::read_to_string(staging.join(".upload_progress.json")).unwrap(), PROGRESS);
    assert_eq!(fs::read_to_string(aside).unwrap(), PROGRESS);
}

#[test]
fn half_a_staging_is_completed() {
    let (artifact, work) = staged();
    let staging = staging(&work);
    fs::remove_file(staging.join("wasm_module.bin")).unwrap();
    let problems = verify(&artifact, &seal(&artifact), &staging);
    assert_eq!(told(problems, &staging), ["wasm_module.bin is not staged"]);
    stage::stage(&artifact, &seal(&artifact), &staging).unwrap();
    assert!(verify(&artifact, &seal(&artifact), &staging).is_empty());
}

#[test]
fn what_is_not_ours_in_staging_is_told_and_not_mended() {
    let (artifact, work) = staged();
    let (sealed, staging) = (seal(&artifact), staging(&work));
    fs::remove_file(staging.join("wasm_module.bin")).unwrap();
    symlink("/etc/passwd", staging.join("wasm_module.bin")).unwrap();
    fs::remove_file(staging.join("metadata.json")).unwrap();
    write(&staging, "metadata.json", "{}");
    write(&staging, "wasm_chunk_store/.lock", "");
    write(&staging, "more.bin", "");
    symlink("/dev/zero", staging.join(".lock")).unwrap();
    fs::set_permissions(staging.join("wasm_chunk_store"), fs::Permissions::from_mode(0o755)).unwrap();
    let expected = [
        ".lock does not belong into staging",
        "metadata.json is not what was staged there",
        "more.bin does not belong into staging",
        "wasm_chunk_store has mode 755 where staging is private (700)",
        "wasm_module.bin is not what was staged there",
    ];
    let mut verified = told(verify(&artifact, &sealed, &staging), &staging);
    verified.sort();
    assert_eq!(verified, expected);
    fs::set_permissions(staging.join("wasm_chunk_store"), fs::Permissions::from_mode(0o700)).unwrap();
    let mut again = told(stage::stage(&artifact, &sealed, &staging).unwrap_err(), &staging);
    again.sort();
    assert_eq!(
        again,
        [expected[0], expected[1], expected[2], "wasm_chunk_store/.lock does not belong into staging", expected[4]]
    );
    assert_eq!(staging.join("wasm_module.bin").read_link_utf8().unwrap(), "/etc/passwd");
}

#[test]
fn nothing_is_written_through_a_link_in_place_of_staging() {
    let (artifact, work, elsewhere) = (directory(&snapshot()), empty(), empty());
    symlink(&*elsewhere, work.join("staging")).unwrap();
    let problems = stage::stage(&artifact, &seal(&artifact), &work.join("staging")).unwrap_err();
    assert_eq!(told(problems, &work), ["staging is not what was staged there"]);
    assert_eq!(fs::read_dir(&*elsewhere).unwrap().count(), 0);
}

#[test]
fn a_change_in_the_artifact_is_found_through_staging() {
    let (artifact, work) = staged();
    let (sealed, staging) = (seal(&artifact), staging(&work));
    let mut heap = snapshot()["wasm_memory.bin"].clone();
    heap[1000] ^= 1;
    write(&artifact, "wasm_memory.bin", heap);
    write(&artifact, "stable_memory.bin", "longer");
    let problems = told(verify(&artifact, &sealed, &staging), &artifact);
    assert_eq!(
        problems,
        ["stable_memory.bin has changed since it was sealed", "wasm_memory.bin has changed since it was sealed"]
    );
    fs::remove_file(artifact.join("wasm_memory.bin")).unwrap();
    let problems = told(verify(&artifact, &sealed, &staging), &artifact);
    assert_eq!(problems, ["wasm_memory.bin is not there"]);
}

#[test]
fn a_link_that_comes_into_the_artifact_is_found_even_if_its_content_is_right() {
    let (artifact, work) = staged();
    let (sealed, staging, other) = (seal(&artifact), staging(&work), directory(&snapshot()));
    fs::remove_dir_all(artifact.join("wasm_chunk_store")).unwrap();
    symlink(other.join("wasm_chunk_store"), artifact.join("wasm_chunk_store")).unwrap();
    let problems = told(verify(&artifact, &sealed, &staging), &artifact);
    assert_eq!(problems, ["wasm_chunk_store is a symbolic link"]);
}

#[test]
fn a_single_file_is_not_staged() {
    let (artifact, work) = (directory(&snapshot()), empty());
    let file = artifact.join("wasm_module.bin");
    let problems = stage::stage(&file, &seal(&file), &work.join("staging")).unwrap_err();
    assert!(matches!(&problems[..], [Problem::NotDirectory { .. }]));
}

#[test]
fn progress_is_none_torn_or_found() {
    let work = empty();
    assert_eq!(progress::read(&work).unwrap(), Progress::None);
    assert_eq!(progress::read(&work.join("gone")).unwrap(), Progress::None);
    for length in 0..PROGRESS.len() {
        write(&work, progress::FILE, &PROGRESS[..length]);
        assert_eq!(progress::read(&work).unwrap(), Progress::Torn(PROGRESS[..length].to_owned()));
    }
    write(&work, progress::FILE, PROGRESS);
    let Progress::Found(upload) = progress::read(&work).unwrap() else { panic!("not found") };
    assert_eq!(upload.snapshot_id.to_string(), "000000000000000300000000099900000101");
    assert_eq!(upload.bytes(), 516);
}

#[test]
fn progress_put_aside_never_takes_the_place_of_another() {
    let work = empty();
    assert_eq!(progress::put_aside(&work).unwrap(), None);
    for number in 1..=3 {
        write(&work, progress::FILE, number.to_string());
        assert_eq!(
            progress::put_aside(&work).unwrap(),
            Some(work.join(format!(".upload_progress.json.aside-{number}")))
        );
    }
    assert_eq!(progress::read(&work).unwrap(), Progress::None);
    assert_eq!(fs::read_to_string(work.join(".upload_progress.json.aside-2")).unwrap(), "2");
}

#[test]
fn progress_of_another_artifact_does_not_fit() {
    let (artifact, work) = (directory(&snapshot()), empty());
    let sealed = seal(&artifact);
    for (from, to, fits) in [
        ("", "", true),
        ("\"wasm_memory_offset\":512", "\"wasm_memory_offset\":1025", false),
        ("\"stable_memory_offset\":0", "\"stable_memory_offset\":1", false),
        ("[]", &format!("[\"{}\"]", Digest::of("chunk")), true),
        ("[]", &format!("[\"{}\"]", Digest::of("foreign")), false),
    ] {
        write(&work, progress::FILE, PROGRESS.replacen(from, to, 1));
        let Progress::Found(upload) = progress::read(&work).unwrap() else { panic!("{to}") };
        assert_eq!(upload.fits(&sealed), fits, "{to}");
    }
}
