//! `rehearse`: the same runner over a simulated fleet.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use super::{
    Exit, Failure,
    how::How,
    input,
    outcome::{self, Outcome},
    run,
    session::{self, Program},
    terminal::Terminal,
};
use crate::{
    artifact,
    diagnostic::suggest,
    icp::Redactor,
    id::{Name, Principal},
    plan::{self, Plan, Reading, Snapshot, Target},
    simulate::{CanisterSpec, Content, Fault, Fleet, Method, SnapshotSpec},
};

/// Rehearse a plan over a simulated fleet, without icp or network.
///
/// The fleet lies in a temporary folder, its canisters are damaged, and this program stands in for icp: nothing real is
/// touched. Everything else is as in `run`. Faults show how a run recovers before anybody needs it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore rehearse plans/demo.toml
  icp-restore rehearse plans/demo.toml --fault 'load-snapshot app: lose-reply'
  icp-restore rehearse plans/demo.toml --keep folder  # again: goes on")]
pub(super) struct Args {
    /// The plan.
    plan: Utf8PathBuf,
    /// Something that goes wrong: KIND MEMBER[#N]: WHAT [times N]; may be given more than once.
    #[arg(long, value_name = "FAULT", long_help = fault_help())]
    fault: Vec<String>,
    /// Keep the fleet and the journal in this folder, and go on with what is there.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<Utf8PathBuf>,
    #[command(flatten)]
    how: How,
    /// What to print.
    #[arg(long, value_enum, default_value_t = outcome::Format::Text, value_name = "FORMAT", help_heading = "Output")]
    format: outcome::Format,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    outcome::told(args.format, &args.how, terminal, || outcome(args, terminal))
}

fn outcome(args: &Args, terminal: &Terminal) -> Result<(Exit, Outcome), Failure> {
    let reading = input::plan(&args.plan)?;
    terminal.diagnostics(&reading.warnings);
    args.how.check()?;
    let faults = args.fault.iter().map(|text| fault(text, &reading.plan)).collect::<Result<Vec<_>, _>>()?;
    let (folder, _temporary) = match &args.keep {
        Some(folder) => (folder.clone(), None),
        None => {
            let (folder, temporary) = temporary()?;
            (folder, Some(temporary))
        }
    };
    let simulated = |error: crate::simulate::Error| Failure::new(Exit::Internal, error.to_string());
    let program = folder.join("icp");
    let fleet = match Fleet::open(&folder) {
        Ok(fleet) if program.exists() => fleet,
        _ => {
            let canisters = canisters(&reading, plan::folder(&args.plan));
            std::fs::create_dir_all(&folder)
                .map_err(|error| Failure::new(Exit::Internal, format!("cannot make {folder}: {error}")))?;
            let fleet = Fleet::create(&folder, &canisters).map_err(simulated)?;
            let ours = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
            let ours = ours.ok_or_else(|| Failure::new(Exit::Internal, "this program does not know where it lies"))?;
            fleet.install(&ours).map_err(simulated)?;
            fleet
        }
    };
    configure(&fleet, &reading.plan).map_err(simulated)?;
    for fault in &faults {
        fleet.inject(fault).map_err(simulated)?;
    }
    let journal = args
        .how
        .journal
        .clone()
        .unwrap_or_else(|| args.how.shard(folder.join(format!("{}.journal.jsonl", reading.plan.name))));
    let options = Program { icp: None, identity_password_file: None };
    let plan = reading.plan.clone();
    let icp = session::aim(program.as_str(), &plan, &options, &args.plan);
    // A temporary folder is gone when this ends: there is nothing to go on with, and all begins anew with its faults.
    let (kept, faults) = match &args.keep {
        Some(folder) => (folder.as_str(), &[][..]),
        None => ("rehearsal", &args.fault[..]),
    };
    let faults = faults.iter().flat_map(|fault| ["--fault", fault]);
    let again = ["rehearse", args.plan.as_str()].into_iter().chain(faults).chain(["--keep", kept]);
    let again = again.map(str::to_owned).collect();
    // Never by the icp of the network, whose canisters may be of the same plan.
    let back = args.keep.as_ref().map(|_| session::ours(["rollback", journal.as_str(), "--icp", program.as_str()]));
    let redactor = Redactor::default();
    let job = run::Job {
        reading: &reading,
        what: format!("rehearsing {} over a simulated fleet", plan.name),
        plan,
        only: Vec::new(),
        file: &args.plan,
        icp,
        how: &args.how,
        journal,
        redactor,
        adopt: None,
        parent: None,
        again,
        back,
        expiry: Duration::ZERO,
        unanswered: None,
        passing: args.keep.is_none() && args.how.journal.is_none(),
    };
    let ended = run::perform(&job, terminal);
    for fault in fleet.waiting().unwrap_or_default() {
        terminal.note(&format!("the fault `{fault}` has struck nothing yet"));
    }
    ended
}

/// A folder that is gone when the rehearsal ends.
fn temporary() -> Result<(Utf8PathBuf, TempDir), Failure> {
    let temporary = tempfile::Builder::new().prefix("icp-restore-rehearsal-").tempdir().map_err(|error| {
        let place = std::env::temp_dir();
        Failure::new(Exit::Internal, format!("no folder can be made in {}: {}", place.display(), error.kind()))
            .with_help("set TMPDIR to a folder that can be written to")
    })?;
    let folder = Utf8PathBuf::from_path_buf(temporary.path().to_owned())
        .map_err(|path| Failure::new(Exit::Internal, format!("{} is not UTF-8", path.display())))?;
    Ok((folder, temporary))
}

/// The faults that there are, for the help.
fn fault_help() -> String {
    format!(
        "Something that goes wrong: `KIND MEMBER[#N]: WHAT [times N]`; may be given more than once.\n\n\
         KIND is one of {}.\n\n\
         MEMBER is its name, its canister, or * for any; #2 is the second command of that kind.\n\n\
         WHAT is one of {}.",
        Fault::KINDS.join(", "),
        Fault::WHATS.join(", ")
    )
}

/// A fault as it is written, on a member of the plan.
fn fault(text: &str, plan: &Plan) -> Result<Fault, Failure> {
    let fault = text.parse::<Fault>().map_err(|error| {
        let failure = Failure::new(Exit::Usage, format!("--fault '{text}': {error}"));
        let wrong = text.get(error.span.clone()).unwrap_or_default();
        let near = suggest::meant(wrong, error.allowed.iter().filter_map(|allowed| allowed.split(' ').next()));
        match (near, error.allowed) {
            (Some(near), _) => failure.with_help(format!("write `{near}`")),
            (None, []) => failure.with_help("write KIND MEMBER: WHAT, as in 'load-snapshot app: lose-reply'"),
            (None, allowed) => failure.with_help(format!("write one of {}", suggest::list(allowed))),
        }
    })?;
    let known = |name: &Name| {
        plan.member(name).is_some() || plan.members.iter().any(|member| member.target.to_string() == name.as_str())
    };
    match &fault.member {
        Some(name) if !known(name) => Err(session::no_member(name.as_str(), plan)),
        _ => Ok(fault),
    }
}

/// Damaged canisters: each runs with code and data of its own, which are not those of its snapshot.
fn canisters(reading: &Reading, folder: &Utf8Path) -> Vec<CanisterSpec> {
    let root = folder.join(&reading.plan.backup.root);
    let specs = reading.plan.members.iter().map(|member| {
        let id = match &member.target {
            Target::Canister(id) => *id,
            Target::Named(_) => member.source,
        };
        let mut spec = CanisterSpec::new(id);
        spec.name = Some(member.name.clone());
        if let Snapshot::OnChain { id, module_hash } = &member.snapshot {
            let module = match module_hash {
                Some(digest) => Content::Digest { size: 65_536, digest: *digest },
                None => Content::Bytes([b"\0asm\x01\0\0\0snapshot", id.to_string().as_bytes()].concat()),
            };
            let snapshot = SnapshotSpec {
                id: id.clone(),
                module,
                heap: Content::Bytes(vec![1; 65_536]),
                stable: Content::Bytes(Vec::new()),
            };
            spec.snapshots.push(snapshot);
        }
        for check in &member.checks {
            let answer = check.expect.clone().unwrap_or_else(|| "()".to_owned());
            spec.methods.insert(check.call.clone(), Method::Reply(answer));
        }
        if let Snapshot::Artifact { path, .. } = &member.snapshot
            && let Ok(path) = artifact::find(&root, path)
        {
            // What a fleet does with cycles is not simulated; enough is there for what is uploaded.
            let size = std::fs::metadata(path.join("wasm_memory.bin")).map_or(0, |data| data.len());
            spec.cycles += u128::from(size) * 10_000;
        }
        spec
    });
    specs.collect()
}

fn configure(fleet: &Fleet, plan: &Plan) -> Result<(), crate::simulate::Error> {
    let caller = plan.caller.expect_principal.unwrap_or(Principal::anonymous());
    for member in &plan.members {
        if let Target::Canister(id) = member.target {
            fleet.update(id, |canister| {
                if !canister.controllers.contains(&caller) {
                    canister.controllers.push(caller);
                }
            })?;
        }
    }
    fleet.configure(|config| {
        config.caller = caller;
        config.foreign_load = true;
        if let Some(identity) = &plan.caller.identity {
            config.identities.insert(identity.to_string(), caller);
        }
    })
}
