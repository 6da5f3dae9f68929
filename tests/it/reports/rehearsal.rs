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
                let again = format!("icp-restore rehearse plans/demo.toml --fault '{FAULT}' --keep FOLDER");
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
