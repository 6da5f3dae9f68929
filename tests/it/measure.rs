//! How exactly mistakes are pointed at: single mutations at known places, many of each kind, counted.

#![cfg(test)]
#![expect(clippy::print_stdout, reason = "the tables are what these tests are run for")]
#![expect(clippy::single_range_in_vec_init, reason = "places are lists, mostly of one")]
#![expect(clippy::needless_pass_by_value, reason = "edits are made by closures that give texts away")]

pub(crate) mod journal;
mod plan;
mod table;
