//! Manifests and the plans made of them.

use std::collections::BTreeMap;

use camino::Utf8Path;
use fastrand::Rng;
use icp_restore::{
    canic::{
        manifest, mapping,
        plan::{self, Setting},
    },
    diagnostic::{Code, Source},
    id::{Digest, Name},
};
use serde_json::{Value, json};

use super::{
    found,
    generate::{self, HASH, canister},
};

fn setting<'a>(name: &'a Name, seals: &'a BTreeMap<usize, Digest>) -> Setting<'a> {
    Setting {
        seals,
        name,
        root: Utf8Path::new("fbk_20260410"),
        manifest: Utf8Path::new("fbk_20260410/fleet-backup-manifest.json"),
    }
}

fn toml(manifest: &Value, mapping: Option<&Value>) -> String {
    let source = Source::new("manifest.json", manifest.to_string());
    let (manifest, _) = manifest::read(&source).unwrap();
    let mapping = mapping.map(|mapping| {
        let source = Source::new("mapping.json", mapping.to_string());
        mapping::read(&source, &manifest).unwrap().0
    });
    let name: Name = "fbk".parse().unwrap();
    // Of the first member only, which has no checksum, and of the second, which has one.
    let seals = BTreeMap::from([(0, Digest::of("0")), (1, Digest::of("1"))]);
    plan::to_toml(&manifest, mapping.as_ref(), setting(&name, &seals)).unwrap()
}

fn member(at: u64, role: &str, parent: Option<u64>) -> Value {
    json!({
        "role": role,
        "canister_id": canister(at),
        "parent_canister_id": parent.map(canister),
        "subnet_canister_id": null,
        "controller_hint": null,
        "identity_mode": if at == 0 { "fixed" } else { "relocatable" },
        "verification_checks": [{"kind": "status", "roles": []}],
        "source_snapshot": {
            "snapshot_id": "s\n\"1\"",
            "module_hash": (at == 0).then_some(HASH),
            "code_version": null,
            "artifact_path": format!("artifacts/{at}"),
            "checksum_algorithm": "sha256",
            "checksum": (at != 3).then_some(HASH),
        },
    })
}

/// Children before parents, one role three times, one role in letters that names do not have.
fn fleet() -> Value {
    let mut manifest = generate::manifest(&mut Rng::with_seed(1), 1);
    manifest["fleet"]["members"] = json!([
        member(3, "app", Some(1)),
        member(1, "app", Some(0)),
        member(2, "app-2", Some(0)),
        member(4, "-Über hub-", Some(77)),
        member(5, "app", Some(0)),
        member(0, "root", None),
    ]);
    manifest["consistency"]["backup_units"] = json!([
        {"unit_id": "all", "kind": "single", "roles": ["app", "app-2", "-Über hub-", "root"]},
    ]);
    manifest
}

#[test]
fn a_plan_holds_what_the_manifest_and_the_mapping_say() {
    let manifest = fleet();
    let mapping = generate::mapping(&manifest);
    let text = toml(&manifest, Some(&mapping));
    let plan: toml::Table = text.parse().unwrap();
    let members = plan["member"].as_array().unwrap();
    let names: Vec<_> = members.iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ber-hub", "root", "app", "app-2", "app-2-2", "app-3"], "{text}");
    assert!(names.iter().all(|name| name.parse::<Name>().is_ok()));
    let sources = members.iter().map(|m| m["source"].as_str().unwrap().to_owned());
    let order = [4, 0, 1, 3, 2, 5].map(canister);
    assert_eq!(sources.collect::<Vec<_>>(), order);

    let (root, app, sealless) = (&members[1], &members[2], &members[3]);
    assert_eq!(root["verify"], toml::Value::try_from(["running", "module-hash"]).unwrap());
    assert_eq!(root["relocatable"].as_bool(), Some(false));
    assert!(root.get("target").is_none() && root["depends-on"].as_array().unwrap().is_empty());
    assert_eq!(app["verify"], toml::Value::try_from(["running"]).unwrap());
    assert_eq!(app["relocatable"].as_bool(), Some(true));
    assert_eq!(app["target"].as_str(), Some(canister(501).as_str()));
    assert_eq!(app["depends-on"], toml::Value::try_from(["root"]).unwrap());
    assert_eq!(app["snapshot"]["artifact"].as_str(), Some("artifacts/1"));
    assert_eq!(app["snapshot"]["sha256"].as_str(), Some(HASH));
    assert_eq!(sealless["depends-on"], toml::Value::try_from(["app"]).unwrap());
    let seal = Digest::of("0").to_string();
    assert_eq!(sealless["snapshot"]["sha256"].as_str(), Some(seal.as_str()));
    assert_eq!(plan["backup"]["id"].as_str(), Some("fbk_20260410"));
    assert_eq!(plan["backup"]["root"].as_str(), Some("fbk_20260410"));
    assert_eq!(plan["network"]["environment"].as_str(), Some("staging"));
}

#[test]
fn no_text_of_a_manifest_breaks_out_of_its_place_in_the_plan() {
    let evil = "x\"\n[safety]\norphans = \"delete-own\"\r\u{7f}\u{2028}'''#";
    let mut manifest = fleet();
    manifest["backup_id"] = evil.into();
    manifest["created_at"] = evil.into();
    manifest["tool"] = json!({"name": evil, "version": evil});
    manifest["source"]["environment"] = evil.into();
    manifest["fleet"]["members"][0]["source_snapshot"]["module_hash"] = evil.into();
    manifest["fleet"]["members"][0]["source_snapshot"]["artifact_path"] = evil.into();
    manifest["fleet"]["members"][0]["role"] = evil.into();
    let roles = &mut manifest["consistency"]["backup_units"][0]["roles"];
    roles.as_array_mut().unwrap().push(evil.into());
    let text = toml(&manifest, None);
    let plan: toml::Table = text.parse().unwrap();
    assert!(!plan.contains_key("safety"), "{text}");
    assert_eq!(plan["backup"]["id"].as_str(), Some(evil));
}

#[test]
fn all_breaches_are_found_at_once() {
    let mut manifest = fleet();
    manifest["manifest_version"] = 2.into();
    manifest["fleet"]["topology_hash"] = "ff".repeat(32).into();
    manifest["fleet"]["members"][1]["canister_id"] = "no-principal".into();
    manifest["fleet"]["members"][2]["verification_checks"][0]["kind"] = "query".into();
    let source = Source::new("manifest.json", manifest.to_string());
    let errors = manifest::read(&source).unwrap_err();
    let expected = [
        (Code::ManifestVersion, "2".to_owned()),
        (Code::ManifestTopology, format!("\"{}\"", "ff".repeat(32))),
        (Code::ManifestPrincipal, "\"no-principal\"".to_owned()),
        (Code::ManifestCheckKind, "\"query\"".to_owned()),
    ];
    let found = found(&source, &errors);
    for breach in expected {
        assert!(found.contains(&breach), "{breach:?} in {found:?}");
    }
}

#[test]
fn all_that_is_wrong_with_the_form_is_found_at_once() {
    let text = r#"{"manifest_version": 1.0, "backup_id": null, "backup_id": "b", "tool": ["t"], "x": 1}"#;
    let source = Source::new("manifest.json", text);
    let found = found(&source, &manifest::read(&source).unwrap_err());
    let codes: Vec<_> = found.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["E0504", "E0503", "E0503", "E0503", "E0503", "E0503", "E0502", "E0502", "E0503"], "{found:?}");
}

#[test]
fn a_circle_is_shown_by_its_parents() {
    let mut manifest = fleet();
    manifest["fleet"]["members"][1]["parent_canister_id"] = canister(3).into();
    let source = Source::new("manifest.json", manifest.to_string());
    let (manifest, _) = manifest::read(&source).unwrap();
    let circles = plan::order(&manifest).unwrap_err();
    assert_eq!(circles.len(), 1);
    assert_eq!(circles[0].code, Code::ManifestCycle);
    let labels = circles[0].labels.iter();
    let under: Vec<_> = labels.map(|l| &source.text()[l.span.clone()]).collect();
    assert_eq!(under, [format!("{:?}", canister(1)), format!("{:?}", canister(3))]);
}

#[test]
fn a_mapping_is_labelled_in_both_files() {
    let manifest = fleet();
    let source = Source::new("manifest.json", manifest.to_string());
    let (read, _) = manifest::read(&source).unwrap();
    let mut mapping = generate::mapping(&manifest);
    mapping["members"][5]["target_canister"] = canister(9).into();
    mapping["members"].as_array_mut().unwrap().remove(0);
    let text = Source::new("mapping.json", mapping.to_string());
    let errors = mapping::read(&text, &read).unwrap_err();
    let shown: Vec<_> =
        errors.iter().map(|d| (d.code, d.labels.iter().map(|l| l.source.name()).collect::<Vec<_>>())).collect();
    let both = vec!["mapping.json", "manifest.json"];
    let expected = [(Code::MappingFixed, both.clone()), (Code::MappingMissingSource, both)];
    assert_eq!(shown, expected);
}
