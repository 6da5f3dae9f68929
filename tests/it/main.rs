//! The tests of the built program.

mod artifact;
mod canic;
mod diagnostics;
mod fixtures;
mod measure;
mod project;
mod run;
mod simulate;
