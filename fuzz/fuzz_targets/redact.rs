//! No secret is left, wherever it stands.
#![no_main]

use icp_restore::icp::Redactor;

libfuzzer_sys::fuzz_target!(|parts: (&str, &str)| {
    let (before, after) = parts;
    let secret = "s3cr3t-s3cr3t-s3cr3t";
    let redactor = Redactor::new([secret.to_owned()]);
    assert!(!redactor.redact(&format!("{before}{secret}{after}")).contains(secret));
});
