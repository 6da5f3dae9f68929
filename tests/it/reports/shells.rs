//! Completions and the manual page, each through the program that is to read it, where that is here.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use super::{code, folder, ran, stdout};

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
