//! What `status` tells people: where it stands, and the command that goes on.

use camino::Utf8Path;

use super::{code, folder, journal, ran, rehearsed, stdout};

const LOST: &str = "load-snapshot app: lose-reply";

fn status(journal: &Utf8Path) -> String {
    let output = ran(&["status", journal.as_str()]);
    assert_eq!(code(&output), 0, "{output:?}");
    stdout(output)
}

#[test]
fn what_is_next_is_a_command_of_the_rehearsal() {
    let (_keep, folder) = folder();
    assert_eq!(rehearsed(&folder, &[LOST], &[]), 6);
    let journal = journal(&folder);
    let text = status(journal.as_str().into());
    assert!(text.contains("the last one: outcome unknown\n"), "{text}");
    let counts = text.lines().find(|line| line.contains("operations completed")).unwrap();
    assert!(!counts.contains("; 0 ") && !counts.contains(", 0 "), "{counts}");
    let next = [
        format!("next: to go on:\n  icp-restore rehearse PLAN --keep {folder}\n"),
        format!("or go back:\n  icp-restore rollback {journal} --icp {folder}/icp\n"),
        format!(":\n  icp-restore resolve {journal} 16 --as ready --because 'how you know'\n"),
    ];
    next.iter().for_each(|next| assert!(text.contains(next), "{next}: {text}"));
    let resolved = ran(&["resolve", &journal, "16", "--as", "ready", "--because", "seen"]);
    let said = String::from_utf8(resolved.stderr).unwrap();
    assert!(said.ends_with(&next[0]), "{said}");
    assert_eq!(rehearsed(&folder, &[], &[]), 0);
    let text = status(journal.as_str().into());
    assert!(text.contains("29 of 29 operations completed\n") && !text.contains("next:"), "{text}");
}

#[test]
fn beside_its_plan_a_journal_is_gone_on_with_by_run() {
    let (_keep, folder) = folder();
    let share = folder.join("demo.uploads-1-of-2.journal.jsonl");
    assert_eq!(rehearsed(&folder, &[], &["--until", "uploaded", "--partition", "1/2"]), 9);
    assert_eq!(rehearsed(&folder, &[], &["--max-steps", "1"]), 9);
    let apart = folder.join("apart");
    std::fs::create_dir(&apart).unwrap();
    std::fs::copy("plans/demo.toml", apart.join("demo.toml")).unwrap();
    for (from, name, words) in [
        (journal(&folder).into(), "demo.journal.jsonl", ""),
        (journal(&folder).into(), "else.jsonl", " --journal APART/else.jsonl"),
        (share, "demo.uploads-1-of-2.journal.jsonl", " --until uploaded --partition 1/2"),
    ] {
        std::fs::copy(from, apart.join(name)).unwrap();
        let text = status(&apart.join(name));
        let next = format!("next: to go on:\n  icp-restore run APART/demo.toml{words}\n");
        assert!(text.contains(&next.replace("APART", apart.as_str())), "{name}: {text}");
    }
}
