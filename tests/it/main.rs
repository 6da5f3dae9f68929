//! The tests of the built program.

mod adopt;
mod artifact;
mod canic;
mod diagnostics;
mod init;
mod simulate;
