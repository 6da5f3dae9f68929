//! Bytes of a canister or snapshot, mostly by reference to files: a fleet of gigabytes costs no gigabytes.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::id::Digest;

/// How many bytes are held in memory at once.
const WINDOW: u64 = 1 << 20;

/// So many bytes, of which some were written and the others are zeros.
///
/// What was written lies in files at the same offsets. Small files are the fleet's own; large ones are the uploaded
/// artifact's, which must then stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Blob {
    size: u64,
    /// In order, without overlap.
    parts: Vec<Part>,
    /// Of bytes that nobody has: read as zeros, known by digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    file: Utf8PathBuf,
    start: u64,
    end: u64,
}

impl Blob {
    /// Allocated and unwritten.
    pub fn zeros(size: u64) -> Self {
        Self { size, ..Self::default() }
    }

    /// The first `size` bytes of a file.
    pub fn of_file(file: &Utf8Path, size: u64) -> Self {
        let mut blob = Self::zeros(size);
        blob.write(file, 0, size);
        blob
    }

    /// Complete, but known by its digest only.
    pub fn opaque(size: u64, digest: Digest) -> Self {
        Self { known: Some(digest), ..Self::zeros(size) }
    }

    /// The size in bytes as it was declared.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many of the bytes were written.
    pub fn written(&self) -> u64 {
        match self.known {
            Some(_) => self.size,
            None => self.parts.iter().map(|part| part.end - part.start).sum(),
        }
    }

    /// Whether every byte was written.
    pub fn is_complete(&self) -> bool {
        self.written() == self.size
    }

    /// Whether its bytes can be read.
    pub(super) fn is_opaque(&self) -> bool {
        self.known.is_some()
    }

    /// Takes the bytes from `start` to `end` from a file; what was there before is overwritten.
    pub(super) fn write(&mut self, file: &Utf8Path, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let mut parts = Vec::with_capacity(self.parts.len() + 2);
        for part in self.parts.drain(..) {
            let (before, after) = (part.end.min(start), part.start.max(end));
            if part.start < before {
                parts.push(Part { end: before, ..part.clone() });
            }
            if after < part.end {
                parts.push(Part { start: after, ..part });
            }
        }
        let file = file.to_owned();
        parts.push(Part { file, start, end });
        parts.sort_by_key(|part| part.start);
        parts.dedup_by(|next, last| {
            let joins = last.end == next.start && last.file == next.file;
            if joins {
                last.end = next.end;
            }
            joins
        });
        self.parts = parts;
    }

    /// The digest of all bytes, zeros included.
    ///
    /// # Errors
    /// A file that holds some of them is gone.
    pub fn digest(&self) -> Result<Digest, Error> {
        if let Some(digest) = self.known {
            return Ok(digest);
        }
        use sha2::Digest as _;
        let mut hash = sha2::Sha256::new();
        self.windows(|bytes| {
            hash.update(bytes);
            Ok(())
        })?;
        Ok(Digest(hash.finalize().into()))
    }

    /// The bytes; zeros where nothing was written.
    ///
    /// # Errors
    /// A file that holds some of them is gone.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        self.windows(|bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(all)
    }

    /// The bytes from `start` to `end`.
    pub(super) fn range(&self, start: u64, end: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
        for part in &self.parts {
            let (from, to) = (part.start.max(start), part.end.min(end));
            if from >= to {
                continue;
            }
            let mut file = File::open(&part.file).map_err(Error::io("open", &part.file))?;
            let target = &mut bytes[(from - start) as usize..(to - start) as usize];
            file.seek(SeekFrom::Start(from))
                .and_then(|_| file.read_exact(target))
                .map_err(Error::io("read", &part.file))?;
        }
        Ok(bytes)
    }

    /// Writes all bytes to a file.
    pub(super) fn copy_to(&self, path: &Utf8Path) -> Result<(), Error> {
        let mut file = File::create(path).map_err(Error::io("create", path))?;
        self.windows(|bytes| file.write_all(bytes).map_err(Error::io("write", path)))
    }

    fn windows(&self, mut window: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let mut start = 0;
        while start < self.size {
            let end = self.size.min(start + WINDOW);
            window(&self.range(start, end)?)?;
            start = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_writes_cover_earlier_ones_and_neighbours_join() {
        let (a, b) = (Utf8Path::new("a"), Utf8Path::new("b"));
        let mut blob = Blob::zeros(10);
        blob.write(a, 0, 4);
        blob.write(a, 4, 8);
        assert_eq!((blob.written(), blob.parts.len()), (8, 1));
        blob.write(b, 2, 6);
        assert_eq!((blob.written(), blob.parts.len()), (8, 3));
        blob.write(a, 2, 10);
        assert_eq!((blob.is_complete(), blob.parts.len()), (true, 1));
    }
}
