//! Files that people name: read whole, as text, or a diagnostic.

use std::{fs::File, io::Read as _, sync::Arc};

use camino::Utf8Path;

use super::{Exit, Failure, session};
use crate::{
    artifact,
    diagnostic::{Code, Diagnostic, Source},
    journal::line::BEGINNING,
    plan,
    preflight::words::bytes,
};

/// Reads a text file of at most so many bytes.
pub(super) fn read(file: &Utf8Path, largest: u64) -> Result<Arc<Source>, Diagnostic> {
    let bare = || Source::new(file.as_str(), "");
    let whole = |code, message: String, help: &str| {
        let source = bare();
        Diagnostic::new(code, message, source.label(0..0, "")).with_help(help)
    };
    let unreadable = |error: std::io::Error| {
        let message = format!("{file} cannot be read: {error}");
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => missing_help(file),
            _ => "mend its permissions, or name another file".to_owned(),
        };
        whole(Code::Unreadable, message, &help)
    };
    let data = file.metadata().map_err(unreadable)?;
    if data.is_dir() {
        return Err(whole(Code::Unreadable, format!("{file} is a directory"), "name a file in it"));
    }
    regular(file)?;
    if data.len() > largest {
        let message = format!("{file} has {}, where at most {} are read", bytes(data.len()), bytes(largest));
        return Err(whole(Code::TooLarge, message, "name another file: this one may be an artifact"));
    }
    let bytes = std::fs::read(file).map_err(unreadable)?;
    if is_utf16(&bytes) {
        return Err(whole(Code::NotUtf8, format!("{file} is UTF-16"), "save it as UTF-8"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(file.as_str(), text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let source = Source::new(file.as_str(), String::from_utf8_lossy(error.as_bytes()));
            // Up to the first bad byte, which is shown as the replacement character, the texts are the same.
            let label = source.label(at..at + '\u{fffd}'.len_utf8(), "this byte");
            let message = format!("{file} is not UTF-8 text: byte {at} is not");
            Err(Diagnostic::new(Code::NotUtf8, message, label).with_help("save it as UTF-8"))
        }
    }
}

/// As some editors save text: by its mark, or by the zeros between its first letters.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=255, 0, 1..=255, 0, ..] | [0, 1..=255, 0, 1..=255, ..])
}

/// Refuses pipes and devices: they may never end, and what is read twice is not the same twice. What is not there, or is a
/// directory, is left to whoever reads it.
pub(super) fn regular(file: &Utf8Path) -> Result<(), Diagnostic> {
    match file.metadata() {
        Ok(data) if !data.is_file() && !data.is_dir() => {
            let (message, source) = (format!("{file} is not a regular file"), Source::new(file.as_str(), ""));
            Err(Diagnostic::new(Code::Unreadable, message, source.label(0..0, ""))
                .with_help("write it to a file, and name that"))
        }
        _ => Ok(()),
    }
}

/// Refuses to have a file written that is, or will be, one of these.
pub(super) fn spare(file: &Utf8Path, precious: &[&Utf8Path]) -> Result<(), Failure> {
    let whole = |file: &Utf8Path| {
        let folder = plan::folder(file).canonicalize_utf8();
        file.canonicalize_utf8()
            .or_else(|_| Ok::<_, std::io::Error>(folder?.join(file.file_name().unwrap_or_default())))
    };
    let Ok(place) = whole(file) else { return Ok(()) };
    match precious.iter().any(|precious| whole(precious).is_ok_and(|precious| precious == place)) {
        true => Err(Failure::new(Exit::Usage, format!("{file} would be written over")).with_help("name another file")),
        false => Ok(()),
    }
}

/// The first bytes of a regular file, at most so many; none where it cannot be read.
pub(super) fn begin(file: &Utf8Path, most: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    regular(file).ok()?;
    File::open(file).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Reads a plan file.
pub(super) fn plan(file: &Utf8Path) -> Result<plan::Reading, Vec<Diagnostic>> {
    let source = read(file, plan::LARGEST).map_err(|diagnostic| vec![diagnostic])?;
    // TOML never begins so: one thing is wrong, and not each line.
    if source.text().starts_with('{') {
        let kind = if source.text().starts_with(BEGINNING) { "a journal" } else { "JSON" };
        return Err(vec![another(file, kind, "plan", "name the plan, a TOML file")]);
    }
    plan::read(&source)
}

/// Refuses a plan where a journal is wanted, and names the journal that is its own.
pub(super) fn journal(file: &Utf8Path) -> Result<(), Diagnostic> {
    regular(file)?;
    if file.extension() != Some("toml") {
        return Ok(());
    }
    let own = plan(file).ok().map(|reading| session::journal_path(file, &reading.plan.name, &[]));
    let help = match own {
        Some(own) if own.exists() => format!("name its journal: {own}"),
        _ => "name the journal of its run, NAME.journal.jsonl beside it unless `--journal` said otherwise".to_owned(),
    };
    Err(another(file, "a plan", "journal", &help))
}

/// A journal that is to be gone on with, where there is none.
pub(super) fn no_journal(file: &Utf8Path) -> Failure {
    match file.exists() {
        true => Failure::new(Exit::Invalid, format!("{file} holds no restore")),
        false => Failure::new(Exit::Invalid, format!("{file} is not there")).with_help(missing_help(file)),
    }
}

fn another(file: &Utf8Path, kind: &str, wanted: &str, help: &str) -> Diagnostic {
    let source = Source::new(file.as_str(), "");
    let message = format!("{file} is {kind}, and no {wanted}");
    Diagnostic::new(Code::UnknownFile, message, source.label(0..0, "")).with_help(help)
}

/// What to name instead of a file that is not there.
pub(super) fn missing_help(file: &Utf8Path) -> String {
    match artifact::find::beside(file) {
        Some(near) => format!("name `{}`, which is beside it", near.escape_debug()),
        None => "name one that is there".to_owned(),
    }
}
