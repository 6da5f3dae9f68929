//! What the repository promises of itself.
#![cfg(test)]

use std::{fs, process::Command};

use camino::{Utf8Path, Utf8PathBuf};

fn icp_restore(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_icp-restore")).args(args).output().unwrap()
}

#[test]
fn the_committed_schema_is_the_program_s() {
    let printed = String::from_utf8(icp_restore(&["schema"]).stdout).unwrap();
    let committed = fs::read_to_string("schema/restore-plan.schema.json").unwrap();
    assert_eq!(printed, committed, "run: cargo run -- schema > schema/restore-plan.schema.json");
}

#[test]
fn the_demo_is_whole_and_its_rehearsal_succeeds() {
    let check = icp_restore(&["check", "plans/demo.toml", "--artifacts", "--deny-warnings"]);
    assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stderr));
    let rehearsal = icp_restore(&["rehearse", "plans/demo.toml"]);
    let said = String::from_utf8_lossy(&rehearsal.stderr);
    assert_eq!(rehearsal.status.code(), Some(0), "{said}");
    assert!(said.contains("29 of 29 operations are completed"), "{said}");
}

#[test]
fn the_changelog_names_the_version_or_what_is_to_come() {
    let changelog = fs::read_to_string("CHANGELOG.md").unwrap();
    assert!(
        changelog.contains("## [Unreleased]") || changelog.contains(concat!("## [", env!("CARGO_PKG_VERSION"), "]"))
    );
}

#[test]
fn every_link_of_the_docs_leads_somewhere() {
    let docs = Utf8Path::new("docs").read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    let docs = docs.filter(|path| path.extension() == Some("md"));
    let files: Vec<Utf8PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].into_iter().map(Into::into).chain(docs).collect();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap().split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                let path = file.parent().unwrap().join(target);
                assert!(path.exists(), "{file}: {target} is not there");
            }
        }
    }
}
