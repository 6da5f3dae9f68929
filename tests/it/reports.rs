//! Reports, events, reviews of plans, shells and CI files.
#![cfg(test)]

mod canic;
mod ci;
mod events;
mod forms;
mod page;
mod rehearsal;
mod review;
mod shells;
mod status;

use std::process::{Command, Output};

use camino::{Utf8Path, Utf8PathBuf};

/// The program, as a user has it: nothing of the environment speaks to it.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_icp-restore"));
    for name in ["ICP_RESTORE_ICP", "NO_COLOR", "COLUMNS", "CI_JOB_URL", "BUILD_URL", "GITHUB_RUN_ID"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn ran(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

pub(crate) fn stdout(output: Output) -> String {
    String::from_utf8(output.stdout).unwrap()
}

/// A folder that goes away with it, and its path.
pub(crate) fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    (folder, path)
}

/// Rehearses the demo in a folder, and says how that ended.
pub(crate) fn rehearsed(folder: &Utf8Path, faults: &[&str], more: &[&str]) -> i32 {
    let mut args = vec!["rehearse", "plans/demo.toml", "--quiet", "--keep", folder.as_str()];
    faults.iter().for_each(|fault| args.extend(["--fault", fault]));
    args.extend(more);
    code(&ran(&args))
}

/// The journal of such a rehearsal.
pub(crate) fn journal(folder: &Utf8Path) -> String {
    folder.join("demo.journal.jsonl").into_string()
}

pub(crate) fn report(folder: &Utf8Path, format: &str) -> String {
    let output = ran(&["report", &journal(folder), "--format", format]);
    assert_eq!(code(&output), 0, "{output:?}");
    stdout(output)
}

/// A text that does harm wherever it is not escaped.
pub(crate) const HARM: &str = "</pre><script>document.title='harm'</script><img src=x onerror=alert(1)> `` ` | ]]> [x](javascript:alert(1)) @team \u{1b}[31m \u{202e}x &amp; \\| **b**";

/// A restore in which much went wrong, with harmful words in its journal, and that came to its end.
pub(crate) fn eventful(folder: &Utf8Path) {
    let faults = ["upload-snapshot app: lose-reply", "load-snapshot registry: lose-reply"];
    assert_eq!(rehearsed(folder, &faults, &[]), 6);
    let resolved = ran(&["resolve", &journal(folder), "15", "--as", "ready", "--because", HARM]);
    assert_eq!(code(&resolved), 0, "{resolved:?}");
    assert_eq!(rehearsed(folder, &["load-snapshot registry: reject IC0504"], &[]), 5);
    assert_eq!(rehearsed(folder, &[], &[]), 0);
}
