//! What is shown stays small, whatever the files hold.

use std::sync::Arc;

use icp_restore::diagnostic::{
    Code, Diagnostic, Source,
    text::{self, Form, Style},
};
use snapbox::{IntoData, assert_data_eq, str};

use super::{STYLE, problem, shown};

#[test]
fn long_lines_are_cut_around_their_labels() {
    let source = Source::new("run.jsonl", format!("{{{}\"wrong\"{}}}\n", "a".repeat(5000), "文".repeat(5000)));
    assert_data_eq!(
        shown(problem(&source, "\"wrong\"")),
        str![[r#"
error[E0102]

  × no such key
   ╭─[run.jsonl:1:5002]
 1 │ …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"wrong"文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文文…
   ·                                ───┬───
   ·                                   ╰── here
   ╰────

"#]]
        .raw()
    );
    let lines = ["x".repeat(200), format!("{}wrong{}", "a".repeat(100), "b".repeat(100)), "y".repeat(200)];
    let cut = Source::new("run.jsonl", lines.join("\n"));
    assert_data_eq!(
        shown(problem(&cut, "wrong")),
        str![[r#"
error[E0102]

  × no such key
   ╭─[run.jsonl:2:101]
 1 │ xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
 2 │ …aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaawrongbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
   ·                                 ──┬──
   ·                                   ╰── here
 3 │ yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…
   ╰────

"#]]
        .raw()
    );
    let all = Diagnostic::new(Code::Syntax, "all of it", source.label(0..source.text().len(), "long"));
    assert_data_eq!(
        shown(all),
        str![[r#"
error[E0101]

  × all of it
   ╭─[run.jsonl:1:1]
 1 │ {aaaaaaaaaaaaaaaaaaaaaaaaa…文文文文文文文文文文文文文文文文文文文文文文文文文}
   · ───────────────────────────────────────┬──────────────────────────────────────
   ·                                        ╰── long
   ╰────

"#]]
        .raw()
    );
}

#[test]
fn of_many_the_errors_are_shown_and_the_others_counted() {
    let source = Source::new("a.toml", "one\ntwo\nthree\n");
    let of = |code, message: &str| Diagnostic::new(code, message, source.label(0..3, ""));
    let many = [
        of(Code::SafetyOff, "first warning"),
        of(Code::UnknownKey, "first error"),
        of(Code::NoChecks, "second warning"),
        of(Code::Syntax, "second error"),
    ];
    let narrated = Style { form: Form::Narrated, ..STYLE };
    assert_data_eq!(
        text::render(&many, &narrated, 3),
        str![[r#"
warning W0101: first warning
  a.toml line 1 columns 1 to 3
    line 1: one
    line 2: two

error E0102: first error
  a.toml line 1 columns 1 to 3
    line 1: one
    line 2: two

error E0101: second error
  a.toml line 1 columns 1 to 3
    line 1: one
    line 2: two

and 1 more

"#]]
        .raw()
    );
    assert_eq!(text::summary(&many), "2 errors, 2 warnings in 1 file");
    let frequent: Vec<_> = many.iter().cycle().take(11).cloned().collect();
    assert_data_eq!(
        text::summary(&frequent),
        str!["5 errors, 6 warnings in 1 file; most frequent: E0102 (3), W0101 (3), W0103 (3)"]
    );
    assert_eq!(text::summary(&[]), "no problems");
}

/// With a scan of the text for each label, as miette's own sources do it, this reads 16 GB.
#[test]
fn a_label_costs_the_same_in_a_large_file() {
    let line = "name = \"some member of a large fleet\"\n";
    let source = Source::new("a.toml", line.repeat((8 << 20) / line.len()));
    let small = Source::new("a.toml", line.repeat(3));
    let at = |source: &Arc<Source>, nth: usize| {
        let start = nth * line.len() + 7;
        Diagnostic::new(Code::BadName, "wrong", source.label(start..start + 6, "here"))
    };
    let many: Vec<_> = (0..2000).map(|nth| at(&source, 100_000 + nth)).collect();
    let text = text::render(&many, &STYLE, many.len());
    let alike = text::render(&[at(&small, 1)], &STYLE, 1);
    assert_eq!(text.matches("a.toml:10").count(), 2000);
    assert!(text.len() < many.len() * 2 * alike.len(), "{} bytes", text.len());

    let wide = Source::new("a.jsonl", "文".repeat(3 << 20));
    let many: Vec<_> = (0..500)
        .map(|nth| Diagnostic::new(Code::Syntax, "wrong", wide.label(nth * 15_000..nth * 15_000 + 3, "here")))
        .collect();
    assert_eq!(many[499].labels[0].positions().0.column, 499 * 5000 + 1);
    assert!(text::render(&many, &STYLE, many.len()).len() < 500 * 1000);
}
