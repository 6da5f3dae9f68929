//! The manifest of a fleet backup, `fleet-backup-manifest.json`, version 1.
//!
//! The passes: JSON text → `written` (every value of its type, at its place) → `rules` (what is wrong with and
//! between the values) → [`Manifest`]. Each pass finds all that is wrong before it gives up.

mod accept;
mod roles;
mod rules;
mod topology;
mod written;

use std::sync::Arc;

use camino::Utf8PathBuf;

use super::{Canister, Reading, Spanned, reader::Reader};
use crate::{diagnostic::Source, id::Digest};

pub use written::{Identity, UnitKind};

/// The name of the file in a backup's folder.
pub const FILE_NAME: &str = "fleet-backup-manifest.json";

/// A manifest that the ancestor would accept.
#[derive(Debug)]
pub struct Manifest {
    /// The text that the places lie in.
    pub source: Arc<Source>,
    /// What the backup is called; any text.
    pub backup_id: String,
    /// When it was made, mostly `unix:SECONDS`; any text.
    pub created_at: String,
    /// The program that made it, with its version.
    pub tool: (String, String),
    /// The environment that it was made of.
    pub environment: String,
    /// The root of the fleet; need not be a member.
    pub root: Spanned<Canister>,
    /// The hash of the fleet's topology, the same before and after the snapshots.
    pub topology: Digest,
    /// What was backed up together.
    pub units: Vec<Unit>,
    /// As they stand in the file.
    pub members: Vec<Member>,
    /// How many checks of the fleet's root there are. Every check is one of the status.
    pub fleet_checks: usize,
}

/// A backup unit.
#[derive(Debug)]
pub struct Unit {
    /// Unique in the manifest.
    pub id: String,
    /// How much it holds together.
    pub kind: UnitKind,
    /// The roles that it covers.
    pub roles: Vec<String>,
}

/// A canister of the backup.
#[derive(Debug)]
pub struct Member {
    /// What it is in the fleet; several members may have the same role.
    pub role: Spanned<String>,
    /// The canister that the snapshot came from.
    pub canister: Spanned<Canister>,
    /// The canister that it was created by; need not be a member.
    pub parent: Option<Spanned<Canister>>,
    /// Whether it may move.
    pub identity: Spanned<Identity>,
    /// How many checks of its status the ancestor makes.
    pub checks: usize,
    /// The snapshot of it.
    pub snapshot: Snapshot,
}

/// The snapshot of a member.
#[derive(Debug)]
pub struct Snapshot {
    /// The id that it had on the canister that it came from; any text.
    pub id: String,
    /// The hash of its code as it was written down; mostly hex, but any text.
    pub module_hash: Option<String>,
    /// The version of its code; any text.
    pub code_version: Option<String>,
    /// Relative to the backup's folder.
    pub artifact: Spanned<Utf8PathBuf>,
    /// The seal of the artifact.
    pub checksum: Option<Digest>,
}

/// Reads a manifest.
///
/// # Errors
/// All that is wrong with it.
pub fn read(source: &Arc<Source>) -> Reading<Manifest> {
    let (written, mut notes) = Reader::read(source, &written::FORM, written::manifest)?;
    notes.extend(rules::check(source, &written));
    super::fold(&mut notes);
    if notes.iter().all(super::is_warning)
        && let Some(manifest) = accept::accept(source, written)
    {
        return Ok((manifest, notes));
    }
    Err(notes)
}
