//! Thousands of small changes, each put to the ancestor's crate and to ours.

use std::{collections::BTreeMap, fs, time::Instant};

use canic_backup::{
    manifest::FleetBackupManifest,
    restore::{RestoreApplyCommandConfig, RestoreMapping, RestorePlanner, RestoreRunnerConfig, restore_run_dry_run},
};
use fastrand::Rng;
use icp_restore::{
    canic::{journal, manifest, mapping, plan},
    diagnostic::{Diagnostic, Severity, Source},
};
use serde_json::{Value, json};

use super::{
    generate::{self, Progress},
    mutate::{Kind, Mutant, mutants},
    refused,
};

/// How changes of one kind fared.
#[derive(Default)]
struct Row {
    all: usize,
    refused: usize,
    first: usize,
    any: usize,
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<Kind, Row>,
    differ: Vec<String>,
    missed: Vec<String>,
}

impl Table {
    fn put(&mut self, mutant: &Mutant, theirs: Result<(), String>, ours: &[Diagnostic]) {
        let row = self.rows.entry(mutant.kind).or_default();
        row.all += 1;
        let place = &mutant.places[0];
        let near = mutant.text.floor_char_boundary(place.start.saturating_sub(60))
            ..mutant.text.ceil_char_boundary((place.start + 60).min(mutant.text.len()));
        let near = mutant.text[near].to_owned();
        if theirs.is_err() != refused(ours) {
            let said: Vec<_> = ours.iter().map(|d| &d.message).collect();
            self.differ.push(format!("{:?} {near}: {theirs:?} and {said:?}", mutant.kind));
        }
        let Err(theirs) = theirs else { return };
        row.refused += 1;
        let hit = |diagnostic: &&Diagnostic| {
            let label = &diagnostic.labels[0].span;
            mutant.places.iter().any(|place| match mutant.whole {
                true => label.start <= place.start && place.end <= label.end,
                false => label.start < place.end && place.start < label.end,
            })
        };
        let mut errors = ours.iter().filter(|d| d.severity() == Severity::Error);
        row.first += usize::from(errors.clone().next().iter().any(hit));
        let any = errors.any(|d| hit(&d));
        row.any += usize::from(any);
        if !any {
            let said: Vec<_> = ours.iter().map(|d| &d.message).collect();
            self.missed.push(format!("{:?} {near}: {theirs} and {said:?}", mutant.kind));
        }
    }

    fn verdict(self, what: &str) -> String {
        let mut text = format!("{what}\n  change     all  refused  label on it  first label on it\n");
        let mut sum = Row::default();
        for (kind, row) in &self.rows {
            let Row { all, refused, first, any } = row;
            let kind = format!("{kind:?}");
            text.push_str(&format!("  {kind:<9}{all:>5}{refused:>9}{any:>13}{first:>19}\n"));
            sum.all += all;
            sum.refused += refused;
            sum.first += first;
            sum.any += any;
        }
        let Row { all, refused, first, any } = sum;
        text.push_str(&format!("  in all   {all:>5}{refused:>9}{any:>13}{first:>19}\n"));
        for line in self.missed.iter().take(40) {
            text.push_str(&format!("  missed: {line}\n"));
        }
        assert!(
            self.differ.is_empty(),
            "{} differ:\n{}",
            self.differ.len(),
            self.differ[..self.differ.len().min(20)].join("\n")
        );
        assert!(any * 100 >= refused * 99, "{text}");
        text
    }
}

/// Shown with `--nocapture`.
#[expect(clippy::print_stderr, reason = "the table is what the test is for")]
fn show(table: &str) {
    eprintln!("{table}");
}

fn their_manifest(text: &str) -> Result<(), String> {
    let manifest: FleetBackupManifest = serde_json::from_str(text).map_err(|error| error.to_string())?;
    manifest.validate().map_err(|error| error.to_string())
}

fn their_journal(file: &std::path::Path, text: &str) -> Result<(), String> {
    fs::write(file, text).unwrap();
    let theirs = restore_run_dry_run(&RestoreRunnerConfig {
        journal: file.to_owned(),
        command: RestoreApplyCommandConfig::default(),
        max_steps: None,
        updated_at: None,
    });
    theirs.map(|_| ()).map_err(|error| error.to_string())
}

fn text(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[test]
fn manifests_are_accepted_and_refused_as_by_the_ancestor() {
    let mut rng = Rng::with_seed(8);
    let mut table = Table::default();
    for size in [1, 2, 4, 6] {
        let manifest = text(&generate::manifest(&mut rng, size));
        for mutant in mutants(&manifest, &mut rng) {
            let theirs = their_manifest(&mutant.text);
            let source = Source::new("manifest", mutant.text.clone());
            let ours = match manifest::read(&source) {
                Ok((_, notes)) | Err(notes) => notes,
            };
            table.put(&mutant, theirs, &ours);
        }
    }
    show(&table.verdict("manifests"));
}

#[test]
fn mappings_are_accepted_and_refused_as_by_the_ancestor() {
    let mut rng = Rng::with_seed(9);
    let mut table = Table::default();
    for size in [1, 2, 5, 8] {
        let manifest = generate::manifest(&mut rng, size);
        let source = Source::new("manifest", text(&manifest));
        let (ours, _) = manifest::read(&source).unwrap();
        let theirs: FleetBackupManifest = serde_json::from_str(source.text()).unwrap();
        for mutant in mutants(&text(&generate::mapping(&manifest)), &mut rng) {
            let theirs = serde_json::from_str::<RestoreMapping>(&mutant.text)
                .map_err(|error| error.to_string())
                .and_then(|mapping| {
                    let plan = RestorePlanner::plan(&theirs, Some(&mapping));
                    plan.map(|_| ()).map_err(|error| error.to_string())
                });
            let source = Source::new("mapping", mutant.text.clone());
            let ours = match mapping::read(&source, &ours) {
                Ok((_, notes)) | Err(notes) => notes,
            };
            table.put(&mutant, theirs, &ours);
        }
    }
    show(&table.verdict("mappings"));
}

#[test]
fn plans_of_manifests_are_made_and_ordered_as_by_the_ancestor() {
    let mut rng = Rng::with_seed(10);
    let (mut made, mut circles) = (0, 0);
    for round in 0..1000 {
        let size = rng.u64(1..12);
        let mut manifest = generate::manifest(&mut rng, size);
        manifest["consistency"]["backup_units"][0]["kind"] = "single".into();
        if round % 2 == 0 {
            for member in manifest["fleet"]["members"].as_array_mut().unwrap() {
                let parent = generate::canister(rng.u64(0..4 * size));
                member["parent_canister_id"] = parent.into();
            }
        }
        let source = Source::new("manifest", text(&manifest));
        let theirs: FleetBackupManifest = serde_json::from_str(source.text()).unwrap();
        let (ours, _) = manifest::read(&source).unwrap();
        match (RestorePlanner::plan(&theirs, None), plan::order(&ours)) {
            (Ok(plan), Ok(order)) => {
                made += 1;
                let theirs = plan.members.iter().map(|m| m.source_canister.as_str());
                let ours = order.iter().map(|&at| ours.members[at].canister.value.text());
                assert_eq!(theirs.collect::<Vec<_>>(), ours.collect::<Vec<_>>());
            }
            (Err(_), Err(_)) => circles += 1,
            (theirs, ours) => panic!("{}: {theirs:?} and {ours:?}", source.text()),
        }
    }
    assert!(made > 500 && circles > 50, "{made} plans, {circles} circles");
}

#[test]
fn journals_are_accepted_and_refused_as_by_the_ancestor() {
    let mut rng = Rng::with_seed(11);
    let mut table = Table::default();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.json");
    let journals = [
        (0, 0, "ready"),
        (1, 6, "ready"),
        (2, 0, "ready"),
        (2, 0, "blocked"),
        (2, 5, "failed"),
        (3, 7, "pending"),
        (3, 10, "ready"),
    ];
    for (members, completed, next) in journals {
        let progress = Progress { members, completed, next };
        let journal = text(&generate::journal(&mut rng, &progress));
        let mut mutants = mutants(&journal, &mut rng);
        rng.shuffle(&mut mutants);
        for mutant in mutants.into_iter().take(1500) {
            let theirs = their_journal(&file, &mutant.text);
            let source = Source::new("journal", mutant.text.clone());
            let ours = match journal::read(&source) {
                Ok((_, notes)) | Err(notes) => notes,
            };
            table.put(&mutant, theirs, &ours);
        }
    }
    show(&table.verdict("journals"));
}

/// Structs as arrays, escapes that are none, depth without end, letters lost at random.
#[test]
fn odd_forms_are_accepted_and_refused_as_by_the_ancestor() {
    let mut rng = Rng::with_seed(12);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.json");
    let manifest = generate::manifest(&mut rng, 1);
    let journal = generate::journal(&mut rng, &Progress { members: 1, completed: 2, next: "ready" });
    let mut manifests = vec![manifest.clone()];
    let mut change = |pointer: &str, value: Value| {
        let mut changed = manifest.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        manifests.push(changed);
    };
    let check = || json!(["status", []]);
    change("/tool", json!(["canic", "0.36.14"]));
    change("/tool", json!(["canic", "0.36.14", null]));
    change("/source", json!(["staging", generate::canister(0)]));
    change("/consistency", json!([[["u", {"single": null}, ["root"]]]]));
    change("/consistency", json!([[["u", {"single": 1}, ["root"]]]]));
    change("/verification", json!([[check()], [["root", [check()]]]]));
    let snapshot = "/fleet/members/0/source_snapshot";
    change(snapshot, json!(["s", null, null, "a", "sha256", null]));
    change(snapshot, json!(["s", null, null, "a", "sha256"]));
    change(snapshot, json!(["s", null, null, "a"]));
    let member = |parent: Value| {
        let snapshot = ["s", "m", "v", "a", "sha256"];
        let id = generate::canister(0);
        json!(["root", id, parent, null, null, "fixed", [check()], snapshot])
    };
    change("/fleet/members/0", member(Value::Null));
    change("/fleet/members/0", member(1.into()));
    let mut journals = vec![journal.clone()];
    let mut change = |pointer: &str, value: Value| {
        let mut changed = journal.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        journals.push(changed);
    };
    change("/operation_counts", json!([1, 1, 1, 1, 1, 1, 2]));
    change("/operation_counts", json!([1, 1, 1, 1, 1, 1]));
    let output = || json!(["", false, 0]);
    change("/operation_receipts/0/stdout", output());
    let command = || json!(["icp", ["x"], true, false, "note"]);
    change("/operation_receipts/0/command", command());
    let start = |kind: &str| {
        let source = journal["operations"][3]["source_canister"].clone();
        let target = journal["operations"][3]["target_canister"].clone();
        vec![3.into(), kind.into(), "ready".into(), Value::Null, json!([]), 0.into(), source, target, "root".into()]
    };
    change("/operations/3", start("start-canister").into());
    let nulls = [Value::Null, Value::Null, Value::Null];
    change("/operations/3", [&start("start-canister")[..], &nulls].concat().into());
    change("/operations/3", [&start("start-canister")[..], &nulls, &nulls].concat().into());

    let manifests = manifests.iter().map(text).collect::<Vec<_>>();
    let journals = journals.iter().map(text).collect::<Vec<_>>();
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let inserts = [
        r#""\ud800": 1,"#.to_owned(),
        r#""x": "\ud800","#.to_owned(),
        r#""x": 1e999,"#.to_owned(),
        format!("\"x\": {deep},"),
        "\"x\": \"\t\",".to_owned(),
        "\"x\": 01,".to_owned(),
        "\u{feff}".to_owned(),
    ];
    let broken = |rng: &mut Rng, texts: &[String]| {
        let mut all = texts.to_vec();
        all.extend(inserts.iter().map(|insert| format!("{{{insert}{}", &texts[0][1..])));
        all.extend(["", " ", "null", "[]", "{}", "1"].map(str::to_owned));
        all.extend([texts[0].clone() + "x", texts[0].clone() + " \n", "\u{feff}".to_owned() + &texts[0]]);
        for _ in 0..600 {
            let mut text = texts[0].clone();
            text.remove(rng.usize(..text.len()));
            all.push(text);
        }
        all
    };
    let (mut accepted, mut refusals) = (0, 0);
    let mut compare = |text: &str, theirs: Result<(), String>, ours: Vec<Diagnostic>| {
        assert_eq!(theirs.is_err(), refused(&ours), "{text:.3000} {theirs:?} {ours:?}");
        match theirs {
            Ok(()) => accepted += 1,
            Err(_) => refusals += 1,
        }
    };
    for text in broken(&mut rng, &manifests) {
        let source = Source::new("manifest", text.clone());
        let ours = match manifest::read(&source) {
            Ok((_, notes)) | Err(notes) => notes,
        };
        compare(&text, their_manifest(&text), ours);
    }
    for text in broken(&mut rng, &journals) {
        let source = Source::new("journal", text.clone());
        let ours = match journal::read(&source) {
            Ok((_, notes)) | Err(notes) => notes,
        };
        compare(&text, their_journal(&file, &text), ours);
    }
    assert!(accepted > 100 && refusals > 300, "{accepted} {refusals}");
}

/// Time grows with the size, whether or not something is wrong everywhere.
#[test]
fn a_large_journal_is_read_in_time_that_grows_with_its_size() {
    let mut rng = Rng::with_seed(13);
    let mut journal = |members: u64| {
        let progress = Progress { members, completed: members as usize * 3, next: "ready" };
        let mut journal = generate::journal(&mut rng, &progress);
        for operation in journal["operations"].as_array_mut().unwrap() {
            operation["state_updated_at"] = "unix:1".into();
            operation["target_canister"] = generate::canister(3).into();
        }
        Source::new("journal", text(&journal))
    };
    // The best of several runs: the machine has other things to do.
    let time = |source| {
        let run = || {
            let start = Instant::now();
            let errors = journal::read(source).unwrap_err();
            (start.elapsed(), errors.len())
        };
        let best = (0..4).map(|_| run()).min();
        best.unwrap()
    };
    let (small, large) = (journal(100), journal(800));
    let ((short, few), (long, many)) = (time(&small), time(&large));
    assert!(many > 7 * few);
    // Eight times as much; were it quadratic, it would be 64 times as long.
    assert!(long < short * 32, "{short:?} and {long:?}");
}
