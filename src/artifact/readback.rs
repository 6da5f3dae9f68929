//! What a download gives back of a snapshot, held against what was sent.
//!
//! A download states its own time, source and version, so `metadata.json` differs byte for byte; what it says of the
//! canister's state must not.

use camino::Utf8PathBuf;
use thiserror::Error;

use super::{Metadata, STABLE_MEMORY, Seal, WASM_MEMORY, WASM_MODULE, seal::File};
use crate::id::Digest;

/// Something that is not the same in both.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Difference {
    /// A blob or a chunk holds something else.
    #[error("{} has {} bytes with the hash {}, {} with {} were sent", .path, .got.size, .got.digest, .sent.size, .sent.digest)]
    Content {
        /// The path in the artifact.
        path: Utf8PathBuf,
        /// What was sent.
        sent: Blob,
        /// What came back.
        got: Blob,
    },
    /// A chunk that came back only, or was sent only.
    #[error("{path} {}", if *.sent { "did not come back" } else { "was never sent" })]
    Chunk {
        /// The path in the artifact.
        path: Utf8PathBuf,
        /// Whether it was sent.
        sent: bool,
    },
    /// A field of the metadata says something else.
    #[error("{field} is not what was sent")]
    Field {
        /// The key in `metadata.json`.
        field: &'static str,
    },
}

/// What a blob is, in short; one that is not there is as one that is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// In bytes.
    pub size: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

/// Every difference in blobs and chunks.
pub fn blobs(sent: &Seal, got: &Seal) -> Vec<Difference> {
    let mut differences = Vec::new();
    for path in [WASM_MODULE, WASM_MEMORY, STABLE_MEMORY] {
        let (sent, got) = (blob(sent.file(path)), blob(got.file(path)));
        if sent != got {
            let path = path.into();
            differences.push(Difference::Content { path, sent, got });
        }
    }
    for file in sent.chunks() {
        let path = file.path.clone();
        match got.file(&path) {
            None => differences.push(Difference::Chunk { path, sent: true }),
            Some(back) if back.digest != file.digest => {
                differences.push(Difference::Content { path, sent: blob(Some(file)), got: blob(Some(back)) });
            }
            Some(_) => {}
        }
    }
    let unsent = got.chunks().filter(|file| sent.file(&file.path).is_none());
    differences.extend(unsent.map(|file| Difference::Chunk { path: file.path.clone(), sent: false }));
    differences
}

/// Every difference in what metadata say of the canister's state; sizes and chunks show in the blobs.
pub fn metadata(sent: &Metadata, got: &Metadata) -> Vec<Difference> {
    [
        ("certified_data", sent.certified_data == got.certified_data),
        ("globals", sent.globals == got.globals),
        ("global_timer", sent.global_timer == got.global_timer),
        ("on_low_wasm_memory_hook_status", sent.on_low_wasm_memory_hook_status == got.on_low_wasm_memory_hook_status),
    ]
    .into_iter()
    .filter(|(_, same)| !same)
    .map(|(field, _)| Difference::Field { field })
    .collect()
}

fn blob(file: Option<&File>) -> Blob {
    file.map_or_else(|| Blob { size: 0, digest: Digest::of([]) }, |file| Blob { size: file.size, digest: file.digest })
}
