//! The program that serves a network by hand.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use loopback::{IcpHome, Run, require_icp};

/// A child that does not outlive its test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn it_says_where_it_is_and_writes_its_log() {
    let Some(icp) = require_icp() else { return };
    let home = IcpHome::new(&icp);
    let log = home.path().join("log.jsonl");
    let fleet = home.path().join("fleet.json");
    let canister = r#"{"canisters": [{"status": "stopped", "heap": 65536}]}"#;
    std::fs::write(&fleet, canister).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_loopback"))
        .args(["--controller", &home.principal().to_text()])
        .args(["--log", log.as_str(), "--state", fleet.as_str()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Served(child);
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut next = |name: &str| {
        let line = lines.next().unwrap().unwrap();
        line.strip_prefix(name).unwrap().trim().to_owned()
    };
    let (url, key, canister) = (next("url"), next("root-key"), next("canister"));
    let mut status = home.command();
    status.args(["canister", "status", &canister, "--json", "-n", &url, "-k", &key]);
    let run = Run::from(status.output().unwrap());
    drop(child);
    assert_eq!(run.json()["status"], "Stopped");
    let log = std::fs::read_to_string(log).unwrap();
    let line: serde_json::Value = serde_json::from_str(log.trim()).unwrap();
    assert_eq!(line["method"], "canister_status");
    assert_eq!(line["mutates"], false);
}
