//! Any bytes are a journal or a list of problems.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let said = icp_restore::journal::check::bytes("journal.jsonl", bytes.to_vec());
    assert!(said.iter().all(|diagnostic| !diagnostic.labels.is_empty()));
});
