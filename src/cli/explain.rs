//! `explain`: the page of a code.

use super::{Exit, Failure, terminal::Terminal};
use crate::diagnostic::{Code, suggest};

/// Explain the code of a diagnostic: cause, example, cure.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  icp-restore explain E0106
  icp-restore explain        # all codes")]
pub(super) struct Args {
    /// The code, such as E0106; without one, all codes are listed.
    code: Option<String>,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let Some(text) = &args.code else {
        let lines: String = Code::ALL.iter().map(|code| format!("{}  {}\n", code.as_str(), code.title())).collect();
        terminal.print(&lines);
        return Ok(Exit::Done);
    };
    match Code::parse(text) {
        Some(code) => {
            terminal.print(code.page());
            Ok(Exit::Done)
        }
        None => {
            let near = suggest::nearest(&text.to_ascii_uppercase(), Code::ALL.iter().map(|code| code.as_str()));
            let help =
                near.map_or("`icp-restore explain` lists all codes".to_owned(), |near| format!("there is {near}"));
            let message = format!("there is no code `{}`", text.escape_debug());
            Err(Failure::new(Exit::Usage, message).with_help(help))
        }
    }
}
