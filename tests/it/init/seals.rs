//! Directories that the ancestor sealed: the plan that `init --from` makes of its manifest verifies them, whatever icp has
//! left in them or a copy has lost, and nothing else.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
};

use camino::{Utf8Path, Utf8PathBuf};
use canic_backup::artifacts::ArtifactChecksum;
use fastrand::Rng;
use icp_restore::{artifact::ICP_FILES, id::Digest};
use serde_json::Value;

use crate::adopt::World;

/// A world whose first artifact is a tree by chance, sealed by the ancestor with or without the lock in it.
fn sealed(rng: &mut Rng, lock: bool) -> (World, Utf8PathBuf) {
    let world = World::new(1);
    let artifact = world.backup().join("artifacts/root");
    let text = fs::read_to_string(artifact.join("metadata.json")).unwrap();
    let mut metadata: Value = serde_json::from_str(&text).unwrap();
    let mut chunks = Vec::new();
    fs::create_dir_all(artifact.join("wasm_chunk_store")).unwrap();
    for _ in 0..rng.usize(0..4) {
        let bytes: Vec<u8> = (0..rng.usize(1..2000)).map(|_| rng.u8(..)).collect();
        let hash = Digest::of(&bytes);
        fs::write(artifact.join(format!("wasm_chunk_store/{hash}.bin")), &bytes).unwrap();
        chunks.push(serde_json::json!({ "hash": hash.0.to_vec() }));
    }
    metadata["wasm_chunk_store"] = chunks.into();
    fs::write(artifact.join("metadata.json"), metadata.to_string()).unwrap();
    // More than icp writes: names whose order is another by bytes than by component, and icp's names where they count.
    let odd =
        ["a/b", "a-b", "a.b", "a/b-c", "B", "é", "!first", "nested/.lock", "nested/.upload_progress.json", "new\nline"];
    for name in odd {
        if rng.bool() {
            write(&artifact.join(name), &[rng.u8(..)]);
        }
    }
    fs::remove_file(artifact.join(".lock")).unwrap_or_default();
    if lock {
        fs::write(artifact.join(".lock"), "").unwrap();
    }
    world.write_manifest(&world.manifest());
    world.init("");
    (world, artifact)
}

fn write(path: &Utf8Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The code of the check, and the codes of what it found.
fn check(world: &World) -> (Option<i32>, Vec<String>) {
    let output = world.run(&["check", world.plan().as_str(), "--artifacts", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors = report["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] == "error");
    (output.status.code(), errors.map(|d| d["code"].as_str().unwrap().to_owned()).collect())
}

const GOOD: (Option<i32>, Vec<String>) = (Some(0), Vec::new());

#[test]
fn whatever_of_icps_own_files_comes_or_goes_the_seal_holds() {
    let mut rng = Rng::with_seed(30);
    let mut lost = 0;
    for round in 0..12 {
        let (world, artifact) = sealed(&mut rng, round % 2 == 0);
        let seal = world.manifest()["fleet"]["members"][0]["source_snapshot"]["checksum"].clone();
        assert_eq!(check(&world), GOOD, "as sealed");
        for _ in 0..4 {
            for name in ICP_FILES {
                let file = artifact.join(name);
                fs::remove_file(&file).unwrap_or_default();
                if rng.bool() {
                    fs::write(&file, if name == ".lock" { "" } else { "{}" }).unwrap();
                }
            }
            assert_eq!(check(&world), GOOD, "{round}");
            let now = ArtifactChecksum::from_path(artifact.as_std_path()).unwrap().hash;
            lost += usize::from(seal != now.as_str());
        }
    }
    assert!(lost > 20, "the ancestor's own check failed {lost} times");
}

#[test]
fn anything_else_that_is_added_removed_or_changed_is_found() {
    let mut rng = Rng::with_seed(31);
    for round in 0..8 {
        let (world, artifact) = sealed(&mut rng, round % 2 == 0);
        let found = |what: &str| {
            let (code, codes) = check(&world);
            assert_eq!(code, Some(3), "{what}");
            assert!(codes.iter().all(|code| matches!(&**code, "E0302" | "E0303")), "{what}: {codes:?}");
            assert!(!codes.is_empty());
        };
        for name in ["more", "nested/more", "wasm_chunk_store/.lock", ".hidden", ".lock2"] {
            let is_there = artifact.join(name).parent().unwrap().exists();
            write(&artifact.join(name), b"");
            found(name);
            fs::remove_file(artifact.join(name)).unwrap();
            if !is_there {
                fs::remove_dir(artifact.join(name).parent().unwrap()).unwrap();
            }
        }
        for name in ["wasm_module.bin", "wasm_memory.bin"] {
            let file = artifact.join(name);
            let bytes = fs::read(&file).unwrap();
            let mut changed = bytes.clone();
            changed[rng.usize(..bytes.len())] ^= 1 << rng.u8(..8);
            fs::write(&file, &changed).unwrap();
            found("a flipped bit");
            fs::remove_file(&file).unwrap();
            found("a file that is gone");
            fs::create_dir(&file).unwrap();
            found("a directory in its place");
            fs::remove_dir(&file).unwrap();
            fs::rename(artifact.join("metadata.json"), &file).unwrap();
            found("another in its place");
            fs::rename(&file, artifact.join("metadata.json")).unwrap();
            fs::write(&file, &bytes).unwrap();
        }
        assert_eq!(check(&world), GOOD, "all is as it was");
    }
}

#[test]
fn a_download_that_did_not_end_is_told_as_such() {
    let (world, artifact) = sealed(&mut Rng::with_seed(33), true);
    let memory = fs::File::options().write(true).open(artifact.join("wasm_memory.bin")).unwrap();
    // A blob has its full size from the start.
    memory.set_len(100).unwrap();
    memory.set_len(65_536).unwrap();
    assert_eq!(check(&world), (Some(3), vec!["E0302".to_owned()]));
    fs::write(artifact.join(".download_progress.json"), "{}").unwrap();
    assert_eq!(check(&world), (Some(3), vec!["E0307".to_owned()]));
}

#[test]
fn links_pipes_and_odd_names_are_errors() {
    let mut rng = Rng::with_seed(32);
    let (world, artifact) = sealed(&mut rng, true);
    let found = |what: &str| assert_eq!(check(&world), (Some(3), vec!["E0303".to_owned()]), "{what}");
    let odd = artifact.join("odd");
    symlink("wasm_module.bin", &odd).unwrap();
    found("a link to a file");
    fs::remove_file(&odd).unwrap();
    symlink(".", &odd).unwrap();
    found("a link to a directory");
    fs::remove_file(&odd).unwrap();
    nix::unistd::mkfifo(odd.as_std_path(), nix::sys::stat::Mode::S_IRUSR).unwrap();
    found("a pipe, which the ancestor passes over");
    fs::remove_file(&odd).unwrap();
    let name = artifact.as_std_path().join(OsStr::from_bytes(b"\xff"));
    fs::write(&name, "").unwrap();
    found("a name that is not UTF-8");
    fs::remove_file(&name).unwrap();
    fs::remove_file(artifact.join(".lock")).unwrap();
    symlink("wasm_module.bin", artifact.join(".lock")).unwrap();
    found("a link as the lock");
    fs::remove_file(artifact.join(".lock")).unwrap();
    assert_eq!(check(&world), GOOD);
}
