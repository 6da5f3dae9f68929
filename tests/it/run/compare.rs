//! One script of commands for the simulated icp and for the real one: what they print, how they end and what they leave
//! must be the same.

use camino::Utf8Path;
use icp_restore::{
    id::{Digest, Principal},
    simulate::{CanisterSpec, Content, Fleet, Method},
};
use loopback::{Network, Options, Response, require_icp};
use tempfile::TempDir;

use crate::simulate::script;

/// What is on a canister in the end: module, heap, stable memory, then its snapshots with what they hold.
type Held = (Vec<Option<Digest>>, Vec<(String, Vec<Digest>)>);

#[test]
fn the_simulated_icp_answers_like_the_real_one() {
    let Some(icp) = require_icp() else { return };
    let id = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
    let (simulated, left) = simulated(id);
    let (real, there) = real(&icp, id);
    for (simulated, real) in simulated.iter().zip(&real) {
        assert_eq!(simulated, real, "the simulated icp, and then the real one");
    }
    assert_eq!(simulated.len(), real.len());
    assert_eq!(left, there);
}

fn simulated(id: Principal) -> (Vec<script::Step>, Held) {
    let folder = TempDir::new().unwrap();
    let path = Utf8Path::from_path(folder.path()).unwrap();
    let mut spec = CanisterSpec::new(id);
    spec.module = Some(Content::Bytes(script::module()));
    spec.heap = Content::Bytes(script::HEAP.to_vec());
    for (method, reply) in script::METHODS {
        spec.methods.insert(method.to_owned(), Method::Reply(reply.to_owned()));
    }
    spec.methods.insert("broken".to_owned(), Method::Reject("broken".to_owned()));
    let fleet = Fleet::create(path, &[spec]).unwrap();
    let icp = fleet.install(Utf8Path::new(env!("CARGO_BIN_EXE_icp-restore"))).unwrap();
    let scratch = path.join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let base = ["-n", "http://127.0.0.1:4943", "-k", "fetch"];
    let steps = script::run(&icp, &base, &id.to_text(), id.as_slice(), &scratch);
    let canister = fleet.canister(id).unwrap();
    let digest = |blob: &icp_restore::simulate::Blob| blob.digest().unwrap();
    let snapshots = canister.snapshots.iter().map(|snapshot| {
        let parts = [&snapshot.module, &snapshot.heap, &snapshot.stable].map(digest);
        (snapshot.id.to_string(), parts.to_vec())
    });
    let now = vec![canister.module.as_ref().map(digest), Some(digest(&canister.heap)), Some(digest(&canister.stable))];
    (steps, (now, snapshots.collect()))
}

fn real(icp: &Utf8Path, id: Principal) -> (Vec<script::Step>, Held) {
    let network = Network::start(Options::default());
    let mut spec = loopback::CanisterSpec::new([loopback::Principal::anonymous()]);
    spec.id = Some(loopback::Principal::from_slice(id.as_slice()));
    spec.module = Some(script::module());
    spec.heap = script::HEAP.to_vec();
    let broken = Response::trap("broken");
    let spec = spec
        .method("health", loopback::Method::query(Response::reply((true,))))
        .method("broken", loopback::Method::query(broken));
    let target = network.create_canister(spec);
    let scratch = TempDir::new().unwrap();
    let scratch = Utf8Path::from_path(scratch.path()).unwrap().canonicalize_utf8().unwrap();
    let (url, key) = (network.url(), network.root_key_hex());
    let steps = script::run(icp, &["-n", &url, "-k", &key], &id.to_text(), id.as_slice(), &scratch);
    let canister = network.canister(target);
    let digest = |blob: &loopback::Blob| Digest::of(blob.bytes());
    let snapshots = canister.snapshots.iter().map(|snapshot| {
        let parts = [&snapshot.module, &snapshot.heap, &snapshot.stable].map(digest);
        (snapshot.id.to_string(), parts.to_vec())
    });
    let now = vec![canister.module.as_ref().map(digest), Some(digest(&canister.heap)), Some(digest(&canister.stable))];
    (steps, (now, snapshots.collect()))
}
