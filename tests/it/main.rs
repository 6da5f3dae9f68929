//! The tests of the built program.

mod artifact;
mod canic;
mod diagnostics;
mod exit;
mod project;
mod reports;
mod simulate;
