//! The `icp-restore` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = icp_restore::simulate::main(std::env::args_os()) {
        return code;
    }
    ExitCode::SUCCESS
}
