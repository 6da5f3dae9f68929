//! Faults at work: which of them strike a command, and what they do to its process.

use std::{fs, fs::File, thread, time::Duration};

use camino::Utf8Path;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getppid},
};
use serde::{Deserialize, Serialize};

use super::{Canister, Error, Fault, Fleet, Kind, Point, What, fleet};
use crate::id::Name;

/// How long a process sleeps between looks at a barrier.
const LOOK: Duration = Duration::from_millis(2);

#[derive(Serialize, Deserialize)]
struct Armed {
    fault: Fault,
    /// How many commands matched so far.
    seen: u64,
}

/// Adds a fault to a fleet.
pub(super) fn add(root: &Utf8Path, fault: &Fault) -> Result<(), Error> {
    change(root, |armed| {
        armed.push(Armed { fault: fault.clone(), seen: 0 });
    })
}

/// The faults that have struck nothing so far.
pub(super) fn waiting(root: &Utf8Path) -> Result<Vec<Fault>, Error> {
    let path = root.join("faults.json");
    let armed: Vec<Armed> = if path.exists() { fleet::load(&path)? } else { Vec::new() };
    Ok(armed.into_iter().filter(|armed| armed.seen < armed.fault.nth).map(|armed| armed.fault).collect())
}

/// The faults that strike a command. They are counted before they strike: a killed command was struck too.
pub(super) fn draw(fleet: &Fleet, kinds: &[Kind], canister: &Canister) -> Result<Vec<What>, Error> {
    let mut struck = Vec::new();
    if !fleet.root().join("faults.json").exists() {
        return Ok(struck);
    }
    let id = canister.principal.to_text();
    let matches = |fault: &Fault| {
        let warming = fault.what == What::Warming && !kinds.contains(&Kind::Call);
        let member = fault.member.as_ref().map(Name::as_str);
        let name = canister.name.as_ref().map(Name::as_str);
        !warming && kinds.contains(&fault.kind) && (member.is_none() || member == name || member == Some(&id))
    };
    change(fleet.root(), |armed| {
        for Armed { fault, seen } in armed {
            if matches(fault) {
                *seen += 1;
                if (fault.nth..fault.nth.saturating_add(fault.times)).contains(seen) {
                    struck.push(fault.what.clone());
                }
            }
        }
    })?;
    Ok(struck)
}

/// Does what the faults say to the process itself; it may not return.
pub(super) fn process(fleet: &Fleet, faults: &[What], point: Point) -> Result<(), Error> {
    for fault in faults {
        match fault {
            What::Slow(time) if point == Point::Before => thread::sleep(time.unsigned_abs()),
            What::Barrier(name, at) if *at == point => wait_at(fleet, name)?,
            What::KillRunner(at) if *at == point => kill_runner(),
            What::KillIcp(at) if *at == point => kill_icp(fleet),
            What::Hang(at) if *at == point => hang(fleet),
            What::Slow(_) | What::Barrier(..) | What::KillRunner(_) | What::KillIcp(_) | What::Hang(_) => {}
            // Of the network and the upload, not of the process.
            What::LoseReply
            | What::LoseRequest
            | What::Reject(..)
            | What::Http503(_)
            | What::Stuck
            | What::DoubleMetadata
            | What::TornProgress
            | What::Restarted(_)
            | What::NoAuthority
            | What::Warming => {}
        }
    }
    Ok(())
}

/// Ends the process as the kernel would.
pub(super) fn kill_icp(fleet: &Fleet) {
    kill(Pid::this(), Signal::SIGKILL).ok();
    hang(fleet);
}

fn kill_runner() {
    let runner = getppid();
    // The runner may be dead already, and its orphans belong to the system.
    if runner.as_raw() > 1 {
        kill(runner, Signal::SIGKILL).ok();
    }
}

/// Waits until the fleet is gone, so that no process outlives the test that forgot it.
fn hang(fleet: &Fleet) {
    while fleet.root().exists() {
        thread::sleep(Duration::from_millis(50));
    }
}

fn wait_at(fleet: &Fleet, name: &Name) -> Result<(), Error> {
    let reached = fleet.barrier(name, "reached");
    fs::write(&reached, "").map_err(Error::io("write", &reached))?;
    let release = fleet.barrier(name, "release");
    while !release.exists() && fleet.root().exists() {
        thread::sleep(LOOK);
    }
    Ok(())
}

fn change(root: &Utf8Path, change: impl FnOnce(&mut Vec<Armed>)) -> Result<(), Error> {
    let lock = File::open(root).map_err(Error::io("open", root))?;
    lock.lock().map_err(Error::io("lock", root))?;
    let path = root.join("faults.json");
    let mut armed = if path.exists() { fleet::load(&path)? } else { Vec::new() };
    change(&mut armed);
    fleet::save(&path, &armed)
}
