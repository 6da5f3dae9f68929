//! The pages of the codes, and their list in `docs/codes`.

use icp_restore::diagnostic::{Code, Severity};
use snapbox::{Data, assert_data_eq};

#[test]
fn every_code_has_a_page_with_cause_example_and_cure() {
    for &code in Code::ALL {
        let page = code.page();
        let (title, rest) = page.split_once("\n\n").unwrap();
        assert_eq!(title, format!("# {}: {}", code.as_str(), code.title()));
        let (cause, rest) = rest.split_once("\n\nFor example:\n\n```").expect(title);
        let (example, cure) = rest.split_once("\n```\n\nTo mend it: ").expect(title);
        assert!(cause.len() > 50 && example.len() > 20 && cure.len() > 15, "{title}");
        assert!(cure.ends_with(".\n"), "{title}");
        assert!(page.lines().all(|line| line.chars().count() <= 125), "{title}");
        assert!((10..=25).contains(&page.lines().count()), "{title}: {} lines", page.lines().count());
    }
}

#[test]
fn no_page_is_left_without_its_code() {
    for entry in std::fs::read_dir("docs/codes").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let code = name.strip_suffix(".md").unwrap();
        assert!(code == "README" || Code::parse(code).is_some_and(|known| known.as_str() == code), "{name}");
    }
}

#[test]
fn codes_are_in_order_and_found_in_either_case() {
    assert!(Code::ALL.is_sorted_by_key(|code| code.as_str()));
    assert_eq!(Code::parse("e0102"), Some(Code::UnknownKey));
    assert_eq!(Code::parse("E9999"), None);
}

#[test]
fn the_list_of_the_docs_is_that_of_the_program() {
    let mut list = "# Codes of diagnostics\n\n`icp-restore explain CODE` shows the page of a code.\n".to_owned();
    for (severity, title) in [(Severity::Error, "Errors"), (Severity::Warning, "Warnings")] {
        list.push_str(&format!("\n## {title}\n\n| code | what is wrong |\n|---|---|\n"));
        for code in Code::ALL.iter().filter(|code| code.severity() == severity) {
            let (code, title) = (code.as_str(), code.title());
            list.push_str(&format!("| [{code}]({code}.md) | {title} |\n"));
        }
    }
    assert_data_eq!(list, Data::read_from("docs/codes/README.md".as_ref(), None).raw());
}
