//! Renderers of diagnostics: what people and programs get to see of them.

use icp_restore::diagnostic::{
    Code, Diagnostic, Source,
    text::{self, Form, Style},
};

const ASCII: Style = Style { form: Form::Ascii, color: false, width: 100 };

#[test]
fn preview() {
    let plan = Source::new(
        "plans/demo.toml",
        "version = 1\nname = \"démo\"\r\n\n[[member]]\nname\t= \"root\"\nsnapshto = { artifact = \"文字/root\" }\ndepends-on = [\"root\"]\n\n\n\n\n\nx = 1\n",
    );
    let journal = Source::new(
        "demo.journal.jsonl",
        format!("{{\"a\":\"{}\",\"b\":\"\u{1b}[31m\u{202e}\",\"c\":\"{}\"}}\n", "x".repeat(500), "文".repeat(500)),
    );
    let t = plan.text();
    let at = |s: &str| {
        let a = t.find(s).unwrap();
        a..a + s.len()
    };
    let j = journal.text();
    let jat = |s: &str| {
        let a = j.find(s).unwrap();
        a..a + s.len()
    };
    let d = vec![
        Diagnostic::new(Code::UnknownKey, "no such key `snapshto`", plan.label(at("snapshto"), "unknown"))
            .with_label(plan.label(at("\"文字/root\""), "this stays"))
            .with_label(plan.label(at("x = 1"), "far"))
            .with_label(journal.label(jat("\u{1b}[31m\u{202e}"), "sealed here"))
            .with_help("write `snapshot`, and mind that rrkah-fqaaa-aaaaa-aaaaq-cai and rrkah-fqaaa-aaaaa-aaaaq-cai are not to be wrapped"),
        Diagnostic::new(Code::Syntax, "unexpected end", plan.label(t.len()..t.len(), "here")),
        Diagnostic::new(Code::Syntax, "multi", plan.label(at("[[member]]\nname\t= \"root\"\n"), "block")),
        Diagnostic::new(Code::Syntax, "long multi", plan.label(0..t.len(), "")),
        Diagnostic::new(Code::Unreadable, "cannot read", Source::new("gone.toml", "").label(0..0, "no such file")).with_help("give a path"),
    ];
    println!("{}", text::render(&d, &ASCII, 50));
    println!("{}", text::render(&d, &Style { form: Form::Unicode, color: true, ..ASCII }, 3));
    println!("{}", text::render(&d, &Style { form: Form::Narrated, ..ASCII }, 50));
    println!("{}", text::summary(&d));
}
