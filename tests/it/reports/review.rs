//! `dry-run` for reviewers, and `run --expect`.

use camino::Utf8Path;
use serde_json::Value;

use super::{code, folder, ran, stdout};

/// The demo plan, changed, beside its backup.
fn changed(folder: &Utf8Path, changes: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string("plans/demo.toml").unwrap();
    for (was, is) in changes {
        assert!(text.contains(was), "{was}");
        text = text.replace(was, is);
    }
    let backup = folder.join("demo-backup");
    if !backup.exists() {
        let here = Utf8Path::new("plans/demo-backup").canonicalize_utf8().unwrap();
        std::os::unix::fs::symlink(here, backup).unwrap();
    }
    let file = folder.join("demo.toml");
    std::fs::write(&file, text).unwrap();
    file.into_string()
}

#[test]
fn a_comment_has_counts_and_risk_first_and_is_bounded() {
    let text = stdout(ran(&["dry-run", "plans/demo.toml", "--format", "markdown"]));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "## Restore of `demo`: 5 canisters stopped");
    assert!(lines[4].starts_with("| 29 | 5 | 4 | 1 | 0 |"), "{}", lines[4]);
    assert!(text.contains("\n```\nicp-restore run plans/demo.toml --expect sha256:"), "{text}");
    assert!(text.find("--expect sha256:").unwrap() < text.find("<details>").unwrap());
    assert!(text.contains("```mermaid\nflowchart LR\n") && text.contains("w0 --> w1"));
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    for most in [2000, 3000, 5000] {
        let bound = most.to_string();
        let text = stdout(ran(&["dry-run", "plans/demo.toml", "--format", "markdown", "--max-bytes", &bound]));
        assert!(text.len() <= most && text.contains("did not fit here"), "{most}: {}", text.len());
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }
    assert_eq!(code(&ran(&["dry-run", "plans/demo.toml", "--max-bytes", "10"])), 2);
}

#[test]
fn against_a_file_it_tells_operations_and_meaning() {
    let (_keep, folder) = folder();
    let plan =
        changed(&folder, &[("final = \"stopped\"", "final = \"running\""), ("[safety]", "[safety]\nsnapshot = false")]);
    let output = ran(&["dry-run", &plan, "--against", "plans/demo.toml", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let against = &report["against"];
    let of = |what: &str| -> Vec<String> {
        let all = against["operations"].as_array().unwrap().iter().filter(|change| change["what"] == what);
        all.map(|change| format!("{} {}", change["kind"].as_str().unwrap(), change["member"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(of("added"), ["start-canister app-copy"]);
    assert_eq!(of("removed").len(), 5);
    assert_eq!(of("changed"), ["verify-member app-copy"]);
    assert_eq!(against["meaning"].as_array().unwrap().len(), 2);
    assert_ne!(against["was"], against["is"]);
    let text = stdout(ran(&["dry-run", &plan, "--against", "plans/demo.toml"]));
    assert!(text.contains("1 added, 5 removed, 1 changed"), "{text}");
    assert!(text.contains("safety: snapshot: was true, is false"), "{text}");
    let markdown = stdout(ran(&["dry-run", &plan, "--against", "plans/demo.toml", "--format", "markdown"]));
    assert!(
        markdown.contains("**no way back**") && markdown.contains("**1 added, 5 removed, 1 changed**"),
        "{markdown}"
    );
}

#[test]
fn comments_and_white_space_change_nothing() {
    let (_keep, folder) = folder();
    let plan = changed(&folder, &[("version = 1", "# a note\n\nversion   = 1")]);
    let text = stdout(ran(&["dry-run", &plan, "--against", "plans/demo.toml"]));
    assert!(text.contains("nothing changed, the digest is the same"), "{text}");
}

#[test]
fn against_a_commit_it_reads_the_plan_of_then() {
    let (_keep, folder) = folder();
    let git = |args: &[&str]| {
        let output = std::process::Command::new("git")
            .args(["-C", folder.as_str(), "-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    changed(&folder, &[]);
    git(&["init", "--quiet"]);
    git(&["add", "demo.toml"]);
    git(&["commit", "--quiet", "-m", "then"]);
    let plan = changed(&folder, &[]);
    let same = stdout(ran(&["dry-run", &plan, "--against", "HEAD"]));
    assert!(same.contains("against HEAD: nothing changed"), "{same}");
    let plan = changed(&folder, &[("expect = \"(true)\"", "expect = \"(false)\"")]);
    let text = stdout(ran(&["dry-run", &plan, "--against", "HEAD"]));
    assert!(text.contains("changed  verify-member    app: checks"), "{text}");
    for wrong in ["nowhere", "--output=x", "HEAD:demo.toml", ""] {
        let output = ran(&["dry-run", &plan, &format!("--against={wrong}")]);
        assert_eq!(code(&output), 3, "{wrong}: {output:?}");
    }
    assert!(!folder.join("x").exists());
}

#[test]
fn a_run_of_something_else_than_was_reviewed_is_blocked_and_says_what_changed() {
    let (_keep, folder) = folder();
    let plan = changed(&folder, &[]);
    let digest = serde_json::from_slice::<Value>(&ran(&["dry-run", &plan, "--format", "json"]).stdout).unwrap();
    let digest = digest["plan"]["digest"].as_str().unwrap().to_owned();
    let journal = folder.join("demo.journal.jsonl").into_string();
    let kept = folder.join("kept").into_string();
    assert_eq!(code(&ran(&["rehearse", &plan, "--keep", &kept, "--journal", &journal, "--max-steps", "1", "-q"])), 9);
    let plan = changed(&folder, &[("orphans = \"delete-own\"", "ambiguous-load = \"reload\"")]);
    let output = ran(&["run", &plan, "--expect", &digest[..12]]);
    assert_eq!(code(&output), 4);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("safety: ambiguous-load: was \"halt\", is \"reload\""), "{said}");
    for wrong in [&digest[..11], "sha256:", "not-a-digest-at-all"] {
        assert_eq!(code(&ran(&["run", &plan, "--expect", wrong])), 2, "{wrong}");
    }
}
