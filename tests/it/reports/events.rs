//! `--events` and `--format json` of a run.

use serde_json::Value;

use super::{code, folder, journal, program, ran, rehearsed};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_first_line_names_the_version_and_the_last_the_end() {
    let (_keep, folder) = folder();
    let events = folder.join("events.jsonl");
    let faults = ["upload-snapshot app: lose-reply"];
    assert_eq!(rehearsed(&folder, &faults, &["--events", events.as_str()]), 0);
    let lines = lines(&std::fs::read_to_string(&events).unwrap());
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((&first["v"], &first["event"], &first["plan"]), (&1.into(), &"hello".into(), &"demo".into()));
    assert_eq!((&last["event"], &last["verdict"], &last["exit"]), (&"ended".into(), &"done".into(), &0.into()));
    // What the journal has, the stream has, in its order.
    let words = |lines: &[Value]| -> Vec<String> {
        let of = |line: &Value| format!("{} {}", line["event"].as_str().unwrap(), line["operation"]);
        lines.iter().filter(|line| line.get("operation").is_some()).map(of).collect()
    };
    let journal = std::fs::read_to_string(journal(&folder)).unwrap();
    assert_eq!(words(&lines), words(&super::events::lines(&journal)));
    assert!(lines.iter().any(|line| line["event"] == "released" && line["why"] == "not-applied"));
}

#[test]
fn every_line_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(&std::fs::read_to_string("schema/events.schema.json").unwrap()).unwrap();
    let output = ran(&["rehearse", "plans/demo.toml", "--events", "-", "--fault", "upload-snapshot app: lose-reply"]);
    let lines = lines(&String::from_utf8(output.stdout).unwrap());
    assert!(lines.len() > 50);
    for line in lines {
        let variants = schema["oneOf"].as_array().unwrap();
        let of = |variant: &&Value| variant["properties"]["event"]["const"] == line["event"];
        let variant = variants.iter().find(of).unwrap_or_else(|| panic!("no such event: {line}"));
        let known = |key: &str| !schema["properties"][key].is_null() || !variant["properties"][key].is_null();
        let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert!(keys.iter().all(|key| known(key)), "{line}");
        for wanted in variant["required"].as_array().unwrap().iter().chain(schema["required"].as_array().unwrap()) {
            assert!(!line[wanted.as_str().unwrap()].is_null(), "{wanted} of {line}");
        }
    }
}

#[test]
fn the_schemas_in_the_repository_are_those_of_the_program() {
    for (of, file) in [("plan", "schema/restore-plan.schema.json"), ("events", "schema/events.schema.json")] {
        let printed: Value = serde_json::from_slice(&ran(&["schema", of]).stdout).unwrap();
        let written: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(printed, written, "write it anew: icp-restore schema {of} > {file}");
    }
}

#[test]
fn the_docs_name_every_event() {
    let docs = std::fs::read_to_string("docs/events.md").unwrap();
    let schema: Value = serde_json::from_str(&std::fs::read_to_string("schema/events.schema.json").unwrap()).unwrap();
    for variant in schema["oneOf"].as_array().unwrap() {
        let word = variant["properties"]["event"]["const"].as_str().unwrap();
        assert!(docs.contains(&format!("| `{word}` |")), "{word}");
    }
}

#[test]
fn a_run_ends_as_one_object() {
    let (_keep, folder) = folder();
    let args = ["rehearse", "plans/demo.toml", "--format", "json", "--keep", folder.as_str()];
    let output = program().args(args).args(["--fault", "load-snapshot app: lose-reply"]).output().unwrap();
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["version"], 1);
    assert_eq!(outcome["exit"], serde_json::json!({"code": 6, "reason": "unknown"}));
    assert_eq!(outcome["verdict"], "unknown");
    assert_eq!(outcome["counts"]["unknown"], 1);
    assert_eq!(outcome["troubles"][0]["operation"], 16);
    assert!(outcome["next"][1].as_str().unwrap().starts_with("icp-restore resolve "), "{outcome}");
}

#[test]
fn a_run_that_cannot_begin_is_one_object_too() {
    let output = ran(&["run", "tests/plans/none.toml", "--format", "json"]);
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["exit"], serde_json::json!({"code": 3, "reason": "invalid"}));
    assert_eq!(outcome["diagnostics"][0]["code"], "E0001");
}

#[test]
fn two_things_do_not_share_stdout_and_a_stream_that_cannot_be_opened_stops_the_run() {
    assert_eq!(code(&ran(&["rehearse", "plans/demo.toml", "--format", "json", "--events", "-"])), 2);
    assert_eq!(code(&ran(&["rehearse", "plans/demo.toml", "--events", "/nowhere/events"])), 1);
}
