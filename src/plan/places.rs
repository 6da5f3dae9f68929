//! Where the parts of a plan stand in its text: for problems that only the disk, the network or a journal shows.

use std::{ops::Range, sync::Arc};

use crate::diagnostic::Source;

/// Where in the text of a plan its members stand.
#[derive(Debug, Clone)]
pub struct Places {
    /// The text.
    pub source: Arc<Source>,
    /// By the index of the member in [`Plan::members`](super::Plan::members).
    pub members: Vec<MemberPlaces>,
    /// The root of the backup, or the name of the plan where none is written.
    pub root: Range<usize>,
    /// The id of the backup, or what stands for its root.
    pub backup_id: Range<usize>,
}

/// Where the parts of a member stand, in bytes of the plan's text.
#[derive(Debug, Clone)]
pub struct MemberPlaces {
    /// Its name.
    pub name: Range<usize>,
    /// Its target, or its source where none is written.
    pub target: Range<usize>,
    /// The path of its artifact or the id of its snapshot.
    pub snapshot: Range<usize>,
    /// The digest of its artifact, or its snapshot's stated module hash, or the place of the snapshot.
    pub digest: Range<usize>,
    /// Whether it is written that the snapshot may go to another canister.
    pub relocatable: bool,
}
