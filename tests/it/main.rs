//! The tests of the built program.

mod artifact;
mod canic;
mod diagnostics;
mod fleets;
mod project;
mod run;
mod simulate;
