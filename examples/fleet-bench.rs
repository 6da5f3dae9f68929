//! How cost grows with the fleet, and how the ancestor's does: `cargo run --release --example fleet-bench [-- --most N]`.
//!
//! Each measurement is a process of its own, so that its peak memory is its own. `check` and `dry-run` are what the verbs
//! compute; `run` is a whole restore over a network in the process that answers at once, so that what is left is ours:
//! scheduling, the journal and its syncs; `run, program` starts a trivial program for every command, as a real run starts
//! icp; `replay` reads the journal of `run`. The ancestor gets the same fleet (its order has no safety snapshots) and a
//! no-op of its own kind.

#![expect(clippy::print_stdout, reason = "a table is what a benchmark is for")]

#[path = "../benches/fleet/mod.rs"]
mod fleet;

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    process::{Command, ExitCode},
    time::Instant,
};

use camino::{Utf8Path, Utf8PathBuf};
use canic_backup::restore::{
    RestoreApplyCommandConfig, RestoreApplyRunnerCommand, RestoreRunnerCommandExecutor, RestoreRunnerCommandOutput,
    RestoreRunnerConfig, restore_run_execute_with_executor,
};
use icp_restore::{
    icp::{self, Call, Icp, Process, Run},
    journal::{self},
    operation,
};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is measured, and of how many members at most unless `--most` says less.
const STEPS: [(&str, usize); 6] = [
    ("check", 10_000),
    ("dry-run", 10_000),
    ("run", 10_000),
    ("replay", 10_000),
    ("run, program", 1_000),
    ("ancestor", 300),
];

/// A measurement.
struct Point {
    members: usize,
    /// Operations, or of a replay events.
    count: usize,
    seconds: f64,
    /// Written to the journal over the whole run.
    written: u64,
    /// Peak memory in MiB.
    peak: f64,
}

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let invoked = Utf8PathBuf::from(&args[0]);
    if invoked.file_name() == Some("icp") {
        let folder = invoked.parent().ok_or("no folder")?.join("network");
        println!("{}", program(&args[1..], &folder)?);
        return Ok(());
    }
    if let [_, one, step, members, folder] = &args[..]
        && one == "--one"
    {
        return measure(step, members.parse()?, Utf8Path::new(folder));
    }
    let most: usize = match &args[1..] {
        [] => 10_000,
        [flag, most] if flag == "--most" => most.parse()?,
        _ => return Err("usage: fleet-bench [--most N]".into()),
    };
    println!(
        "{:<13}{:>8}{:>9}{:>10}{:>12}{:>9}{:>13}{:>10}",
        "", "members", "count", "seconds", "µs each", "growth", "bytes each", "peak MiB"
    );
    for (step, largest) in STEPS {
        let mut before: Option<Point> = None;
        for members in [10, 30, 100, 300, 1_000, 3_000, 10_000].into_iter().filter(|n| *n <= most.min(largest)) {
            let point = child(step, members)?;
            println!("{}", row(step, &point, before.as_ref()));
            before = Some(point);
        }
        println!();
    }
    Ok(())
}

/// One command of icp as a program whose network lies in a folder: a file for each canister.
fn program(args: &[String], folder: &Utf8Path) -> Result<String> {
    let module = fs::read_to_string(folder.join("module"))?;
    let file = folder.join(fleet::target(args));
    let mut canister = fleet::Canister::default();
    if let Ok(text) = fs::read_to_string(&file) {
        let (stopped, snapshots) = text.split_once(' ').ok_or("a damaged canister")?;
        canister = fleet::Canister { stopped: stopped.parse()?, snapshots: snapshots.parse()? };
    }
    let answer = fleet::answer(args, &module, &mut canister);
    fs::write(&file, format!("{} {}", canister.stopped, canister.snapshots))?;
    Ok(answer)
}

fn row(step: &str, point: &Point, before: Option<&Point>) -> String {
    let count = point.count as f64;
    let growth = before.map_or(String::new(), |before| {
        format!("{:.2}", (point.seconds / before.seconds).ln() / (count / before.count as f64).ln())
    });
    let bytes = if point.written == 0 { String::new() } else { format!("{:.0}", point.written as f64 / count) };
    format!(
        "{step:<13}{:>8}{:>9}{:>10.3}{:>12.0}{growth:>9}{bytes:>13}{:>10.0}",
        point.members,
        point.count,
        point.seconds,
        point.seconds * 1e6 / count,
        point.peak,
    )
}

/// Measures in a process of its own.
fn child(step: &str, members: usize) -> Result<Point> {
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path().to_str().ok_or("temporary folder is not UTF-8")?;
    let run = |step: &str| -> Result<Value> {
        let output =
            Command::new(std::env::current_exe()?).args(["--one", step, &members.to_string(), folder]).output()?;
        let text = String::from_utf8(output.stdout)?;
        serde_json::from_str(text.trim()).map_err(|_| format!("{step} of {members}: {text}").into())
    };
    if step == "replay" {
        run("run")?;
    }
    let value = run(step)?;
    let number = |key: &str| value[key].as_f64().ok_or("no such number");
    Ok(Point {
        members,
        count: number("count")? as usize,
        seconds: number("seconds")?,
        written: number("written")? as u64,
        peak: number("peak")?,
    })
}

/// Measures once and prints it for the parent.
fn measure(step: &str, members: usize, folder: &Utf8Path) -> Result<()> {
    let journal = folder.join("fleet.journal.jsonl");
    if step == "replay" {
        let begun = Instant::now();
        let replay = journal::load(&journal)?;
        let seconds = begun.elapsed().as_secs_f64();
        assert!(replay.is_complete());
        let events = fs::read(&journal)?.iter().filter(|byte| **byte == b'\n').count();
        return tell(events, seconds, 0);
    }
    if step == "ancestor" {
        let (count, seconds, written) = ancestor(members, folder)?;
        return tell(count, seconds, written);
    }
    let (path, seal) = fleet::artifact(folder)?;
    let module = seal.module_hash().ok_or("no module")?.to_string();
    let text = fleet::plan(members, &seal.plain.to_string());
    let begun = Instant::now();
    let reading = fleet::read(text)?;
    if step == "check" {
        return tell(members, begun.elapsed().as_secs_f64(), 0);
    }
    let plan = &reading.plan;
    let operations = operation::compile(plan);
    let count = operations.len();
    let process: Box<dyn Run + Send> = match step {
        "run, program" => Box::new(Process::new(true)),
        _ => Box::new(fleet::InProcess(fleet::NoOp::new(module.clone()))),
    };
    let program = folder.join("icp");
    let icp = Icp::new(program.as_str(), plan, &icp::Options::default(), process);
    if step == "dry-run" {
        let mut page = plan.digest().to_string();
        for operation in &operations {
            writeln!(page, "{} {}", operation.kind, icp.command(Call::Status(&operation.target)))?;
        }
        assert!(page.len() > members);
        return tell(count, begun.elapsed().as_secs_f64(), 0);
    }
    fs::create_dir(folder.join("network"))?;
    fs::write(folder.join("network/module"), &module)?;
    std::os::unix::fs::symlink(std::env::current_exe()?, &program)?;
    let begun = Instant::now();
    let journal = fleet::restore(&reading, &icp, (path, seal), &journal)?;
    let seconds = begun.elapsed().as_secs_f64();
    tell(count, seconds, journal.path().metadata()?.len())
}

fn tell(count: usize, seconds: f64, written: u64) -> Result<()> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    let peak: f64 = peak.unwrap_or(0.0);
    println!("{}", json!({"count": count, "seconds": seconds, "written": written, "peak": peak / 1024.0}));
    Ok(())
}

/// The ancestor's runner over a journal of its own that it makes no effects for.
fn ancestor(members: usize, folder: &Utf8Path) -> Result<(usize, f64, u64)> {
    let file = folder.join("ancestor.json");
    let phases = ["upload-snapshot", "stop-canister", "load-snapshot", "start-canister", "verify-member"];
    let mut operations = Vec::new();
    for phase in phases {
        for member in 0..members {
            let artifact = matches!(phase, "upload-snapshot" | "load-snapshot");
            let canister = fleet::canister(member).to_text();
            operations.push(json!({
                "sequence": operations.len(),
                "operation": phase,
                "state": "ready",
                "blocking_reasons": [],
                "member_order": member,
                "source_canister": canister,
                "target_canister": canister,
                "role": "app",
                "snapshot_id": artifact.then(|| format!("snapshot-{member}")),
                "artifact_path": artifact.then_some("artifact"),
                "verification_kind": phase.starts_with("verify").then_some("status"),
            }));
        }
    }
    let count = operations.len();
    let value = json!({
        "journal_version": 1,
        "backup_id": "fleet",
        "ready": true,
        "blocked_reasons": [],
        "backup_root": folder.join("backup"),
        "operation_count": count,
        "operation_counts": {
            "canister_stops": members, "canister_starts": members, "snapshot_uploads": members, "snapshot_loads": members,
            "member_verifications": members, "fleet_verifications": 0, "verification_operations": members,
        },
        "pending_operations": 0, "ready_operations": count, "blocked_operations": 0, "completed_operations": 0,
        "failed_operations": 0,
        "operations": operations,
        "operation_receipts": [],
    });
    fs::write(&file, value.to_string())?;
    let config = RestoreRunnerConfig {
        journal: file.clone().into_std_path_buf(),
        command: RestoreApplyCommandConfig::default(),
        max_steps: None,
        updated_at: None,
    };
    let mut program = Theirs { made: 0, journal: file, written: 0 };
    let begun = Instant::now();
    let response = restore_run_execute_with_executor(&config, &mut program)?;
    let seconds = begun.elapsed().as_secs_f64();
    assert!(response.complete);
    Ok((count, seconds, program.written))
}

/// Does nothing, as icp would say it did; counts what the ancestor writes: its journal whole, before and after each.
struct Theirs {
    made: u64,
    journal: Utf8PathBuf,
    written: u64,
}

impl RestoreRunnerCommandExecutor for Theirs {
    fn execute(&mut self, command: &RestoreApplyRunnerCommand) -> std::io::Result<RestoreRunnerCommandOutput> {
        if command.mutates || !command.args.iter().any(|arg| arg == "status") {
            self.written += 2 * self.journal.metadata()?.len();
        }
        self.made += 1;
        let stdout = json!({"snapshot_id": format!("{:016x}0101", self.made), "status": "Stopped"}).to_string();
        Ok(RestoreRunnerCommandOutput {
            success: true,
            status: "0".to_owned(),
            stdout: stdout.into_bytes(),
            stderr: Vec::new(),
        })
    }
}
