//! Journals, their status and their locks.

use std::{fs, process};

use camino::Utf8PathBuf;
use canic_backup::restore::{RestoreApplyCommandConfig, RestoreRunnerConfig, restore_run_dry_run};
use fastrand::Rng;
use icp_restore::{
    canic::{
        journal::{self, Kind},
        lock::{self, Holder},
        status::Status,
    },
    diagnostic::{Code, Source},
};
use serde_json::Value;

use super::{
    found,
    generate::{self, Progress},
};

fn generate(members: u64, completed: usize, next: &'static str) -> Value {
    let progress = Progress { members, completed, next };
    generate::journal(&mut Rng::with_seed(3), &progress)
}

#[test]
fn the_status_is_the_ancestors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.json");
    let mut outcomes = Vec::new();
    for members in 0..4 {
        for completed in 0..=members as usize * 5 + 1 {
            for next in ["ready", "pending", "failed", "blocked"] {
                let text = generate(members, completed, next).to_string();
                let source = Source::new("journal.json", text.clone());
                let (journal, warnings) = journal::read(&source).unwrap();
                assert!(warnings.is_empty(), "{warnings:?}");
                let ours = serde_json::to_value(Status::of(&journal)).unwrap();
                fs::write(&file, text).unwrap();
                let theirs = restore_run_dry_run(&RestoreRunnerConfig {
                    journal: file.clone(),
                    command: RestoreApplyCommandConfig::default(),
                    max_steps: None,
                    updated_at: None,
                });
                let theirs = serde_json::to_value(theirs.unwrap()).unwrap();
                let theirs = theirs.as_object().unwrap();
                let mut shared = 0;
                for (key, ours) in ours.as_object().unwrap() {
                    let Some(theirs) = theirs.get(key) else {
                        continue;
                    };
                    shared += 1;
                    assert_eq!(ours, theirs, "{key}");
                }
                assert!(shared > 8, "{theirs:?}");
                outcomes.push(ours["outcome"].as_str().unwrap().to_owned());
            }
        }
    }
    outcomes.sort_unstable();
    outcomes.dedup();
    let all = ["blocked", "complete", "empty", "failed", "in-progress", "pending"];
    assert_eq!(outcomes, all);
}

#[test]
fn a_stale_receipt_is_labelled_with_its_operation() {
    let mut journal = generate(2, 4, "ready");
    let receipts = journal["operation_receipts"].as_array_mut().unwrap();
    let last = receipts.last_mut().unwrap();
    last["updated_at"] = "unix:5".into();
    let source = Source::new("journal.json", journal.to_string());
    let errors = journal::read(&source).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].code, Code::CanicReceiptStale);
    let labels = errors[0].labels.iter();
    let under: Vec<_> = labels.map(|l| &source.text()[l.span.clone()]).collect();
    assert_eq!(under, ["\"unix:5\"", "\"unix:1775779240\""]);
}

#[test]
fn all_breaches_are_found_at_once() {
    let mut journal = generate(2, 4, "ready");
    journal["backup_id"] = " ".into();
    journal["operations"][0]["state"] = "failed".into();
    journal["operations"][5]["blocking_reasons"] = serde_json::json!(["why"]);
    journal["operations"][6]["sequence"] = 60.into();
    journal["operation_receipts"][1]["command"] = Value::Null;
    let source = Source::new("journal.json", journal.to_string());
    let found = found(&source, &journal::read(&source).unwrap_err());
    let expected = [
        (Code::CanicEmpty, "\" \""),
        (Code::CanicCount, "\"failed\""),
        (Code::CanicReasonStray, "[\"why\"]"),
        (Code::CanicSequence, "60"),
        (Code::CanicReceiptField, "null"),
    ];
    for (code, under) in expected {
        assert!(found.contains(&(code, under.to_owned())), "{code:?} {under} in {found:?}");
    }
}

#[test]
fn where_we_are_stricter_it_is_a_warning() {
    let mut journal = generate(2, 4, "ready");
    journal["operations"][8]["target_canister"] = generate::canister(4).into();
    journal["unknown"] = 1.into();
    for receipt in journal["operation_receipts"].as_array_mut().unwrap() {
        if receipt["uploaded_snapshot_id"].is_string() {
            receipt["uploaded_snapshot_id"] = "snap".into();
        }
    }
    let source = Source::new("journal.json", journal.to_string());
    let (_, warnings) = journal::read(&source).unwrap();
    let mut codes: Vec<_> = warnings.iter().map(|d| d.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, ["W0602", "W0603", "W0607"]);
}

#[test]
fn a_load_takes_the_id_of_the_latest_completed_upload() {
    let mut journal = generate(1, 2, "ready");
    let receipts = journal["operation_receipts"].as_array_mut().unwrap();
    let mut again = receipts.iter().rfind(|r| r["sequence"] == 0).unwrap().clone();
    let old = again["uploaded_snapshot_id"].as_str().unwrap().to_owned();
    let new = format!("ff{}", &old[2..]);
    again["attempt"] = 9.into();
    again["uploaded_snapshot_id"] = new.as_str().into();
    receipts.push(again);
    let source = Source::new("journal.json", journal.to_string());
    let (journal, _) = journal::read(&source).unwrap();
    let loads = journal.operations.value.iter();
    let load = loads.into_iter().find(|o| o.kind.value == Kind::LoadSnapshot);
    let upload = journal.upload_of(load.unwrap()).unwrap();
    assert_eq!(upload.uploaded_snapshot_id.value, Some(new));
}

#[test]
fn a_lock_tells_whether_its_holder_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = Utf8PathBuf::try_from(folder.path().to_owned()).unwrap();
    let journal = folder.join("journal.json");
    assert_eq!(lock::read(&journal).unwrap(), None);
    let mut child = process::Command::new("true").spawn().unwrap();
    let dead = child.id();
    child.wait().unwrap();
    let me = process::id();
    let cases = [
        (format!("pid={me}\n"), Holder::Alive(me as i32)),
        (format!("pid={dead}\n"), Holder::Gone(dead as i32)),
        ("pid=12".to_owned(), Holder::Unknown),
        (String::new(), Holder::Unknown),
        ("pid=-1\n".to_owned(), Holder::Unknown),
    ];
    for (text, holder) in cases {
        fs::write(folder.join("journal.json.lock"), text).unwrap();
        assert_eq!(lock::read(&journal).unwrap().unwrap().holder, holder);
    }
}
