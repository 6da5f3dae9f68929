//! Where the parts of a plan stand in its text: for problems that only the disk, the network or a journal shows.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use crate::diagnostic::Source;

/// Where in the text of a plan its members stand.
#[derive(Debug, Clone)]
pub struct Places {
    /// The text.
    pub source: Arc<Source>,
    /// By the index of the member in [`Plan::members`](super::Plan::members).
    pub members: Vec<MemberPlaces>,
    /// The name of the plan.
    pub name: Range<usize>,
    /// The root of the backup, or the name of the plan where none is written.
    pub root: Range<usize>,
    /// Values of options, as far as they are written.
    pub options: OptionPlaces,
    /// The id of the backup, or what stands for its root.
    pub backup_id: Range<usize>,
}

/// Where the values of options stand that are written, in bytes of the plan's text.
#[derive(Debug, Clone, Default)]
pub struct OptionPlaces {
    /// Of `identity` in `[network]`.
    pub identity: Option<Range<usize>>,
    /// Of `expect-principal` in `[network]`.
    pub expect_principal: Option<Range<usize>>,
    /// Of `upload` in `[limits]`.
    pub upload: Option<Range<usize>>,
    /// Of `upload-memory` in `[limits]`.
    pub upload_memory: Option<Range<usize>>,
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
    /// The controllers that are asserted, if they are written.
    pub controllers: Option<Range<usize>>,
    /// The values of the settings that are asserted, by their names as in the plan's meaning.
    pub settings: BTreeMap<String, Range<usize>>,
}
