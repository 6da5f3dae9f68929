//! A plan held against the artifacts on disk, each problem on the plan's token.

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroUsize,
    ops::Range,
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    Reading, Snapshot,
    document::{self, DraftSnapshot},
    validate,
};
use crate::{
    artifact::{self, Seal, Watch, find, metadata, seal},
    diagnostic::{Code, Diagnostic, Label, Source},
    id::{Digest, Name},
};

/// What mends an artifact that is not what it was.
const RESTORE: &str = "put the artifact back from its backup";

/// The artifacts of a plan, by member, with where each lies and what it holds.
pub type Artifacts = BTreeMap<Name, (Utf8PathBuf, Seal)>;

/// The artifacts that a text names, be it a valid plan or one with mistakes.
pub struct Shelf {
    source: Arc<Source>,
    root: Utf8PathBuf,
    root_place: Range<usize>,
    members: Vec<Member>,
}

struct Member {
    /// None where it cannot be read.
    name: Option<Name>,
    path: Utf8PathBuf,
    sha256: Digest,
    place: Range<usize>,
    digest: Range<usize>,
}

impl Shelf {
    /// The artifacts of a plan.
    pub fn of(reading: &Reading) -> Self {
        let members = reading.plan.members.iter().zip(&reading.places.members);
        let members = members.filter_map(|(member, places)| match &member.snapshot {
            Snapshot::Artifact { path, sha256 } => Some(Member {
                name: Some(member.name.clone()),
                path: path.clone(),
                sha256: *sha256,
                place: places.snapshot.clone(),
                digest: places.digest.clone(),
            }),
            Snapshot::OnChain { .. } => None,
        });
        let (source, root) = (Arc::clone(&reading.places.source), reading.plan.backup.root.clone());
        Self { source, root, root_place: reading.places.root.clone(), members: members.collect() }
    }

    /// The artifacts of a text that is no valid plan, as far as they can be read; what is told of them already, a path
    /// that leads out, is left out. Nothing where the root could not be read.
    pub fn drafted(source: &Arc<Source>) -> Option<Self> {
        let draft = document::read(source).0.filter(|draft| !draft.lost_root)?;
        let root = draft.root.as_ref();
        let (root, root_place) = (root.map(|root| root.get_ref().clone()), root.map(toml::Spanned::span));
        let members = draft.members.into_iter().filter_map(|member| match member.snapshot? {
            DraftSnapshot::Artifact { path, sha256 } => Some(Member {
                name: member.name.map(toml::Spanned::into_inner),
                place: path.span(),
                digest: sha256.span(),
                sha256: sha256.into_inner(),
                path: path.into_inner(),
            }),
            DraftSnapshot::OnChain { .. } => None,
        });
        Some(Self {
            source: Arc::clone(source),
            root: root.unwrap_or_else(|| Utf8PathBuf::from(".")),
            root_place: root_place.unwrap_or(draft.place),
            members: members
                .filter(|member| !validate::escapes(&member.path))
                .map(|member| Member { path: validate::normal(&member.path), ..member })
                .collect(),
        })
    }
}

/// Whether artifacts are where the plan says, without reading them. A backup that is not here at all is a warning: plans
/// are reviewed where the gigabytes are not.
pub fn look(shelf: &Shelf, folder: &Utf8Path) -> Vec<Diagnostic> {
    let root = validate::normal(&folder.join(&shelf.root));
    if shelf.members.is_empty() {
        return Vec::new();
    }
    if !root.is_dir() {
        let message = format!("{root} is not here, so artifacts are not looked at");
        let label = shelf.source.label(shelf.root_place.clone(), "the backup");
        let help =
            find::beside(&root).as_deref().map_or("run this where the backup is, with `--artifacts`".to_owned(), meant);
        return vec![Diagnostic::new(Code::ArtifactsAbsent, message, label).with_help(help)];
    }
    found(shelf, &root, &|_| true).1
}

/// Reads all artifacts whole: their seals, and their metadata against their blobs.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn verify(
    shelf: &Shelf,
    folder: &Utf8Path,
    wanted: &dyn Fn(&Name) -> bool,
    threads: NonZeroUsize,
    watch: Watch<'_>,
) -> Result<Artifacts, Vec<Diagnostic>> {
    let root = validate::normal(&folder.join(&shelf.root));
    let (found, mut diagnostics) = found(shelf, &root, wanted);
    let mut seals = artifact::seal::all(found.iter().map(|(_, path)| path.as_path()), threads, watch);
    let mut artifacts = Artifacts::new();
    for (artifact, path) in &found {
        let at = |span: &Range<usize>, label: &str| shelf.source.label(span.clone(), label);
        let seal = match seals.get_mut(path.as_path()) {
            Some(Ok(seal)) => seal.clone(),
            Some(Err(problems)) => {
                let problems = std::mem::take(problems).into_iter();
                diagnostics.extend(problems.map(|problem| unsealed(&problem, at(&artifact.place, "in this artifact"))));
                continue;
            }
            None => continue,
        };
        // What was sealed is whole, whatever of icp's own files came to lie there since.
        if seal.unfinished && !seal.accepts(&artifact.sha256) {
            let message = format!(
                "{path} was not downloaded to its end: `icp canister snapshot download` left its progress in it"
            );
            let label = at(&artifact.place, "unfinished");
            let help = "finish it with `icp canister snapshot download --resume`";
            diagnostics.push(Diagnostic::new(Code::ArtifactUnfinished, message, label).with_help(help));
            continue;
        }
        if !seal.accepts(&artifact.sha256) {
            let message = format!("{} is not what was sealed: its digest is {}", path, seal.plain);
            diagnostics.push(
                Diagnostic::new(
                    Code::ChecksumMismatch,
                    message,
                    at(&artifact.digest, "not the digest of what is there"),
                )
                .with_label(at(&artifact.place, "this artifact"))
                .with_help(RESTORE),
            );
            continue;
        }
        let problems = fits(artifact, path, &seal, &shelf.source);
        if let (true, Some(name)) = (problems.is_empty(), &artifact.name) {
            artifacts.insert(name.clone(), (path.clone(), seal));
        }
        diagnostics.extend(problems);
    }
    if diagnostics.is_empty() { Ok(artifacts) } else { Err(diagnostics) }
}

/// The artifacts that are there, with their paths, and what is said of the others: of those in one folder that is not
/// there, once.
fn found<'s>(
    shelf: &'s Shelf,
    root: &Utf8Path,
    wanted: &dyn Fn(&Name) -> bool,
) -> (Vec<(&'s Member, Utf8PathBuf)>, Vec<Diagnostic>) {
    let (mut found, mut diagnostics) = (Vec::new(), Vec::new());
    let mut missing: HashMap<Utf8PathBuf, usize> = HashMap::new();
    for artifact in shelf.members.iter().filter(|artifact| artifact.name.as_ref().is_none_or(wanted)) {
        let at = |label| shelf.source.label(artifact.place.clone(), label);
        match artifact::find(root, &artifact.path) {
            Ok(path) => found.push((artifact, path)),
            Err(find::Problem::Missing { path }) if missing.contains_key(&path) => {
                let first: &mut Diagnostic = &mut diagnostics[missing[&path]];
                first.labels.push(at("nor this"));
            }
            Err(problem) => {
                if let find::Problem::Missing { path } = &problem {
                    missing.insert(path.clone(), diagnostics.len());
                }
                diagnostics.push(not_found(&problem, at, missing.len() <= MOST_BESIDE));
            }
        }
    }
    (found, diagnostics)
}

/// Missing artifacts for which a folder is gone through to find what may be meant.
const MOST_BESIDE: usize = 100;

fn not_found(problem: &find::Problem, at: impl Fn(&'static str) -> Label, look: bool) -> Diagnostic {
    let (code, label, help) = match problem {
        find::Problem::Escape { .. } => {
            (Code::PathEscape, "leads out", "write a path below the root of the backup".to_owned())
        }
        find::Problem::Missing { path } => {
            let near = if look { find::beside(path) } else { None };
            let help = near.as_deref().map_or("fetch the backup, or mend the path".to_owned(), meant);
            (Code::ArtifactMissing, "not there", help)
        }
        find::Problem::Kind { .. } => (
            Code::ArtifactEntry,
            "not a plain file or directory",
            "put the artifact there itself, without links".to_owned(),
        ),
        find::Problem::Io { .. } => (Code::Unreadable, "cannot be read", "mend the permissions".to_owned()),
    };
    Diagnostic::new(code, problem.to_string(), at(label)).with_help(help)
}

fn meant(near: &str) -> String {
    format!("there is `{}` beside it: write that, if it is meant", near.escape_debug())
}

/// What keeps an artifact from being sealed.
pub fn unsealed(problem: &seal::Problem, label: Label) -> Diagnostic {
    let (code, help) = match problem {
        seal::Problem::Kind { .. } => (Code::ArtifactEntry, "put a plain file in its place"),
        seal::Problem::Name { .. } => (Code::ArtifactEntry, "remove it: icp writes no such name"),
        seal::Problem::Changed { .. } => (Code::Unreadable, "wait until nobody writes to it"),
        seal::Problem::Io { .. } => (Code::Unreadable, "mend its permissions"),
        seal::Problem::Stopped { .. } => (Code::Unreadable, "run it again, to its end"),
    };
    Diagnostic::new(code, problem.to_string(), label).with_help(help)
}

/// icp does not compare files with their metadata: a blob that is too short would be filled up with zeros.
fn fits(artifact: &Member, path: &Utf8Path, seal: &Seal, source: &Arc<Source>) -> Vec<Diagnostic> {
    let member = source.label(artifact.place.clone(), "this artifact");
    match metadata::read(path, seal) {
        Ok(document) => {
            let text = Source::new(document.path.as_str(), document.text.as_str());
            let problems = metadata::compare(&document, seal);
            let diagnostics = problems.into_iter().map(|problem| {
                let code = match problem {
                    metadata::Problem::BlobSize { .. } | metadata::Problem::BlobMissing { .. } => Code::BlobSize,
                    metadata::Problem::Global { .. } => Code::BadMetadata,
                    metadata::Problem::ChunkHash { .. }
                    | metadata::Problem::ChunkMissing { .. }
                    | metadata::Problem::ChunkContent { .. }
                    | metadata::Problem::ChunkUnstated { .. } => Code::ChunkName,
                };
                let label = text.label(problem.span(), "stated here");
                Diagnostic::new(code, problem.to_string(), member.clone()).with_label(label).with_help(RESTORE)
            });
            diagnostics.collect()
        }
        Err(problem) => {
            let mut diagnostic = Diagnostic::new(Code::BadMetadata, problem.to_string(), member).with_help(RESTORE);
            if let metadata::Unreadable::Syntax { path, text, offset, .. } = &problem {
                let source = Source::new(path.as_str(), text.as_str());
                diagnostic = diagnostic.with_label(source.label(*offset..(*offset + 1).min(text.len()), "here"));
            }
            vec![diagnostic]
        }
    }
}
