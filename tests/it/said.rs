//! What is said of each code, as a user reads it: `tests/said/CODE.txt`, or beside the plan that raises it.
//!
//! `SNAPSHOTS=overwrite cargo test` writes the texts anew; read them before they are committed.

#![cfg(test)]

use std::collections::BTreeSet;

use camino::Utf8Path;
use icp_restore::diagnostic::{Code, Diagnostic, text};
use snapbox::{Data, assert_data_eq};

/// Diagnostics as they are drawn in a terminal of 100 columns, without color.
pub(crate) fn drawn(said: &[Diagnostic]) -> String {
    let style = text::Style { form: text::Form::Unicode, color: false, width: 100 };
    text::render(said, &style, 50)
}

/// Holds one diagnostic against the text of its code.
pub(crate) fn hold(said: &Diagnostic) {
    hold_text(said.code.as_str(), &drawn(std::slice::from_ref(said)));
}

/// Holds the first diagnostic of a code in what the program printed against the text of the code; `folder` is of the day.
pub(crate) fn hold_printed(code: &str, printed: &str, folder: &Utf8Path) {
    let heads = [format!("error[{code}]\n"), format!("warning[{code}]\n")];
    let Some(start) = heads.iter().filter_map(|head| printed.find(head)).min() else { panic!("no {code}: {printed}") };
    // A diagnostic ends at the second empty line: the first stands below its head.
    let body = &printed[start..];
    let end = body.match_indices("\n\n").nth(1).map_or(body.len(), |(at, _)| at + 1);
    hold_text(code, &body[..end].replace(folder.as_str(), "[FOLDER]"));
}

fn hold_text(code: &str, text: &str) {
    let file = Utf8Path::new("tests/said").join(code).with_extension("txt");
    assert_data_eq!(text, Data::read_from(file.as_std_path(), None).raw());
}

/// The codes whose text stands in a folder's snapshots.
fn told(folder: &str) -> BTreeSet<String> {
    let files = Utf8Path::new(folder).read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    let texts = files.filter(|file| file.extension() == Some("txt")).map(|file| std::fs::read_to_string(file).unwrap());
    let head = |line: &str| {
        let code = line.strip_prefix("error[").or_else(|| line.strip_prefix("warning["))?;
        code.strip_suffix(']').map(str::to_owned)
    };
    texts.flat_map(|text| text.lines().filter_map(head).collect::<Vec<_>>()).collect()
}

#[test]
fn each_code_is_raised_and_its_text_held() {
    let told: BTreeSet<String> =
        ["tests/said", "tests/plans/invalid", "tests/plans/valid"].into_iter().flat_map(told).collect();
    let missing: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).filter(|code| !told.contains(*code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let known = |code: &&String| Code::ALL.iter().any(|known| known.as_str() == code.as_str());
    assert_eq!(told.iter().filter(|code| !known(code)).collect::<Vec<_>>(), Vec::<&String>::new());
}
