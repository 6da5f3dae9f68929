//! Whether this machine can do it: memory for uploads, disk for what lies beside the journal.

use camino::Utf8Path;

use super::{Scene, Seen, Size, words::bytes};
use crate::{
    diagnostic::{Code, Diagnostic},
    id::Name,
    plan::{OptionPlaces, Plan, Reading},
};

/// What there is to work with.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Bytes of memory that uploads may take together; nothing where it is not known.
    pub memory: Option<u64>,
    /// Bytes that are free where the journal lies; nothing where it is not known.
    pub disk: Option<u64>,
    /// Whether every upload is read back.
    pub read_back: bool,
}

/// What icp takes for an upload, as a multiple of its largest blob (measured with icp 1.5.0).
const HELD: u64 = 5;

/// What the journal and the outputs of an operation may take: two tails of 64 KiB, in files and escaped in a line.
const OUTPUT: u64 = 16 << 10;

impl Machine {
    /// Bytes that are free where a file is to lie, to this user.
    pub fn free_disk(file: &Utf8Path) -> Option<u64> {
        let folder = crate::plan::folder(file).ancestors().find(|folder| folder.is_dir())?;
        let stat = nix::sys::statvfs::statvfs(folder.as_std_path()).ok()?;
        Some(stat.blocks_available().saturating_mul(stat.fragment_size()))
    }
}

/// What icp takes for an upload whose largest blob is so large.
pub fn held(largest: u64) -> u64 {
    largest.saturating_mul(HELD)
}

/// That an upload alone takes more memory than there is.
pub fn too_large(code: Code, reading: &Reading, name: &Name, largest: u64, memory: u64) -> Diagnostic {
    let Reading { plan, places, .. } = reading;
    let message =
        format!("the upload of `{name}` takes about {} of memory, and {}", bytes(held(largest)), there(plan, memory));
    let at = reading.places_of(name).map_or(&places.name, |member| &member.snapshot);
    let finding = Diagnostic::new(code, message, places.source.label(at.clone(), "too large for here"));
    match &places.options.upload_memory {
        Some(limit) => finding
            .with_label(places.source.label(limit.clone(), "so much is allowed"))
            .with_help("raise `upload-memory`"),
        None => finding.with_help("run where there is more memory"),
    }
}

/// How much there is, and whose word that is.
fn there(plan: &Plan, memory: u64) -> String {
    match plan.limits.upload_memory {
        Some(_) => format!("`upload-memory` allows {}", bytes(memory)),
        None => format!("there are {}", bytes(memory)),
    }
}

pub(super) fn judge(scene: &Scene<'_>, seen: &[Seen], diagnostics: &mut Vec<Diagnostic>) {
    let members = scene.plan.members.iter().zip(seen).filter(|(_, seen)| seen.left.upload);
    let mut uploads: Vec<(&Name, Size)> =
        members.filter_map(|(member, _)| Some((&member.name, *scene.sizes.get(&member.name)?))).collect();
    uploads.sort_by_key(|(_, size)| std::cmp::Reverse(size.largest));
    let at_once = || uploads.iter().take(scene.plan.limits.upload as usize);

    if let Some(memory) = scene.machine.memory {
        for (name, size) in uploads.iter().filter(|(_, size)| held(size.largest) > memory) {
            diagnostics.push(too_large(Code::NoMemory, scene.reading, name, size.largest, memory));
        }
        let all: u64 = at_once().map(|(_, size)| held(size.largest)).sum();
        let one = at_once().next().map_or(0, |(_, size)| held(size.largest));
        if all > memory && one <= memory {
            let there = there(scene.plan, memory);
            let message =
                format!("{} uploads at once may take {} of memory, and {there}", at_once().count(), bytes(all));
            let OptionPlaces { upload, upload_memory, .. } = &scene.reading.places.options;
            let label = match (upload, upload_memory) {
                (Some(_), _) => "more than fit",
                (None, Some(_)) => "less than they take",
                (None, None) => "uploads of this",
            };
            let at = upload.as_ref().or(upload_memory.as_ref());
            let finding = scene.on_value(at, Code::UploadsQueue, message, label);
            diagnostics.push(finding.with_help("lower `upload` in [limits] to be rid of this"));
        }
    }
    if let Some(disk) = scene.machine.disk {
        let read_back: u64 = match scene.machine.read_back {
            true => {
                let mut totals: Vec<u64> = uploads.iter().map(|(_, size)| size.total).collect();
                totals.sort_unstable_by_key(|total| std::cmp::Reverse(*total));
                totals.iter().take(scene.plan.limits.upload as usize).sum()
            }
            false => 0,
        };
        let needed = read_back + OUTPUT * scene.operations.len() as u64;
        if needed > disk {
            let message = format!(
                "{} are free beside the journal, and outputs{} may take {}",
                bytes(disk),
                if scene.machine.read_back { " and uploads that are read back" } else { "" },
                bytes(needed)
            );
            let finding = scene.on_value(None, Code::NoDisk, message, "the journal of this");
            diagnostics.push(finding.with_help("free some space there"));
        }
    }
}
