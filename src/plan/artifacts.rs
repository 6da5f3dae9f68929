//! A plan held against the artifacts on disk, each problem on the plan's token.

use std::{collections::BTreeMap, num::NonZeroUsize, ops::Range};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Places, Plan, Reading, Snapshot};
use crate::{
    artifact::{self, Seal, Watch, find, metadata},
    diagnostic::{Code, Diagnostic, Source},
    id::{Digest, Name},
};

/// The artifacts of a plan, by member, with where each lies and what it holds.
pub type Artifacts = BTreeMap<Name, (Utf8PathBuf, Seal)>;

/// Whether artifacts are where the plan says, without reading them. A backup that is not here at all is a warning: plans
/// are reviewed where the gigabytes are not.
pub fn look(reading: &Reading, folder: &Utf8Path) -> Vec<Diagnostic> {
    let root = folder.join(&reading.plan.backup.root);
    let artifacts = members(&reading.plan, &reading.places);
    if artifacts.is_empty() {
        return Vec::new();
    }
    if !root.is_dir() {
        let message = format!("{root} is not here, so artifacts are not looked at");
        let label = reading.places.source.label(reading.places.root.clone(), "the backup");
        let help = "run this where the backup is, with `--artifacts`";
        return vec![Diagnostic::new(Code::ArtifactsAbsent, message, label).with_help(help)];
    }
    let found = artifacts.iter().map(|artifact| find_one(&root, artifact, &reading.places));
    found.filter_map(Result::err).collect()
}

/// Reads all artifacts whole: their seals, and their metadata against their blobs.
///
/// # Errors
/// Everything that is wrong with any of them.
pub fn verify(
    reading: &Reading,
    folder: &Utf8Path,
    wanted: &dyn Fn(&Name) -> bool,
    threads: NonZeroUsize,
    watch: Watch<'_>,
) -> Result<Artifacts, Vec<Diagnostic>> {
    let root = folder.join(&reading.plan.backup.root);
    let (mut diagnostics, mut found) = (Vec::new(), Vec::new());
    for artifact in members(&reading.plan, &reading.places).into_iter().filter(|artifact| wanted(artifact.name)) {
        match find_one(&root, &artifact, &reading.places) {
            Ok(path) => found.push((artifact, path)),
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    let mut seals = artifact::seal::all(found.iter().map(|(_, path)| path.as_path()), threads, watch);
    let mut artifacts = Artifacts::new();
    for (artifact, path) in &found {
        let at = |span: &Range<usize>, label: &str| reading.places.source.label(span.clone(), label);
        let seal = match seals.get_mut(path.as_path()) {
            Some(Ok(seal)) => seal.clone(),
            Some(Err(problems)) => {
                let problems = std::mem::take(problems).into_iter();
                diagnostics.extend(problems.map(|problem| {
                    let label = at(&artifact.place, "in this artifact");
                    Diagnostic::new(Code::ArtifactEntry, problem.to_string(), label)
                        .with_help("put the artifact back from its backup")
                }));
                continue;
            }
            None => continue,
        };
        if seal.unfinished {
            let message = format!(
                "{path} was not downloaded to its end: `icp canister snapshot download` left its progress in it"
            );
            let label = at(&artifact.place, "unfinished");
            let help = "finish it with `icp canister snapshot download --resume`, then seal it anew";
            diagnostics.push(Diagnostic::new(Code::ArtifactUnfinished, message, label).with_help(help));
            continue;
        }
        if !seal.accepts(&artifact.sha256) {
            let message = format!("{} is not what was sealed: its digest is {}", path, seal.plain);
            let help = "put the artifact back from its backup, or, if this is the one that is meant, write its digest";
            diagnostics.push(
                Diagnostic::new(
                    Code::ChecksumMismatch,
                    message,
                    at(&artifact.digest, "not the digest of what is there"),
                )
                .with_label(at(&artifact.place, "this artifact"))
                .with_help(help),
            );
            continue;
        }
        let problems = fits(artifact, path, &seal, &reading.places);
        if problems.is_empty() {
            artifacts.insert(artifact.name.clone(), (path.clone(), seal));
        }
        diagnostics.extend(problems);
    }
    if diagnostics.is_empty() { Ok(artifacts) } else { Err(diagnostics) }
}

struct Member<'a> {
    name: &'a Name,
    path: &'a Utf8Path,
    sha256: Digest,
    place: Range<usize>,
    digest: Range<usize>,
}

fn members<'a>(plan: &'a Plan, places: &Places) -> Vec<Member<'a>> {
    let members = plan.members.iter().zip(&places.members);
    let artifacts = members.filter_map(|(member, places)| match &member.snapshot {
        Snapshot::Artifact { path, sha256 } => Some(Member {
            name: &member.name,
            path,
            sha256: *sha256,
            place: places.snapshot.clone(),
            digest: places.digest.clone(),
        }),
        Snapshot::OnChain { .. } => None,
    });
    artifacts.collect()
}

fn find_one(root: &Utf8Path, artifact: &Member<'_>, places: &Places) -> Result<Utf8PathBuf, Diagnostic> {
    artifact::find(root, artifact.path).map_err(|problem| {
        let (code, label, help) = match &problem {
            find::Problem::Escape { .. } => {
                (Code::PathEscape, "leads out", "write a path below the root of the backup".to_owned())
            }
            find::Problem::Missing { nearest: Some(nearest), .. } => (
                Code::ArtifactMissing,
                "not there",
                format!("there is `{}` beside it: write that, if it is meant", nearest.escape_debug()),
            ),
            find::Problem::Missing { nearest: None, .. } => {
                (Code::ArtifactMissing, "not there", "fetch the backup, or mend the path".to_owned())
            }
            find::Problem::Kind { .. } => (
                Code::ArtifactEntry,
                "not a plain file or directory",
                "put the artifact there itself, without links".to_owned(),
            ),
            find::Problem::Io { .. } => (Code::Unreadable, "cannot be read", "mend the permissions".to_owned()),
        };
        let label = places.source.label(artifact.place.clone(), label);
        Diagnostic::new(code, problem.to_string(), label).with_help(help)
    })
}

/// icp does not compare files with their metadata: a blob that is too short would be filled up with zeros.
fn fits(artifact: &Member<'_>, path: &Utf8Path, seal: &Seal, places: &Places) -> Vec<Diagnostic> {
    const HELP: &str = "put the artifact back from its backup: icp would upload it as it is";
    let member = places.source.label(artifact.place.clone(), "this artifact");
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
                Diagnostic::new(code, problem.to_string(), member.clone()).with_label(label).with_help(HELP)
            });
            diagnostics.collect()
        }
        Err(problem) => {
            let mut diagnostic = Diagnostic::new(Code::BadMetadata, problem.to_string(), member).with_help(HELP);
            if let metadata::Unreadable::Syntax { path, text, offset, .. } = &problem {
                let source = Source::new(path.as_str(), text.as_str());
                diagnostic = diagnostic.with_label(source.label(*offset..(*offset + 1).min(text.len()), "here"));
            }
            vec![diagnostic]
        }
    }
}
