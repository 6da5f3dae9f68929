//! Every place at which the ancestor can have been left, in every way.

use std::{fs, os::unix::fs::MetadataExt as _};

use super::{
    ancestor::Then,
    world::{World, said},
};

/// Two members: 2 uploads, 2 stops, 2 loads, 2 starts, 2 verifications and that of the fleet.
const ALL: usize = 11;
const LOADS: std::ops::Range<usize> = 4..6;

/// What must be so after the ancestor did so many operations and began one more in some way.
fn goes_on(operations: usize, then: Then) {
    let world = World::new(2);
    world.ancestor(operations, then);
    let about = format!("{operations} and {then:?}");
    // A load was tried, or may have been: then no safety snapshot can be taken any more.
    let surely_not = matches!(then, Then::Stop | Then::Refused);
    let loaded = operations > LOADS.start || (operations == LOADS.start && !surely_not);
    world.init(if loaded { "[safety]\nsnapshot = false\n" } else { "" });
    let (before, mtime) = (fs::read(world.journal()).unwrap(), fs::metadata(world.journal()).unwrap().mtime_nsec());

    let mut output = world.adopt();
    if LOADS.contains(&operations) && !surely_not {
        // Nothing on the network tells whether it was loaded: a person is asked.
        assert_eq!(output.status.code(), Some(6), "{about}: {}", said(&output));
        let load = operations.to_string();
        let ours = world.ours();
        let as_ready = ["resolve", ours.as_str(), &load, "--as", "ready", "--because", "loading again is fine"];
        let resolved = world.run(&as_ready);
        assert!(resolved.status.success(), "{about}: {}", said(&resolved));
        output = world.again();
    }
    assert_eq!(output.status.code(), Some(0), "{about}: {}", said(&output));
    assert!(world.is_restored(), "{about}");
    assert_eq!(fs::read(world.journal()).unwrap(), before, "{about}");
    assert_eq!(fs::metadata(world.journal()).unwrap().mtime_nsec(), mtime, "{about}");

    // What was completed is done once; an upload that was begun and not ended is done anew.
    let begun = |at: usize| operations == at && matches!(then, Then::DieAfter | Then::LoseReply);
    for at in 0..2 {
        let again = |operation: usize| usize::from(begun(operation));
        assert_eq!(world.count("upload_canister_snapshot_metadata", at), 1 + again(at), "{about}");
        assert_eq!(world.count("stop_canister", at), 1, "{about}");
        assert_eq!(world.count("load_canister_snapshot", at), 1 + again(4 + at), "{about}");
        assert_eq!(world.count("start_canister", at), 1, "{about}");
    }
    for event in world.events("adopted") {
        assert!(event["from"].as_str().unwrap().starts_with("restore-apply-journal.json sha256:"), "{about}");
    }
    let ours = world.ours();
    let checked = world.run(&["check", ours.as_str()]);
    assert!(checked.status.success(), "{about}: {}", said(&checked));
    assert_eq!(world.run(&["status", ours.as_str(), "--require-complete"]).status.code(), Some(0), "{about}");
}

#[test]
fn a_restore_that_stopped_anywhere_goes_on() {
    (0..=ALL).for_each(|operations| goes_on(operations, Then::Stop));
}

#[test]
fn a_restore_that_died_before_a_command_goes_on() {
    (0..8).for_each(|operations| goes_on(operations, Then::DieBefore));
}

#[test]
fn a_restore_that_died_after_a_command_goes_on() {
    (0..8).for_each(|operations| goes_on(operations, Then::DieAfter));
}

#[test]
fn a_restore_that_lost_a_reply_goes_on() {
    (0..8).for_each(|operations| goes_on(operations, Then::LoseReply));
}

#[test]
fn a_restore_that_was_refused_goes_on() {
    (0..8).for_each(|operations| goes_on(operations, Then::Refused));
}
