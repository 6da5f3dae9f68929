//! Plans that are right, plans that are wrong with what is said of them, and journals that are wrong.
//!
//! What is said stands beside each plan; `said.rs` tells how it is written anew.

#![cfg(test)]

mod any;
mod edited;
mod input;
mod journals;
mod lost;
mod many;
mod named;

use camino::{Utf8Path, Utf8PathBuf};
use icp_restore::{
    diagnostic::{Diagnostic, Severity, Source, text},
    plan,
};
use snapbox::{Data, assert_data_eq};

use crate::said::drawn;

/// The files of a folder with an ending, in order.
fn files(folder: &str, ending: &str) -> Vec<Utf8PathBuf> {
    let entries = Utf8Path::new(folder).read_dir_utf8().unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().into_path()).collect();
    files.retain(|file| file.extension() == Some(ending));
    files.sort();
    files
}

/// All that `check` says of a plan, where no artifact is read.
fn said(file: &Utf8Path) -> Vec<Diagnostic> {
    let source = Source::new(file.as_str(), std::fs::read_to_string(file).unwrap());
    match plan::read(&source) {
        Ok(reading) => {
            let mut said = reading.warnings.clone();
            said.extend(plan::look(&plan::Shelf::of(&reading), plan::folder(file)));
            said
        }
        Err(said) => said,
    }
}

fn shown(said: &[Diagnostic]) -> String {
    format!("{}\n{}\n", drawn(said), text::summary(said))
}

#[test]
fn what_is_said_of_wrong_plans() {
    let files = files("tests/plans/invalid", "toml");
    assert!(files.len() > 25);
    for file in files {
        let said = said(&file);
        assert!(said.iter().any(|d| d.severity() == Severity::Error), "{file} is valid");
        if let Some(code) =
            file.file_name().and_then(|name| name.split('-').next()).filter(|code| code.starts_with('E'))
        {
            assert!(said.iter().any(|d| d.code.as_str() == code), "{file}: {}", shown(&said));
        }
        assert_data_eq!(shown(&said), Data::read_from(file.with_extension("txt").as_std_path(), None).raw());
    }
}

#[test]
fn right_plans_have_no_errors() {
    for file in files("tests/plans/valid", "toml").into_iter().chain(files("plans", "toml")) {
        let said = said(&file);
        assert!(said.iter().all(|d| d.severity() == Severity::Warning), "{file}: {}", shown(&said));
        if let Some(code) =
            file.file_name().and_then(|name| name.split('-').next()).filter(|code| code.starts_with('W'))
        {
            assert!(said.iter().any(|d| d.code.as_str() == code), "{file}: {}", shown(&said));
            assert_data_eq!(shown(&said), Data::read_from(file.with_extension("txt").as_std_path(), None).raw());
        }
    }
}
