//! `metadata.json`: what a snapshot is said to be, held against the files that it is said of.
//!
//! `icp` writes the answer to `read_canister_snapshot_metadata` as serde_json has it, and uploads whatever lies beside
//! it: a blob that is too short leaves a snapshot that ends in zeros, with exit 0. Nothing else looks before the load.

mod fit;

use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};
pub use fit::{Problem, compare};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{Seal, entry};
use crate::{id::Digest, json};

/// Its name in an artifact.
pub const FILE: &str = "metadata.json";

/// More than a hundred chunks and a thousand globals need; a file beyond it is no metadata.
const LIMIT: u64 = 16 << 20;

/// The metadata of a snapshot. The fields that `icp` needs are needed here; further ones do not matter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Metadata {
    /// When the snapshot was taken, in nanoseconds since 1970.
    pub taken_at_timestamp: u64,
    /// The size of the module in bytes.
    pub wasm_module_size: u64,
    /// The size of the heap in bytes.
    pub wasm_memory_size: u64,
    /// The size of the stable memory in bytes.
    pub stable_memory_size: u64,
    /// The chunks of the chunk store.
    pub wasm_chunk_store: Vec<Chunk>,
    /// The version of the canister when the snapshot was taken.
    pub canister_version: u64,
    /// The certified variable, at most 32 bytes.
    pub certified_data: Vec<u8>,
    /// The exported and mutable globals of the module, such as `{"i32": 5}`; null is one that nobody can read.
    pub globals: Vec<Value>,
    /// Whether and when the global timer fires.
    #[serde(default)]
    pub global_timer: Value,
    /// What became of the hook that runs when heap memory gets low.
    #[serde(default)]
    pub on_low_wasm_memory_hook_status: Value,
}

/// A chunk of the chunk store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Chunk {
    /// Its SHA-256, if it has the length of one.
    pub hash: Vec<u8>,
}

/// Metadata with the text that they were read from.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where the file lies.
    pub path: Utf8PathBuf,
    /// What it holds.
    pub text: String,
    /// What that means.
    pub metadata: Metadata,
}

/// Why there are no metadata.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// The artifact has no such file, or is a file itself.
    #[error("{} is not there", .path.as_str().escape_debug())]
    Missing {
        /// Where it should be.
        path: Utf8PathBuf,
    },
    /// The system refused, or the file is no UTF-8 text.
    #[error("{} cannot be read: {source}", .path.as_str().escape_debug())]
    Io {
        /// The file.
        path: Utf8PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
    /// The file is larger than metadata can be.
    #[error("{} has {size} bytes, where metadata have a few thousand", .path.as_str().escape_debug())]
    TooLarge {
        /// The file.
        path: Utf8PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The file is no longer the one that was sealed.
    #[error("{} has changed since it was hashed", .path.as_str().escape_debug())]
    Changed {
        /// The file.
        path: Utf8PathBuf,
    },
    /// The text is not JSON, or not what `icp` takes for metadata.
    #[error("{} is not metadata: {reason}", .path.as_str().escape_debug())]
    Syntax {
        /// The file.
        path: Utf8PathBuf,
        /// What it holds.
        text: String,
        /// Where the problem was met, in bytes from the start of the text.
        offset: usize,
        /// As serde_json says, without the place.
        reason: String,
    },
}

/// Reads the metadata of a sealed artifact.
///
/// # Errors
/// As [`Unreadable`] says. A file that is not the sealed one is not parsed.
pub fn read(artifact: &Utf8Path, seal: &Seal) -> Result<Document, Unreadable> {
    let path = artifact.join(FILE);
    let Some(sealed) = seal.file(FILE) else {
        return Err(Unreadable::Missing { path });
    };
    if sealed.size > LIMIT {
        let size = sealed.size;
        return Err(Unreadable::TooLarge { path, size });
    }
    let mut text = String::new();
    let read = entry::open(&path).and_then(|file| file.take(LIMIT + 1).read_to_string(&mut text));
    match read {
        Ok(_) if Digest::of(&text) != sealed.digest => Err(Unreadable::Changed { path }),
        Ok(_) => parse(path, text),
        Err(source) => Err(Unreadable::Io { path, source }),
    }
}

/// Takes a text for metadata; the path only says where it is from.
///
/// # Errors
/// [`Unreadable::Syntax`].
pub fn parse(path: Utf8PathBuf, text: String) -> Result<Document, Unreadable> {
    match serde_json::from_str(&text) {
        Ok(metadata) => Ok(Document { path, text, metadata }),
        Err(error) => Err(Unreadable::Syntax {
            path,
            offset: json::offset(&text, error.line(), error.column()),
            reason: reason(&error),
            text,
        }),
    }
}

/// serde_json's message without the place, which a label shows.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => reason.to_owned(),
        None => text,
    }
}
