//! Reports of journals of canic.

use serde_json::Value;

use crate::adopt::World;

#[test]
fn a_journal_of_canic_is_reported_as_far_as_it_tells() {
    let world = World::new(2);
    let operations = world.prepare().operations.len();
    let report = |format: &str| world.run(&["report", world.journal().as_str(), "--format", format]);
    let text = |format: &str| {
        let output = report(format);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text("text").contains(&format!("0 of {operations} operations completed")));
    let json: Value = serde_json::from_str(&text("json")).unwrap();
    assert_eq!(json["canic"], true);
    let markdown = text("markdown");
    assert!(markdown.starts_with("### canic: 0 of"), "{markdown}");
    assert!(markdown.contains("| operation | state |"), "{markdown}");
    for format in ["html", "junit"] {
        let output = report(format);
        assert_eq!(output.status.code(), Some(2), "{format}");
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains("a journal of canic"), "{output:?}");
    }
}
