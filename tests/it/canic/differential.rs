//! Thousands of small changes, each put to the ancestor's crate and to ours.

use std::{collections::BTreeMap, fs};

use canic_backup::{
    manifest::FleetBackupManifest,
    restore::{
        RestoreApplyCommandConfig, RestoreMapping, RestorePlanner, RestoreRunnerConfig,
        restore_run_dry_run,
    },
};
use fastrand::Rng;
use icp_restore::{
    canic::{journal, manifest, mapping, plan},
    diagnostic::{Diagnostic, Severity, Source},
};

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
        let near = mutant
            .text
            .floor_char_boundary(place.start.saturating_sub(60))
            ..mutant
                .text
                .ceil_char_boundary((place.start + 60).min(mutant.text.len()));
        let near = mutant.text[near].to_owned();
        if theirs.is_err() != refused(ours) {
            let said: Vec<_> = ours.iter().map(|d| &d.message).collect();
            self.differ
                .push(format!("{:?} {near}: {theirs:?} and {said:?}", mutant.kind));
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
            self.missed
                .push(format!("{:?} {near}: {theirs} and {said:?}", mutant.kind));
        }
    }

    fn verdict(self, what: &str) -> String {
        let mut text =
            format!("{what}\n  change     all  refused  label on it  first label on it\n");
        let mut sum = Row::default();
        for (kind, row) in &self.rows {
            let Row {
                all,
                refused,
                first,
                any,
            } = row;
            let kind = format!("{kind:?}");
            text.push_str(&format!(
                "  {kind:<9}{all:>5}{refused:>9}{any:>13}{first:>19}\n"
            ));
            sum.all += all;
            sum.refused += refused;
            sum.first += first;
            sum.any += any;
        }
        let Row {
            all,
            refused,
            first,
            any,
        } = sum;
        text.push_str(&format!(
            "  in all   {all:>5}{refused:>9}{any:>13}{first:>19}\n"
        ));
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
            let theirs = serde_json::from_str::<FleetBackupManifest>(&mutant.text)
                .map_err(|error| error.to_string())
                .and_then(|manifest| manifest.validate().map_err(|error| error.to_string()));
            let source = Source::new("manifest", mutant.text.clone());
            let ours = match manifest::read(&source) {
                Ok((_, notes)) | Err(notes) => notes,
            };
            table.put(&mutant, theirs, &ours);
        }
    }
    eprintln!("{}", table.verdict("manifests"));
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
    eprintln!("{}", table.verdict("mappings"));
}

#[test]
fn plans_of_manifests_are_made_and_ordered_as_by_the_ancestor() {
    let mut rng = Rng::with_seed(10);
    let (mut made, mut circles) = (0, 0);
    for size in [2, 3, 5, 9, 14] {
        let text = text(&generate::manifest(&mut rng, size));
        for mutant in mutants(&text, &mut rng) {
            let Ok(theirs) = serde_json::from_str::<FleetBackupManifest>(&mutant.text) else {
                continue;
            };
            let source = Source::new("manifest", mutant.text.clone());
            let Ok((ours, _)) = manifest::read(&source) else {
                continue;
            };
            match (RestorePlanner::plan(&theirs, None), plan::order(&ours)) {
                (Ok(plan), Ok(order)) => {
                    made += 1;
                    let theirs = plan.members.iter().map(|m| m.source_canister.as_str());
                    let ours = order
                        .iter()
                        .map(|&at| ours.members[at].canister.value.text());
                    assert_eq!(theirs.collect::<Vec<_>>(), ours.collect::<Vec<_>>());
                }
                (Err(_), Err(_)) => circles += 1,
                (theirs, ours) => panic!("{}: {theirs:?} and {ours:?}", mutant.text),
            }
        }
    }
    assert!(made > 500 && circles > 3, "{made} plans, {circles} circles");
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
        let progress = Progress {
            members,
            completed,
            next,
        };
        let journal = text(&generate::journal(&mut rng, &progress));
        let mut mutants = mutants(&journal, &mut rng);
        rng.shuffle(&mut mutants);
        for mutant in mutants.into_iter().take(1500) {
            fs::write(&file, &mutant.text).unwrap();
            let theirs = restore_run_dry_run(&RestoreRunnerConfig {
                journal: file.clone(),
                command: RestoreApplyCommandConfig::default(),
                max_steps: None,
                updated_at: None,
            });
            let source = Source::new("journal", mutant.text.clone());
            let ours = match journal::read(&source) {
                Ok((_, notes)) | Err(notes) => notes,
            };
            let theirs = theirs.map(|_| ()).map_err(|error| error.to_string());
            table.put(&mutant, theirs, &ours);
        }
    }
    eprintln!("{}", table.verdict("journals"));
}
