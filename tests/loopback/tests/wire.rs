//! Requests that `icp` does not send: garbage, and the same envelope twice. They need no `icp`.

use std::{
    borrow::Cow,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use ic_management_canister_types::{
    CanisterIdRecord, ReadCanisterSnapshotDataArgs, SnapshotDataKind, UploadCanisterSnapshotMetadataArgs,
};
use ic_transport_types::{Envelope, EnvelopeContent};
use loopback::{Action, Applied, CanisterSpec, Fault, Network, Options, Outcome, Principal, Status, When};

/// A network whose one canister anybody can manage.
fn network() -> (Network, Principal) {
    let network = Network::start(Options::default());
    let canister = network.create_canister(CanisterSpec::new([Principal::anonymous()]));
    (network, canister)
}

/// Sends bytes on a connection of their own, and reads the answer to its end.
fn exchange(network: &Network, request: &[u8]) -> String {
    let mut stream = connect(network);
    // The network may close the connection before it has read all of the garbage.
    stream.write_all(request).ok();
    stream.shutdown(Shutdown::Write).ok();
    read(stream)
}

/// Posts a body; without a half-close, which to the network is a client that went away.
fn post(network: &Network, path: &str, body: &[u8]) -> String {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    let mut stream = connect(network);
    stream.write_all(&[head.as_bytes(), body].concat()).expect("the network reads whole requests");
    read(stream)
}

fn connect(network: &Network) -> TcpStream {
    TcpStream::connect(network.url().replace("http://", "")).expect("the network listens")
}

fn read(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a management call; the nonce makes it another request.
fn call(network: &Network, canister: Principal, method: &str, arg: Vec<u8>, nonce: u8) -> String {
    let envelope = Envelope {
        content: Cow::Owned(EnvelopeContent::Call {
            nonce: Some(vec![nonce]),
            ingress_expiry: u64::MAX,
            sender: Principal::anonymous(),
            canister_id: Principal::management_canister(),
            method_name: method.to_owned(),
            arg,
            sender_info: None,
        }),
        sender_pubkey: None,
        sender_sig: None,
        sender_delegation: None,
    };
    let path = format!("/api/v4/canister/{canister}/call");
    post(network, &path, &envelope.encode_bytes())
}

fn stop(network: &Network, canister: Principal, nonce: u8) -> String {
    let arg = candid::encode_one(CanisterIdRecord { canister_id: canister });
    let arg = arg.expect("a record has a candid form");
    call(network, canister, "stop_canister", arg, nonce)
}

#[test]
fn the_same_request_twice_has_one_effect_and_two_answers() {
    let (network, canister) = network();
    assert!(stop(&network, canister, 1).starts_with("HTTP/1.1 200"));
    network.with_canister(canister, |canister| canister.set_status(Status::Running));
    assert!(stop(&network, canister, 1).starts_with("HTTP/1.1 200"));
    assert_eq!(network.canister(canister).status, Status::Running);
    assert_eq!(network.log().len(), 1);
    assert!(stop(&network, canister, 2).starts_with("HTTP/1.1 200"));
    assert_eq!(network.canister(canister).status, Status::Stopped);
}

#[test]
fn a_request_whose_answer_was_lost_can_be_sent_again() {
    let (network, canister) = network();
    network.inject(Fault::on("stop_canister", Action::Drop(When::After)));
    assert_eq!(stop(&network, canister, 1), "");
    assert!(stop(&network, canister, 1).starts_with("HTTP/1.1 200"));
    assert_eq!(network.log().len(), 1);
}

#[test]
fn a_request_that_was_dropped_on_its_way_is_new_when_it_comes_again() {
    let (network, canister) = network();
    network.inject(Fault::on("*", Action::Drop(When::Before)).times(2));
    assert_eq!(stop(&network, canister, 1), "");
    assert_eq!(stop(&network, canister, 1), "");
    assert!(network.log().is_empty());
    assert!(stop(&network, canister, 1).starts_with("HTTP/1.1 200"));
    assert!(network.log()[0].changed());
}

#[test]
fn garbage_is_refused_and_the_network_goes_on() {
    let (network, canister) = network();
    for bytes in [
        &b"\0\0\0\0"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /api/v4/canister/aaaaa-aa/call HTTP/1.1\r\ncontent-length: 9\r\n\r\nx",
        b"\xff\xff\xff\xff\r\n\r\n",
    ] {
        assert!(!exchange(&network, bytes).starts_with("HTTP/1.1 200"));
    }
    let path = format!("/api/v4/canister/{canister}/call");
    for body in [&b""[..], b"hello", b"\xd9\xd9\xf7", b"\x9f\x9f\x9f", &[0x81; 4_096]] {
        assert!(post(&network, &path, body).starts_with("HTTP/1.1 400"));
    }
    for path in ["/api/v4/canister/not-one/call", "/api/v4/canister//call"] {
        assert!(post(&network, path, b"").starts_with("HTTP/1.1 400"));
    }
    assert!(post(&network, "/", b"").starts_with("HTTP/1.1 404"));
    assert!(stop(&network, canister, 1).starts_with("HTTP/1.1 200"));
}

#[test]
fn arguments_out_of_all_proportion_are_bad_arguments() {
    let (network, canister) = network();
    let snapshot = network.with_canister(canister, |canister| canister.take_snapshot());
    let metadata = candid::encode_one(UploadCanisterSnapshotMetadataArgs {
        canister_id: canister,
        replace_snapshot: None,
        wasm_module_size: u64::MAX,
        globals: Vec::new(),
        wasm_memory_size: u64::MAX,
        stable_memory_size: 1,
        certified_data: Vec::new(),
        global_timer: None,
        on_low_wasm_memory_hook_status: None,
    });
    let read = candid::encode_one(ReadCanisterSnapshotDataArgs {
        canister_id: canister,
        snapshot_id: snapshot.as_bytes().to_vec(),
        kind: SnapshotDataKind::WasmMemory { offset: u64::MAX, size: u64::MAX },
    });
    let other = candid::encode_one(CanisterIdRecord { canister_id: Principal::management_canister() });
    let calls = [
        ("upload_canister_snapshot_metadata", metadata.unwrap()),
        ("read_canister_snapshot_data", read.unwrap()),
        ("stop_canister", other.unwrap()),
        ("stop_canister", b"DIDL\x01".to_vec()),
        ("stop_canister", Vec::new()),
    ];
    for (nonce, (method, arg)) in (0..).zip(calls) {
        let answer = call(&network, canister, method, arg, nonce);
        assert!(answer.starts_with("HTTP/1.1 200"), "{method}: {answer}");
    }
    let code = |applied: Applied| match applied.outcome {
        Outcome::Rejected { error_code, .. } => error_code,
        Outcome::Replied | Outcome::Pending => None,
    };
    let codes: Vec<_> = network.log().into_iter().filter_map(code).collect();
    assert_eq!(codes, ["IC0408"; 5]);
    assert_eq!(network.canister(canister).snapshots.len(), 1);
}
