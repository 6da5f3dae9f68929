//! What `run`, `dry-run` and `rehearse` have in common: which icp, which journal, which members.

use camino::{Utf8Path, Utf8PathBuf};

use super::{Exit, Failure, terminal::Terminal};
use crate::{
    diagnostic::suggest,
    icp::{Command, Icp, Options, Process},
    id::Name,
    plan::{self, Plan},
};

/// Which icp is run, and what it is told beside the plan.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Program {
    /// The icp program; by default the one in PATH.
    #[arg(long, env = "ICP_RESTORE_ICP", value_name = "PROGRAM", help_heading = "icp")]
    pub(super) icp: Option<Utf8PathBuf>,
    /// Passed on to icp; its path is not kept.
    #[arg(long, value_name = "FILE", help_heading = "icp")]
    pub(super) identity_password_file: Option<Utf8PathBuf>,
}

impl Program {
    /// The program, where the next command must name it too: what stands in the environment is there the next time as well.
    pub(super) fn named(&self) -> Option<&str> {
        self.icp.as_deref().filter(|_| std::env::var_os("ICP_RESTORE_ICP").is_none()).map(Utf8Path::as_str)
    }
}

/// What a verb prints that has nothing but these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One object.
    Json,
}

/// A command of ours, for people to paste into a shell.
pub(super) fn ours<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let args = words.into_iter().map(str::to_owned).collect();
    Command { program: "icp-restore".to_owned(), args }.to_string()
}

/// icp, aimed at the network of a plan.
pub(super) fn aim(program: &str, plan: &Plan, options: &Program, file: &Utf8Path) -> Icp {
    let local = plan.network.is_local();
    let options =
        Options { password_file: options.identity_password_file.clone(), folder: plan::folder(file).to_owned() };
    Icp::new(program, plan, &options, Box::new(Process::new(local)))
}

/// Where the journal of a plan lies, unless another place is named.
pub(super) fn journal_path(file: &Utf8Path, plan: &Name, only: &[String]) -> Utf8PathBuf {
    let folder = file.parent().unwrap_or(Utf8Path::new(""));
    match only {
        [] => folder.join(format!("{plan}.journal.jsonl")),
        only => folder.join(format!("{plan}.only-{}.journal.jsonl", only.join("-"))),
    }
}

/// The plan of some members, and of all that they depend on, alone.
pub(super) fn narrowed(plan: Plan, only: &[String], terminal: &Terminal) -> Result<Plan, Failure> {
    if only.is_empty() {
        return Ok(plan);
    }
    let mut names = Vec::new();
    for text in only {
        match text.parse::<Name>().ok().filter(|name| plan.member(name).is_some()) {
            Some(name) => names.push(name),
            None => return Err(no_member(text, &plan)),
        }
    }
    let plan = plan.only(&names);
    let members: Vec<&str> = plan.members.iter().map(|member| member.name.as_str()).collect();
    terminal.note(&format!("only, with what they depend on: {}", members.join(", ")));
    Ok(plan)
}

/// Of a member that the plan does not have.
pub(super) fn no_member(text: &str, plan: &Plan) -> Failure {
    let near = suggest::nearest(text, plan.members.iter().map(|member| member.name.as_str()));
    let help = near.map_or("name a member of the plan".to_owned(), |near| format!("there is `{near}`"));
    Failure::new(Exit::Usage, format!("no member is named `{}`", text.escape_debug())).with_help(help)
}

/// Bytes of memory that uploads may take together; nothing where neither plan nor system tells.
pub(super) fn upload_memory(plan: &Plan) -> Option<u64> {
    plan.limits.upload_memory.or(Some(free_memory()).filter(|free| *free > 0))
}

/// Bytes of memory that are free.
pub(super) fn free_memory() -> u64 {
    // Where the system does not tell, uploads go one after another.
    sysinfo::System::new().map_or(0, |mut system| {
        system.refresh_memory();
        system.available_memory()
    })
}
