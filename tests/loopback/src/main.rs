//! A loopback network by hand: starts a fleet, says where it is, and serves until it is killed.

use std::{fs::OpenOptions, io::Write, process::ExitCode};

use camino::Utf8PathBuf;
use clap::Parser;
use loopback::{Action, Fault, Fleet, Network, Options, Principal, When};

/// An Internet Computer network on the loopback interface, for trials with the real icp.
///
/// The log with --log has one JSON object for each call that reached the fleet.
#[derive(Parser)]
struct Arguments {
    /// The port to listen on; 0 for any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The fleet, in JSON; without it there are three like canisters.
    #[arg(long, value_name = "FILE")]
    state: Option<Utf8PathBuf>,
    /// A controller of the canisters that name none; may be repeated.
    #[arg(long, value_name = "PRINCIPAL", default_value = "2vxsx-fae")]
    controller: Vec<Principal>,
    /// Append the log to this file.
    #[arg(long, value_name = "FILE")]
    log: Option<Utf8PathBuf>,
    /// Close the connection after each effect of this method.
    #[arg(long, value_name = "METHOD")]
    drop_after: Vec<String>,
    /// Close the connection before any effect of this method.
    #[arg(long, value_name = "METHOD")]
    drop_before: Vec<String>,
    /// Never answer calls of this method, nor let them have their effect.
    #[arg(long, value_name = "METHOD")]
    hold: Vec<String>,
    /// Allow take and load on running canisters.
    #[arg(long)]
    snapshots_while_running: bool,
    /// Allow a load of another canister's snapshot.
    #[arg(long)]
    foreign_load: bool,
}

fn main() -> ExitCode {
    match serve(Arguments::parse()) {
        Ok(never) => match never {},
        Err(error) => {
            writeln!(std::io::stderr(), "loopback: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: Arguments) -> Result<std::convert::Infallible, Box<dyn std::error::Error>> {
    let fleet = match &arguments.state {
        Some(path) => serde_json::from_str(&std::fs::read_to_string(path)?)?,
        None => Fleet::uniform(3),
    };
    let network = Network::try_start(Options {
        port: arguments.port,
        snapshots_while_running: arguments.snapshots_while_running,
        foreign_load: arguments.foreign_load,
        ..Options::default()
    })?;
    if let Some(path) = &arguments.log {
        network.log_to(OpenOptions::new().create(true).append(true).open(path)?);
    }
    let faults = [
        (arguments.drop_after, Action::Drop(When::After)),
        (arguments.drop_before, Action::Drop(When::Before)),
        (arguments.hold, Action::Hold(When::Before)),
    ];
    for (methods, action) in faults {
        for method in methods {
            network.inject(Fault::on(&method, action.clone()).always());
        }
    }
    let mut out = std::io::stdout();
    writeln!(out, "url {}", network.url())?;
    writeln!(out, "root-key {}", network.root_key_hex())?;
    for spec in fleet.specs(&arguments.controller) {
        writeln!(out, "canister {}", network.create_canister(spec))?;
    }
    out.flush()?;
    loop {
        std::thread::park();
    }
}
