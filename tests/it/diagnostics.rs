//! Renderers of diagnostics: what people and programs get to see of them.

mod any;
mod bounds;
mod machines;
mod pages;
mod suggest;

use std::{ops::Range, sync::Arc};

use icp_restore::diagnostic::{
    Code, Diagnostic, Source,
    text::{self, Form, Style},
};
use snapbox::{IntoData, assert_data_eq, str};

const STYLE: Style = Style { form: Form::Unicode, color: false, width: 80 };

/// The first place of a token in a text.
fn find(source: &Source, token: &str) -> Range<usize> {
    let start = source.text().find(token).expect("the token is in the text");
    start..start + token.len()
}

/// A problem of a token, with a label.
fn problem(source: &Arc<Source>, token: &str) -> Diagnostic {
    Diagnostic::new(Code::UnknownKey, "no such key", source.label(find(source, token), "here"))
}

fn shown(diagnostic: Diagnostic) -> String {
    text::render(&[diagnostic], &STYLE, 50)
}

#[test]
fn labels_of_two_files_are_shown_with_what_lies_far_apart_and_help() {
    let plan = Source::new(
        "plans/demo.toml",
        "version = 1\nname = \"demo\"\n\n[[member]]\nname = \"root\"\nsnapshto = 1\n\n\n\n\n[safety]\nsnapshot = true\n",
    );
    let journal = Source::new("demo.journal.jsonl", "{\"event\":\"opened\"}\n{\"event\":\"claimed\"}\n");
    let diagnostic = Diagnostic::new(
        Code::UnknownKey,
        "no such key `snapshto`",
        plan.label(find(&plan, "snapshto"), "not a key here"),
    )
    .with_label(journal.label(find(&journal, "\"claimed\""), "claimed here"))
    .with_label(plan.label(find(&plan, "snapshot = true"), "a key there"))
    .with_label(plan.label(find(&plan, "\"root\""), ""))
    .with_help(
        "write `snapshot`; principals such as rrkah-fqaaa-aaaaa-aaaaq-cai and ryjl3-tyaaa-aaaaa-aaaba-cai stay whole",
    );
    assert_data_eq!(
        text::render(std::slice::from_ref(&diagnostic), &STYLE, 50),
        str![[r#"
error[E0102]

  × no such key `snapshto`
   ╭─[plans/demo.toml:6:1]
 4 │ [[member]]
 5 │ name = "root"
   ·        ──────
 6 │ snapshto = 1
   · ────┬───
   ·     ╰── not a key here
 7 │
   ╰────
    ╭─[plans/demo.toml:12:1]
 11 │ [safety]
 12 │ snapshot = true
    · ───────┬───────
    ·        ╰── a key there
    ╰────
  ☞ see also demo.journal.jsonl
   ╭─[demo.journal.jsonl:2:10]
 1 │ {"event":"opened"}
 2 │ {"event":"claimed"}
   ·          ────┬────
   ·              ╰── claimed here
   ╰────
  help: write `snapshot`; principals such as rrkah-fqaaa-aaaaa-aaaaq-cai and
        ryjl3-tyaaa-aaaaa-aaaba-cai stay whole

"#]]
        .raw()
    );
    let ascii = Style { form: Form::Ascii, ..STYLE };
    assert_data_eq!(
        text::render(std::slice::from_ref(&diagnostic), &ascii, 50),
        str![[r#"
error[E0102]

  x no such key `snapshto`
   ,-[plans/demo.toml:6:1]
 4 | [[member]]
 5 | name = "root"
   :        ^^^^^^
 6 | snapshto = 1
   : ^^^^|^^^
   :     `-- not a key here
 7 |
   `----
    ,-[plans/demo.toml:12:1]
 11 | [safety]
 12 | snapshot = true
    : ^^^^^^^|^^^^^^^
    :        `-- a key there
    `----
  > see also demo.journal.jsonl
   ,-[demo.journal.jsonl:2:10]
 1 | {"event":"opened"}
 2 | {"event":"claimed"}
   :          ^^^^|^^^^
   :              `-- claimed here
   `----
  help: write `snapshot`; principals such as rrkah-fqaaa-aaaaa-aaaaq-cai and
        ryjl3-tyaaa-aaaaa-aaaba-cai stay whole

"#]]
        .raw()
    );
    let narrated = Style { form: Form::Narrated, ..STYLE };
    assert_data_eq!(
        text::render(&[diagnostic], &narrated, 50),
        str![[r#"
error E0102: no such key `snapshto`
  plans/demo.toml line 6 columns 1 to 8: not a key here
  plans/demo.toml line 5 columns 8 to 13
  plans/demo.toml line 12 columns 1 to 15: a key there
    line 4: [[member]]
    line 5: name = "root"
    line 6: snapshto = 1
    line 7: 
    line 11: [safety]
    line 12: snapshot = true
see also demo.journal.jsonl
  demo.journal.jsonl line 2 columns 10 to 18: claimed here
    line 1: {"event":"opened"}
    line 2: {"event":"claimed"}
  help: write `snapshot`; principals such as rrkah-fqaaa-aaaaa-aaaaq-cai and ryjl3-tyaaa-aaaaa-aaaba-cai stay whole

"#]]
        .raw()
    );
}

#[test]
fn columns_count_characters_under_tabs_and_wide_ones() {
    let source = Source::new("a.toml", "\u{feff}k\t= \"文字😀\" # x = 1\r\nnext\r\n");
    assert_data_eq!(
        shown(problem(&source, "x = 1")),
        str![[r#"
error[E0102]

  × no such key
   ╭─[a.toml:1:13]
 1 │ k   = "文字😀" # x = 1
   ·                  ──┬──
   ·                    ╰── here
 2 │ next
   ╰────

"#]]
        .raw()
    );
    let first = Diagnostic::new(Code::Syntax, "at the mark", source.label(0..0, "here"));
    assert_data_eq!(
        shown(first),
        str![[r#"
error[E0101]

  × at the mark
   ╭─[a.toml:1:1]
 1 │ k   = "文字😀" # x = 1
   · ┬
   · ╰── here
 2 │ next
   ╰────

"#]]
        .raw()
    );
}

#[test]
fn an_empty_place_at_the_end_of_a_file_is_drawn() {
    for text in ["a = 1\nb =", "a = 1\nb =\n", "a = 1\nb =\r\n"] {
        let source = Source::new("a.toml", text);
        let end = text.len();
        let diagnostic = Diagnostic::new(Code::Syntax, "a value is missing", source.label(end..end, "after this"));
        assert_data_eq!(
            shown(diagnostic),
            str![[r#"
error[E0101]

  × a value is missing
   ╭─[a.toml:2:4]
 1 │ a = 1
 2 │ b =
   ·    ┬
   ·    ╰── after this
   ╰────

"#]]
            .raw()
        );
    }
}

#[test]
fn a_file_without_text_is_named() {
    let source = Source::new("gone.toml", "");
    let diagnostic = Diagnostic::new(Code::Unreadable, "cannot read the file", source.label(0..0, "no such file"));
    assert_data_eq!(
        shown(diagnostic.with_help("correct the path")),
        str![[r#"
error[E0001]

  × cannot read the file
  │ in gone.toml: no such file
  help: correct the path

"#]]
        .raw()
    );
}

#[test]
fn what_acts_on_a_terminal_is_escaped_everywhere() {
    let source = Source::new("a\u{1b}]0;x\u{7}.toml", "k = \"\u{1b}[31m\u{202e}txt\u{200b}\u{9b}\u{0}\" # wrong\n");
    let diagnostic = Diagnostic::new(
        Code::BadText,
        "no \u{1b}[2J here",
        source.label(find(&source, "\u{1b}[31m\u{202e}"), "\u{8}\u{8}hidden\nline"),
    );
    let diagnostic = diagnostic.with_label(source.label(find(&source, "wrong"), "")).with_help("\u{202e}remove it");
    assert_data_eq!(
        shown(diagnostic),
        str![[r#"
error[E0112]

  × no \u{1b}[2J here
   ╭─[a\u{1b}]0;x\u{7}.toml:1:6]
 1 │ k = "\u{1b}[31m\u{202e}txt\u{200b}\u{9b}\u{0}" # wrong
   ·      ─────────┬────────                          ─────
   ·               ╰── \u{8}\u{8}hidden\nline
   ╰────
  help: \u{202e}remove it

"#]]
        .raw()
    );
}

#[test]
fn spans_over_lines_within_each_other_and_out_of_the_text_are_drawn() {
    let source = Source::new("a.toml", "[[member]]\nname = \"root\"\nx = 1\n\n# 1\n# 2\n# 3\n# 4\nlast = 文\n");
    let over = Diagnostic::new(Code::MissingKey, "over lines", source.label(0..25, "this member"));
    assert_data_eq!(
        shown(over),
        str![[r#"
error[E0103]

  × over lines
   ╭─[a.toml:1:1]
 1 │ ╭─▶ [[member]]
 2 │ ├─▶ name = "root"
   · ╰──── this member
 3 │     x = 1
   ╰────

"#]]
        .raw()
    );
    let many = Diagnostic::new(Code::MissingKey, "over many", source.label(0..source.text().len(), "all"));
    assert_data_eq!(
        shown(many),
        str![[r#"
error[E0103]

  × over many
   ╭─[a.toml:1:1]
 1 │ [[member]]
   · ─────┬────
   ·      ╰── all (to line 9)
 2 │ name = "root"
   ╰────

"#]]
        .raw()
    );
    let nested = problem(&source, "name = \"root\"")
        .with_label(source.label(find(&source, "\"root\""), "inner"))
        .with_label(source.label(find(&source, "\"root\""), "again"));
    assert_data_eq!(
        shown(nested),
        str![[r#"
error[E0102]

  × no such key
   ╭─[a.toml:2:1]
 1 │ [[member]]
 2 │ name = "root"
   · ───┬──────┬──
   ·    │      ╰── inner; again
   ·    ╰── here
 3 │ x = 1
   ╰────

"#]]
        .raw()
    );
    let end = source.text().len();
    let out = Diagnostic::new(Code::Syntax, "out of the text", source.label(end - 2..end + 90, "cut"));
    assert_data_eq!(
        shown(out),
        str![[r#"
error[E0101]

  × out of the text
   ╭─[a.toml:9:8]
 8 │ # 4
 9 │ last = 文
   ·        ─┬
   ·         ╰── cut
   ╰────

"#]]
        .raw()
    );
}

#[test]
fn colors_are_the_only_escape_codes() {
    let source = Source::new("a.toml", "x = 1\n");
    let style = Style { color: true, ..STYLE };
    assert_data_eq!(
        text::render(&[problem(&source, "x")], &style, 50),
        str![[r#"
[31merror[E0102][0m

  [31m×[0m no such key
   ╭─[[36;1;4ma.toml:1:1[0m]
 [2m1[0m │ x = 1
   · [35;1m┬[0m
   · [35;1m╰── [35;1mhere[0m[0m
   ╰────

"#]]
        .raw()
    );
}

#[test]
fn what_is_drawn_in_ascii_has_nothing_else_of_ours() {
    let source = Source::new("plan.toml", format!("{}wrong{}\n", "a".repeat(500), "b".repeat(500)));
    let diagnostic = problem(&source, "wrong").with_help(format!("write `{{ id = \"…\" }}`, {}", "c ".repeat(2000)));
    let ring = Diagnostic { message: "a ring: a → b → a".to_owned(), ..diagnostic };
    let text = text::render(&[ring], &Style { form: Form::Ascii, ..STYLE }, 50);
    assert!(text.is_ascii() && text.contains("...a") && text.contains("a -> b"), "{text}");
}
