//! `icp canister snapshot create`, `list`, `restore` and `delete`.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Canister, Snapshot, SnapshotSource, Status, answer,
    command::{CreateArgs, Shown},
    fleet::now,
    reject::{CallError, Failure, Reject},
    session::Session,
    state::SNAPSHOT_LIMIT,
};
use crate::id::SnapshotId;

#[derive(Serialize)]
struct Line {
    snapshot_id: SnapshotId,
    taken_at_timestamp: u64,
    total_size_bytes: u64,
}

impl From<&Snapshot> for Line {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            snapshot_id: snapshot.id.clone(),
            taken_at_timestamp: snapshot.taken_at,
            total_size_bytes: snapshot.total_size(),
        }
    }
}

#[derive(Serialize)]
struct List {
    snapshots: Vec<Line>,
}

/// Says something for people: never on stdout.
pub(super) fn say(words: &str) {
    // Nobody may be listening any more.
    writeln!(std::io::stderr(), "{words}").ok();
}

/// Takes a snapshot of a stopped canister.
pub(super) fn create(session: &Session<'_>, args: &CreateArgs) -> Result<String, Failure> {
    demand_stopped(session)?;
    let take = |state: &mut Canister| {
        let Some(module) = state.module.clone() else {
            return Err(Reject::empty_canister(session.id()));
        };
        make_room(state, args.replace.as_ref())?;
        let snapshot = Snapshot {
            id: state.new_snapshot_id().map_err(Reject::bad_argument)?,
            source: SnapshotSource::Taken,
            taken_at: now(),
            canister_version: state.version,
            module,
            heap: state.heap.clone(),
            stable: state.stable.clone(),
            chunks: state.chunks.clone(),
            extra: state.extra.clone(),
        };
        state.snapshots.push(snapshot.clone());
        let detail = json!({"snapshot": snapshot.id, "replaced": args.replace});
        Ok((snapshot, detail))
    };
    let snapshot = session.effect("take_canister_snapshot", true, take).map_err(|error| session.failed(&error))?;
    let line = Line::from(&snapshot);
    Ok(match (args.shown.json, args.shown.quiet) {
        (true, _) => answer(&line),
        (false, true) => format!("{}\n", snapshot.id),
        (false, false) => {
            say(&format!("Created snapshot {} for canister {} ({})", snapshot.id, session.shown, session.id()));
            String::new()
        }
    })
}

/// Lists the snapshots, unfinished ones too.
pub(super) fn list(session: &Session<'_>, shown: &Shown) -> Result<String, Failure> {
    let snapshots: Vec<Line> = session
        .effect("list_canister_snapshots", false, |state| {
            Ok((state.snapshots.iter().map(Line::from).collect(), Value::Null))
        })
        .map_err(|error| session.failed(&error))?;
    if shown.json {
        return Ok(answer(&List { snapshots }));
    }
    // With `-q`, icp prints the ids and then the long list all the same.
    let mut text = String::new();
    if shown.quiet {
        let ids: Vec<String> = snapshots.iter().map(|line| line.snapshot_id.to_string()).collect();
        text += &ids.join("\n");
        text.push('\n');
    }
    let (name, id) = (&session.shown, session.id());
    if snapshots.is_empty() {
        return Ok(text + &format!("No snapshots found for canister {name} ({id})\n"));
    }
    text += &format!("Snapshots for canister {name} ({id}):\n");
    for line in snapshots {
        let (id, size) = (line.snapshot_id, human_size(line.total_size_bytes));
        let taken = i128::from(line.taken_at_timestamp);
        let taken = Timestamp::from_nanosecond(taken).unwrap_or_default();
        let taken = taken.strftime("%Y-%m-%d %H:%M:%S UTC");
        text += &format!("  {id}: {size}, taken at {taken}\n");
    }
    Ok(text)
}

/// Loads a snapshot onto its stopped canister, whether it is finished or not.
pub(super) fn restore(session: &Session<'_>, id: &SnapshotId) -> Result<String, Failure> {
    demand_stopped(session)?;
    let own = session.id();
    let lent = match session.config.foreign_load {
        true => session.elsewhere(id)?,
        false => None,
    };
    let load = |state: &mut Canister| {
        let snapshot = match &lent {
            Some(snapshot) => snapshot.clone(),
            None => find(state, id)?.clone(),
        };
        demand_module(session, &snapshot)?;
        let detail = json!({"snapshot": id, "complete": snapshot.is_complete()});
        state.load(&snapshot).map_err(Reject::bad_argument)?;
        Ok(((), detail))
    };
    session.effect("load_canister_snapshot", true, load).map_err(|error| session.failed(&error))?;
    say(&format!("Restored canister {} ({own}) from snapshot {id}", session.shown));
    Ok(String::new())
}

/// Deletes a snapshot.
pub(super) fn delete(session: &Session<'_>, id: &SnapshotId) -> Result<String, Failure> {
    session
        .effect("delete_canister_snapshot", true, |state| {
            find(state, id)?;
            state.snapshots.retain(|snapshot| snapshot.id != *id);
            Ok(((), json!({"snapshot": id})))
        })
        .map_err(|error| session.failed(&error))?;
    say(&format!("Deleted snapshot {id} from canister {} ({})", session.shown, session.id()));
    Ok(String::new())
}

/// The canister's own snapshot of an id.
pub(super) fn find<'s>(state: &'s Canister, id: &SnapshotId) -> Result<&'s Snapshot, Reject> {
    state.snapshot(id).ok_or_else(|| Reject::no_snapshot(state.principal, id))
}

/// Makes room for a new snapshot, in the place of one that is to be replaced.
pub(super) fn make_room(state: &mut Canister, replace: Option<&SnapshotId>) -> Result<(), Reject> {
    match replace {
        Some(old) => {
            find(state, old)?;
            state.snapshots.retain(|snapshot| snapshot.id != *old);
            Ok(())
        }
        None if state.snapshots.len() >= SNAPSHOT_LIMIT => Err(Reject::snapshot_limit(state.principal)),
        None => Ok(()),
    }
}

/// Bytes in the largest unit that fits.
fn human_size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if size < 1024.0 {
            return format!("{size} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size} GiB")
}

/// What icp asks before it takes or loads.
fn demand_stopped(session: &Session<'_>) -> Result<(), Failure> {
    let status = session
        .call("canister_status", false, |state| Ok((state.status, Value::Null)))
        .map_err(|error| session.failed(&error))?;
    let words = match status {
        Status::Stopped => return Ok(()),
        Status::Running => "is currently running. Please stop the canister first with `icp canister stop`.",
        Status::Stopping => "is still stopping. Please wait for it to fully stop.",
    };
    let (name, id) = (&session.shown, session.id());
    Err(Failure::new(format!("Canister {name} ({id}) {words}")))
}

/// A module begins as WebAssembly does, plain or zipped; no more is looked at.
fn demand_module(session: &Session<'_>, snapshot: &Snapshot) -> Result<(), Reject> {
    let module = &snapshot.module;
    if module.is_opaque() {
        return Ok(());
    }
    let head = module.range(0, module.size().min(4)).map_err(Reject::bad_argument)?;
    if head == b"\0asm" || head.starts_with(&[0x1f, 0x8b]) {
        return Ok(());
    }
    Err(Reject::bad_module(session.id()))
}

/// Fails a transfer's call.
pub(super) fn within<T>(
    session: &Session<'_>,
    what: impl FnOnce() -> String,
    result: Result<T, CallError>,
) -> Result<T, Failure> {
    result.map_err(|error| session.failed_to(what(), &error))
}
