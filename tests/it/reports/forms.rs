//! Reports as text, JSON, JUnit and markdown.

use serde_json::Value;

use super::{HARM, code, eventful, folder, journal, ran, rehearsed, report, stdout};

#[test]
fn json_tells_attempts_downtime_and_what_is_left() {
    let (_keep, folder) = folder();
    eventful(&folder);
    let report: Value = serde_json::from_str(&report(&folder, "json")).unwrap();
    assert_eq!(report["version"], 1);
    assert_eq!(report["verdict"], "done");
    assert_eq!(report["counts"]["completed"], report["counts"]["total"]);
    assert_eq!(report["runs"].as_array().unwrap().len(), 3);
    // Lost, asked about, refused, done.
    let load = &report["operations"][15];
    let ends: Vec<String> = load["attempts"].as_array().unwrap().iter().map(|a| a["end"].to_string()).collect();
    assert_eq!(ends, [r#"{"released":"resolved"}"#, r#"{"outcome":"rejected"}"#, r#"{"outcome":"completed"}"#]);
    assert!(load["attempts"][0]["evidence"].to_string().contains("a person says so"), "{load}");
    // From the claim of the stop to the proof of the start, through three runs.
    let member = |name: &str| report["members"].as_array().unwrap().iter().find(|m| m["name"] == name).unwrap();
    for name in ["root", "registry", "app", "ledger"] {
        assert!(member(name)["downtime"].as_f64().unwrap() > 0.0, "{name}");
        assert_eq!(member(name)["closed"].as_array().unwrap().len(), 1, "{name}");
        assert_eq!(member(name)["closed"][0]["open"], false, "{name}");
    }
    assert_eq!(member("app-copy")["stays-stopped"], true);
    assert_eq!(member("app-copy")["relocated"], true);
    assert_eq!(report["downtime"]["goes-on"], false);
    // The root is stopped first and opened last.
    assert_eq!(report["downtime"]["longest"]["member"], "root");
    assert_eq!(report["downtime"]["fleet"], member("root")["downtime"]);
    let left = report["left"].as_array().unwrap();
    assert_eq!(left.iter().filter(|left| left["what"] == "safety").count(), 5);
    assert_eq!(left.iter().filter(|left| left["what"] == "uploaded").count(), 4);
    let not_proved = report["proofs"]["not-proved"].to_string();
    assert!(not_proved.contains("a module hash proves code, not heap"), "{not_proved}");
    assert!(report["proofs"]["proved"].to_string().contains("5 of 5 canisters"));
    assert!(report["proofs"]["does-not-travel"].to_string().contains("app-copy"));
}

#[test]
fn a_canister_that_is_still_closed_is_told() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &["start-canister root: reject IC0504"], &[]), 5);
    let report: Value = serde_json::from_str(&report(&folder, "json")).unwrap();
    assert_eq!(report["downtime"]["goes-on"], true);
    assert_eq!(report["members"][0]["closed"][0]["open"], true);
    assert_eq!(report["members"][1]["closed"][0]["open"], false);
    assert!(super::report(&folder, "text").contains("root      "), "a row of its own");
    assert!(super::report(&folder, "text").contains("still closed"));
}

#[test]
fn a_stop_that_was_taken_back_ends_the_downtime() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &["take-snapshot ledger: reject IC0504"], &[]), 5);
    let report: Value = serde_json::from_str(&report(&folder, "json")).unwrap();
    assert_eq!(report["downtime"]["goes-on"], false, "{}", report["members"]);
    assert!(report["members"][0]["downtime"].as_f64().unwrap() > 0.0);
}

#[test]
fn junit_has_a_suite_a_phase_and_a_case_an_operation() {
    let (_keep, folder) = folder();
    eventful(&folder);
    let text = report(&folder, "junit");
    let parsed = quick_junit::Report::deserialize_from_str(&text).unwrap();
    let names: Vec<&str> = parsed.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["upload", "stop", "load", "start"]);
    assert_eq!((parsed.tests, parsed.failures, parsed.errors), (29, 0, 0));
    assert!(text.contains("<flakyFailure"), "attempts before the last are flaky");
    assert!(!text.contains('\u{1b}') && !text.contains("<script>"), "{text}");
}

#[test]
fn junit_fails_what_failed_and_skips_what_was_not_begun() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &["load-snapshot registry: reject IC0504"], &[]), 5);
    let parsed = quick_junit::Report::deserialize_from_str(&report(&folder, "junit")).unwrap();
    let cases = parsed.test_suites.iter().flat_map(|suite| &suite.test_cases);
    let skipped = cases.filter(|case| matches!(case.status, quick_junit::TestCaseStatus::Skipped { .. })).count();
    assert_eq!((parsed.failures, parsed.errors), (1, 0));
    // The loads of app and of ledger, which does not wait for that of registry, may have been quicker.
    assert!(skipped >= 11, "{skipped}");
}

#[test]
fn markdown_is_counts_first_and_holds_harmful_words_in_code() {
    let (_keep, folder) = folder();
    eventful(&folder);
    let text = report(&folder, "markdown");
    assert!(text.starts_with("## ✅ Restore of `demo`: done\n\n| operations | completed |"), "{text}");
    let line = text.lines().find(|line| line.contains("document.title")).unwrap();
    // One code span, fenced by more backticks than the text has in a row, and no bar that would end the cell.
    let span = line.split("```").nth(1).unwrap();
    assert!(span.contains("<script>") && span.contains("@team") && !span.contains('|'), "{line}");
    assert_eq!(line.matches(" | ").count(), 6, "{line}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
}

#[test]
fn markdown_keeps_to_its_bound_and_says_so() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &[], &[]), 0);
    let output = ran(&["report", &journal(&folder), "--format", "markdown", "--max-bytes", "2500"]);
    let text = stdout(output);
    assert!(text.len() <= 2500 && text.contains("did not fit here"), "{} {text}", text.len());
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
}

#[test]
fn text_is_safe_for_a_terminal() {
    let (_keep, folder) = folder();
    eventful(&folder);
    let text = report(&folder, "text");
    assert!(text.contains("document.title") && text.contains("\\u{1b}[31m"), "{HARM}: {text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
}

#[test]
fn what_a_person_said_is_told_once() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &["load-snapshot app: lose-reply"], &[]), 6);
    let resolved = ran(&["resolve", &journal(&folder), "16", "--as", "completed", "--because", "seen by hand"]);
    assert_eq!(code(&resolved), 0);
    for format in ["text", "markdown", "junit"] {
        let text = report(&folder, format);
        assert_eq!(text.matches("seen by hand").count(), 1, "{format}: {text}");
    }
}

#[test]
fn what_is_no_journal_is_invalid() {
    assert_eq!(code(&ran(&["report", "plans/demo.toml"])), 3);
    assert_eq!(code(&ran(&["report", "plans/none.jsonl"])), 1);
}

#[test]
fn a_plan_for_a_journal_and_a_journal_for_a_plan_is_one_mistake() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &[], &["--max-steps", "1"]), 9);
    let said = |args: &[&str], expected: i32| {
        let output = ran(args);
        assert_eq!(code(&output), expected, "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let plan = folder.join("demo.toml").into_string();
    std::fs::copy("plans/demo.toml", &plan).unwrap();
    let journal = journal(&folder);
    for args in [&["status", &plan][..], &["report", &plan], &["rollback", &plan], &RESOLVE.map(|w| w.unwrap_or(&plan))]
    {
        let said = said(args, 3);
        assert!(said.contains("is a plan, and no journal"), "{said}");
        assert!(said.replace("\n  │ ", " ").contains("name its journal: "), "{said}");
        assert_eq!(said.matches("error[").count(), 1, "{said}");
    }
    for verb in ["run", "dry-run", "rehearse"] {
        let said = said(&[verb, &journal], 3);
        assert!(said.contains("is a journal, and no plan"), "{said}");
    }
    // One that is not there is told as that, and the nearest name beside it.
    let none = journal.replace("demo.j", "demo-j");
    for (args, expected) in
        [(&["status", &none][..], 1), (&["rollback", &none], 3), (&RESOLVE.map(|w| w.unwrap_or(&none)), 3)]
    {
        let said = said(args, expected);
        assert!(said.contains(" is not there\n help: name `demo.journal.jsonl`"), "{said}");
    }
}

/// `resolve`, with a place for its journal.
const RESOLVE: [Option<&str>; 7] =
    [Some("resolve"), None, Some("1"), Some("--as"), Some("ready"), Some("--because"), Some("x")];
