//! The tests of the built program.

mod artifact;
mod canic;
mod diagnostics;
mod project;
mod simulate;
