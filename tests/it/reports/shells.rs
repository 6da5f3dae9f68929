//! Completions and the manual page, each through the program that is to read it, where that is here.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use super::{code, folder, program, ran, stdout};

/// The text, put to a program by a file; nothing where there is no such program.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn read_by(program: &str, args: &[&str], text: &str) {
    let (_keep, folder) = folder();
    let file = folder.join("text");
    std::fs::write(&file, text).unwrap();
    match Command::new(program).args(args).arg(&file).output() {
        Ok(output) => assert!(output.status.success(), "{program}: {output:?}"),
        Err(_) => eprintln!("SKIPPED: there is no {program} here"),
    }
}

#[test]
fn completions_are_read_by_their_shells() {
    for (shell, args) in [("bash", vec!["-n"]), ("zsh", vec!["-n"]), ("fish", vec!["--no-execute"])] {
        let text = stdout(ran(&["completions", shell]));
        assert!(text.contains("dry-run") && text.contains("max-bytes"), "{shell}");
        read_by(shell, &args, &text);
    }
    for shell in ["powershell", "elvish"] {
        let text = stdout(ran(&["completions", shell]));
        assert!(text.contains("dry-run") && text.contains("max-bytes"), "{shell}");
    }
    assert_eq!(code(&ran(&["completions", "tcsh"])), 2);
}

#[test]
fn bash_completes_a_verb() {
    let text = stdout(ran(&["completions", "bash"]));
    let script = format!(
        "{text}\nCOMP_WORDS=(icp-restore rehea); COMP_CWORD=1; _icp__restore icp-restore rehea icp-restore; echo \"${{COMPREPLY[*]}}\""
    );
    let mut bash = Command::new("bash").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert_eq!(stdout(bash.wait_with_output().unwrap()).trim(), "rehearse");
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn the_manual_page_renders() {
    let page = stdout(ran(&["man"]));
    assert!(page.contains(".TH icp-restore 1"), "{page:.200}");
    let (_keep, folder) = folder();
    let file = folder.join("icp-restore.1");
    std::fs::write(&file, page).unwrap();
    let output =
        Command::new("man").args(["--warnings", "-E", "UTF-8", "-l", file.as_str()]).env("MANPAGER", "cat").output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("SUBCOMMANDS") && text.contains("130, 143"), "{text}");
            assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        _ => eprintln!("SKIPPED: there is no man here that reads a file"),
    }
}

const VERBS: [&str; 13] = [
    "init",
    "check",
    "dry-run",
    "rehearse",
    "run",
    "status",
    "report",
    "resolve",
    "rollback",
    "explain",
    "schema",
    "completions",
    "man",
];

/// The help of a verb, or of all, on a terminal of 80 columns.
fn help(args: &[&str]) -> String {
    stdout(program().args(args).env("COLUMNS", "80").output().unwrap())
}

#[test]
fn words_that_are_wrong_are_told_with_what_is_right() {
    for (args, told) in [
        (&["man", "rehears"][..], "there is no verb `rehears`\n help: there is `rehearse`"),
        (&["resolve", "x", "app", "--as", "ready", "--because", "x"], "write the number that `status` lists it with"),
    ] {
        let output = ran(args);
        assert_eq!(code(&output), 2);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn each_verb_is_one_line_in_the_summary() {
    let help = help(&["-h"]);
    let verbs = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = verbs.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, [&VERBS[..], &["help"]].concat(), "{verbs}");
}

#[test]
fn examples_fit_80_columns_and_are_accepted() {
    for verb in VERBS {
        let help = help(&["help", verb]);
        let examples: Vec<&str> = help.split("\nExamples:\n").nth(1).expect(verb).lines().collect();
        assert!(examples.len() >= 2, "{verb}");
        for example in examples {
            let words = example.strip_prefix("  icp-restore ").unwrap_or_else(|| panic!("{verb}: {example}"));
            assert!(words.starts_with(verb), "{example}");
            // As far as the command goes; with `--help` it does nothing, but its words are read.
            let end = [" #", " |", " >", " &&"].iter().filter_map(|end| words.find(end)).min();
            let words = words[..end.unwrap_or(words.len())].trim_end();
            let script = format!("{} {words} --help", env!("CARGO_BIN_EXE_icp-restore"));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(code(&output), 0, "{example}: {output:?}");
        }
    }
}
