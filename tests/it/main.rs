//! The tests of the built program.

mod artifact;
mod diagnostics;
