//! Operations in waves: those of one kind that may go at once, once all before them are done.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::Name,
    operation::{Kind, Operation, Operations},
};

/// Operations of a kind that may go at once.
#[derive(Debug)]
pub struct Wave<'a> {
    /// The waves, by their places, that hold what these wait for.
    pub after: BTreeSet<usize>,
    /// What they do.
    pub kind: Kind,
    /// For whom.
    pub members: Vec<&'a Name>,
}

/// Puts operations in waves, in order.
pub fn waves(operations: &Operations) -> Vec<Wave<'_>> {
    let mut levels: Vec<usize> = Vec::with_capacity(operations.len());
    let mut groups: BTreeMap<(usize, Kind), Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        let before = operation.after.iter().filter_map(|after| levels.get(after.index()));
        let level = before.max().map_or(0, |level| level + 1);
        levels.push(level);
        groups.entry((level, operation.kind)).or_default().push(operation);
    }
    let mut places: Vec<usize> = vec![0; operations.len()];
    for (place, group) in groups.values().enumerate() {
        group.iter().for_each(|operation| places[operation.sequence.index()] = place);
    }
    let waves = groups.into_iter().map(|((_, kind), group)| Wave {
        after: group.iter().flat_map(|o| &o.after).filter_map(|after| places.get(after.index()).copied()).collect(),
        kind,
        members: group.iter().map(|operation| &operation.member).collect(),
    });
    waves.collect()
}
