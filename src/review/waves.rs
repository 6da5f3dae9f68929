//! Operations in waves: those of one kind that may go at once, once all before them are done.

use std::collections::BTreeMap;

use crate::{
    id::Name,
    operation::{Kind, Operations},
};

/// Operations of a kind that may go at once.
#[derive(Debug)]
pub struct Wave<'a> {
    /// How many waves must be over before.
    pub level: usize,
    /// What they do.
    pub kind: Kind,
    /// For whom.
    pub members: Vec<&'a Name>,
}

/// Puts operations in waves, in order.
pub fn waves(operations: &Operations) -> Vec<Wave<'_>> {
    let mut levels: Vec<usize> = Vec::with_capacity(operations.len());
    let mut waves: BTreeMap<(usize, Kind), Vec<&Name>> = BTreeMap::new();
    for operation in operations {
        let before = operation.after.iter().filter_map(|after| levels.get(after.index()));
        let level = before.max().map_or(0, |level| level + 1);
        levels.push(level);
        waves.entry((level, operation.kind)).or_default().push(&operation.member);
    }
    waves.into_iter().map(|((level, kind), members)| Wave { level, kind, members }).collect()
}
