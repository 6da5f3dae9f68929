//! What makes a problem the same one in the next run: code, file, the labelled text and which of its like it is.
//!
//! Lines do not count: a problem that an edit above has moved is not a new one. No two of a run are equal, for GitLab
//! merges equal ones.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::Diagnostic;

/// Bytes of the labelled text that count.
const MOST_TEXT: usize = 4096;

/// The fingerprints of one run.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    seen: HashMap<String, u64>,
}

impl Fingerprints {
    /// The fingerprint of the next problem, in a file of this path: SHA-256 in hex.
    pub(super) fn next(&mut self, diagnostic: &Diagnostic, path: &str) -> String {
        let token = diagnostic.labels.first().map_or("", |label| {
            let token = &label.source.text()[label.range()];
            &token[..token.floor_char_boundary(MOST_TEXT)]
        });
        let like = hex::encode(Sha256::digest(format!("{}\0{path}\0{token}", diagnostic.code.as_str())));
        let times = self.seen.entry(like.clone()).or_default();
        *times += 1;
        hex::encode(Sha256::digest(format!("{like}\0{times}")))
    }
}
