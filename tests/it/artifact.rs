//! Artifacts on disk: found, sealed, staged, held against what they say of themselves.

#![cfg(test)]

mod damage;
mod find;
mod metadata;
mod seal;
mod stage;

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    ops::{ControlFlow, Deref},
};

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::{
    artifact::{self, Seal, Step},
    id::Digest,
};

/// What files hold, by path.
type Files = BTreeMap<String, Vec<u8>>;

/// A directory that goes when the test ends.
struct Directory(#[expect(dead_code, reason = "held to be dropped")] tempfile::TempDir, Utf8PathBuf);

impl Deref for Directory {
    type Target = Utf8Path;

    fn deref(&self) -> &Utf8Path {
        &self.1
    }
}

fn empty() -> Directory {
    let directory = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8();
    Directory(directory, path.unwrap())
}

fn write(root: &Utf8Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn directory<'a>(files: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>) -> Directory {
    let root = empty();
    for (path, content) in files {
        write(&root, path, content);
    }
    root
}

/// What `icp` would have downloaded, as far as its metadata are true.
fn snapshot() -> Files {
    let chunk = Digest::of("chunk");
    let bytes: Vec<String> = chunk.0.iter().map(ToString::to_string).collect();
    let metadata = format!(
        r#"{{
  "source": {{"taken_from_canister": null}},
  "taken_at_timestamp": 1775779200000000000,
  "wasm_module_size": 4,
  "globals": [{{"i32": -1}}, {{"v128": [1, 2, 3, 4]}}],
  "wasm_memory_size": 1024,
  "stable_memory_size": 0,
  "wasm_chunk_store": [{{"hash": [{}]}}],
  "canister_version": 3,
  "certified_data": [],
  "global_timer": "inactive",
  "on_low_wasm_memory_hook_status": "condition_not_satisfied"
}}"#,
        bytes.join(", ")
    );
    Files::from([
        ("metadata.json".into(), metadata.into()),
        ("wasm_module.bin".into(), b"\0asm".to_vec()),
        ("wasm_memory.bin".into(), (0..=255).cycle().take(1024).collect()),
        ("stable_memory.bin".into(), Vec::new()),
        (format!("wasm_chunk_store/{chunk}.bin"), b"chunk".to_vec()),
    ])
}

const THREADS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn silent(_: Step) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn try_seal(path: &Utf8Path) -> Result<Seal, Vec<artifact::seal::Problem>> {
    artifact::seal::all([path], THREADS, &silent).remove(path).unwrap()
}

fn seal(path: &Utf8Path) -> Seal {
    try_seal(path).unwrap()
}

/// Problems as people read them, with the directory left out.
fn told<P: ToString>(problems: impl IntoIterator<Item = P>, root: &Utf8Path) -> Vec<String> {
    let root = format!("{root}/");
    problems.into_iter().map(|problem| problem.to_string().replace(&root, "")).collect()
}
