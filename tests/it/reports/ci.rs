//! The workflows in docs/ci and .github, as far as they can be tried without GitHub and GitLab.

use std::process::Command;

fn has(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn workflows_are_sound() {
    if !has("python3", &["-c", "import yaml"]) || !has("shellcheck", &["--version"]) {
        eprintln!("SKIPPED: Python with PyYAML, or ShellCheck, is not here, so workflows were not checked");
        return;
    }
    let files = [
        "docs/ci/github-actions.yml",
        "docs/ci/gitlab-ci.yml",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
    ];
    let program = env!("CARGO_BIN_EXE_icp-restore");
    let output = Command::new("python3").arg("tests/ci/lint.py").arg(program).args(files).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn no_file_for_ci_names_a_host() {
    for file in [
        "Containerfile",
        "docs/ci/github-actions.yml",
        "docs/ci/gitlab-ci.yml",
        "docs/ci/README.md",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
    ] {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("://") && !text.contains(".io/"), "{file}");
    }
}
