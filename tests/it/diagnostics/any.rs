//! Whatever the texts, spans and messages: no panic, nothing that acts on a terminal, nothing lost, bounded output.

use camino::Utf8Path;
use icp_restore::diagnostic::{
    Code, Diagnostic, Source, github, gitlab, json, sarif,
    text::{self, Form, Style},
};
use proptest::prelude::*;

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{0,20}",
        proptest::sample::select(vec![
            "\r\n",
            "\n",
            "\r",
            "\t",
            "\u{1b}[31m",
            "\u{202e}",
            "\u{feff}",
            "\u{200d}",
            "文字",
            "é",
            "e\u{301}",
            "😀",
            "\u{9b}",
            "::error::",
            "%0A",
        ])
        .prop_map(String::from),
        (0..600usize).prop_map(|times| "x文".repeat(times)),
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn diagnostics() -> impl Strategy<Value = Vec<Diagnostic>> {
    let label = (0..3usize, any::<prop::sample::Index>(), any::<prop::sample::Index>(), texts());
    let problem = (0..Code::ALL.len(), texts(), proptest::collection::vec(label, 0..6), proptest::option::of(texts()));
    (proptest::collection::vec((texts(), texts()), 3), proptest::collection::vec(problem, 0..4)).prop_map(
        |(sources, problems)| {
            let sources: Vec<_> = sources.into_iter().map(|(name, text)| Source::new(name, text)).collect();
            let problems = problems.into_iter().map(|(code, message, labels, help)| Diagnostic {
                code: Code::ALL[code],
                message,
                labels: labels
                    .into_iter()
                    .enumerate()
                    .map(|(nth, (source, start, end, message))| {
                        let source = &sources[source];
                        // Ends before starts, within characters and beyond the text are all made.
                        let most = source.text().len() + 3;
                        source.label(start.index(most)..end.index(most), format!("<label-{nth}> {message}"))
                    })
                    .collect(),
                help,
            });
            problems.collect()
        },
    )
}

fn acts_on_a_terminal(text: &str) -> bool {
    let bidirectional =
        ['\u{202a}', '\u{202b}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{200d}', '\u{feff}'];
    text.chars().any(|c| c != '\n' && (c.is_control() || bidirectional.contains(&c)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_is_safe_whole_and_bounded(diagnostics in diagnostics(), width in 0..300usize) {
        for form in [Form::Unicode, Form::Ascii, Form::Narrated] {
            let style = Style { form, color: false, width };
            let text = text::render(&diagnostics, &style, 50);
            prop_assert!(!acts_on_a_terminal(&text), "{text:?}");
            prop_assert!(text.len() <= 200_000 * diagnostics.len(), "{} bytes", text.len());
            for diagnostic in &diagnostics {
                prop_assert!(text.contains(diagnostic.code.as_str()));
            }
            let labels: usize = diagnostics.iter().map(|d| d.labels.len()).sum();
            prop_assert_eq!(text.matches("<label-").count(), labels, "{}", text);
            let colored = text::render(&diagnostics, &Style { color: true, ..style }, 50);
            prop_assert!(!acts_on_a_terminal(&plain(&colored)));
        }
    }

    #[test]
    fn long_lines_fit_the_width(
        line in "[a-z]{0,400}",
        ends in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        width in 60..160usize,
    ) {
        let source = Source::new("a", line.clone());
        let labels = ends.iter().map(|(start, end)| {
            source.label(start.index(line.len() + 1)..end.index(line.len() + 1), "")
        });
        let said = Diagnostic { code: Code::Syntax, message: String::new(), labels: labels.collect(), help: None };
        let style = Style { form: Form::Unicode, color: false, width };
        let text = text::render(&[said], &style, 1);
        for line in text.lines() {
            // What is left out between the ends of three labels is marked by an ellipsis each.
            prop_assert!(line.chars().count() <= width + 4, "{line}");
        }
    }

    #[test]
    fn what_programs_read_is_well_formed(diagnostics in diagnostics()) {
        let text = serde_json::to_string(&json::Report::new(&diagnostics)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (diagnostic, seen) in diagnostics.iter().zip(value["diagnostics"].as_array().unwrap()) {
            prop_assert_eq!(&diagnostic.message, seen["message"].as_str().unwrap());
            for (label, seen) in diagnostic.labels.iter().zip(seen["labels"].as_array().unwrap()) {
                let at = |end: &str, what: &str| usize::try_from(seen[end][what].as_u64().unwrap()).unwrap();
                let (start, end) = (at("start", "offset"), at("end", "offset"));
                prop_assert!(label.source.text().get(start..end).is_some());
                // The same counted in another way: from the text itself.
                let before = &label.source.text()[..start];
                let line = before.rsplit('\n').next().unwrap();
                let mark = usize::from(line.len() == before.len() && line.starts_with('\u{feff}'));
                prop_assert_eq!(at("start", "line"), before.matches('\n').count() + 1);
                prop_assert_eq!(at("start", "column"), line.chars().count() + 1 - mark);
            }
        }
        let root = Utf8Path::new("/repository");
        let issues = serde_json::to_string(&gitlab::issues(&diagnostics, root)).unwrap();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&issues).is_ok());
        let log = sarif::log(&diagnostics, root).to_string();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&log).is_ok());
    }

    #[test]
    fn workflow_commands_cannot_be_forged(diagnostics in diagnostics()) {
        let text = github::render(&diagnostics, Utf8Path::new("/repository"));
        prop_assert_eq!(text.lines().count(), diagnostics.len());
        prop_assert!(!acts_on_a_terminal(&text), "{text:?}");
        for line in text.lines() {
            prop_assert!(line.starts_with("::error ") || line.starts_with("::warning "), "{line}");
            let (properties, _) = line.split_once("::").and_then(|(_, rest)| rest.split_once("::")).unwrap();
            let (_, properties) = properties.split_once(' ').unwrap();
            for property in properties.split(',') {
                let name = property.split_once('=').unwrap().0;
                prop_assert!(["file", "line", "endLine", "col", "endColumn", "title"].contains(&name), "{line}");
            }
        }
    }
}

/// A text without the escape codes of colors; other codes stay.
fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('m') {
            Some((code, rest)) if code.bytes().all(|b| b.is_ascii_digit() || b == b';') => plain.push_str(rest),
            _ => plain.push_str(&format!("\u{1b}[{part}")),
        }
    }
    plain
}
