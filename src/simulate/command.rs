//! The command line of icp 1.5.0, as far as a runner uses it.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, error::ErrorKind};

use super::{Fleet, canister, download, reject::Failure, session::Session, snapshot, status, upload};
use crate::{
    id::{Principal, SnapshotId},
    operation,
};

/// A stand-in for icp over a simulated fleet
#[derive(Parser)]
#[command(name = "icp", version = super::ICP_VERSION)]
pub(super) struct Icp {
    #[command(subcommand)]
    group: Group,

    #[arg(long, global = true, env = "ICP_PROJECT_ROOT")]
    project_root_override: Option<Utf8PathBuf>,

    #[arg(long, global = true)]
    debug: bool,

    #[arg(long, global = true, value_name = "FILE")]
    identity_password_file: Option<Utf8PathBuf>,
}

#[derive(Subcommand)]
enum Group {
    #[command(subcommand)]
    Canister(Command),
    #[command(subcommand)]
    Identity(Identity),
}

#[derive(Subcommand)]
enum Identity {
    /// Display the principal for the current identity
    Principal {
        #[arg(long)]
        identity: Option<String>,
    },
}

#[derive(Subcommand)]
enum Command {
    /// Show the status of canister(s)
    Status(StatusArgs),
    /// Stop a canister on a network
    Stop(Plain),
    /// Start a canister on a network
    Start(Plain),
    /// Make a canister call
    Call(CallArgs),
    /// Commands to manage canister snapshots
    #[command(subcommand)]
    Snapshot(Snapshot),
}

#[derive(Subcommand)]
enum Snapshot {
    /// Create a snapshot of a canister's state
    Create(CreateArgs),
    /// List all snapshots for a canister
    List(ListArgs),
    /// Upload a snapshot from local disk
    Upload(UploadArgs),
    /// Download a snapshot to local disk
    Download(DownloadArgs),
    /// Restore a canister from a snapshot
    Restore(SnapshotArgs),
    /// Delete a canister snapshot
    Delete(SnapshotArgs),
}

/// Which network, as whom, through whom.
#[derive(Args)]
pub(super) struct Via {
    #[arg(short, long, env = "ICP_NETWORK", conflicts_with = "environment")]
    pub(super) network: Option<String>,

    #[arg(short = 'k', long, value_parser = root_key)]
    pub(super) root_key: Option<String>,

    #[arg(short, long, env = "ICP_ENVIRONMENT")]
    pub(super) environment: Option<String>,

    #[arg(long)]
    pub(super) identity: Option<String>,

    #[arg(long)]
    pub(super) proxy: Option<Principal>,
}

#[derive(Args)]
struct Plain {
    canister: String,
    #[command(flatten)]
    via: Via,
}

#[derive(Args)]
pub(super) struct StatusArgs {
    canister: Option<String>,

    /// Only print the canister ids
    #[arg(short, long, conflicts_with = "json")]
    id_only: bool,

    /// Format output in json
    #[arg(long)]
    pub(super) json: bool,

    /// Show only the public information
    #[arg(short, long)]
    pub(super) public: bool,

    #[command(flatten)]
    via: Via,
}

#[derive(Args)]
pub(super) struct CallArgs {
    canister: String,
    pub(super) method: String,
    #[arg(default_value = "()")]
    pub(super) args: String,
    #[arg(long, conflicts_with = "proxy")]
    pub(super) query: bool,
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    via: Via,
}

#[derive(Args)]
pub(super) struct Shown {
    #[arg(long, conflicts_with = "quiet")]
    pub(super) json: bool,
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Args)]
pub(super) struct CreateArgs {
    canister: String,
    #[arg(long)]
    pub(super) replace: Option<SnapshotId>,
    #[command(flatten)]
    pub(super) shown: Shown,
    #[command(flatten)]
    via: Via,
}

#[derive(Args)]
struct ListArgs {
    canister: String,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    via: Via,
}

#[derive(Args)]
pub(super) struct UploadArgs {
    canister: String,
    #[arg(short, long)]
    pub(super) input: Utf8PathBuf,
    #[arg(long)]
    pub(super) replace: Option<SnapshotId>,
    #[arg(long)]
    pub(super) resume: bool,
    #[command(flatten)]
    pub(super) shown: Shown,
    #[command(flatten)]
    via: Via,
}

#[derive(Args)]
pub(super) struct DownloadArgs {
    canister: String,
    pub(super) snapshot_id: SnapshotId,
    #[arg(short, long)]
    pub(super) output: Utf8PathBuf,
    #[arg(long)]
    pub(super) resume: bool,
    #[command(flatten)]
    via: Via,
}

#[derive(Args)]
struct SnapshotArgs {
    canister: String,
    snapshot_id: SnapshotId,
    #[command(flatten)]
    via: Via,
}

/// Runs a command; the answer is for stdout.
pub(super) fn run(fleet: &Fleet, icp: Icp) -> Result<String, Failure> {
    use super::Kind;
    let command = match icp.group {
        Group::Identity(Identity::Principal { identity }) => {
            let config = fleet.config()?;
            let principal = super::session::identity(&config, identity.as_deref())?;
            return Ok(format!("{principal}\n"));
        }
        Group::Canister(command) => command,
    };
    let open = |canister: &str, via: &Via, kinds: &[Kind]| Session::open(fleet, canister, via, kinds);
    match command {
        Command::Status(args) => show_status(fleet, &args),
        Command::Stop(Plain { canister, via }) => {
            canister::stop(&open(&canister, &via, &[Kind::Of(operation::Kind::StopCanister)])?)
        }
        Command::Start(Plain { canister, via }) => {
            canister::start(&open(&canister, &via, &[Kind::Of(operation::Kind::StartCanister)])?)
        }
        Command::Call(args) => {
            let kinds = [Kind::Of(operation::Kind::VerifyMember), Kind::Call];
            canister::call(&open(&args.canister, &args.via, &kinds)?, &args)
        }
        Command::Snapshot(Snapshot::Create(args)) => {
            snapshot::create(&open(&args.canister, &args.via, &[Kind::Of(operation::Kind::TakeSnapshot)])?, &args)
        }
        Command::Snapshot(Snapshot::List(args)) => {
            let session = open(&args.canister, &args.via, &[Kind::ListSnapshots])?;
            snapshot::list(&session, &args.shown)
        }
        Command::Snapshot(Snapshot::Upload(args)) => {
            upload::run(&open(&args.canister, &args.via, &[Kind::Of(operation::Kind::UploadSnapshot)])?, &args)
        }
        Command::Snapshot(Snapshot::Download(args)) => download::run(&open(&args.canister, &args.via, &[])?, &args),
        Command::Snapshot(Snapshot::Restore(args)) => {
            let session = open(&args.canister, &args.via, &[Kind::Of(operation::Kind::LoadSnapshot)])?;
            snapshot::restore(&session, &args.snapshot_id)
        }
        Command::Snapshot(Snapshot::Delete(args)) => {
            let session = open(&args.canister, &args.via, &[Kind::Of(operation::Kind::DeleteSnapshot)])?;
            snapshot::delete(&session, &args.snapshot_id)
        }
    }
}

fn show_status(fleet: &Fleet, args: &StatusArgs) -> Result<String, Failure> {
    use super::Kind;
    let targets = match &args.canister {
        Some(canister) => vec![canister.clone()],
        None => fleet.names()?.into_iter().map(|(name, _)| name.to_string()).collect(),
    };
    let mut answer = String::new();
    for target in targets {
        let kinds = [Kind::Of(operation::Kind::VerifyMember), Kind::ReadStatus];
        let kinds = if args.id_only { &[][..] } else { &kinds };
        let session = Session::open(fleet, &target, &args.via, kinds)?;
        answer += &if args.id_only { session.id().to_text() } else { status::show(&session, args)? };
        answer.push('\n');
    }
    Ok(answer)
}

impl Icp {
    /// Parses arguments, the program's name first.
    ///
    /// # Errors
    /// What icp ends with exit code 2 for, and requests for help or the version.
    pub(super) fn parse_all(args: impl Iterator<Item = std::ffi::OsString>) -> Result<Self, clap::Error> {
        let icp = Self::try_parse_from(args)?;
        if let Group::Canister(command) = &icp.group {
            let via = command.via();
            let url = via.network.as_deref().is_some_and(|name| name.contains("://"));
            if url && via.root_key.is_none() {
                use clap::CommandFactory;
                let words = "`--root-key` is required when `--network` is a URL.";
                return Err(Self::command().error(ErrorKind::MissingRequiredArgument, words));
            }
        }
        Ok(icp)
    }
}

impl Command {
    fn via(&self) -> &Via {
        match self {
            Self::Status(args) => &args.via,
            Self::Stop(args) | Self::Start(args) => &args.via,
            Self::Call(args) => &args.via,
            Self::Snapshot(Snapshot::Create(args)) => &args.via,
            Self::Snapshot(Snapshot::List(args)) => &args.via,
            Self::Snapshot(Snapshot::Upload(args)) => &args.via,
            Self::Snapshot(Snapshot::Download(args)) => &args.via,
            Self::Snapshot(Snapshot::Restore(args) | Snapshot::Delete(args)) => &args.via,
        }
    }
}

fn root_key(text: &str) -> Result<String, String> {
    let hex = text.len() == 266 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    if hex || ["fetch", "mainnet"].contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("invalid root key: expected 133 bytes but got {}", text.len() / 2))
}
