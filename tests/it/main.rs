//! The tests of the built program.

mod artifact;
mod canic;
mod diagnostics;
mod fleets;
mod measure;
mod project;
mod run;
mod simulate;
