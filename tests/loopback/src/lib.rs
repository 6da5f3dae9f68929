//! An Internet Computer network on the loopback interface, for tests of the real `icp`.
//!
//! A [`Network`] listens on 127.0.0.1, speaks the HTTP interface that `icp` 1.5.0 uses, and
//! signs every answer with a root key of its own, so that the real program accepts it. Behind
//! the interface stands a simulated fleet: canisters with a status, a module, memories and
//! snapshots, on which the management calls of a restore have their real effects.
//!
//! A call passes these files, in this order:
//!
//! ```text
//! bytes ─http─▶ envelope::Request ─▶ call::Call ─fault─▶ management or application ─▶ effect
//!                                                                                      │
//! bytes ◀─http── certificate::Certifier ◀─fault─ world::Answer ◀──────────── log ◀──────┘
//! ```
//!
//! What a test adds to that: faults ([`Network::inject`]), a log of every call that had its
//! effect ([`Network::log`]), and direct access to the fleet ([`Network::canister`],
//! [`Network::with_canister`]). [`IcpHome`] and [`require_icp`] are for the other side of the
//! wire, the real `icp`; [`SnapshotContent`] writes an artifact that it can upload.
//!
//! ```no_run
//! use loopback::{Action, CanisterSpec, Fault, Icp, IcpHome, Network, Options, When, require_icp};
//!
//! let Some(icp) = require_icp() else { return };
//! let home = IcpHome::new(&icp);
//! let network = Network::start(Options::default());
//! let canister = network.create_canister(CanisterSpec::new([home.principal()]));
//! network.inject(Fault::on("stop_canister", Action::Drop(When::After)));
//! let run = Icp::new(&home, &network).run(&["canister", "stop", &canister.to_text()]);
//! assert_eq!(run.code, Some(1));
//! assert!(network.log()[0].changed());
//! ```
//!
//! The differences from the real network are on purpose and few: signatures of requests are not
//! verified (only that the key makes the sender's principal), cycles are not spent, the code of a
//! canister never runs, and a snapshot's globals are kept without a look.

mod application;
mod artifact;
mod blob;
mod call;
mod canister;
mod certificate;
mod command;
mod envelope;
mod fault;
mod fleet;
mod http;
mod icp;
mod log;
mod management;
mod network;
mod query;
mod reject;
mod settings;
mod snapshot;
mod world;

pub use crate::{
    application::{Method, Response},
    artifact::{SnapshotContent, wasm_module, write_artifact},
    blob::Blob,
    canister::{Canister as CanisterState, CanisterSpec, Change, ChangeKind, Status},
    fault::{Action, Fault, FaultId, When},
    fleet::Fleet,
    icp::{Icp, IcpHome, Run, icp_binary, require_icp},
    log::{Applied, DataKind, DataSpan, Detail, Outcome},
    network::{Network, Options},
    reject::Reject,
    settings::Settings,
    snapshot::{Snapshot, SnapshotId, Source},
};
pub use candid::Principal;
