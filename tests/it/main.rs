//! The tests of the built program.

mod canic;
