//! Requests of the ancestor that were never answered and may still arrive.

use icp_restore::{journal, operation::Kind, simulate::Status};
use jiff::Timestamp;

use super::{
    ancestor::Then,
    world::{World, principal, said},
};

/// Whether the next start of `app` waits for a stop that may still arrive.
fn is_waited_for(world: &World) -> bool {
    let output = world.run(&["status", world.ours().as_str()]);
    assert!(output.status.success(), "{}", said(&output));
    let replay = journal::load(&world.ours()).unwrap();
    let stop = replay.operations.find(Kind::StopCanister, &"app".parse().unwrap()).unwrap();
    replay.slot(stop.sequence).unanswered(Timestamp::now()).is_some()
}

#[test]
fn a_stop_that_the_ancestor_lost_may_still_arrive() {
    // Lost before it was applied; and after, when the time of that is not known.
    for then in [Then::DieBefore, Then::DieAfter] {
        let world = World::new(2);
        world.ancestor(3, then);
        world.init("");
        let (journal, plan) = (world.journal(), world.plan());
        let args = ["run", "--adopt", journal.as_str(), plan.as_str(), "--icp", world.icp.as_str()];
        let output = world.run(&[&args[..], &["--until", "loaded"]].concat());
        assert_eq!(output.status.code(), Some(9), "{}", said(&output));
        assert!(is_waited_for(&world), "{then:?}");
        assert_eq!(world.again().status.code(), Some(0));
        assert!(world.is_restored());
        assert_eq!(world.count("stop_canister", 1), 1, "{then:?}");
    }
}

#[test]
fn what_the_ancestor_has_stopped_runs_again_after_a_rollback() {
    let world = World::new(2);
    world.ancestor(4, Then::Stop);
    world.init("");
    let output = world.adopt();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let ours = world.ours();
    let output = world.run(&["rollback", ours.as_str(), "--icp", world.icp.as_str()]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for at in 0..2 {
        let canister = world.fleet.canister(principal(at)).unwrap();
        assert_eq!(canister.status, Status::Running);
        assert_eq!(canister.heap.bytes().unwrap()[0], 9 + u8::try_from(at).unwrap());
    }
}

/// Its events are written in one go, which a power failure can cut at any line.
#[test]
fn a_take_over_that_was_cut_short_is_not_gone_on_with_as_if_it_was_whole() {
    let world = World::new(2);
    world.ancestor(6, Then::Stop);
    world.init("[safety]\nsnapshot = false\n");
    let (journal, plan) = (world.journal(), world.plan());
    let args = ["run", "--adopt", journal.as_str(), plan.as_str(), "--icp", world.icp.as_str(), "--until", "loaded"];
    assert_eq!(world.run(&args).status.code(), Some(9));
    let text = std::fs::read_to_string(world.ours()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let adopted = |line: &&&str| line.contains("\"event\":\"adopted\"");
    let last = lines.iter().rposition(|line| adopted(&line)).unwrap();
    std::fs::write(world.ours(), lines[..last].concat()).unwrap();
    let refused = world.again();
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    let output = world.run(&args[..6]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(world.is_restored());
    for at in 0..2 {
        assert_eq!((world.count("stop_canister", at), world.count("load_canister_snapshot", at)), (1, 1));
    }
}
