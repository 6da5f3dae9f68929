//! A disk that fails: the sync of the journal answers with EIO, once, at each place in a run; or the run dies right after.

use std::{fs, process::Command};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    process::done,
    scene::{CAREFUL, Scene},
};

/// Stands before the system's own call in the runner alone: icp gets a scrubbed environment.
const FAULT_LAYER: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int calls;
int fdatasync(int file) {
    const char *fail = getenv("FAIL_SYNC"), *die = getenv("KILL_SYNC");
    calls++;
    if (fail && calls == atoi(fail)) { errno = EIO; return -1; }
    long done = syscall(SYS_fdatasync, file);
    if (die && calls == atoi(die)) kill(getpid(), SIGKILL);
    return done;
}
"#;

#[test]
fn a_sync_that_fails_lets_nothing_happen_without_its_claim() {
    let folder = tempfile::tempdir().unwrap();
    let layer = fault_layer(Utf8Path::from_path(folder.path()).unwrap());
    let mut failed = 0;
    // More places than a run has.
    for nth in 1..200 {
        let scene = Scene::new(&["root", "app"], CAREFUL);
        let mut command = scene.command(&[]);
        command.env("LD_PRELOAD", layer.as_str()).env("FAIL_SYNC", nth.to_string());
        let run = done(command.spawn().unwrap());
        if run.code == Some(0) {
            break;
        }
        let run = run.expect(1);
        assert!(run.stderr.contains("cannot write"), "{nth}: {}", run.stderr);
        failed += 1;
        scene.run(&[]).expect(0);
        scene.assert_restored();
        for member in [0, 1] {
            for method in ["stop_canister", "take_canister_snapshot", "load_canister_snapshot", "start_canister"] {
                assert_eq!(scene.count(member, method), 1, "{method} of {member}, sync {nth}");
            }
        }
    }
    assert!(failed > 20, "{failed}");
}

pub(super) fn fault_layer(folder: &Utf8Path) -> Utf8PathBuf {
    let (source, library) = (folder.join("layer.c"), folder.join("layer.so"));
    fs::write(&source, FAULT_LAYER).unwrap();
    // The linker of Rust is a C compiler.
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o", library.as_str(), source.as_str()]).status().unwrap();
    assert!(built.success());
    library
}
