//! Did you mean.

use icp_restore::diagnostic::suggest::{meant, nearest, nearest_principal};

const KEYS: [&str; 6] = ["snapshot", "depends-on", "source", "target", "verify", "id"];

#[test]
fn slips_find_the_word_that_was_meant() {
    let near = |wrong| nearest(wrong, KEYS.into_iter());
    assert_eq!(near("snapshto"), Some("snapshot"));
    assert_eq!(near("snap-shots"), Some("snapshot"));
    assert_eq!(near("depends_on"), Some("depends-on"));
    assert_eq!(near("DependsOn"), Some("depends-on"));
    assert_eq!(near("Source"), Some("source"));
    assert_eq!(near("di"), Some("id"));
    assert_eq!(near("controllers"), None);
    assert_eq!(near(""), None);
    assert_eq!(near(&"snapshot".repeat(100_000)), None);
}

#[test]
fn the_beginning_of_one_word_alone_is_meant_for_it() {
    let near = |wrong| meant(wrong, KEYS.into_iter());
    assert_eq!(near("depends"), Some("depends-on"));
    assert_eq!(near("snap"), Some("snapshot"));
    assert_eq!(near("sa"), None);
    assert_eq!(meant("stop", ["stopped", "stopping"].into_iter()), None);
    assert_eq!(meant("sources", KEYS.into_iter()), Some("source"));
    assert_eq!(nearest("depends", KEYS.into_iter()), None);
}

#[test]
fn a_word_that_differs_in_case_only_is_nearer_than_one_edit() {
    assert_eq!(nearest("MAX_AGE", ["max-agf", "max-age"].into_iter()), Some("max-age"));
    assert_eq!(nearest("member-01", ["member-10", "member-02", "member-11"].into_iter()), Some("member-10"));
}

#[test]
fn a_mistyped_principal_finds_the_known_one_unless_two_are_as_near() {
    let known = ["rrkah-fqaaa-aaaaa-aaaaq-cai", "ryjl3-tyaaa-aaaaa-aaaba-cai", "rrkah-fqaaa-aaaaa-aaaaq-cai"];
    let near = |wrong| nearest_principal(wrong, known.into_iter());
    assert_eq!(near("rrkah-fqaaa-aaaaa-aaaaq-cal"), Some(known[0]));
    assert_eq!(near("RYJL3tyaaaaaaaaaaabacai"), Some(known[1]));
    assert_eq!(near("ryjl3-tyaaa-aaaaa-aaabb-cbi"), Some(known[1]));
    assert_eq!(near("xyjl3-txaaa-aaaaa-axaba-cai"), None);
    assert_eq!(nearest_principal("aaaab", ["aaaac", "aaaad"].into_iter()), None);
}
