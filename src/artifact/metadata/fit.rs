//! Metadata held against the files that lie beside them.

use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use thiserror::Error;

use super::{
    super::{CHUNK_STORE, STABLE_MEMORY, Seal, WASM_MEMORY, WASM_MODULE},
    Chunk, Document, Metadata,
};
use crate::{id::Digest, json::Json};

/// Where metadata and files disagree. Spans are bytes of the text of the metadata.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// A blob has another size.
    #[error("{blob} has {found} bytes, its metadata say {stated}")]
    BlobSize {
        /// The name of the blob's file in the artifact.
        blob: &'static str,
        /// Its size in bytes as stated.
        stated: u64,
        /// Its size in bytes.
        found: u64,
        /// The stated size.
        span: Range<usize>,
    },
    /// A blob that should hold something is not there.
    #[error("{blob} is not there, its metadata say {stated} bytes")]
    BlobMissing {
        /// The name of the blob's file in the artifact.
        blob: &'static str,
        /// Its size in bytes as stated.
        stated: u64,
        /// The stated size.
        span: Range<usize>,
    },
    /// A hash of a chunk that is not 32 bytes long.
    #[error("the hash of a chunk has {length} bytes where SHA-256 has 32")]
    ChunkHash {
        /// Its length in bytes.
        length: usize,
        /// The hash.
        span: Range<usize>,
    },
    /// A stated chunk whose file is not there.
    #[error("{} is not there", .path.as_str().escape_debug())]
    ChunkMissing {
        /// The path in the artifact.
        path: Utf8PathBuf,
        /// Its stated hash.
        span: Range<usize>,
    },
    /// A stated chunk whose file holds something else.
    #[error("{} holds bytes with the hash {found}", .path.as_str().escape_debug())]
    ChunkContent {
        /// The path in the artifact.
        path: Utf8PathBuf,
        /// The hash of what it holds.
        found: Digest,
        /// Its stated hash.
        span: Range<usize>,
    },
    /// A file in the chunk store that the metadata do not state, so that no upload would send it.
    #[error("{} is no chunk that its metadata state", .path.as_str().escape_debug())]
    ChunkUnstated {
        /// The path in the artifact.
        path: Utf8PathBuf,
        /// The list of stated chunks.
        span: Range<usize>,
    },
    /// A global without a value: `icp` refuses to upload such a snapshot.
    #[error("global {index} has no value")]
    Global {
        /// Counted from 0.
        index: usize,
        /// The global.
        span: Range<usize>,
    },
}

/// Holds metadata against the files of the artifact that they are of; the seal says what those hold.
pub fn compare(document: &Document, seal: &Seal) -> Vec<Problem> {
    let root = Json::parse(&document.text).ok();
    let value = |key: &str| root.and_then(|root| root.get(key));
    let span = |value: Option<Json<'_>>| value.map_or(0..0, |value| value.span());
    let Metadata { wasm_module_size, wasm_memory_size, stable_memory_size, ref wasm_chunk_store, ref globals, .. } =
        document.metadata;

    let mut problems = Vec::new();
    for (blob, key, stated) in [
        (WASM_MODULE, "wasm_module_size", wasm_module_size),
        (WASM_MEMORY, "wasm_memory_size", wasm_memory_size),
        (STABLE_MEMORY, "stable_memory_size", stable_memory_size),
    ] {
        let span = span(value(key));
        match seal.file(blob).map(|file| file.size) {
            Some(found) if found != stated => problems.push(Problem::BlobSize { blob, stated, found, span }),
            None if stated > 0 => problems.push(Problem::BlobMissing { blob, stated, span }),
            Some(_) | None => {}
        }
    }

    let items = |key: &str| value(key).map(|value| value.items()).unwrap_or_default();
    let spans = items("globals");
    for (index, global) in globals.iter().enumerate() {
        let valueless = |kind: &serde_json::Map<_, _>| kind.values().all(Value::is_null);
        if global.is_null() || global.as_object().is_some_and(valueless) {
            let span = span(spans.get(index).copied());
            problems.push(Problem::Global { index, span });
        }
    }

    let spans = items("wasm_chunk_store");
    let mut stated = Vec::new();
    for (index, Chunk { hash }) in wasm_chunk_store.iter().enumerate() {
        let span = span(spans.get(index).copied());
        let Ok(hash) = <[u8; 32]>::try_from(hash.as_slice()).map(Digest) else {
            let length = hash.len();
            problems.push(Problem::ChunkHash { length, span });
            continue;
        };
        let path = Utf8Path::new(CHUNK_STORE).join(format!("{hash}.bin"));
        match seal.file(&path).map(|file| file.digest) {
            Some(found) if found != hash => problems.push(Problem::ChunkContent { path: path.clone(), found, span }),
            Some(_) => {}
            None => problems.push(Problem::ChunkMissing { path: path.clone(), span }),
        }
        stated.push(path);
    }
    stated.sort();
    for file in seal.chunks() {
        if stated.binary_search(&file.path).is_err() {
            problems.push(Problem::ChunkUnstated { path: file.path.clone(), span: span(value("wasm_chunk_store")) });
        }
    }
    problems
}
