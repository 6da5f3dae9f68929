//! What programs read: JSON, SARIF, annotations of GitHub, code quality of GitLab.

use std::collections::BTreeSet;

use camino::Utf8Path;
use icp_restore::diagnostic::{Code, Diagnostic, Source, github, gitlab, json, sarif};
use serde_json::Value;
use snapbox::{IntoData, assert_data_eq, str};

use super::find;

/// Two mistakes alike, one over lines and files, a warning, one without a place.
fn problems(above: &str) -> Vec<Diagnostic> {
    let plan = Source::new(
        "/repo/plans/my plan:é.toml",
        format!("{above}[limits]\nuplaod = 1\n[[member]]\nname = \"文\" # x\n[safety]\nsnapshot = false\n"),
    );
    let journal = Source::new("./run,1.jsonl", "{\"event\":\"opened\"}\n");
    let key = |message: &str| {
        Diagnostic::new(Code::UnknownKey, message, plan.label(find(&plan, "uplaod"), "50% sure, or: not"))
            .with_help("write `upload`")
    };
    let member = find(&plan, "[[member]]").start..find(&plan, "# x").end;
    vec![
        key("no such key `uplaod`"),
        key("no such key `uplaod`, again\r\nsecond line"),
        Diagnostic::new(Code::MissingKey, "no `source`", plan.label(member, "in this member"))
            .with_label(journal.label(find(&journal, "\"opened\""), "opened here")),
        Diagnostic::new(Code::SafetyOff, "no safety snapshot", plan.label(find(&plan, "false"), "")),
        Diagnostic { code: Code::Unreadable, message: "nowhere".into(), labels: Vec::new(), help: None },
    ]
}

const ROOT: &str = "/repo";

fn root() -> &'static Utf8Path {
    Utf8Path::new(ROOT)
}

#[test]
fn json_is_of_the_agreed_form() {
    let problems = &problems("")[2..];
    assert_data_eq!(
        serde_json::to_string_pretty(&json::Report::new(problems)).unwrap(),
        str![[r#"
{
  "version": 1,
  "diagnostics": [
    {
      "code": "E0103",
      "severity": "error",
      "message": "no `source`",
      "help": null,
      "labels": [
        {
          "file": "/repo/plans/my plan:é.toml",
          "primary": true,
          "message": "in this member",
          "start": {
            "offset": 20,
            "line": 3,
            "column": 1
          },
          "end": {
            "offset": 47,
            "line": 4,
            "column": 15
          }
        },
        {
          "file": "./run,1.jsonl",
          "primary": false,
          "message": "opened here",
          "start": {
            "offset": 9,
            "line": 1,
            "column": 10
          },
          "end": {
            "offset": 17,
            "line": 1,
            "column": 18
          }
        }
      ]
    },
    {
      "code": "W0101",
      "severity": "warning",
      "message": "no safety snapshot",
      "help": null,
      "labels": [
        {
          "file": "/repo/plans/my plan:é.toml",
          "primary": true,
          "message": "",
          "start": {
            "offset": 68,
            "line": 6,
            "column": 12
          },
          "end": {
            "offset": 73,
            "line": 6,
            "column": 17
          }
        }
      ]
    },
    {
      "code": "E0001",
      "severity": "error",
      "message": "nowhere",
      "help": null,
      "labels": []
    }
  ]
}
"#]]
        .raw()
    );
}

#[test]
fn github_gets_commands_that_it_can_read() {
    assert_data_eq!(github::render(&problems(""), root()), str![[r#"
::error file=plans/my plan%3Aé.toml,line=2,endLine=2,col=1,endColumn=7,title=E0102 no such key::no such key `uplaod`: 50%25 sure, or: not%0Ahelp: write `upload`
::error file=plans/my plan%3Aé.toml,line=2,endLine=2,col=1,endColumn=7,title=E0102 no such key::no such key `uplaod`, again%0Asecond line: 50%25 sure, or: not%0Ahelp: write `upload`
::error file=plans/my plan%3Aé.toml,line=3,endLine=4,title=E0103 a key is missing::no `source`: in this member%0Arun,1.jsonl:1:10: opened here
::error title=E0001 a file cannot be read::nowhere
::warning file=plans/my plan%3Aé.toml,line=6,endLine=6,col=12,endColumn=17,title=W0101 no safety snapshots::no safety snapshot

"#]].raw());
}

#[test]
fn github_gets_nine_of_each_weight_and_a_count() {
    let many: Vec<_> = problems("").into_iter().cycle().take(60).collect();
    let text = github::render(&many, root());
    let of = |command: &str| text.lines().filter(|line| line.starts_with(command)).collect::<Vec<_>>();
    assert_eq!((of("::error ").len(), of("::warning ").len()), (10, 10));
    assert_eq!(of("::error ")[9], "::error title=icp-restore::and 39 more");
    assert_eq!(of("::warning ")[9], "::warning title=icp-restore::and 3 more");
}

#[test]
fn gitlab_gets_issues() {
    let issues = serde_json::to_string_pretty(&gitlab::issues(&problems("")[1..], root())).unwrap();
    assert_data_eq!(
        issues,
        str![[r#"
[
  {
    "description": "no such key `uplaod`, again\r\nsecond line (help: write `upload`)",
    "check_name": "E0102",
    "fingerprint": "8dedd6c5e58e286e9c949fe39b3db1f2b23ed9c8c5ea66ef7c77588c7e8f172e",
    "severity": "major",
    "location": {
      "path": "plans/my plan:é.toml",
      "lines": {
        "begin": 2
      }
    }
  },
  {
    "description": "no `source`",
    "check_name": "E0103",
    "fingerprint": "8374607e6a8af4ce0e106ff860424d32bcb4e315912233e18ad6330b1ebbd68c",
    "severity": "major",
    "location": {
      "path": "plans/my plan:é.toml",
      "lines": {
        "begin": 3
      }
    }
  },
  {
    "description": "no safety snapshot",
    "check_name": "W0101",
    "fingerprint": "75a02f2ec64ec9f96a934e79a8753a722b54191ae0c8e978c79316c0d3e3cc34",
    "severity": "minor",
    "location": {
      "path": "plans/my plan:é.toml",
      "lines": {
        "begin": 6
      }
    }
  },
  {
    "description": "nowhere",
    "check_name": "E0001",
    "fingerprint": "88469c8575a4baacbce56ae05413fb90e139dd43739766e08aeb84d3c33c2be0",
    "severity": "major",
    "location": {
      "path": ".",
      "lines": {
        "begin": 1
      }
    }
  }
]
"#]]
        .raw()
    );
}

#[test]
fn sarif_names_places_and_rules() {
    let problems = &problems("")[2..3];
    let mut log = sarif::log(problems, root());
    let rule = &mut log["runs"][0]["tool"]["driver"]["rules"][0]["help"];
    for form in ["text", "markdown"] {
        assert_eq!(rule[form].take(), Code::MissingKey.page());
    }
    log["runs"][0]["tool"]["driver"]["version"].take();
    assert_data_eq!(
        serde_json::to_string_pretty(&log).unwrap(),
        str![[r#"
{
  "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
  "runs": [
    {
      "columnKind": "unicodeCodePoints",
      "invocations": [
        {
          "executionSuccessful": true
        }
      ],
      "results": [
        {
          "level": "error",
          "locations": [
            {
              "message": {
                "text": "in this member"
              },
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "plans/my%20plan%3A%C3%A9.toml"
                },
                "region": {
                  "endColumn": 15,
                  "endLine": 4,
                  "startColumn": 1,
                  "startLine": 3
                }
              }
            }
          ],
          "message": {
            "text": "no `source`"
          },
          "partialFingerprints": {
            "primaryLocationLineHash": "8374607e6a8af4ce0e106ff860424d32bcb4e315912233e18ad6330b1ebbd68c"
          },
          "relatedLocations": [
            {
              "message": {
                "text": "opened here"
              },
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "run%2C1.jsonl"
                },
                "region": {
                  "endColumn": 18,
                  "endLine": 1,
                  "startColumn": 10,
                  "startLine": 1
                }
              }
            }
          ],
          "ruleId": "E0103",
          "ruleIndex": 0
        }
      ],
      "tool": {
        "driver": {
          "name": "icp-restore",
          "rules": [
            {
              "defaultConfiguration": {
                "level": "error"
              },
              "fullDescription": {
                "text": "a key is missing"
              },
              "help": {
                "markdown": null,
                "text": null
              },
              "id": "E0103",
              "shortDescription": {
                "text": "a key is missing"
              }
            }
          ],
          "version": null
        }
      }
    }
  ],
  "version": "2.1.0"
}
"#]]
        .raw()
    );
}

#[test]
fn sarif_rules_are_indexed_and_levels_told() {
    let log = sarif::log(&problems(""), root());
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 4);
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(rules[index]["defaultConfiguration"]["level"], result["level"]);
    }
}

#[test]
fn sarif_is_held_to_the_limit_of_results() {
    let many: Vec<_> = problems("").into_iter().cycle().take(25_003).collect();
    let run = sarif::log(&many, root())["runs"][0].take();
    assert_eq!(run["results"].as_array().unwrap().len(), 25_000);
    let told = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(told, "and 3 more");
}

#[test]
fn fingerprints_outlive_moves_and_are_each_its_own() {
    let fingerprints = |above: &str| {
        let log = sarif::log(&problems(above), root());
        let results = log["runs"][0]["results"].as_array().unwrap();
        let of = |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().to_owned();
        results.iter().map(of).collect::<Vec<_>>()
    };
    let before = fingerprints("");
    assert_eq!(before, fingerprints("# a line\n\n# and more\n"));
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), before.len());
    let issues = serde_json::to_value(gitlab::issues(&problems(""), root())).unwrap();
    assert_eq!(issues[1]["fingerprint"], before[1]);
}
