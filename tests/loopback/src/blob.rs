//! Bytes of a declared length, and which of them were ever written.
//!
//! An upload allocates a snapshot's memories as zeros and fills them chunk by chunk, in any
//! order. Nothing on the network tells a chunk of zeros from a chunk that never came; a test can,
//! through [`Blob::missing`].

use std::{ops::Range, sync::Arc};

/// A module or a memory; clones share the bytes until one of them is written to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blob {
    bytes: Arc<Vec<u8>>,
    written: Vec<Range<usize>>,
}

impl Blob {
    /// Zeros that wait to be written.
    pub fn zeros(length: usize) -> Self {
        Self { bytes: Arc::new(vec![0; length]), written: Vec::new() }
    }

    /// Writes a chunk; `false`, and nothing written, where it would not fit.
    pub fn write(&mut self, offset: usize, chunk: &[u8]) -> bool {
        let Some(end) = offset.checked_add(chunk.len()) else {
            return false;
        };
        if end > self.bytes.len() {
            return false;
        }
        Arc::make_mut(&mut self.bytes)[offset..end].copy_from_slice(chunk);
        self.mark(offset..end);
        true
    }

    /// The bytes from `offset`, if there are that many.
    pub fn slice(&self, offset: usize, size: usize) -> Option<&[u8]> {
        self.bytes.get(offset..offset.checked_add(size)?)
    }

    /// All of it, zeros included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The declared length, in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it was declared with no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The ranges that no write has reached, in order.
    pub fn missing(&self) -> Vec<Range<usize>> {
        let mut gaps = Vec::new();
        let mut from = 0;
        for range in &self.written {
            if range.start > from {
                gaps.push(from..range.start);
            }
            from = range.end;
        }
        if from < self.bytes.len() {
            gaps.push(from..self.bytes.len());
        }
        gaps
    }

    /// Keeps the written ranges sorted, apart from each other and not empty.
    fn mark(&mut self, new: Range<usize>) {
        if new.is_empty() {
            return;
        }
        let (mut start, mut end) = (new.start, new.end);
        self.written.retain(|old| {
            let apart = old.end < start || old.start > end;
            if !apart {
                start = start.min(old.start);
                end = end.max(old.end);
            }
            apart
        });
        let place = self.written.partition_point(|old| old.start < start);
        self.written.insert(place, start..end);
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        let mut blob = Self::default();
        blob.mark(0..bytes.len());
        blob.bytes = Arc::new(bytes);
        blob
    }
}

#[cfg(test)]
mod tests {
    use super::Blob;

    #[test]
    fn writes_in_any_order_leave_the_gaps_between_them() {
        let mut blob = Blob::zeros(10);
        assert!(blob.write(8, &[1, 1]));
        assert!(blob.write(2, &[1, 1]));
        assert_eq!(blob.missing(), [0..2, 4..8]);
        assert!(blob.write(3, &[1; 2]));
        assert_eq!(blob.missing(), [0..2, 5..8]);
        assert!(blob.write(4, &[1; 4]));
        assert!(blob.write(0, &[1, 1]));
        assert!(blob.missing().is_empty());
    }

    #[test]
    fn a_chunk_that_does_not_fit_changes_nothing() {
        let mut blob = Blob::zeros(4);
        assert!(!blob.write(3, &[1, 1]));
        assert!(!blob.write(usize::MAX, &[1]));
        assert_eq!(blob, Blob::zeros(4));
    }
}
