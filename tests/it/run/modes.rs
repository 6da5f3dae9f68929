//! The failure modes of docs/failure-modes.md are shown by tests that are there.

use camino::Utf8Path;

#[test]
fn every_test_that_shows_a_failure_mode_is_there() {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/failure-modes.md")).unwrap();
    let (mut sources, mut folders) = (String::new(), vec![root.join("tests/it")]);
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some("rs") => sources += &std::fs::read_to_string(path).unwrap(),
                _ => {}
            }
        }
    }
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows.len(), 49);
    for row in rows {
        let shown = row.trim_end_matches('|').rsplit('|').next().unwrap();
        // Every other piece between backticks is quoted.
        for name in shown.split('`').skip(1).step_by(2).filter(|name| !name.contains(['/', ':'])) {
            assert!(sources.contains(&format!("fn {name}()")), "no test {name}");
        }
    }
}
