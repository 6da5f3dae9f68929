//! The tests of the built program.

mod adopt;
mod artifact;
mod canic;
mod diagnostics;
mod exit;
mod fixtures;
mod fleets;
mod init;
mod measure;
mod project;
mod reports;
mod run;
mod said;
mod simulate;
