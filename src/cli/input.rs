//! Files that people name: read whole, as text, or a diagnostic.

use std::{fs::File, io::Read as _, sync::Arc};

use camino::Utf8Path;

use super::{Exit, Failure};
use crate::{
    diagnostic::{Code, Diagnostic, Source},
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
    plan::read(&source)
}

fn missing_help(file: &Utf8Path) -> String {
    let folder = plan::folder(file);
    let names: Vec<String> = folder
        .read_dir_utf8()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_owned()))
        .collect();
    let near =
        file.file_name().and_then(|name| crate::diagnostic::suggest::nearest(name, names.iter().map(String::as_str)));
    match near {
        Some(near) => format!("name `{}`, which is beside it", near.escape_debug()),
        None => "name a file that is there".to_owned(),
    }
}
