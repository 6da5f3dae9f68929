//! What a rehearsal says at its end: nothing leads into a folder that is gone, or to a network.

use super::{code, folder, ran};

const FAULT: &str = "load-snapshot app: reject IC0408";

fn said(more: &[&str], expected: i32) -> String {
    let output = ran(&[&["rehearse", "plans/demo.toml"], more].concat());
    assert_eq!(code(&output), expected, "{output:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_folder_that_is_gone_is_not_named() {
    for (more, expected) in [(&[][..], 0), (&["--fault", FAULT], 5)] {
        for format in ["text", "json"] {
            let said = said(&[more, &["--format", format]].concat(), expected);
            assert!(!said.contains("icp-restore-rehearsal-"), "{said}");
            assert!(!said.contains("rollback") && !said.contains("resolve"), "{said}");
            if format == "text" {
                assert!(said.contains("is gone"), "{said}");
            }
            if expected != 0 {
                let again = format!("icp-restore rehearse plans/demo.toml --fault '{FAULT}' --keep rehearsal");
                assert!(said.contains(&again), "{said}");
            }
        }
    }
}

#[test]
fn a_folder_that_is_kept_is_gone_on_with() {
    let (_keep, folder) = folder();
    let said = said(&["--fault", FAULT, "--keep", folder.as_str()], 5);
    let journal = folder.join("demo.journal.jsonl");
    assert!(said.contains(&format!("icp-restore rehearse plans/demo.toml --keep {folder}\n")), "{said}");
    // By the stand-in, never by the icp that would ask a network.
    assert!(said.contains(&format!("icp-restore rollback {journal} --icp {folder}/icp\n")), "{said}");
    let icp = folder.join("icp");
    let back = ran(&["rollback", journal.as_str(), "--icp", icp.as_str()]);
    assert_eq!(code(&back), 0, "{back:?}");
}

#[test]
fn a_folder_that_is_kept_serves_from_anywhere() {
    let (_keep, folder) = folder();
    let plan = camino::Utf8Path::new("plans/demo.toml").canonicalize_utf8().unwrap();
    std::fs::create_dir(folder.join("here")).unwrap();
    for (from, kept, more, expected) in [("", "kept", "--max-steps=4", 9), ("here", "../kept", "--quiet", 0)] {
        let args = ["rehearse", plan.as_str(), "--keep", kept, more];
        let output = super::program().args(args).current_dir(folder.join(from)).output().unwrap();
        assert_eq!(code(&output), expected, "{output:?}");
    }
}

#[test]
fn places_that_cannot_be_written_are_told_with_the_option_that_names_another() {
    let rehearse = |tmp: &str, more: &[&str]| {
        let args = [&["rehearse", "plans/demo.toml", "--max-steps", "1"], more].concat();
        let output = super::program().args(args).env("TMPDIR", tmp).output().unwrap();
        (code(&output), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = rehearse("/nowhere", &[]);
    assert!(code == 1 && said.contains("no folder can be made in /nowhere: ") && said.contains("TMPDIR"), "{said}");
    for option in ["journal", "events"] {
        let option = format!("--{option}");
        let (code, said) = rehearse("/tmp", &[&option, "/nowhere/x.jsonl"]);
        assert!(code == 1 && said.contains("with `--") && said.contains(&option), "{said}");
    }
}

#[test]
fn what_is_next_can_be_pasted_into_a_shell() {
    let (_keep, folder) = folder();
    let (plan, kept) = (folder.join("it's a plan.toml"), folder.join("kept here"));
    let text = std::fs::read_to_string("plans/demo.toml").unwrap();
    let backup = camino::Utf8Path::new("plans/demo-backup").canonicalize_utf8().unwrap();
    std::os::unix::fs::symlink(backup, folder.join("demo-backup")).unwrap();
    std::fs::write(&plan, text).unwrap();
    let begun = ["rehearse", plan.as_str(), "--keep", kept.as_str(), "--format", "json"];
    let lost = ran(&[&begun[..], &["--fault", "load-snapshot app: lose-reply"]].concat());
    assert_eq!(code(&lost), 6);
    let next = |output: &std::process::Output| -> Vec<String> {
        let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        serde_json::from_value(outcome["next"].clone()).unwrap()
    };
    let [again, resolve] = &next(&lost)[..] else { panic!("{lost:?}") };
    let program = env!("CARGO_BIN_EXE_icp-restore");
    for (command, expected) in [(again, 6), (resolve, 0), (again, 0)] {
        let pasted = command.replacen("icp-restore", program, 1);
        let output = std::process::Command::new("sh").args(["-c", &pasted]).output().unwrap();
        assert_eq!(code(&output), expected, "{command}: {output:?}");
    }
    // A share of the uploads leads to the run that takes them all over, in the rehearsal as well.
    let share = ["--until", "uploaded", "--partition", "1/2", "--journal", "", "--verify-upload"];
    let elsewhere = folder.join("x.uploads-1-of-2.journal.jsonl");
    let share = share.map(|word| if word.is_empty() { elsewhere.as_str() } else { word });
    let shared = next(&ran(&[&begun[..], &share].concat()));
    assert!(shared[0].starts_with("icp-restore rehearse "), "{shared:?}");
    assert!(shared[0].ends_with(&format!("--with-uploads '{folder}/x.uploads-*-of-2.journal.jsonl'")), "{shared:?}");
}

#[test]
fn a_fault_that_cannot_strike_is_told_with_what_can() {
    for (fault, told) in [
        ("load-snapshot app: loose-reply", "`loose-reply` is not a fault\n help: write `lose-reply`"),
        ("load app: lose-reply", "`load` is not an operation\n help: write `load-snapshot`"),
        ("query app: lose-reply", "`query` is not an operation\n help: write one of `upload-snapshot`, "),
        ("load-snapshot app lose-reply", "a colon before the fault is missing\n help: write KIND MEMBER: WHAT"),
        ("load-snapshot ap: lose-reply", "no member is named `ap`\n help: there is `app`"),
    ] {
        let said = said(&["--fault", fault], 2);
        assert!(said.contains(told), "{said}");
    }
    let said = said(&["--fault", "load-snapshot r7inp-6aaaa-aaaaa-aaabq-cai#2: lose-reply"], 0);
    assert!(
        said.contains("`load-snapshot r7inp-6aaaa-aaaaa-aaabq-cai#2: lose-reply` has struck nothing yet"),
        "{said}"
    );
}
