//! `init`: a first plan, from artifacts or from a backup of canic.

use std::{
    collections::BTreeMap, io::Write as _, num::NonZeroUsize, ops::ControlFlow, os::unix::fs::PermissionsExt as _,
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::{Exit, Failure, input, session, terminal::Terminal};
use crate::{
    artifact,
    canic::{self, manifest::Manifest},
    diagnostic::{Diagnostic, Severity, Source},
    id::{Digest, Name},
    init::{self, Problem},
    plan,
    report::counted,
};

/// Write a first plan, from snapshots on disk or a backup of canic.
///
/// An artifact is a folder with a metadata.json in it, as `icp canister snapshot download` leaves it; each becomes a
/// member with its digest filled in. What cannot be known is marked with FILL IN, and `check` points at it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore init backups/2026-04-10       # writes backups/2026-04-10.toml
  icp-restore init backups/2026-04-10 -o -  # to stdout
  icp-restore init --from fbk_20260410 --mapping moves.json -o fleet.toml")]
pub(super) struct Args {
    /// The folder of the artifacts, or of a backup of canic.
    #[arg(value_name = "DIR", required_unless_present = "from", conflicts_with = "from")]
    folder: Option<Utf8PathBuf>,
    /// A backup of canic: its fleet-backup-manifest.json, or the folder of that.
    #[arg(long, value_name = "DIR|MANIFEST")]
    from: Option<Utf8PathBuf>,
    /// Where the members of canic's backup go: its mapping file.
    #[arg(long, value_name = "FILE")]
    mapping: Option<Utf8PathBuf>,
    /// Where the plan goes, or - for stdout; by default beside the folder, under its name.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    output: Option<Utf8PathBuf>,
    /// Write over a file that is there.
    #[arg(long, help_heading = "Output")]
    force: bool,
}

/// The largest manifest or mapping that is read.
pub(super) const LARGEST: u64 = 256 << 20;

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let ((Some(named), _) | (None, Some(named))) = (&args.from, &args.folder) else {
        return Err(Failure::new(Exit::Usage, "name a folder"));
    };
    let manifest = manifest_of(named, args.from.is_some())?;
    if args.mapping.is_some() && manifest.is_none() {
        let message = format!("a mapping needs a manifest, and {named} has no {}", canic::manifest::FILE_NAME);
        return Err(Failure::new(Exit::Usage, message));
    }
    let folder = canonical(manifest.as_deref().map_or(named.as_path(), plan::folder))?;
    let output = match &args.output {
        Some(output) if output == "-" => None,
        Some(output) => Some(output.clone()),
        None => Some(beside(manifest.as_deref().map_or(named.as_path(), plan::folder), &folder)),
    };
    let text = match &manifest {
        Some(file) => {
            let root = relative(&folder, output.as_deref())?;
            from_canic(file, args.mapping.as_deref(), &folder, &root, terminal)?
        }
        None => from_artifacts(&folder, output.as_deref())?,
    };
    let Some(output) = output else {
        terminal.print(&text);
        return Ok(Exit::Done);
    };
    write(&output, &text, args.force)?;
    let open = plan::read(&Source::new(output.as_str(), text));
    let open = open.err().unwrap_or_default().iter().filter(|open| open.severity() == Severity::Error).count();
    let open = if open == 0 { String::new() } else { format!(" and {}", counted(open, "more place")) };
    let check = session::ours(["check", output.as_str(), "--artifacts"]);
    terminal.note(&format!("{output} is written\nnext: fill in the network{open}, marked FILL IN, then:\n  {check}"));
    Ok(Exit::Done)
}

/// The manifest that is meant, if the path is one of canic's.
fn manifest_of(path: &Utf8Path, asked: bool) -> Result<Option<Utf8PathBuf>, Failure> {
    if path.is_dir() {
        let file = path.join(canic::manifest::FILE_NAME);
        return match file.is_file() {
            true => Ok(Some(file)),
            false if asked => Err(Failure::new(Exit::Invalid, format!("{path} has no {}", canic::manifest::FILE_NAME))
                .with_help(format!("for a folder of artifacts without one: icp-restore init {path}"))),
            false => Ok(None),
        };
    }
    match path.extension() == Some("json") || asked {
        true => Ok(Some(path.to_owned())),
        false if path.exists() => {
            Err(Failure::new(Exit::Usage, format!("{path} is not a folder")).with_help("name the folder of artifacts"))
        }
        false => Err(Failure::new(Exit::Internal, format!("{path} is not there")).with_help(input::missing_help(path))),
    }
}

/// The plan of the artifacts in a folder, or of the one that it is.
fn from_artifacts(folder: &Utf8Path, output: Option<&Utf8Path>) -> Result<String, Failure> {
    let found = init::find(folder).map_err(|problem| failure(&problem))?;
    let name = name(folder.file_name().unwrap_or_default())?;
    let (folder, artifacts) = match (&found[..], folder.parent(), folder.file_name()) {
        ([], ..) => return Err(failure(&Problem::Nothing(folder.to_owned()))),
        ([only], Some(parent), Some(name)) if only.as_str().is_empty() => (parent, vec![Utf8PathBuf::from(name)]),
        _ => (folder, found),
    };
    let root = relative(folder, output)?;
    init::plan(folder, &artifacts, &name, &root, &|_| ControlFlow::Continue(())).map_err(|problem| failure(&problem))
}

/// The plan of a manifest.
fn from_canic(
    file: &Utf8Path,
    mapping: Option<&Utf8Path>,
    folder: &Utf8Path,
    root: &Utf8Path,
    terminal: &Terminal,
) -> Result<String, Failure> {
    let (manifest, warnings) = canic::manifest::read(&input::read(file, LARGEST)?)?;
    terminal.diagnostics(&warnings);
    let mapping = match mapping {
        Some(mapping) => {
            let (mapping, warnings) = canic::mapping::read(&input::read(mapping, LARGEST)?, &manifest)?;
            terminal.diagnostics(&warnings);
            Some(mapping)
        }
        None => None,
    };
    let seals = seals(&manifest, folder)?;
    let name = name(&manifest.backup_id)?;
    let setting = canic::plan::Setting { name: &name, root, manifest: file, seals: &seals };
    Ok(canic::plan::to_toml(&manifest, mapping.as_ref(), setting)?)
}

/// Seals of the artifacts that the manifest has none for, as far as they are here.
fn seals(manifest: &Manifest, folder: &Utf8Path) -> Result<BTreeMap<usize, Digest>, Vec<Diagnostic>> {
    let members = manifest.members.iter().enumerate();
    let unsealed = members.filter(|(_, member)| member.snapshot.checksum.is_none());
    let found: Vec<(usize, Utf8PathBuf)> = unsealed
        .filter_map(|(at, member)| Some((at, artifact::find(folder, &member.snapshot.artifact.value).ok()?)))
        .collect();
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let sealed =
        artifact::seal::all(found.iter().map(|(_, path)| path.as_path()), threads, &|_| ControlFlow::Continue(()));
    let (mut seals, mut problems) = (BTreeMap::new(), Vec::new());
    for (at, path) in &found {
        match sealed.get(path.as_path()) {
            Some(Ok(seal)) => {
                seals.insert(*at, seal.plain);
            }
            Some(Err(found)) => problems.extend(found.iter().map(|problem| {
                let place = manifest.members[*at].snapshot.artifact.span.clone();
                plan::unsealed(problem, manifest.source.label(place, "in this artifact"))
            })),
            None => {}
        }
    }
    if problems.is_empty() { Ok(seals) } else { Err(problems) }
}

/// Beside a folder and under its name, as the user named it where that says its name.
fn beside(named: &Utf8Path, folder: &Utf8Path) -> Utf8PathBuf {
    match named.file_name() {
        Some(name) => named.with_file_name(format!("{name}.toml")),
        None => Utf8PathBuf::from(format!("{folder}.toml")),
    }
}

/// A folder as it is to stand in a plan at some place; one on stdout is taken to be put where we are.
fn relative(folder: &Utf8Path, output: Option<&Utf8Path>) -> Result<Utf8PathBuf, Failure> {
    let from = canonical(output.map_or(Utf8Path::new("."), plan::folder))?;
    let common = folder.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Utf8Component::ParentDir);
    let path: Utf8PathBuf = up.chain(folder.components().skip(common)).collect();
    Ok(if path.as_str().is_empty() { ".".into() } else { path })
}

fn canonical(path: &Utf8Path) -> Result<Utf8PathBuf, Failure> {
    path.canonicalize_utf8().map_err(|error| Failure::new(Exit::Internal, format!("cannot find {path}: {error}")))
}

fn name(text: &str) -> Result<Name, Failure> {
    init::name(text).ok_or_else(|| Failure::new(Exit::Internal, format!("no plan can be named after `{text}`")))
}

/// Writes a file whole or not at all, and over another only if that is wanted.
fn write(output: &Utf8Path, text: &str, force: bool) -> Result<(), Failure> {
    // Not the error itself: it names the file that was to be renamed.
    let failed = |error: std::io::Error| {
        Failure::new(Exit::Internal, format!("cannot write {output}: {}", error.kind()))
            .with_help("name another place with `--output`")
    };
    // Readable as the umask allows: a plan is to be reviewed.
    let readable = std::fs::Permissions::from_mode(0o666);
    let file = tempfile::Builder::new().permissions(readable).tempfile_in(plan::folder(output));
    let mut file = file.map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let kept = match force {
        true => file.persist(output),
        false => file.persist_noclobber(output),
    };
    match kept {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = format!("{output} is there already");
            Err(Failure::new(Exit::Usage, message).with_help("name another file with `--output`, or say `--force`"))
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// What keeps artifacts from being a plan.
fn failure(problem: &Problem) -> Failure {
    let exit = match problem {
        Problem::Io { .. } => Exit::Internal,
        Problem::Nothing(_) | Problem::Seal(_) => Exit::Invalid,
    };
    let help = match problem {
        Problem::Io { .. } => None,
        Problem::Nothing(_) => Some("name a folder into which `icp canister snapshot download` wrote"),
        Problem::Seal(_) => Some("put the artifacts back from their backup"),
    };
    let failure = Failure::new(exit, problem.to_string());
    match help {
        Some(help) => failure.with_help(help),
        None => failure,
    }
}
