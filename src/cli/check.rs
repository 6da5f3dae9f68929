//! `check`: every mistake of every file.

use std::{num::NonZeroUsize, ops::ControlFlow};

use camino::{Utf8Path, Utf8PathBuf};
use clap::ValueEnum;

use super::{Exit, Failure, input, progress::Hashing, terminal::Terminal};
use crate::{
    diagnostic::{Code, Diagnostic, Severity, github, gitlab, json, sarif, text},
    journal, plan, preflight,
};

/// Find every mistake in plans and journals, offline.
///
/// Without `--artifacts` it is only seen whether artifacts are there; with it they are read whole and held against their
/// seals and their metadata.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore check plans/*.toml
  icp-restore check fleet.toml --artifacts --deny-warnings
  icp-restore check plans/*.toml --format github  # for a pull request")]
pub(super) struct Args {
    /// Plans (.toml), journals (.jsonl), and manifests, mappings and journals of canic (.json).
    #[arg(required = true, value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
    /// Read artifacts whole: seals, sizes, chunks.
    #[arg(long)]
    artifacts: bool,
    /// Let warnings count as errors.
    #[arg(long)]
    deny_warnings: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Annotated snippets, to stderr.
    Text,
    /// One object.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
    /// A code quality report of GitLab.
    Gitlab,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut diagnostics = Vec::new();
    // A journal is held against the plan beside it, where one is given.
    let (journals, plans): (Vec<_>, Vec<_>) = args.files.iter().partition(|file| is_journal(file));
    let plans = if journals.is_empty() { Vec::new() } else { plans };
    let plans: Vec<plan::Reading> = plans.into_iter().filter_map(|file| input::plan(file).ok()).collect();
    let plans: Vec<&plan::Reading> = plans.iter().collect();
    for file in &args.files {
        let found = super::canic::check(file, &args.files);
        diagnostics.extend(found.unwrap_or_else(|| check(file, args.artifacts, &plans, terminal)));
    }
    let root = Utf8Path::new("");
    match args.format {
        Format::Text => {
            terminal.diagnostics(&diagnostics);
            if diagnostics.is_empty() {
                let files =
                    if args.files.len() == 1 { "1 file".to_owned() } else { format!("{} files", args.files.len()) };
                terminal.note(&format!("{files} checked, nothing is wrong"));
            } else {
                terminal.note(&text::summary(&diagnostics));
            }
        }
        Format::Json => terminal.print_json(&json::Report::new(&diagnostics)),
        Format::Sarif => terminal.print_json(&sarif::log(&diagnostics, root)),
        Format::Github => terminal.print(&github::render(&diagnostics, root)),
        Format::Gitlab => terminal.print_json(&gitlab::issues(&diagnostics, root)),
    }
    let bad = |diagnostic: &Diagnostic| args.deny_warnings || diagnostic.severity() == Severity::Error;
    Ok(if diagnostics.iter().any(bad) { Exit::Invalid } else { Exit::Done })
}

/// A journal is told by what it holds: its name may be anything.
fn is_journal(file: &Utf8Path) -> bool {
    input::begin(file, 1).is_some_and(|first| first == b"{") || file.extension() == Some("jsonl")
}

fn check(file: &Utf8Path, artifacts: bool, plans: &[&plan::Reading], terminal: &Terminal) -> Vec<Diagnostic> {
    if let Err(diagnostic) = input::regular(file) {
        return vec![diagnostic];
    }
    if is_journal(file) || file.extension() == Some("json") {
        return match std::fs::read(file) {
            Ok(bytes) if is_other(&bytes) => vec![unknown(file)],
            Ok(bytes) => journal::check::with_plans(file.as_str(), bytes, plans),
            Err(_) => input::read(file, u64::MAX).err().into_iter().collect(),
        };
    }
    let source = match input::read(file, plan::LARGEST) {
        Ok(source) => source,
        Err(diagnostic) => return vec![diagnostic],
    };
    // Artifacts are looked at even where the plan has mistakes, so that all are told at once.
    let (reading, mut diagnostics, shelf) = match plan::read(&source) {
        Ok(reading) => {
            let (warnings, shelf) = (reading.warnings.clone(), plan::Shelf::of(&reading));
            (Some(reading), warnings, Some(shelf))
        }
        Err(diagnostics) => (None, diagnostics, plan::Shelf::drafted(&source)),
    };
    let folder = plan::folder(file);
    let Some(shelf) = shelf else { return diagnostics };
    if artifacts {
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let hashing = Hashing::new(terminal);
        let watch = |step| {
            hashing.step(step);
            ControlFlow::Continue(())
        };
        let verified = plan::verify(&shelf, folder, &|_| true, threads, &watch);
        drop(hashing);
        match verified {
            Ok(artifacts) => diagnostics.extend(reading.and_then(|reading| memory(&reading, &artifacts))),
            Err(problems) => diagnostics.extend(problems),
        }
    } else {
        diagnostics.extend(plan::look(&shelf, folder));
    }
    crate::diagnostic::sort(&mut diagnostics);
    diagnostics
}

/// Whether a text is one JSON document that has nothing of an event: a journal has an event a line.
fn is_other(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|json| {
        let keys = ["v", "event", "at", "prev", "sum"];
        json.as_object().is_none_or(|object| !keys.iter().any(|key| object.contains_key(*key)))
    })
}

fn unknown(file: &Utf8Path) -> Diagnostic {
    let source = crate::diagnostic::Source::new(file.as_str(), "");
    let message = format!("{file} is JSON, and neither a journal nor a file of canic");
    Diagnostic::new(Code::UnknownFile, message, source.label(0..0, ""))
        .with_help("name a plan, which is TOML, a journal, or a manifest, mapping or journal of canic")
}

/// Warns of the largest upload, where it takes more memory than there is.
fn memory(reading: &plan::Reading, artifacts: &plan::Artifacts) -> Option<Diagnostic> {
    let largest = artifacts.iter().map(|(name, (_, seal))| (name, seal.largest_blob()));
    let (name, largest) = largest.max_by_key(|(_, largest)| *largest)?;
    let memory = super::session::upload_memory(&reading.plan)?;
    let needed = preflight::held(largest);
    (needed > memory).then(|| preflight::too_large(Code::MemoryLimit, reading, name, largest, memory))
}
