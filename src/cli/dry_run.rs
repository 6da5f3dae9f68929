//! `dry-run`: what would be done.

use camino::{Utf8Path, Utf8PathBuf};
use clap::ValueEnum;
use serde::Serialize;

use super::{
    Exit, Failure, against, input, live, session,
    terminal::{Terminal, printable},
};
use crate::{
    icp::{Call, Command, Icp},
    id::{Digest, Name, Principal},
    journal,
    operation::{self, Kind, Operation, Operations, Sequence, Which},
    plan::{self, Plan, Target},
    preflight::words::{bytes, cycles},
    report::counted,
    review::{self, Changes, Estimate, Risk, markdown},
};

/// Show what a plan would do, and the digest to approve.
///
/// Operations stand in their order, with the exact commands. The digest is that of what the plan means, artifacts included:
/// `run --expect DIGEST` does that or nothing.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore dry-run fleet.toml
  icp-restore dry-run fleet.toml --against origin/main  # what a change does
  icp-restore dry-run fleet.toml --format markdown      # for a pull request
  icp-restore dry-run fleet.toml --format json | jq .plan.digest")]
pub(super) struct Args {
    /// The plan.
    plan: Utf8PathBuf,
    /// Of this member, and all that it depends on, alone; may be given more than once.
    #[arg(long, value_name = "MEMBER")]
    only: Vec<String>,
    /// The journal that the run will have, or has; by default NAME.journal.jsonl beside the plan.
    #[arg(long, value_name = "FILE")]
    journal: Option<Utf8PathBuf>,
    /// Ask the network too, changing nothing: what would block a run, and what is true already.
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    program: session::Program,
    /// Say what changed since this commit, or against this file.
    #[arg(long, value_name = "REF|FILE")]
    against: Option<String>,
    /// The most bytes of markdown; a comment on GitHub has at most 65,536 characters.
    #[arg(long, value_name = "N", default_value_t = 65_000, value_parser = most_bytes, help_heading = "Output")]
    max_bytes: usize,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One object.
    Json,
    /// For a comment on a pull request.
    Markdown,
}

/// The contract of `--format json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    version: u32,
    plan: PlanLine<'a>,
    operations: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'a live::Live>,
    risk: &'a Risk,
    estimate: &'a Estimate,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'a Changes>,
}

#[derive(Debug, Serialize)]
struct PlanLine<'a> {
    name: &'a Name,
    digest: Digest,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    sequence: Sequence,
    kind: Kind,
    member: &'a Name,
    source: Principal,
    target: &'a Target,
    after: &'a [Sequence],
    command: Command,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let reading = input::plan(&args.plan)?;
    terminal.diagnostics(&reading.warnings);
    terminal.diagnostics(&crate::preflight::travel(&reading));
    let plan = session::narrowed(reading.plan.clone(), &args.only, terminal)?;
    let operations = operation::compile(&plan);
    // Nothing is run, so the name of the program will do where none is given.
    let program = args.program.icp.as_ref().map_or("icp", |icp| icp.as_str());
    let icp = session::aim(program, &plan, &args.program, &args.plan);
    let usual = || session::journal_path(&args.plan, &plan.name, &args.only);
    let journal = args.journal.clone().unwrap_or_else(usual);
    let folder = journal::folder(&journal);
    if args.live {
        terminal.note(&format!("asking the network about {}", counted(plan.members.len(), "canister")));
    }
    let live = args.live.then(|| live::live(&reading, &plan, &icp, &args.plan, &journal)).transpose()?;
    let live = live.as_ref();
    let line = |operation: &Operation| command(&icp, operation, &folder);
    let sizes = review::sizes(&plan, plan::folder(&args.plan));
    let (risk, estimate) = (Risk::of(&plan, &operations), Estimate::of(&plan, &operations, &sizes));
    let changes = args.against.as_ref().map(|place| against::against(place, &args.plan, &plan, &args.only, terminal));
    let changes = changes.transpose()?;
    let expected = format!("sha256:{}", plan.digest());
    let only = args.only.iter().flat_map(|member| ["--only", member]);
    let elsewhere = args.journal.iter().flat_map(|journal| ["--journal", journal.as_str()]);
    let run = ["run", args.plan.as_str()].into_iter().chain(only).chain(elsewhere).chain(["--expect", &expected]);
    let run = session::ours(run);
    match args.format {
        Format::Markdown => {
            let changes = args.against.as_deref().zip(changes.as_ref());
            let (risk, estimate) = (&risk, &estimate);
            let page = markdown::Page { plan: &plan, operations: &operations, risk, estimate, run: &run, changes };
            terminal.print(&markdown::render(&page, |operation| line(operation).to_string(), args.max_bytes));
        }
        Format::Json => {
            let lines = operations.iter().map(|operation| Line {
                sequence: operation.sequence,
                kind: operation.kind,
                member: &operation.member,
                source: operation.source,
                target: &operation.target,
                after: &operation.after,
                command: line(operation),
            });
            let plan = PlanLine { name: &plan.name, digest: plan.digest() };
            let (operations, against) = (lines.collect(), changes.as_ref());
            let report = Report { version: 1, plan, operations, live, risk: &risk, estimate: &estimate, against };
            terminal.print_json(&report);
        }
        Format::Text => {
            let blocked = live.is_some_and(|live| live.blocked);
            let live = live.map(live::Live::text).unwrap_or_default();
            let changes = args.against.as_deref().zip(changes.as_ref());
            let changes = changes.map(|(place, changes)| printable(&against::text(place, changes))).unwrap_or_default();
            let next = if blocked { String::new() } else { format!("\nnext: once it is approved:\n  {run}\n") };
            let foreseen = foresee(&risk, &estimate);
            terminal.print(&(text(&plan, &operations, line) + &foreseen + &live + &changes + &printable(&next)));
        }
    }
    terminal.diagnostics(live.map_or(&[], |live| &live.diagnostics));
    Ok(if live.is_some_and(|live| live.blocked) { Exit::Blocked } else { Exit::Done })
}

fn text(plan: &Plan, operations: &Operations, command: impl Fn(&Operation) -> Command) -> String {
    let count = |kind| operations.iter().filter(|operation| operation.kind == kind).count();
    let uploads = count(Kind::UploadSnapshot);
    let mut text = format!(
        "plan {}: {} operations on {} canisters, {uploads} of them uploads\ndigest sha256:{}\n\n",
        plan.name,
        operations.len(),
        plan.members.len(),
        plan.digest(),
    );
    let width = plan.members.iter().map(|member| member.name.as_str().len()).max().unwrap_or(0);
    for operation in operations {
        let (sequence, kind, member) = (operation.sequence, operation.kind, operation.member.as_str());
        text += &format!("{sequence:>5}  {kind:<15}  {member:<width$}  {}\n", command(operation));
    }
    text
}

/// What it may cost and risk.
fn foresee(risk: &Risk, estimate: &Estimate) -> String {
    format!(
        "\ncanisters stopped: {}, {} in place, {} relocated, {} without a way back\nabout {} to upload, {}, {} of downtime\n",
        risk.stopped,
        risk.in_place,
        risk.relocated,
        risk.without_safety,
        bytes(estimate.bytes),
        cycles(estimate.cycles),
        estimate.spoken_downtime()
    )
}

/// The command of an operation as far as it can be known before the run: ids of snapshots that are yet to be made stand
/// in angle brackets.
pub(super) fn command(icp: &Icp, operation: &Operation, folder: &Utf8Path) -> Command {
    let target = &operation.target;
    let staging = folder.join(format!("staging-{}", operation.sequence));
    let snapshot = match &operation.snapshot {
        Some(Which::MadeBy(upload)) => format!("<snapshot of operation {upload}>"),
        Some(Which::Known(id)) => id.to_string(),
        None => String::new(),
    };
    icp.command(match operation.kind {
        Kind::UploadSnapshot => Call::Upload { target, input: &staging, resume: false },
        Kind::StopCanister => Call::Stop(target),
        Kind::TakeSnapshot => Call::Take(target),
        Kind::LoadSnapshot => Call::Load(target, &snapshot),
        Kind::StartCanister => Call::Start(target),
        Kind::VerifyMember | Kind::VerifyFleet => Call::Status(target),
        Kind::DeleteSnapshot => Call::Delete(target, &snapshot),
    })
}

/// A bound on bytes: too low a one would leave nothing worth reading.
pub(super) fn most_bytes(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|bytes| *bytes >= 2000).ok_or_else(|| "write a number of at least 2000".to_owned())
}
