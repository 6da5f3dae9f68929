//! Any text is a plan or a list of problems whose labels lie in it.
#![no_main]

use icp_restore::{diagnostic::Source, plan};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let source = Source::new("plan.toml", text);
    for diagnostic in plan::read(&source).err().unwrap_or_default() {
        let range = diagnostic.labels[0].range();
        assert!(text.get(range).is_some());
    }
});
