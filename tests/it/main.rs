//! The tests of the built program.

mod artifact;
mod canic;
mod diagnostics;
mod exit;
mod measure;
mod project;
mod reports;
mod run;
mod simulate;
