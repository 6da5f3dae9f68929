//! Restores fleets of Internet Computer canisters from snapshots.
//!
//!

pub mod canic;
pub mod diagnostic;
pub mod id;
pub mod json;
