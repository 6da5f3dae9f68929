//! What is said of artifacts that are not what they should be.

use std::{fs, os::unix::fs::symlink, process::Command};

use camino::Utf8Path;
use icp_restore::id::Digest;

use super::{Files, directory, seal, snapshot, write};
use crate::said;

fn backup() -> Files {
    snapshot().into_iter().map(|(path, bytes)| (format!("backup/app/{path}"), bytes)).collect()
}

/// Checks a plan of one artifact whose seal is this, and gives the exit code with what is said.
fn checked(folder: &Utf8Path, sealed: Digest, rest: &str) -> (Option<i32>, String) {
    let text = format!(
        "version = 1\nname = \"demo\"\n[network]\nname = \"ic\"\n[backup]\nroot = \"backup\"\n[[member]]\nname = \"app\"\n\
         source = \"r7inp-6aaaa-aaaaa-aaabq-cai\"\nsnapshot = {{ artifact = \"app\", sha256 = \"{sealed}\" }}\n\
         [[check]]\nmember = \"app\"\ncall = \"health\"\nexpect = \"(true)\"\n{rest}"
    );
    fs::write(folder.join("demo.toml"), text).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_icp-restore"));
    program.current_dir(folder).env_remove("COLUMNS").args(["check", "demo.toml", "--artifacts"]);
    let output = program.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Puts one text in place of another in the metadata.
fn restate(artifact: &Utf8Path, from: &str, to: &str) {
    let file = artifact.join("metadata.json");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn every_damage_is_told_in_words() {
    type Damage = fn(&Utf8Path);
    let damages: [(&str, Damage); 6] = [
        ("E0302", |artifact| write(artifact, "wasm_memory.bin", [1; 1024])),
        ("E0303", |artifact| {
            fs::remove_file(artifact.join("stable_memory.bin")).unwrap();
            symlink("/mnt/other/stable_memory.bin", artifact.join("stable_memory.bin")).unwrap();
        }),
        ("E0304", |artifact| restate(artifact, "\"canister_version\": 3,", "")),
        ("E0305", |artifact| restate(artifact, "1024", "2048")),
        ("E0306", |artifact| {
            write(artifact, &format!("wasm_chunk_store/{}.bin", Digest::of("chunk")), "chunk, but another");
        }),
        ("E0307", |artifact| {
            // A blob has its full size from the start.
            write(artifact, "wasm_memory.bin", [0; 1024]);
            write(artifact, ".download_progress.json", "{}");
        }),
    ];
    for (code, damage) in damages {
        let folder = directory(&backup());
        let artifact = folder.join("backup/app");
        let sealed = seal(&artifact).plain;
        assert_eq!(checked(&folder, sealed, ""), (Some(0), "1 file checked, nothing is wrong\n".to_owned()));
        damage(&artifact);
        // Metadata are looked at only of what is sealed as it is.
        let sealed = if matches!(code, "E0304" | "E0305" | "E0306") { seal(&artifact).plain } else { sealed };
        let (exit, said) = checked(&folder, sealed, "");
        assert_eq!(exit, Some(3), "{said}");
        said::hold_printed(code, &said, &folder);
    }
}

#[test]
fn a_blob_that_is_too_large_for_the_memory_is_warned_of() {
    let folder = directory(&backup());
    let sealed = seal(&folder.join("backup/app")).plain;
    let (exit, said) = checked(&folder, sealed, "[limits]\nupload-memory = \"4KiB\"\n");
    assert_eq!(exit, Some(0), "{said}");
    said::hold_printed("W0106", &said, &folder);
    assert_eq!(checked(&folder, sealed, "[limits]\nupload-memory = \"5KiB\"\n").1.matches("[W0106]").count(), 0);
}
