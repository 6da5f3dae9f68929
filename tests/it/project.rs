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

#[test]
fn what_the_readme_shows_is_what_is_said() {
    let readme = fs::read_to_string("README.md").unwrap();
    let shown = readme.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let mut shown = shown.split("$ icp-restore ").skip(1).map(|part| part.split_once('\n').unwrap());
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8Path::from_path(folder.path()).unwrap();
    fs::create_dir(folder.join("plans")).unwrap();
    let backup = Utf8Path::new("plans/demo-backup").canonicalize_utf8().unwrap();
    std::os::unix::fs::symlink(backup, folder.join("plans/demo-backup")).unwrap();
    let demo = fs::read_to_string("plans/demo.toml").unwrap();
    fs::write(folder.join("plans/demo.toml"), &demo).unwrap();
    fs::write(folder.join("plans/fleet.toml"), demo.replacen("aaabq-cai", "aaaqb-cai", 1)).unwrap();
    let said = |command: &str| {
        let script = format!("{} {command} --width 80", env!("CARGO_BIN_EXE_icp-restore"));
        let output = Command::new("sh").args(["-c", &script]).current_dir(folder).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let (check, diagnostic) = shown.next().unwrap();
    assert_eq!(said(check), diagnostic);
    // Which operations are under way when a run is killed differs from one to another, and so does what it took.
    for (rehearse, lines) in shown {
        let said = said(rehearse);
        for line in lines.lines().filter(|line| !line.contains('…') && *line != "Killed") {
            let words = line.split("  (").next().unwrap().split(" are completed; icp").next().unwrap();
            let words = words.rsplit_once(": 5 of ").map_or(words, |(before, _)| before);
            assert!(said.contains(words), "{line}: {said}");
        }
    }
}
