//! The preflight as verbs use it: before the first effect of a run, and alone for `dry-run --live`.

use std::{collections::BTreeMap, time::Duration};

use camino::Utf8Path;

use super::{Exit, Failure, session, shards::Partition, terminal::Terminal};
use crate::{
    diagnostic::{Diagnostic, Label},
    icp::{Answer, Call, Icp, Interrupt},
    id::Name,
    journal::replay::Replay,
    operation,
    plan::{Plan, Reading},
    preflight::{self, Machine, Scene, Sight, Size},
    runner::Artifact,
};

/// What a preflight needs to know of a run.
pub(super) struct Outlook<'a> {
    pub(super) reading: &'a Reading,
    pub(super) plan: &'a Plan,
    pub(super) icp: &'a Icp,
    /// What icp calls itself, and whether it may be another than before.
    pub(super) version: &'a str,
    pub(super) accept_icp_change: bool,
    pub(super) sizes: BTreeMap<Name, Size>,
    pub(super) replay: Option<&'a Replay>,
    pub(super) partition: Option<Partition>,
    pub(super) journal: &'a Utf8Path,
    pub(super) read_back: bool,
    pub(super) interrupt: &'a Interrupt,
}

/// The sizes of sealed artifacts.
pub(super) fn sizes(artifacts: &BTreeMap<Name, Artifact>) -> BTreeMap<Name, Size> {
    let size = |artifact: &Artifact| Size { total: artifact.seal.total_bytes(), largest: artifact.seal.largest_blob() };
    artifacts.iter().map(|(name, artifact)| (name.clone(), size(artifact))).collect()
}

/// Looks at everything that a run will need.
pub(super) fn look(outlook: &Outlook<'_>) -> Sight {
    let operations = operation::compile(outlook.plan);
    let share = outlook.partition.map(|partition| partition.members(&operations));
    let scene = Scene {
        icp: outlook.icp,
        reading: outlook.reading,
        plan: outlook.plan,
        operations: &operations,
        replay: outlook.replay,
        share: share.as_ref(),
        sizes: &outlook.sizes,
        machine: &Machine {
            memory: session::upload_memory(outlook.plan),
            disk: Machine::free_disk(outlook.journal),
            read_back: outlook.read_back,
        },
        interrupt: outlook.interrupt,
    };
    let mut diagnostics = version(outlook);
    let mut sight = preflight::look(&scene);
    diagnostics.append(&mut sight.diagnostics);
    Sight { diagnostics, ..sight }
}

/// Blocks a run, with everything that is wrong; what is only to be known is said.
pub(super) fn require(outlook: &Outlook<'_>, terminal: &Terminal) -> Result<Sight, Failure> {
    let mut sight = look(outlook);
    if sight.is_blocked() {
        let diagnostics = std::mem::take(&mut sight.diagnostics);
        return Err(Failure { exit: Exit::Blocked, ..diagnostics.into() });
    }
    terminal.diagnostics(&sight.diagnostics);
    Ok(sight)
}

fn version(outlook: &Outlook<'_>) -> Vec<Diagnostic> {
    let places = &outlook.reading.places;
    let at: Label = places.source.label(places.name.clone(), "the restore of this");
    let before = outlook.replay.map(|replay| {
        let latest = replay.holder.as_ref().map(|(holder, _)| holder.icp.as_str());
        latest.unwrap_or(&replay.opened.icp)
    });
    preflight::version(outlook.version, before, outlook.accept_icp_change, at)
}

/// What icp calls itself; too old a one prints no JSON.
pub(super) fn icp_version(icp: &Icp, interrupt: &Interrupt) -> Result<String, Failure> {
    let blocked = |message: String| {
        Failure::new(Exit::Blocked, message).with_help("install icp 0.2.2 or newer, or name it with `--icp`")
    };
    let reply = icp.ask(Call::Version, Duration::from_secs(30), interrupt);
    let reply = reply.map_err(|error| blocked(format!("icp cannot be started: {error}")))?;
    if Answer::of(&reply) != Answer::Done {
        return Err(blocked(format!("icp does not say its version: {}", reply.stderr.trim())));
    }
    let version = reply.stdout.trim().to_owned();
    let numbers: Vec<u64> = version
        .split_whitespace()
        .last()
        .unwrap_or_default()
        .split(['.', '-'])
        .map_while(|part| part.parse().ok())
        .collect();
    if numbers.len() < 3 || numbers < vec![0, 2, 2] {
        let shown: String = version.escape_debug().take(80).collect();
        return Err(blocked(format!("`{shown}` is not a version of icp that can be used")));
    }
    Ok(version)
}
