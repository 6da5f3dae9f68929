//! What is said of each code of manifests, mappings and journals: each raised by one slip in a text as the ancestor
//! writes it.

#![cfg(test)]

use canic_backup::{
    manifest::FleetBackupManifest,
    restore::{RestoreApplyJournal, RestoreMapping},
};
use fastrand::Rng;
use icp_restore::{
    canic::{journal, manifest, mapping, plan},
    diagnostic::{Code, Diagnostic, Source},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::generate::{self, HASH, Progress, canister};
use crate::said;

/// A value as the ancestor writes it: in its order, a key a line.
fn written<T: DeserializeOwned + Serialize>(value: Value) -> String {
    serde_json::to_string_pretty(&serde_json::from_value::<T>(value).unwrap()).unwrap()
}

/// Puts something else in the place of a text: of the first that comes after another.
fn slip(text: &str, after: &str, from: &str, to: &str) -> String {
    let start = text.find(after).unwrap_or_else(|| panic!("no {after}"));
    let at = start + text[start..].find(from).unwrap_or_else(|| panic!("no {from} after {after}"));
    format!("{}{to}{}", &text[..at], &text[at + from.len()..])
}

/// One slip is one problem.
fn hold(code: Code, said: &[Diagnostic]) {
    let [problem] = said else { panic!("{code:?}: {}", said::drawn(said)) };
    assert_eq!(problem.code, code, "{}", problem.message);
    said::hold(problem);
}

#[test]
fn of_manifests() {
    let fleet = |seed| written::<FleetBackupManifest>(generate::manifest(&mut Rng::with_seed(seed), 3));
    let read = |text: String| {
        let source = Source::new("fleet-backup-manifest.json", text);
        match manifest::read(&source) {
            Ok((manifest, warnings)) => [warnings, plan::order(&manifest).err().unwrap_or_default()].concat(),
            Err(errors) => errors,
        }
    };
    // The root, the app below it and the hub below that, as one tree; and the other two below the root, in two units.
    let (tree, units) = (fleet(8), fleet(1));
    assert!(read(tree.clone()).is_empty() && read(units.clone()).is_empty());

    let held = |code, after: &str, from: &str, to: &str| hold(code, &read(slip(&tree, after, from, to)));
    let again = "\"backup_id\": \"fbk_20260411\",\n  \"created_at\"";
    let hub = ",\n          \"user_hub\"";
    held(Code::ManifestSyntax, "", "\"0.36.14\"", "\"0.36.14\",");
    held(Code::ManifestType, "", "\"relocatable\"", "\"movable\"");
    held(Code::ManifestMissingKey, "", "\"environment\"", "\"enviroment\"");
    held(Code::ManifestDuplicateKey, "", "\"created_at\"", again);
    held(Code::ManifestVersion, "", "1", "2");
    held(Code::ManifestEmpty, "", "fbk_20260410", " ");
    held(Code::ManifestPrincipal, "\"role\": \"app\"", "aaaaq-cai", "aaaaq-cbi");
    held(Code::ManifestHash, "\"topology_hash\"", HASH, &HASH[1..]);
    held(Code::ManifestAlgorithm, "\"snapshot-1\"", "sha256", "blake3");
    held(Code::ManifestTopology, "", HASH, &"e".repeat(64));
    held(Code::ManifestDuplicate, "", "\"app\"", "\"app\",\n          \"app\"");
    held(Code::ManifestUnknownRole, "", "\"app\"", "\"ap\"");
    held(Code::ManifestSubtree, "\"role\": \"user_hub\"", &canister(1), &canister(5));
    held(Code::ManifestDescendant, "", hub, "");
    held(Code::ManifestCheckKind, "\"role\": \"app\"", "status", "query");
    held(Code::CanicUnsealed, "\"checksum\"", &format!("\"{HASH}\""), "null");
    held(Code::CanicEscape, "", "artifacts/1", "../other/app");
    held(Code::CanicUnknownKey, "", "code_version", "codeversion");

    let held = |code, after: &str, from: &str, to: &str| hold(code, &read(slip(&units, after, from, to)));
    held(Code::ManifestCoverage, "\"rest\"", hub, "");
    held(Code::ManifestCycle, "", "null", &format!("\"{}\"", canister(2)));
}

#[test]
fn of_mappings() {
    let manifest = generate::manifest(&mut Rng::with_seed(8), 3);
    let text = written::<RestoreMapping>(generate::mapping(&manifest));
    let source = Source::new("fleet-backup-manifest.json", written::<FleetBackupManifest>(manifest));
    let (manifest, _) = manifest::read(&source).unwrap();
    let read = |text: String| match mapping::read(&Source::new("mapping.json", text), &manifest) {
        Ok((_, said)) | Err(said) => said,
    };
    assert!(read(text.clone()).is_empty());

    let held = |code, after: &str, from: &str, to: &str| hold(code, &read(slip(&text, after, from, to)));
    let last = text.rfind(",\n    {").unwrap()..text.rfind("\n  ]").unwrap();
    held(Code::MappingDuplicate, "", &canister(501), &canister(500));
    held(Code::MappingUnknownSource, "", &canister(0), &canister(5));
    held(Code::MappingMissingSource, "", &text[last.clone()], "");
    held(
        Code::MappingFixed,
        &text[last],
        &format!("\"target_canister\": \"{}", canister(2)),
        &format!("\"target_canister\": \"{}", canister(5)),
    );
}

#[test]
fn of_journals() {
    let progress = Progress { members: 2, completed: 5, next: "failed" };
    let text = written::<RestoreApplyJournal>(generate::journal(&mut Rng::with_seed(8), &progress));
    let read = |text: String| match journal::read(&Source::new("restore-apply-journal.json", text)) {
        Ok((_, said)) | Err(said) => said,
    };
    assert!(read(text.clone()).is_empty());

    let held = |code, after: &str, from: &str, to: &str| hold(code, &read(slip(&text, after, from, to)));
    let seventh = "\"sequence\": 7";
    let receipts = "\"operation_receipts\"";
    // The receipt of the first stop.
    let start = text.rfind("    {\n      \"sequence\": 2").unwrap();
    let stop = &text[start..start + text[start..].find("    {\n      \"sequence\": 3").unwrap()];
    let reason = "[\n        \"runner-command-exit-1\"\n      ]";
    held(Code::CanicSyntax, "", &text[text.len() / 2..], "");
    held(Code::CanicType, receipts, "\"attempt\": 1", "\"attempt\": \"1\"");
    held(Code::CanicMissingKey, "", "operation_count", "opration_count");
    held(Code::CanicDuplicateKey, "", "\"state\"", "\"state\": \"ready\",\n      \"state\"");
    held(Code::CanicVersion, "", "1", "2");
    held(Code::CanicEmpty, "", "\"root\"", "\" \"");
    held(Code::CanicCount, seventh, "\"ready\"", "\"pending\"");
    held(Code::CanicSequence, "", seventh, "\"sequence\": 8");
    held(Code::CanicReady, "", "[]", "[\n    \"missing-artifacts\"\n  ]");
    held(Code::CanicReasonMissing, "", reason, "[]");
    held(Code::CanicReasonStray, seventh, "[]", reason);
    held(Code::CanicKindField, "", "\"artifacts/1\"", "null");
    held(Code::CanicCheckKind, "", "\"status\"", "\"query\"");
    held(Code::CanicReceiptOrphan, stop, "2", "99");
    held(Code::CanicReceiptAttempt, receipts, "\"attempt\": 2", "\"attempt\": 1");
    held(Code::CanicReceiptMismatch, stop, "stop-canister", "start-canister");
    held(
        Code::CanicReceiptField,
        "",
        "\"uploaded_snapshot_id\": \"0000000069d83d8a00000000000002bc0101\"",
        "\"uploaded_snapshot_id\": null",
    );
    held(Code::CanicReceiptMissing, "", stop, "");
    held(Code::CanicReceiptStale, stop, "command-completed", "command-failed");
    held(Code::CanicSpelling, seventh, &canister(700), &canister(700).to_uppercase());
    held(Code::CanicForeignSnapshot, "uploaded_snapshot_id", "2bc0101", "2bd0101");
    held(Code::CanicTargets, seventh, &canister(700), &canister(5));

    // An operation that is not done before one that is takes more than one slip.
    let undone = slip(&text, "\"sequence\": 3", "\"completed\"", "\"ready\"");
    let undone = slip(&undone, "", "\"ready_operations\": 5", "\"ready_operations\": 6");
    let undone = slip(&undone, "", "\"completed_operations\": 5", "\"completed_operations\": 4");
    hold(Code::CanicOrder, &read(undone));
}
