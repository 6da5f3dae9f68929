//! The tests of the built program.

mod adopt;
mod artifact;
mod canic;
mod diagnostics;
mod fleets;
mod init;
mod measure;
mod project;
mod run;
mod simulate;
