//! Secrets stay where they are, files are private, and what others print commands nobody.

use std::os::unix::fs::PermissionsExt as _;

use icp_restore::{icp::Redactor, simulate::Method};
use proptest::prelude::*;

use super::{CAREFUL, Scene};

proptest! {
    #[test]
    fn no_secret_survives(
        secrets in prop::collection::vec("[a-f]{6,12}", 1..6),
        gaps in prop::collection::vec("[g-m \n]{0,5}", 6),
        overlap in 0usize..6,
    ) {
        // Secrets one after another, each laid over the end of the one before.
        let mut text = String::new();
        for (secret, gap) in secrets.iter().zip(&gaps) {
            let keep = (1..=overlap.min(text.len())).rev().find(|n| secret.starts_with(&text[text.len() - n..]));
            text.push_str(&secret[keep.unwrap_or(0)..]);
            text.push_str(gap);
        }
        let redacted = Redactor::new(secrets.clone()).redact(&text);
        for secret in &secrets {
            prop_assert!(!redacted.contains(secret.as_str()), "{secret} in {redacted}");
        }
        // No part of one stays either: what is left of the letters of secrets is only that of the mark.
        prop_assert!(redacted.replace("[redacted]", "").chars().all(|c| !('a'..='f').contains(&c)), "{redacted}");
    }
}

#[test]
fn keys_and_parts_of_keys_are_hidden() {
    let key = "-----BEGIN EC PRIVATE KEY-----\nMHQCAQEEIAbcdefghijklmn\nOPQRSTUVWX\n-----END EC PRIVATE KEY-----";
    let redactor = Redactor::default();
    assert_eq!(redactor.redact(&format!("a {key}\nb")), "a [redacted]\nb");
    assert_eq!(redactor.redact(&format!("a {}", &key[..50])), "a [redacted]");
    // A line of a secret of many, and a value without the line end that its variable has.
    let redactor = Redactor::new([key.to_owned(), "hunter22\n".to_owned()]);
    assert_eq!(redactor.redact("it says MHQCAQEEIAbcdefghijklmn and hunter22!"), "it says [redacted] and [redacted]!");
    assert_eq!(Redactor::new(["short".to_owned(), "   \n".to_owned()]).redact("short   \n"), "short   \n");
}

#[test]
fn a_journal_holds_no_secret_and_nobody_else_can_read_it() {
    let secret = "s3cr3t-of-the-application";
    let scene = Scene::with(
        &["root"],
        "[[check]]\nmember = \"root\"\ncall = \"leak\"\nattempts = 1\nexpect = \"(true)\"\n",
        |_, spec| {
            spec.methods.insert("leak".to_owned(), Method::Reply(format!("(\"{secret}\")")));
        },
    );
    std::fs::write(scene.path.join("pw"), "").unwrap();
    let run = scene.command(&["--identity-password-file", "pw"]).env("APP_TOKEN", secret).spawn().unwrap();
    crate::run::process::done(run).expect(7);
    let text = scene.lines().concat();
    assert!(text.contains("[redacted]") && !text.contains(secret), "{text}");
    assert!(text.contains("--identity-password-file\",\"[redacted]\"") && !text.contains("\"pw\""), "{text}");
    let mode = |path: &camino::Utf8Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scene.journal()), 0o600);
    let folder = scene.path.join("fleet.journal.jsonl.d");
    assert_eq!(mode(&folder), 0o700);
    for entry in folder.read_dir_utf8().unwrap().flatten() {
        let wanted = if entry.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(entry.path()), wanted, "{}", entry.path());
    }
}

#[test]
fn what_an_application_prints_is_no_command_to_the_ci() {
    let evil = "x\u{202e}\n::error file=a::owned\n  ::set-env name=A::b\n##[command]rm\n##vso[task.setvariable]";
    let scene = Scene::with(
        &["root"],
        &format!("{CAREFUL}[[check]]\nmember = \"root\"\ncall = \"evil\"\nattempts = 1\nexpect = \"(true)\"\n"),
        |_, spec| {
            spec.methods.insert("evil".to_owned(), Method::Reply(format!("(\"{evil}\")")));
        },
    );
    let run = scene.run(&[]).expect(7);
    let status = scene.verb(&["status", "fleet.journal.jsonl"]);
    for line in run.stderr.lines().chain(status.stdout.lines()) {
        assert!(!line.contains('\u{202e}'), "{line}");
        assert!(!line.trim_start().starts_with("::") && !line.contains("##[") && !line.contains("##vso["), "{line}");
    }
    assert!(run.stderr.contains("owned"), "{}", run.stderr);
}

#[test]
fn an_artifact_that_was_changed_since_it_was_read_is_not_sent() {
    let scene = Scene::careful();
    scene.fault("upload-snapshot root: barrier first before");
    let run = scene.command(&[]).spawn().unwrap();
    scene.wait_for("first");
    // The artifacts were read; now another one becomes a link out of the backup.
    let memory = scene.path.join("backup/app/wasm_memory.bin");
    std::fs::rename(&memory, scene.path.join("outside")).unwrap();
    std::os::unix::fs::symlink(scene.path.join("outside"), &memory).unwrap();
    scene.release("first");
    let run = crate::run::process::done(run).expect(4);
    assert!(run.stderr.contains("wasm_memory.bin"), "{}", run.stderr);
    assert_eq!(scene.count(1, "upload_canister_snapshot_metadata"), 0);
}
