//! Plans of the ancestor's manifests: its operations in its order, its breaches as diagnostics.

use std::{collections::BTreeMap, fs};

use camino::Utf8Path;
use canic_backup::{
    manifest::FleetBackupManifest,
    restore::{RestoreApplyDryRun, RestoreApplyOperationKind, RestoreMapping, RestorePlanner},
};
use fastrand::Rng;
use icp_restore::{
    canic::{manifest, mapping, plan},
    diagnostic::Source,
    operation::{self, Kind},
};
use serde_json::Value;

use crate::{
    adopt::World,
    canic::generate::{self, canister},
};

type Step = (Kind, String, String);

fn theirs(manifest: &Value, mapping: Option<&Value>) -> Vec<Step> {
    let manifest: FleetBackupManifest = serde_json::from_value(manifest.clone()).unwrap();
    let mapping: Option<RestoreMapping> = mapping.map(|mapping| serde_json::from_value(mapping.clone()).unwrap());
    let plan = RestorePlanner::plan(&manifest, mapping.as_ref()).unwrap();
    let operations = RestoreApplyDryRun::from_plan(&plan).operations.into_iter();
    let steps = operations.map(|operation| {
        let kind = match operation.operation {
            RestoreApplyOperationKind::UploadSnapshot => Kind::UploadSnapshot,
            RestoreApplyOperationKind::StopCanister => Kind::StopCanister,
            RestoreApplyOperationKind::LoadSnapshot => Kind::LoadSnapshot,
            RestoreApplyOperationKind::StartCanister => Kind::StartCanister,
            RestoreApplyOperationKind::VerifyMember => Kind::VerifyMember,
            RestoreApplyOperationKind::VerifyFleet => Kind::VerifyFleet,
        };
        (kind, operation.source_canister, operation.target_canister)
    });
    steps.collect()
}

fn ours(manifest: &Value, mapping: Option<&Value>) -> Vec<Step> {
    let source = Source::new("manifest", manifest.to_string());
    let (manifest, _) = manifest::read(&source).unwrap();
    let mapping =
        mapping.map(|mapping| mapping::read(&Source::new("mapping", mapping.to_string()), &manifest).unwrap().0);
    let name = "fleet".parse().unwrap();
    let (root, file) = (Utf8Path::new("backup"), Utf8Path::new("backup/fleet-backup-manifest.json"));
    let setting = plan::Setting { name: &name, root, manifest: file, seals: &BTreeMap::new() };
    let text = plan::to_toml(&manifest, mapping.as_ref(), setting).unwrap();
    let reading = icp_restore::plan::read(&Source::new("plan", text.as_str()));
    let plan = reading.unwrap_or_else(|problems| panic!("{text}{problems:?}")).plan;
    let operations = operation::compile(&plan);
    operations.iter().map(|o| (o.kind, o.source.to_text(), o.target.to_string())).collect()
}

#[test]
fn the_operations_are_those_of_the_ancestor_in_its_order_plus_ours() {
    let mut rng = Rng::with_seed(20);
    for round in 0..300 {
        let manifest = generate::manifest(&mut rng, 1 + round % 12);
        let mapping = (round % 2 == 0).then(|| generate::mapping(&manifest));
        let (theirs, ours) = (theirs(&manifest, mapping.as_ref()), ours(&manifest, mapping.as_ref()));
        let effects = |steps: &[Step]| {
            let ours = [Kind::UploadSnapshot, Kind::StopCanister, Kind::LoadSnapshot, Kind::StartCanister];
            steps.iter().filter(|(kind, ..)| ours.contains(kind)).cloned().collect::<Vec<_>>()
        };
        assert_eq!(effects(&theirs), effects(&ours));
        let of = |steps: &[Step], kind: Kind| {
            let mut canisters: Vec<_> = steps.iter().filter(|step| step.0 == kind).map(|step| step.2.clone()).collect();
            canisters.sort();
            canisters.dedup();
            canisters
        };
        assert_eq!(of(&theirs, Kind::VerifyMember), of(&ours, Kind::VerifyMember));
        // Ours looks at all members at once, theirs at the root.
        assert_eq!((ours.last().unwrap().0, theirs.last().unwrap().0), (Kind::VerifyFleet, Kind::VerifyFleet));
        let added = ours.iter().filter(|step| step.0 == Kind::TakeSnapshot).count();
        assert_eq!(added, effects(&ours).len() / 4);
        assert_eq!(
            effects(&ours).len() + added + ours.iter().filter(|s| s.0 == Kind::VerifyMember).count() + 1,
            ours.len()
        );
    }
}

#[test]
fn a_plan_of_a_sealed_backup_passes_its_check_when_the_network_is_known() {
    let world = World::new(3);
    world.init("");
    let check = world.run(&["check", world.plan().as_str(), "--artifacts"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let text = fs::read_to_string(world.plan()).unwrap();
    assert!(text.contains("FILL IN where to restore to") && text.contains("depends-on = [\"root\"]"), "{text}");
    let again = world.run(&["init", "--from", "backup/fleet-backup-manifest.json", "--output", "-"]);
    let from_folder = world.run(&["init", "backup", "--output", "-"]);
    let plain = |output: &std::process::Output| {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        text.lines().filter(|line| !line.starts_with("# by canic")).map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(plain(&again), plain(&from_folder));
}

#[test]
fn members_without_a_checksum_are_sealed_as_they_are() {
    let world = World::new(2);
    let mut manifest = world.manifest();
    let seal = manifest["fleet"]["members"][1]["source_snapshot"]["checksum"].take();
    world.write_manifest(&manifest);
    world.init("");
    let check = world.run(&["check", world.plan().as_str(), "--artifacts"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    // The ancestor counted the lock that icp left there, and ours does not.
    let text = fs::read_to_string(world.plan()).unwrap();
    assert!(text.contains("sealed as it is now") && !text.contains(seal.as_str().unwrap()), "{text}");
}

#[test]
fn breaches_of_manifest_and_mapping_are_all_told() {
    let world = World::new(3);
    let mut manifest = world.manifest();
    manifest["fleet"]["members"][1]["canister_id"] = "nonsense".into();
    manifest["fleet"]["pre_snapshot_topology_hash"] = "00".repeat(32).into();
    manifest["manifest_version"] = 2.into();
    world.write_manifest(&manifest);
    let output = world.run(&["init", "--from", "backup"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    for code in ["E0505", "E0507", "E0510"] {
        assert!(said.contains(code), "{code}: {said}");
    }
    world.write_manifest(&world.manifest());
    let mapping = world.path.join("mapping.json");
    let source = world.manifest()["fleet"]["members"][0]["canister_id"].clone();
    let entries = serde_json::json!({"members": [{"source_canister": source, "target_canister": canister(77)}]});
    fs::write(&mapping, entries.to_string()).unwrap();
    let output = world.run(&["init", "--from", "backup", "--mapping", "mapping.json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("E0522") && said.contains("E0523"), "{said}");
    assert!(!world.plan().exists());
}
