//! The `icp-restore` program: arguments in, exit code out.
fn main() {}
