//! The `icp-restore` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    match icp_restore::simulate::main(std::env::args_os()) {
        Some(code) => code,
        None => icp_restore::cli::main(),
    }
}
