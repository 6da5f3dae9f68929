//! First plans: commented TOML out of artifacts on disk, for a person to go on from.
//!
//! What is known is filled in: names, paths, seals, sizes. What is not is an empty text with `FILL IN` beside it, which
//! `check` points at. The plan of a manifest of canic is written by [`crate::canic::plan`], in the same hand.

mod text;

use std::{collections::BTreeMap, io, num::NonZeroUsize};

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use thiserror::Error;

use crate::{
    artifact::{self, Seal, Watch, metadata, seal},
    id::{Name, Principal},
};

pub(crate) use text::{Lines, Names, comment, name, quoted};

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum Problem {
    /// A folder cannot be looked into.
    #[error("cannot look into {path}: {source}")]
    Io {
        /// The folder.
        path: Utf8PathBuf,
        /// What the system says, of a name that is not UTF-8 as well.
        source: io::Error,
    },
    /// There is no artifact.
    #[error("{0} holds no artifact: there is no metadata.json in it or in a folder of it")]
    Nothing(Utf8PathBuf),
    /// Artifacts cannot be sealed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Seal(Vec<seal::Problem>),
}

/// The folders below a folder that hold an artifact, relative to it, in order: those with metadata in them.
///
/// A folder that is one itself is the empty path. No link is followed, and nothing is looked for in an artifact, nor in
/// what a journal keeps beside it.
///
/// # Errors
/// The first folder that cannot be looked into.
pub fn find(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Problem> {
    let mut found = Vec::new();
    let mut open = vec![Utf8PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = if relative.as_str().is_empty() { folder.to_owned() } else { folder.join(&relative) };
        let failed = |source| Problem::Io { path: path.clone(), source };
        let is_file = |path: &Utf8Path| path.symlink_metadata().is_ok_and(|data| data.is_file());
        if is_file(&path.join(metadata::FILE)) {
            found.push(relative);
            continue;
        }
        for entry in path.read_dir_utf8().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() && !entry.file_name().ends_with(".jsonl.d") {
                open.push(relative.join(entry.file_name()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The plan of artifacts as commented TOML: a member for each, sealed as it is now.
///
/// `folder` is where they lie, `root` the same as it is to stand in the plan. The same artifacts make the same text.
///
/// # Errors
/// All that keeps artifacts from being sealed.
pub fn plan(
    folder: &Utf8Path,
    artifacts: &[Utf8PathBuf],
    name: &Name,
    root: &Utf8Path,
    watch: Watch<'_>,
) -> Result<String, Problem> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let paths: Vec<Utf8PathBuf> = artifacts.iter().map(|artifact| folder.join(artifact)).collect();
    let mut seals = BTreeMap::new();
    let mut problems = Vec::new();
    for (path, seal) in artifact::seal::all(paths.iter().map(Utf8PathBuf::as_path), threads, watch) {
        match seal {
            Ok(seal) => {
                seals.insert(path, seal);
            }
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(Problem::Seal(problems));
    }
    let mut text = head(name, root, artifacts.len());
    let mut names = Names::default();
    for (artifact, path) in artifacts.iter().zip(&paths) {
        if let Some(seal) = seals.get(path.as_path()) {
            let name = names.unique(artifact.file_name().unwrap_or_default());
            text.push('\n');
            text.push_str(&member(artifact, path, &name, seal));
        }
    }
    Ok(text)
}

fn head(name: &Name, root: &Utf8Path, count: usize) -> String {
    let artifacts = if count == 1 { "1 artifact".to_owned() } else { format!("{count} artifacts") };
    format!(
        "# A restore of {artifacts}. Members are restored as they stand, parents first: say with\n\
         # `depends-on = [\"root\"]` which are the parents of a member.\n\
         version = 1\n\
         name = {name}\n\
         \n\
         # FILL IN where to restore to: exactly one of url, name and environment. A local network stands here,\n\
         # so that nothing real is touched.\n\
         [network]\n\
         url = \"http://127.0.0.1:4943\"\n\
         root-key = \"fetch\"                   # with url: \"mainnet\", \"fetch\", or hex\n\
         # name = \"ic\"\n\
         # environment = \"staging\"            # of the icp project at:\n\
         # project = \"path/of/the/project\"\n\
         # identity = \"name\"                  # the icp identity that controls the canisters\n\
         \n\
         [backup]\n\
         root = {root}\n",
        name = quoted(name.as_str()),
        root = quoted(root.as_str()),
    )
}

fn member(artifact: &Utf8Path, path: &Utf8Path, name: &str, seal: &Seal) -> String {
    let document = metadata::read(path, seal).ok();
    let mut lines = Lines(String::new());
    lines.comment(&sizes(seal));
    if let Some(document) = &document {
        let taken = i128::from(document.metadata.taken_at_timestamp);
        let taken = Timestamp::from_nanosecond(taken).map(|taken| format!("taken {taken}, ")).unwrap_or_default();
        lines.comment(&format!("{taken}canister version {}", document.metadata.canister_version));
    }
    if seal.unfinished {
        lines.comment("its download never came to its end: fetch it again before you restore it");
    }
    lines.0.push_str("[[member]]\n");
    lines.key("name", &quoted(name), "");
    let stated = || serde_json::from_str::<serde_json::Value>(&document.as_ref()?.text).ok().and_then(|v| stated(&v));
    match path_source(artifact).or_else(stated) {
        Some(source) => lines.key("source", &quoted(&source.to_text()), ""),
        None => lines.key("source", "\"\"", "FILL IN the canister that the snapshot came from"),
    }
    let value = format!("{{ artifact = {}, sha256 = \"{}\" }}", quoted(artifact.as_str()), seal.plain);
    lines.key("snapshot", &value, "");
    if seal.module_hash().is_none() {
        lines.key("verify", "[\"running\"]", "there is no module in the artifact");
    }
    lines.0
}

/// What the artifact holds, in bytes.
fn sizes(seal: &Seal) -> String {
    let size = |blob: &str| seal.file(blob).map_or(0, |file| file.size);
    let files = if seal.files.len() == 1 { "1 file".to_owned() } else { format!("{} files", seal.files.len()) };
    format!(
        "{} bytes in {files}: module {}, heap {}, stable memory {}, {} chunks",
        seal.total_bytes(),
        size("wasm_module.bin"),
        size("wasm_memory.bin"),
        size("stable_memory.bin"),
        seal.chunks().count(),
    )
}

/// The canister that the name of a folder on the way is the id of, the nearest first.
fn path_source(artifact: &Utf8Path) -> Option<Principal> {
    artifact.iter().rev().find_map(canister)
}

/// The canister that the metadata name; mostly they only say that it was one.
fn stated(metadata: &serde_json::Value) -> Option<Principal> {
    canister(metadata.get("source")?.get("taken_from_canister")?.as_str()?)
}

/// The canister of an id as it is written in full.
fn canister(text: &str) -> Option<Principal> {
    Principal::from_text(text).ok().filter(|id| id.to_text() == text && id.as_slice().len() > 1)
}
